//! [`View`]: one consistent sight of the chain, swapped as a whole so that readers never wait for a writer.

use super::layers::Layers;
use super::record::{BlockRecord, TransactionRecord};
use super::sbf::{self, Addresses};
use super::wasm::{self, Events};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use weft_router::ExecutedBlock;
use weft_state::{ChangeSet, ReadError, StateRead, TreeUpdate};
use weft_types::{B256, Bytes, DaHeight, DerivedBlock, Height};

/// The last Celestia height that was derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaTip {
    /// Its height.
    pub height: DaHeight,
    /// Its header's hash.
    pub hash: B256,
}

/// A block that is executed and not in the store.
#[derive(Clone)]
pub struct SoftBlock {
    /// As readers see it.
    pub record: Arc<BlockRecord>,
    /// As it was ordered.
    pub block: Arc<DerivedBlock>,
    /// Of the state, and of the look-ups that follow from it.
    pub(super) changes: Arc<ChangeSet>,
    pub(super) tree: Arc<TreeUpdate>,
    pub(super) places: Arc<HashMap<B256, usize>>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) events: Arc<Events>,
}

impl SoftBlock {
    /// `before` is the state that the block was executed on.
    pub(super) fn new(
        block: Arc<DerivedBlock>,
        executed: ExecutedBlock,
        da_height: Option<DaHeight>,
        before: &dyn StateRead,
    ) -> Result<Self, ReadError> {
        let record = Arc::new(record(&block, &executed, da_height));
        let ids = record.transactions.iter().enumerate();
        Ok(Self {
            places: Arc::new(ids.map(|(index, transaction)| (transaction.id, index)).collect()),
            addresses: Arc::new(sbf::addresses(&record)),
            events: Arc::new(wasm::events(&record)),
            record,
            block,
            changes: Arc::new(sbf::with_index(executed.changes, before)?),
            tree: Arc::new(executed.tree),
        })
    }

    pub(super) fn height(&self) -> Height {
        self.block.height
    }
}

/// The block as it is kept.
pub(super) fn record(
    block: &DerivedBlock,
    executed: &ExecutedBlock,
    da_height: Option<DaHeight>,
) -> BlockRecord {
    let mut rejected = executed.rejected.iter().map(|rejected| rejected.index).peekable();
    let kept =
        block.transactions.iter().enumerate().filter(|(index, _)| rejected.next_if_eq(index).is_none());
    let transactions: Arc<[TransactionRecord]> = kept
        .zip(&executed.transactions)
        .map(|((_, ordered), executed)| TransactionRecord {
            transaction: executed.transaction.clone(),
            id: executed.id,
            sender: executed.sender,
            forced: ordered.forced,
            receipt: executed.receipt.clone(),
            detail: executed.detail.clone(),
        })
        .collect();
    BlockRecord {
        hash: executed.header.hash(),
        header: executed.header.clone(),
        origin_hash: block.origin_hash,
        sequencer: block.sequencer,
        transactions,
        da_height,
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct View {
    /// The tip of what Celestia has.
    pub(super) included: Arc<BlockRecord>,
    /// The store's state at it.
    pub(super) base: Arc<dyn StateRead>,
    /// Blocks above it, ascending without a gap.
    pub(super) soft: Vec<SoftBlock>,
    pub(super) layers: Layers,
    /// Derivation's state after the last Celestia height, as derivation spells it.
    pub(super) derivation: Bytes,
    pub(super) da: DaTip,
    pub(super) discarded: Arc<BTreeMap<String, u64>>,
}

impl View {
    pub(super) fn tip(&self) -> &Arc<BlockRecord> {
        self.soft.last().map_or(&self.included, |soft| &soft.record)
    }

    pub(super) fn soft_at(&self, height: Height) -> Option<&SoftBlock> {
        let above = height.0.checked_sub(self.included.header.height.next().0)?;
        self.soft.get(usize::try_from(above).ok()?)
    }

    /// The state after the soft block at `height`, or after the included tip.
    pub(super) fn state(&self, height: Height) -> Arc<dyn StateRead> {
        self.layers.state_at(height, self.included.header.height, Arc::clone(&self.base))
    }
}
