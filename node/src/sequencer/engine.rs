//! [`Sequencer`]: makes soft blocks, and keeps what it signed in step with what Celestia has.

use super::mempool::Mempool;
use super::signlog::{SignLog, SignLogError, SignedBlock, posted_bytes};
use crate::chain::{Applied, BlockRecord, Chain, ChainError, DaStep, Head};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use weft_da::derive::DerivationState;
use weft_da::publisher::{Publisher, PublisherStatus};
use weft_da::signature::{SIGNATURE_BYTES, SequencerKey};
use weft_router::{BlockTemplate, BuildLimits, Built};
use weft_types::{
    Address, B256, DaHeight, DerivationParams, DerivedBlock, Height, Transaction, hash, limits,
};
use weft_vm::RejectKind;

/// Celestia blocks that a soft block must still have, of its origin's window, for its batch to land. With fewer it is
/// given up and made again on a newer origin.
const ORIGIN_MARGIN: u64 = 2;
/// Times that a batch beginning at one height may be dropped before its blocks are made again.
const DROPS_MAX: u32 = 2;

/// What an operator chooses.
#[derive(Clone, Debug)]
pub struct SequencerConfig {
    /// The pace of blocks while there is something to put into them.
    pub block_time: Duration,
    /// Where there is nothing: the pace of empty blocks, so that time moves on. `None` makes none but those that lower
    /// the base fee to what somebody pays who waits.
    pub empty_block: Option<Duration>,
    /// The least time between two batches; a Celestia block passes in any case.
    pub batch_time: Duration,
    /// Bytes that may wait to be posted. Past half of it blocks are made ten times slower, past it none.
    pub unposted_bytes_max: u64,
    /// Soft blocks that may wait to land, likewise.
    pub unposted_blocks_max: u64,
    /// Bytes of transactions at which a batch is closed.
    pub batch_bytes: u64,
}

impl Default for SequencerConfig {
    fn default() -> Self {
        Self {
            block_time: Duration::from_millis(250),
            empty_block: None,
            batch_time: Duration::ZERO,
            unposted_bytes_max: 64 << 20,
            unposted_blocks_max: 3_000,
            batch_bytes: 4 << 20,
        }
    }
}

/// Why the sequencer stops.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// The chain: see its own sorting.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The sign log can't be trusted or written.
    #[error(transparent)]
    SignLog(#[from] SignLogError),
    /// The publisher failed.
    #[error(transparent)]
    Publisher(#[from] weft_da::publisher::PublisherError),
    /// A batch of bounded size did not fit its wire form: a bug.
    #[error("a batch could not be encoded: {0}")]
    Encode(String),
}

/// For `weft_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerStatus {
    /// Who it signs as.
    pub address: Address,
    /// Whether it may make blocks now.
    pub leader: bool,
    /// Soft blocks that Celestia does not have yet.
    pub backlog_blocks: u64,
    /// Bytes of their own transactions.
    pub backlog_bytes: u64,
}

pub(super) struct Engine {
    pub(super) log: SignLog,
    pub(super) derivation: Arc<DerivationState>,
    /// Whether Celestia's newest header was derived; before that, others may have gone on.
    synced: bool,
    made: Instant,
    drops: (Height, u32),
}

/// See the module. Shared in an [`Arc`].
pub struct Sequencer {
    pub(super) chain: Arc<Chain>,
    pub(super) mempool: Arc<Mempool>,
    pub(super) key: SequencerKey,
    pub(super) params: DerivationParams,
    pub(super) config: SequencerConfig,
    pub(super) publisher: Publisher,
    /// Whether it may make blocks, as derivation's newest state has it.
    leader: AtomicBool,
    /// Held while a block is made, and while one Celestia height is taken in, so that the two never interleave.
    pub(super) engine: Mutex<Engine>,
}

impl Sequencer {
    /// Takes up the blocks that `log` holds: they are executed again and laid over the chain as before.
    ///
    /// # Errors
    /// [`SequencerError`].
    pub fn open(
        chain: Arc<Chain>,
        mempool: Arc<Mempool>,
        key: SequencerKey,
        config: SequencerConfig,
        publisher: Publisher,
        log: SignLog,
        derivation: Arc<DerivationState>,
    ) -> Result<Arc<Self>, SequencerError> {
        let engine = Engine { log, derivation, synced: false, made: Instant::now(), drops: (Height(0), 0) };
        let params = chain.genesis().derivation_params();
        let engine = Mutex::new(engine);
        let leader = AtomicBool::new(false);
        let sequencer = Arc::new(Self { chain, mempool, key, params, config, publisher, leader, engine });
        sequencer.recover()?;
        Ok(sequencer)
    }

