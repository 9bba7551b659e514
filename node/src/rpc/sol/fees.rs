//! What transactions pay: `getFeeForMessage`, `getRecentPrioritizationFees`.

use super::super::limits::{FEE_ACCOUNTS_MAX, FEE_BLOCKS};
use super::api::{Bank, Sol, go_on};
use super::args::{Args, parse_all};
use super::errors::{self, Fault, invalid_params};
use super::{meta, wire};
use crate::chain::BlockRecord;
use solana_account::ReadableAccount;
use solana_account_decoder::parse_nonce::{UiNonceState, parse_nonce};
use solana_commitment_config::CommitmentConfig;
use solana_message::VersionedMessage;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::response::{Response, RpcPrioritizationFee};
use solana_transaction_status_client_types::TransactionBinaryEncoding;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use weft_types::{B256, Height};

/// `SetComputeUnitPrice` of the compute budget program, before the price.
const SET_PRICE: u8 = 3;
/// `AdvanceNonceAccount` of the system program.
const ADVANCE_NONCE: [u8; 4] = 4_u32.to_le_bytes();
/// Blocks whose prices are remembered.
const CACHE_BLOCKS: u64 = 2 * FEE_BLOCKS;

/// The least prices of a block, by the hash of the block.
pub(super) type FeeCache = moka::sync::Cache<B256, Arc<Prices>>;

/// An empty cache.
pub(super) fn cache() -> FeeCache {
    moka::sync::Cache::new(CACHE_BLOCKS)
}

/// The least micro-lamports per compute unit that a block's transactions paid: of all, and by the accounts that they
/// wrote. Zero where there were none.
#[derive(Debug, Default)]
pub(super) struct Prices {
    least: u64,
    accounts: HashMap<Pubkey, u64>,
}

impl Sol {
    /// Exactly what a transaction with that message pays; null where its blockhash is not good.
    pub(super) fn fee_for_message(&self, args: &Args) -> Result<Response<Option<u64>>, Fault> {
        let text: String = args.required(0)?;
        let (_, message) = wire::decode::<VersionedMessage>(&text, TransactionBinaryEncoding::Base64)?;
        let invalid = |error: String| invalid_params(format!("invalid transaction message: {error}"));
        message.sanitize().map_err(|error| invalid(error.to_string()))?;
        let bank = self.bank(args.context(1)?)?;
        if !bank.is_valid(message.recent_blockhash())? && !names_its_nonce(&bank, &message)? {
            return Ok(bank.respond(None));
        }
        let fee = self.sbf.fee(&message).map_err(|reject| invalid(reject.message))?;
        Ok(bank.respond(Some(fee)))
    }

    pub(super) fn prioritization_fees(
        &self,
        args: &Args,
        stop: &AtomicBool,
    ) -> Result<Vec<RpcPrioritizationFee>, Fault> {
        let keys: Vec<String> = args.optional(0)?;
        let accounts: Vec<Pubkey> = parse_all(&keys, FEE_ACCOUNTS_MAX)?;
        let newest = self.block(CommitmentConfig::processed()).header.height.0;
        let oldest = newest.saturating_sub(FEE_BLOCKS.saturating_sub(1)).max(1);
        let mut fees = Vec::new();
        for slot in oldest..=newest {
            go_on(stop)?;
            let block = self.chain.block(Height(slot)).map_err(|error| errors::chain(&error))?;
            let Some(block) = block else { break };
            let prices = match self.fees.get(&block.hash) {
                Some(prices) => prices,
                None => {
                    let prices = Arc::new(prices(&block)?);
                    self.fees.insert(block.hash, Arc::clone(&prices));
                    prices
                }
            };
            let written = accounts.iter().filter_map(|account| prices.accounts.get(account)).max();
            let prioritization_fee = prices.least.max(written.copied().unwrap_or_default());
            fees.push(RpcPrioritizationFee { slot, prioritization_fee });
        }
        Ok(fees)
    }
}

/// Whether the message stands on a durable nonce that is the one of its account.
fn names_its_nonce(bank: &Bank, message: &VersionedMessage) -> Result<bool, Fault> {
    let keys = message.static_account_keys();
    let key = |index: u8| keys.get(usize::from(index));
    let advance = message.instructions().first().filter(|first| {
        let program = key(first.program_id_index);
        program.is_some_and(solana_sdk_ids::system_program::check_id)
            && first.data.starts_with(&ADVANCE_NONCE)
    });
    let Some(pubkey) = advance.and_then(|first| key(*first.accounts.first()?)) else { return Ok(false) };
    let Some(account) = bank.account(pubkey)? else { return Ok(false) };
    Ok(match parse_nonce(account.data()) {
        Ok(UiNonceState::Initialized(nonce)) => nonce.blockhash == message.recent_blockhash().to_string(),
        _ => false,
    })
}

fn prices(block: &BlockRecord) -> Result<Prices, Fault> {
    let mut prices = Prices::default();
    let mut least: Option<u64> = None;
    for (_, record) in meta::transactions(block) {
        let message = meta::versioned(record)?.message;
        let price = price(&message);
        least = Some(least.map_or(price, |least| least.min(price)));
        let keys = message.static_account_keys().iter().enumerate();
        for (_, written) in keys.filter(|(index, _)| meta::is_writable(&message, *index)) {
            prices.accounts.entry(*written).and_modify(|known| *known = price.min(*known)).or_insert(price);
        }
    }
    prices.least = least.unwrap_or_default();
    Ok(prices)
}

/// Micro-lamports that the message offers for a compute unit.
fn price(message: &VersionedMessage) -> u64 {
    let keys = message.static_account_keys();
    let is_budget =
        |index: u8| keys.get(usize::from(index)).is_some_and(solana_sdk_ids::compute_budget::check_id);
    let set = message.instructions().iter().find_map(|instruction| {
        let (tag, price) = instruction.data.split_first()?;
        let named = *tag == SET_PRICE && is_budget(instruction.program_id_index);
        named.then(|| price.first_chunk::<8>().copied().map(u64::from_le_bytes)).flatten()
    });
    set.unwrap_or_default()
}
