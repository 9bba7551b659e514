//! [`SledKv`]: the backend that the project's brief names; slower and hungrier than fjall.

use super::{Batch, Kv, KvError, Scan, Table};
use crate::Key;
use ::sled::{Db, Error, IVec, Mode};
use std::ops::Bound;
use std::path::Path;
use std::time::{Duration, Instant};
use weft_types::Bytes;

/// The longest that a database of this process, which was dropped, may take to let go of its files.
const CLOSING_MAX: Duration = Duration::from_secs(10);
/// The pause between two looks whether it has.
const CLOSING_PAUSE: Duration = Duration::from_millis(10);
/// How sled's error begins where its files are locked.
const LOCKED: &str = "could not acquire lock";

/// A sled database. All tables share one tree, each behind its prefix byte, because a batch of sled is
/// atomic in one tree only.
pub struct SledKv {
    database: Db,
}

impl SledKv {
    /// Opens the database in `dir`, or makes one. `cache_bytes` bounds sled's own count of its cache; its
    /// memory is several times that.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn open(dir: &Path, cache_bytes: u64) -> Result<Self, KvError> {
        let config = ::sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            .mode(Mode::HighThroughput)
            // Every commit that must last is flushed by itself.
            .flush_every_ms(None);
        let start = Instant::now();
        loop {
            match config.open() {
                // The store has a lock of its own, so this is a database that it had open before: sled's threads let go of it
                // some time after it was dropped.
                Err(error) if is_locked(&error) && start.elapsed() < CLOSING_MAX => {
                    std::thread::sleep(CLOSING_PAUSE);
                }
                opened => return Ok(Self { database: opened.map_err(kv_error)? }),
            }
        }
    }
}

fn is_locked(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.to_string().starts_with(LOCKED))
}

fn prefix(table: Table) -> u8 {
    match table {
        Table::State => 1,
        Table::Tree => 2,
        Table::History => 3,
        Table::Chain => 4,
        Table::Meta => 5,
    }
}

fn prefixed(table: Table, key: &[u8]) -> Vec<u8> {
    let mut prefixed = Vec::with_capacity(key.len().saturating_add(1));
    prefixed.push(prefix(table));
    prefixed.extend_from_slice(key);
    prefixed
}

impl Kv for SledKv {
    fn name(&self) -> &'static str {
        "sled"
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let value = self.database.get(prefixed(table, key)).map_err(kv_error)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, table: Table, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, KvError> {
        if scan.is_empty() {
            return Ok(Vec::new());
        }
        let from = prefixed(table, scan.from);
        let to = scan.to.map_or_else(|| vec![prefix(table) + 1], |to| prefixed(table, to));
        let range = self.database.range::<Vec<u8>, _>((Bound::Included(from), Bound::Excluded(to)));
        let pair = |pair: Result<(IVec, IVec), Error>| {
            let (key, value) = pair.map_err(kv_error)?;
            let (_, key) = key.split_first().expect("every key has its table's prefix");
            Ok((key.to_vec(), Bytes::copy_from_slice(&value)))
        };
        if scan.reverse {
            range.rev().take(scan.limit).map(pair).collect()
        } else {
            range.take(scan.limit).map(pair).collect()
        }
    }

    fn commit(&self, batch: Batch, durable: bool) -> Result<(), KvError> {
        let mut writes = ::sled::Batch::default();
        for (table, key, value) in batch.writes {
            let key = prefixed(table, &key);
            match value {
                Some(value) => writes.insert(key, &*value),
                None => writes.remove(key),
            }
        }
        self.database.apply_batch(writes).map_err(kv_error)?;
        if durable {
            self.database.flush().map_err(kv_error)?;
        }
        Ok(())
    }
}

fn kv_error(error: Error) -> KvError {
    match error {
        Error::Io(e) => KvError::Failed(format!("sled: {e}")),
        damaged @ (Error::Corruption { .. } | Error::ReportableBug(_) | Error::CollectionNotFound(_)) => {
            KvError::Damaged(format!("sled cannot read it: {damaged}"))
        }
        Error::Unsupported(what) => KvError::Damaged(format!("sled cannot read it: {what}")),
    }
}
