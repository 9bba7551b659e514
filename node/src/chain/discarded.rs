//! What derivation discarded: every entry in the store, counts by reason in memory.

use super::{ChainError, keys};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use std::collections::BTreeMap;
use weft_state::{Key, Scan, Store};
use weft_types::codec::decode_exact;
use weft_types::{Bytes, DaHeight};

/// Most entries that are kept of one Celestia height; all are counted. Spam costs its sender more than us.
const KEPT_PER_HEIGHT: usize = 1_000;
const ENTRY_BYTES_MAX: usize = 4_096;
const COUNTS_BYTES_MAX: usize = 64 << 10;

/// Something on Celestia that derivation skipped.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct DiscardedEntry {
    /// Where it stands.
    pub da_height: DaHeight,
    /// `batch` or `forced`.
    pub namespace: String,
    /// The blob's place in the namespace (see [`weft_da::blob::Blob::index`]).
    pub blob_index: u32,
    /// The reason's name: what metrics and `weft_status` count by.
    pub reason: String,
    /// The reason as a sentence.
    pub message: String,
}

#[derive(RlpEncodable, RlpDecodable)]
struct Count {
    reason: String,
    count: u64,
}

/// Counts by reason since genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts(pub(super) BTreeMap<String, u64>);

impl Counts {
    /// As they stood at the last commit.
    pub(super) fn load(store: &Store) -> Result<Self, ChainError> {
        let scan = Scan::backward(keys::COUNTS_START, Some(keys::COUNTS_END), 1);
        let Some((_, bytes)) = store.chain_range(scan)?.into_iter().next() else {
            return Ok(Self::default());
        };
        let counts: Vec<Count> = decode_exact(&bytes, COUNTS_BYTES_MAX)
            .map_err(|error| ChainError::Damaged { what: "counts of what was discarded".into(), error })?;
        Ok(Self(counts.into_iter().map(|count| (count.reason, count.count)).collect()))
    }

    /// Counts what one Celestia height had, and gives the records to store.
    pub(super) fn add(&mut self, da_height: DaHeight, entries: &[DiscardedEntry]) -> Vec<(Key, Bytes)> {
        if entries.is_empty() {
            return Vec::new();
        }
        for entry in entries {
            let count = self.0.entry(entry.reason.clone()).or_default();
            *count = count.saturating_add(1);
        }
        let kept = (0u32..).zip(entries.iter().take(KEPT_PER_HEIGHT));
        let mut records: Vec<_> = kept
            .map(|(number, entry)| (keys::discarded(da_height, number), alloy_rlp::encode(entry).into()))
            .collect();
        let counts: Vec<Count> =
            self.0.iter().map(|(reason, count)| Count { reason: reason.clone(), count: *count }).collect();
        records.push((keys::counts(da_height), alloy_rlp::encode(&counts).into()));
        records
    }
}

/// The newest `limit` entries, newest first.
pub(super) fn newest(store: &Store, limit: usize) -> Result<Vec<DiscardedEntry>, ChainError> {
    let scan = Scan::backward(keys::DISCARDED_START, Some(keys::DISCARDED_END), limit);
    let records = store.chain_range(scan)?;
    records
        .into_iter()
        .map(|(_, bytes)| {
            decode_exact(&bytes, ENTRY_BYTES_MAX)
                .map_err(|error| ChainError::Damaged { what: "an entry of what was discarded".into(), error })
        })
        .collect()
}
