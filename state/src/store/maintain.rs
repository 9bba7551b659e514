//! Going back to a height, and forgetting old ones.

use super::record::{self, Row};
use super::session::put_tip;
use super::{Inner, Store, StoreError, Tip};
use crate::kv::{Scan, Table};
use crate::{Batch, Key};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::SeqCst;
use weft_types::{B256, Bytes, Height};

/// After so many removals a call of [`Store::prune`] ends, because commits wait for it.
const PRUNE_REMOVALS_MAX: usize = 20_000;
/// Rows that one scan fetches.
const ROWS: usize = 1_024;

/// How far pruning got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Heights whose history and nodes were removed by this call.
    pub heights: u64,
    /// Whether there is more to remove: call again.
    pub more: bool,
}

impl Store {
    /// Goes back to `to`, or where no commit ended there (several blocks were committed at once), to the
    /// newest height below it at which one did: state, tree, history, derivation state and chain records
    /// are then as they were after that commit. Every state that was opened before
    /// fails from now on, unless the tip is there already.
    /// Returns the tip that it went to. A kill on the way leaves the end of some later commit.
    ///
    /// # Errors
    /// [`StoreError::NotKept`], [`StoreError::NoBoundary`], [`StoreError::Empty`]; [`StoreError::Damaged`],
    /// [`StoreError::Failed`].
    pub fn rollback(&self, to: Height) -> Result<Tip, StoreError> {
        let store = &*self.0;
        let mut sound = store.sound.lock();
        let mut tip = store.tip.write();
        store.require_kept(*tip, to)?;
        let mut current = tip.ok_or(StoreError::Empty)?;
        let target = store.boundary(to)?;
        if current.height == target {
            return Ok(current);
        }
        store.epoch.fetch_add(1, SeqCst);
        while current.height > target {
            let (batch, next) = store.undo_commit(current.height)?;
            store.write(&mut sound, batch, true)?;
            current = next;
            store.newest.store(current.height.0, SeqCst);
            *tip = Some(current);
        }
        Ok(current)
    }

    /// Forgets the history of heights below `below`: their state can't be read, proved or gone back to any
    /// more. Chain records stay. A call removes a bounded number of heights; an archive node never calls it.
    ///
    /// # Errors
    /// [`StoreError::NotKept`] where `below` is above the tip; [`StoreError::Damaged`], [`StoreError::Failed`].
    pub fn prune(&self, below: Height) -> Result<Pruned, StoreError> {
        let store = &*self.0;
        let mut sound = store.sound.lock();
        let tip = *store.tip.read();
        let oldest = Height(store.oldest.load(SeqCst));
        if below > oldest {
            store.require_kept(tip, below)?;
            // Readers are turned away before the first row goes, also by the next process.
            store.oldest.store(below.0, SeqCst);
            let mut batch = Batch::default();
            batch.put(Table::Meta, record::META_OLDEST.to_vec(), below.0.to_be_bytes().to_vec().into());
            store.write(&mut sound, batch, true)?;
        }
        let goal = below.max(oldest);
        let pruned = store.read_height(record::META_PRUNED)?;
        let (mut at, mut removals) = (pruned, 0_usize);
        while at < goal && removals < PRUNE_REMOVALS_MAX {
            let batch = store.forget(at)?;
            removals = removals.saturating_add(batch.len());
            store.write(&mut sound, batch, false)?;
            at = at.next();
        }
        Ok(Pruned { heights: at.since(pruned), more: at < goal })
    }
}

impl Inner {
    /// The newest height up to `to` at which a commit ended.
    fn boundary(&self, to: Height) -> Result<Height, StoreError> {
        let oldest = Height(self.oldest.load(SeqCst));
        let mut height = to;
        loop {
            if self.get(Table::History, &record::by_height(height, Row::Commit))?.is_some() {
                return Ok(height);
            }
            height = match height.prev() {
                Some(lower) if lower >= oldest => lower,
                _ => return Err(StoreError::NoBoundary { asked: to, oldest }),
            };
        }
    }

    fn commit_record(&self, height: Height) -> Result<Option<(Tip, Bytes)>, StoreError> {
        let Some(commit) = self.get(Table::History, &record::by_height(height, Row::Commit))? else {
            return Ok(None);
        };
        let (root, _) = commit
            .split_first_chunk::<32>()
            .ok_or_else(|| self.damaged(format!("the commit of height {height} does not parse")))?;
        Ok(Some((Tip { height, root: B256::new(*root) }, commit.slice(32..))))
    }

