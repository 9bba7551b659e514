//! The state transition: a derived block and the state before it give a header, receipts and a change set.
//!
//! ```text
//! DerivedBlock ─┬─ check (parallel) ─> Checked ─ execute in order (journal) ─> receipts
//!               └─ rejected, with its reason            └─> ChangeSet ─ Tree::update ─> state root
//! ```
//!
//! Invariants, as negatives:
//! - Not a function of anything but its arguments: no clock, no config, no thread order.
//! - Never trusts the sequencer: it fixed order, not results.
//! - Never names a concrete machine, and never sees Celestia.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]
