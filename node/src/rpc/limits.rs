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

/// Accounts that one of Solana's queries by program, owner, mint or delegate looks through.
pub const PROGRAM_ACCOUNTS_MAX: usize = 100_000;

/// Bytes of data of the accounts that such a query keeps until it answers.
pub const PROGRAM_BYTES_MAX: usize = 128 << 20;

/// Ledger entries that `getLargestAccounts` looks through.
pub const LARGEST_SCAN_MAX: usize = 1_000_000;

/// Blocks that `getRecentPrioritizationFees` answers for: as agave's.
pub const FEE_BLOCKS: u64 = 150;

/// Accounts that `getRecentPrioritizationFees` may name: as agave's `MAX_TX_ACCOUNT_LOCKS`.
pub const FEE_ACCOUNTS_MAX: usize = 128;

/// Final blocks that one call of `getTransactionCount` counts at most.
pub const COUNT_BLOCKS_MAX: u64 = 4_096;

/// Blocks that `getRecentPerformanceSamples` reads.
pub const SAMPLE_BLOCKS_MAX: u64 = 4_096;

/// Samples that `getRecentPerformanceSamples` gives: as agave's.
pub const SAMPLES_MAX: usize = 720;

/// Addresses that `getInflationReward` may name.
pub const REWARD_ADDRESSES_MAX: usize = 1_000;

/// Slots that one `getBlockProduction` may span.
pub const PRODUCTION_SLOTS_MAX: u64 = 432_000;

/// Celestia heights that a node may be behind and still call itself well.
pub const HEALTHY_HEIGHTS: u64 = 16;

/// Blocks that are kept decoded for Solana's subscribers.
pub const NEWS_BLOCKS: usize = 64;

/// A notification larger than this many bytes ends its subscription where [`LARGE_NOTIFICATIONS`] messages wait for the
/// same websocket.
pub const LARGE_NOTIFICATION_BYTES: usize = 1 << 20;

/// See [`LARGE_NOTIFICATION_BYTES`].
pub const LARGE_NOTIFICATIONS: usize = 8;

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
