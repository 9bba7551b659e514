//! Any payload is checked or rejected by the EVM, without state.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use weft_evm::{EvmConfig, EvmVm};
use weft_types::DaHeight;
use weft_vm::Vm;

static VM: LazyLock<EvmVm> = LazyLock::new(|| {
    let specs = vec![(DaHeight(0), "cancun".to_owned())];
    EvmVm::new(EvmConfig { chain_id: 31_337, specs, alloc: BTreeMap::new() }).expect("a known rule set")
});

fuzz_target!(|payload: &[u8]| {
    let _ = VM.check(payload);
});
