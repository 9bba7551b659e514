//! Chunks on their way to a batch: kept for a bounded number of heights and bytes.
//!
//! Chunks are put together by the account that posted them as well as by their commitment, so that nobody can
//! spoil another's batch with a chunk of the same commitment. Past the bound the oldest batch in the making
//! gives way: filling the room again and again costs more than keeping it full would.

use super::{DerivationState, DiscardReason};
use crate::batch::{Chunk, commitment};
use std::collections::BTreeMap;
use weft_types::limits::{CHUNK_HEIGHTS_MAX, CHUNK_STORE_BYTES_MAX};
use weft_types::{B256, Bytes, DaHeight};

/// Bytes that are counted for a chunk beside its own, so that tiny ones are bounded too.
const CHUNK_OVERHEAD: usize = 256;

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
}

impl DerivationState {
    /// Adds a chunk; the whole wire form where it was the last that lacked.
    pub(super) fn add_chunk(
        &mut self,
        height: DaHeight,
        signer: Option<[u8; 20]>,
        chunk: Chunk,
    ) -> Result<Option<Bytes>, DiscardReason> {
        let Chunk { commitment: batch, index, count, bytes } = chunk;
        if bytes.len().saturating_add(CHUNK_OVERHEAD) > CHUNK_STORE_BYTES_MAX {
            return Err(DiscardReason::ChunkTooLarge(bytes.len()));
        }
        let signer: &[u8] = signer.as_ref().map_or(&[], |signer| signer);
        let found = self.chunks.iter().position(|one| one.commitment == batch && one.signer == signer);
        let at = found.unwrap_or(self.chunks.len());
        if found.is_none() {
            let signer = Bytes::copy_from_slice(signer);
            let parts = BTreeMap::new();
            self.chunks.push_back(Assembly { signer, commitment: batch, first_seen: height, count, parts });
        }
        let assembly = &mut self.chunks[at];
        if assembly.count != count {
            return Err(DiscardReason::ChunkCount {
                commitment: batch,
                expected: assembly.count,
                got: count,
            });
        }
        if assembly.parts.contains_key(&index) {
            return Err(DiscardReason::ChunkAgain { commitment: batch, index });
        }
        // A copy: a slice would keep the whole of its square in memory.
        assembly.parts.insert(index, Bytes::copy_from_slice(&bytes));
        if assembly.parts.len() < usize::from(count) {
            self.evict_chunks();
            return Ok(None);
        }
        let whole: Vec<u8> = self
            .chunks
            .remove(at)
            .map(|assembly| assembly.parts.into_values().collect::<Vec<_>>().concat())
            .unwrap_or_default();
        if commitment(&whole) != batch {
            return Err(DiscardReason::ChunkCommitment(batch));
        }
        Ok(Some(whole.into()))
    }

    fn evict_chunks(&mut self) {
        let mut size: usize = self.chunks.iter().map(Assembly::size).sum();
        while size > CHUNK_STORE_BYTES_MAX {
            let Some(oldest) = self.chunks.pop_front() else { return };
            size -= oldest.size();
        }
    }

    pub(super) fn drop_old_chunks(&mut self, height: DaHeight) {
        self.chunks.retain(|assembly| height.since(assembly.first_seen) < CHUNK_HEIGHTS_MAX);
    }
}
