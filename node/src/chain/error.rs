//! [`ChainError`]: sorted by what the caller does.

use weft_router::ApplyError;
use weft_state::{ReadError, StoreError};
use weft_types::{B256, DecodeError, Height};

/// Why the chain could not be read or extended.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The store: its own sentence says what to do. Where it is only a height that is not kept, the reader asked
    /// for too much; else stop.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Executing stopped: the store failed, or the program has a bug. Stop.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// State could not be read. Stop.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Stop: a record of the chain does not parse or is missing.
    #[error(
        "the store is damaged: {what}: {error}; run `weft rollback` or delete it and let it be derived again"
    )]
    Damaged {
        /// Which record.
        what: String,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The chain went on meanwhile: the block is given up and made again.
    #[error("block {height} on {parent} does not follow the tip {tip} {tip_hash}")]
    NotNext {
        /// The block's height.
        height: Height,
        /// Its parent.
        parent: B256,
        /// The chain's tip.
        tip: Height,
        /// The tip's hash.
        tip_hash: B256,
    },
    /// There is no block of that height yet.
    #[error("height {height} is above the tip {tip}")]
    AboveTip {
        /// What was asked for.
        height: Height,
        /// The tip.
        tip: Height,
    },
}
