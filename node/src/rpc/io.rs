//! [`Paced`]: a connection that is not read while its client does not take in what was sent to it.
//!
//! Without this a websocket client could send calls for ever and never read an answer, and each answer would
//! wait in memory. A client that takes in nothing for too long is cut off.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// See the module.
#[derive(Debug)]
pub(super) struct Paced<T> {
    inner: T,
    patience: Duration,
    /// Set while the last write found no room.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Who wanted to read meanwhile.
    reader: Option<Waker>,
}

impl<T> Paced<T> {
    /// `inner`, cut off when its peer takes in nothing for as long as `patience` while something is sent.
    pub(super) fn new(inner: T, patience: Duration) -> Self {
        Self { inner, patience, stalled: None, reader: None }
    }

    /// Keeps account of whether a write found room.
    fn track<R>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match written {
            Poll::Ready(result) => {
                self.stalled = None;
                if let Some(reader) = self.reader.take() {
                    reader.wake();
                }
                Poll::Ready(result)
            }
            Poll::Pending => {
                let patience = self.patience;
                let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                match timer.as_mut().poll(cx) {
                    Poll::Ready(()) => {
                        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
                    }
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.stalled.is_some() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.track(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.track(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_cut_off_and_not_read() {
        let (server, mut client) = tokio::io::duplex(16);
        let mut paced = Paced::new(server, Duration::from_millis(20));
        client.write_all(b"calls").await.unwrap();
        let error = paced.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let mut buf = [0; 5];
        let read = tokio::time::timeout(Duration::from_millis(20), paced.read_exact(&mut buf)).await;
        assert!(read.is_err(), "must not read while the client takes in nothing");
    }

    #[tokio::test]
    async fn reading_goes_on_when_the_client_reads() {
        let (server, mut client) = tokio::io::duplex(16);
        let (mut read, mut write) = tokio::io::split(Paced::new(server, Duration::from_secs(30)));
        let writer = tokio::spawn(async move { write.write_all(&[7; 64]).await });
        client.write_all(b"calls").await.unwrap();
        let reader = tokio::spawn(async move {
            let mut buf = [0; 5];
            read.read_exact(&mut buf).await.map(|_| buf)
        });
        let mut taken = [0; 64];
        client.read_exact(&mut taken).await.unwrap();
        writer.await.unwrap().unwrap();
        assert_eq!(&reader.await.unwrap().unwrap(), b"calls");
    }
}
