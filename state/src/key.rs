//! Every key of the state is spelled here: `machine u8 | kind u8 | bytes`. What `bytes` holds is fixed per
//! kind, so that no two kinds and no two machines share a key. Under [`INDEX`] stands what is no state.

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

/// Stands as the machine in keys of look-ups that a node makes of the state: `INDEX | machine | bytes`.
///
/// They are stored with the block that they follow from, read at a height and gone back with as the state is, but are
/// no part of it: the tree does not have them, so no root covers them, and no machine may read them. What carries the
/// state to another node leaves them out.
pub const INDEX: VmId = VmId(0xff);

/// A look-up in the state of `vm`; the machine's crate says what `bytes` are.
#[must_use]
pub fn index(vm: VmId, bytes: &[u8]) -> Key {
    key(INDEX, vm.0, bytes)
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