    /// Who it signs as.
    #[must_use]
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// The pool that blocks are made of.
    #[must_use]
    pub fn mempool(&self) -> &Arc<Mempool> {
        &self.mempool
    }

    /// Batches on their way to Celestia.
    #[must_use]
    pub fn publisher_status(&self) -> PublisherStatus {
        self.publisher.status()
    }

    /// The least time between two batches.
    #[must_use]
    pub fn batch_time(&self) -> Duration {
        self.config.batch_time
    }

    /// The pace of blocks.
    #[must_use]
    pub fn block_time(&self) -> Duration {
        self.config.block_time
    }

    /// The signature over [`weft_types::SoftPromise`] of a soft block that this sequencer made.
    #[must_use]
    pub fn promise(&self, height: Height) -> Option<[u8; SIGNATURE_BYTES]> {
        self.engine.lock().log.block(height)?.promise
    }

    /// For `weft_status` and metrics.
    #[must_use]
    pub fn status(&self) -> SequencerStatus {
        let soft = self.chain.soft();
        SequencerStatus {
            address: self.address(),
            leader: self.leader.load(Ordering::Relaxed),
            backlog_blocks: soft.len() as u64,
            backlog_bytes: soft.iter().map(|soft| posted_bytes(&soft.block)).sum(),
        }
    }

    fn leads(&self, derivation: &DerivationState) -> bool {
        // What is made now lands at the next Celestia height at the earliest.
        derivation.may_sequence(&self.params, self.address(), derivation.last_da().0.next())
    }

    fn recover(&self) -> Result<(), SequencerError> {
        let mut engine = self.engine.lock();
        let included = self.chain.included().header.height;
        let mut replaced = None;
        for signed in engine.log.blocks().filter(|signed| signed.block.height <= included) {
            let landed = self.chain.block(signed.block.height)?;
            if landed.is_none_or(|landed| landed.header.order_hash != signed.block.order_hash) {
                replaced = Some(signed.block.height);
                break;
            }
        }
        if let Some(height) = replaced {
            tracing::warn!(%height, "Celestia has other blocks than were signed before the stop");
            let voided = engine.log.void(height)?;
            self.put_back(&voided);
        }
        engine.log.landed(included)?;
        let blocks: Vec<DerivedBlock> = engine.log.blocks().map(|signed| signed.block.clone()).collect();
        let count = blocks.len();
        for block in blocks {
            let height = block.height;
            if !follows(&self.chain.tip(), &block) {
                let voided = engine.log.void(height)?;
                tracing::warn!(%height, "Celestia has other blocks than were signed before the stop");
                self.put_back(&voided);
                break;
            }
            self.chain.replay_soft(block)?;
        }
        if count > 0 {
            tracing::info!(count, tip = %self.chain.tip().header.height, "took up soft blocks that had not landed");
        }
        Ok(())
    }

    /// Transactions of signed blocks that are void go back to the pool, as far as they may still execute.
    fn put_back(&self, voided: &[SignedBlock]) {
        let ordered = voided.iter().flat_map(|signed| &signed.block.transactions);
        let own = ordered.filter(|ordered| !ordered.forced).map(|ordered| ordered.transaction.clone());
        self.mempool.add_many(own.collect());
    }

