//! Chunks on their way to a batch: kept for a bounded number of heights and bytes.
//!
//! Chunks are put together by the account that posted them as well as by their commitment, so that nobody can
//! spoil another's batch with a chunk of the same commitment. Past the bound the oldest batch in the making
//! gives way: pushing it out again and again costs its attacker more than keeping the room full would.

use super::DiscardReason;
use crate::batch::{Chunk, commitment};
use std::collections::BTreeMap;
use weft_types::limits::{CHUNK_HEIGHTS_MAX, CHUNK_STORE_BYTES_MAX};
use weft_types::{B256, Bytes, DaHeight};

/// Bytes that are counted for a chunk beside its own, so that the number of tiny ones is bounded too.
const CHUNK_OVERHEAD: usize = 1024;

/// A batch in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assembly {
    /// Who posted it; empty for share version 0.
    pub(super) signer: Bytes,
    pub(super) commitment: B256,
    /// Height of the first chunk.
    pub(super) first_seen: DaHeight,
    pub(super) count: u16,
    pub(super) parts: BTreeMap<u16, Bytes>,
}

impl Assembly {
    fn size(&self) -> usize {
        self.parts.values().map(|part| part.len() + CHUNK_OVERHEAD).sum()
    }

    fn key(&self) -> (Bytes, B256) {
        (self.signer.clone(), self.commitment)
    }
}

/// All batches in the making, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    by_age: BTreeMap<u64, Assembly>,
    ages: BTreeMap<(Bytes, B256), u64>,
    next_age: u64,
    size: usize,
}

impl PartialEq for Chunks {
    /// Ages count from another number after a restart.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Chunks {}

impl FromIterator<Assembly> for Chunks {
    fn from_iter<I: IntoIterator<Item = Assembly>>(assemblies: I) -> Self {
        let mut chunks = Self::default();
        for assembly in assemblies {
            chunks.insert(assembly);
        }
        chunks
    }
}

impl Chunks {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Assembly> {
        self.by_age.values()
    }

    /// Adds a chunk; the whole wire form where it was the last that lacked.
    pub(super) fn add(
        &mut self,
        height: DaHeight,
        signer: Option<[u8; 20]>,
        chunk: Chunk,
    ) -> Result<Option<Bytes>, DiscardReason> {
        let Chunk { commitment: batch, index, count, bytes } = chunk;
        if bytes.len().saturating_add(CHUNK_OVERHEAD) > CHUNK_STORE_BYTES_MAX {
            return Err(DiscardReason::ChunkTooLarge(bytes.len()));
        }
        let signer = signer.map_or_else(Bytes::new, |signer| Bytes::copy_from_slice(&signer));
        let key = (signer.clone(), batch);
        let age = match self.ages.get(&key) {
            Some(age) => *age,
            None => {
                let parts = BTreeMap::new();
                self.insert(Assembly { signer, commitment: batch, first_seen: height, count, parts })
            }
        };
        let assembly = self.by_age.get_mut(&age).expect("every age has its batch");
        if assembly.count != count {
            let expected = assembly.count;
            return Err(DiscardReason::ChunkCount { commitment: batch, expected, got: count });
        }
        if assembly.parts.contains_key(&index) {
            return Err(DiscardReason::ChunkAgain { commitment: batch, index });
        }
        self.size += bytes.len() + CHUNK_OVERHEAD;
        // A copy: a slice would keep the whole blob's buffer alive.
        assembly.parts.insert(index, Bytes::copy_from_slice(&bytes));
        if assembly.parts.len() < usize::from(count) {
            self.evict();
            return Ok(None);
        }
        let parts = self.remove(age).map(|assembly| assembly.parts).unwrap_or_default();
        let whole = parts.into_values().collect::<Vec<_>>().concat();
        if commitment(&whole) != batch {
            return Err(DiscardReason::ChunkCommitment(batch));
        }
        Ok(Some(whole.into()))
    }

    /// Forgets what has been in the making for too long.
    pub(super) fn drop_old(&mut self, height: DaHeight) {
        while let Some((&age, assembly)) = self.by_age.first_key_value() {
            if height.since(assembly.first_seen) < CHUNK_HEIGHTS_MAX {
                return;
            }
            self.remove(age);
        }
    }

    fn evict(&mut self) {
        while self.size > CHUNK_STORE_BYTES_MAX {
            let Some((&oldest, _)) = self.by_age.first_key_value() else { return };
            self.remove(oldest);
        }
    }

    fn insert(&mut self, assembly: Assembly) -> u64 {
        let age = self.next_age;
        self.next_age = age.checked_add(1).expect("fewer than 2^64 batches are ever in the making");
        self.size += assembly.size();
        self.ages.insert(assembly.key(), age);
        self.by_age.insert(age, assembly);
        age
    }

    fn remove(&mut self, age: u64) -> Option<Assembly> {
        let assembly = self.by_age.remove(&age)?;
        self.ages.remove(&assembly.key());
        self.size -= assembly.size();
        Some(assembly)
    }
}
