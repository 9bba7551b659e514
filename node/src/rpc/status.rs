//! [`NodeStatus`]: what the chain does not know and the node tells RPC.

use serde::{Deserialize, Serialize};
use weft_types::{Address, DaHeight};

/// What `weft_status` shows beside the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The connection to Celestia; `None` before there is one.
    pub celestia: Option<CelestiaStatus>,
    /// The sequencer; `None` where this node is none.
    pub sequencer: Option<SequencerStatus>,
}

/// How far Celestia is, as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CelestiaStatus {
    /// The newest height that the endpoint tells of.
    pub head: DaHeight,
    /// Where it is read from, without credentials.
    pub endpoint: String,
    /// Whether completeness is proved; false only where the operator trusts the endpoint.
    pub verified: bool,
    /// The last height that was derived.
    pub derived: DaHeight,
}

/// What a sequencer has not brought to Celestia yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequencerStatus {
    /// Its key's address.
    pub address: Address,
    /// Whether it is the one that may post now.
    pub leader: bool,
    /// Soft blocks that are not on Celestia.
    pub backlog_blocks: u64,
    /// Their bytes.
    pub backlog_bytes: u64,
}
