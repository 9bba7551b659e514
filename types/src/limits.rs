//! Every bound of the protocol that is the same on all chains, in one place. Bounds that a deployer
//! chooses stand in genesis and are capped by these.

/// Most bytes of one transaction, with its machine byte. Solana's are at most 1,232, Ethereum's 128 KiB;
/// a CosmWasm upload is the largest.
pub const TRANSACTION_BYTES_MAX: usize = 2 << 20;

/// Most transactions of one block.
pub const BLOCK_TRANSACTIONS_MAX: usize = 100_000;

/// Most bytes of all transactions of one block.
pub const BLOCK_BYTES_MAX: usize = 32 << 20;

/// Most blocks in one batch.
pub const BATCH_BLOCKS_MAX: usize = 10_000;

/// Most bytes of a batch's canonical form: what decompression may yield.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// Most chunks that one batch may be split into.
pub const CHUNKS_MAX: usize = 256;

/// Most bytes of chunks that derivation keeps while batches are incomplete.
pub const CHUNK_STORE_BYTES_MAX: usize = 128 << 20;

/// Celestia heights for which derivation keeps a chunk whose batch is incomplete.
pub const CHUNK_HEIGHTS_MAX: u64 = 100;

/// Most forced transactions that wait in the queue. Past it, new ones are discarded with their reason.
pub const FORCED_QUEUE_MAX: usize = 100_000;

/// Most bytes of all forced transactions that wait in the queue. Past it, new ones are discarded too.
pub const FORCED_QUEUE_BYTES_MAX: usize = 32 << 20;

/// Most sequencers that genesis may list.
pub const SEQUENCERS_MAX: usize = 256;

/// Most topics of a log.
pub const LOG_TOPICS_MAX: usize = 4;

const _: () = assert!(TRANSACTION_BYTES_MAX <= BLOCK_BYTES_MAX);
const _: () = assert!(BLOCK_BYTES_MAX <= BATCH_BYTES_MAX);
