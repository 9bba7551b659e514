//! [`DaLayer`]: what the node needs of a data availability layer.

use crate::blob::NewBlob;
use crate::verify::VerifiedDaBlock;
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::fmt;
use weft_types::{B256, DaHeight};

/// A header that is trusted to begin with: genesis' checkpoint, or the last one that was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its height.
    pub height: DaHeight,
    /// Its hash.
    pub hash: B256,
}

/// The newest header that the layer knows of, checked for itself but not yet against the chain of headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaHead {
    /// Its height.
    pub height: DaHeight,
    /// Its hash.
    pub hash: B256,
    /// Its time in Unix milliseconds.
    pub time_ms: u64,
}

/// What a returned submission says. It is a hint where to look, not proof: see [`crate::publisher`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaReceipt {
    /// The height that the endpoint claims.
    pub height: DaHeight,
}

/// A gas price in nano-utia (10^-9 utia, 10^-15 TIA) per gas. The floor of Celestia's own nodes, 0.004 utia,
/// is 4,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GasPrice(pub u64);

impl GasPrice {
    /// What Celestia's nodes ask for at least as they are shipped: 0.004 utia per gas.
    pub const NODE_FLOOR: Self = Self(4_000_000);

    /// In utia per gas, as Celestia's API has it.
    #[must_use]
    pub fn utia(self) -> f64 {
        // Exact below 2^53, and no price comes near.
        self.0 as f64 / 1e9
    }
}

impl fmt::Display for GasPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} utia/gas", self.utia())
    }
}

/// What a submission may pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// The price to pay; `None` lets the endpoint estimate one.
    pub price: Option<GasPrice>,
    /// What the operator will pay at most. Neither `price` nor an estimate goes past it.
    pub ceiling: GasPrice,
}

/// One endpoint, for `weft_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointStatus {
    /// Scheme, host and port; never a token.
    pub name: String,
    /// Why it is put aside for now; `None` where it is in use or ready to be.
    pub aside: Option<String>,
    /// How often it gave data that did not verify, since the start.
    pub lies: u64,
}

/// Where the layer reads from, for `weft_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerStatus {
    /// The newest height known, 0 before the first answer.
    pub head: DaHeight,
    /// The endpoint in use.
    pub endpoint: String,
    /// Whether completeness is verified; false only under `da.verify = "trusted-endpoint"`.
    pub verified: bool,
    /// All of them, in the operator's order.
    pub endpoints: Vec<EndpointStatus>,
    /// What an operator should look at, e.g. that no endpoint answers; `None` where all is well.
    pub alarm: Option<String>,
}

/// Errors, sorted by what the caller does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DaError {
    /// Nothing is wrong with us: try again after a Celestia block.
    #[error("{0}")]
    Retry(String),
    /// A submission may or may not have landed: look in the namespace before sending again.
    #[error("outcome unknown: {0}")]
    UnknownOutcome(String),
    /// The fee is too low: raise the price.
    #[error("fee too low: {0}")]
    RaisePrice(String),
    /// More than the chain takes in one piece: split.
    #[error("too large: {0}")]
    TooLarge(String),
    /// An endpoint gave data that does not verify. It is named; others are asked.
    #[error("endpoint {endpoint} lied: {what}")]
    Lied {
        /// Which one.
        endpoint: String,
        /// What failed, where.
        what: String,
    },
    /// Wrong for good: stop and say how to mend it.
    #[error("{0}")]
    Stop(String),
}

/// A data availability layer. Two real implementations: [`crate::celestia`] and [`crate::memory`].
#[async_trait]
pub trait DaLayer: Send + Sync {
    /// The newest header.
    ///
    /// # Errors
    /// [`DaError::Retry`] where no endpoint answers.
    async fn head(&self) -> Result<DaHead, DaError>;

    /// Verified blocks from `anchor.height + 1` on, in order, none skipped, following the head for ever. Fetches
    /// ahead with bounded concurrency. Transient faults are retried inside (with fail-over); an item is an
    /// error only where the caller must act ([`DaError::Stop`]), and the stream ends after it.
    fn blocks(&self, anchor: Anchor) -> BoxStream<'static, Result<VerifiedDaBlock, DaError>>;

    /// Posts blobs in one Celestia transaction and waits for what the endpoint says of it.
    ///
    /// # Errors
    /// All of [`DaError`]'s.
    async fn submit(&self, blobs: Vec<NewBlob>, fee: Fee) -> Result<DaReceipt, DaError>;

    /// Where it reads from.
    fn status(&self) -> LayerStatus;
}
