//! [`Sol`]: what all methods work on, and [`Bank`]: a block, the state after it, and how accounts are read there.

use super::super::ingest::Ingest;
use super::super::limits::RpcConfig;
use super::super::status::NodeStatus;
use super::errors::{self, Fault};
use super::fees::FeeCache;
use super::news::News;
use super::performance::Counted;
use super::{Faucet, Nodes};
use crate::chain::{BlockRecord, Chain};
use crate::sequencer::mempool::Mempool;
use parking_lot::Mutex;
use solana_account::AccountSharedData;
use solana_commitment_config::{CommitmentConfig, CommitmentLevel};
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::RpcContextConfig;
use solana_rpc_client_types::response::{Response, RpcAccountBalance, RpcBlockhash, RpcResponseContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use weft_sbf::SbfVm;
use weft_state::{Journal, StateRead};
use weft_types::{B256, Height};
use weft_vm::BlockEnv;

/// See the module. Its methods stand beside their subjects.
pub(super) struct Sol {
    pub(super) chain: Arc<Chain>,
    pub(super) sbf: Arc<SbfVm>,
    pub(super) mempool: Option<Arc<Mempool>>,
    pub(super) ingest: Option<Ingest>,
    pub(super) status: Arc<dyn Fn() -> NodeStatus + Send + Sync>,
    pub(super) config: Arc<RpcConfig>,
    pub(super) faucet: Option<Faucet>,
    /// Makes airdrops of one amount to one account differ.
    pub(super) airdrops: AtomicU64,
    pub(super) nodes: Nodes,
    pub(super) news: News,
    /// Simulations before sending that run at the same time.
    pub(super) preflights: Arc<Semaphore>,
    pub(super) fees: FeeCache,
    pub(super) counted: Mutex<Counted>,
    /// The largest accounts, and at which block they were looked for.
    pub(super) largest: Mutex<Option<(B256, Arc<Vec<RpcAccountBalance>>)>>,
}

/// A block and the state after it.
pub(super) struct Bank {
    pub(super) block: Arc<BlockRecord>,
    pub(super) state: Arc<dyn StateRead>,
    /// What the block's transactions saw.
    env: BlockEnv,
    sbf: Arc<SbfVm>,
}

impl Sol {
    /// The newest block at a commitment: what Celestia has for finalized, else the tip, which its sequencer signed.
    pub(super) fn block(&self, commitment: CommitmentConfig) -> Arc<BlockRecord> {
        match commitment.commitment {
            CommitmentLevel::Finalized => self.chain.included(),
            CommitmentLevel::Confirmed | CommitmentLevel::Processed => self.chain.tip(),
        }
    }

    /// The newest block at the commitment that is asked for, if it is new enough.
    ///
    /// # Errors
    /// -32016.
    pub(super) fn context(&self, context: RpcContextConfig) -> Result<Arc<BlockRecord>, Fault> {
        let block = self.block(context.commitment.unwrap_or_default());
        let slot = block.header.height.0;
        match context.min_context_slot {
            Some(least) if slot < least => Err(errors::min_slot(slot)),
            _ => Ok(block),
        }
    }

    /// The same with its state.
    ///
    /// # Errors
    /// -32016; the store failed.
    pub(super) fn bank(&self, context: RpcContextConfig) -> Result<Bank, Fault> {
        self.bank_of(self.context(context)?)
    }

    /// The newest state of all: what the next transaction will run on.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn working_bank(&self) -> Result<Bank, Fault> {
        self.bank_of(self.chain.tip())
    }

    /// The state after a block.
    ///
    /// # Errors
    /// The state is not kept any more, or the block is void by now; the store failed.
    pub(super) fn bank_of(&self, block: Arc<BlockRecord>) -> Result<Bank, Fault> {
        let height = block.header.height;
        let state = self.chain.state_at(height).map_err(|error| errors::chain(&error))?;
        let env = self.chain.env_at(height).map_err(|error| errors::chain(&error))?;
        Ok(Bank { block, state, env, sbf: Arc::clone(&self.sbf) })
    }

    /// The block of a slot at a commitment.
    ///
    /// # Errors
    /// -32004 where it is not there yet; the store failed.
    pub(super) fn block_at(
        &self,
        slot: u64,
        commitment: CommitmentConfig,
    ) -> Result<Arc<BlockRecord>, Fault> {
        if slot > self.block(commitment).header.height.0 {
            return Err(errors::no_block(slot));
        }
        let block = self.chain.block(Height(slot)).map_err(|error| errors::chain(&error))?;
        block.ok_or_else(|| errors::no_block(slot))
    }

    /// The hash of a block, and until when it is good.
    ///
    /// # Errors
    /// As [`Self::height`].
    pub(super) fn blockhash(&self, block: &BlockRecord) -> Result<RpcBlockhash, Fault> {
        Ok(RpcBlockhash {
            blockhash: hash(block).to_string(),
            last_valid_block_height: self.height(block)?.saturating_add(weft_sbf::BLOCKHASH_HEIGHTS),
        })
    }

    /// Solana's block height at a block.
    ///
    /// # Errors
    /// The state is not kept any more, or the block is void by now; the store failed.
    pub(super) fn height(&self, block: &BlockRecord) -> Result<u64, Fault> {
        let state = self.chain.state_at(block.header.height).map_err(|error| errors::chain(&error))?;
        self.sbf.block_height(&mut Journal::new(&*state), None).map_err(|error| errors::store(&error))
    }

    /// Whether Celestia has the block.
    pub(super) fn is_final(&self, slot: u64) -> bool {
        slot <= self.chain.included().header.height.0
    }
}

