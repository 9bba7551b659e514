//! Extending the chain: soft blocks by the sequencer, derived blocks by the syncer.

use super::discarded::{Counts, DiscardedEntry};
use super::sbf::{self, Addresses};
use super::view::{DaTip, SoftBlock, View};
use super::wasm::{self, Events};
use super::{BlockRecord, Chain, ChainError, ChainEvent, keys};
use std::sync::Arc;
use std::time::Instant;
use weft_router::{ExecutedBlock, Router};
use weft_state::{EmptyState, Key, Store};
use weft_types::{B256, Bytes, DaHeight, DerivedBlock, Height};

/// What derivation made of one Celestia height.
#[derive(Clone, Debug)]
pub struct DaStep {
    /// The height.
    pub da_height: DaHeight,
    /// Its header's hash.
    pub da_hash: B256,
    /// The blocks that end here, in order.
    pub blocks: Vec<DerivedBlock>,
    /// What was skipped.
    pub discarded: Vec<DiscardedEntry>,
    /// Derivation's state after it.
    pub derivation: Bytes,
}

/// What [`Chain::apply_derived`] did.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// The blocks that are included now.
    pub included: Vec<Arc<BlockRecord>>,
    /// Those of them that no soft block had made before.
    pub executed: Vec<Arc<BlockRecord>>,
    /// Soft blocks that are void: their transactions may go back to the pool.
    pub voided: Vec<Arc<BlockRecord>>,
    /// Transactions that were executed here and rejected, by kind.
    pub rejected: Vec<&'static str>,
}

/// Writes block 0 to an empty store.
pub(super) fn genesis(router: &Router, store: &Store, derivation: Bytes) -> Result<(), ChainError> {
    let executed = router.genesis_block()?;
    let checkpoint = &router.genesis().celestia.da_checkpoint;
    let record = BlockRecord {
        hash: executed.header.hash(),
        header: executed.header.clone(),
        origin_hash: checkpoint.hash,
        sequencer: None,
        transactions: Arc::new([]),
        da_height: Some(checkpoint.height),
    };
    let mut session = store.begin(Height(0))?;
    let changes = sbf::with_index(executed.changes, &EmptyState)?;
    session.block(&changes, &executed.tree, records(&record, &Addresses::new(), &Events::default()))?;
    session.finish(derivation)?.commit()?;
    Ok(())
}

impl Chain {
    /// Says at which Celestia height the derivation state of the store stands, once after [`Chain::open`].
    pub fn resume_at(&self, da: DaTip) {
        let _writer = self.writer.lock();
        let mut view = View::clone(&self.view.load());
        view.da = da;
        self.view.store(Arc::new(view));
    }

    /// Lays a block that a sequencer made over the tip.
    ///
    /// # Errors
    /// [`ChainError::NotNext`] where the chain went on meanwhile: the block is to be made again;
    /// [`ChainError::Read`].
    pub fn push_soft(
        &self,
        block: Arc<DerivedBlock>,
        executed: ExecutedBlock,
    ) -> Result<Arc<BlockRecord>, ChainError> {
        let _writer = self.writer.lock();
        let mut view = View::clone(&self.view.load());
        let tip = view.tip();
        if executed.header.parent != tip.hash || block.height != tip.header.height.next() {
            return Err(ChainError::NotNext {
                height: block.height,
                parent: executed.header.parent,
                tip: tip.header.height,
                tip_hash: tip.hash,
            });
        }
        let before = view.state(tip.header.height);
        let soft = SoftBlock::new(block, executed, None, &*before)?;
        let record = Arc::clone(&soft.record);
        self.push(&mut view, soft);
        self.view.store(Arc::new(view));
        self.tell(ChainEvent::Block(Arc::clone(&record)));
        Ok(record)
    }

    /// Executes `block` on the tip and lays it over it: how a sequencer takes up its signed blocks after a restart.
    ///
    /// # Errors
    /// As [`Self::push_soft`]; [`ChainError::Apply`].
    pub fn replay_soft(&self, block: DerivedBlock) -> Result<Arc<BlockRecord>, ChainError> {
        let head = self.head();
        let executed = self.router.apply_block(&*head.state, &*head.nodes, &head.tip.header, &block)?;
        self.push_soft(Arc::new(block), executed)
    }

    /// Drops soft blocks from `height` on, which can't land any more. Returns them.
    pub fn void_soft(&self, height: Height) -> Vec<Arc<BlockRecord>> {
        let _writer = self.writer.lock();
        let mut view = View::clone(&self.view.load());
        let removed = self.drop_soft(&mut view, height);
        if !removed.is_empty() {
            self.view.store(Arc::new(view));
            self.tell_reverted(height, &removed);
        }
        removed
    }

    /// Takes in what derivation made of consecutive Celestia heights, in one atomic commit. Soft blocks with the
    /// order that was derived keep their execution; others are void from the first difference on.
    ///
    /// # Errors
    /// [`ChainError::Store`], [`ChainError::Apply`]: stop; nothing of it was committed.
    pub fn apply_derived(&self, steps: Vec<DaStep>) -> Result<Applied, ChainError> {
        let Some(last) = steps.last() else { return Ok(Applied::default()) };
        let (da, derivation) =
            (DaTip { height: last.da_height, hash: last.da_hash }, last.derivation.clone());
        let _writer = self.writer.lock();
        let mut view = View::clone(&self.view.load());
        let start = view.included.header.height;
        let mut counts = Counts((*view.discarded).clone());
        let (mut applied, mut loose) = (Applied::default(), Vec::new());
        let mut reverted_from = None;
        for step in steps {
            loose.extend(counts.add(step.da_height, &step.discarded));
            for block in step.blocks {
                let height = block.height;
                let kept = view.soft_at(height).is_some_and(|soft| soft.block.order_hash == block.order_hash);
                if !kept {
                    let removed = self.drop_soft(&mut view, height);
                    if !removed.is_empty() {
                        reverted_from = Some(height);
                        applied.voided.extend(removed);
                    }
                    self.execute(&mut view, block, &mut applied)?;
                }
                include(&mut view, height, step.da_height);
                let record = view.soft_at(height).map(|soft| Arc::clone(&soft.record));
                applied.executed.extend(record.clone().filter(|_| !kept));
                applied.included.extend(record);
            }
        }
        self.commit(&view, applied.included.len(), loose, derivation.clone())?;
        self.settle(&mut view, applied.included.len())?;
        view.derivation = derivation;
        view.da = da;
        view.discarded = Arc::new(counts.0);
        self.view.store(Arc::new(view));
        self.tell_applied(start, &applied, reverted_from);
        Ok(applied)
    }

