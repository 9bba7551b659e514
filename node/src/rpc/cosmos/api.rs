//! [`Cosmos`]: what all methods work on.

use super::super::gate::Gate;
use super::super::ingest::Ingest;
use super::super::limits::RpcConfig;
use super::super::status::NodeStatus;
use super::errors::{self, Fault};
use super::news::Newest;
use crate::chain::{BlockRecord, Chain, TransactionRecord};
use crate::sequencer::mempool::Mempool;
use std::sync::Arc;
use tokio::sync::Semaphore;
use weft_state::Journal;
use weft_types::{Address, Height, VmId};
use weft_wasm::{SIMULATE_PATH, SIMULATION_GAS_MAX, WasmVm};

/// See the module. Its methods stand beside their subjects.
pub(super) struct Cosmos {
    pub(super) chain: Arc<Chain>,
    pub(super) wasm: Arc<WasmVm>,
    pub(super) mempool: Option<Arc<Mempool>>,
    pub(super) ingest: Option<Ingest>,
    pub(super) status: Arc<dyn Fn() -> NodeStatus + Send + Sync>,
    pub(super) config: Arc<RpcConfig>,
    pub(super) gate: Gate,
    /// What subscribers are told of the newest blocks.
    pub(super) newest: Newest,
    /// Bytes of large messages that may be on their way to all websockets.
    pub(super) writing: Arc<Semaphore>,
    /// The sequencer's address; of a chain that has none, the treasury's first 20 bytes.
    pub(super) sequencer: Address,
}

/// The Wasm transactions of a block, each with its index among all; theirs are numbered by their order here.
pub(super) fn transactions(block: &BlockRecord) -> impl Iterator<Item = (usize, &TransactionRecord)> {
    let numbered = block.transactions.iter().enumerate();
    numbered.filter(|(_, record)| record.transaction.vm == VmId::WASM)
}

/// The number among the block's Wasm transactions of the one at `at` among all.
pub(super) fn number(block: &BlockRecord, at: usize) -> u32 {
    let before = transactions(block).take_while(|(index, _)| *index < at).count();
    u32::try_from(before).unwrap_or(u32::MAX)
}

impl Cosmos {
    /// The block at a height that a client names; the newest where it names none, or 0.
    pub(super) fn block_at(&self, height: Option<i64>) -> Result<Arc<BlockRecord>, Fault> {
        let tip = self.chain.tip();
        let Some(got) = height.filter(|height| *height != 0) else { return Ok(tip) };
        let wrong = || errors::height(got, tip.header.height);
        let height = u64::try_from(got).map_err(|_| wrong())?;
        if height > tip.header.height.0 {
            return Err(wrong());
        }
        self.block(Height(height))?.ok_or_else(wrong)
    }

    pub(super) fn block(&self, height: Height) -> Result<Option<Arc<BlockRecord>>, Fault> {
        self.chain.block(height).map_err(|error| errors::chain(&error))
    }

    /// The block before `block`; it itself where it is genesis.
    pub(super) fn parent(&self, block: &Arc<BlockRecord>) -> Result<Arc<BlockRecord>, Fault> {
        let Some(height) = block.header.height.prev() else { return Ok(Arc::clone(block)) };
        self.block(height)?.ok_or_else(|| errors::internal("the block is not there any more"))
    }

    /// What the machine answers to a query by its ABCI path, after the block at `height`.
    ///
    /// # Errors
    /// The outer one: the height is not kept, or the store failed. The inner one: what the machine says.
    pub(super) fn ask(
        &self,
        height: Height,
        path: &str,
        data: &[u8],
    ) -> Result<Result<Vec<u8>, weft_wasm::Fault>, Fault> {
        let state = self.chain.state_at(height).map_err(|error| errors::chain(&error))?;
        let env = self.chain.env_at(height).map_err(|error| errors::chain(&error))?;
        let mut journal = Journal::new(&*state);
        // The machine does not look at a clock: what a call may use is what bounds its time. An upload needs more than any
        // query does, and who uploads simulates first.
        let gas = match path {
            SIMULATE_PATH => SIMULATION_GAS_MAX,
            _ => self.config.call_gas.min(SIMULATION_GAS_MAX),
        };
        let answer = self.wasm.abci_query(&mut journal, &env, path, data, gas);
        answer.map_err(|error| errors::store(&error))
    }
}
