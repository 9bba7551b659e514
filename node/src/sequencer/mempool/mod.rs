//! The mempool: EVM transactions that wait for a block, bounded in number, bytes and per account.
//!
//! ```text
//! bytes ─check (all cores)─> Checked ─rules (one short lock)─> pool ─best─> builder
//!                                                               ^ chain events: nonces move on
//! ```
//! Invariants, as negatives:
//! - No signature is checked and no state is read under the pool's lock.
//! - No transaction waits that its account could not pay for together with those before it, at the state it came in.
//! - Nothing here decides whether a forced transaction lands.

mod error;
mod pool;

pub use error::PoolError;
pub use pool::{AccountState, Best, PoolLimits, PoolStatus, PooledTransaction};

use crate::chain::{BlockRecord, Chain, ChainError};
use alloy_consensus::Transaction as _;
use parking_lot::Mutex;
use pool::Pool;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast};
use weft_state::StateRead;
use weft_types::{Address, B256, Transaction, U256, VmId};
use weft_vm::{Checked, Reject, RejectKind};

/// Most bytes of a transaction in the pool, as geth's `txMaxSize`. Larger ones can be forced.
pub const TRANSACTION_BYTES_MAX: usize = 128 << 10;
/// New transactions that a subscriber may fall behind.
const EVENTS_MAX: usize = 4_096;

/// What an operator chooses of the pool.
#[derive(Clone, Debug)]
pub struct MempoolConfig {
    /// Bounds.
    pub limits: PoolLimits,
    /// Senders whose transactions this sequencer does not take.
    pub deny: HashSet<Address>,
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
    pool: Mutex<Pool>,
    added: broadcast::Sender<Arc<PooledTransaction>>,
    wake: Notify,
}

impl Mempool {
    /// An empty pool over `chain`.
    #[must_use]
    pub fn new(chain: Arc<Chain>, config: MempoolConfig) -> Arc<Self> {
        Arc::new(Self {
            chain,
            pool: Mutex::new(Pool::new(config.limits)),
            config,
            added: broadcast::channel(EVENTS_MAX).0,
            wake: Notify::new(),
        })
    }

