//! [`Publisher`]: posts batches until derivation has seen them, and never wedges.
//!
//! ```text
//! submit_batch ──fsync──> queue ──attempt, fsync──> DaLayer::submit ──> receipt or unknown outcome
//!                           ^                                                    │
//!                           └── landed (each Celestia block that was derived) <──┘ looks before it sends again
//! ```
//! In: prepared batches, and what derivation made of each Celestia block. Out: blobs on Celestia, and an event
//! for every batch: [`PublisherEvent::Included`] or [`PublisherEvent::Dropped`].
//!
//! Invariants, as negatives:
//! - No batch is called included because a call returned; only because derivation has its last block.
//! - Nothing is sent that is not on disk, and after an unknown outcome (a lost reply, a killed process) nothing is
//!   sent again before derivation has passed the heights where it could have landed.
//! - No answer of an endpoint ends the loop. What a person must mend is an alarm in [`PublisherStatus`], and
//!   is tried again by itself.
//! - A full queue refuses the sequencer, which slows; it never stops what is queued from being posted.
//!
//! Blobs that land twice cost a fee and change nothing, since derivation takes a batch only on top of the tip.

mod queue;
mod run;
mod store;
#[cfg(test)]
mod tests;

use crate::derive::{Derivation, DiscardedFrom};
use crate::layer::{DaLayer, GasPrice};
use crate::verify::VerifiedDaBlock;
use alloy_rlp::{RlpDecodable, RlpEncodable};
use parking_lot::Mutex;
use queue::Queue;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::sync::{Notify, broadcast};
use weft_types::{B256, Bytes, DaHeight, Height, Namespace};

/// Events that a slow subscriber may fall behind before it loses some.
const EVENTS_MAX: usize = 1_024;

/// A signed and encoded batch, ready to be posted.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct PreparedBatch {
    /// The sequencer's number of it.
    pub batch_no: u64,
    /// Height of its first block.
    pub first_height: Height,
    /// Height of its last block.
    pub last_height: Height,
    /// Order hash of the block below `first_height`.
    pub prev_order_hash: B256,
    /// Order hash of the block at `last_height`.
    pub order_hash: B256,
    /// What is posted, in this order: the whole batch, or all of its chunks. None is empty.
    pub blobs: Vec<Bytes>,
}

impl PreparedBatch {
    fn bytes(&self) -> usize {
        self.blobs.iter().map(Bytes::len).sum()
    }

    fn blocks(&self) -> u64 {
        self.last_height.since(self.first_height).saturating_add(1)
    }
}

/// What derivation made of one Celestia block, as far as the publisher needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The Celestia height that was derived.
    pub da_height: DaHeight,
    /// [`blob_hash`] of each blob in the batch namespace there.
    pub blobs: Vec<B256>,
    /// Height and order hash of each block that it gave, in order.
    pub blocks: Vec<(Height, B256)>,
    /// The tip after it: height and order hash.
    pub tip: (Height, B256),
    /// Why blobs of the batch namespace were discarded there: their hash and the reason.
    pub discarded: Vec<(B256, String)>,
}

/// Names a blob by its bytes.
#[must_use]
pub fn blob_hash(data: &[u8]) -> B256 {
    B256::new(Sha256::digest(data).into())
}

/// What an operator chooses, and what genesis fixes of it.
#[derive(Clone, Debug)]
pub struct PublisherConfig {
    /// Genesis' batch namespace.
    pub namespace: Namespace,
    /// The most that the operator pays.
    pub price_ceiling: GasPrice,
    /// Most bytes of blobs in one Celestia transaction. Halved for as long as the chain calls them too large.
    pub transaction_bytes_max: usize,
    /// Celestia blocks past the head at an unknown outcome that derivation must have seen before blobs that were
    /// not among them are sent again.
    pub settle_blocks: u64,
    /// The first wait after a failure; doubles from there.
    pub retry_min: Duration,
    /// The longest wait after a failure.
    pub retry_max: Duration,
    /// Most batches that wait. Past it [`Publisher::submit_batch`] refuses.
    pub batches_max: usize,
    /// Most bytes that wait. Past it [`Publisher::submit_batch`] refuses.
    pub bytes_max: usize,
}

