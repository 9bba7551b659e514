//! What makes a machine a machine: a suite over a [`Fixture`] that the machine's own tests implement.
//!
//! ```text
//! Fixture { machine, block, accounts, samples, queries } ─> run(fixture, seed) ─> panics with a sentence
//! ```
//! It shows for every sample that: the same inputs give the same results, on a fresh journal, on one that
//! goes on, and on a witness of what was read; running out of gas at any value leaves the fee and the nonce
//! and nothing else; rejected transactions and queries leave nothing; a transaction never executes twice;
//! balances are conserved; work that is reverted leaves no log and no message; no bytes panic.
//!
//! It panics by design, as tests do, and holds no machine's secrets: copy [`crate::toy`]'s test to start.

mod bytes;
mod scene;
#[cfg(test)]
mod tests;
mod witness;

use crate::{BlockEnv, DETAIL_BYTES_MAX, Execution, Vm};
use scene::{Ran, Scene};
use std::sync::Arc;
use weft_state::{ChangeSet, Key, key};
use weft_types::{AccountId, Bytes, Status, U256, VmId};

/// Up to this much gas every value is tried; above, every value near the edges and a spread between.
pub const EVERY_GAS_MAX: u64 = 4_096;
/// Gas values between the edges where not every one is tried.
pub const GAS_SPREAD: u64 = 1_024;

/// What a machine gives the suite to work with.
pub trait Fixture {
    /// The machine. Called often: each call may give the same one, or another of the same configuration.
    fn vm(&self) -> Arc<dyn Vm>;

    /// The block that samples run in; its base fee is not zero.
    fn block(&self) -> BlockEnv;

    /// Balances before the first sample. Contracts come from the machine's own [`crate::BlockPhase::Genesis`].
    fn accounts(&self) -> Vec<(AccountId, U256)>;

    /// Transactions, each good as the first one of its sender. Success, revert, halt and reject should be
    /// among them, and a transfer, a write and a log.
    fn samples(&self) -> Vec<Sample>;

    /// Queries, among them one that would write if it could.
    fn queries(&self) -> Vec<Bytes>;

    /// The machine's own keys that a failed transaction of `sender` changes all the same: its nonce.
    fn kept_on_failure(&self, sender: AccountId) -> Vec<Key>;
}

/// One kind of transaction.
pub struct Sample {
    /// Stands in the sentence when something is wrong.
    pub name: &'static str,
    /// Gas with which it ends as expected.
    pub gas_limit: u64,
    /// How it ends.
    pub expect: Expect,
    /// The signed payload with that gas limit.
    pub make: Box<dyn Fn(u64) -> Bytes>,
}

/// How a sample ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// [`Status::Success`].
    Success,
    /// [`Status::Reverted`].
    Reverted,
    /// [`Status::Halted`], any code.
    Halted,
    /// By `check` or by `execute`.
    Rejected,
}

impl Expect {
    fn fits(self, ran: &Ran) -> bool {
        match &ran.execution {
            None | Some(Execution::Rejected(_)) => self == Self::Rejected,
            Some(Execution::Executed(outcome)) => match outcome.status {
                Status::Success => self == Self::Success,
                Status::Reverted => self == Self::Reverted,
                Status::Halted(_) => self == Self::Halted,
            },
        }
    }
}

/// Runs the whole suite. `seed` feeds the random bytes; it is printed when something fails.
///
/// # Panics
/// Where the machine breaks a rule: the sentence names the rule and the sample.
pub fn run(fixture: &dyn Fixture, seed: u64) {
    let scene = Scene::new(fixture);
    let samples = fixture.samples();
    assert!(!samples.is_empty(), "a fixture has samples");
    check_is_a_function(fixture, &samples);
    samples.iter().for_each(|sample| {
        ends_as_expected_every_time(&scene, sample);
        never_executes_twice(&scene, sample);
        is_rejected_without_funds(&scene, sample);
        leaves_nothing_under_a_reverted_checkpoint(&scene, sample);
        witness::gives_the_same(&scene, sample);
        runs_out_of_gas_cleanly(&scene, sample);
    });
    goes_on_as_if_fresh(&scene, &samples);
    queries_write_nothing(&scene);
    bytes::never_panic(&scene, &samples, seed);
}

fn check_is_a_function(fixture: &dyn Fixture, samples: &[Sample]) {
    let (one, other) = (fixture.vm(), fixture.vm());
    let mut ids = std::collections::BTreeMap::new();
    for sample in samples {
        let name = sample.name;
        let payload = (sample.make)(sample.gas_limit);
        assert_eq!(
            payload,
            (sample.make)(sample.gas_limit),
            "{name}: the fixture makes the same bytes twice"
        );
        match (one.check(&payload), other.check(&payload)) {
            (Ok(one), Ok(other)) => {
                let facts = |checked: &crate::Checked| (checked.id, checked.sender, checked.gas_limit);
                assert_eq!(facts(&one), facts(&other), "{name}: check gives the same for the same bytes");
                assert_eq!(one.gas_limit, sample.gas_limit, "{name}: check finds the gas limit");
                let twin = ids.insert(one.id, (name, payload.clone()));
                let same = twin.as_ref().is_none_or(|(_, bytes)| *bytes == payload);
                assert!(same, "{name} and {twin:?} have one id and are not the same bytes");
            }
            (Err(one), Err(other)) => assert_eq!(one, other, "{name}: check rejects for one reason"),
            _ => panic!("{name}: check gives the same for the same bytes"),
        }
    }
}

