//! Runs a method off the async threads, for a bounded time and a bounded answer.

use super::dialect::Dialect;
use super::errors::{self, Fault};
use super::limits::RpcConfig;
use serde::Serialize;
use serde_json::value::RawValue;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Tells the thread to stop when whoever waited for it is gone.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The answer of `work`, which is told to stop by the flag when its time is over or nobody waits any more.
///
/// # Errors
/// What `work` fails with; the dialect's words where the time or the answer's size ran out.
pub(super) async fn run<T: Serialize>(
    config: &RpcConfig,
    dialect: &'static Dialect,
    work: impl FnOnce(&AtomicBool) -> Result<T, Fault> + Send + 'static,
) -> Result<Box<RawValue>, Fault> {
    let stop = StopOnDrop(Arc::default());
    let flag = stop.0.clone();
    let timeout_ms = config.call_timeout_ms;
    let max = usize::try_from(config.response_bytes).unwrap_or(usize::MAX);
    let mut work = tokio::task::spawn_blocking(move || encode(&work(&flag)?, max, dialect));
    let joined = match tokio::time::timeout(Duration::from_millis(timeout_ms), &mut work).await {
        Ok(joined) => joined,
        Err(_) => {
            stop.0.store(true, Ordering::Relaxed);
            // The slot is free only when the thread is; what it still finishes counts.
            match work.await {
                Ok(Err(_)) => return Err((dialect.timeout)(timeout_ms)),
                joined => joined,
            }
        }
    };
    joined.unwrap_or_else(|error| {
        tracing::error!(%error, "an RPC method panicked");
        Err(errors::internal("internal error"))
    })
}

/// JSON of at most `max` bytes.
fn encode<T: Serialize>(value: &T, max: usize, dialect: &Dialect) -> Result<Box<RawValue>, Fault> {
    let mut out = Bounded { bytes: Vec::new(), max };
    serde_json::to_writer(&mut out, value).map_err(|error| {
        if error.is_io() {
            return (dialect.limit)(&format!("the answer is larger than {max} bytes; ask for less"));
        }
        tracing::error!(%error, "an answer could not be written as JSON");
        errors::internal("internal error")
    })?;
    let text = String::from_utf8(out.bytes).map_err(|_| errors::internal("internal error"))?;
    RawValue::from_string(text).map_err(|_| errors::internal("internal error"))
}

/// Takes bytes up to a bound.
struct Bounded {
    bytes: Vec<u8>,
    max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(buf.len()) > self.max {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.bytes.extend_from_slice(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::ETH;
    use super::*;

    #[test]
    fn answers_are_bounded() {
        assert_eq!(encode(&"abc", 5, &ETH).unwrap().get(), "\"abc\"");
        assert_eq!(encode(&"abc", 4, &ETH).unwrap_err().code(), errors::LIMIT);
        assert_eq!(encode(&alloy_primitives::Bytes::from(vec![1]), 100, &ETH).unwrap().get(), "\"0x01\"");
    }
}
