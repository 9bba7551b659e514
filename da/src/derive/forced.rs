//! The forced queue: transactions that users posted themselves, each with the height that it is due from.

use super::reason::{DiscardReason, DiscardedFrom};
use super::{DerivationState, Step};
use std::collections::VecDeque;
use weft_types::limits::{BLOCK_TRANSACTIONS_MAX, FORCED_QUEUE_BYTES_MAX, FORCED_QUEUE_MAX};
use weft_types::{DaHeight, DerivationParams, OrderedTransaction, Transaction};

/// Most forced transactions that become due at one Celestia height, whatever their bytes.
const FORCED_PER_HEIGHT_MAX: usize = 10_000;
const _: () = assert!(FORCED_PER_HEIGHT_MAX <= BLOCK_TRANSACTIONS_MAX);

/// What still fits: bytes and transactions.
pub(super) struct Room {
    bytes: usize,
    transactions: usize,
}

impl Room {
    pub(super) fn of_block(params: &DerivationParams) -> Self {
        Self { bytes: params.block_bytes_max, transactions: BLOCK_TRANSACTIONS_MAX }
    }

    /// Takes the room of one transaction, or nothing where it does not fit.
    pub(super) fn take(&mut self, transaction: &Transaction) -> bool {
        let bytes = self.bytes.checked_sub(transaction.encoded_len());
        match (bytes, self.transactions.checked_sub(1)) {
            (Some(bytes), Some(transactions)) => {
                (self.bytes, self.transactions) = (bytes, transactions);
                true
            }
            _ => false,
        }
    }
}

/// Due entries by height, then those that wait for a height with room, all in the order they were posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ForcedQueue {
    pub(super) due: VecDeque<(DaHeight, Transaction)>,
    pub(super) waiting: VecDeque<Transaction>,
    bytes: usize,
}

impl ForcedQueue {
    pub(super) fn from_parts(due: VecDeque<(DaHeight, Transaction)>, waiting: VecDeque<Transaction>) -> Self {
        let bytes = due
            .iter()
            .map(|(_, transaction)| transaction)
            .chain(&waiting)
            .map(Transaction::encoded_len)
            .sum();
        Self { due, waiting, bytes }
    }

    fn push(&mut self, transaction: Transaction) -> Result<(), DiscardReason> {
        let bytes = self.bytes.saturating_add(transaction.encoded_len());
        if self.due.len() + self.waiting.len() >= FORCED_QUEUE_MAX || bytes > FORCED_QUEUE_BYTES_MAX {
            return Err(DiscardReason::ForcedQueueFull);
        }
        self.bytes = bytes;
        self.waiting.push_back(transaction);
        Ok(())
    }

    /// Makes due at `height` what fits its bounds, in order.
    fn fill(&mut self, height: DaHeight, bytes: usize) {
        let mut room = Room { bytes, transactions: FORCED_PER_HEIGHT_MAX };
        while self.waiting.front().is_some_and(|transaction| room.take(transaction)) {
            let transaction = self.waiting.pop_front().expect("it has a front");
            self.due.push_back((height, transaction));
        }
    }

    /// Entries due at heights in (after, up_to].
    pub(super) fn between(
        &self,
        after: DaHeight,
        up_to: DaHeight,
    ) -> impl Iterator<Item = &Transaction> + '_ {
        self.due
            .iter()
            .skip_while(move |(height, _)| *height <= after)
            .take_while(move |(height, _)| *height <= up_to)
            .map(|(_, transaction)| transaction)
    }

    fn take_up_to(&mut self, up_to: DaHeight) -> Vec<Transaction> {
        let count = self.due.iter().take_while(|(height, _)| *height <= up_to).count();
        let taken: Vec<_> = self.due.drain(..count).map(|(_, transaction)| transaction).collect();
        self.bytes -= taken.iter().map(Transaction::encoded_len).sum::<usize>();
        taken
    }
}

impl Step<'_> {
    /// Rule 1: every blob of the forced namespace holds one transaction.
    pub(super) fn queue_forced(&mut self) {
        let max = self.params.forced_bytes_max.min(self.params.block_bytes_max);
        for blob in self.da.forced_blobs() {
            let queued = match Transaction::from_bytes(&blob.data) {
                Err(error) => Err(DiscardReason::ForcedMalformed(error)),
                Ok(transaction) if transaction.encoded_len() > max => {
                    Err(DiscardReason::ForcedTooLarge { got: transaction.encoded_len(), max })
                }
                Ok(transaction) => self.state.forced.push(transaction),
            };
            if let Err(reason) = queued {
                self.discard(DiscardedFrom::Forced, blob.index, reason);
            }
        }
        self.state.forced.fill(self.da.height(), max);
    }

    /// Takes what is due at or below a height off the queue.
    pub(super) fn take_forced_up_to(&mut self, up_to: DaHeight) -> Vec<OrderedTransaction> {
        let taken = self.state.forced.take_up_to(up_to);
        taken.into_iter().map(|transaction| OrderedTransaction { transaction, forced: true }).collect()
    }
}

impl DerivationState {
    /// The forced transactions that a block with origin `up_to` on top of one with origin `after` begins with,
    /// in order. `up_to` is at most the last Celestia height derived.
    #[must_use]
    pub fn forced_between(&self, after: DaHeight, up_to: DaHeight) -> Vec<Transaction> {
        self.forced.between(after, up_to).cloned().collect()
    }

    /// The height from which the oldest queued entry is due.
    pub(super) fn oldest_forced(&self) -> Option<DaHeight> {
        self.forced.due.front().map(|(height, _)| *height)
    }
}
