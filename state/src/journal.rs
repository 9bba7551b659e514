//! [`Journal`]: the one overlay that every machine reads and writes through.
//!
//! It holds keys, balances (see [`crate::ledger`]), logs, the outbox, the warm set and counters, and one
//! [`Checkpoint`] covers all of it: what is not journaled here does not exist. Two journals kept in step by
//! hand are where multi-machine chains break (research: nearly every public bug is one of these).

use crate::read::merged_range;
use crate::{ChangeSet, Key, ReadError, StateRead};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use weft_types::{AccountId, Bytes, Log, U256};

/// A message that a machine put out for another; opaque until messages are built (design 04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEntry {
    /// The account that sends.
    pub from: AccountId,
    /// The message's canonical bytes.
    pub message: Bytes,
}

/// A place in the journal to come back to. Checkpoints nest: the last one opened is the first one closed.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a checkpoint is closed by `commit` or `revert`"]
pub struct Checkpoint {
    depth: usize,
    undo: usize,
}

/// Balances changed by another sum than what was minted and burnt. The block must not be committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("balances changed by {delta} (two's complement) where mint is {minted} and burn is {burnt}")]
pub struct SupplyViolation {
    /// Sum of all balance changes, modulo 2^256.
    pub delta: U256,
    /// Minted in the transaction.
    pub minted: U256,
    /// Burnt in the transaction.
    pub burnt: U256,
}

/// What a finished transaction leaves beside its writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionEffects {
    /// In the order of emission.
    pub logs: Vec<Log>,
    /// In the order of emission.
    pub outbox: Vec<OutboxEntry>,
}

/// Supply bookkeeping of the running transaction; sums are modulo 2^256 so that no order of changes can
/// overflow on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SupplyDelta {
    pub(crate) delta: U256,
    pub(crate) minted: U256,
    pub(crate) burnt: U256,
}

enum Undo {
    Write { key: Key, previous: Option<Option<Bytes>> },
    Log,
    Outbox,
    Warm(Key),
    Counter { name: &'static str, previous: u64 },
    Supply(SupplyDelta),
}

/// What the journal knows of a key.
#[derive(Default)]
struct Entry {
    /// What the base has, which never changes under a journal; `None` where it was not read.
    base: Option<Option<Bytes>>,
    /// What was written; `None` where nothing was, or where that was undone.
    written: Option<Option<Bytes>>,
    /// Whether [`Order`] has the key.
    ordered: bool,
}

/// The keys that were ever written, for ranges: sorted when one is asked for, since most blocks never ask and a map
/// that is kept sorted made reads and writes of a large block several times as slow.
#[derive(Default)]
struct Order {
    sorted: BTreeSet<Key>,
    fresh: Vec<Key>,
}

/// See the module.
pub struct Journal<'a> {
    base: &'a dyn StateRead,
    entries: HashMap<Key, Entry>,
    order: Order,
    logs: Vec<Log>,
    outbox: Vec<OutboxEntry>,
    warm: BTreeSet<Key>,
    counters: BTreeMap<&'static str, u64>,
    supply: SupplyDelta,
    undo: Vec<Undo>,
    depth: usize,
}

impl<'a> Journal<'a> {
    /// An empty journal over `base`.
    #[must_use]
    pub fn new(base: &'a dyn StateRead) -> Self {
        Self {
            base,
            entries: HashMap::new(),
            order: Order::default(),
            logs: Vec::new(),
            outbox: Vec::new(),
            warm: BTreeSet::new(),
            counters: BTreeMap::new(),
            supply: SupplyDelta::default(),
            undo: Vec::new(),
            depth: 0,
        }
    }

