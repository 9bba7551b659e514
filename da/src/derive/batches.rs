//! Rule 2: batches, in square order and strict: the first bad block discards itself and the rest of its batch.

use super::forced::Room;
use super::reason::{DiscardReason, DiscardedFrom};
use super::{DerivationState, Step};
use crate::batch::{Batch, Decoded, SequencedBlock, SignedBatch, WireError, decode, decode_batch};
use weft_types::{Address, B256, Bytes, DaHeight, DerivationParams, OrderedTransaction, Transaction};

impl Step<'_> {
    /// Lands what can land of all batches. Gives the lists of transactions, which count on a based chain only,
    /// with their blobs' indexes.
    pub(super) fn take_batches(&mut self) -> Vec<(u32, Vec<Bytes>)> {
        let (da, mut lists) = (self.da, Vec::new());
        for blob in da.batch_blobs() {
            let batch = match decode(&blob.data) {
                Ok(Decoded::Batch(batch)) => Ok(Some(batch)),
                Ok(Decoded::Based(list)) => {
                    lists.push((blob.index, list));
                    continue;
                }
                Ok(Decoded::Chunk(chunk)) => {
                    self.state.chunks.add(da.height(), blob.signer, chunk).and_then(|whole| {
                        whole.map(|wire| decode_batch(&wire)).transpose().map_err(wire_reason)
                    })
                }
                Err(error) => Err(DiscardReason::Wire(error)),
            };
            let outcome = match batch {
                Ok(Some(batch)) => self.take_batch(&batch),
                Ok(None) => Ok(()),
                Err(reason) => Err(reason),
            };
            if let Err(reason) = outcome {
                self.discard(DiscardedFrom::Batch, blob.index, reason);
            }
        }
        lists
    }

    fn take_batch(&mut self, signed: &SignedBatch) -> Result<(), DiscardReason> {
        let batch = &signed.batch;
        self.check_batch(signed)?;
        let mut landed = false;
        for block in &batch.blocks {
            if let Err(reason) = self.take_block(batch.sequencer, block) {
                if landed {
                    self.state.batch_landed(batch.sequencer, batch.batch_no, self.da.height());
                }
                return Err(reason);
            }
            landed = true;
        }
        self.state.batch_landed(batch.sequencer, batch.batch_no, self.da.height());
        Ok(())
    }

    /// What is checked of a batch before its blocks, the cheap before the dear.
    fn check_batch(&self, signed: &SignedBatch) -> Result<(), DiscardReason> {
        let Batch { chain_id, sequencer, batch_no, first_height, prev_order_hash, blocks } = &signed.batch;
        if *chain_id != self.params.chain_id {
            return Err(DiscardReason::ChainId(*chain_id));
        }
        if !self.state.may_sequence(self.params, *sequencer, self.da.height()) {
            return Err(DiscardReason::NotAuthorised(*sequencer));
        }
        if signed.signer() != Some(*sequencer) {
            return Err(DiscardReason::Signature(*sequencer));
        }
        if *batch_no < self.state.next_batch_no(*sequencer) {
            return Err(DiscardReason::AlreadyLanded { sequencer: *sequencer, batch_no: *batch_no });
        }
        if blocks.is_empty() {
            return Err(DiscardReason::NoBlocks);
        }
        let tip = self.state.tip();
        if *first_height != tip.height.next() {
            return Err(DiscardReason::FirstHeight { expected: tip.height.next(), got: *first_height });
        }
        if *prev_order_hash != tip.order_hash {
            return Err(DiscardReason::PrevOrderHash { expected: tip.order_hash, got: *prev_order_hash });
        }
        Ok(())
    }

    fn take_block(&mut self, sequencer: Address, block: &SequencedBlock) -> Result<(), DiscardReason> {
        let origin_hash = self.check_place(block)?;
        let height = self.state.tip().height.next();
        let mut room = Room::of_block(self.params);
        let due = self.state.forced.between(self.state.tip().origin, block.origin);
        let mut fits = due.fold(true, |fits, transaction| fits && room.take(transaction));
        let mut own = Vec::with_capacity(block.transactions.len());
        for bytes in &block.transactions {
            let transaction = Transaction::from_shared(bytes).map_err(DiscardReason::Transaction)?;
            fits = fits && room.take(&transaction);
            own.push(OrderedTransaction { transaction, forced: false });
        }
        if !fits {
            return Err(DiscardReason::BlockTooLarge(height));
        }
        let mut transactions = self.take_forced_up_to(block.origin);
        transactions.append(&mut own);
        self.land(block.timestamp_ms, block.origin, origin_hash, Some(sequencer), transactions);
        Ok(())
    }

    /// Checks a block's time and origin; gives the hash of its origin.
    fn check_place(&self, block: &SequencedBlock) -> Result<B256, DiscardReason> {
        let (tip, here) = (self.state.tip(), self.da.height());
        let (height, got) = (tip.height.next(), block.timestamp_ms);
        if got < tip.timestamp_ms {
            return Err(DiscardReason::TimestampBehind { height, parent: tip.timestamp_ms, got });
        }
        let max = self.da.time_ms().saturating_add(self.params.max_drift_ms);
        if got > max {
            return Err(DiscardReason::TimestampAhead { height, max, got });
        }
        let got = block.origin;
        if got < tip.origin {
            return Err(DiscardReason::OriginBehind { height, parent: tip.origin, got });
        }
        if got > here {
            return Err(DiscardReason::OriginAhead { height, got });
        }
        let min = DaHeight(here.0.saturating_sub(self.params.origin_window));
        match self.state.origin_hash(got) {
            Some(hash) if got >= min => Ok(hash),
            _ => Err(DiscardReason::OriginTooOld { height, min, got }),
        }
    }
}

fn wire_reason(error: WireError) -> DiscardReason {
    DiscardReason::Wire(error)
}

impl DerivationState {
    /// Rule 4: the leader, and one more of those after it for each window in which none of them landed a batch.
    #[must_use]
    pub fn may_sequence(&self, params: &DerivationParams, who: Address, at: DaHeight) -> bool {
        let count = self.sequencers.len();
        let Some(position) = self.sequencers.iter().position(|(address, _)| *address == who) else {
            return false;
        };
        let after_leader = (position + count - self.leader) % count;
        u64::try_from(after_leader).is_ok_and(|after| after <= self.silent_windows(params, at))
    }

    /// Whether based rules hold at a height: always without sequencers; on a hybrid chain after every one of
    /// them has been silent for its window.
    #[must_use]
    pub fn is_based(&self, params: &DerivationParams, at: DaHeight) -> bool {
        let count = u64::try_from(self.sequencers.len()).unwrap_or(u64::MAX);
        count == 0 || (params.hybrid && self.silent_windows(params, at) >= count)
    }

    /// Whole windows between the last batch and `at`, neither of the two counted.
    fn silent_windows(&self, params: &DerivationParams, at: DaHeight) -> u64 {
        at.since(self.leader_landed).saturating_sub(1) / params.failover_window.max(1)
    }
}
