//! [`Observed`]: what `weft_status` and the metrics are answered from.

use crate::chain::Chain;
use crate::rpc::{CelestiaStatus, NodeStatus, SequencerStatus};
use crate::sequencer::Sequencer;
use std::sync::Arc;
use weft_da::layer::DaLayer;

/// The parts of a running node that can be looked at.
#[derive(Clone)]
pub struct Observed {
    /// The chain.
    pub chain: Arc<Chain>,
    /// Celestia.
    pub layer: Arc<dyn DaLayer>,
    /// Where this node orders.
    pub sequencer: Option<Arc<Sequencer>>,
}

impl Observed {
    /// What RPC shows beside the chain.
    #[must_use]
    pub fn rpc(&self) -> NodeStatus {
        let layer = self.layer.status();
        let sequencer = self.sequencer.as_ref().map(|sequencer| {
            let status = sequencer.status();
            SequencerStatus {
                address: status.address,
                leader: status.leader,
                backlog_blocks: status.backlog_blocks,
                backlog_bytes: status.backlog_bytes,
            }
        });
        let celestia = CelestiaStatus {
            head: layer.head,
            endpoint: layer.endpoint,
            verified: layer.verified,
            derived: self.chain.da().height,
        };
        NodeStatus { celestia: Some(celestia), sequencer }
    }
}
