//! Ordering: the pool of waiting transactions, soft blocks, and their way to Celestia.
//!
//! ```text
//! pool ──best──> build ──sign log (fsync)──> chain.push_soft ──> visible, promised
//!                  ^                              │
//! forced queue ────┘ (derivation's state)         └──> batch ──sign, encode──> publisher ──> Celestia
//! ```
//! Invariants, as negatives:
//! - No block is visible, posted or promised before it is signed and on disk.
//! - No height is promised twice, also after a kill and also where derivation voided the first promise.
//! - No forced transaction is left out: what genesis' derivation would put into the block is in it.
//! - Never makes a block while another sequencer leads, or before this node has caught up with Celestia.

mod batcher;
mod engine;
pub mod mempool;
pub mod signlog;

pub use engine::{Sequencer, SequencerConfig, SequencerError, SequencerStatus};
