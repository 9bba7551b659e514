//! The verifier: headers, completeness, and the one way to make a [`VerifiedDaBlock`].
//!
//! ```text
//! ExtendedHeader ──header::check──> adjacent to the last (HeaderChain) ─┐
//! NamespaceData ──namespace::verify: rows from the DAH, proofs──> shares ├─> VerifiedDaBlock
//! ```
//! - No clock is read: adjacency needs none, and a header's time is only compared with its parent's.
//! - No row that the answer leaves out goes unnoticed: which rows must be there follows from the header alone.

pub mod header;
pub mod namespace;

use crate::blob::Blob;
use crate::layer::Anchor;
use celestia_types::ExtendedHeader;
use celestia_types::namespace_data::NamespaceData;
use weft_types::{B256, DaHeight, DerivationParams, Namespace};

pub use header::HeaderChain;
pub use namespace::VerifiedNamespace;

/// What failed where. Each is one sentence for an operator.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyError {
    /// A header that is not valid, or not the next one.
    #[error("the header at Celestia height {height} does not verify: {what}")]
    Header {
        /// The height that the header gives for itself.
        height: DaHeight,
        /// What failed.
        what: String,
    },
    /// An answer for a namespace that is not complete, or not for this namespace.
    #[error("namespace {namespace} at Celestia height {height} does not verify: {what}")]
    Namespace {
        /// Where.
        height: DaHeight,
        /// Which.
        namespace: Namespace,
        /// What failed.
        what: String,
    },
    /// One row of an answer for a namespace.
    #[error("namespace {namespace} at Celestia height {height} does not verify in row {row}: {what}")]
    Row {
        /// Where.
        height: DaHeight,
        /// Which.
        namespace: Namespace,
        /// The row of the square.
        row: u16,
        /// What failed.
        what: String,
    },
    /// More than a third of Celestia's validators signed two headers at one height. Stop and keep both.
    #[error(
        "Celestia signed two headers at height {}: {} and {}",
        .0.first.height(), .0.first.hash(), .0.second.hash()
    )]
    Equivocation(Box<Evidence>),
}

/// Two headers at one height that are both valid: proof to anyone that Celestia's consensus broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The one that was accepted first.
    pub first: ExtendedHeader,
    /// The other.
    pub second: ExtendedHeader,
}

/// The complete blobs of our namespaces at one Celestia height, proved. Only the verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedDaBlock {
    height: DaHeight,
    hash: B256,
    time_ms: u64,
    batch: Vec<Blob>,
    forced: Vec<Blob>,
}

impl VerifiedDaBlock {
    /// A block without proof, for this crate's tests of derivation.
    #[cfg(test)]
    pub(crate) fn without_proof(
        height: DaHeight,
        hash: B256,
        time_ms: u64,
        batch: Vec<Blob>,
        forced: Vec<Blob>,
    ) -> Self {
        Self { height, hash, time_ms, batch, forced }
    }

    /// Celestia's height.
    #[must_use]
    pub fn height(&self) -> DaHeight {
        self.height
    }

    /// Hash of Celestia's header.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// Time of Celestia's header in Unix milliseconds.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// All blobs of the batch namespace, in square order.
    #[must_use]
    pub fn batch_blobs(&self) -> &[Blob] {
        &self.batch
    }

    /// All blobs of the forced namespace, in square order.
    #[must_use]
    pub fn forced_blobs(&self) -> &[Blob] {
        &self.forced
    }
}

/// Verifies one height after the other, from a trusted header on.
#[derive(Clone, Debug)]
pub struct Verifier {
    chain: HeaderChain,
    batch: Namespace,
    forced: Namespace,
    trust_endpoint: bool,
}

impl Verifier {
    /// A verifier that trusts the header at `anchor` and, where given, takes only headers of `celestia_chain_id`.
    /// Unless `anchor.height` is 0, [`Self::begin`] comes before the first [`Self::verify`].
    #[must_use]
    pub fn new(anchor: Anchor, celestia_chain_id: Option<String>, params: &DerivationParams) -> Self {
        Self {
            chain: HeaderChain::new(anchor, celestia_chain_id),
            batch: params.batch_namespace,
            forced: params.forced_namespace,
            trust_endpoint: false,
        }
    }

    /// Believes the endpoint from here on: heights must follow one another, and nothing else is checked. For
    /// `da.verify = "trusted-endpoint"` alone.
    #[must_use]
    pub fn trusting_endpoint(mut self) -> Self {
        self.trust_endpoint = true;
        self
    }

    /// Takes the header at the anchor's height, which must have the anchor's hash.
    ///
    /// # Errors
    /// [`VerifyError::Header`].
    pub fn begin(&mut self, header: &ExtendedHeader) -> Result<(), VerifyError> {
        if self.trust_endpoint { self.chain.begin_trusting(header) } else { self.chain.begin(header) }
    }

    /// The height that [`Self::verify`] takes next.
    #[must_use]
    pub fn next_height(&self) -> DaHeight {
        self.chain.tip().height.next()
    }

    /// The chain of headers so far, for comparing other endpoints' headers with it.
    #[must_use]
    pub fn headers(&self) -> &HeaderChain {
        &self.chain
    }

    /// Verifies the next height. After an error the verifier stands where it stood, so that the same height
    /// can be asked of another endpoint.
    ///
    /// # Errors
    /// [`VerifyError`]: the header, either namespace, or two headers at one height.
    pub fn verify(
        &mut self,
        header: &ExtendedHeader,
        batch: &NamespaceData,
        forced: &NamespaceData,
    ) -> Result<VerifiedDaBlock, VerifyError> {
        let time_ms = header::time_ms(header)?;
        let (batch, forced) = if self.trust_endpoint {
            self.chain.check_order(header)?;
            (namespace::parse_unverified(batch), namespace::parse_unverified(forced))
        } else {
            self.chain.check_next(header)?;
            (
                namespace::verify(header, self.batch, batch)?.into_blobs(),
                namespace::verify(header, self.forced, forced)?.into_blobs(),
            )
        };
        self.chain.advance(header);
        let Anchor { height, hash } = self.chain.tip();
        Ok(VerifiedDaBlock { height, hash, time_ms, batch, forced })
    }
}

#[cfg(test)]
mod tests;
