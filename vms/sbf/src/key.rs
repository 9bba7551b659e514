//! Keys of the SBF machine in the state: `VmId::SBF | kind | bytes`. Balances are not among them: the ledger has
//! them all.

use solana_pubkey::Pubkey;
use weft_state::{Key, key};
use weft_types::{AccountId, B256, Height, VmId};

/// `kind | pubkey 32` to an account's record (see [`crate::record`]).
pub const ACCOUNT: u8 = 1;
/// `kind | pubkey 32 | index u32 BE` to a page of the data of a paged account.
pub const PAGE: u8 = 2;
/// `kind | height u64 BE` to `hash 32 | clock_ms u64 BE` of the block at that height (see [`crate::BLOCK_HEIGHT_MS`]).
pub const BLOCK: u8 = 3;
/// `kind | hash 32` to `height u64 BE | clock_ms u64 BE`: the way back from [`BLOCK`].
pub const BLOCKHASH: u8 = 4;
/// `kind | height u64 BE | bucket u8` to 16 bytes of the message hash of each transaction that named the blockhash
/// of that height.
pub const PROCESSED: u8 = 5;
/// `kind` to height, timestamp_ms, epoch, the epoch's first timestamp_ms and clock_ms of the newest block that began,
/// u64 BE each.
pub const NEWEST: u8 = 6;

fn at(kind: u8, bytes: &[u8]) -> Key {
    key::key(VmId::SBF, kind, bytes)
}

/// An account's record.
#[must_use]
pub fn account(pubkey: &Pubkey) -> Key {
    at(ACCOUNT, pubkey.as_ref())
}

/// A page of an account's data.
#[must_use]
pub fn page(pubkey: &Pubkey, index: u32) -> Key {
    at(PAGE, &[pubkey.as_ref(), &index.to_be_bytes()].concat())
}

/// The account that a pubkey names.
#[must_use]
pub fn account_id(pubkey: &Pubkey) -> AccountId {
    AccountId(B256::new(pubkey.to_bytes()))
}

pub(crate) fn block(height: Height) -> Key {
    at(BLOCK, &height.0.to_be_bytes())
}

pub(crate) fn blockhash(hash: &[u8; 32]) -> Key {
    at(BLOCKHASH, hash)
}

/// All keys of [`PROCESSED`] of one height lie from this one with bucket 0 up to that of the next height.
#[must_use]
pub fn processed(height: Height, bucket: u8) -> Key {
    at(PROCESSED, &[&height.0.to_be_bytes()[..], &[bucket]].concat())
}

pub(crate) fn newest() -> Key {
    at(NEWEST, &[])
}
