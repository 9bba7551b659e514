//! The integration suite: whole nodes as processes, against an embedded local Celestia.

mod chain;
mod devnet;
mod failover;
mod follower;
mod forced;
mod killed;
