//! The verifier: headers, completeness, and the one way to make a [`VerifiedDaBlock`].

use crate::blob::Blob;
use weft_types::{B256, DaHeight};

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
