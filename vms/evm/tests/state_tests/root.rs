//! Our tables hashed as Ethereum's state trie.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, TrieAccount};
use std::collections::BTreeMap;
use weft_evm::key;
use weft_state::key::host;
use weft_types::{AccountId, VmId};

/// A state as plain keys and values.
pub type State = BTreeMap<Vec<u8>, weft_types::Bytes>;

fn trie_root(leaves: BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key), &value);
    }
    builder.root()
}

/// The root of the accounts, their storage and the ledger's balances of EVM addresses.
pub fn state_root(state: &State) -> B256 {
    let mut accounts: BTreeMap<Address, TrieAccount> = BTreeMap::new();
    let mut slots: BTreeMap<Address, BTreeMap<B256, Vec<u8>>> = BTreeMap::new();
    for (full, value) in state {
        match (full[0], full[1], &full[2..]) {
            (vm, key::ACCOUNT, address) if vm == VmId::EVM.0 => {
                let account = accounts.entry(Address::from_slice(address)).or_insert_with(empty);
                account.nonce = u64::from_be_bytes(value[..8].try_into().expect("a nonce"));
                if value.len() > 8 {
                    account.code_hash = B256::from_slice(&value[8..]);
                }
            }
            (vm, key::STORAGE, rest) if vm == VmId::EVM.0 => {
                let (address, slot) = rest.split_at(20);
                let value = alloy_rlp::encode(U256::from_be_slice(value));
                slots.entry(Address::from_slice(address)).or_default().insert(keccak256(slot), value);
            }
            (vm, host::LEDGER, id) if vm == VmId::HOST.0 => {
                if let Some(address) = AccountId(B256::from_slice(id)).as_evm() {
                    accounts.entry(address).or_insert_with(empty).balance = U256::from_be_slice(value);
                }
            }
            _ => {}
        }
    }
    for (address, slots) in slots {
        // Storage without an account would be a leak of ours: it shows as a wrong root.
        accounts.entry(address).or_insert_with(empty).storage_root = trie_root(slots);
    }
    trie_root(accounts.into_iter().map(|(a, account)| (keccak256(a), alloy_rlp::encode(account))).collect())
}

fn empty() -> TrieAccount {
    TrieAccount {
        nonce: 0,
        balance: U256::ZERO,
        storage_root: EMPTY_ROOT_HASH,
        code_hash: KECCAK256_EMPTY,
        ..Default::default()
    }
}
