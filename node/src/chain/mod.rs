//! The chain as this node knows it: what Celestia has, in the store, and soft blocks laid over it.
//!
//! ```text
//! sequencer ──push_soft──> soft 12, 13, 14 (layers over the store)      readers: one View, swapped whole
//! syncer ──apply_derived──> same order hash: kept, becomes included
//!                           another: 12.. are void, what was derived is executed
//!                 └─ one atomic commit: blocks, state, tree, derivation state, indexes
//! ```
//! Invariants, as negatives:
//! - No block is visible before all of it is: readers hold one [`View`] and never wait for execution.
//! - No soft block reaches the store; only what was derived does.
//! - No block is executed twice: a soft block that lands keeps its execution.

mod discarded;
mod error;
mod keys;
mod layers;
mod record;
mod sbf;
mod view;
mod wasm;
mod write;

pub use discarded::DiscardedEntry;
pub use error::ChainError;
pub use record::{BlockRecord, TransactionRecord};
pub use sbf::addresses_of;
pub use view::{DaTip, SoftBlock};
pub use wasm::{EventHash, wasm_detail};
pub use write::{Applied, DaStep};

use arc_swap::ArcSwap;
use discarded::Counts;
use layers::SoftNodes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::broadcast;
use view::View;
use weft_genesis::Genesis;
use weft_router::{BlockTemplate, Router};
use weft_state::{NodeRead, StateRead, Store};
use weft_types::{B256, Bytes, DaHeight, DecodeError, Height};
use weft_vm::BlockEnv;

/// Events that a reader may fall behind before it is told that it lost some.
const EVENTS_MAX: usize = 4_096;
/// Bytes of block records that are kept decoded.
const CACHE_BYTES: u64 = 32 << 20;

/// What happened to the chain. A reader that falls behind asks for [`BlockRecord`]s by height instead.
#[derive(Clone, Debug)]
pub enum ChainEvent {
    /// A block on top of the last one: soft, or derived with no soft block before it.
    Block(Arc<BlockRecord>),
    /// Celestia has all blocks up to here; their records now say at which of its heights.
    Included {
        /// The last of them.
        up_to: Height,
    },
    /// Soft blocks above this height are void; what takes their place follows as [`Self::Block`].
    Reverted {
        /// The last block that stands.
        to: Height,
        /// The blocks that are void, ascending.
        removed: Arc<[Arc<BlockRecord>]>,
    },
}

/// The tip with all that executing on top of it needs.
#[derive(Clone)]
pub struct Head {
    /// The tip, soft or included.
    pub tip: Arc<BlockRecord>,
    /// The state after it.
    pub state: Arc<dyn StateRead>,
    /// Tree nodes, those of soft blocks too.
    pub nodes: Arc<dyn NodeRead>,
    /// The last Celestia height that was derived.
    pub da: DaTip,
}

/// See the module. Shared in an [`Arc`]; all methods block for short times only, those that write for as long as
/// execution takes.
pub struct Chain {
    router: Arc<Router>,
    store: Store,
    nodes: Arc<SoftNodes>,
    view: ArcSwap<View>,
    /// Held by whoever extends the chain.
    writer: Mutex<()>,
    events: broadcast::Sender<ChainEvent>,
    cache: moka::sync::Cache<Height, Arc<BlockRecord>>,
}

