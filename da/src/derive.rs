//! Derivation: Celestia's blobs to blocks of ordered transactions, a pure function (docs/spec/03-derivation.md).
//!
//! ```text
//! forced blobs ──queue by height──┐
//! batch blobs ──batches, chunks, ─┴─> blocks in strict order ──> Landed
//!               based lists             overdue forced entries ──> Landed
//!               what breaks a rule ──> Discarded, with the rule
//! ```
//! - No clock, no I/O: the same data gives the same blocks, on any machine, however it arrived.
//! - No forced transaction stays out longer than the window, whatever the sequencers do.
//! - No bytes in either namespace panic, stall, or make the state grow past its bounds.

mod batches;
mod chunks;
mod forced;
mod reason;
mod state;

use crate::verify::VerifiedDaBlock;
use weft_types::{
    Address, B256, DaHeight, DerivationParams, DerivedBlock, OrderedTransaction, Transaction, hash,
};

pub use reason::{DiscardReason, Discarded, DiscardedFrom};
pub use state::{DerivationState, Tip};

/// A derived block and the Celestia height that it follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// The block.
    pub block: DerivedBlock,
    /// Where its batch lay, or where derivation made it.
    pub da_height: DaHeight,
}

/// What one Celestia height gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// The state after it.
    pub state: DerivationState,
    /// New blocks, in order.
    pub blocks: Vec<Landed>,
    /// What was skipped, in the order in which it was met.
    pub discarded: Vec<Discarded>,
}

/// Derives one Celestia height.
///
/// # Panics
/// Where `da` is not the height after the state's last: the layer gives every height in order, once.
#[must_use]
pub fn derive(params: &DerivationParams, state: DerivationState, da: &VerifiedDaBlock) -> Derivation {
    let expected = state.last_da().0.next();
    assert!(da.height() == expected, "Celestia height {expected} comes next, not {}", da.height());
    let mut step = Step { params, da, state, blocks: Vec::new(), discarded: Vec::new() };
    step.state.enter(params, da);
    step.queue_forced();
    let based = step.state.is_based(params, da.height());
    let landed_before = step.blocks.len();
    let lists = step.take_batches();
    let batch_landed = step.blocks.len() > landed_before;
    if based && !batch_landed {
        step.make_based_block(lists);
    } else {
        for (blob_index, _) in lists {
            step.discard(DiscardedFrom::Batch, blob_index, DiscardReason::NotBased);
        }
    }
    step.include_overdue();
    step.state.chunks.drop_old(da.height());
    Derivation { state: step.state, blocks: step.blocks, discarded: step.discarded }
}

/// One height in the making.
struct Step<'a> {
    params: &'a DerivationParams,
    da: &'a VerifiedDaBlock,
    state: DerivationState,
    blocks: Vec<Landed>,
    discarded: Vec<Discarded>,
}

impl Step<'_> {
    fn discard(&mut self, namespace: DiscardedFrom, blob_index: u32, reason: DiscardReason) {
        self.discarded.push(Discarded { da_height: self.da.height(), namespace, blob_index, reason });
    }

    /// Puts a block on top of the tip. The caller has checked every rule.
    fn land(
        &mut self,
        timestamp_ms: u64,
        origin: DaHeight,
        origin_hash: B256,
        sequencer: Option<Address>,
        transactions: Vec<OrderedTransaction>,
    ) {
        let tip = self.state.tip();
        let height = tip.height.next();
        let root = DerivedBlock::ordered_root(transactions.iter().map(|ordered| &ordered.transaction));
        let order_hash = hash::order_hash(tip.order_hash, height.0, timestamp_ms, origin.0, root);
        self.state.set_tip(Tip { height, timestamp_ms, origin, origin_hash, order_hash });
        let block =
            DerivedBlock { height, timestamp_ms, origin, origin_hash, order_hash, sequencer, transactions };
        self.blocks.push(Landed { block, da_height: self.da.height() });
    }

    /// A block that derivation itself makes, with origin h. Its time never falls below the tip's, which may be
    /// ahead of Celestia's by the drift that sequencers are allowed.
    fn land_own(&mut self, transactions: Vec<OrderedTransaction>) {
        let timestamp_ms = self.da.time_ms().max(self.state.tip().timestamp_ms);
        self.land(timestamp_ms, self.da.height(), self.da.hash(), None, transactions);
    }

    /// All transactions, in blocks that keep the bounds. None gives no block.
    fn land_split(&mut self, transactions: Vec<OrderedTransaction>) {
        let mut room = forced::Room::of_block(self.params);
        let mut block = Vec::new();
        for ordered in transactions {
            if !room.take(&ordered.transaction) {
                self.land_own(std::mem::take(&mut block));
                room = forced::Room::of_block(self.params);
                // One transaction always fits an empty block: what is larger is not queued.
                room.take(&ordered.transaction);
            }
            block.push(ordered);
        }
        if !block.is_empty() {
            self.land_own(block);
        }
    }

    /// Based rules: everything that is due, then every list of this height, in square order.
    fn make_based_block(&mut self, lists: Vec<(u32, Vec<weft_types::Bytes>)>) {
        let mut transactions = self.take_forced_up_to(self.da.height());
        let mut room = forced::Room::of_block(self.params);
        for (blob_index, list) in lists {
            for bytes in list {
                match Transaction::from_bytes(&bytes) {
                    Err(error) => {
                        self.discard(DiscardedFrom::Batch, blob_index, DiscardReason::Transaction(error));
                    }
                    Ok(transaction) if room.take(&transaction) => {
                        transactions.push(OrderedTransaction { transaction, forced: false });
                    }
                    Ok(_) => {
                        self.discard(DiscardedFrom::Batch, blob_index, DiscardReason::BasedBlockFull);
                        break;
                    }
                }
            }
        }
        self.land_split(transactions);
    }

    /// Where the oldest entry has waited for longer than the window, derivation includes what is queued: with
    /// origin h nothing at or below h may stay out.
    fn include_overdue(&mut self) {
        let overdue = self
            .state
            .oldest_forced()
            .is_some_and(|oldest| self.da.height().since(oldest) > self.params.forced_window);
        if overdue {
            let transactions = self.take_forced_up_to(self.da.height());
            self.land_split(transactions);
        }
    }
}

#[cfg(test)]
mod tests;
