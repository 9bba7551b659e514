//! The node: everything that touches clocks, disks and sockets, around a core that does not.
//!
//! ```text
//! DaLayer ──> syncer ──derive──> chain (store + soft overlays) ──> rpc, metrics
//!                │                  ^
//!                └──landed──> publisher <──batches── sequencer (pool, builder, sign log)
//! ```
//! In: Celestia's data and users' transactions. Out: answers, soft blocks, and batches on Celestia.
//!
//! Invariants, as negatives:
//! - Nothing that the node decides by clock or config reaches a state root, except as a sequencer's order.
//! - No soft block is visible before it is signed and on disk, and no height is promised twice.
//! - No queue, cache or pool grows without a bound that has a name.
#![deny(clippy::unwrap_used)]

pub mod chain;
pub mod metrics;
pub mod node;
pub mod plugins;
pub mod rpc;
pub mod sequencer;
pub mod status;
pub mod syncer;
pub mod tasks;
#[cfg(test)]
mod testing;
mod timed_tree;
