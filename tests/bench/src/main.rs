//! Benches: each measures ours and a reference in the same run, on the same machine, and prints their ratio.
//!
//! ```text
//! cargo run --release -p weft-bench -- NAME
//!   tree       keys/s of the state tree            against the crate jmt alone, in memory
//!   store      keys/s committed durably            against the same keys written to fjall alone
//!   derive     MB/s of blobs verified and derived  against celestia-types' own verification and parsing
//!   replay-evm transactions/s, blobs to root       against bare signature recovery on all cores plus bare revm
//!   da-bytes   bytes on Celestia per ERC-20 transfer, against the signed transactions as they are
//!   rpc-ingest URL  transfers/s taken in and mined, against --reference URL
//! ```
//! The last line is one JSON object: `{name, unit, ours, reference, ratio}`. Quote the ratio: machines are noisy.

mod bytes;
mod celestia;
mod derive;
mod ingest;
mod replay;
mod store;
mod tree;
mod workload;

use clap::{Parser, Subcommand};
use serde_json::json;

#[derive(Parser)]
#[command(about = "Benches of Weft: ours and a reference in one run, as one JSON line")]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Updates of the state tree.
    Tree {
        /// Keys that the tree has before.
        #[arg(long, default_value_t = 100_000)]
        base: usize,
    },
    /// Durable commits of state, history and tree.
    Store {
        /// Which backend: fjall or sled.
        #[arg(long, default_value = "fjall")]
        backend: String,
    },
    /// Blobs to ordered blocks.
    Derive,
    /// Blobs to a committed state root.
    ReplayEvm {
        /// Transfers in all.
        #[arg(long, default_value_t = 40_000)]
        transfers: usize,
        /// Accounts that send and receive.
        #[arg(long, default_value_t = 10_000)]
        accounts: usize,
    },
    /// Bytes on Celestia per ERC-20 transfer.
    DaBytes,
    /// Presigned transfers through JSON-RPC.
    RpcIngest {
        /// The node: ours, or another with devnet's mnemonic and chain id.
        url: String,
        /// A second node to compare with.
        #[arg(long)]
        reference: Option<String>,
        /// Transfers in all.
        #[arg(long, default_value_t = 10_000)]
        transfers: usize,
    },
}

/// What a bench found.
struct Figures {
    unit: &'static str,
    ours: f64,
    reference: Option<f64>,
}

fn main() -> eyre::Result<()> {
    let (name, figures) = match Cli::parse().bench {
        Bench::Tree { base } => ("tree", tree::run(base)?),
        Bench::Store { backend } => ("store", store::run(&backend)?),
        Bench::Derive => ("derive", derive::run()?),
        Bench::ReplayEvm { transfers, accounts } => ("replay-evm", replay::run(transfers, accounts)?),
        Bench::DaBytes => ("da-bytes", bytes::run()?),
        Bench::RpcIngest { url, reference, transfers } => {
            let runtime = tokio::runtime::Runtime::new()?;
            ("rpc-ingest", runtime.block_on(ingest::run(&url, reference.as_deref(), transfers))?)
        }
    };
    let round = |value: f64| (value * 1_000.0).round() / 1_000.0;
    let ratio = figures.reference.map(|reference| round(figures.ours / reference));
    println!(
        "{}",
        json!({
            "name": name,
            "unit": figures.unit,
            "ours": round(figures.ours),
            "reference": figures.reference.map(round),
            "ratio": ratio,
        })
    );
    Ok(())
}

/// Things per second.
fn rate(count: usize, elapsed: std::time::Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}
