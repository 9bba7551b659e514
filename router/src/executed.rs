//! What goes in and what comes out.

use weft_state::{ChangeSet, ReadError, SupplyViolation, TreeUpdate};
use weft_types::{
    AccountId, Address, B256, Bytes, DaHeight, DerivedBlock, Header, Height, Receipt, Transaction, VmId,
};
use weft_vm::{BlockEnv, Reject};

/// What a block is before it has transactions: all that its environment depends on besides the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTemplate {
    /// The parent's height plus one.
    pub height: Height,
    /// Unix milliseconds, not below the parent's.
    pub timestamp_ms: u64,
    /// The Celestia height that the block builds on, not below the parent's.
    pub origin: DaHeight,
    /// Hash of Celestia's header at `origin`.
    pub origin_hash: B256,
    /// Who orders the block; `None` where derivation does.
    pub sequencer: Option<Address>,
}

impl From<&DerivedBlock> for BlockTemplate {
    fn from(block: &DerivedBlock) -> Self {
        Self {
            height: block.height,
            timestamp_ms: block.timestamp_ms,
            origin: block.origin,
            origin_hash: block.origin_hash,
            sequencer: block.sequencer,
        }
    }
}

/// A block and all that executing it gave. Equal inputs give equal values, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedBlock {
    /// The header over all of it.
    pub header: Header,
    /// What its transactions saw as the block; the same environment runs calls and traces on it later.
    pub env: BlockEnv,
    /// The transactions that are in the block, in order.
    pub transactions: Vec<ExecutedTransaction>,
    /// Those that were ordered and left out, in order.
    pub rejected: Vec<Rejected>,
    /// What the state changes by.
    pub changes: ChangeSet,
    /// What the tree changes by; its root is the header's.
    pub tree: TreeUpdate,
}

/// A transaction that is in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedTransaction {
    /// As it was ordered.
    pub transaction: Transaction,
    /// Its machine's id of it (the EVM: the transaction hash).
    pub id: B256,
    /// Who paid.
    pub sender: AccountId,
    /// A leaf under the header's receipts root.
    pub receipt: Receipt,
    /// The bytes that the receipt holds the hash of: return value, or the reason of a revert.
    pub output: Bytes,
    /// See [`weft_vm::Outcome::detail`]; empty where the block's details have passed [`BLOCK_DETAIL_BYTES_MAX`].
    pub detail: Bytes,
}

/// Most bytes that the details of a block's transactions have together. Those that do not fit are left out, in the
/// block's order, so that every node leaves out the same.
pub const BLOCK_DETAIL_BYTES_MAX: usize = 128 << 20;

/// A transaction that was ordered and is not in the block: it paid nothing and left nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its place among the derived block's transactions.
    pub index: usize,
    /// As it was ordered.
    pub transaction: Transaction,
    /// Why.
    pub reject: Reject,
}

/// Why a block could not be executed. Never a transaction's fault: those are rejected or revert.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The store failed: stop, mend it, go on.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The block does not follow the parent that it was given with: the caller lost track.
    #[error("block {height} at {timestamp_ms} ms does not follow block {parent} at {parent_ms} ms")]
    NotNext {
        /// The block's height.
        height: Height,
        /// The block's timestamp.
        timestamp_ms: u64,
        /// The parent's height.
        parent: Height,
        /// The parent's timestamp.
        parent_ms: u64,
    },
    /// A machine made or lost money. Nothing of the block may be committed; the program has a bug.
    #[error("block {height}, {vm} {id}: {violation}")]
    Supply {
        /// The block.
        height: Height,
        /// The machine.
        vm: VmId,
        /// The transaction; zero in a block hook.
        id: B256,
        /// By how much.
        violation: SupplyViolation,
    },
    /// A machine broke its contract. Nothing of the block may be committed; the program has a bug.
    #[error("block {height}, {vm} {id}: the machine {fault}")]
    Machine {
        /// The block.
        height: Height,
        /// The machine.
        vm: VmId,
        /// The transaction; zero in a block hook.
        id: B256,
        /// What it did.
        fault: MachineFault,
    },
    /// Genesis was not validated: its balances pass 2^256.
    #[error("the balances of genesis pass 2^256 wei: validate it first")]
    GenesisSupply,
}

/// How a machine can break its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MachineFault {
    /// Messages are not delivered yet, and must not be lost.
    #[error("put a message in the outbox, and messages between machines are not delivered yet")]
    Message,
    /// More gas than the transaction's limit.
    #[error("used more gas than the transaction allows")]
    Gas,
    /// Logs of a transaction that had no effect.
    #[error("left logs of a transaction that did not succeed")]
    Logs,
}
