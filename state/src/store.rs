//! [`Store`]: what a node keeps, committed atomically and durably: state at the tip with its history, the
//! tree's nodes, the derivation state, and chain data (blocks, receipts, indexes).
//!
//! ```text
//! Store::begin(height) -> Session -> finish() -> Finished -> commit()
//! ```
//! Each step consumes the one before, so that the wrong order does not compile.
