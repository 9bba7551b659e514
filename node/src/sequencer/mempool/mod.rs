//! The mempool: transactions that wait for a block, each machine's by its own rules, bounded in number, bytes and per
//! account, the same bounds for each machine.
//!
//! ```text
//! bytes ─check (all cores)─> Checked ─rules (one short lock)─┬─> EVM: nonces, replacement ───┬─best─> builder
//!                                                            └─> SBF: blockhashes, duplicates┘
//!                                              chain events: nonces and blockhashes move on
//! ```
//! Invariants, as negatives:
//! - No signature is checked and no state is read under the pool's lock.
//! - No transaction waits that its account could not pay for together with those before it, at the state it came in.
//! - No SBF transaction waits whose blockhash is too old, or was in a block that is void.
//! - No machine takes the places of another, here or in a block.
//! - Nothing here decides whether a forced transaction lands.

mod admit;
mod best;
mod error;
mod pool;
mod pooled;
mod reads;
mod sbf;
#[cfg(test)]
mod tests;

pub use best::Best;
pub use error::PoolError;
pub use pool::{AccountState, PoolLimits, PoolStatus, PooledEvm};
pub use pooled::Pooled;
pub use sbf::PooledSbf;

use crate::chain::{BlockRecord, Chain, ChainError};
use crate::syncer::now_ms;
use parking_lot::Mutex;
use pool::Pool;
use rayon::prelude::*;
use reads::{Reads, SbfReader};
use sbf::SbfPool;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use weft_sbf::SbfVm;
use weft_state::Journal;
use weft_types::{AccountId, Address, B256, Transaction, VmId};
use weft_vm::Checked;

/// Most bytes of a transaction in the pool, as geth's `txMaxSize`. Larger ones can be forced.
pub const TRANSACTION_BYTES_MAX: usize = 128 << 10;
/// New transactions that a subscriber may fall behind.
const EVENTS_MAX: usize = 4_096;

/// What an operator chooses of the pool.
#[derive(Clone, Debug)]
pub struct MempoolConfig {
    /// Bounds of each machine's part.
    pub limits: PoolLimits,
    /// Accounts whose transactions this sequencer does not take: the EVM's senders, SBF's signers.
    pub deny: HashSet<AccountId>,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        let limits = PoolLimits { transactions: 50_000, bytes: 64 << 20, per_account: 1_024 };
        Self { limits, deny: HashSet::new() }
    }
}

/// See the module. Shared in an [`Arc`].
pub struct Mempool {
    chain: Arc<Chain>,
    config: MempoolConfig,
    sbf: Option<Arc<SbfVm>>,
    pools: Mutex<Pools>,
    added: broadcast::Sender<Pooled>,
    wake: Notify,
}

struct Pools {
    evm: Pool,
    sbf: SbfPool,
}

impl Pools {
    fn insert(&mut self, pooled: &Pooled, reads: &Reads) -> Result<(), PoolError> {
        match pooled {
            Pooled::Evm(evm) => {
                // Read for every sender of the group.
                let account = reads.accounts.get(&evm.sender).copied().unwrap_or(AccountState::NONE);
                self.evm.insert(Arc::clone(evm), account)
            }
            Pooled::Sbf(sbf) => {
                let unread = || Err(PoolError::State("a transaction was not looked up".into()));
                let state = reads.sbf.get(&sbf.checked.id).cloned().unwrap_or_else(unread)?;
                self.sbf.insert(Arc::clone(sbf), state)
            }
        }
    }

    fn get(&self, id: B256) -> Option<Pooled> {
        self.evm.get(id).map(Pooled::Evm).or_else(|| self.sbf.get(id).map(Pooled::Sbf))
    }
}

impl Mempool {
    /// An empty pool over `chain`. `sbf` is that chain's machine, where it has one.
    #[must_use]
    pub fn new(chain: Arc<Chain>, config: MempoolConfig, sbf: Option<Arc<SbfVm>>) -> Arc<Self> {
        let pools = Pools { evm: Pool::new(config.limits), sbf: SbfPool::new(config.limits) };
        Arc::new(Self {
            chain,
            pools: Mutex::new(pools),
            config,
            sbf,
            added: broadcast::channel(EVENTS_MAX).0,
            wake: Notify::new(),
        })
    }

