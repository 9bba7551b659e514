//! [`Ingest`]: transactions of all clients on one bounded queue, checked in groups on all cores.
//!
//! Checking a signature costs far more than everything else that sending does. One call alone would use one
//! core; a group uses all of them, takes the pool's lock once, and keeps the order in which they came.

use super::limits::{INGEST_QUEUE, INGEST_STEP};
use crate::sequencer::mempool::{Mempool, PoolError};
use alloy_primitives::B256;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use weft_types::Transaction;

/// One transaction and who waits for its fate.
type Entry = (Transaction, oneshot::Sender<Result<B256, PoolError>>);

/// The way into the mempool.
#[derive(Clone, Debug)]
pub(super) struct Ingest(mpsc::Sender<Entry>);

impl Ingest {
    /// The queue, and the work that empties it until all senders are gone.
    pub(super) fn new(mempool: Arc<Mempool>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = mpsc::channel(INGEST_QUEUE);
        (Self(sender), drain(mempool, receiver))
    }

    /// Hands over a transaction and waits until the pool has taken or refused it.
    ///
    /// # Errors
    /// The pool's; [`PoolError::State`] where the node is stopping.
    pub(super) async fn send(&self, transaction: Transaction) -> Result<B256, PoolError> {
        let (sender, receiver) = oneshot::channel();
        let stopping = || PoolError::State("the node is stopping".into());
        self.0.send((transaction, sender)).await.map_err(|_| stopping())?;
        receiver.await.map_err(|_| stopping())?
    }
}

async fn drain(mempool: Arc<Mempool>, mut queue: mpsc::Receiver<Entry>) {
    let mut group = Vec::with_capacity(INGEST_STEP);
    while queue.recv_many(&mut group, INGEST_STEP).await > 0 {
        let (transactions, waiting): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let results = mempool.submit(transactions).await;
        for (result, waiting) in results.into_iter().zip(waiting) {
            // Whoever hung up meanwhile sent it all the same.
            let _ = waiting.send(result);
        }
    }
}
