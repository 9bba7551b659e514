//! State: the one journal, the one ledger, the authenticated tree and the store.
//!
//! ```text
//! StateRead (store at a height, or overlays of soft blocks on top)
//!    └── Journal: keys, ledger, logs, outbox, warm set, counters   checkpoint / commit / revert
//!           └── ChangeSet ──> Tree::update ──> root + TreeUpdate
//!                   └── Store: begin -> Session -> Finished -> commit
//! ```
//!
//! In: reads of committed state, writes by machines. Out: change sets, roots, proofs, and a store in which
//! state, tree, derivation state and chain data agree after any kill.
//!
//! Invariants, as negatives:
//! - No machine writes past the journal, and no part of the journal outlives a revert.
//! - No transaction changes the sum of all balances but by what it minted and burnt.
//! - No change of the tree's implementation changes a root.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

pub mod changes;
pub mod journal;
pub mod key;
pub mod kv;
pub mod ledger;
pub mod read;
pub mod store;
pub mod tree;

pub use changes::ChangeSet;
pub use journal::{Checkpoint, Journal, OutboxEntry, SupplyViolation, TransactionEffects};
pub use key::Key;
pub use kv::{Batch, FjallKv, Kv, KvError, MemoryKv, Scan, SledKv, Table};
pub use read::{EmptyState, Overlay, ReadError, StateRead, merged_range};
pub use store::{Backend, Finished, Pruned, Session, Store, StoreConfig, StoreError, Tip};
pub use tree::{JmtTree, NodeOverlay, NodeRead, Tree, TreeUpdate};
