//! The integration suite: whole nodes as processes, against an embedded local Celestia.

mod abuse;
mod chain;
mod devnet;
mod dust;
mod failover;
mod faults;
mod follower;
mod forced;
mod killed;
mod replay;
mod solana_shapes;
mod tx;
