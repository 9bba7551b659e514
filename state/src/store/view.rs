//! State at a height, pinned: it gives the same answers while later blocks are committed.

use super::Inner;
use super::record::{key_row, key_rows, parse_key_row, parse_previous};
use crate::kv::{Scan, Table};
use crate::{Key, KvError, ReadError, StateRead};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use weft_types::{Bytes, Height};

/// Rows of history that one scan fetches.
const HISTORY_ROWS: usize = 64;
/// Pairs of the tip that one step of a range over a past height fetches, at most.
const RANGE_STEP: usize = 1_024;

/// The state after `height`.
///
/// A read first takes the value at the tip and then looks for the first later height that changed the key:
/// what the key held before that height is the answer; where there is none, the value at the tip is. In this
/// order no lock is needed: a commit shows its history before or together with its values ([`Kv::commit`]),
/// so a value that is too new always finds its history. While no commit past `height` has begun, the second
/// look-up is left out.
///
/// [`Kv::commit`]: crate::Kv::commit
pub(crate) struct StateAt {
    pub(crate) store: Arc<Inner>,
    pub(crate) height: Height,
    pub(crate) epoch: u64,
}

impl StateAt {
    /// Whether what stands at the tip is the state of this height. Asked after reading it.
    fn at_tip(&self) -> bool {
        self.store.newest.load(SeqCst) == self.height.0
    }

    /// Asked after reading: neither a rollback nor pruning came in between.
    fn check(&self) -> Result<(), ReadError> {
        if self.store.epoch.load(SeqCst) != self.epoch {
            return Err(ReadError("the store was rolled back since this state was opened".into()));
        }
        let oldest = Height(self.store.oldest.load(SeqCst));
        if self.height < oldest {
            return Err(ReadError(format!("height {} was pruned; the oldest is {oldest}", self.height)));
        }
        Ok(())
    }

    fn scan(&self, table: Table, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, ReadError> {
        self.store.kv.scan(table, scan).map_err(|e| self.read_error(e))
    }

    fn read_error(&self, error: KvError) -> ReadError {
        ReadError(self.store.kv_error(error).to_string())
    }

    fn damaged(&self, row: &[u8]) -> ReadError {
        let what = format!("history row {} does not parse", alloy_primitives::hex::encode(row));
        ReadError(self.store.damaged(what).to_string())
    }

    /// What the keys of `from <= key < to` that changed after this height held at it.
    fn overlay(&self, from: &[u8], to: &[u8]) -> Result<BTreeMap<Key, Option<Bytes>>, ReadError> {
        let mut overlay = BTreeMap::new();
        let end = key_rows(to);
        let mut cursor = key_rows(from);
        loop {
            let rows = self.scan(Table::History, Scan::forward(&cursor, Some(&end), HISTORY_ROWS))?;
            let Some((last, _)) = rows.last() else { return Ok(overlay) };
            let full = rows.len() == HISTORY_ROWS;
            let (last_key, last_height) = parse_key_row(last).ok_or_else(|| self.damaged(last))?;
            for (row, record) in &rows {
                let (key, height) = parse_key_row(row).ok_or_else(|| self.damaged(row))?;
                if height > self.height && !overlay.contains_key(&key) {
                    overlay.insert(key, parse_previous(record).ok_or_else(|| self.damaged(row))?);
                }
            }
            if !full {
                return Ok(overlay);
            }
            // A key that changes in every block has many rows, of which one counts.
            cursor = if last_height <= self.height {
                key_row(&last_key, self.height.next())
            } else {
                let mut next = key_rows(&last_key);
                next.push(0xff);
                next
            };
        }
    }

    /// The pairs of `from <= key < to` at this height, of which `newest` are all of those at the tip.
    fn as_it_was(
        &self,
        newest: Vec<(Key, Bytes)>,
        from: &[u8],
        to: &[u8],
    ) -> Result<BTreeMap<Key, Bytes>, ReadError> {
        let mut merged: BTreeMap<Key, Bytes> = newest.into_iter().collect();
        for (key, previous) in self.overlay(from, to)? {
            match previous {
                Some(value) => merged.insert(key, value),
                None => merged.remove(&key),
            };
        }
        Ok(merged)
    }
}

impl StateRead for StateAt {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        let newest = self.store.kv.get(Table::State, key).map_err(|e| self.read_error(e))?;
        let value = if self.at_tip() {
            newest
        } else {
            let rows = key_rows(key);
            let from = key_row(key, self.height.next());
            let mut to = rows;
            to.push(0xff);
            match self.scan(Table::History, Scan::forward(&from, Some(&to), 1))?.first() {
                Some((row, record)) => parse_previous(record).ok_or_else(|| self.damaged(row))?,
                None => newest,
            }
        };
        self.check()?;
        Ok(value)
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let mut pairs: Vec<(Key, Bytes)> = Vec::new();
        let mut from = from.to_vec();
        while pairs.len() < limit && from.as_slice() < to {
            let step = (limit - pairs.len()).min(RANGE_STEP);
            let newest = self.scan(Table::State, Scan::forward(&from, Some(to), step))?;
            // Where the step was cut off, what lies behind it belongs to the next one.
            let end = match newest.last() {
                Some((last, _)) if newest.len() == step => successor(last),
                _ => to.to_vec(),
            };
            if self.at_tip() {
                pairs.extend(newest);
            } else {
                pairs.extend(self.as_it_was(newest, &from, &end)?);
            }
            from = end;
        }
        pairs.truncate(limit);
        self.check()?;
        Ok(pairs)
    }

    fn range_back(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let mut pairs: Vec<(Key, Bytes)> = Vec::new();
        let mut to = to.to_vec();
        while pairs.len() < limit && from < to.as_slice() {
            let step = (limit - pairs.len()).min(RANGE_STEP);
            let newest = self.scan(Table::State, Scan::backward(from, Some(&to), step))?;
            // Where the step was cut off, what lies below it belongs to the next one.
            let start = match newest.last() {
                Some((last, _)) if newest.len() == step => last.clone(),
                _ => from.to_vec(),
            };
            if self.at_tip() {
                pairs.extend(newest);
            } else {
                pairs.extend(self.as_it_was(newest, &start, &to)?.into_iter().rev());
            }
            to = start;
        }
        pairs.truncate(limit);
        self.check()?;
        Ok(pairs)
    }
}

/// The smallest key above `key`.
fn successor(key: &[u8]) -> Key {
    let mut next = key.to_vec();
    next.push(0);
    next
}
