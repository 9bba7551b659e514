//! The publisher's loop: one submission at a time, and what follows from each outcome.

use super::queue::{Next, Submission};
use super::store::Attempt;
use super::{Inner, Publisher, PublisherError};
use crate::batch;
use crate::blob::NewBlob;
use crate::layer::{DaError, DaReceipt};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use weft_types::DaHeight;

/// Celestia blocks past the height of a receipt after which a blob that is not there is sent again.
const RECEIPT_MARGIN: u64 = 2;

impl Publisher {
    /// Posts what waits, until it is cancelled. Cancelling while a submission is under way is the same as a crash
    /// there: the next start looks for it before it sends again.
    pub async fn run(&self, cancel: CancellationToken) {
        let mut pace = Pace::new(self.0.config.retry_min, self.0.config.retry_max);
        // Dropping the step at any await is safe: what must be known is on disk before.
        while cancel.run_until_cancelled(self.0.step(&mut pace)).await.is_some() {}
    }
}

/// How long to wait after a failure.
struct Pace {
    builder: ExponentialBuilder,
    delays: ExponentialBackoff,
    longest: Duration,
}

impl Pace {
    fn new(shortest: Duration, longest: Duration) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(shortest)
            .with_max_delay(longest)
            .without_max_times()
            .with_jitter();
        Self { builder, delays: builder.build(), longest }
    }

    fn reset(&mut self) {
        self.delays = self.builder.build();
    }

    async fn pause(&mut self) {
        tokio::time::sleep(self.delays.next().unwrap_or(self.longest)).await;
    }

    async fn pause_long(&self) {
        tokio::time::sleep(self.longest).await;
    }
}

impl Inner {
    async fn step(self: &Arc<Self>, pace: &mut Pace) {
        let next = self.queue.lock().next(self.config.price_ceiling);
        match next {
            Next::Wait => self.changed.notified().await,
            Next::FindHead => match self.layer.head().await {
                Ok(head) => self.queue.lock().look_until(head.height, self.config.settle_blocks),
                Err(error) => {
                    self.trouble(&error);
                    pace.pause().await;
                }
            },
            Next::Send(submission) => self.send(submission, pace).await,
        }
    }

    async fn send(self: &Arc<Self>, submission: Submission, pace: &mut Pace) {
        let head = match self.layer.head().await {
            Ok(head) => head.height,
            Err(error) => {
                self.trouble(&error);
                return pace.pause().await;
            }
        };
        if let Err(error) = self.write_attempt(&submission, head).await {
            self.alarm(format!("nothing is posted while the disk fails: {error}"));
            return pace.pause().await;
        }
        let namespace = self.config.namespace;
        let blobs = submission.blobs.iter().map(|data| NewBlob { namespace, data: data.clone() }).collect();
        self.queue.lock().count_sent(submission.again);
        let outcome = self.layer.submit(blobs, submission.fee).await;
        self.follow_up(outcome, &submission, head, pace).await;
    }

    async fn write_attempt(
        self: &Arc<Self>,
        submission: &Submission,
        head: DaHeight,
    ) -> Result<(), PublisherError> {
        let attempt = Attempt { blobs: submission.hashes.clone(), head };
        let this = Arc::clone(self);
        let write = move || {
            this.store.put_attempt(&attempt)?;
            this.queue.lock().begin(attempt);
            Ok(())
        };
        tokio::task::spawn_blocking(write).await.expect("writing an attempt does not panic")
    }

    async fn follow_up(
        self: &Arc<Self>,
        outcome: Result<DaReceipt, DaError>,
        submission: &Submission,
        head: DaHeight,
        pace: &mut Pace,
    ) {
        let error = match outcome {
            Ok(receipt) => {
                pace.reset();
                let mut queue = self.queue.lock();
                queue.taken(self.config.transaction_bytes_max);
                // The height is a claim. One far ahead must not make us look for ever.
                let furthest = head.0.saturating_add(self.config.settle_blocks);
                let claimed = DaHeight(receipt.height.0.min(furthest));
                return queue.look_until(claimed, RECEIPT_MARGIN);
            }
            // The loop asks for the head and looks from there.
            Err(error @ DaError::UnknownOutcome(_)) => return self.trouble(&error),
            Err(error) => error,
        };
        self.trouble(&error);
        self.queue.lock().not_sent();
        if let Err(error) = self.store.delete_attempt() {
            tracing::warn!(%error, "could not delete an attempt that was refused");
        }
        match error {
            DaError::RaisePrice(_) => {
                if self.queue.lock().raise(self.config.price_ceiling) {
                    return;
                }
                self.alarm(format!(
                    "Celestia asks for more than the ceiling of {}: raise the ceiling, or wait ({error})",
                    self.config.price_ceiling
                ));
                pace.pause_long().await;
            }
            DaError::TooLarge(_) => {
                if self.queue.lock().split(submission) {
                    return;
                }
                let Err(why) = self.recut(submission).await else { return };
                self.alarm(format!(
                    "Celestia takes no blob of {} bytes, and it can't be cut smaller: {why} ({error})",
                    submission.bytes()
                ));
                pace.pause_long().await;
            }
            DaError::Stop(sentence) => {
                self.alarm(sentence);
                pace.pause_long().await;
            }
            DaError::Retry(_) | DaError::Lied { .. } | DaError::UnknownOutcome(_) => pace.pause().await,
        }
    }

    /// Puts a batch whose one blob was too large into blobs of half the size.
    async fn recut(self: &Arc<Self>, submission: &Submission) -> Result<(), String> {
        let (this, bytes) = (Arc::clone(self), submission.bytes() / 2);
        let blob = *submission.hashes.first().ok_or("there is no blob")?;
        let cut = move || {
            let _writing = this.writing.lock();
            // A batch that was settled meanwhile needs nothing.
            let Some(mut batch) = this.queue.lock().holding(blob) else { return Ok(()) };
            let blobs = batch::recut(&batch.blobs, bytes).ok_or("it is no batch of ours")?;
            batch.blobs = blobs.map_err(|error| error.to_string())?;
            this.store.put(&batch).map_err(|error| error.to_string())?;
            tracing::warn!(
                batch_no = batch.batch_no,
                blobs = batch.blobs.len(),
                "a batch is cut into smaller blobs"
            );
            this.queue.lock().replace(batch);
            Ok(())
        };
        tokio::task::spawn_blocking(cut).await.expect("cutting a batch does not panic")
    }

    fn trouble(&self, error: &DaError) {
        tracing::warn!(%error, "posting failed");
        self.queue.lock().trouble(error.to_string());
    }

    fn alarm(&self, what: String) {
        tracing::error!(alarm = what, "posting needs an operator");
        self.queue.lock().alarm(what);
    }
}
