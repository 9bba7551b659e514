//! Where the EVM keeps things, under [`VmId::EVM`]. Frozen: what stands here is in every state root.

use alloy_primitives::{Address, B256, U256};
use weft_state::{Key, key::key};
use weft_types::VmId;

/// `kind | address 20` to `nonce u64 BE`, with the code's hash (32) behind it where there is code.
pub const ACCOUNT: u8 = 1;
/// `kind | keccak256 32` to the code. Written once, never removed: contracts share it.
pub const CODE: u8 = 2;
/// `kind | address 20 | slot 32` to the value, 32 bytes BE. A zero has no key.
pub const STORAGE: u8 = 3;

/// An account's nonce and code hash.
#[must_use]
pub fn account(address: Address) -> Key {
    key(VmId::EVM, ACCOUNT, address.as_slice())
}

/// The code with that hash.
#[must_use]
pub fn code(hash: B256) -> Key {
    key(VmId::EVM, CODE, hash.as_slice())
}

/// One slot of an account's storage.
#[must_use]
pub fn storage(address: Address, slot: U256) -> Key {
    let mut bytes = [0; 52];
    bytes[..20].copy_from_slice(address.as_slice());
    bytes[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key(VmId::EVM, STORAGE, &bytes)
}

/// The first key of an account's storage and the first one after it, for range scans.
#[must_use]
pub fn storage_bounds(address: Address) -> (Key, Key) {
    let from = key(VmId::EVM, STORAGE, address.as_slice());
    let last = storage(address, U256::MAX);
    let mut to = last;
    to.push(0);
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_all_slots_of_one_account_only() {
        let address = Address::repeat_byte(0xff);
        let (from, to) = storage_bounds(address);
        for slot in [U256::ZERO, U256::from(7), U256::MAX] {
            let key = storage(address, slot);
            assert!(from <= key && key < to);
        }
        assert!(storage(Address::repeat_byte(0xfe), U256::MAX) < from);
    }
}
