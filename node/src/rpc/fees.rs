//! What gas costs: suggestions and history.

use super::api::Api;
use super::args::Args;
use super::convert;
use super::errors::{Fault, invalid_params, server};
use super::limits::{FEE_HISTORY_BLOCKS_MAX, FEE_HISTORY_PERCENTILES_MAX};
use crate::chain::BlockRecord;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::U256;
use alloy_rpc_types_eth::FeeHistory;
use weft_router::next_base_fee;
use weft_types::Height;

/// Blocks that the suggestion looks back over: geth's default.
const SUGGEST_BLOCKS: u64 = 20;
/// Cheapest transactions of a block that are looked at: geth's.
const SUGGEST_PER_BLOCK: usize = 3;
/// The suggestion is this percentile of them: geth's.
const SUGGEST_PERCENTILE: usize = 60;
/// What is suggested while nobody pays more: blocks are seldom full, and a wei puts a transaction first.
const SUGGEST_MIN: u128 = 1_000_000;

impl Api {
    /// The base fee of the block after the tip, and the tip that it takes.
    pub(super) fn gas_price(&self, _: &Args) -> Result<U256, Fault> {
        let tip = self.chain.tip();
        let base_fee = next_base_fee(self.chain.genesis(), &tip.header);
        Ok(U256::from(base_fee).saturating_add(U256::from(self.suggest(&tip)?)))
    }

    pub(super) fn max_priority_fee(&self, _: &Args) -> Result<U256, Fault> {
        let tip = self.chain.tip();
        Ok(U256::from(self.suggest(&tip)?))
    }

    /// Blobs live on Celestia, and no transaction here pays for one: the least that EIP-4844 knows.
    pub(super) fn blob_base_fee(&self, _: &Args) -> Result<U256, Fault> {
        Ok(U256::ONE)
    }

    fn suggest(&self, tip: &BlockRecord) -> Result<u128, Fault> {
        if let Some((hash, suggested)) = *self.suggested_tip.lock()
            && hash == tip.hash
        {
            return Ok(suggested);
        }
        let newest = tip.header.height.0;
        let mut tips = Vec::new();
        for number in newest.saturating_sub(SUGGEST_BLOCKS.saturating_sub(1))..=newest {
            let Some(block) = self.block_at(number)? else { continue };
            let mut paid: Vec<u128> =
                convert::evm_transactions(&block).map(|(_, record)| convert::tip(&block, record)).collect();
            paid.sort_unstable();
            tips.extend(paid.into_iter().filter(|paid| *paid > 1).take(SUGGEST_PER_BLOCK));
        }
        tips.sort_unstable();
        let place = tips.len().saturating_sub(1).saturating_mul(SUGGEST_PERCENTILE) / 100;
        let suggested = tips.get(place).copied().unwrap_or(SUGGEST_MIN).max(SUGGEST_MIN);
        *self.suggested_tip.lock() = Some((tip.hash, suggested));
        Ok(suggested)
    }

    pub(super) fn fee_history(&self, args: &Args) -> Result<FeeHistory, Fault> {
        let asked = args.number(0)?.min(FEE_HISTORY_BLOCKS_MAX);
        let newest: BlockNumberOrTag = args.required(1)?;
        let percentiles: Vec<f64> = args.optional(2)?.unwrap_or_default();
        check_percentiles(&percentiles)?;
        let newest = self.newest(newest)?;
        let newest_number = newest.header.height.0;
        let blocks = asked.min(newest_number.saturating_add(1));
        if blocks == 0 {
            return Ok(FeeHistory { oldest_block: 0, ..FeeHistory::default() });
        }
        let oldest = newest_number.saturating_sub(blocks.saturating_sub(1));
        let gas_limit = self.chain.genesis().limits.block_gas.max(1);
        let mut history = FeeHistory { oldest_block: oldest, ..FeeHistory::default() };
        let mut rewards = Vec::new();
        for number in oldest..=newest_number {
            let Some(block) = self.block_at(number)? else { break };
            history.base_fee_per_gas.push(block.header.base_fee.into());
            history.gas_used_ratio.push(ratio(block.header.gas_used, gas_limit));
            history.base_fee_per_blob_gas.push(1);
            history.blob_gas_used_ratio.push(0.0);
            if !percentiles.is_empty() {
                rewards.push(block_rewards(&block, &percentiles));
            }
        }
        let next = self.chain.block(Height(newest_number).next()).map_err(super::api::chain_fault)?;
        let next = match next {
            Some(next) => next.header.base_fee,
            None => next_base_fee(self.chain.genesis(), &newest.header),
        };
        history.base_fee_per_gas.push(next.into());
        history.base_fee_per_blob_gas.push(1);
        history.reward = (!percentiles.is_empty()).then_some(rewards);
        Ok(history)
    }

    fn newest(&self, tag: BlockNumberOrTag) -> Result<std::sync::Arc<BlockRecord>, Fault> {
        let beyond = || {
            let head = self.chain.tip().header.height;
            let asked = tag.as_number().unwrap_or_default();
            server(format!("request beyond head block: requested {asked}, head {head}"))
        };
        self.block(BlockId::Number(tag))?.ok_or_else(beyond)
    }
}

fn check_percentiles(percentiles: &[f64]) -> Result<(), Fault> {
    if percentiles.len() > FEE_HISTORY_PERCENTILES_MAX {
        return Err(invalid_params(format!(
            "invalid reward percentile: over the query limit {FEE_HISTORY_PERCENTILES_MAX}"
        )));
    }
    for (index, value) in percentiles.iter().enumerate() {
        if !(0.0..=100.0).contains(value) {
            return Err(invalid_params(format!("invalid reward percentile: {value}")));
        }
        let before = index.checked_sub(1).and_then(|before| percentiles.get(before));
        if before.is_some_and(|before| before > value) {
            return Err(invalid_params(format!(
                "invalid reward percentile: #{index} is below the one before"
            )));
        }
    }
    Ok(())
}

/// For show only; nothing is decided by it.
fn ratio(used: u64, limit: u64) -> f64 {
    // Six digits are more than any client reads.
    let parts = u128::from(used).saturating_mul(1_000_000) / u128::from(limit);
    f64::from(u32::try_from(parts).unwrap_or(u32::MAX)) / 1_000_000.0
}

/// The tip at each percentile of the block's gas, as geth weighs it; zeroes for an empty block.
fn block_rewards(block: &BlockRecord, percentiles: &[f64]) -> Vec<u128> {
    let mut paid: Vec<(u128, u64)> = convert::evm_transactions(block)
        .map(|(_, record)| (convert::tip(block, record), record.receipt.gas_used))
        .collect();
    paid.sort_unstable();
    let total: u64 = paid.iter().map(|(_, gas)| *gas).fold(0, u64::saturating_add);
    percentiles
        .iter()
        .map(|percentile| {
            let mut gas = 0u64;
            for (tip, used) in &paid {
                gas = gas.saturating_add(*used);
                if ratio(gas, total.max(1)) * 100.0 >= *percentile {
                    return *tip;
                }
            }
            paid.last().map_or(0, |(tip, _)| *tip)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_must_ascend_within_bounds() {
        assert!(check_percentiles(&[0.0, 50.0, 50.0, 100.0]).is_ok());
        for wrong in [vec![-1.0], vec![100.5], vec![50.0, 20.0], vec![f64::NAN], vec![1.0; 101]] {
            assert!(check_percentiles(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ratios() {
        assert_eq!(ratio(0, 30_000_000), 0.0);
        assert_eq!(ratio(15_000_000, 30_000_000), 0.5);
        assert_eq!(ratio(7, 7), 1.0);
    }
}