    fn push(&self, view: &mut View, soft: SoftBlock) {
        self.nodes.insert(&soft.tree);
        view.layers.push(soft.height(), Arc::clone(&soft.changes));
        view.soft.push(soft);
    }

    fn drop_soft(&self, view: &mut View, height: Height) -> Vec<Arc<BlockRecord>> {
        let stands = height.since(view.included.header.height.next());
        let stands = usize::try_from(stands).unwrap_or(usize::MAX).min(view.soft.len());
        let removed = view.soft.split_off(stands);
        if let Some(below) = height.prev() {
            view.layers.truncate(below);
        }
        for soft in &removed {
            self.nodes.remove(&soft.tree);
        }
        removed.into_iter().map(|soft| soft.record).collect()
    }

    fn execute(&self, view: &mut View, block: DerivedBlock, applied: &mut Applied) -> Result<(), ChainError> {
        let span = tracing::debug_span!("execute", height = %block.height);
        let _entered = span.enter();
        let parent = Arc::clone(view.tip());
        let state = view.state(parent.header.height);
        let started = Instant::now();
        let executed = self.router.apply_block(&*state, &*self.nodes, &parent.header, &block)?;
        metrics::histogram!("weft_execute_seconds").record(started.elapsed());
        applied.rejected.extend(executed.rejected.iter().map(|rejected| rejected.reject.kind.name()));
        let soft = SoftBlock::new(Arc::new(block), executed, None, &*state)?;
        self.push(view, soft);
        Ok(())
    }

    /// One commit of the first `count` blocks above the included tip, and of what else the heights gave.
    fn commit(
        &self,
        view: &View,
        count: usize,
        loose: Vec<(Key, Bytes)>,
        derivation: Bytes,
    ) -> Result<(), ChainError> {
        let span = tracing::debug_span!("commit", blocks = count);
        let _entered = span.enter();
        let started = Instant::now();
        let mut session = self.store.begin(view.included.header.height.next())?;
        for soft in view.soft.iter().take(count) {
            session.block(&soft.changes, &soft.tree, records(&soft.record, &soft.addresses, &soft.events))?;
        }
        session.records(loose);
        session.finish(derivation)?.commit()?;
        metrics::histogram!("weft_commit_seconds").record(started.elapsed());
        Ok(())
    }

    /// Moves the first `count` soft blocks below the line, after the store has them.
    fn settle(&self, view: &mut View, count: usize) -> Result<(), ChainError> {
        let settled: Vec<SoftBlock> = view.soft.drain(..count).collect();
        let Some(last) = settled.last() else { return Ok(()) };
        view.base = self.store.state_at(last.height())?;
        view.included = Arc::clone(&last.record);
        view.layers.committed(last.height());
        for soft in &settled {
            self.nodes.remove(&soft.tree);
            self.cache.insert(soft.height(), Arc::clone(&soft.record));
        }
        Ok(())
    }

    fn tell_applied(&self, start: Height, applied: &Applied, reverted: Option<Height>) {
        if let Some(height) = reverted {
            self.tell_reverted(height, &applied.voided);
        }
        for record in &applied.executed {
            self.tell(ChainEvent::Block(Arc::clone(record)));
        }
        if let Some(last) = applied.included.last().filter(|last| last.header.height > start) {
            self.tell(ChainEvent::Included { up_to: last.header.height });
        }
    }

    fn tell_reverted(&self, height: Height, removed: &[Arc<BlockRecord>]) {
        let to = height.prev().unwrap_or_default();
        self.tell(ChainEvent::Reverted { to, removed: removed.into() });
    }

    fn tell(&self, event: ChainEvent) {
        // Nobody listening is no fault.
        let _ = self.events.send(event);
    }
}

/// Marks the block at `height` as derived at `da_height`.
fn include(view: &mut View, height: Height, da_height: DaHeight) {
    let first = view.included.header.height.next();
    let index = usize::try_from(height.since(first)).unwrap_or(usize::MAX);
    if let Some(soft) = view.soft.get_mut(index) {
        soft.record = Arc::new(soft.record.included_at(da_height));
    }
}

fn records(record: &BlockRecord, addresses: &Addresses, events: &Events) -> Vec<(Key, Bytes)> {
    let height = record.header.height;
    let count = record.transactions.len().saturating_add(addresses.len()).saturating_add(events.len());
    let mut records = Vec::with_capacity(count.saturating_add(2));
    records.push((keys::block(height), record.to_bytes()));
    records.push((keys::by_hash(record.hash), keys::encode_height(height)));
    for (index, transaction) in record.transactions.iter().enumerate() {
        records.push((keys::transaction(transaction.id), keys::encode_place(height, index)));
    }
    records.extend(sbf::records(height, addresses));
    records.extend(wasm::records(height, events));
    records
}