impl PublisherConfig {
    /// What suits Celestia's mainnet: a ceiling of 0.4 utia (the node's own), 7.5 MiB of the 8 MiB that a
    /// transaction may have, and 12 blocks (31 seconds) until an unknown outcome counts as lost.
    #[must_use]
    pub fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            price_ceiling: GasPrice(400_000_000),
            transaction_bytes_max: 15 << 19,
            settle_blocks: 12,
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(10),
            batches_max: 10_000,
            bytes_max: 1 << 30,
        }
    }
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublisherEvent {
    /// Derivation has all of its blocks.
    Included {
        /// Which.
        batch_no: u64,
        /// Its last block.
        last_height: Height,
        /// The Celestia height by which it was derived.
        da_height: DaHeight,
    },
    /// It can never be included, and is no longer tried. All batches that build on it are dropped with it, each with
    /// its own event. Blocks of it that still fit on derivation's tip can go into a new batch.
    Dropped {
        /// Which.
        batch_no: u64,
        /// Its first block.
        first_height: Height,
        /// Its last block.
        last_height: Height,
        /// One sentence.
        why: String,
    },
}

/// What waits to be included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Blocks in prepared batches.
    pub blocks: u64,
    /// Bytes of their blobs.
    pub bytes: usize,
    /// Prepared batches.
    pub batches: usize,
}

/// For `weft_status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublisherStatus {
    /// What waits.
    pub backlog: Backlog,
    /// Transactions sent since the start.
    pub sent: u64,
    /// Of them, how many held blobs that had been sent before.
    pub resent: u64,
    /// The price that was raised to; `None` while the endpoint's estimate does.
    pub price: Option<GasPrice>,
    /// The last batch that derivation has.
    pub included: Option<u64>,
    /// The last failure; cleared when a transaction is taken.
    pub trouble: Option<String>,
    /// What a person must mend: what, where, and how. Posting goes on by itself once it is.
    pub alarm: Option<String>,
}