impl Chain {
    /// The chain in `store`. An empty store gets the block of genesis, with `derivation` as its derivation state.
    ///
    /// # Errors
    /// [`ChainError`]: the store is damaged or fails.
    pub fn open(router: Arc<Router>, store: Store, derivation: Bytes) -> Result<Arc<Self>, ChainError> {
        if store.tip().is_none() {
            write::genesis(&router, &store, derivation)?;
        }
        let tip = store.tip().ok_or(weft_state::StoreError::Empty)?;
        let included = Arc::new(stored(&store, tip.height)?);
        if included.header.state_root != tip.root {
            let error = DecodeError::Malformed(format!("its state root is not the tree's, {}", tip.root));
            return Err(ChainError::Damaged { what: format!("block {}", tip.height), error });
        }
        let missing =
            || ChainError::Damaged { what: "the derivation state".into(), error: DecodeError::Empty("it") };
        let view = View {
            base: store.state_at(tip.height)?,
            soft: Vec::new(),
            layers: layers::Layers::default(),
            derivation: store.derivation()?.ok_or_else(missing)?,
            // The caller, who can read the derivation state, says where it stands.
            da: DaTip { height: DaHeight(0), hash: B256::ZERO },
            discarded: Arc::new(Counts::load(&store)?.0),
            included,
        };
        let cache = moka::sync::Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|_, record: &Arc<BlockRecord>| weigh(record))
            .build();
        Ok(Arc::new(Self {
            nodes: Arc::new(SoftNodes::new(store.nodes())),
            router,
            store,
            view: ArcSwap::from_pointee(view),
            writer: Mutex::new(()),
            events: broadcast::channel(EVENTS_MAX).0,
            cache,
        }))
    }

    /// The state transition of this chain.
    #[must_use]
    pub fn router(&self) -> &Arc<Router> {
        &self.router
    }

    /// What all nodes of this chain agree on.
    #[must_use]
    pub fn genesis(&self) -> &Arc<Genesis> {
        self.router.genesis()
    }

    /// The newest block, soft or included.
    #[must_use]
    pub fn tip(&self) -> Arc<BlockRecord> {
        Arc::clone(self.view.load().tip())
    }

    /// The newest block that was derived from Celestia: final.
    #[must_use]
    pub fn included(&self) -> Arc<BlockRecord> {
        Arc::clone(&self.view.load().included)
    }

    /// What executing the next block needs, all of one moment.
    #[must_use]
    pub fn head(&self) -> Head {
        let view = self.view.load();
        let tip = Arc::clone(view.tip());
        Head { state: view.state(tip.header.height), tip, nodes: self.nodes(), da: view.da }
    }

    /// Soft blocks above the included tip, ascending.
    #[must_use]
    pub fn soft(&self) -> Vec<SoftBlock> {
        self.view.load().soft.clone()
    }

    /// Derivation's state after the last Celestia height.
    #[must_use]
    pub fn derivation(&self) -> Bytes {
        self.view.load().derivation.clone()
    }

    /// The last Celestia height that was derived.
    #[must_use]
    pub fn da(&self) -> DaTip {
        self.view.load().da
    }

    /// The block at `height`; `None` above the tip.
    ///
    /// # Errors
    /// [`ChainError::Store`], [`ChainError::Damaged`].
    pub fn block(&self, height: Height) -> Result<Option<Arc<BlockRecord>>, ChainError> {
        let view = self.view.load();
        if height > view.included.header.height {
            return Ok(view.soft_at(height).map(|soft| Arc::clone(&soft.record)));
        }
        if height == view.included.header.height {
            return Ok(Some(Arc::clone(&view.included)));
        }
        if let Some(record) = self.cache.get(&height) {
            return Ok(Some(record));
        }
        let record = Arc::new(stored(&self.store, height)?);
        self.cache.insert(height, Arc::clone(&record));
        Ok(Some(record))
    }

    /// The block with that hash.
    ///
    /// # Errors
    /// [`ChainError::Store`], [`ChainError::Damaged`].
    pub fn block_by_hash(&self, hash: B256) -> Result<Option<Arc<BlockRecord>>, ChainError> {
        let view = self.view.load();
        if let Some(soft) = view.soft.iter().find(|soft| soft.record.hash == hash) {
            return Ok(Some(Arc::clone(&soft.record)));
        }
        match self.store.chain_get(&keys::by_hash(hash))? {
            None => Ok(None),
            Some(bytes) => self.block(place(keys::decode_height(&bytes), "index of block hashes")?),
        }
    }

    /// The block with the transaction of that id, and its place there.
    ///
    /// # Errors
    /// [`ChainError::Store`], [`ChainError::Damaged`].
    pub fn transaction(&self, id: B256) -> Result<Option<(Arc<BlockRecord>, usize)>, ChainError> {
        let view = self.view.load();
        let soft = view.soft.iter().rev().find_map(|soft| Some((soft, *soft.places.get(&id)?)));
        if let Some((soft, index)) = soft {
            return Ok(Some((Arc::clone(&soft.record), index)));
        }
        let Some(bytes) = self.store.chain_get(&keys::transaction(id))? else { return Ok(None) };
        let (height, index) = place(keys::decode_place(&bytes), "index of transactions")?;
        Ok(self.block(height)?.map(|record| (record, index)))
    }

    /// The state after the block at `height`, soft or included.
    ///
    /// # Errors
    /// [`ChainError::AboveTip`]; [`ChainError::Store`] where the height is pruned.
    pub fn state_at(&self, height: Height) -> Result<Arc<dyn StateRead>, ChainError> {
        let view = self.view.load();
        let tip = view.tip().header.height;
        if height > tip {
            return Err(ChainError::AboveTip { height, tip });
        }
        if height >= view.included.header.height {
            return Ok(view.state(height));
        }
        Ok(self.store.state_at(height)?)
    }

    /// The tree's nodes, those of soft blocks too.
    #[must_use]
    pub fn nodes(&self) -> Arc<dyn NodeRead> {
        Arc::clone(&self.nodes) as Arc<dyn NodeRead>
    }

    /// The oldest height whose state can be read.
    #[must_use]
    pub fn oldest(&self) -> Height {
        self.store.oldest()
    }

    /// What transactions of the block at `height` saw as their block.
    ///
    /// # Errors
    /// [`ChainError::AboveTip`], [`ChainError::Store`], [`ChainError::Damaged`].
    pub fn env_at(&self, height: Height) -> Result<BlockEnv, ChainError> {
        let above = || ChainError::AboveTip { height, tip: self.tip().header.height };
        let record = self.block(height)?.ok_or_else(above)?;
        // Genesis has no parent; its environment is that of a block on itself.
        let parent = self.block(height.prev().unwrap_or(height))?.ok_or_else(above)?;
        let template = BlockTemplate::from(&record.derived());
        let env = self.router.env(&parent.header, &template);
        Ok(BlockEnv { base_fee: record.header.base_fee, parent_hash: record.header.parent, ..env })
    }

    /// What a transaction would see as its block if one were made on the tip at `now_ms` (Unix milliseconds).
    #[must_use]
    pub fn pending_env(&self, now_ms: u64) -> BlockEnv {
        let tip = self.tip();
        let template = BlockTemplate {
            height: tip.header.height.next(),
            timestamp_ms: now_ms.max(tip.header.timestamp_ms),
            origin: tip.header.origin,
            origin_hash: tip.origin_hash,
            sequencer: tip
                .sequencer
                .or_else(|| self.genesis().sequencing.sequencers.first().map(|s| s.address)),
        };
        self.router.env(&tip.header, &template)
    }

    /// How many blobs and entries derivation discarded since genesis, by reason.
    #[must_use]
    pub fn discarded_counts(&self) -> Arc<BTreeMap<String, u64>> {
        Arc::clone(&self.view.load().discarded)
    }

    /// The newest `limit` of what derivation discarded, newest first.
    ///
    /// # Errors
    /// [`ChainError::Store`], [`ChainError::Damaged`].
    pub fn discarded(&self, limit: usize) -> Result<Vec<DiscardedEntry>, ChainError> {
        discarded::newest(&self.store, limit)
    }

    /// What happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.events.subscribe()
    }

    /// The store, for maintenance.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }
}

fn place<T>(found: Option<T>, what: &str) -> Result<T, ChainError> {
    let error = || DecodeError::Malformed("an entry of another length".into());
    found.ok_or_else(|| ChainError::Damaged { what: what.into(), error: error() })
}

fn stored(store: &Store, height: Height) -> Result<BlockRecord, ChainError> {
    let damaged = |error| ChainError::Damaged { what: format!("block {height}"), error };
    let bytes =
        store.chain_get(&keys::block(height))?.ok_or_else(|| damaged(DecodeError::Empty("its record")))?;
    BlockRecord::from_bytes(&bytes).map_err(damaged)
}

fn weigh(record: &BlockRecord) -> u32 {
    let transactions = record.transactions.iter().map(|transaction| {
        let logs = transaction.receipt.logs.iter().map(|log| log.data.len().saturating_add(256));
        let length = transaction.transaction.encoded_len().saturating_add(transaction.detail.len());
        length.saturating_add(logs.sum()).saturating_add(512)
    });
    u32::try_from(transactions.sum::<usize>().saturating_add(1_024)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
