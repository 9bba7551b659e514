//! `eth_getLogs`: over the blooms of headers, within bounds of range, results and time.

use super::api::Api;
use super::args::Args;
use super::convert;
use super::errors::{self, Fault, invalid_params, limit};
use super::limits::FILTER_VALUES_MAX;
use crate::chain::BlockRecord;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::Bloom;
use alloy_rpc_types_eth::{Filter, FilterBlockOption, Log};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Blocks whose bloom is remembered, so that a search does not read blocks that have nothing for it: 32 MiB.
const BLOOMS_MAX: u64 = 100_000;

/// Blooms of blocks that are final, by height.
#[derive(Debug)]
pub(super) struct Blooms(moka::sync::Cache<u64, Box<Bloom>>);

impl Default for Blooms {
    fn default() -> Self {
        Self(moka::sync::Cache::new(BLOOMS_MAX))
    }
}

/// A filter that can be searched for at all.
///
/// # Errors
/// -32602: more values than [`FILTER_VALUES_MAX`].
pub(super) fn checked(filter: Filter) -> Result<Filter, Fault> {
    if filter.address.len() > FILTER_VALUES_MAX {
        return Err(invalid_params("exceed max addresses"));
    }
    if filter.topics.iter().any(|topic| topic.len() > FILTER_VALUES_MAX) {
        return Err(invalid_params("exceed max topics"));
    }
    Ok(filter)
}

/// Whether the filter wants that log, wherever it stands.
pub(super) fn wants(filter: &Filter, log: &weft_types::Log) -> bool {
    filter.matches_address(convert::log_address(log)) && filter.matches_topics(&log.topics)
}

/// The block's logs that the filter wants.
pub(super) fn matching<'a>(
    filter: &'a Filter,
    block: &'a BlockRecord,
    removed: bool,
) -> impl Iterator<Item = Log> + 'a {
    let any = filter.matches_bloom(block.header.logs_bloom);
    any.then(|| convert::logs(block, removed, |log| wants(filter, log))).into_iter().flatten()
}

impl Api {
    pub(super) fn get_logs(&self, args: &Args, cancel: &AtomicBool) -> Result<Vec<Log>, Fault> {
        self.search(&checked(args.required(0)?)?, cancel)
    }

    /// All logs that the filter wants, oldest first.
    ///
    /// # Errors
    /// The range is wrong, too long, gives too much, or takes too long.
    pub(super) fn search(&self, filter: &Filter, cancel: &AtomicBool) -> Result<Vec<Log>, Fault> {
        match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let block =
                    self.block(BlockId::from(hash))?.ok_or_else(|| errors::server("unknown block"))?;
                self.collect(filter, &block, Vec::new())
            }
            FilterBlockOption::Range { from_block, to_block } => {
                let (from, to) = self.range(from_block, to_block)?;
                let mut found = Vec::new();
                for height in from..=to {
                    if cancel.load(Ordering::Relaxed) {
                        return Err(errors::timeout(self.config.call_timeout_ms));
                    }
                    if let Some(block) = self.worth_reading(filter, height)? {
                        found = self.collect(filter, &block, found)?;
                    }
                }
                Ok(found)
            }
        }
    }

    /// The heights to search, of which there are not too many and none above the tip.
    fn range(
        &self,
        from: Option<BlockNumberOrTag>,
        to: Option<BlockNumberOrTag>,
    ) -> Result<(u64, u64), Fault> {
        let tip = self.chain.tip().header.height.0;
        let height = |tag: Option<BlockNumberOrTag>| match tag.unwrap_or_default() {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => tip,
            BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized => self.chain.included().header.height.0,
        };
        let (from, to) = (height(from), height(to));
        if from > to {
            return Err(invalid_params("invalid block range params"));
        }
        let max = self.config.log_blocks;
        if to.saturating_sub(from) >= max {
            return Err(limit(format!("exceed maximum block range: {max}")));
        }
        Ok((from, to.min(tip)))
    }

    /// The block at `height`, unless its bloom says that it has nothing for the filter.
    fn worth_reading(&self, filter: &Filter, height: u64) -> Result<Option<Arc<BlockRecord>>, Fault> {
        if self.blooms.0.get(&height).is_some_and(|bloom| !filter.matches_bloom(*bloom)) {
            return Ok(None);
        }
        let block = self.block_at(height)?;
        if let Some(block) = &block
            && !block.is_soft()
        {
            self.blooms.0.insert(height, Box::new(block.header.logs_bloom));
        }
        Ok(block)
    }

    fn collect(&self, filter: &Filter, block: &BlockRecord, mut found: Vec<Log>) -> Result<Vec<Log>, Fault> {
        for log in matching(filter, block, false) {
            if found.len() >= self.config.logs {
                return Err(limit(format!(
                    "query returned more than {} results; ask for fewer blocks",
                    self.config.logs
                )));
            }
            found.push(log);
        }
        Ok(found)
    }
}
