//! [`Discarded`]: what derivation skipped, and the rule that says so.

use crate::batch::WireError;
use weft_types::{Address, B256, DaHeight, DecodeError, Height};

/// Which namespace a discarded blob lay in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardedFrom {
    /// The batch namespace.
    Batch,
    /// The forced namespace.
    Forced,
}

impl DiscardedFrom {
    /// `batch` or `forced`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Forced => "forced",
        }
    }
}

/// Input that derivation skips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discarded {
    /// Where it lay.
    pub da_height: DaHeight,
    /// In which namespace.
    pub namespace: DiscardedFrom,
    /// [`crate::blob::Blob::index`] of its blob; for a batch in chunks, of the chunk that made it whole.
    pub blob_index: u32,
    /// The rule.
    pub reason: DiscardReason,
}

/// The rules, one variant each. Where a batch is discarded from a block on, what precedes it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscardReason {
    /// The blob holds nothing for us.
    #[error("the blob is no batch, chunk or list: {0}")]
    Wire(WireError),
    /// A chunk that is there already.
    #[error("chunk {index} of batch {commitment} is there already")]
    ChunkAgain {
        /// The batch's commitment.
        commitment: B256,
        /// Which chunk.
        index: u16,
    },
    /// Chunks of one batch that do not agree on how many there are.
    #[error("a chunk of batch {commitment} says {got} chunks, the first one said {expected}")]
    ChunkCount {
        /// The batch's commitment.
        commitment: B256,
        /// The count in the chunk that came first.
        expected: u16,
        /// The count in this one.
        got: u16,
    },
    /// The chunks together are not what they were said to be.
    #[error("the chunks of batch {0} together have another commitment")]
    ChunkCommitment(B256),
    /// A chunk larger than the room for all of them.
    #[error("a chunk of {0} bytes is larger than the room for chunks")]
    ChunkTooLarge(usize),
    /// The batch is for another chain.
    #[error("the batch is for chain {0}")]
    ChainId(u64),
    /// The sequencer may not post at this height.
    #[error("sequencer {0} is not authorised at this height")]
    NotAuthorised(Address),
    /// The signature is not the sequencer's.
    #[error("the batch is not signed by the sequencer {0} that it names")]
    Signature(Address),
    /// The batch, or another of this number, has landed before.
    #[error("batch {batch_no} of sequencer {sequencer} has landed already")]
    AlreadyLanded {
        /// Whose.
        sequencer: Address,
        /// Its number.
        batch_no: u64,
    },
    /// No block in it.
    #[error("the batch has no blocks")]
    NoBlocks,
    /// It does not begin after the tip.
    #[error("the batch begins at height {got} and height {expected} comes next")]
    FirstHeight {
        /// The tip's height plus one.
        expected: Height,
        /// What the batch says.
        got: Height,
    },
    /// It builds on another order.
    #[error("the batch builds on order hash {got} and the tip's is {expected}")]
    PrevOrderHash {
        /// The tip's.
        expected: B256,
        /// What the batch says.
        got: B256,
    },
    /// A block before its parent in time.
    #[error("block {height} has timestamp {got}, before its parent's {parent}")]
    TimestampBehind {
        /// The block.
        height: Height,
        /// Its parent's timestamp in milliseconds.
        parent: u64,
        /// Its own.
        got: u64,
    },
    /// A block too far ahead of Celestia's time.
    #[error("block {height} has timestamp {got}, the latest allowed is {max}")]
    TimestampAhead {
        /// The block.
        height: Height,
        /// Celestia's time plus the drift, in milliseconds.
        max: u64,
        /// Its own.
        got: u64,
    },
    /// An origin before its parent's.
    #[error("block {height} has origin {got}, before its parent's {parent}")]
    OriginBehind {
        /// The block.
        height: Height,
        /// Its parent's origin.
        parent: DaHeight,
        /// Its own.
        got: DaHeight,
    },
    /// An origin past the height that the batch landed in.
    #[error("block {height} has origin {got}, past the Celestia height that it landed in")]
    OriginAhead {
        /// The block.
        height: Height,
        /// Its origin.
        got: DaHeight,
    },
    /// An origin too far below the height that the batch landed in.
    #[error("block {height} has origin {got}, and the oldest allowed here is {min}")]
    OriginTooOld {
        /// The block.
        height: Height,
        /// The oldest origin allowed.
        min: DaHeight,
        /// Its own.
        got: DaHeight,
    },
    /// Bytes that are no transaction, in a block or a based list.
    #[error("it holds bytes that are no transaction: {0}")]
    Transaction(DecodeError),
    /// A block past its bounds, with the forced transactions that it must have.
    #[error("block {0} is larger than blocks may be")]
    BlockTooLarge(Height),
    /// A list of transactions while sequencers order the chain.
    #[error("lists of transactions count only under based rules")]
    NotBased,
    /// The based block of this height has no more room.
    #[error("the based block of this height is full")]
    BasedBlockFull,
    /// A forced blob that is no transaction.
    #[error("the forced blob is no transaction: {0}")]
    ForcedMalformed(DecodeError),
    /// A forced transaction that no height has room for.
    #[error("the forced transaction has {got} bytes, at most {max} fit one Celestia height")]
    ForcedTooLarge {
        /// Its bytes.
        got: usize,
        /// The bound.
        max: usize,
    },
    /// The queue of forced transactions is full.
    #[error("the queue of forced transactions is full")]
    ForcedQueueFull,
}

impl DiscardReason {
    /// The name that metrics and RPC count it by. Frozen.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Wire(WireError::Magic) => "unknown_magic",
            Self::Wire(WireError::Version(_)) => "unknown_version",
            Self::Wire(WireError::Codec(_)) => "unknown_codec",
            Self::Wire(WireError::Body(_)) => "malformed",
            Self::ChunkAgain { .. } => "chunk_again",
            Self::ChunkCount { .. } => "chunk_count",
            Self::ChunkCommitment(_) => "chunk_commitment",
            Self::ChunkTooLarge(_) => "chunk_too_large",
            Self::ChainId(_) => "chain_id",
            Self::NotAuthorised(_) => "not_authorised",
            Self::Signature(_) => "signature",
            Self::AlreadyLanded { .. } => "already_landed",
            Self::NoBlocks => "no_blocks",
            Self::FirstHeight { .. } => "first_height",
            Self::PrevOrderHash { .. } => "prev_order_hash",
            Self::TimestampBehind { .. } => "timestamp_behind",
            Self::TimestampAhead { .. } => "timestamp_ahead",
            Self::OriginBehind { .. } => "origin_behind",
            Self::OriginAhead { .. } => "origin_ahead",
            Self::OriginTooOld { .. } => "origin_too_old",
            Self::Transaction(_) => "transaction",
            Self::BlockTooLarge(_) => "block_too_large",
            Self::NotBased => "not_based",
            Self::BasedBlockFull => "based_block_full",
            Self::ForcedMalformed(_) => "forced_malformed",
            Self::ForcedTooLarge { .. } => "forced_too_large",
            Self::ForcedQueueFull => "forced_queue_full",
        }
    }
}
