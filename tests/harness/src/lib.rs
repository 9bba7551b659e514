//! The harness of the suites: real processes, real sockets, real blobs, and a seed that is printed.
//!
//! ```text
//! World ── celestia-local, sequencers and followers as processes (process)
//!   ├── Rpc: JSON-RPC without a client library between (rpc)
//!   ├── Wallet: presigned Ethereum transactions (wallet), Traffic: seeded random ones (traffic)
//!   ├── Solana's: signing and sending (solana), SolTraffic: seeded random ones (solana_traffic)
//!   ├── Cosmos': signing, sending and asking (cosmos), contracts and messages (contract), CosmosTraffic (cosmos_traffic)
//!   ├── Mix: all of them at once (mix)
//!   └── Poster: blobs of any kind straight into the namespaces (celestia)
//! ```
//! Invariants, as negatives: no sleep where an event can be awaited, no wait without a bound, no process that
//! outlives its test, no random number that the printed seed does not give again.

pub mod celestia;
pub mod contract;
pub mod cosmos;
pub mod cosmos_traffic;
pub mod liar;
pub mod mix;
pub mod process;
pub mod rpc;
pub mod shape;
pub mod solana;
pub mod solana_traffic;
pub mod store;
pub mod traffic;
pub mod wallet;
pub mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The seed of this run: `WEFT_SEED`, or a fresh one. Printed, so that a failure can be run again.
#[must_use]
pub fn seed(test: &str) -> u64 {
    let seed =
        std::env::var("WEFT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    println!("{test}: WEFT_SEED={seed}");
    seed
}

/// The folder of fixtures that are not in this repository; `None`, and one line, where it is absent.
///
/// # Panics
/// With `CI=true`, where its absence is a failure.
#[must_use]
pub fn fixtures() -> Option<PathBuf> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("WEFT_FIXTURES").map_or_else(default, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "no fixtures at {}", folder.display());
    println!("no fixtures at {}: set WEFT_FIXTURES to run this on real data", folder.display());
    None
}

/// Asks until there is an answer.
///
/// # Panics
/// After `limit`, with `what`.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
