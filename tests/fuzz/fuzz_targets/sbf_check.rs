//! Any payload is checked or rejected by the SBF machine; what passes runs in a block on genesis alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use weft_sbf::{NEWEST_SPEC, SbfConfig, SbfVm};
use weft_state::{EmptyState, Journal};
use weft_types::{AccountId, B256, DaHeight, GasRate, Height};
use weft_vm::{BlockEnv, BlockPhase, FeeSplit, Vm};

static VM: LazyLock<SbfVm> = LazyLock::new(|| {
    let specs = vec![(DaHeight(0), NEWEST_SPEC.to_owned(), GasRate::ONE)];
    SbfVm::new(SbfConfig { specs, jit: false }).expect("a known rule set")
});

fuzz_target!(|payload: &[u8]| {
    let Ok(checked) = VM.check(payload) else { return };
    let collector = AccountId(B256::repeat_byte(1));
    let fees = FeeSplit { treasury: collector, base_to_recipient_bp: 0, base_to_treasury_bp: 0 };
    let env = BlockEnv {
        chain_id: 31_337,
        height: Height(1),
        origin: DaHeight(1),
        // A payload of zeros names it.
        parent_hash: B256::ZERO,
        timestamp_ms: 1_000,
        prevrandao: B256::ZERO,
        gas_limit: 60_000_000,
        base_fee: 0,
        fee_recipient: collector,
        fees,
    };
    let mut journal = Journal::new(&EmptyState);
    VM.on_block(&mut journal, &env, BlockPhase::Begin).expect("memory");
    journal.end_transaction().expect("what was minted was credited");
    VM.execute(&mut journal, &env, &checked).expect("memory");
    journal.end_transaction().expect("a transaction conserves balances");
});