    /// Checks and adds many at once, results in order. Uses all cores and reads state, so it blocks: not for async
    /// threads, see [`Self::submit`].
    pub fn add_many(&self, transactions: Vec<Transaction>) -> Vec<Result<B256, PoolError>> {
        self.insert(transactions.into_par_iter().map(|transaction| self.prepare(transaction)).collect())
    }

    /// [`Self::add_many`] off the async threads.
    pub async fn submit(self: &Arc<Self>, transactions: Vec<Transaction>) -> Vec<Result<B256, PoolError>> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let count = transactions.len();
        let pool = Arc::clone(self);
        rayon::spawn(move || {
            // Who asked may have gone.
            let _ = send.send(pool.add_many(transactions));
        });
        receive.await.unwrap_or_else(|_| vec![Err(PoolError::State("the check was given up".into())); count])
    }

    /// Adds one transaction that was checked already.
    ///
    /// # Errors
    /// [`PoolError`].
    pub fn add(&self, transaction: Transaction, checked: Checked) -> Result<B256, PoolError> {
        let results = self.insert(vec![self.admit(transaction, checked)]);
        results.into_iter().next().expect("one transaction has one result")
    }

    fn insert(&self, prepared: Vec<Result<Pooled, PoolError>>) -> Vec<Result<B256, PoolError>> {
        let reads = match self.read(&prepared) {
            Ok(reads) => reads,
            Err(error) => {
                let failed = PoolError::State(error.to_string());
                return prepared.into_iter().map(|result| result.and(Err(failed.clone()))).collect();
            }
        };
        let mut added = Vec::with_capacity(prepared.len());
        let results: Vec<_> = {
            let mut pools = self.pools.lock();
            let mut insert = |pooled: Pooled| {
                pools.insert(&pooled, &reads)?;
                let id = pooled.id();
                added.push(pooled);
                Ok(id)
            };
            prepared.into_iter().map(|result| result.and_then(&mut insert)).collect()
        };
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            metrics::counter!("weft_pool_rejected_total", "kind" => error.name()).increment(1);
        }
        if !added.is_empty() {
            self.wake.notify_one();
        }
        for pooled in added {
            // Nobody listening is no fault.
            let _ = self.added.send(pooled);
        }
        results
    }

    fn read(&self, prepared: &[Result<Pooled, PoolError>]) -> Result<Reads, ChainError> {
        let accounts = reads::accounts(&self.chain, reads::senders_of(prepared))?;
        let sbf = reads::sbf_of(prepared);
        let Some(reader) = self.reader().filter(|_| !sbf.is_empty()) else {
            return Ok(Reads { accounts, ..Reads::default() });
        };
        let height = reader.height()?;
        let known = {
            let mut pools = self.pools.lock();
            // What is too old makes room.
            pools.sbf.expire(height);
            let known = sbf.iter().map(|pooled| pooled.blockhash);
            known.filter_map(|blockhash| Some((blockhash, pools.sbf.last_height(&blockhash)?))).collect()
        };
        Ok(Reads { accounts, sbf: reader.read(&sbf, known)? })
    }

    fn reader(&self) -> Option<SbfReader<'_>> {
        Some(SbfReader::new(self.sbf.as_deref()?, &self.chain, now_ms()))
    }

    /// Moves on with a block that was added to the chain: what it took is out, and so is what expired.
    ///
    /// # Errors
    /// [`ChainError`] where the state can't be read.
    pub fn on_block(&self, block: &BlockRecord) -> Result<(), ChainError> {
        self.refresh(block.transactions.iter().filter_map(|transaction| transaction.sender.as_evm()))?;
        if let Some(vm) = &self.sbf {
            let state = self.chain.head().state;
            let height = vm.block_height(&mut Journal::new(&*state), None)?;
            let mut pools = self.pools.lock();
            let own = block.transactions.iter().filter(|record| record.transaction.vm == VmId::SBF);
            own.for_each(|record| pools.sbf.remove(record.id));
            // Those that are still good in a block of the same time stay.
            pools.sbf.expire(height);
        }
        Ok(())
    }

    /// Takes up again what stood in blocks that are void, as far as it may still execute.
    ///
    /// # Errors
    /// [`ChainError`] where the state can't be read.
    pub fn on_revert(&self, removed: &[Arc<BlockRecord>]) -> Result<(), ChainError> {
        let senders = self.pools.lock().evm.senders();
        self.refresh(senders)?;
        self.refresh_blockhashes()?;
        let transactions = removed.iter().flat_map(|block| block.transactions.iter());
        // Forced ones come back by derivation.
        let own = transactions.filter(|record| !record.forced);
        let back: Vec<_> = own.map(|record| record.transaction.clone()).collect();
        let count = back.len();
        let taken = self.add_many(back).into_iter().filter(Result::is_ok).count();
        tracing::info!(count, taken, "transactions of void blocks are back in the pool");
        Ok(())
    }

    /// Reads the nonces of these accounts again.
    fn refresh(&self, senders: impl IntoIterator<Item = Address>) -> Result<(), ChainError> {
        let accounts = reads::accounts(&self.chain, senders)?;
        let mut pools = self.pools.lock();
        for (sender, account) in accounts {
            pools.evm.set_nonce(sender, account.nonce);
        }
        Ok(())
    }

    /// Drops what names blocks that are void: nothing else can make a blockhash bad before its time.
    fn refresh_blockhashes(&self) -> Result<(), ChainError> {
        let Some(reader) = self.reader() else { return Ok(()) };
        let blockhashes = self.pools.lock().sbf.blockhashes();
        for blockhash in blockhashes {
            if reader.last_height(&blockhash)?.is_none() {
                self.pools.lock().sbf.forget(&blockhash);
            }
        }
        Ok(())
    }

    /// How long the pool's transactions of `block` have been waiting by now.
    #[must_use]
    pub fn waits(&self, block: &BlockRecord) -> Vec<Duration> {
        let pools = self.pools.lock();
        let waiting = block.transactions.iter().filter_map(|record| pools.get(record.id));
        waiting.map(|pooled| pooled.received().elapsed()).collect()
    }

    /// Takes out transactions that execution refused for good.
    pub fn remove(&self, ids: impl IntoIterator<Item = B256>) {
        let mut pools = self.pools.lock();
        for id in ids {
            pools.evm.remove(id);
            pools.sbf.remove(id);
        }
    }

    /// What a block at `base_fee` should take, best first; [`Best`] says which that is.
    #[must_use]
    pub fn best(&self, base_fee: u64) -> Best {
        let pools = self.pools.lock();
        Best::new(pools.evm.best(u128::from(base_fee)), pools.sbf.ascending())
    }

    /// Whether nothing waits at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let pools = self.pools.lock();
        pools.evm.len() == 0 && pools.sbf.len() == 0
    }

    /// The transaction with that id, while it waits.
    #[must_use]
    pub fn get(&self, id: B256) -> Option<Pooled> {
        self.pools.lock().get(id)
    }

    /// The nonce after all of the EVM sender's waiting transactions that can execute; `None` where none waits and the
    /// state's own nonce is the answer.
    #[must_use]
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.pools.lock().evm.pending_nonce(sender)
    }

    /// How much waits of one machine; nothing of one that the pool does not take.
    #[must_use]
    pub fn status(&self, vm: VmId) -> PoolStatus {
        let pools = self.pools.lock();
        match vm {
            VmId::EVM => pools.evm.status(),
            VmId::SBF => pools.sbf.status(),
            _ => PoolStatus::default(),
        }
    }

    /// All of the EVM's that waits, by sender and nonce; true for those that can execute now.
    #[must_use]
    pub fn evm_content(&self) -> Vec<(Arc<PooledEvm>, bool)> {
        self.pools.lock().evm.content()
    }

    /// Transactions of all machines that are added from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Pooled> {
        self.added.subscribe()
    }

    /// Resolves when something was added since the last call.
    pub async fn added(&self) {
        self.wake.notified().await;
    }
}