    /// The value under `key` as the running transaction sees it.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        let entry = match self.entries.get_mut(key) {
            Some(entry) => entry,
            None => self.entries.entry(key.to_vec()).or_default(),
        };
        if let Some(value) = entry.written.as_ref().or(entry.base.as_ref()) {
            return Ok(value.clone());
        }
        let value = self.base.get(key)?;
        entry.base = Some(value.clone());
        Ok(value)
    }

    /// Up to `limit` pairs with `from <= key < to`, ascending, as the running transaction sees them.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn range(&mut self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        self.merged(from, to, false, limit)
    }

    /// [`Self::range`] from the high end: the highest `limit` pairs, descending.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn range_back(
        &mut self,
        from: &[u8],
        to: &[u8],
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, ReadError> {
        self.merged(from, to, true, limit)
    }

    fn merged(
        &mut self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, ReadError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let Order { sorted, fresh } = &mut self.order;
        sorted.extend(fresh.drain(..));
        let keys = sorted.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        let written = keys.filter_map(|key| Some((key, self.entries.get(key)?.written.as_ref()?)));
        if reverse {
            merged_range(self.base, written.rev(), from, to, true, limit)
        } else {
            merged_range(self.base, written, from, to, false, limit)
        }
    }

    /// Writes `value` under `key`.
    pub fn set(&mut self, key: Key, value: Bytes) {
        self.write(key, Some(value));
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: Key) {
        self.write(key, None);
    }

    fn write(&mut self, key: Key, value: Option<Bytes>) {
        let entry = match self.entries.get_mut(&key) {
            Some(entry) => entry,
            None => self.entries.entry(key.clone()).or_default(),
        };
        let previous = entry.written.replace(value);
        if !entry.ordered {
            entry.ordered = true;
            self.order.fresh.push(key.clone());
        }
        self.undo.push(Undo::Write { key, previous });
    }

    /// Emits a log.
    pub fn log(&mut self, log: Log) {
        self.logs.push(log);
        self.undo.push(Undo::Log);
    }

    /// Logs of the running transaction so far.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Puts a message in the outbox.
    pub fn send(&mut self, entry: OutboxEntry) {
        self.outbox.push(entry);
        self.undo.push(Undo::Outbox);
    }

    /// Marks `key` as accessed in this transaction; true where it was not before (cold).
    pub fn warm(&mut self, key: &[u8]) -> bool {
        let cold = self.warm.insert(key.to_vec());
        if cold {
            self.undo.push(Undo::Warm(key.to_vec()));
        }
        cold
    }

    /// Adds one to the counter `name` of this transaction and returns what it was.
    ///
    /// # Panics
    /// After 2^64 calls in one transaction, which gas does not allow.
    pub fn count(&mut self, name: &'static str) -> u64 {
        let previous = self.counters.get(name).copied().unwrap_or(0);
        self.counters.insert(name, previous.checked_add(1).expect("a counter fits 64 bits"));
        self.undo.push(Undo::Counter { name, previous });
        previous
    }

    pub(crate) fn supply_delta(&self) -> SupplyDelta {
        self.supply
    }

    pub(crate) fn set_supply_delta(&mut self, supply: SupplyDelta) {
        self.undo.push(Undo::Supply(self.supply));
        self.supply = supply;
    }

    /// Opens a checkpoint over everything that the journal holds.
    pub fn checkpoint(&mut self) -> Checkpoint {
        self.depth += 1;
        Checkpoint { depth: self.depth, undo: self.undo.len() }
    }

    /// Keeps what was done since `checkpoint`, as part of what encloses it.
    ///
    /// # Panics
    /// Where a checkpoint that was opened later is still open: a machine lost one.
    pub fn commit(&mut self, checkpoint: Checkpoint) {
        assert_eq!(checkpoint.depth, self.depth, "checkpoints close in the order opposite to opening");
        self.depth -= 1;
    }

    /// Undoes all that was done since `checkpoint`.
    ///
    /// # Panics
    /// Where a checkpoint that was opened later is still open: a machine lost one.
    pub fn revert(&mut self, checkpoint: Checkpoint) {
        assert_eq!(checkpoint.depth, self.depth, "checkpoints close in the order opposite to opening");
        self.depth -= 1;
        for undo in self.undo.drain(checkpoint.undo..).rev() {
            match undo {
                Undo::Write { key, previous } => {
                    if let Some(entry) = self.entries.get_mut(&key) {
                        entry.written = previous;
                    }
                }
                Undo::Log => drop(self.logs.pop()),
                Undo::Outbox => drop(self.outbox.pop()),
                Undo::Warm(key) => drop(self.warm.remove(&key)),
                Undo::Counter { name, previous } => drop(self.counters.insert(name, previous)),
                Undo::Supply(previous) => self.supply = previous,
            }
        }
    }

    /// Ends the running transaction: checks the supply, hands out logs and outbox, forgets the warm set,
    /// counters and undo log. Writes stay for the next transaction of the block.
    ///
    /// # Errors
    /// [`SupplyViolation`]: a machine made or lost money. Nothing may be committed.
    ///
    /// # Panics
    /// Where a checkpoint is still open.
    pub fn end_transaction(&mut self) -> Result<TransactionEffects, SupplyViolation> {
        assert_eq!(self.depth, 0, "every checkpoint is closed before its transaction ends");
        let SupplyDelta { delta, minted, burnt } = std::mem::take(&mut self.supply);
        self.undo.clear();
        self.warm.clear();
        self.counters.clear();
        let effects = TransactionEffects {
            logs: std::mem::take(&mut self.logs),
            outbox: std::mem::take(&mut self.outbox),
        };
        if delta == minted.wrapping_sub(burnt) {
            Ok(effects)
        } else {
            Err(SupplyViolation { delta, minted, burnt })
        }
    }

    /// What changed against the base, without writes that left a value as it was.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    ///
    /// # Panics
    /// Where a checkpoint is still open.
    pub fn into_changes(self) -> Result<ChangeSet, ReadError> {
        assert_eq!(self.depth, 0, "every checkpoint is closed before its block ends");
        let mut writes: Vec<_> =
            self.entries.into_iter().filter(|(_, entry)| entry.written.is_some()).collect();
        writes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let mut changes = ChangeSet::default();
        for (key, Entry { base, written, .. }) in writes {
            let previous = match base {
                Some(previous) => previous,
                None => self.base.get(&key)?,
            };
            if let Some(value) = written.filter(|value| previous != *value) {
                changes.insert_over(key, value, previous);
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests;