fn ends_as_expected_every_time(scene: &Scene<'_>, sample: &Sample) {
    let name = sample.name;
    let ran = scene.run(sample, sample.gas_limit);
    assert!(sample.expect.fits(&ran), "{name}: expected {:?}, got {:?}", sample.expect, ran.execution);
    assert_eq!(ran, scene.run(sample, sample.gas_limit), "{name}: a second run gives the same");
    holds_the_rules(scene, name, &ran);
}

/// The rules that hold however a transaction ended.
fn holds_the_rules(scene: &Scene<'_>, name: &str, ran: &Ran) {
    assert!(ran.effects.outbox.is_empty() || ran.succeeded(), "{name}: failed work leaves no message");
    assert!(ran.effects.logs.is_empty() || ran.succeeded(), "{name}: failed work leaves no log");
    let (Some(Execution::Executed(outcome)), Some(checked)) = (&ran.execution, &ran.checked) else {
        assert_eq!(ran.changes, ChangeSet::default(), "{name}: rejected, but it changed the state");
        return;
    };
    assert!(outcome.gas_used <= checked.gas_limit, "{name}: used more gas than its limit");
    assert!(outcome.gas_used > 0, "{name}: work is not free");
    assert!(outcome.detail.len() <= DETAIL_BYTES_MAX, "{name}: its detail is longer than what is kept");
    if ran.succeeded() {
        return;
    }
    let mut allowed = scene.fixture.kept_on_failure(checked.sender);
    let payees = [scene.block.fee_recipient, scene.block.fees.treasury];
    allowed.extend(payees.into_iter().chain([checked.sender]).map(key::ledger));
    allowed.push(key::supply());
    for (changed, value) in ran.changes.iter() {
        let kind = changed.first().copied().unwrap_or_default();
        assert!(
            allowed.contains(changed),
            "{name}: failed, but key {changed:02x?} of {} became {value:02x?}",
            VmId(kind)
        );
    }
    if !payees.contains(&checked.sender) {
        let paid = scene.balance(checked.sender) - ran.balance(scene, checked.sender);
        assert_eq!(paid, outcome.fee, "{name}: failed, and the sender lost another sum than the fee");
    }
}

fn never_executes_twice(scene: &Scene<'_>, sample: &Sample) {
    let name = sample.name;
    let once = scene.run(sample, sample.gas_limit);
    if matches!(once.execution, Some(Execution::Executed(_))) {
        let twice = scene.run_many(&[sample, sample]);
        assert!(
            matches!(twice[1].execution, Some(Execution::Rejected(_))),
            "{name}: the same transaction executed twice"
        );
        assert_eq!(once.changes, twice[1].changes, "{name}: rejected the second time, but it left something");
        assert_eq!(twice[1].effects, Default::default(), "{name}: rejected, but it left logs or messages");
    }
}

fn is_rejected_without_funds(scene: &Scene<'_>, sample: &Sample) {
    let ran = scene.run_without_funds(sample);
    assert!(Expect::Rejected.fits(&ran), "{}: executed for a sender that can't pay", sample.name);
    assert_eq!(ran.changes, ChangeSet::default(), "{}: rejected, but it changed the state", sample.name);
    assert_eq!(ran.effects, Default::default(), "{}: rejected, but it left logs or messages", sample.name);
}

fn leaves_nothing_under_a_reverted_checkpoint(scene: &Scene<'_>, sample: &Sample) {
    let name = sample.name;
    let (undone, again) = scene.run_reverted_then_again(sample);
    assert_eq!(undone, Default::default(), "{name}: a reverted checkpoint left logs or messages");
    assert_eq!(
        again,
        scene.run(sample, sample.gas_limit),
        "{name}: what was reverted changed what came next"
    );
}

fn runs_out_of_gas_cleanly(scene: &Scene<'_>, sample: &Sample) {
    let full = scene.run(sample, sample.gas_limit);
    let Some(Execution::Executed(outcome)) = &full.execution else { return };
    let used = outcome.gas_used;
    let all = used <= EVERY_GAS_MAX;
    let stride = (used / GAS_SPREAD).max(1);
    let mut gas = 0;
    while gas <= used {
        let ran = scene.run(sample, gas);
        holds_the_rules(scene, &format!("{} with {gas} gas", sample.name), &ran);
        let near_an_edge = gas < 64 || gas + stride + 64 >= used;
        gas += if all || near_an_edge { 1 } else { stride };
    }
}

/// Each pair of samples: the second one sees the first one's writes alike in one journal and across a commit.
fn goes_on_as_if_fresh(scene: &Scene<'_>, samples: &[Sample]) {
    for first in samples {
        for second in samples {
            let one_journal = scene.run_many(&[first, second]);
            let across = scene.run_across_a_commit(first, second);
            let what = |ran: &Ran| (ran.execution.clone(), ran.effects.clone());
            assert_eq!(
                what(&one_journal[1]),
                what(&across),
                "{} after {}: one journal and a fresh one differ",
                second.name,
                first.name
            );
            assert_eq!(one_journal[1].changes, across.changes, "{} after {}", second.name, first.name);
        }
    }
}

fn queries_write_nothing(scene: &Scene<'_>) {
    for (index, query) in scene.fixture.queries().iter().enumerate() {
        for gas in [0, 1, 100, 21_000, 100_000, 10_000_000] {
            let (outcome, left, changes) = scene.query(query, gas);
            assert!(outcome.gas_used <= gas, "query {index}: used more gas than the {gas} it was given");
            assert_eq!(left, Default::default(), "query {index}: it left logs or messages");
            assert_eq!(changes, ChangeSet::default(), "query {index}: it wrote");
            assert_eq!(outcome, scene.query(query, gas).0, "query {index}: a second one gives the same");
        }
    }
}
