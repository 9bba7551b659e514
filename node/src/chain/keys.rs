//! Keys of the store's chain table, and how the short values under them are spelled.
//!
//! ```text
//! b | height u64 BE                     -> block record          h | block hash -> height u64 BE
//! t | transaction id -> height u64 BE, index u32 BE              d | da height u64 BE | n u32 BE -> discarded
//! c | da height u64 BE -> counts of discarded by reason, up to and with that height
//! s | account 32 | height u64 BE, index u32 BE -> nothing: an SBF transaction that names the account
//! w | height u64 BE, index u32 BE -> nothing: a Wasm transaction
//! e | hash of attribute and value 20 | height u64 BE, index u32 BE -> nothing: a Wasm transaction that emitted it
//! ```

use super::wasm::{EventHash, HASH_BYTES};
use weft_state::Key;
use weft_types::{B256, Bytes, DaHeight, Height};

fn key(kind: u8, bytes: &[u8]) -> Key {
    let mut key = Vec::with_capacity(bytes.len().saturating_add(1));
    key.push(kind);
    key.extend_from_slice(bytes);
    key
}

pub(super) fn block(height: Height) -> Key {
    key(b'b', &height.0.to_be_bytes())
}

pub(super) fn by_hash(hash: B256) -> Key {
    key(b'h', hash.as_slice())
}

pub(super) fn transaction(id: B256) -> Key {
    key(b't', id.as_slice())
}

pub(super) fn discarded(da_height: DaHeight, number: u32) -> Key {
    key(b'd', &[&da_height.0.to_be_bytes()[..], &number.to_be_bytes()].concat())
}

/// All keys of [`discarded`] lie from here up to [`DISCARDED_END`].
pub(super) const DISCARDED_START: &[u8] = b"d";
pub(super) const DISCARDED_END: &[u8] = b"e";

pub(super) fn counts(da_height: DaHeight) -> Key {
    key(b'c', &da_height.0.to_be_bytes())
}

/// All keys of [`counts`] lie from here up to [`COUNTS_END`].
pub(super) const COUNTS_START: &[u8] = b"c";
pub(super) const COUNTS_END: &[u8] = b"d";

/// All keys of one account stand in the order of the chain; `index` may lie behind every transaction.
pub(super) fn address(account: &[u8; 32], height: Height, index: usize) -> Key {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    key(b's', &[&account[..], &height.0.to_be_bytes(), &index.to_be_bytes()].concat())
}

/// Where the transaction of that key of [`address`] is.
pub(super) fn decode_address(key: &[u8]) -> Option<(Height, usize)> {
    decode_place(key.get(33..)?)
}

fn spelled(height: Height, index: usize) -> [u8; 12] {
    let mut place = [0; 12];
    let (first, last) = place.split_at_mut(8);
    first.copy_from_slice(&height.0.to_be_bytes());
    last.copy_from_slice(&u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes());
    place
}

/// All Wasm transactions stand in the order of the chain.
pub(super) fn wasm(height: Height, index: usize) -> Key {
    key(b'w', &spelled(height, index))
}

/// Where the transaction of that key of [`wasm`] is.
pub(super) fn decode_wasm(key: &[u8]) -> Option<(Height, usize)> {
    decode_place(key.get(1..)?)
}

/// All keys of one attribute with one value stand in the order of the chain.
pub(super) fn event(hash: &EventHash, height: Height, index: usize) -> Key {
    key(b'e', &[&hash.0[..], &spelled(height, index)].concat())
}

/// Where the transaction of that key of [`event`] is.
pub(super) fn decode_event(key: &[u8]) -> Option<(Height, usize)> {
    decode_place(key.get(HASH_BYTES.saturating_add(1)..)?)
}

pub(super) fn encode_height(height: Height) -> Bytes {
    Bytes::copy_from_slice(&height.0.to_be_bytes())
}

pub(super) fn decode_height(bytes: &[u8]) -> Option<Height> {
    bytes.try_into().ok().map(u64::from_be_bytes).map(Height)
}

pub(super) fn encode_place(height: Height, index: usize) -> Bytes {
    let index = u32::try_from(index).expect("a block holds at most BLOCK_TRANSACTIONS_MAX transactions");
    [&height.0.to_be_bytes()[..], &index.to_be_bytes()].concat().into()
}

pub(super) fn decode_place(bytes: &[u8]) -> Option<(Height, usize)> {
    let (height, index) = bytes.split_first_chunk::<8>()?;
    let index = u32::from_be_bytes(index.try_into().ok()?);
    Some((Height(u64::from_be_bytes(*height)), usize::try_from(index).ok()?))
}
