//! The journal against a model of it, and what breaks it.

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
                let last: Vec<_> = state.iter().rev().take(3).cloned().collect();
                prop_assert_eq!(journal.range_back(&[], &[0xff; 40], 3).expect("memory"), last);
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