    /// Takes in what derivation made of some Celestia heights, with `derivation` its state after the last of
    /// them. Blocks for as long as [`Chain::apply_derived`].
    ///
    /// # Errors
    /// [`SequencerError`]: stop.
    pub fn apply_derived(
        &self,
        steps: Vec<DaStep>,
        derivation: Arc<DerivationState>,
        synced: bool,
    ) -> Result<Applied, SequencerError> {
        let mut engine = self.engine.lock();
        let held = self.mempool.hold();
        let applied = self.chain.apply_derived(steps)?;
        // Before what was executed: the numbers that it used up are then no gap before what waits.
        if !applied.voided.is_empty() {
            self.mempool.on_revert(&applied.voided)?;
        }
        drop(held);
        // Blocks of our own left the pool when they were made.
        for record in &applied.executed {
            self.mempool.on_block(record)?;
        }
        engine.derivation = derivation;
        if synced && !engine.synced {
            tracing::info!(da_height = %engine.derivation.last_da().0, "caught up with Celestia");
        }
        engine.synced |= synced;
        self.leader.store(engine.synced && self.leads(&engine.derivation), Ordering::Relaxed);
        if let Some(first) = applied.voided.first() {
            tracing::warn!(height = %first.header.height, "Celestia has another block: soft blocks from here are void");
            engine.log.void(first.header.height)?;
        }
        if let Some(last) = applied.included.last() {
            engine.log.landed(last.header.height)?;
        }
        self.give_up_late(&mut engine)?;
        Ok(applied)
    }

    /// Soft blocks whose origin has left its window can't land any more.
    fn give_up_late(&self, engine: &mut Engine) -> Result<(), SequencerError> {
        let Some(first) = self.chain.soft().into_iter().next() else { return Ok(()) };
        let (da_height, ..) = engine.derivation.last_da();
        if da_height.since(first.block.origin) > self.params.origin_window.saturating_sub(ORIGIN_MARGIN) {
            self.make_again(engine, first.block.height, "its origin is too old to land")?;
        }
        Ok(())
    }

    fn make_again(&self, engine: &mut Engine, height: Height, why: &str) -> Result<(), SequencerError> {
        let _held = self.mempool.hold();
        let removed = self.chain.void_soft(height);
        engine.log.void(height)?;
        tracing::error!(%height, count = removed.len(), why, "soft blocks are given up and made again");
        self.mempool.on_revert(&removed)?;
        Ok(())
    }

    /// The publisher gave up a batch that begins at `height`. Its blocks go into another batch, and where that too
    /// is dropped they are made again.
    ///
    /// # Errors
    /// [`SequencerError`]: stop.
    pub fn batch_dropped(&self, height: Height) -> Result<(), SequencerError> {
        let mut engine = self.engine.lock();
        if !self.chain.soft().iter().any(|soft| soft.block.height == height) {
            return Ok(());
        }
        let (last, count) = engine.drops;
        let count = if last == height { count.saturating_add(1) } else { 1 };
        engine.drops = (height, count);
        if count >= DROPS_MAX {
            engine.drops = (Height(0), 0);
            self.make_again(&mut engine, height, "its batch was dropped again")?;
        }
        Ok(())
    }

    /// Makes the next block, if this sequencer may, and if there is something to put into it or time for an empty one:
    /// by the clock, or because something waits for the base fee to fall.
    /// A chain gets its first block at once: clients of Solana and of CometBFT can ask nothing of one that has none.
    /// Executes, so it blocks.
    ///
    /// # Errors
    /// [`SequencerError`]: stop.
    pub fn make_block(&self, now_ms: u64) -> Result<Option<Arc<BlockRecord>>, SequencerError> {
        self.mempool.expire(Instant::now());
        let mut engine = self.engine.lock();
        if !engine.synced || !self.leads(&engine.derivation) || self.holds_back(&engine) {
            return Ok(None);
        }
        let head = self.chain.head();
        let (origin, origin_hash, forced) = self.origin(&engine.derivation, &head);
        let is_first = head.tip.header.height == Height(0);
        let heartbeat = is_first || self.config.empty_block.is_some_and(|pace| engine.made.elapsed() >= pace);
        if forced.is_empty() && !heartbeat && self.mempool.is_empty() {
            return Ok(None);
        }
        let template = BlockTemplate {
            height: head.tip.header.height.next(),
            timestamp_ms: now_ms.max(head.tip.header.timestamp_ms),
            origin,
            origin_hash,
            sequencer: Some(self.address()),
        };
        let built = self.build(&head, &template, forced)?;
        let base_fee = built.executed.header.base_fee;
        // What waits for a lower price waits for blocks: no other makes one that it could pay.
        let empty = built.block.transactions.is_empty();
        if empty && !heartbeat && !self.mempool.waits_for_price(base_fee) {
            return Ok(None);
        }
        // From here on the block is promised: it is taken up again after any kill.
        engine.log.sign(&self.key, self.params.chain_id, &built.block)?;
        let record = self.chain.push_soft(Arc::new(built.block), built.executed)?;
        engine.made = Instant::now();
        for wait in self.mempool.waits(&record) {
            metrics::histogram!("weft_soft_confirmation_seconds").record(wait);
        }
        // While nobody can void it: what would come back must be gone first.
        self.mempool.on_block(&record)?;
        Ok(Some(record))
    }

