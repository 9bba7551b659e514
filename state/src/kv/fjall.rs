//! [`FjallKv`]: the default of a node. A log-structured merge tree in pure Rust.

use super::{Batch, Kv, KvError, Scan, Table};
use crate::Key;
use ::fjall::{Database, Error, Keyspace, KeyspaceCreateOptions, LsmError, PersistMode};
use std::ops::Bound;
use std::path::Path;
use weft_types::Bytes;

/// Memory for writes that are not yet in a table file, for each of the five tables. A table that is being
/// flushed counts twice.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// Disk for the write-ahead log; the least that fjall takes.
const JOURNAL_BYTES: u64 = 64 << 20;
/// Files kept open.
const OPEN_FILES_MAX: usize = 256;
/// Threads that flush and compact. Of several, fjall 3.1 lets the first one spin on its queue while another compacts, which
/// takes a whole core from execution; alone it works off one task after the other.
const WORKERS: usize = 1;

/// A fjall database with a keyspace for each table.
pub struct FjallKv {
    database: Database,
    tables: [Keyspace; Table::ALL.len()],
}

impl FjallKv {
    /// Opens the database in `dir`, or makes one. `cache_bytes` bounds the cache of blocks that were read.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn open(dir: &Path, cache_bytes: u64) -> Result<Self, KvError> {
        let database = Database::builder(dir)
            .cache_size(cache_bytes)
            .max_journaling_size(JOURNAL_BYTES)
            .max_cached_files(Some(OPEN_FILES_MAX))
            .worker_threads(WORKERS)
            .open()
            .map_err(kv_error)?;
        let open = |table: Table| {
            let options = || {
                KeyspaceCreateOptions::default()
                    .max_memtable_size(MEMTABLE_BYTES)
                    .expect_point_read_hits(matches!(table, Table::Tree | Table::Meta))
            };
            database.keyspace(table.name(), options).map_err(kv_error)
        };
        let [state, tree, history, chain, meta] = Table::ALL;
        let tables = [open(state)?, open(tree)?, open(history)?, open(chain)?, open(meta)?];
        Ok(Self { database, tables })
    }

    fn table(&self, table: Table) -> &Keyspace {
        let [state, tree, history, chain, meta] = &self.tables;
        match table {
            Table::State => state,
            Table::Tree => tree,
            Table::History => history,
            Table::Chain => chain,
            Table::Meta => meta,
        }
    }
}

impl Kv for FjallKv {
    fn name(&self) -> &'static str {
        "fjall"
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let value = self.table(table).get(key).map_err(kv_error)?;
        Ok(value.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn scan(&self, table: Table, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, KvError> {
        if scan.is_empty() {
            return Ok(Vec::new());
        }
        let to = scan.to.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.table(table).range::<&[u8], _>((Bound::Included(scan.from), to));
        let pair = |guard: ::fjall::Guard| {
            let (key, value) = guard.into_inner().map_err(kv_error)?;
            Ok((key.to_vec(), Bytes::copy_from_slice(&value)))
        };
        if scan.reverse {
            range.rev().take(scan.limit).map(pair).collect()
        } else {
            range.take(scan.limit).map(pair).collect()
        }
    }

    fn commit(&self, batch: Batch, durable: bool) -> Result<(), KvError> {
        let mode = if durable { PersistMode::SyncAll } else { PersistMode::Buffer };
        if batch.is_empty() {
            return if durable { self.database.persist(mode).map_err(kv_error) } else { Ok(()) };
        }
        let mut writes = ::fjall::OwnedWriteBatch::with_capacity(self.database.clone(), batch.len())
            .durability(Some(mode));
        for (table, key, value) in batch.writes {
            match value {
                Some(value) => writes.insert(self.table(table), key, &*value),
                None => writes.remove(self.table(table), key),
            }
        }
        writes.commit().map_err(kv_error)
    }
}

fn kv_error(error: Error) -> KvError {
    match error {
        Error::Locked => KvError::Locked,
        Error::Io(e) | Error::Storage(LsmError::Io(e)) => io_error(&e),
        Error::Poisoned => KvError::Failed("fjall takes no writes since one failed".into()),
        Error::KeyspaceDeleted => KvError::Failed("a table is gone".into()),
        damaged => KvError::Damaged(format!("fjall cannot read it: {damaged:?}")),
    }
}

fn io_error(error: &std::io::Error) -> KvError {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match error.kind() {
        // A file that ends early or does not parse, rather than a disk that fails.
        InvalidData | UnexpectedEof => KvError::Damaged(format!("fjall cannot read it: {error}")),
        _ => KvError::Failed(format!("fjall: {error}")),
    }
}
