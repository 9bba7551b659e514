//! The mempool: transactions that wait for a block, each machine's by its own rules, bounded in number, bytes and per
//! account, the same bounds for each machine.
//!
//! ```text
//! bytes ─check (all cores)─> Checked ─rules (one short lock)─┬─> EVM: nonces, replacement ───┬─best─> builder
//!                                                            ├─> SBF: blockhashes, duplicates┤
//!                                                            └─> Wasm: sequence numbers ─────┘
//!                                              chain events: nonces, blockhashes and sequences move on
//! ```
//! Invariants, as negatives:
//! - No signature is checked under the pool's lock, and no state is read under it but for what came in while a block
//!   was found void.
//! - No client hears of a chain that went back before the pool has taken up what stood there: see [`Mempool::hold`].
//! - No transaction waits that its account could not pay for together with those before it, at the state it came in.
//! - No SBF transaction waits whose blockhash is too old, or was in a block that is void.
//! - No machine takes the places of another, here or in a block.
//! - Nothing here decides whether a forced transaction lands.
//! - No transaction waits longer than [`WAIT_MAX`]. It goes without a word, as from a node of Ethereum or Cosmos: who asks
//!   finds it neither here nor in a block, and its nonce or sequence number is free again.
//!
//! One that pays less than the base fee waits until that falls. It falls by blocks alone, so the sequencer makes empty
//! ones while something waits for nothing else ([`Mempool::waits_for_price`]): at an eighth less each, a few seconds.

mod admit;
mod best;
mod error;
mod evm_best;
mod follow;
mod pool;
mod pooled;
mod pools;
mod reads;
mod sbf;
#[cfg(test)]
mod tests;
mod wasm;

pub use best::Best;
pub use error::PoolError;
pub use follow::Held;
pub use pool::{AccountState, PoolLimits, PoolStatus, PooledEvm};
pub use pooled::Pooled;
pub use sbf::PooledSbf;
pub use wasm::PooledWasm;

use crate::chain::{BlockRecord, Chain, ChainError, Head};
use crate::syncer::now_ms;
use parking_lot::{Mutex, MutexGuard};
use pools::Pools;
use rayon::prelude::*;
use reads::{Reads, SbfReader};
use solana_hash::Hash;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast};
use weft_sbf::SbfVm;
use weft_types::{AccountId, Address, B256, Transaction, VmId, limits};
use weft_vm::Checked;

/// Most bytes of a transaction in the pool, as geth's `txMaxSize`. Larger ones can be forced.
pub const TRANSACTION_BYTES_MAX: usize = 128 << 10;
/// Most bytes of a Wasm transaction in the pool: all that the protocol takes, so that a contract can be uploaded.
pub const WASM_BYTES_MAX: usize = limits::TRANSACTION_BYTES_MAX;
/// New transactions that a subscriber may fall behind.
const EVENTS_MAX: usize = 4_096;
/// Times that the state is read for one group of transactions while blocks come in between.
const READS_MAX: usize = 3;
/// The longest that a transaction waits: what geth allows one that can't execute.
pub const WAIT_MAX: Duration = Duration::from_secs(3 * 60 * 60);
/// The pause between two looks for what has waited so long.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// What an operator chooses of the pool.
#[derive(Clone, Debug)]
pub struct MempoolConfig {
    /// Bounds of each machine's part.
    pub limits: PoolLimits,
    /// Accounts whose transactions this sequencer does not take: the EVM's senders, SBF's and Wasm's signers.
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
    /// Whether the chain has Wasm's machine.
    wasm: bool,
    pools: Mutex<Pools>,
    added: broadcast::Sender<Pooled>,
    wake: Notify,
}

