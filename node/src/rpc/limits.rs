//! The bounds of RPC: those that the operator sets ([`RpcConfig`]), and those that are fixed.

/// Most entries of the address list, or of one topic position, in a log filter: as geth's.
pub const FILTER_VALUES_MAX: usize = 1_000;

/// Most blocks that one `eth_feeHistory` answers for: as geth's.
pub const FEE_HISTORY_BLOCKS_MAX: u64 = 1_024;

/// Most reward percentiles of `eth_feeHistory`: as geth's.
pub const FEE_HISTORY_PERCENTILES_MAX: usize = 100;

/// Transactions that wait for their signature check over all clients; past it, senders wait in turn.
pub const INGEST_QUEUE: usize = 8_192;

/// Most transactions whose signatures are checked in one parallel step.
pub const INGEST_STEP: usize = 256;

/// Events of the chain that a subscriber may lag behind before it is closed.
pub const SUBSCRIPTION_LAG_MAX: usize = 1_024;

/// Clients (by address) whose rate is remembered at once; past it, the idle ones are forgotten.
pub const RATE_CLIENTS_MAX: usize = 65_536;

/// Most entries that `weft_discarded` gives at once.
pub const DISCARDED_PAGE_MAX: usize = 1_000;

/// What the operator allows.
pub use weft_config::RpcLimits as RpcConfig;

/// Calls and estimates that run at the same time, with the default filled in.
pub(super) fn call_slots(config: &RpcConfig) -> usize {
    if config.call_slots == 0 { cores().max(2) } else { config.call_slots }
}

/// Log searches and traces that run at the same time, with the default filled in.
pub(super) fn scan_slots(config: &RpcConfig) -> usize {
    if config.scan_slots == 0 { (cores() / 2).max(1) } else { config.scan_slots }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
