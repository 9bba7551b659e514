//! What the targets of the SBF machine share: the machine, and the first block on genesis alone.

use weft_sbf::{NEWEST_SPEC, SbfConfig, SbfVm};
use weft_types::{AccountId, B256, DaHeight, GasRate, Height};
use weft_vm::{BlockEnv, FeeSplit};

/// The machine, with programs as machine code where `jit` is.
pub fn machine(jit: bool) -> SbfVm {
    let specs = vec![(DaHeight(0), NEWEST_SPEC.to_owned(), GasRate::ONE)];
    SbfVm::new(SbfConfig { specs, jit }).expect("a known rule set")
}

/// Its parent's hash is zero, so that a payload of zeros names it.
pub fn block() -> BlockEnv {
    let collector = AccountId(B256::repeat_byte(1));
    BlockEnv {
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
    }
}