    /// Checks and adds many at once, results in order. Uses all cores and reads state, so it blocks: not for async
    /// threads, see [`Self::submit`].
    pub fn add_many(&self, transactions: Vec<Transaction>) -> Vec<Result<B256, PoolError>> {
        let prepared: Vec<_> =
            transactions.into_par_iter().map(|transaction| self.prepare(transaction)).collect();
        let accounts = match self.accounts(prepared.iter().flatten().map(|pooled| pooled.sender)) {
            Ok(accounts) => accounts,
            Err(error) => {
                let failed = PoolError::State(error.to_string());
                return prepared.into_iter().map(|result| result.and(Err(failed.clone()))).collect();
            }
        };
        let mut added = Vec::with_capacity(prepared.len());
        let results: Vec<_> = {
            let mut pool = self.pool.lock();
            let mut insert = |pooled: Arc<PooledTransaction>| {
                // Read for every sender above.
                let account = accounts.get(&pooled.sender).copied().unwrap_or(AccountState::NONE);
                pool.insert(Arc::clone(&pooled), account)?;
                let id = pooled.checked.id;
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
        let pooled = self.admit(transaction, checked)?;
        let accounts = self.accounts([pooled.sender]).map_err(|error| PoolError::State(error.to_string()))?;
        let account = accounts.get(&pooled.sender).copied().unwrap_or(AccountState::NONE);
        let id = pooled.checked.id;
        self.pool.lock().insert(Arc::clone(&pooled), account)?;
        self.wake.notify_one();
        let _ = self.added.send(pooled);
        Ok(id)
    }

    fn prepare(&self, transaction: Transaction) -> Result<Arc<PooledTransaction>, PoolError> {
        let got = transaction.encoded_len();
        if got > TRANSACTION_BYTES_MAX {
            return Err(PoolError::Oversized { max: TRANSACTION_BYTES_MAX, got });
        }
        let checked = self.chain.router().check(&transaction)?;
        self.admit(transaction, checked)
    }

    /// The rules that need neither the pool nor the state.
    fn admit(&self, transaction: Transaction, checked: Checked) -> Result<Arc<PooledTransaction>, PoolError> {
        if transaction.vm != VmId::EVM {
            let message = format!("this pool takes EVM transactions, not those of {}", transaction.vm);
            return Err(Reject::new(RejectKind::Unsupported, message).into());
        }
        let evm = weft_evm::decoded(&checked);
        let genesis = self.chain.genesis();
        let (max, got) = (genesis.limits.block_gas, checked.gas_limit);
        if got > max {
            return Err(PoolError::GasLimit { max, got });
        }
        let (min, max_fee) = (u128::from(genesis.fees.base_fee_min), evm.envelope.max_fee_per_gas());
        if max_fee < min {
            return Err(PoolError::Underpriced { min, got: max_fee });
        }
        if self.config.deny.contains(&evm.sender) {
            return Err(PoolError::Denied);
        }
        let fee = U256::from(max_fee).saturating_mul(U256::from(checked.gas_limit));
        Ok(Arc::new(PooledTransaction {
            sender: evm.sender,
            nonce: evm.envelope.nonce(),
            max_fee,
            max_priority: evm.envelope.max_priority_fee_per_gas().unwrap_or(max_fee),
            cost: fee.saturating_add(evm.envelope.value()),
            transaction,
            checked,
            received: Instant::now(),
        }))
    }

    fn accounts(
        &self,
        senders: impl IntoIterator<Item = Address>,
    ) -> Result<HashMap<Address, AccountState>, ChainError> {
        let state = self.chain.head().state;
        let senders: HashSet<Address> = senders.into_iter().collect();
        senders.into_iter().map(|sender| Ok((sender, account(&*state, sender)?))).collect()
    }

    /// Moves on with a block that was added to the chain: what it took is out.
    ///
    /// # Errors
    /// [`ChainError`] where the state can't be read.
    pub fn on_block(&self, block: &BlockRecord) -> Result<(), ChainError> {
        let senders = block.transactions.iter().filter_map(|transaction| transaction.sender.as_evm());
        self.refresh(senders)
    }

    /// Takes up again what stood in blocks that are void, as far as it may still execute.
    ///
    /// # Errors
    /// [`ChainError`] where the state can't be read.
    pub fn on_revert(&self, removed: &[Arc<BlockRecord>]) -> Result<(), ChainError> {
        let senders = self.pool.lock().senders();
        self.refresh(senders)?;
        let transactions = removed.iter().flat_map(|block| block.transactions.iter());
        // Forced ones come back by derivation.
        let own = transactions.filter(|record| !record.forced && record.transaction.vm == VmId::EVM);
        let back: Vec<_> = own.map(|record| record.transaction.clone()).collect();
        let count = back.len();
        let taken = self.add_many(back).into_iter().filter(Result::is_ok).count();
        tracing::info!(count, taken, "transactions of void blocks are back in the pool");
        Ok(())
    }

    /// Reads the nonces of these accounts again.
    fn refresh(&self, senders: impl IntoIterator<Item = Address>) -> Result<(), ChainError> {
        let accounts = self.accounts(senders)?;
        let mut pool = self.pool.lock();
        for (sender, account) in accounts {
            pool.set_nonce(sender, account.nonce);
        }
        Ok(())
    }

    /// How long the pool's transactions of `block` have been waiting by now.
    #[must_use]
    pub fn waits(&self, block: &BlockRecord) -> Vec<Duration> {
        let pool = self.pool.lock();
        block.transactions.iter().filter_map(|record| Some(pool.get(record.id)?.received.elapsed())).collect()
    }

    /// Takes out transactions that execution refused for good.
    pub fn remove(&self, ids: impl IntoIterator<Item = B256>) {
        let mut pool = self.pool.lock();
        for id in ids {
            pool.remove(id);
        }
    }

    /// What a block at `base_fee` should take, best first.
    #[must_use]
    pub fn best(&self, base_fee: u64) -> Best {
        self.pool.lock().best(u128::from(base_fee))
    }

    /// Whether nothing waits at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pool.lock().len() == 0
    }

    /// The transaction with that id, while it waits.
    #[must_use]
    pub fn get(&self, id: B256) -> Option<Arc<PooledTransaction>> {
        self.pool.lock().get(id)
    }

    /// The nonce after all of the sender's waiting transactions that can execute; `None` where none waits and the
    /// state's own nonce is the answer.
    #[must_use]
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.pool.lock().pending_nonce(sender)
    }

    /// How much waits.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        self.pool.lock().status()
    }

    /// All that waits, by sender and nonce; true for those that can execute now.
    #[must_use]
    pub fn content(&self) -> Vec<(Arc<PooledTransaction>, bool)> {
        self.pool.lock().content()
    }

    /// Transactions that are added from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<PooledTransaction>> {
        self.added.subscribe()
    }

    /// Resolves when something was added since the last call.
    pub async fn added(&self) {
        self.wake.notified().await;
    }
}

fn account(state: &dyn StateRead, address: Address) -> Result<AccountState, ChainError> {
    let account = weft_evm::tables::account(state, address)?;
    Ok(AccountState { nonce: account.nonce, balance: account.balance })
}
