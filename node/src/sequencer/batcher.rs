//! Soft blocks into batches for the publisher.

use super::engine::{Sequencer, SequencerError};
use super::signlog::posted_bytes;
use crate::chain::SoftBlock;
use std::sync::Arc;
use weft_da::batch::{self, Batch, SequencedBlock};
use weft_da::publisher::{PreparedBatch, PublisherError};
use weft_types::{B256, Height, limits};

/// Most bytes of transactions in one batch, well below what its canonical form may have.
const BYTES_MAX: u64 = 24 << 20;

/// Most bytes of one blob: half of what one of Celestia's transactions may have. Larger batches are chunked.
const BLOB_BYTES_MAX: usize = 4 << 20;

impl Sequencer {
    /// Hands soft blocks that are in no batch yet to the publisher, in as many batches as it takes.
    ///
    /// # Errors
    /// [`SequencerError`]: stop. A full publisher is none: the blocks wait.
    pub async fn post(self: &Arc<Self>) -> Result<(), SequencerError> {
        while let Some(batch) = self.prepare().await? {
            match self.publisher.submit_batch(batch).await {
                Ok(()) => {}
                Err(error @ (PublisherError::Full { .. } | PublisherError::OutOfOrder { .. })) => {
                    tracing::debug!(%error, "batch waits");
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Compressing megabytes does not belong on an async thread.
    async fn prepare(self: &Arc<Self>) -> Result<Option<PreparedBatch>, SequencerError> {
        let sequencer = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || sequencer.next_batch()).await;
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    fn next_batch(&self) -> Result<Option<PreparedBatch>, SequencerError> {
        let engine = self.engine.lock();
        let included = self.chain.included();
        let batched = self.publisher.last_height().unwrap_or_default().max(included.header.height);
        let soft = self.chain.soft();
        let own =
            |soft: &&SoftBlock| soft.block.height > batched && soft.block.sequencer == Some(self.address());
        let blocks: Vec<&SoftBlock> = self.take(soft.iter().filter(own));
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(None) };
        let first_height = first.block.height;
        let Some(prev_order_hash) = self.order_hash_below(first_height)? else { return Ok(None) };
        let landed = engine.derivation.next_batch_no(self.address());
        let waiting = self.publisher.last_batch_no().map_or(0, |last| last.saturating_add(1));
        let batch_no = landed.max(waiting);
        let (last_height, order_hash) = (last.block.height, last.block.order_hash);
        drop(engine);
        let batch = Batch {
            chain_id: self.params.chain_id,
            sequencer: self.address(),
            batch_no,
            first_height,
            prev_order_hash,
            blocks: blocks.into_iter().map(sequenced).collect(),
        };
        let blobs = batch::encode(batch, &self.key, BLOB_BYTES_MAX)
            .map_err(|error| SequencerError::Encode(error.to_string()))?;
        Ok(Some(PreparedBatch { batch_no, first_height, last_height, prev_order_hash, order_hash, blobs }))
    }

    /// As many of `blocks` as one batch holds, at least one.
    fn take<'a>(&self, blocks: impl Iterator<Item = &'a SoftBlock>) -> Vec<&'a SoftBlock> {
        let (mut taken, mut bytes, mut transactions) = (Vec::new(), 0u64, 0usize);
        let bound = self.config.batch_bytes.min(BYTES_MAX);
        for soft in blocks.take(limits::BATCH_BLOCKS_MAX) {
            bytes = bytes.saturating_add(posted_bytes(&soft.block));
            transactions = transactions.saturating_add(soft.block.transactions.len());
            let full = bytes > bound || transactions > batch::BATCH_TRANSACTIONS_MAX;
            if full && !taken.is_empty() {
                break;
            }
            taken.push(soft);
        }
        taken
    }

    fn order_hash_below(&self, height: Height) -> Result<Option<B256>, SequencerError> {
        let below = height.prev().map(|below| self.chain.block(below)).transpose()?;
        Ok(below.flatten().map(|record| record.header.order_hash))
    }
}

fn sequenced(soft: &SoftBlock) -> SequencedBlock {
    let block = &soft.block;
    let own = block.transactions.iter().filter(|ordered| !ordered.forced);
    SequencedBlock::new(block.timestamp_ms, block.origin, own.map(|ordered| &ordered.transaction))
}
