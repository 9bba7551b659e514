//! State and block as the caller wants them to be.

use super::SimulateError;
use crate::key;
use crate::tables::{self, Record};
use crate::write_back::{set_record, set_slot, wipe_storage};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use weft_state::{Journal, key as host};
use weft_types::{AccountId, Bytes, Height};
use weft_vm::BlockEnv;

pub(super) fn apply_state(journal: &mut Journal<'_>, accounts: &StateOverride) -> Result<(), SimulateError> {
    // Accounts have no keys in common, so the map's order does not show.
    for (address, account) in accounts {
        apply_account(journal, *address, account)?;
    }
    Ok(())
}

fn apply_account(
    journal: &mut Journal<'_>,
    address: Address,
    account: &AccountOverride,
) -> Result<(), SimulateError> {
    let AccountOverride { balance, nonce, code, state, state_diff, move_precompile_to } = account;
    if move_precompile_to.is_some() {
        return Err(SimulateError::Request("movePrecompileToAddress is not supported".into()));
    }
    if state.is_some() && state_diff.is_some() {
        let why = format!("account {address} has both 'state' and 'stateDiff'");
        return Err(SimulateError::Request(why));
    }
    if let Some(balance) = balance {
        journal.set_balance(AccountId::from_evm(address), *balance)?;
    }
    if nonce.is_some() || code.is_some() {
        let mut record = tables::record(journal, address)?.unwrap_or(Record::EMPTY);
        record.nonce = nonce.unwrap_or(record.nonce);
        if let Some(code) = code {
            record.code_hash = if code.is_empty() { KECCAK256_EMPTY } else { keccak256(code) };
            if !code.is_empty() {
                journal.set(key::code(record.code_hash), code.0.clone());
            }
        }
        set_record(journal, address, record);
    }
    if state.is_some() {
        wipe_storage(journal, address)?;
    }
    for (slot, value) in state.iter().chain(state_diff).flatten() {
        set_slot(journal, address, U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0));
    }
    Ok(())
}

pub(super) fn apply_block(
    journal: &mut Journal<'_>,
    block: &BlockEnv,
    overrides: &BlockOverrides,
) -> Result<BlockEnv, SimulateError> {
    let small = |name: &str, value: U256| {
        u64::try_from(value).map_err(|_| SimulateError::Request(format!("the block's {name} is too large")))
    };
    let mut env = block.clone();
    if let Some(number) = overrides.number {
        env.height = Height(small("number", number)?);
    }
    if let Some(seconds) = overrides.time {
        env.timestamp_ms = seconds
            .checked_mul(1000)
            .ok_or_else(|| SimulateError::Request("the block's time is too large".into()))?;
    }
    if let Some(base_fee) = overrides.base_fee {
        env.base_fee = small("base fee", base_fee)?;
    }
    env.gas_limit = overrides.gas_limit.unwrap_or(env.gas_limit);
    env.prevrandao = overrides.random.unwrap_or(env.prevrandao);
    if let Some(coinbase) = overrides.coinbase {
        env.fee_recipient = AccountId::from_evm(coinbase);
    }
    for (height, hash) in overrides.block_hash.iter().flatten() {
        set_block_hash(journal, Height(*height), *hash);
    }
    Ok(env)
}

fn set_block_hash(journal: &mut Journal<'_>, height: Height, hash: B256) {
    journal.set(host::block_hash(height), Bytes::copy_from_slice(hash.as_slice()));
}