/// The block's hash as Solana's clients name it.
pub(super) fn hash(block: &BlockRecord) -> Hash {
    Hash::new_from_array(block.hash.0)
}

/// The block's time in seconds.
pub(super) fn block_time(block: &BlockRecord) -> i64 {
    i64::try_from(block.header.timestamp_ms / 1_000).unwrap_or(i64::MAX)
}

/// The answer with the slot that it holds at.
pub(super) fn respond<T>(block: &BlockRecord, value: T) -> Response<T> {
    Response { context: RpcResponseContext::new(block.header.height.0), value }
}

/// Goes on unless nobody waits for the answer any more.
///
/// # Errors
/// Nobody does.
pub(super) fn go_on(stop: &AtomicBool) -> Result<(), Fault> {
    if stop.load(Ordering::Relaxed) { Err(errors::stopped()) } else { Ok(()) }
}

impl Bank {
    /// The block's time in seconds: what interest and scaled amounts of tokens are shown at.
    pub(super) fn time(&self) -> i64 {
        block_time(&self.block)
    }

    /// The answer with this slot.
    pub(super) fn respond<T>(&self, value: T) -> Response<T> {
        respond(&self.block, value)
    }

    /// The account; `None` where it has no lamports.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn account(&self, pubkey: &Pubkey) -> Result<Option<AccountSharedData>, Fault> {
        let mut journal = Journal::new(&*self.state);
        self.sbf.account(&mut journal, &self.env, pubkey).map_err(|error| errors::store(&error))
    }

    /// What a transaction would see if the next block came now.
    pub(super) fn next_env(&self) -> BlockEnv {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        // In steps, so that simulations of one moment share what is made once for a block.
        self.next_env_at(now.saturating_sub(now % weft_sbf::BLOCK_HEIGHT_MS))
    }

    /// The same for a next block at `timestamp_ms`, but not before this one.
    fn next_env_at(&self, timestamp_ms: u64) -> BlockEnv {
        BlockEnv {
            height: self.block.header.height.next(),
            parent_hash: self.block.hash,
            timestamp_ms: self.block.header.timestamp_ms.max(timestamp_ms),
            ..self.env.clone()
        }
    }

    /// Whether a transaction may name that blockhash at the time of this block.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn is_valid(&self, hash: &Hash) -> Result<bool, Fault> {
        let mut journal = Journal::new(&*self.state);
        let last = self.sbf.last_block_height(&mut journal, &self.next_env_at(0), hash);
        Ok(last.map_err(|error| errors::store(&error))?.is_some())
    }
}
