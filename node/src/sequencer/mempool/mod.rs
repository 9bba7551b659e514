//! The mempool: EVM transactions that wait for a block, bounded in number, bytes and per account.

mod error;
mod pool;

pub use error::PoolError;
pub use pool::{AccountState, Best, Pool, PoolLimits, PoolStatus, PooledTransaction};
