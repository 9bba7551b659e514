//! [`MemoryLayer`]: the local Celestia's chain in process, without a network, a clock or a server.
//!
//! Squares, headers and proofs are the same as those that [`crate::local`] serves, and every block goes through the
//! real verifier. Whoever simulates makes blocks with [`MemoryLayer::produce`] and says what goes wrong with
//! [`MemoryLayer::plan`]; nothing else decides.

#[cfg(test)]
mod tests;

use crate::blob::NewBlob;
use crate::layer::{Anchor, DaError, DaHead, DaLayer, DaReceipt, EndpointStatus, Fee, LayerStatus};
use crate::local::{Block, Chain, LocalError, SubmitError, SubmitOptions, Ticket};
use crate::verify::{VerifiedDaBlock, Verifier, header};
use async_stream::try_stream;
use async_trait::async_trait;
use celestia_types::state::AccAddress;
use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use tendermint::Time;
use tokio::sync::watch;
use weft_types::{DaHeight, DerivationParams, Namespace};

/// What goes wrong with a submission, or instead of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryFault {
    /// Nothing: lets one submission pass, so that a later one is hit.
    Pass,
    /// It lands in the next block, and the reply is lost.
    DropReply,
    /// It lands nowhere, and the reply is lost.
    Lose,
    /// It lands so many blocks later than it should, and the reply is lost.
    Delay(u64),
    /// It lands in the next block and once more in the one after it.
    Duplicate,
    /// Its blobs land in reverse order.
    Reorder,
    /// It is refused.
    Refuse(DaError),
    /// From here on nothing answers until so many blocks were made. The submission is not taken.
    Disconnect(u64),
}

/// A submission that does not go into the next block.
struct Held {
    after: u64,
    blobs: Vec<NewBlob>,
    fee: Fee,
}

struct Inner {
    chain: Arc<Chain>,
    params: DerivationParams,
    account: AccAddress,
    faults: Mutex<VecDeque<MemoryFault>>,
    held: Mutex<Vec<Held>>,
    /// The height below which nothing answers.
    answers_from: watch::Sender<u64>,
}

/// Celestia in process. Cheap to clone; all clones are one chain.
#[derive(Clone)]
pub struct MemoryLayer(Arc<Inner>);

impl MemoryLayer {
    /// A layer over a chain whose first account posts, for the namespaces of `params`.
    ///
    /// # Panics
    /// Where the chain has no account.
    #[must_use]
    pub fn new(chain: Arc<Chain>, params: DerivationParams) -> Self {
        let account = chain.accounts().first().expect("a local chain has an account").address();
        let (faults, held) = (Mutex::new(VecDeque::new()), Mutex::new(Vec::new()));
        let answers_from = watch::Sender::new(0);
        Self(Arc::new(Inner { chain, params, account, faults, held, answers_from }))
    }

    /// The chain itself, e.g. to post as someone else.
    #[must_use]
    pub fn chain(&self) -> &Arc<Chain> {
        &self.0.chain
    }

    /// The newest header as a place to begin.
    #[must_use]
    pub fn anchor(&self) -> Anchor {
        let head = self.0.chain.head();
        Anchor { height: DaHeight(head.height()), hash: header::hash(head.header()) }
    }

    /// Adds to what goes wrong: one fault for each submission from now on.
    pub fn plan(&self, faults: impl IntoIterator<Item = MemoryFault>) {
        self.0.faults.lock().extend(faults);
    }

    /// Makes the next block of what waits. Its time is `time_ms`, or just after the last block's where that is later.
    ///
    /// # Errors
    /// [`LocalError`], where the chain is on disk and the disk fails.
    pub fn produce(&self, time_ms: u64) -> Result<DaHeight, LocalError> {
        self.0.release();
        let nanos = i128::from(time_ms).saturating_mul(1_000_000);
        let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
        let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or_default();
        // A time that Celestia has no form for becomes the moment after the last block's.
        let now = Time::from_unix_timestamp(seconds, rest).unwrap_or_else(|_| Time::unix_epoch());
        let block = self.0.chain.produce(now)?;
        // Wakes whoever waits for the end of a disconnection.
        self.0.answers_from.send_modify(|_| ());
        Ok(DaHeight(block.height()))
    }
}

impl Inner {
    fn check_connected(&self) -> Result<(), DaError> {
        match self.chain.height() < *self.answers_from.borrow() {
            true => Err(DaError::Retry("the memory layer is disconnected".into())),
            false => Ok(()),
        }
    }

    /// Gives the chain what was held for the block that is made now.
    fn release(&self) {
        let mut held = self.held.lock();
        for waiting in held.iter_mut() {
            waiting.after = waiting.after.saturating_sub(1);
        }
        for due in held.extract_if(.., |waiting| waiting.after == 0) {
            if let Err(error) = self.give(&due.blobs, due.fee) {
                tracing::warn!(%error, "a delayed submission is refused");
            }
        }
    }

