//! Blocks, slots and blockhashes. Every height is a slot, and none is skipped.

use super::api::{Sol, block_time, hash, respond};
use super::args::{Args, parse_hash};
use super::errors::{self, Fault, invalid_params};
use super::meta;
use super::transactions::unsupported;
use crate::chain::BlockRecord;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_rpc_client_types::config::{
    RpcBlockConfig, RpcBlocksConfigWrapper, RpcContextConfig, RpcEncodingConfigWrapper,
};
use solana_rpc_client_types::request::MAX_GET_CONFIRMED_BLOCKS_RANGE;
use solana_rpc_client_types::response::{Response, RpcBlockhash};
use solana_transaction_status::{
    BlockEncodingOptions, ConfirmedBlock, TransactionWithStatusMeta, UiConfirmedBlock, UiTransactionEncoding,
};

impl Sol {
    pub(super) fn get_block(&self, args: &Args) -> Result<Option<UiConfirmedBlock>, Fault> {
        let slot: u64 = args.required(0)?;
        let wrapper: Option<RpcEncodingConfigWrapper<RpcBlockConfig>> = args.optional(1)?;
        let config = wrapper.map(|wrapper| wrapper.convert_to_current()).unwrap_or_default();
        let block = self.block_at(slot, at_least_confirmed(config.commitment)?)?;
        let encoding = config.encoding.unwrap_or(UiTransactionEncoding::Json);
        let options = BlockEncodingOptions {
            transaction_details: config.transaction_details.unwrap_or_default(),
            show_rewards: config.rewards.unwrap_or(true),
            max_supported_transaction_version: config.max_supported_transaction_version,
        };
        let confirmed = self.confirmed_block(&block, |_| true)?;
        confirmed.encode_with_options(encoding, options).map(Some).map_err(unsupported)
    }

    /// The block with those of its transactions that `wanted` picks.
    ///
    /// # Errors
    /// The store is damaged.
    pub(super) fn confirmed_block(
        &self,
        block: &BlockRecord,
        wanted: impl Fn(&TransactionWithStatusMeta) -> bool,
    ) -> Result<ConfirmedBlock, Fault> {
        let complete = |(_, record)| meta::complete(record).map(TransactionWithStatusMeta::Complete);
        let transactions: Result<Vec<_>, Fault> = meta::transactions(block)
            .map(complete)
            .filter(|transaction| transaction.as_ref().map_or(true, &wanted))
            .collect();
        Ok(ConfirmedBlock {
            previous_blockhash: Hash::new_from_array(block.header.parent.0).to_string(),
            blockhash: hash(block).to_string(),
            parent_slot: block.header.height.0.saturating_sub(1),
            transactions: transactions?,
            rewards: Vec::new(),
            num_partitions: None,
            block_time: Some(block_time(block)),
            // Not known any more where the state is pruned.
            block_height: self.height(block).ok(),
        })
    }

    pub(super) fn get_blocks(&self, args: &Args) -> Result<Vec<u64>, Fault> {
        let start: u64 = args.required(0)?;
        let wrapper: Option<RpcBlocksConfigWrapper> = args.optional(1)?;
        let (end, early) = wrapper.map(|wrapper| wrapper.unzip()).unwrap_or_default();
        let late: Option<RpcContextConfig> = args.optional(2)?;
        let context = late.or(early).unwrap_or_default();
        at_least_confirmed(context.commitment)?;
        let newest = self.context(context)?.header.height.0;
        let end = end.unwrap_or_else(|| start.saturating_add(MAX_GET_CONFIRMED_BLOCKS_RANGE)).min(newest);
        if end.saturating_sub(start) > MAX_GET_CONFIRMED_BLOCKS_RANGE {
            let max = MAX_GET_CONFIRMED_BLOCKS_RANGE;
            return Err(invalid_params(format!("Slot range too large; max {max}")));
        }
        Ok((start..=end).collect())
    }

    pub(super) fn get_blocks_with_limit(&self, args: &Args) -> Result<Vec<u64>, Fault> {
        let (start, limit): (u64, u64) = (args.required(0)?, args.required(1)?);
        let context = args.context(2)?;
        at_least_confirmed(context.commitment)?;
        if limit > MAX_GET_CONFIRMED_BLOCKS_RANGE {
            let max = MAX_GET_CONFIRMED_BLOCKS_RANGE;
            return Err(invalid_params(format!("Limit too large; max {max}")));
        }
        let newest = self.context(context)?.header.height.0;
        Ok((start..start.saturating_add(limit).min(newest.saturating_add(1))).collect())
    }

    pub(super) fn get_block_time(&self, args: &Args) -> Result<Option<i64>, Fault> {
        let block = self.block_at(args.required(0)?, CommitmentConfig::processed())?;
        Ok(Some(block_time(&block)))
    }

    pub(super) fn slot(&self, args: &Args) -> Result<u64, Fault> {
        Ok(self.context(args.context(0)?)?.header.height.0)
    }

    pub(super) fn block_height(&self, args: &Args) -> Result<u64, Fault> {
        let block = self.context(args.context(0)?)?;
        self.height(&block)
    }

    pub(super) fn latest_blockhash(&self, args: &Args) -> Result<Response<RpcBlockhash>, Fault> {
        let block = self.context(args.context(0)?)?;
        Ok(respond(&block, self.blockhash(&block)?))
    }

    pub(super) fn is_blockhash_valid(&self, args: &Args) -> Result<Response<bool>, Fault> {
        let hash = parse_hash(&args.required::<String>(0)?)?;
        let bank = self.bank(args.context(1)?)?;
        Ok(bank.respond(bank.is_valid(&hash)?))
    }
}

/// The commitment, for methods that know no block below `confirmed`.
///
/// # Errors
/// -32602 for processed.
pub(super) fn at_least_confirmed(commitment: Option<CommitmentConfig>) -> Result<CommitmentConfig, Fault> {
    let commitment = commitment.unwrap_or_default();
    if commitment.is_at_least_confirmed() { Ok(commitment) } else { Err(errors::below_confirmed()) }
}
