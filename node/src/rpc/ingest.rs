//! [`Ingest`]: transactions of all clients on one bounded queue, checked in groups on all cores.
//!
//! Checking a signature costs far more than everything else that sending does. One call alone would use one
//! core; a group uses all of them, takes the pool's lock once, and keeps the order in which they came.

use super::errors::{self, Fault};
use super::limits::{INGEST_QUEUE, INGEST_STEP};
use crate::sequencer::mempool::{Mempool, PoolError};
use alloy_primitives::{B256, Bytes};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use weft_types::{Transaction, VmId};

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

    /// Hands over an EVM transaction and waits until the pool has taken or refused it.
    pub(super) async fn send(&self, payload: Bytes) -> Result<B256, Fault> {
        let (sender, receiver) = oneshot::channel();
        let stopping = || errors::internal("the node is stopping");
        let transaction = Transaction { vm: VmId::EVM, payload: payload.0 };
        self.0.send((transaction, sender)).await.map_err(|_| stopping())?;
        receiver.await.map_err(|_| stopping())?.map_err(|error| refused(&error))
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

/// The pool's sentences are geth's, with its one code.
fn refused(error: &PoolError) -> Fault {
    match error {
        PoolError::State(reason) => {
            tracing::error!(%reason, "the pool could not read the state");
            errors::internal("the node could not read its state")
        }
        error => errors::server(error.to_string()),
    }
}
