//! Any payload is checked or rejected by the Wasm machine; what passes runs in a block on genesis alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use weft_state::{EmptyState, Journal};
use weft_types::{AccountId, B256, DaHeight, GasRate, Height};
use weft_vm::{BlockEnv, FeeSplit, Vm};
use weft_wasm::{CAPABILITIES, NEWEST_SPEC, WasmConfig, WasmVm};

static VM: LazyLock<WasmVm> = LazyLock::new(|| {
    let rate = GasRate { numerator: 1, denominator: 20 };
    let capabilities = CAPABILITIES.iter().map(|name| (*name).to_owned()).collect();
    let config = WasmConfig {
        specs: vec![(DaHeight(0), NEWEST_SPEC.to_owned(), rate, capabilities)],
        chain_id: weft_wasm::chain_id(31_337),
        denom: "awei".to_owned(),
        bech32_prefix: weft_wasm::address::PREFIX.to_owned(),
        cache_dir: None,
        pooling: false,
    };
    WasmVm::new(config).expect("a known rule set")
});

fuzz_target!(|payload: &[u8]| {
    let Ok(checked) = VM.check(payload) else { return };
    let collector = AccountId(B256::repeat_byte(1));
    let env = BlockEnv {
        chain_id: 31_337,
        height: Height(1),
        origin: DaHeight(1),
        parent_hash: B256::ZERO,
        timestamp_ms: 1_000,
        prevrandao: B256::ZERO,
        gas_limit: 60_000_000,
        base_fee: 0,
        fee_recipient: collector,
        fees: FeeSplit { treasury: collector, base_to_recipient_bp: 0, base_to_treasury_bp: 0 },
    };
    let mut journal = Journal::new(&EmptyState);
    VM.execute(&mut journal, &env, &checked).expect("memory");
    journal.end_transaction().expect("a transaction conserves balances");
});
