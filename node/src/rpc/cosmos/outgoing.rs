//! What goes out on one websocket: answers and notifications, within bounds of number and bytes.

use super::news::Notification;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures::SinkExt;
use futures::stream::SplitSink;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Messages that wait for a slow client.
const MESSAGE_QUEUE: usize = 512;
/// Bytes of them. One message alone may have more.
const WAITING_BYTES_MAX: usize = 4 << 20;
/// Bytes of large messages that are on their way to all clients at the same time. Whoever takes one in slowly has it for
/// [`SEND_PATIENCE`] at most.
pub(super) const WRITING_BYTES_MAX: usize = 256 << 20;
/// A message that is larger waits for its part of [`WRITING_BYTES_MAX`].
const LARGE_BYTES: usize = 256 << 10;
/// It is asked for a sign of life this often...
const PING_EVERY: Duration = Duration::from_secs(30);
/// A client that takes in nothing for so long is cut off.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

/// What goes out.
pub(super) enum Outgoing {
    Answer(String),
    Event(Notification),
}

impl Outgoing {
    fn len(&self) -> usize {
        match self {
            Self::Answer(text) => text.len(),
            Self::Event(event) => event.len(),
        }
    }

    fn text(self) -> String {
        match self {
            Self::Answer(text) => text,
            Self::Event(event) => event.text(),
        }
    }
}

/// The way to the writer.
#[derive(Clone)]
pub(super) struct Out {
    queue: mpsc::Sender<(Outgoing, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl Out {
    /// It, and what the writer is to send.
    pub(super) fn new() -> (Self, mpsc::Receiver<(Outgoing, OwnedSemaphorePermit)>) {
        let (queue, waiting) = mpsc::channel(MESSAGE_QUEUE);
        (Self { queue, room: Arc::new(Semaphore::new(WAITING_BYTES_MAX)) }, waiting)
    }

    /// Waits until there is room; false where nobody takes anything in any more.
    pub(super) async fn send(&self, message: Outgoing) -> bool {
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(permits(&message, WAITING_BYTES_MAX)).await
        else {
            return false;
        };
        self.queue.send((message, room)).await.is_ok()
    }

    /// [`Self::send`] of an answer.
    pub(super) async fn say(&self, text: String) -> bool {
        self.send(Outgoing::Answer(text)).await
    }
}

fn permits(message: &Outgoing, max: usize) -> u32 {
    u32::try_from(message.len().min(max)).unwrap_or(u32::MAX)
}

/// Sends what waits, and asks for signs of life, until the client is gone or too slow.
pub(super) async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut waiting: mpsc::Receiver<(Outgoing, OwnedSemaphorePermit)>,
    writing: Arc<Semaphore>,
) {
    let mut pings = tokio::time::interval(PING_EVERY);
    pings.tick().await;
    loop {
        let (message, _held) = tokio::select! {
            _ = pings.tick() => (Message::Ping(bytes::Bytes::new()), None),
            message = waiting.recv() => match message {
                Some((message, room)) => {
                    let large = message.len() > LARGE_BYTES;
                    let part = permits(&message, WRITING_BYTES_MAX);
                    let part = if large { Arc::clone(&writing).acquire_many_owned(part).await.ok() } else { None };
                    (Message::Text(Utf8Bytes::from(message.text())), Some((room, part)))
                }
                None => return,
            },
        };
        match tokio::time::timeout(SEND_PATIENCE, sink.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return,
        }
    }
}
