//! [`DerivationParams`]: what genesis fixes for derivation (design 02).

use crate::{Address, B256, DaHeight, Namespace};

/// The parameters of `derive`, as genesis gives them. Two nodes with one genesis have equal parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivationParams {
    /// The hash of genesis: the tip's order hash before the first block, so that no batch of one chain
    /// continues another, whatever their ids.
    pub genesis_hash: B256,
    /// The chain's id, which every batch repeats.
    pub chain_id: u64,
    /// Where sequencers post batches.
    pub batch_namespace: Namespace,
    /// Where anyone posts forced transactions.
    pub forced_namespace: Namespace,
    /// The first Celestia height that is read.
    pub da_start: DaHeight,
    /// Time of genesis in Unix milliseconds: the tip's timestamp before the first block.
    pub genesis_time_ms: u64,
    /// Who may post batches, in the order in which they take over. Empty: the chain is based.
    pub sequencers: Vec<Address>,
    /// With sequencers: based rules while all of them have been silent for their windows.
    pub hybrid: bool,
    /// Celestia blocks after which a forced transaction that is still out is included by derivation itself.
    pub forced_window: u64,
    /// Celestia blocks without a batch after which the next sequencer is authorised too.
    pub failover_window: u64,
    /// Celestia blocks that a block's origin may lie behind the height in which its batch lands.
    pub origin_window: u64,
    /// How far a block's timestamp may lie ahead of the Celestia block that carries it, in milliseconds.
    pub max_drift_ms: u64,
    /// Most bytes of transactions in one block.
    pub block_bytes_max: usize,
    /// Most bytes of forced transactions that enter the queue at one Celestia height.
    pub forced_bytes_max: usize,
}
