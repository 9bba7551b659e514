//! Keys and records of the tables, spelled in one place. Integers are big-endian.
//!
//! ```text
//! state    key -> value at the tip
//! tree     node id (begins with the version, u64) -> node record
//! history  'K' | escaped key | height u64      -> what the key held before that height: 0, or 1 | value
//!          'H' | height u64 | 0                -> list: keys of the state that the height changed
//!          'H' | height u64 | 1                -> list: ids of tree nodes that the height made stale
//!          'H' | height u64 | 2 | number u32   -> list: keys of the chain table written with the height
//!          'H' | height u64 | 3                -> at the last height of a commit: root 32 | derivation state
//! chain    as the node lays it out
//! meta     "store"       -> format u32 | genesis hash 32
//!          "tip"         -> height u64 | root 32 | sha256 of the derivation state 32 | first 8 bytes of the
//!                           sha256 of what comes before
//!          "derivation"  -> derivation state
//!          "oldest"      -> height u64: the oldest that can be read
//!          "pruned"      -> height u64: history up to here is gone
//! ```
//! A key is escaped so that escaped keys sort as the keys do and none is a prefix of another: 00 becomes
//! 00 ff, and 00 01 ends it. A list is `length u32 | bytes`, repeated.

use crate::Key;
use sha2::{Digest, Sha256};
use weft_types::{B256, Bytes, Height};

/// The format that this program writes and reads. 2: a block's record has its transactions' details (ADR 0006).
pub const FORMAT: u32 = 2;

pub(crate) const META_STORE: &[u8] = b"store";
pub(crate) const META_TIP: &[u8] = b"tip";
pub(crate) const META_DERIVATION: &[u8] = b"derivation";
pub(crate) const META_OLDEST: &[u8] = b"oldest";
pub(crate) const META_PRUNED: &[u8] = b"pruned";

/// Kinds of rows under `'H' | height`.
#[derive(Clone, Copy)]
pub(crate) enum Row {
    Changed,
    Stale,
    Chain(u32),
    Commit,
}

pub(crate) fn by_height(height: Height, row: Row) -> Key {
    let mut key = Vec::with_capacity(14);
    key.push(b'H');
    key.extend_from_slice(&height.0.to_be_bytes());
    match row {
        Row::Changed => key.push(0),
        Row::Stale => key.push(1),
        Row::Chain(number) => {
            key.push(2);
            key.extend_from_slice(&number.to_be_bytes());
        }
        Row::Commit => key.push(3),
    }
    key
}

/// The first possible row of a height; those of one height end where the next begins.
pub(crate) fn height_rows(height: Height) -> Key {
    let mut key = vec![b'H'];
    key.extend_from_slice(&height.0.to_be_bytes());
    key
}

/// `'K' | escaped key`, the prefix of a key's rows.
pub(crate) fn key_rows(key: &[u8]) -> Key {
    let mut rows = Vec::with_capacity(key.len() + 11);
    rows.push(b'K');
    for byte in key {
        rows.push(*byte);
        if *byte == 0 {
            rows.push(0xff);
        }
    }
    rows.extend_from_slice(&[0, 1]);
    rows
}

pub(crate) fn key_row(key: &[u8], height: Height) -> Key {
    let mut row = key_rows(key);
    row.extend_from_slice(&height.0.to_be_bytes());
    row
}

/// The key and height of a row under `'K'`; `None` where it is damaged.
pub(crate) fn parse_key_row(row: &[u8]) -> Option<(Key, Height)> {
    let (kind, rest) = row.split_first()?;
    let (escaped, height) = rest.split_last_chunk::<8>()?;
    let escaped = escaped.strip_suffix(&[0, 1])?;
    let mut key = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(byte) = bytes.next() {
        key.push(*byte);
        if *byte == 0 && bytes.next() != Some(&0xff) {
            return None;
        }
    }
    (*kind == b'K').then_some((key, Height(u64::from_be_bytes(*height))))
}

/// A previous value as a record.
pub(crate) fn encode_previous(value: Option<&Bytes>) -> Bytes {
    let Some(value) = value else { return Bytes::from_static(&[0]) };
    let mut record = Vec::with_capacity(value.len() + 1);
    record.push(1);
    record.extend_from_slice(value);
    record.into()
}

/// Outer `None` where the record is damaged.
pub(crate) fn parse_previous(record: &Bytes) -> Option<Option<Bytes>> {
    match record.first() {
        Some(0) if record.len() == 1 => Some(None),
        Some(1) => Some(Some(record.slice(1..))),
        _ => None,
    }
}

pub(crate) fn encode_list<'a>(items: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut list = Vec::new();
    for item in items {
        let length = u32::try_from(item.len()).expect("a key is shorter than 4 GiB");
        list.extend_from_slice(&length.to_be_bytes());
        list.extend_from_slice(item);
    }
    list.into()
}

/// `None` where the record is damaged.
pub(crate) fn parse_list(mut record: &[u8]) -> Option<Vec<Key>> {
    let mut items = Vec::new();
    while !record.is_empty() {
        let (length, rest) = record.split_first_chunk::<4>()?;
        let (item, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        items.push(item.to_vec());
        record = rest;
    }
    Some(items)
}

/// What a store says about its newest height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TipRecord {
    pub(crate) height: Height,
    pub(crate) root: B256,
    pub(crate) derivation: B256,
}

impl TipRecord {
    pub(crate) fn new(height: Height, root: B256, derivation: &[u8]) -> Self {
        Self { height, root, derivation: B256::new(Sha256::digest(derivation).into()) }
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut record = self.height.0.to_be_bytes().to_vec();
        record.extend_from_slice(self.root.as_slice());
        record.extend_from_slice(self.derivation.as_slice());
        let sum: [u8; 32] = Sha256::digest(&record).into();
        record.extend_from_slice(&sum[..8]);
        record.into()
    }

    pub(crate) fn parse(record: &[u8]) -> Option<Self> {
        let (body, sum) = record.split_last_chunk::<8>()?;
        let (height, hashes) = body.split_first_chunk::<8>()?;
        let (root, derivation) = hashes.split_first_chunk::<32>()?;
        let derivation: &[u8; 32] = derivation.try_into().ok()?;
        (Sha256::digest(body)[..8] == *sum).then_some(Self {
            height: Height(u64::from_be_bytes(*height)),
            root: B256::new(*root),
            derivation: B256::new(*derivation),
        })
    }
}

pub(crate) fn encode_store(format: u32, genesis: B256) -> Bytes {
    let mut record = format.to_be_bytes().to_vec();
    record.extend_from_slice(genesis.as_slice());
    record.into()
}

/// The format, and the genesis hash where the record is as long as it is in our format.
pub(crate) fn parse_store(record: &[u8]) -> Option<(u32, Option<B256>)> {
    let (format, genesis) = record.split_first_chunk::<4>()?;
    let genesis: Option<&[u8; 32]> = genesis.try_into().ok();
    Some((u32::from_be_bytes(*format), genesis.map(|genesis| B256::new(*genesis))))
}

pub(crate) fn parse_height(record: &[u8]) -> Option<Height> {
    Some(Height(u64::from_be_bytes(record.try_into().ok()?)))
}
