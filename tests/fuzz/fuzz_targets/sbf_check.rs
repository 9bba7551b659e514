//! Any payload is checked or rejected by the SBF machine; what passes runs in a block on genesis alone.
#![no_main]

mod sbf;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use weft_sbf::SbfVm;
use weft_state::{EmptyState, Journal};
use weft_vm::{BlockPhase, Vm};

static VM: LazyLock<SbfVm> = LazyLock::new(|| sbf::machine(false));

fuzz_target!(|payload: &[u8]| {
    let Ok(checked) = VM.check(payload) else { return };
    let env = sbf::block();
    let mut journal = Journal::new(&EmptyState);
    VM.on_block(&mut journal, &env, BlockPhase::Begin).expect("memory");
    journal.end_transaction().expect("what was minted was credited");
    VM.execute(&mut journal, &env, &checked).expect("memory");
    journal.end_transaction().expect("a transaction conserves balances");
});