    /// Back-pressure: with too much unposted, blocks are made slower and then not at all.
    fn holds_back(&self, engine: &Engine) -> bool {
        let soft = self.chain.soft();
        let blocks = soft.len() as u64;
        let bytes: u64 = soft.iter().map(|soft| posted_bytes(&soft.block)).sum();
        let (bytes_max, blocks_max) = (self.config.unposted_bytes_max, self.config.unposted_blocks_max);
        let full = bytes > bytes_max || blocks > blocks_max;
        let slow = bytes > bytes_max / 2 || blocks > blocks_max / 2;
        full || (slow && engine.made.elapsed() < self.config.block_time.saturating_mul(10))
    }

    /// The newest origin whose forced transactions fit into one block, and those transactions.
    fn origin(&self, derivation: &DerivationState, head: &Head) -> (DaHeight, B256, Vec<Transaction>) {
        let after = head.tip.header.origin;
        let (mut origin, mut origin_hash, _) = derivation.last_da();
        while origin > after {
            let forced = derivation.forced_between(after, origin);
            let bytes: usize = forced.iter().map(Transaction::encoded_len).sum();
            // The forced ones of a single height always fit: genesis bounds them so.
            let fits = bytes <= self.params.block_bytes_max && forced.len() <= limits::BLOCK_TRANSACTIONS_MAX;
            if fits || origin == after.next() {
                return (origin, origin_hash, forced);
            }
            let lower = DaHeight(after.0.saturating_add(origin.since(after) / 2).max(after.next().0));
            let Some(hash) = derivation.origin_hash(lower) else { break };
            (origin, origin_hash) = (lower, hash);
        }
        (after, head.tip.origin_hash, Vec::new())
    }

    fn build(
        &self,
        head: &Head,
        template: &BlockTemplate,
        forced: Vec<Transaction>,
    ) -> Result<Built, SequencerError> {
        let span = tracing::debug_span!("build", height = %template.height);
        let _entered = span.enter();
        let router = self.chain.router();
        let started = Instant::now();
        let mut best = self.mempool.best(router.env(&head.tip.header, template).base_fee);
        let mut candidates = || {
            // What is left of the block's time is for the tree and the disk.
            let late = started.elapsed() > self.config.block_time.saturating_mul(4) / 5;
            if late { None } else { best.next() }.map(|pooled| pooled.candidate())
        };
        let limits = BuildLimits::of(router);
        let built = router
            .build_block(
                &*head.state,
                &*head.nodes,
                &head.tip.header,
                template,
                forced,
                &mut candidates,
                limits,
            )
            .map_err(ChainError::from)?;
        metrics::histogram!("weft_build_seconds").record(started.elapsed());
        let gone = built.rejected.iter().filter(|rejected| is_final(rejected.reject.kind));
        self.mempool.remove(gone.map(|rejected| rejected.candidate.checked.id));
        for rejected in &built.rejected {
            metrics::counter!("weft_rejected_total", "kind" => rejected.reject.kind.name()).increment(1);
        }
        Ok(built)
    }
}

/// Whether a candidate that was refused will be refused again. SBF has no order between transactions and no price that
/// moves, so all that it refuses stays refused: a blockhash that is gone, a copy, a payer without funds, or a state that
/// somebody would have to change first.
fn is_final(kind: RejectKind) -> bool {
    !matches!(kind, RejectKind::NonceGap | RejectKind::Underpriced)
}

/// Whether `block` was ordered on top of `tip`.
fn follows(tip: &BlockRecord, block: &DerivedBlock) -> bool {
    let root = DerivedBlock::ordered_root(block.transactions.iter().map(|ordered| &ordered.transaction));
    let order_hash =
        hash::order_hash(tip.header.order_hash, block.height.0, block.timestamp_ms, block.origin.0, root);
    block.height == tip.header.height.next() && order_hash == block.order_hash
}
