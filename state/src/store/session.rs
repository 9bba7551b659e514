//! [`Session`] and [`Finished`]: the legal order of writing, as consumed values.

use super::record::{self, Row, TipRecord};
use super::{Inner, StoreError, Tip};
use crate::kv::Table;
use crate::{Batch, ChangeSet, Key, TreeUpdate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use weft_types::{B256, Bytes, Height};

/// Derivation state larger than this is kept at the tip only, so no rollback ends at its height.
pub(crate) const DERIVATION_KEPT_MAX: usize = 1 << 20;

/// Blocks that are being written, and are not yet seen by anyone.
#[must_use = "a session is committed by `finish` and `commit`"]
pub struct Session {
    store: Arc<Inner>,
    base: Option<Tip>,
    tip: Option<Tip>,
    /// History, tree nodes and whatever else has its height in its key.
    batch: Batch,
    state: BTreeMap<Key, Option<Bytes>>,
    chain: BTreeMap<Key, Bytes>,
    /// Keys of [`Self::chain`] that belong to no block of this session.
    loose: Vec<Key>,
}

impl Session {
    pub(super) fn begin(store: Arc<Inner>, base: Option<Tip>, height: Height) -> Result<Self, StoreError> {
        let next = next(base);
        if height != next {
            return Err(StoreError::NotNext { next, got: height });
        }
        let (state, chain) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { store, base, tip: base, batch: Batch::default(), state, chain, loose: Vec::new() })
    }

    /// The height that the next call of [`Self::block`] writes.
    #[must_use]
    pub fn next(&self) -> Height {
        next(self.tip)
    }

    /// Writes the next block: what it changed, the update of the tree, and the chain records that belong to
    /// its height and go with it in a rollback. A chain key is written once in the life of a chain.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Failed`].
    pub fn block(
        &mut self,
        changes: &ChangeSet,
        tree: &TreeUpdate,
        records: Vec<(Key, Bytes)>,
    ) -> Result<(), StoreError> {
        let height = self.next();
        for (key, change) in changes.changes() {
            if height == Height(0) {
                // Nothing is before genesis.
                self.state.insert(key.clone(), change.value.clone());
                continue;
            }
            let previous = match (&change.previous, self.state.get(key)) {
                (Some(previous), _) => previous.clone(),
                (None, Some(previous)) => previous.clone(),
                (None, None) => self.store.get(Table::State, key)?,
            };
            let previous = record::encode_previous(previous.as_ref());
            self.batch.put(Table::History, record::key_row(key, height), previous);
            self.state.insert(key.clone(), change.value.clone());
        }
        let changed = record::encode_list(changes.iter().map(|(key, _)| key.as_slice()));
        self.batch.put(Table::History, record::by_height(height, Row::Changed), changed);
        let stale = record::encode_list(tree.stale.iter().map(Vec::as_slice));
        self.batch.put(Table::History, record::by_height(height, Row::Stale), stale);
        for (id, node) in &tree.nodes {
            self.batch.put(Table::Tree, id.clone(), node.clone());
        }
        if !records.is_empty() {
            let keys = record::encode_list(records.iter().map(|(key, _)| key.as_slice()));
            self.batch.put(Table::History, record::by_height(height, Row::Chain(0)), keys);
        }
        self.chain.extend(records);
        self.tip = Some(Tip { height, root: tree.root });
        Ok(())
    }

    /// Writes chain records that belong to no block of this session, such as the verdict on a blob that was
    /// discarded. They go in a rollback to a height below the one that is then the tip.
    pub fn records(&mut self, records: impl IntoIterator<Item = (Key, Bytes)>) {
        for (key, record) in records {
            self.loose.push(key.clone());
            self.chain.insert(key, record);
        }
    }

    /// Closes the session with the derivation state that its last block leaves.
    ///
    /// # Errors
    /// [`StoreError::Empty`] where neither this session nor one before it has a block;
    /// [`StoreError::Damaged`], [`StoreError::Failed`].
    pub fn finish(self, derivation: Bytes) -> Result<Finished, StoreError> {
        let Self { store, base, tip, mut batch, state, chain, loose } = self;
        let tip = tip.ok_or(StoreError::Empty)?;
        if !loose.is_empty() {
            let number = next_list(&store, tip.height)?;
            let keys = record::encode_list(loose.iter().map(Vec::as_slice));
            batch.put(Table::History, record::by_height(tip.height, Row::Chain(number)), keys);
        }
        let row = record::by_height(tip.height, Row::Commit);
        if derivation.len() <= DERIVATION_KEPT_MAX {
            let mut commit = tip.root.to_vec();
            commit.extend_from_slice(&derivation);
            batch.put(Table::History, row, commit.into());
        } else {
            batch.remove(Table::History, row);
        }
        // History stands before the values that it explains: see `StateAt`.
        batch.writes.extend(state.into_iter().map(|(key, value)| (Table::State, key, value)));
        batch.writes.extend(chain.into_iter().map(|(key, record)| (Table::Chain, key, Some(record))));
        put_tip(&mut batch, tip, derivation);
        Ok(Finished { store, base, tip, batch })
    }
}

/// The first number at `height` whose list of loose chain keys is free. The list of the height's block,
/// which may be in the same batch, has number 0.
fn next_list(store: &Inner, height: Height) -> Result<u32, StoreError> {
    let from = record::by_height(height, Row::Chain(1));
    let to = record::by_height(height, Row::Commit);
    let last = store.scan(Table::History, crate::Scan::backward(&from, Some(&to), 1))?;
    let Some((row, _)) = last.first() else { return Ok(1) };
    let number = row.last_chunk::<4>().map_or(0, |number| u32::from_be_bytes(*number));
    Ok(number.saturating_add(1))
}

pub(super) fn put_tip(batch: &mut Batch, tip: Tip, derivation: Bytes) {
    let record = TipRecord::new(tip.height, tip.root, &derivation).encode();
    batch.put(Table::Meta, record::META_DERIVATION.to_vec(), derivation);
    batch.put(Table::Meta, record::META_TIP.to_vec(), record);
}

fn next(tip: Option<Tip>) -> Height {
    tip.map_or(Height(0), |tip| tip.height.next())
}

/// Blocks that are ready to be committed.
#[must_use = "nothing is written before `commit`"]
pub struct Finished {
    store: Arc<Inner>,
    base: Option<Tip>,
    tip: Tip,
    batch: Batch,
}

impl Finished {
    /// The newest height and root once this is committed.
    #[must_use]
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// The root of the tree once this is committed.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tip.root
    }

    /// Writes everything, durably, or nothing.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] where another session was committed since this one began. After
    /// [`StoreError::Failed`] the store takes no more writes until it is opened again.
    pub fn commit(self) -> Result<Tip, StoreError> {
        let Self { store, base, tip, batch } = self;
        let mut sound = store.sound.lock();
        let current = *store.tip.read();
        if current != base {
            return Err(StoreError::NotNext { next: next(current), got: next(base) });
        }
        store.newest.store(tip.height.0, SeqCst);
        store.write(&mut sound, batch, true)?;
        *store.tip.write() = Some(tip);
        Ok(tip)
    }
}
