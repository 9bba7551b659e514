//! [`MemoryKv`]: for tests, simulation and throw-away nodes.

use super::{Batch, Kv, KvError, Scan, Table};
use crate::Key;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::ops::Bound;
use weft_types::Bytes;

/// Tables in memory. Nothing survives the process.
#[derive(Debug, Default)]
pub struct MemoryKv {
    tables: RwLock<BTreeMap<Table, BTreeMap<Key, Bytes>>>,
}

impl Kv for MemoryKv {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.tables.read().get(&table).and_then(|table| table.get(key)).cloned())
    }

    fn scan(&self, table: Table, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, KvError> {
        let tables = self.tables.read();
        let Some(table) = tables.get(&table).filter(|_| !scan.is_empty()) else { return Ok(Vec::new()) };
        let to = scan.to.map_or(Bound::Unbounded, Bound::Excluded);
        let range = table.range::<[u8], _>((Bound::Included(scan.from), to));
        let pair = |(key, value): (&Key, &Bytes)| (key.clone(), value.clone());
        Ok(if scan.reverse {
            range.rev().take(scan.limit).map(pair).collect()
        } else {
            range.take(scan.limit).map(pair).collect()
        })
    }

    fn commit(&self, batch: Batch, _durable: bool) -> Result<(), KvError> {
        let mut tables = self.tables.write();
        for (table, key, value) in batch.writes {
            let table = tables.entry(table).or_default();
            match value {
                Some(value) => table.insert(key, value),
                None => table.remove(&key),
            };
        }
        Ok(())
    }
}