    fn give(&self, blobs: &[NewBlob], fee: Fee) -> Result<Ticket, DaError> {
        let one = |blob: &NewBlob| {
            celestia_types::Blob::new(
                celestia_namespace(&blob.namespace),
                blob.data.to_vec(),
                Some(self.account),
            )
        };
        let blobs: Vec<_> = blobs
            .iter()
            .map(one)
            .collect::<Result<_, _>>()
            .map_err(|error| DaError::Stop(format!("Celestia has no place for such a blob: {error}")))?;
        let options = SubmitOptions {
            gas_price: fee.price.map(|price| price.min(fee.ceiling).utia()),
            max_gas_price: Some(fee.ceiling.utia()),
            ..SubmitOptions::default()
        };
        self.chain.submit(&blobs, &options).map_err(|error| sort(&error))
    }

    fn hold(&self, after: u64, blobs: Vec<NewBlob>, fee: Fee) {
        self.held.lock().push(Held { after, blobs, fee });
    }

    /// A height once it is made and nothing is disconnected; `None` when the chain is gone.
    async fn wait_for(&self, height: u64) -> Option<Arc<Block>> {
        let (mut heads, mut answers) = (self.chain.watch(), self.answers_from.subscribe());
        heads.wait_for(|head| *head >= height).await.ok()?;
        answers.wait_for(|from| self.chain.height() >= *from).await.ok()?;
        self.chain.block(height).ok()
    }
}

/// The same classes as [`crate::celestia::errors`] gives for the same texts.
fn sort(error: &SubmitError) -> DaError {
    let text = error.to_string();
    match error {
        SubmitError::TxTooLarge(_) | SubmitError::TooManyShares(..) => DaError::TooLarge(text),
        SubmitError::InsufficientFee { .. } | SubmitError::PriceAboveMax => DaError::RaisePrice(text),
        SubmitError::MempoolFull(..) | SubmitError::Stopped => DaError::UnknownOutcome(text),
        _ => DaError::Stop(text),
    }
}

fn celestia_namespace(namespace: &Namespace) -> celestia_types::nmt::Namespace {
    celestia_types::nmt::Namespace::from_raw(namespace.as_bytes())
        .expect("a weft namespace is one of Celestia's")
}

#[async_trait]
impl DaLayer for MemoryLayer {
    async fn head(&self) -> Result<DaHead, DaError> {
        self.0.check_connected()?;
        let head = self.0.chain.head();
        let time_ms = header::time_ms(head.header()).map_err(|error| DaError::Stop(error.to_string()))?;
        Ok(DaHead { height: DaHeight(head.height()), hash: header::hash(head.header()), time_ms })
    }

    fn blocks(&self, anchor: Anchor) -> BoxStream<'static, Result<VerifiedDaBlock, DaError>> {
        let inner = Arc::clone(&self.0);
        let stream = try_stream! {
            let stop = |error: &dyn std::fmt::Display| DaError::Stop(error.to_string());
            let chain_id = inner.chain.chain_id().to_owned();
            let mut verifier = Verifier::new(anchor, Some(chain_id), &inner.params);
            if anchor.height.0 > 0 {
                let block = inner.wait_for(anchor.height.0).await.ok_or_else(|| stop(&"the memory layer is gone"))?;
                verifier.begin(block.header()).map_err(|error| stop(&error))?;
            }
            loop {
                let height = verifier.next_height().0;
                let block = inner.wait_for(height).await.ok_or_else(|| stop(&"the memory layer is gone"))?;
                let batch = block.namespace_data(celestia_namespace(&inner.params.batch_namespace));
                let forced = block.namespace_data(celestia_namespace(&inner.params.forced_namespace));
                yield verifier.verify(block.header(), &batch, &forced).map_err(|error| stop(&error))?;
            }
        };
        stream.boxed()
    }

    async fn submit(&self, mut blobs: Vec<NewBlob>, fee: Fee) -> Result<DaReceipt, DaError> {
        self.0.check_connected()?;
        let lost = || Err(DaError::UnknownOutcome("the reply was lost".into()));
        let fault = self.0.faults.lock().pop_front().unwrap_or(MemoryFault::Pass);
        match fault {
            MemoryFault::Pass => {}
            MemoryFault::Refuse(error) => return Err(error),
            MemoryFault::Lose => return lost(),
            MemoryFault::DropReply => {
                self.0.give(&blobs, fee)?;
                return lost();
            }
            MemoryFault::Delay(after) => {
                self.0.hold(after.saturating_add(1), blobs, fee);
                return lost();
            }
            MemoryFault::Disconnect(count) => {
                self.0.answers_from.send_replace(self.0.chain.height().saturating_add(count));
                return Err(DaError::Retry("the memory layer is disconnected".into()));
            }
            MemoryFault::Duplicate => self.0.hold(2, blobs.clone(), fee),
            MemoryFault::Reorder => blobs.reverse(),
        }
        let landed = self.0.give(&blobs, fee)?.landed().await.map_err(|error| sort(&error))?;
        Ok(DaReceipt { height: DaHeight(landed.height) })
    }

    fn status(&self) -> LayerStatus {
        let aside = self.0.check_connected().err().map(|error| error.to_string());
        LayerStatus {
            head: DaHeight(self.0.chain.height()),
            endpoint: "memory".into(),
            verified: true,
            endpoints: vec![EndpointStatus { name: "memory".into(), aside: aside.clone(), lies: 0 }],
            alarm: aside,
        }
    }
}
