//! Keys of the machine's transactions and accounts in the state: `VmId::WASM | kind | bytes`, kinds 1 to 9. Those of the
//! modules are in [`crate::keeper::keys`]. Balances are not among them: the ledger has them all.

use weft_state::{Key, key};
use weft_types::{AccountId, VmId};

/// `kind | account 32` to an account's [`crate::auth::Record`].
pub const ACCOUNT: u8 = 1;
/// `kind` to `height u64 BE | count u32 BE`: the newest block that has a transaction of this machine, and how many.
pub const NEWEST: u8 = 2;

/// An account's record.
#[must_use]
pub fn account(id: AccountId) -> Key {
    key::key(VmId::WASM, ACCOUNT, id.0.as_slice())
}

/// What all records of accounts begin with.
#[must_use]
pub fn accounts() -> Key {
    key::key(VmId::WASM, ACCOUNT, &[])
}

/// The newest block with a transaction.
#[must_use]
pub fn newest() -> Key {
    key::key(VmId::WASM, NEWEST, &[])
}
