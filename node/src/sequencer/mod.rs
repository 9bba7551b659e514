//! Ordering: the pool of waiting transactions, soft blocks, and their way to Celestia.

pub mod mempool;
pub mod signlog;
