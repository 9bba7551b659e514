//! Address lookup tables: a v0 message's indexes as addresses.

use crate::accounts::Accounts;
use crate::block::BlockContext;
use solana_account::ReadableAccount;
use solana_address_lookup_table_interface::error::AddressLookupError;
use solana_address_lookup_table_interface::state::AddressLookupTable;
use solana_message::VersionedMessage;
use solana_message::v0::{LoadedAddresses, MessageAddressTableLookup};
use solana_pubkey::Pubkey;
use solana_sdk_ids::address_lookup_table;
use solana_transaction_error::TransactionError;

/// The addresses that `message` names by tables, as those are before the block's `env`.
pub(crate) fn load(
    accounts: &Accounts<'_, '_, '_>,
    block: &BlockContext,
    message: &VersionedMessage,
) -> Result<LoadedAddresses, TransactionError> {
    let mut loaded = LoadedAddresses::default();
    for table in message.address_table_lookups().into_iter().flatten() {
        let (writable, readonly) = one(accounts, block, table)?;
        loaded.writable.extend(writable);
        loaded.readonly.extend(readonly);
    }
    Ok(loaded)
}

fn one(
    accounts: &Accounts<'_, '_, '_>,
    block: &BlockContext,
    lookup: &MessageAddressTableLookup,
) -> Result<(Vec<Pubkey>, Vec<Pubkey>), TransactionError> {
    let read = |content: &crate::programs::Content| {
        if !address_lookup_table::check_id(content.account.owner()) {
            return Err(TransactionError::InvalidAddressLookupTableOwner);
        }
        let invalid = |_| TransactionError::InvalidAddressLookupTableData;
        let table = AddressLookupTable::deserialize(content.account.data()).map_err(invalid)?;
        let (slot, hashes) = (block.sysvars.clock.slot, &block.sysvars.slot_hashes);
        let find = |indexes: &[u8]| table.lookup(slot, indexes, hashes).map_err(error);
        Ok((find(&lookup.writable_indexes)?, find(&lookup.readonly_indexes)?))
    };
    accounts.with_content(&lookup.account_key, read).ok_or(TransactionError::AddressLookupTableNotFound)?
}

fn error(error: AddressLookupError) -> TransactionError {
    match error {
        AddressLookupError::LookupTableAccountNotFound => TransactionError::AddressLookupTableNotFound,
        AddressLookupError::InvalidAccountOwner => TransactionError::InvalidAddressLookupTableOwner,
        AddressLookupError::InvalidAccountData => TransactionError::InvalidAddressLookupTableData,
        _ => TransactionError::InvalidAddressLookupTableIndex,
    }
}
