//! [`Api`]: what all methods work on, and how they find blocks and states.

use super::convert::Shape;
use super::errors::{self, Fault};
use super::feed::Feed;
use super::filters::Filters;
use super::ingest::Ingest;
use super::limits::RpcConfig;
use super::logs::Blooms;
use super::status::NodeStatus;
use crate::chain::{BlockRecord, Chain, ChainError};
use crate::sequencer::mempool::Mempool;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use std::sync::Arc;
use weft_evm::EvmVm;
use weft_state::StateRead;
use weft_types::Height;

/// See the module. Its methods stand beside their subjects: blocks, state, calls, fees, logs.
pub struct Api {
    pub(super) chain: Arc<Chain>,
    pub(super) evm: Arc<EvmVm>,
    pub(super) mempool: Option<Arc<Mempool>>,
    pub(super) status: Arc<dyn Fn() -> NodeStatus + Send + Sync>,
    pub(super) config: Arc<RpcConfig>,
    pub(super) shape: Shape,
    pub(super) blooms: Blooms,
    pub(super) feed: Arc<Feed>,
    pub(super) filters: Filters,
    pub(super) ingest: Option<Ingest>,
    /// The newest tip suggestion and the block it was made at.
    pub(super) suggested_tip: parking_lot::Mutex<Option<(B256, u128)>>,
}

impl Api {
    /// The block that `id` names; `None` where there is none.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn block(&self, id: BlockId) -> Result<Option<Arc<BlockRecord>>, Fault> {
        match id {
            BlockId::Hash(hash) => self.chain.block_by_hash(hash.block_hash).map_err(chain_fault),
            BlockId::Number(BlockNumberOrTag::Latest | BlockNumberOrTag::Pending) => {
                Ok(Some(self.chain.tip()))
            }
            BlockId::Number(BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized) => {
                Ok(Some(self.chain.included()))
            }
            BlockId::Number(BlockNumberOrTag::Earliest) => self.block_at(0),
            BlockId::Number(BlockNumberOrTag::Number(number)) => self.block_at(number),
        }
    }

    /// The block at a height.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn block_at(&self, number: u64) -> Result<Option<Arc<BlockRecord>>, Fault> {
        self.chain.block(Height(number)).map_err(chain_fault)
    }

    /// The block that must be there.
    ///
    /// # Errors
    /// `header not found`, or the store failed.
    pub(super) fn known_block(&self, id: BlockId) -> Result<Arc<BlockRecord>, Fault> {
        self.block(id)?.ok_or_else(errors::no_header)
    }

    /// The state after the block that `id` names.
    ///
    /// # Errors
    /// `header not found` where there is no such block or its state was pruned.
    pub(super) fn state(&self, id: BlockId) -> Result<(Arc<BlockRecord>, Arc<dyn StateRead>), Fault> {
        let block = self.known_block(id)?;
        let state = self.chain.state_at(block.header.height).map_err(chain_fault)?;
        Ok((block, state))
    }
}

/// What is missing because it was pruned or never was is the client's concern; the rest goes to the log.
pub(super) fn chain_fault(error: ChainError) -> Fault {
    match error {
        ChainError::AboveTip { .. } => errors::no_header(),
        ChainError::Store(weft_state::StoreError::NotKept { .. }) => errors::no_header(),
        error => {
            tracing::error!(%error, "RPC could not read the chain");
            errors::internal("the node could not read its chain")
        }
    }
}