/// Why a batch was not taken, or the publisher not opened.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// Slow down: try again when the backlog is smaller.
    #[error("the publisher holds {batches} batches with {bytes} bytes, which is its bound")]
    Full {
        /// Batches that wait.
        batches: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// A mistake of the caller: the batch does not follow on what waits.
    #[error("batch {batch_no} does not follow on batch {after}, which waits before it")]
    OutOfOrder {
        /// The one refused.
        batch_no: u64,
        /// The last that waits.
        after: u64,
    },
    /// A mistake of the caller: there is nothing to post.
    #[error("batch {0} has no blob, or an empty one")]
    Empty(u64),
    /// The disk failed.
    #[error("publisher store {path}: {source}")]
    Disk {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the store is damaged.
    #[error("publisher store {0} is damaged; delete it, and its blocks are batched again")]
    Damaged(String),
}

struct Inner {
    layer: Arc<dyn DaLayer>,
    config: PublisherConfig,
    store: Store,
    writing: Mutex<()>,
    queue: Mutex<Queue>,
    /// Rung whenever the queue changed.
    changed: Notify,
    events: broadcast::Sender<PublisherEvent>,
}

/// The one writer of a posting key. Cheap to clone; all clones are one publisher.
#[derive(Clone)]
pub struct Publisher(Arc<Inner>);

impl Publisher {
    /// Opens the store in `dir` (made where it is missing) and takes up what waits there. Call
    /// [`Self::resume`] before [`Self::run`]. Reads files, so it blocks.
    ///
    /// # Errors
    /// [`PublisherError::Disk`], [`PublisherError::Damaged`].
    pub fn open(
        dir: &Path,
        layer: Arc<dyn DaLayer>,
        config: PublisherConfig,
    ) -> Result<Self, PublisherError> {
        let (store, batches, attempt) = Store::open(dir)?;
        let queue = Queue::new(batches, attempt, config.transaction_bytes_max);
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let (writing, queue) = (Mutex::new(()), Mutex::new(queue));
        Ok(Self(Arc::new(Inner { layer, config, store, writing, queue, changed: Notify::new(), events })))
    }

    /// Tells where derivation stands when the node starts: the last Celestia height that was derived, the tip, and
    /// the order hash of derived blocks. Batches that landed while the publisher was down are found here.
    pub fn resume(
        &self,
        da_height: DaHeight,
        tip: (Height, B256),
        order_hash: impl Fn(Height) -> Option<B256>,
    ) {
        let ends = self.0.queue.lock().ends();
        let blocks = ends
            .into_iter()
            .filter(|height| *height <= tip.0)
            .filter_map(|height| order_hash(height).map(|hash| (height, hash)))
            .collect();
        self.tell(&Seen { da_height, blobs: Vec::new(), blocks, tip, discarded: Vec::new() });
    }

    /// Writes the batch to disk and queues it. When it returns, the batch survives a crash.
    ///
    /// # Errors
    /// [`PublisherError`]; nothing was queued then.
    pub async fn submit_batch(&self, batch: PreparedBatch) -> Result<(), PublisherError> {
        let this = self.clone();
        let write = move || {
            // Held over the write so that batches reach disk and queue in one order; the queue's own lock is not, since
            // derivation waits for that one.
            let _writing = this.0.writing.lock();
            this.0.queue.lock().admit(&batch, &this.0.config)?;
            this.0.store.put(&batch)?;
            this.0.queue.lock().push(batch);
            this.0.changed.notify_one();
            Ok(())
        };
        tokio::task::spawn_blocking(write).await.expect("writing a batch does not panic")
    }

    /// Tells what derivation made of a Celestia block, after it is committed. To be called for every one, also for
    /// those without a blob: the height tells how long to look for what has an unknown outcome.
    pub fn landed(&self, block: &VerifiedDaBlock, derivation: &Derivation) {
        self.tell(&Seen::of(block, derivation));
    }

    /// [`Self::landed`] with its essence already extracted.
    pub fn tell(&self, seen: &Seen) {
        let events = self.0.queue.lock().seen(seen);
        for event in events {
            self.0.settle(event);
        }
        self.0.changed.notify_one();
    }

    /// What waits. The sequencer slows down by it.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        self.0.queue.lock().backlog()
    }

    /// For `weft_status`.
    #[must_use]
    pub fn status(&self) -> PublisherStatus {
        self.0.queue.lock().status()
    }

    /// The number that a next batch must exceed because of what waits; `None` where nothing does.
    #[must_use]
    pub fn last_batch_no(&self) -> Option<u64> {
        self.0.queue.lock().last().map(|batch| batch.batch_no)
    }

    /// The last block that is in a waiting batch: the next batch starts above it. `None` where nothing waits: the next
    /// batch starts above derivation's tip.
    #[must_use]
    pub fn last_height(&self) -> Option<Height> {
        self.0.queue.lock().last().map(|batch| batch.last_height)
    }

    /// What becomes of batches from now on. One that falls [`EVENTS_MAX`] behind loses some.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<PublisherEvent> {
        self.0.events.subscribe()
    }
}

impl Seen {
    /// The essence of a derived Celestia block.
    #[must_use]
    pub fn of(block: &VerifiedDaBlock, derivation: &Derivation) -> Self {
        let blobs: Vec<B256> = block.batch_blobs().iter().map(|blob| blob_hash(&blob.data)).collect();
        let tip = derivation.state.tip();
        let discarded = derivation
            .discarded
            .iter()
            .filter(|discarded| discarded.namespace == DiscardedFrom::Batch)
            .filter_map(|discarded| {
                let at = block.batch_blobs().iter().position(|blob| blob.index == discarded.blob_index)?;
                Some((*blobs.get(at)?, discarded.reason.to_string()))
            })
            .collect();
        Self {
            da_height: block.height(),
            blobs,
            blocks: derivation.blocks.iter().map(|l| (l.block.height, l.block.order_hash)).collect(),
            tip: (tip.height, tip.order_hash),
            discarded,
        }
    }
}

impl Inner {
    /// Takes a batch that is done with off the disk and says so.
    fn settle(&self, event: PublisherEvent) {
        let batch_no = match &event {
            PublisherEvent::Included { batch_no, last_height, da_height } => {
                tracing::debug!(batch_no, %last_height, %da_height, "batch is included");
                *batch_no
            }
            PublisherEvent::Dropped { batch_no, first_height, last_height, why } => {
                tracing::error!(batch_no, %first_height, %last_height, why, "batch is dropped");
                *batch_no
            }
        };
        // Failing to delete costs nothing: the next start finds it settled and deletes it again.
        if let Err(error) = self.store.delete(batch_no) {
            tracing::warn!(batch_no, %error, "could not delete a settled batch");
        }
        // No subscriber is no fault.
        let _ = self.events.send(event);
    }
}
