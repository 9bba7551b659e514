//! What CometBFT's RPC looks up on the chain: Wasm transactions in order, and those that emitted an event with an
//! attribute of a value.
//!
//! ```text
//! block's records ─> soft: two sets beside the block;  included: chain records, w | place and e | hash | place
//! ```
//! Attributes are kept by a hash of `type.key=value`, so that a key's length has a bound whatever a contract emits;
//! whoever asks knows all of it. `msg_index` is kept under no name: nobody looks for transactions by it.
//!
//! It follows the tip, soft blocks too, and goes where the chain goes. A block without Wasm transactions costs nothing.

use super::record::{BlockRecord, TransactionRecord};
use super::{Chain, ChainError, keys, place};
use std::collections::BTreeSet;
use weft_state::{Key, Scan};
use weft_types::{Bytes, Height, VmId, hash};
use weft_wasm::Detail;

/// Bytes of an attribute's hash. More than one finds a collision for; what is found is trusted.
pub(super) const HASH_BYTES: usize = 20;
/// The attribute that is in nearly every event and says nothing by itself.
const UNNAMED: &str = "msg_index";

/// An attribute with its value, as it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventHash(pub(super) [u8; HASH_BYTES]);

impl EventHash {
    /// Of the attribute `name` (`type.key`) with that value; `None` where it is not kept.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Option<Self> {
        let (_, key) = name.split_once('.')?;
        if key == UNNAMED {
            return None;
        }
        let hash =
            hash::sha256("weft event", &[&name.len().to_be_bytes(), name.as_bytes(), value.as_bytes()]);
        let mut short = [0; HASH_BYTES];
        short.copy_from_slice(hash.as_slice().get(..HASH_BYTES)?);
        Some(Self(short))
    }
}

/// What a block's Wasm transactions are found by.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    /// All of them.
    places: BTreeSet<usize>,
    events: BTreeSet<(EventHash, usize)>,
}

impl Events {
    pub(super) fn len(&self) -> usize {
        self.places.len().saturating_add(self.events.len())
    }
}

/// What a Wasm transaction's machine shows of it; `None` for another machine's, and where its block's bounds left it
/// out.
#[must_use]
pub fn wasm_detail(record: &TransactionRecord) -> Option<Detail> {
    (record.transaction.vm == VmId::WASM).then(|| Detail::decode(&record.detail)).flatten()
}

pub(super) fn events(record: &BlockRecord) -> Events {
    let mut found = Events::default();
    let numbered = record.transactions.iter().enumerate();
    for (at, record) in numbered.filter(|(_, record)| record.transaction.vm == VmId::WASM) {
        found.places.insert(at);
        for event in wasm_detail(record).map(|detail| detail.events).unwrap_or_default() {
            let hashes = event
                .attributes
                .iter()
                .filter_map(|(key, value)| EventHash::new(&format!("{}.{key}", event.kind), value));
            found.events.extend(hashes.map(|hash| (hash, at)));
        }
    }
    found
}

/// What the store keeps of a block's events.
pub(super) fn records(height: Height, events: &Events) -> impl Iterator<Item = (Key, Bytes)> {
    let places = events.places.iter().map(move |at| keys::wasm(height, *at));
    let events = events.events.iter().map(move |(hash, at)| keys::event(hash, height, *at));
    places.chain(events).map(|key| (key, Bytes::new()))
}

impl Chain {
    /// Up to `limit` Wasm transactions from `from` on and before `to`, as heights and places in the block, ascending;
    /// with `event`, only those that emitted it. Soft ones are among them.
    ///
    /// # Errors
    /// [`ChainError::Store`], [`ChainError::Damaged`].
    pub fn wasm_transactions(
        &self,
        event: Option<&EventHash>,
        from: (Height, usize),
        to: (Height, usize),
        limit: usize,
    ) -> Result<Vec<(Height, usize)>, ChainError> {
        let view = self.view.load();
        let mut found = Vec::new();
        // What a commit that is under way adds lies above the view's blocks.
        let end = to.min((view.included.header.height.next(), 0));
        if from < end {
            let key = |(height, at): (Height, usize)| match event {
                Some(hash) => keys::event(hash, height, at),
                None => keys::wasm(height, at),
            };
            let (first, last) = (key(from), key(end));
            for (key, _) in self.store.chain_range(Scan::forward(&first, Some(&last), limit))? {
                let at = if event.is_some() { keys::decode_event(&key) } else { keys::decode_wasm(&key) };
                found.push(place(at, "index of events")?);
            }
        }
        for soft in &view.soft {
            if found.len() >= limit {
                break;
            }
            let height = soft.height();
            let inside = |at: &usize| (height, *at) >= from && (height, *at) < to;
            let left = limit.saturating_sub(found.len());
            match event {
                Some(hash) => {
                    let all = soft.events.events.range((*hash, 0)..=(*hash, usize::MAX)).map(|(_, at)| *at);
                    found.extend(all.filter(inside).take(left).map(|at| (height, at)));
                }
                None => {
                    let all = soft.events.places.iter().copied();
                    found.extend(all.filter(inside).take(left).map(|at| (height, at)));
                }
            }
        }
        Ok(found)
    }
}