    /// The writes that take back the commit that ended at `tip`, and the tip that they lead to.
    fn undo_commit(&self, tip: Height) -> Result<(Batch, Tip), StoreError> {
        let mut batch = Batch::default();
        let mut state = BTreeMap::new();
        let mut chain = BTreeSet::new();
        let mut height = tip;
        loop {
            self.undo_height(height, &mut batch, &mut state, &mut chain)?;
            height = height.prev().ok_or_else(|| self.damaged("its genesis has no commit record"))?;
            if let Some((next, derivation)) = self.commit_record(height)? {
                batch.writes.extend(state.into_iter().map(|(key, value)| (Table::State, key, value)));
                batch.writes.extend(chain.into_iter().map(|key| (Table::Chain, key, None)));
                put_tip(&mut batch, next, derivation);
                return Ok((batch, next));
            }
        }
    }

    fn undo_height(
        &self,
        height: Height,
        batch: &mut Batch,
        state: &mut BTreeMap<Key, Option<Bytes>>,
        chain: &mut BTreeSet<Key>,
    ) -> Result<(), StoreError> {
        for key in self.list(&record::by_height(height, Row::Changed))? {
            let row = record::key_row(&key, height);
            let previous = self.get(Table::History, &row)?;
            let previous = previous.as_ref().and_then(record::parse_previous).ok_or_else(|| {
                self.damaged(format!("the history of height {height} lacks what key {key:02x?} held"))
            })?;
            state.insert(key, previous);
            batch.remove(Table::History, row);
        }
        let (from, to) = (record::height_rows(height), record::height_rows(height.next()));
        for (row, list) in self.all(Table::History, &from, &to)? {
            if row.get(from.len()) == Some(&2) {
                chain.extend(self.parse_list(&list, height)?);
            }
            batch.remove(Table::History, row);
        }
        let (from, to) = (height.0.to_be_bytes(), height.next().0.to_be_bytes());
        for (id, _) in self.all(Table::Tree, &from, &to)? {
            batch.remove(Table::Tree, id);
        }
        Ok(())
    }

    /// The writes that forget what was before `height` changed it, and the nodes that it made stale. State
    /// from `height + 1` on needs none of it.
    fn forget(&self, height: Height) -> Result<Batch, StoreError> {
        let mut batch = Batch::default();
        // The first height that stays is `height + 1`, whose reads look at rows above it only.
        let gone = height.next();
        for key in self.list(&record::by_height(gone, Row::Changed))? {
            batch.remove(Table::History, record::key_row(&key, gone));
        }
        for id in self.list(&record::by_height(gone, Row::Stale))? {
            batch.remove(Table::Tree, id);
        }
        let (from, to) = (record::height_rows(height), record::height_rows(gone));
        for (row, _) in self.all(Table::History, &from, &to)? {
            batch.remove(Table::History, row);
        }
        batch.put(Table::Meta, record::META_PRUNED.to_vec(), gone.0.to_be_bytes().to_vec().into());
        Ok(batch)
    }

    fn list(&self, row: &[u8]) -> Result<Vec<Key>, StoreError> {
        let list = self.get(Table::History, row)?;
        let list = list.ok_or_else(|| self.damaged(format!("history row {row:02x?} is missing")))?;
        record::parse_list(&list)
            .ok_or_else(|| self.damaged(format!("history row {row:02x?} does not parse")))
    }

    fn parse_list(&self, list: &[u8], height: Height) -> Result<Vec<Key>, StoreError> {
        record::parse_list(list)
            .ok_or_else(|| self.damaged(format!("the chain keys of height {height} do not parse")))
    }

    fn all(&self, table: Table, from: &[u8], to: &[u8]) -> Result<Vec<(Key, Bytes)>, StoreError> {
        let mut all = Vec::new();
        let mut from = from.to_vec();
        loop {
            let rows = self.scan(table, Scan::forward(&from, Some(to), ROWS))?;
            let full = rows.len() == ROWS;
            if let Some((last, _)) = rows.last() {
                from = last.clone();
                from.push(0);
            }
            all.extend(rows);
            if !full {
                return Ok(all);
            }
        }
    }
}
