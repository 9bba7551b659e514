//! The integration suite: whole nodes as processes, against an embedded local Celestia.

mod abuse;
mod chain;
mod cosmos_abuse;
mod cosmos_tx;
mod devnet;
mod dust;
mod failover;
mod faults;
mod follower;
mod forced;
mod killed;
mod modules;
mod price;
mod replay;
mod solana_shapes;
mod tx;
