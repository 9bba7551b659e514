//! Blobs straight into Celestia, past the node: forced transactions, spam, duplicates, garbage.

use celestia_rpc::{BlobClient, Client, TxConfig};
use celestia_types::Blob;
use celestia_types::nmt::Namespace as CelestiaNamespace;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;
use weft_types::Namespace;

/// Posts blobs to an endpoint.
pub struct Poster {
    client: Client,
    rng: ChaCha8Rng,
}

impl Poster {
    /// Connects to an endpoint.
    ///
    /// # Panics
    /// Where it can't.
    pub async fn new(url: &str, seed: u64) -> Self {
        let limit = Some(Duration::from_secs(30));
        let client = Client::new(url, None, limit, limit).await.expect("a Celestia client");
        Self { client, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Posts one blob without a signer (share version 0); gives the height that the endpoint names.
    ///
    /// # Panics
    /// Where the endpoint refuses it.
    pub async fn post(&self, namespace: Namespace, data: Vec<u8>) -> u64 {
        let blob = Blob::new(in_celestia(namespace), data, None).expect("a blob");
        self.client.blob_submit(&[blob], TxConfig::default()).await.expect("a submission")
    }

    /// Data of all blobs that a namespace has at a height.
    ///
    /// # Panics
    /// Where the endpoint does not answer.
    pub async fn read(&self, namespace: Namespace, height: u64) -> Vec<Vec<u8>> {
        let blobs = self.client.blob_get_all(height, &[in_celestia(namespace)]).await.expect("an answer");
        blobs.unwrap_or_default().into_iter().map(|blob| blob.data).collect()
    }

    /// One piece of spam: garbage, a duplicate of a real batch, a batch cut off or with a byte changed, or a
    /// malformed forced transaction. Returns the height at which it landed.
    pub async fn spam(&mut self, batch: Namespace, forced: Namespace, last: u64) -> u64 {
        let namespace = if self.rng.random() { batch } else { forced };
        let back = self.rng.random_range(1..50);
        let real = self.read(batch, last.saturating_sub(back).max(1)).await.pop();
        let data = match (self.rng.random_range(0..5), real) {
            (0, Some(real)) => real,
            (1, Some(real)) => real[..self.rng.random_range(1..=real.len())].to_vec(),
            (2, Some(mut real)) => {
                let at = self.rng.random_range(0..real.len());
                real[at] ^= 1 << self.rng.random_range(0..8);
                real
            }
            (3, _) => [b"WEFT\x01".to_vec(), self.bytes(300)].concat(),
            _ => {
                let most = self.rng.random_range(1..2_000);
                self.bytes(most)
            }
        };
        self.post(namespace, data).await
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.rng.random()).collect()
    }
}

fn in_celestia(namespace: Namespace) -> CelestiaNamespace {
    CelestiaNamespace::from_raw(namespace.as_bytes()).expect("a namespace of version 0")
}
