//! [`EvmBest`]: the EVM's transactions in the order in which a block should take them.

use super::pool::PooledEvm;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// A snapshot of what can execute, highest tip first and then first come, first served.
pub struct EvmBest {
    base_fee: u128,
    heads: BinaryHeap<(u128, Reverse<u64>, usize)>,
    /// By account, the next one last.
    rest: Vec<Vec<(u64, Arc<PooledEvm>)>>,
}

impl EvmBest {
    /// Of no account yet.
    pub(super) fn new(base_fee: u128) -> Self {
        Self { base_fee, heads: BinaryHeap::new(), rest: Vec::new() }
    }

    /// One more account, with what it has in the order of its nonces.
    pub(super) fn push(&mut self, mut pending: Vec<(u64, Arc<PooledEvm>)>) {
        pending.reverse();
        self.rest.push(pending);
        self.advance(self.rest.len().saturating_sub(1));
    }

    /// The one that is next, and its wei per gas for the fee recipient.
    pub(super) fn peek(&self) -> Option<(u128, &PooledEvm)> {
        let (tip, _, account) = self.heads.peek()?;
        let (_, transaction) = self.rest.get(*account)?.last()?;
        Some((*tip, transaction))
    }

    fn advance(&mut self, account: usize) {
        let Some((arrival, transaction)) = self.rest.get(account).and_then(|queue| queue.last()) else {
            return;
        };
        // One that can't pay the base fee holds up those behind it, which need its nonce.
        if let Some(tip) = transaction.tip(self.base_fee) {
            self.heads.push((tip, Reverse(*arrival), account));
        }
    }
}

impl Iterator for EvmBest {
    type Item = Arc<PooledEvm>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, _, account) = self.heads.pop()?;
        let (_, transaction) = self.rest.get_mut(account)?.pop()?;
        self.advance(account);
        Some(transaction)
    }
}
