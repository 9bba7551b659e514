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

/// See the module.
pub struct Journal<'a> {
    base: &'a dyn StateRead,
    /// Reads of the base, which never changes under a journal.
    read: HashMap<Key, Option<Bytes>>,
    writes: BTreeMap<Key, Option<Bytes>>,
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
            read: HashMap::new(),
            writes: BTreeMap::new(),
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
        if let Some(written) = self.writes.get(key) {
            return Ok(written.clone());
        }
        if let Some(read) = self.read.get(key) {
            return Ok(read.clone());
        }
        let value = self.base.get(key)?;
        self.read.insert(key.to_vec(), value.clone());
        Ok(value)
    }

    /// Up to `limit` pairs with `from <= key < to`, ascending, as the running transaction sees them.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn range(&mut self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        if from >= to {
            return Ok(Vec::new());
        }
        let written = self.writes.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        merged_range(self.base, written, from, to, limit)
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
        let previous = self.writes.insert(key.clone(), value);
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
                Undo::Write { key, previous: Some(value) } => drop(self.writes.insert(key, value)),
                Undo::Write { key, previous: None } => drop(self.writes.remove(&key)),
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
    pub fn into_changes(mut self) -> Result<ChangeSet, ReadError> {
        assert_eq!(self.depth, 0, "every checkpoint is closed before its block ends");
        let mut changes = ChangeSet::default();
        for (key, value) in std::mem::take(&mut self.writes) {
            let previous = self.get(&key)?;
            if previous != value {
                changes.insert_over(key, value, previous);
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EmptyState, Overlay, key};
    use proptest::prelude::*;
    use std::sync::Arc;
    use weft_types::{B256, VmId};

    #[derive(Clone, Debug)]
    enum Op {
        Set(u8, u8),
        Remove(u8),
        Balance(u8, u8),
        Mint(u8),
        Burn(u8),
        Log(u8),
        Send(u8),
        Warm(u8),
        Count(bool),
        Checkpoint,
        Commit,
        Revert,
    }

    /// The journal as it would be written without any cleverness: a checkpoint clones everything.
    #[derive(Clone, Default)]
    struct Model {
        state: BTreeMap<Key, Bytes>,
        logs: Vec<Log>,
        outbox: Vec<OutboxEntry>,
        warm: BTreeSet<Key>,
        counters: BTreeMap<&'static str, u64>,
        delta: U256,
        minted: U256,
        burnt: U256,
    }

    impl Model {
        fn amount(&self, key: &[u8]) -> U256 {
            self.state.get(key).map_or(U256::ZERO, |bytes| U256::from_be_slice(bytes))
        }

        fn set_amount(&mut self, key: Key, wei: U256) {
            if wei.is_zero() {
                self.state.remove(&key);
            } else {
                self.state.insert(key, wei.to_be_bytes::<32>().to_vec().into());
            }
        }
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0..12_u8, any::<u8>()).prop_map(|(k, v)| Op::Set(k, v)),
            2 => (0..12_u8).prop_map(Op::Remove),
            3 => (0..4_u8, 0..8_u8).prop_map(|(a, wei)| Op::Balance(a, wei)),
            1 => any::<u8>().prop_map(Op::Mint),
            1 => any::<u8>().prop_map(Op::Burn),
            1 => any::<u8>().prop_map(Op::Log),
            1 => any::<u8>().prop_map(Op::Send),
            1 => (0..4_u8).prop_map(Op::Warm),
            1 => any::<bool>().prop_map(Op::Count),
            3 => Just(Op::Checkpoint),
            2 => Just(Op::Commit),
            2 => Just(Op::Revert),
        ]
    }

    fn some_key(k: u8) -> Key {
        key::key(VmId::TOY, 1, &[k])
    }

    fn account(a: u8) -> AccountId {
        AccountId(B256::repeat_byte(a))
    }

    fn a_log(n: u8) -> Log {
        Log { account: B256::repeat_byte(n), topics: Vec::new(), data: vec![n].into() }
    }

    fn base() -> Overlay {
        let mut changes: ChangeSet =
            (0..12).step_by(3).map(|k| (some_key(k), Some(Bytes::from(vec![k, k])))).collect();
        changes.insert(key::ledger(account(1)), Some(U256::from(5).to_be_bytes::<32>().to_vec().into()));
        changes.insert(key::supply(), Some(U256::from(5).to_be_bytes::<32>().to_vec().into()));
        Overlay::new(Arc::new(EmptyState), Arc::new(changes))
    }

    fn apply(op: Op, journal: &mut Journal<'_>, model: &mut Model, open: &mut Vec<(Checkpoint, Model)>) {
        match op {
            Op::Set(k, v) => {
                journal.set(some_key(k), vec![v].into());
                model.state.insert(some_key(k), vec![v].into());
            }
            Op::Remove(k) => {
                journal.remove(some_key(k));
                model.state.remove(&some_key(k));
            }
            Op::Balance(a, wei) => {
                let (key, wei) = (key::ledger(account(a)), U256::from(wei));
                journal.set_balance(account(a), wei).expect("memory");
                model.delta = model.delta.wrapping_add(wei).wrapping_sub(model.amount(&key));
                model.set_amount(key, wei);
            }
            Op::Mint(wei) => {
                journal.mint(U256::from(wei)).expect("memory");
                model.minted = model.minted.wrapping_add(U256::from(wei));
                model.set_amount(key::supply(), model.amount(&key::supply()).wrapping_add(U256::from(wei)));
            }
            Op::Burn(wei) => {
                journal.burn(U256::from(wei)).expect("memory");
                model.burnt = model.burnt.wrapping_add(U256::from(wei));
                model.set_amount(key::supply(), model.amount(&key::supply()).wrapping_sub(U256::from(wei)));
            }
            Op::Log(n) => {
                journal.log(a_log(n));
                model.logs.push(a_log(n));
            }
            Op::Send(n) => {
                let entry = OutboxEntry { from: account(n), message: vec![n].into() };
                journal.send(entry.clone());
                model.outbox.push(entry);
            }
            Op::Warm(k) => assert_eq!(journal.warm(&some_key(k)), model.warm.insert(some_key(k))),
            Op::Count(which) => {
                let name = if which { "one" } else { "two" };
                let counter = model.counters.entry(name).or_default();
                assert_eq!(journal.count(name), *counter);
                *counter += 1;
            }
            Op::Checkpoint => open.push((journal.checkpoint(), model.clone())),
            Op::Commit => {
                if let Some((checkpoint, _)) = open.pop() {
                    journal.commit(checkpoint);
                }
            }
            Op::Revert => {
                if let Some((checkpoint, before)) = open.pop() {
                    journal.revert(checkpoint);
                    *model = before;
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_journal_is_its_naive_model(transactions in prop::collection::vec(prop::collection::vec(op(), 0..60), 1..4)) {
            let base = base();
            let before: BTreeMap<Key, Bytes> = base.range(&[], &[0xff; 40], 100).expect("memory").into_iter().collect();
            let mut journal = Journal::new(&base);
            let mut model = Model { state: before.clone(), ..Model::default() };
            for transaction in transactions {
                let mut open = Vec::new();
                for op in transaction {
                    apply(op, &mut journal, &mut model, &mut open);
                    let state: Vec<_> = model.state.clone().into_iter().collect();
                    prop_assert_eq!(journal.range(&[], &[0xff; 40], 100).expect("memory"), state.clone());
                    prop_assert_eq!(journal.range(&[], &[0xff; 40], 3).expect("memory"), &state[..state.len().min(3)]);
                    prop_assert_eq!(journal.logs(), &model.logs[..]);
                }
                for (checkpoint, _) in open.into_iter().rev() {
                    journal.commit(checkpoint);
                }
                let Model { logs, outbox, delta, minted, burnt, .. } = model.clone();
                let expected = if delta == minted.wrapping_sub(burnt) {
                    Ok(TransactionEffects { logs, outbox })
                } else {
                    Err(SupplyViolation { delta, minted, burnt })
                };
                prop_assert_eq!(journal.end_transaction(), expected);
                model = Model { state: model.state, ..Model::default() };
            }
            let keys: BTreeSet<_> = before.keys().chain(model.state.keys()).cloned().collect();
            let changes = keys.into_iter().filter(|key| before.get(key) != model.state.get(key));
            let expected: ChangeSet = changes.map(|key| (key.clone(), model.state.get(&key).cloned())).collect();
            let changes = journal.into_changes().expect("memory");
            prop_assert_eq!(&changes, &expected);
            for (key, change) in changes.changes() {
                prop_assert_eq!(change.previous.as_ref(), Some(&before.get(key).cloned()));
            }
        }
    }

    #[test]
    fn money_from_nowhere_fails_the_transaction() {
        let mut journal = Journal::new(&EmptyState);
        journal.credit(account(1), U256::from(3)).expect("no overflow");
        let violation = journal.end_transaction().expect_err("three wei came from nowhere");
        assert_eq!(violation.delta, U256::from(3));

        let mut journal = Journal::new(&EmptyState);
        journal.mint(U256::from(3)).expect("memory");
        journal.credit(account(1), U256::from(3)).expect("no overflow");
        journal.transfer(account(1), account(2), U256::from(2)).expect("has three");
        journal.end_transaction().expect("every wei is accounted for");
        assert_eq!(journal.supply(), Ok(U256::from(3)));

        let insufficient = journal.debit(account(1), U256::from(2)).expect_err("has one");
        assert!(matches!(insufficient, crate::ledger::LedgerError::Insufficient { .. }));
        journal.burn(U256::from(1)).expect("memory");
        assert!(journal.end_transaction().is_err(), "what is burnt must come from someone");
    }

    #[test]
    #[should_panic(expected = "checkpoints close in the order opposite to opening")]
    fn a_lost_checkpoint_is_a_broken_machine() {
        let mut journal = Journal::new(&EmptyState);
        let outer = journal.checkpoint();
        let _inner = journal.checkpoint();
        journal.commit(outer);
    }
}
