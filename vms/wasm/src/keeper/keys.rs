//! Keys of the modules wasm and bank in the state: `VmId::WASM | kind | bytes`, kinds 10 to 29. Balances are not
//! among them: the ledger has them all.

use weft_state::{Key, key};
use weft_types::{AccountId, VmId};

/// `kind | code id u64 BE` to a [`super::record::Code`].
pub const CODE: u8 = 10;
/// `kind | checksum 32` to the code itself, as it was found after unpacking.
pub const BYTES: u8 = 11;
/// `kind | account 32` to a [`super::record::Contract`].
pub const CONTRACT: u8 = 12;
/// `kind | account 32 | key` to what the contract stored under `key`.
pub const STORAGE: u8 = 13;
/// `kind | account 32 | position u64 BE` to a [`super::record::History`].
pub const HISTORY: u8 = 14;
/// `kind | code id u64 BE | height u64 BE | index u64 BE | account 32` to one byte: contracts by code.
pub const BY_CODE: u8 = 15;
/// `kind | creator 32 | height u64 BE | index u64 BE | account 32` to one byte: contracts by creator.
pub const BY_CREATOR: u8 = 16;
/// `kind` to the next code id, u64 BE.
pub const NEXT_CODE: u8 = 17;
/// `kind` to the next instance id, u64 BE.
pub const NEXT_INSTANCE: u8 = 18;

fn at(kind: u8, parts: &[&[u8]]) -> Key {
    key::key(VmId::WASM, kind, &parts.concat())
}

/// The record of a code.
#[must_use]
pub fn code(id: u64) -> Key {
    at(CODE, &[&id.to_be_bytes()])
}

/// Everything under a kind, to be scanned.
#[must_use]
pub fn whole(kind: u8) -> Key {
    at(kind, &[])
}

/// A code's bytes.
#[must_use]
pub fn bytes(checksum: &[u8; 32]) -> Key {
    at(BYTES, &[checksum])
}

/// The record of a contract.
#[must_use]
pub fn contract(account: AccountId) -> Key {
    at(CONTRACT, &[account.0.as_slice()])
}

/// A value of a contract.
#[must_use]
pub fn storage(account: AccountId, own: &[u8]) -> Key {
    at(STORAGE, &[account.0.as_slice(), own])
}

/// One entry of a contract's history.
#[must_use]
pub fn history(account: AccountId, position: u64) -> Key {
    at(HISTORY, &[account.0.as_slice(), &position.to_be_bytes()])
}

/// What all entries of a contract's history begin with.
#[must_use]
pub fn history_of(account: AccountId) -> Key {
    at(HISTORY, &[account.0.as_slice()])
}

/// What all contracts of a code begin with.
#[must_use]
pub fn by_code(id: u64) -> Key {
    at(BY_CODE, &[&id.to_be_bytes()])
}

/// What all contracts of a creator begin with.
#[must_use]
pub fn by_creator(creator: AccountId) -> Key {
    at(BY_CREATOR, &[creator.0.as_slice()])
}

/// `prefix | height | index | account`: an entry of the two lists above.
#[must_use]
pub fn listed(mut prefix: Key, height: u64, index: u64, account: AccountId) -> Key {
    prefix.extend_from_slice(&height.to_be_bytes());
    prefix.extend_from_slice(&index.to_be_bytes());
    prefix.extend_from_slice(account.0.as_slice());
    prefix
}

pub(super) fn next_code() -> Key {
    at(NEXT_CODE, &[])
}

pub(super) fn next_instance() -> Key {
    at(NEXT_INSTANCE, &[])
}

/// The first key after all that begin with `prefix`. Kinds are below 255, so there always is one.
#[must_use]
pub fn after(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_skips_full_bytes() {
        assert_eq!(after(&[3, 13, 0xff, 0xff]), [3, 14]);
        assert_eq!(after(&[3, 13, 7]), [3, 13, 8]);
    }
}
