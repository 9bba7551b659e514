//! From revm's state after a transaction into our journal.

use crate::key;
use crate::tables::Record;
use revm::primitives::{Address, KECCAK_EMPTY, U256};
use revm::state::{Account, EvmState};
use weft_state::{Journal, ReadError};
use weft_types::{AccountId, Bytes};

/// Slots that are removed between two looks at the table, when a whole storage goes.
const WIPE_CHUNK: usize = 1024;

/// Writes what `state` changed. The order in which revm's map yields accounts does not show: each has keys of
/// its own.
pub(crate) fn write_back(journal: &mut Journal<'_>, state: EvmState) -> Result<(), ReadError> {
    for (address, account) in state {
        if account.is_touched() {
            write_account(journal, address, &account)?;
        }
    }
    Ok(())
}

fn write_account(journal: &mut Journal<'_>, address: Address, account: &Account) -> Result<(), ReadError> {
    if account.is_selfdestructed() {
        // What was sent to it after it destroyed itself is gone with it.
        if !account.info.balance.is_zero() {
            journal.burn(account.info.balance)?;
        }
        return remove(journal, address);
    }
    if account.is_empty() {
        // Touched and empty is removed (EIP-161); where nothing was, there is nothing to remove.
        return if account.is_loaded_as_not_existing() && !account.is_created() {
            Ok(())
        } else {
            remove(journal, address)
        };
    }
    if account.is_created() {
        wipe_storage(journal, address)?;
    }
    write_record(journal, address, account)?;
    journal.set_balance(AccountId::from_evm(address), account.info.balance)?;
    for (slot, value) in account.changed_storage_slots() {
        set_slot(journal, address, *slot, value.present_value());
    }
    Ok(())
}

fn write_record(journal: &mut Journal<'_>, address: Address, account: &Account) -> Result<(), ReadError> {
    let record = Record { nonce: account.info.nonce, code_hash: account.info.code_hash };
    let before = account.original_info();
    let same = record.nonce == before.nonce && record.code_hash == before.code_hash;
    if same && !account.is_created() {
        return Ok(());
    }
    set_record(journal, address, record);
    if record.code_hash != KECCAK_EMPTY
        && record.code_hash != before.code_hash
        && let Some(code) = &account.info.code
    {
        let key = key::code(record.code_hash);
        if journal.get(&key)?.is_none() {
            journal.set(key, code.original_bytes().0);
        }
    }
    Ok(())
}

/// A record that says nothing has no key: an account with a balance alone stands in the ledger alone.
pub(crate) fn set_record(journal: &mut Journal<'_>, address: Address, record: Record) {
    if record == Record::EMPTY {
        journal.remove(key::account(address));
    } else {
        journal.set(key::account(address), record.encode());
    }
}

pub(crate) fn set_slot(journal: &mut Journal<'_>, address: Address, slot: U256, value: U256) {
    let key = key::storage(address, slot);
    if value.is_zero() {
        journal.remove(key);
    } else {
        journal.set(key, Bytes::copy_from_slice(&value.to_be_bytes::<32>()));
    }
}

fn remove(journal: &mut Journal<'_>, address: Address) -> Result<(), ReadError> {
    wipe_storage(journal, address)?;
    journal.remove(key::account(address));
    journal.set_balance(AccountId::from_evm(address), U256::ZERO)
}

/// Removes all slots of an account. A new contract starts without, whatever its address had (EIP-7610 keeps that
/// from happening by itself), and a destroyed one leaves none.
pub(crate) fn wipe_storage(journal: &mut Journal<'_>, address: Address) -> Result<(), ReadError> {
    let (from, to) = key::storage_bounds(address);
    loop {
        let slots = journal.range(&from, &to, WIPE_CHUNK)?;
        let last = slots.len() < WIPE_CHUNK;
        for (key, _) in slots {
            journal.remove(key);
        }
        if last {
            return Ok(());
        }
    }
}
