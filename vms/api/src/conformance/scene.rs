//! [`Scene`]: the state that samples run on, and the ways to run them.

use super::{Fixture, Sample};
use crate::{BlockEnv, BlockPhase, Checked, Execution, Outcome, Vm};
use std::sync::Arc;
use weft_state::{ChangeSet, EmptyState, Journal, Overlay, StateRead, TransactionEffects};
use weft_types::{AccountId, U256};

/// The machine over its genesis state.
pub(super) struct Scene<'a> {
    pub(super) fixture: &'a dyn Fixture,
    pub(super) vm: Arc<dyn Vm>,
    pub(super) block: BlockEnv,
    pub(super) state: Arc<dyn StateRead>,
    without_funds: Arc<dyn StateRead>,
}

/// All that running a sample showed. `execution` is `None` where `check` rejected it.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    pub(super) checked: Option<Checked>,
    pub(super) execution: Option<Execution>,
    pub(super) effects: TransactionEffects,
    /// Against the state of the scene.
    pub(super) changes: ChangeSet,
}

impl PartialEq for Ran {
    fn eq(&self, other: &Self) -> bool {
        let facts = |ran: &Self| ran.checked.as_ref().map(|checked| (checked.id, checked.sender));
        (facts(self), &self.execution, &self.effects, &self.changes)
            == (facts(other), &other.execution, &other.effects, &other.changes)
    }
}

impl Ran {
    pub(super) fn succeeded(&self) -> bool {
        matches!(&self.execution, Some(Execution::Executed(outcome)) if outcome.status.is_success())
    }

    pub(super) fn balance(&self, scene: &Scene<'_>, account: AccountId) -> U256 {
        balance(&Overlay::new(scene.state.clone(), Arc::new(self.changes.clone())), account)
    }
}

fn balance(state: &dyn StateRead, account: AccountId) -> U256 {
    Journal::new(state).balance(account).expect("memory does not fail")
}

fn genesis(vm: &dyn Vm, block: &BlockEnv, accounts: &[(AccountId, U256)]) -> Arc<dyn StateRead> {
    let mut journal = Journal::new(&EmptyState);
    for (account, wei) in accounts {
        journal.mint(*wei).expect("memory does not fail");
        journal.credit(*account, *wei).expect("balances of a fixture fit");
    }
    journal.end_transaction().expect("what was minted was credited");
    for phase in [BlockPhase::Genesis, BlockPhase::Begin] {
        vm.on_block(&mut journal, block, phase).expect("memory does not fail");
        journal.end_transaction().expect("a block hook conserves balances");
    }
    let changes = journal.into_changes().expect("memory does not fail");
    Arc::new(Overlay::new(Arc::new(EmptyState), Arc::new(changes)))
}

impl<'a> Scene<'a> {
    pub(super) fn new(fixture: &'a dyn Fixture) -> Self {
        let (vm, block) = (fixture.vm(), fixture.block());
        assert!(block.base_fee > 0, "a fixture's block has a base fee, or fees would not be seen");
        let state = genesis(&*vm, &block, &fixture.accounts());
        let without_funds = genesis(&*vm, &block, &[]);
        Self { fixture, vm, block, state, without_funds }
    }

    pub(super) fn balance(&self, account: AccountId) -> U256 {
        balance(&*self.state, account)
    }

    /// One sample on the scene's state.
    pub(super) fn run(&self, sample: &Sample, gas_limit: u64) -> Ran {
        self.run_payload(&*self.state, &(sample.make)(gas_limit))
    }

    pub(super) fn run_without_funds(&self, sample: &Sample) -> Ran {
        self.run_payload(&*self.without_funds, &(sample.make)(sample.gas_limit))
    }

    /// Any bytes on any state.
    pub(super) fn run_payload(&self, state: &dyn StateRead, payload: &[u8]) -> Ran {
        let mut journal = Journal::new(state);
        let (checked, execution, effects) = self.step(&mut journal, payload);
        Ran { checked, execution, effects, changes: changes(journal) }
    }

    /// Samples after one another in one journal; each with all changes up to it.
    pub(super) fn run_many(&self, samples: &[&Sample]) -> Vec<Ran> {
        (1..=samples.len())
            .map(|count| {
                let mut journal = Journal::new(&*self.state);
                let mut last = (None, None, TransactionEffects::default());
                for sample in &samples[..count] {
                    last = self.step(&mut journal, &(sample.make)(sample.gas_limit));
                }
                let (checked, execution, effects) = last;
                Ran { checked, execution, effects, changes: changes(journal) }
            })
            .collect()
    }

    /// The first sample, committed; then the second on a fresh journal. Changes are those of both.
    pub(super) fn run_across_a_commit(&self, first: &Sample, second: &Sample) -> Ran {
        let before = self.run(first, first.gas_limit).changes;
        let state = Overlay::new(self.state.clone(), Arc::new(before.clone()));
        let ran = self.run_payload(&state, &(second.make)(second.gas_limit));
        let pairs = before.iter().chain(ran.changes.iter());
        let sum: ChangeSet = pairs.map(|(key, value)| (key.clone(), value.clone())).collect();
        // A change that the second one took back is none.
        let kept =
            sum.iter().filter(|(key, value)| self.state.get(key).expect("memory does not fail") != **value);
        Ran { changes: kept.map(|(key, value)| (key.clone(), value.clone())).collect(), ..ran }
    }

    /// A sample under a checkpoint that is reverted, and the same sample again in the same journal.
    pub(super) fn run_reverted_then_again(&self, sample: &Sample) -> (TransactionEffects, Ran) {
        let payload = (sample.make)(sample.gas_limit);
        let mut journal = Journal::new(&*self.state);
        let checkpoint = journal.checkpoint();
        if let Ok(checked) = self.vm.check(&payload) {
            self.vm.execute(&mut journal, &self.block, &checked).expect("memory does not fail");
        }
        journal.revert(checkpoint);
        let undone = journal.end_transaction().expect("a reverted checkpoint conserves balances");
        let (checked, execution, effects) = self.step(&mut journal, &payload);
        (undone, Ran { checked, execution, effects, changes: changes(journal) })
    }

    pub(super) fn query(&self, query: &[u8], gas: u64) -> (Outcome, TransactionEffects, ChangeSet) {
        let mut journal = Journal::new(&*self.state);
        let outcome = self.vm.query(&mut journal, &self.block, query, gas).expect("memory does not fail");
        let left = journal.end_transaction().expect("a query conserves balances");
        (outcome, left, changes(journal))
    }

    fn step(
        &self,
        journal: &mut Journal<'_>,
        payload: &[u8],
    ) -> (Option<Checked>, Option<Execution>, TransactionEffects) {
        let Ok(checked) = self.vm.check(payload) else {
            return (None, None, TransactionEffects::default());
        };
        let execution = self.vm.execute(journal, &self.block, &checked).expect("memory does not fail");
        let effects = journal.end_transaction().expect("a transaction conserves balances");
        (Some(checked), Some(execution), effects)
    }
}

fn changes(journal: Journal<'_>) -> ChangeSet {
    journal.into_changes().expect("memory does not fail")
}
