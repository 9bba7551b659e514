//! How much was executed: `getTransactionCount`, `getRecentPerformanceSamples`.

use super::super::limits::{COUNT_BLOCKS_MAX, SAMPLE_BLOCKS_MAX, SAMPLES_MAX};
use super::api::{Sol, go_on};
use super::args::Args;
use super::errors::{self, Fault, invalid_params};
use super::meta;
use crate::chain::BlockRecord;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_types::response::RpcPerfSample;
use std::sync::atomic::AtomicBool;
use weft_types::Height;

/// Milliseconds of chain time in one sample: agave's.
const SAMPLE_MS: u64 = 60_000;

/// Transactions of Solana's machine in final blocks, as far as they were counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// The first block that was not.
    next: Height,
    transactions: u64,
}

impl Sol {
    pub(super) fn transaction_count(&self, args: &Args) -> Result<u64, Fault> {
        let block = self.context(args.context(0)?)?;
        self.count_to(&block)
    }

    /// Transactions up to a block. The chain keeps no such number, so final blocks are counted once, at most
    /// [`COUNT_BLOCKS_MAX`] of them at each call: on a long chain the first answers after a start are too low.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn count_to(&self, block: &BlockRecord) -> Result<u64, Fault> {
        let included = self.chain.included().header.height;
        let counted = {
            let mut counted = self.counted.lock();
            let mut left = COUNT_BLOCKS_MAX;
            while counted.next <= included && left > 0 {
                let transactions = self.count_at(counted.next)?;
                counted.transactions = counted.transactions.saturating_add(transactions);
                counted.next = counted.next.next();
                left = left.saturating_sub(1);
            }
            *counted
        };
        let (mut total, end) = (counted.transactions, block.header.height.next());
        if counted.next <= included {
            return Ok(total);
        }
        // Soft blocks are few, and so are those that became final since `block` was looked up.
        for above in (counted.next.0..end.0).map(Height) {
            total = total.saturating_add(self.count_at(above)?);
        }
        for beyond in (end.0..counted.next.0).map(Height) {
            total = total.saturating_sub(self.count_at(beyond)?);
        }
        Ok(total)
    }

    fn count_at(&self, height: Height) -> Result<u64, Fault> {
        let block = self.chain.block(height).map_err(|error| errors::chain(&error))?;
        Ok(block.map_or(0, |block| count(&block)))
    }

    /// Newest first, a minute of chain time each.
    pub(super) fn performance(&self, args: &Args, stop: &AtomicBool) -> Result<Vec<RpcPerfSample>, Fault> {
        let limit = args.optional::<Option<usize>>(0)?.unwrap_or(SAMPLES_MAX);
        if limit > SAMPLES_MAX {
            return Err(invalid_params(format!("Invalid limit; max {SAMPLES_MAX}")));
        }
        let mut block = self.block(CommitmentConfig::processed());
        let mut samples: Vec<RpcPerfSample> = Vec::new();
        let mut current: Option<Sample> = None;
        for _ in 0..SAMPLE_BLOCKS_MAX {
            go_on(stop)?;
            let sample = current.get_or_insert_with(|| Sample::new(&block));
            sample.add(&block);
            if sample.is_full() {
                samples.extend(current.take().map(Sample::finish));
            }
            let Some(below) = block.header.height.prev().filter(|_| samples.len() < limit) else { break };
            match self.chain.block(below).map_err(|error| errors::chain(&error))? {
                Some(next) => block = next,
                None => break,
            }
        }
        samples.extend(current.take().map(Sample::finish));
        samples.truncate(limit);
        Ok(samples)
    }
}

fn count(block: &BlockRecord) -> u64 {
    u64::try_from(meta::transactions(block).count()).unwrap_or(u64::MAX)
}

/// A sample while blocks are added to it, newest first.
struct Sample {
    slot: u64,
    end_ms: u64,
    start_ms: u64,
    slots: u64,
    transactions: u64,
}

impl Sample {
    fn new(newest: &BlockRecord) -> Self {
        let end_ms = newest.header.timestamp_ms;
        Self { slot: newest.header.height.0, end_ms, start_ms: end_ms, slots: 0, transactions: 0 }
    }

    fn add(&mut self, block: &BlockRecord) {
        self.start_ms = block.header.timestamp_ms;
        self.slots = self.slots.saturating_add(1);
        self.transactions = self.transactions.saturating_add(count(block));
    }

    fn is_full(&self) -> bool {
        self.end_ms.saturating_sub(self.start_ms) >= SAMPLE_MS
    }

    fn finish(self) -> RpcPerfSample {
        // Clients divide by it.
        let seconds = (self.end_ms.saturating_sub(self.start_ms) / 1_000).max(1);
        RpcPerfSample {
            slot: self.slot,
            num_transactions: self.transactions,
            num_non_vote_transactions: Some(self.transactions),
            num_slots: self.slots,
            sample_period_secs: u16::try_from(seconds).unwrap_or(u16::MAX),
        }
    }
}
