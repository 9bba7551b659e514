//! Every key of the state is spelled here: `machine u8 | kind u8 | bytes`. What `bytes` holds is fixed per
//! kind, so that no two kinds and no two machines share a key.

use weft_types::{AccountId, Height, VmId};

/// A key as bytes, ordered as bytes.
pub type Key = Vec<u8>;

/// Kinds under [`VmId::HOST`].
pub mod host {
    /// `kind | account 32` to wei, 32 bytes BE. A balance of zero has no key.
    pub const LEDGER: u8 = 1;
    /// `kind` to the sum of all balances, 32 bytes BE.
    pub const SUPPLY: u8 = 2;
    /// `kind | height u64 BE` to the block's hash, for the last 256 blocks.
    pub const BLOCK_HASH: u8 = 3;
}

/// `machine | kind | bytes`. Machines define their kinds in a file of their own that calls this.
#[must_use]
pub fn key(vm: VmId, kind: u8, bytes: &[u8]) -> Key {
    let mut key = Vec::with_capacity(bytes.len().saturating_add(2));
    key.extend_from_slice(&[vm.0, kind]);
    key.extend_from_slice(bytes);
    key
}

/// The balance of an account.
#[must_use]
pub fn ledger(account: AccountId) -> Key {
    key(VmId::HOST, host::LEDGER, account.0.as_slice())
}

/// The sum of all balances.
#[must_use]
pub fn supply() -> Key {
    key(VmId::HOST, host::SUPPLY, &[])
}

/// The hash of a block of our own chain.
#[must_use]
pub fn block_hash(height: Height) -> Key {
    key(VmId::HOST, host::BLOCK_HASH, &height.0.to_be_bytes())
}
