//! What the EVM writes by itself around a block: genesis accounts, and the history of block hashes (EIP-2935).
//!
//! There is no beacon chain here, so EIP-4788's contract of beacon roots is neither deployed nor called.

use crate::config::GenesisAccount;
use crate::key;
use crate::tables::{self, Record};
use crate::write_back::{set_record, set_slot};
use alloy_eips::eip2935::{HISTORY_SERVE_WINDOW, HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE};
use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, U256, keccak256};
use revm::primitives::hardfork::SpecId;
use std::collections::BTreeMap;
use weft_state::{Journal, ReadError};
use weft_vm::BlockEnv;

/// Writes the accounts of genesis.
pub(crate) fn genesis(
    journal: &mut Journal<'_>,
    block: &BlockEnv,
    spec: SpecId,
    alloc: &BTreeMap<Address, GenesisAccount>,
) -> Result<(), ReadError> {
    for (address, account) in alloc {
        write_account(journal, *address, account);
    }
    begin(journal, block, spec)
}

/// Before a block: its parent's hash into the history contract, which is put there at the first block under
/// the rules that have it.
pub(crate) fn begin(journal: &mut Journal<'_>, block: &BlockEnv, spec: SpecId) -> Result<(), ReadError> {
    if !spec.is_enabled_in(SpecId::PRAGUE) {
        return Ok(());
    }
    if tables::record(journal, HISTORY_STORAGE_ADDRESS)?.is_none_or(|r| r.code_hash == KECCAK256_EMPTY) {
        let code = HISTORY_STORAGE_CODE.clone();
        write_account(
            journal,
            HISTORY_STORAGE_ADDRESS,
            &GenesisAccount { nonce: 1, code, storage: BTreeMap::new() },
        );
    }
    // Genesis has no parent.
    if let Some(parent) = block.height.0.checked_sub(1) {
        let slot = parent.checked_rem(HISTORY_WINDOW).expect("the window is not zero");
        set_slot(
            journal,
            HISTORY_STORAGE_ADDRESS,
            U256::from(slot),
            U256::from_be_bytes(block.parent_hash.0),
        );
    }
    Ok(())
}

/// EIP-2935's ring.
const HISTORY_WINDOW: u64 = 8191;
const _: () = assert!(HISTORY_SERVE_WINDOW == 8191);

fn write_account(journal: &mut Journal<'_>, address: Address, account: &GenesisAccount) {
    let GenesisAccount { nonce, code, storage } = account;
    let code_hash = if code.is_empty() { KECCAK256_EMPTY } else { keccak256(code) };
    set_record(journal, address, Record { nonce: *nonce, code_hash });
    if !code.is_empty() {
        set_code(journal, code_hash, code);
    }
    for (slot, value) in storage {
        set_slot(journal, address, *slot, *value);
    }
}

fn set_code(journal: &mut Journal<'_>, hash: alloy_primitives::B256, code: &Bytes) {
    journal.set(key::code(hash), code.0.clone());
}
