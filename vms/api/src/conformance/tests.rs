//! The suite finds what it says it finds: machines with one fault each do not pass.

use crate::toy::{ToyVm, nonce_key, tests::Toy};
use crate::{BlockEnv, Checked, DETAIL_BYTES_MAX, Execution, Outcome, Reject, Vm};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use weft_state::{Journal, OutboxEntry, ReadError, key};
use weft_types::{AccountId, B256, Bytes, Log, U256, VmId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    PanicsOnBytes,
    RemembersOutsideTheJournal,
    ForgetsTheNonce,
    WritesWhenRejected,
    WritesWhenFailed,
    LogsWhenFailed,
    SendsWhenFailed,
    MakesMoney,
    LosesTheFee,
    QueryWrites,
    TakesTooMuchGas,
    TalksTooMuch,
}

struct Faulty {
    fault: Fault,
    toy: ToyVm,
    calls: AtomicU64,
}

impl Faulty {
    fn spoil(&self, journal: &mut Journal<'_>, sender: AccountId, execution: &mut Execution) {
        let stray = || key::key(VmId::TOY, 9, &[]);
        match (self.fault, &mut *execution) {
            (Fault::WritesWhenRejected, Execution::Rejected(_)) => {
                journal.set(stray(), Bytes::from_static(b"x"))
            }
            (_, Execution::Rejected(_)) => {}
            (Fault::RemembersOutsideTheJournal, Execution::Executed(outcome)) => {
                let calls = self.calls.fetch_add(1, Ordering::Relaxed);
                outcome.output = Bytes::copy_from_slice(&calls.to_be_bytes());
            }
            (Fault::ForgetsTheNonce, _) => journal.remove(nonce_key(sender)),
            (Fault::MakesMoney, _) => {
                let more = journal.balance(sender).expect("memory") + U256::from(1);
                journal.set_balance(sender, more).expect("memory");
            }
            (Fault::TakesTooMuchGas, Execution::Executed(outcome)) => outcome.gas_used += 100_000,
            (Fault::TalksTooMuch, Execution::Executed(outcome)) => {
                outcome.detail = vec![7; DETAIL_BYTES_MAX + 1].into();
            }
            (_, Execution::Executed(outcome)) if outcome.status.is_success() => {}
            (Fault::WritesWhenFailed, _) => journal.set(stray(), Bytes::from_static(b"x")),
            (Fault::LogsWhenFailed, _) => {
                journal.log(Log { account: B256::ZERO, topics: vec![], data: Default::default() });
            }
            (Fault::SendsWhenFailed, _) => {
                journal.send(OutboxEntry { from: sender, message: Bytes::new() });
            }
            (Fault::LosesTheFee, Execution::Executed(outcome)) => outcome.fee += U256::from(1),
            _ => {}
        }
    }
}

impl Vm for Faulty {
    fn id(&self) -> VmId {
        self.toy.id()
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        let panics = self.fault == Fault::PanicsOnBytes && payload.len() == 64;
        assert!(!panics, "a decoder that trusts its input");
        self.toy.check(payload)
    }

    fn execute(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError> {
        let mut execution = self.toy.execute(journal, block, checked)?;
        self.spoil(journal, checked.sender, &mut execution);
        Ok(execution)
    }

    fn query(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        if self.fault == Fault::QueryWrites {
            journal.set(key::key(VmId::TOY, 9, &[]), Bytes::from_static(b"x"));
        }
        self.toy.query(journal, block, query, gas)
    }
}

#[test]
fn a_machine_with_a_fault_does_not_pass() {
    let cases = [
        (Fault::PanicsOnBytes, "trusts its input"),
        (Fault::RemembersOutsideTheJournal, "a second run gives the same"),
        (Fault::ForgetsTheNonce, "executed twice"),
        (Fault::WritesWhenRejected, "rejected"),
        (Fault::WritesWhenFailed, "failed, but key"),
        (Fault::LogsWhenFailed, "failed work leaves no log"),
        (Fault::SendsWhenFailed, "failed work leaves no message"),
        (Fault::MakesMoney, "conserves balances"),
        (Fault::LosesTheFee, "another sum than the fee"),
        (Fault::QueryWrites, "it wrote"),
        (Fault::TakesTooMuchGas, "more gas than its limit"),
        (Fault::TalksTooMuch, "longer than what is kept"),
    ];
    for (fault, sentence) in cases {
        let toy = ToyVm { chain_id: 1 };
        let fixture = Toy(Arc::new(Faulty { fault, toy, calls: AtomicU64::new(0) }));
        let found = catch_unwind(AssertUnwindSafe(|| super::run(&fixture, 1)));
        let panic = found.expect_err(&format!("{fault:?} passed"));
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let text = text.unwrap_or_default();
        assert!(text.contains(sentence), "{fault:?} was found as {text:?}");
    }
}
