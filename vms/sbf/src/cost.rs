//! What a transaction counts for besides the compute units that its instructions use: Solana's block cost model
//! (`solana-cost-model`, block_cost_limits), so that the gas of a block bounds the time that it takes here too.

use solana_transaction::versioned::VersionedTransaction;

/// Compute units for verifying a signature.
const SIGNATURE_UNITS: u64 = 720;
/// Compute units for each account that is locked for writing.
const WRITE_LOCK_UNITS: u64 = 300;
/// Bytes of instruction data for a compute unit.
const DATA_BYTES_PER_UNIT: u64 = 4;
/// Bytes of a page of loaded accounts.
const LOADED_PAGE_BYTES: u64 = 32 << 10;
/// Compute units for such a page.
const LOADED_PAGE_UNITS: u64 = 8;

/// Compute units that are known before the transaction runs.
pub(crate) fn static_units(transaction: &VersionedTransaction) -> u64 {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let message = &transaction.message;
    let header = message.header();
    let statics = message.static_account_keys().len();
    let readonly = usize::from(header.num_readonly_signed_accounts)
        .saturating_add(usize::from(header.num_readonly_unsigned_accounts));
    let tables = message.address_table_lookups().into_iter().flatten();
    let loaded: usize = tables.map(|table| table.writable_indexes.len()).sum();
    let writable = statics.saturating_sub(readonly).saturating_add(loaded);
    let data: usize = message.instructions().iter().map(|instruction| instruction.data.len()).sum();
    let signatures = count(transaction.signatures.len()).saturating_mul(SIGNATURE_UNITS);
    let locks = count(writable).saturating_mul(WRITE_LOCK_UNITS);
    signatures.saturating_add(locks).saturating_add(count(data) / DATA_BYTES_PER_UNIT)
}

/// Compute units for the bytes of accounts that a transaction loaded: shown by RPC, part of no gas.
pub(crate) fn loaded_units(bytes: u32) -> u64 {
    u64::from(bytes).div_ceil(LOADED_PAGE_BYTES).saturating_mul(LOADED_PAGE_UNITS)
}
