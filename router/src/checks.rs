//! [`Checks`]: the stateless checks of a block's transactions, made on the other cores while those before them run.
//!
//! A check is a function of its transaction, so it does not matter who makes it, or when.

use crate::Router;
use rayon::Scope;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use weft_types::OrderedTransaction;
use weft_vm::{Checked, Reject};

/// Transactions whose checks are one piece of work for a core.
const CHECKED_AT_ONCE: usize = 64;

type Results = Vec<Result<Checked, Reject>>;

/// See the module.
pub(crate) struct Checks<'b> {
    router: &'b Router,
    transactions: &'b [OrderedTransaction],
    pieces: Vec<OnceLock<Results>>,
    /// The first piece that nobody has taken.
    next: AtomicUsize,
}

impl<'b> Checks<'b> {
    pub(crate) fn new(router: &'b Router, transactions: &'b [OrderedTransaction]) -> Self {
        let count = transactions.len().div_ceil(CHECKED_AT_ONCE);
        let pieces = (0..count).map(|_| OnceLock::new()).collect();
        Self { router, transactions, pieces, next: AtomicUsize::new(0) }
    }

    /// Lets the other cores begin. The thread that calls has one for itself: with a check more at a time than that,
    /// what it executes would take turns with them.
    pub(crate) fn begin<'s>(&'s self, scope: &Scope<'s>) {
        let others = rayon::current_num_threads().saturating_sub(1).max(1);
        for _ in 0..others.min(self.pieces.len()) {
            scope.spawn(|_| while self.make_next() {});
        }
    }

    /// The check of the transaction at `index`. Where it is not made yet, this thread makes some, too.
    ///
    /// # Panics
    /// Where the block has no such transaction.
    pub(crate) fn get(&self, index: usize) -> &Result<Checked, Reject> {
        let piece = index / CHECKED_AT_ONCE;
        while self.pieces[piece].get().is_none() && self.make_next() {}
        &self.make(piece)[index % CHECKED_AT_ONCE]
    }

    /// Makes a piece that nobody has taken; false where there is none.
    fn make_next(&self) -> bool {
        let piece = self.next.fetch_add(1, Relaxed);
        let taken = piece < self.pieces.len();
        if taken {
            self.make(piece);
        }
        taken
    }

    /// Makes a piece, or waits for whoever makes it.
    fn make(&self, piece: usize) -> &Results {
        let first = piece.saturating_mul(CHECKED_AT_ONCE);
        let end = first.saturating_add(CHECKED_AT_ONCE).min(self.transactions.len());
        let check = |ordered: &OrderedTransaction| self.router.check(&ordered.transaction);
        self.pieces[piece].get_or_init(|| self.transactions[first..end].iter().map(check).collect())
    }
}
