//! [`Kv`]: the seam below the store. Ordered tables of bytes, point reads, range scans, and batches that are
//! written all or not at all. Three backends behind one behaviour suite: [`MemoryKv`], [`FjallKv`] (the
//! default of a node) and [`SledKv`].

mod fjall;
mod memory;
mod sled;

pub use self::{fjall::FjallKv, memory::MemoryKv, sled::SledKv};

use crate::Key;
use weft_types::Bytes;

/// The tables of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Keys and values at the tip.
    State,
    /// Node records of the tree.
    Tree,
    /// What each height changed, and what was there before.
    History,
    /// Blocks, receipts and indexes, as the node lays them out.
    Chain,
    /// What the store says about itself.
    Meta,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 5] = [Self::State, Self::Tree, Self::History, Self::Chain, Self::Meta];

    /// The name on disk.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Tree => "tree",
            Self::History => "history",
            Self::Chain => "chain",
            Self::Meta => "meta",
        }
    }
}

/// Keys to scan: `from <= key < to`, from the low end or, reversed, from the high end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    /// The lowest key of the range.
    pub from: &'a [u8],
    /// The key behind the range; `None` scans to the end of the table.
    pub to: Option<&'a [u8]>,
    /// Whether the highest keys come first.
    pub reverse: bool,
    /// How many pairs at most.
    pub limit: usize,
}

impl<'a> Scan<'a> {
    /// Ascending, `from <= key < to`.
    #[must_use]
    pub fn forward(from: &'a [u8], to: Option<&'a [u8]>, limit: usize) -> Self {
        Self { from, to, reverse: false, limit }
    }

    /// Descending, `from <= key < to`.
    #[must_use]
    pub fn backward(from: &'a [u8], to: Option<&'a [u8]>, limit: usize) -> Self {
        Self { from, to, reverse: true, limit }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.limit == 0 || self.to.is_some_and(|to| to <= self.from)
    }
}

/// Writes that happen together. No key may be written twice in one batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) writes: Vec<(Table, Key, Option<Bytes>)>,
}

impl Batch {
    /// Sets `key`.
    pub fn put(&mut self, table: Table, key: Key, value: Bytes) {
        self.writes.push((table, key, Some(value)));
    }

    /// Removes `key`.
    pub fn remove(&mut self, table: Table, key: Key) {
        self.writes.push((table, key, None));
    }

    /// Number of writes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

/// Why a backend could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// Another process has the directory open. Retry when it is gone.
    #[error("another process has it open")]
    Locked,
    /// What is on disk can't be read back. Restore it.
    #[error("{0}")]
    Damaged(String),
    /// The disk or the backend failed. Stop.
    #[error("{0}")]
    Failed(String),
}

/// An ordered, durable store of bytes. Every call may come from any thread.
pub trait Kv: Send + Sync {
    /// `memory`, `fjall` or `sled`.
    fn name(&self) -> &'static str;

    /// The value under `key`.
    ///
    /// # Errors
    /// [`KvError`].
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// The pairs of `scan`, at most its limit. While a batch is being committed, a scan may see part of it.
    ///
    /// # Errors
    /// [`KvError`].
    fn scan(&self, table: Table, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, KvError>;

    /// Writes all of `batch` or nothing, whenever the process is killed; once a durable commit returned, it
    /// survives the loss of power, and so does all that was committed before it. To readers that come in
    /// between, the writes show in the order of the batch or all at once.
    ///
    /// # Errors
    /// [`KvError`]; whether the batch was written is then known only after opening again.
    fn commit(&self, batch: Batch, durable: bool) -> Result<(), KvError>;
}

#[cfg(test)]
mod suite;