impl Mempool {
    /// An empty pool over `chain`. `sbf` is that chain's machine, where it has one.
    #[must_use]
    pub fn new(chain: Arc<Chain>, config: MempoolConfig, sbf: Option<Arc<SbfVm>>) -> Arc<Self> {
        let wasm = chain.genesis().vms().contains(&VmId::WASM);
        Arc::new(Self {
            chain,
            pools: Mutex::new(Pools::new(config.limits)),
            config,
            sbf,
            wasm,
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
        let (reads, mut pools) = match self.read_and_lock(&prepared) {
            Ok(read) => read,
            Err(error) => {
                let failed = PoolError::State(error.to_string());
                return prepared.into_iter().map(|result| result.and(Err(failed.clone()))).collect();
            }
        };
        let mut added = Vec::with_capacity(prepared.len());
        let mut insert = |pooled: Pooled| {
            pools.insert(&pooled, &reads)?;
            let id = pooled.id();
            added.push(pooled);
            Ok(id)
        };
        let results: Vec<_> = prepared.into_iter().map(|result| result.and_then(&mut insert)).collect();
        drop(pools);
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            metrics::counter!("weft_pool_rejected_total", "kind" => error.name()).increment(1);
        }
        self.announce(added);
        results
    }

    /// Tells who listens that `added` waits now.
    fn announce(&self, added: Vec<Pooled>) {
        if !added.is_empty() {
            self.wake.notify_one();
        }
        for pooled in added {
            // Nobody listening is no fault.
            let _ = self.added.send(pooled);
        }
    }

    /// What the state says of `prepared`, and the pool, locked while that is still so: where a block came in between, a
    /// sequence number that was read would be an old one, and what waited with the next ones is gone.
    fn read_and_lock(
        &self,
        prepared: &[Result<Pooled, PoolError>],
    ) -> Result<(Reads, MutexGuard<'_, Pools>), ChainError> {
        let standing = || {
            let pools = self.pools.lock();
            // Under the lock: the chain can't go back before the pool holds on to what this finds.
            (pools.moves, pools.held.clone().unwrap_or_else(|| self.chain.head()))
        };
        let mut again = 1..READS_MAX;
        loop {
            let (moves, head) = standing();
            let reads = self.read(&head, prepared, self.known_blockhashes(&head, prepared)?)?;
            let pools = self.pools.lock();
            if pools.moves == moves || again.next().is_none() {
                return Ok((reads, pools));
            }
        }
    }

    /// What the state of `head` says of `prepared`. Blockhashes that are `known` are not looked up again.
    fn read(
        &self,
        head: &Head,
        prepared: &[Result<Pooled, PoolError>],
        known: HashMap<Hash, u64>,
    ) -> Result<Reads, ChainError> {
        let accounts = reads::accounts(&*head.state, reads::senders_of(prepared))?;
        let signers = reads::wasm_of(prepared).flat_map(|pooled| pooled.signers.iter());
        let wasm = reads::wasm(&*head.state, signers.map(|(account, _)| *account))?;
        let sbf = reads::sbf_of(prepared);
        let reader = if sbf.is_empty() { None } else { self.reader(head) };
        let sbf = match reader {
            Some(reader) => reader.read(&sbf, known)?,
            None => HashMap::new(),
        };
        Ok(Reads { accounts, sbf, wasm, ..Reads::default() })
    }

    /// Until which of Solana's block heights the blockhashes in `prepared` are good that something waiting names too.
    fn known_blockhashes(
        &self,
        head: &Head,
        prepared: &[Result<Pooled, PoolError>],
    ) -> Result<HashMap<Hash, u64>, ChainError> {
        let sbf = reads::sbf_of(prepared);
        if sbf.is_empty() {
            return Ok(HashMap::new());
        }
        let Some(reader) = self.reader(head) else { return Ok(HashMap::new()) };
        let height = reader.height()?;
        let mut pools = self.pools.lock();
        // What is too old makes room.
        pools.sbf.expire(height);
        let named = sbf.iter().map(|pooled| pooled.blockhash);
        Ok(named.filter_map(|blockhash| Some((blockhash, pools.sbf.last_height(&blockhash)?))).collect())
    }

    fn reader(&self, head: &Head) -> Option<SbfReader<'_>> {
        Some(SbfReader::new(self.sbf.as_deref()?, &self.chain, head.clone(), now_ms()))
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
            pools.wasm.remove(id);
        }
    }

    /// Takes out what has waited for [`WAIT_MAX`] at `now`. Looks no more often than is needed for that, so it may be
    /// called at any pace.
    pub fn expire(&self, now: Instant) {
        let mut pools = self.pools.lock();
        if now.saturating_duration_since(pools.swept) < SWEEP_EVERY {
            return;
        }
        pools.swept = now;
        let Some(oldest) = now.checked_sub(WAIT_MAX) else { return };
        let count = pools.expire(oldest);
        drop(pools);
        if count > 0 {
            metrics::counter!("weft_pool_expired_total").increment(count);
            tracing::info!(count, "transactions that waited too long are out of the pool");
        }
    }

    /// Whether something can't be in a block only because it pays less than `base_fee`.
    #[must_use]
    pub fn waits_for_price(&self, base_fee: u64) -> bool {
        let pools = self.pools.lock();
        let base_fee = u128::from(base_fee);
        pools.evm.waits_for_price(base_fee) || pools.wasm.waits_for_price(base_fee)
    }

    /// What a block at `base_fee` should take, best first; [`Best`] says which that is.
    #[must_use]
    pub fn best(&self, base_fee: u64) -> Best {
        let pools = self.pools.lock();
        let base_fee = u128::from(base_fee);
        Best::new(pools.evm.best(base_fee), pools.sbf.ascending(), pools.wasm.best(base_fee), base_fee)
    }

    /// Whether nothing waits at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pools.lock().is_empty()
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
        self.pools.lock().status(vm)
    }

    /// All of the EVM's that waits, by sender and nonce; true for those that can execute now.
    #[must_use]
    pub fn evm_content(&self) -> Vec<(Arc<PooledEvm>, bool)> {
        self.pools.lock().evm.content()
    }

    /// Up to `limit` of Wasm's that waits, first come first.
    #[must_use]
    pub fn wasm_waiting(&self, limit: usize) -> Vec<Arc<PooledWasm>> {
        self.pools.lock().wasm.oldest(limit)
    }

    /// The sequence number after all of the Wasm account's waiting transactions; `None` where none waits and the state's
    /// own is the answer.
    #[must_use]
    pub fn pending_sequence(&self, account: AccountId) -> Option<u64> {
        self.pools.lock().wasm.next_sequence(account)
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
