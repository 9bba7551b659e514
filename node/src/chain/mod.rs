//! The chain as this node knows it: what Celestia has, in the store, and soft blocks laid over it.

pub(crate) mod layers;
mod record;

pub use record::{BlockRecord, TransactionRecord};

use std::sync::Arc;
use weft_types::Height;

/// What happened to the chain. A reader that falls behind asks [`BlockRecord`]s by height instead.
#[derive(Clone, Debug)]
pub enum ChainEvent {
    /// A block on top of the last one: soft, or derived with no soft block before it.
    Block(Arc<BlockRecord>),
    /// Celestia has all blocks up to here; their records now say at which of its heights.
    Included {
        /// The last of them.
        up_to: Height,
    },
    /// Soft blocks above this height are void; what takes their place follows as [`Self::Block`].
    Reverted {
        /// The last block that stands.
        to: Height,
        /// The blocks that are void, ascending.
        removed: Arc<[Arc<BlockRecord>]>,
    },
}
