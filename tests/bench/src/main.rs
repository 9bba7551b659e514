//! Benches: each measures ours and a reference in the same run, on the same machine, and prints their ratio.
//!
//! ```text
//! cargo run --release -p weft-bench -- NAME
//!   tree       keys/s of the state tree            against the crate jmt alone, in memory
//!   store      keys/s committed durably            against the same keys written to fjall alone
//!   derive     MB/s of blobs verified and derived  against celestia-types' own verification and parsing
//!   replay-evm transactions/s, blobs to root       against bare signature recovery on all cores plus bare revm
//!   sbf-transfer    the same with Solana's transfers, against signature checks on all cores plus the bare processor
//!   sbf-spl         the same with transfers of tokens
//!   sbf-vs-litesvm  transfers of tokens through the machine alone, against litesvm, both on one thread
//!   wasm-cw20       blobs to root with CW20 transfers, against cosmwasm-vm running the same calls
//!   da-bytes   bytes on Celestia per ERC-20 transfer, against the signed transactions as they are
//!   rpc-ingest URL  transfers/s taken in and put into blocks, against --reference URL; --machine evm, sbf or wasm
//! ```
//! Before it, benches that go from blobs to a root say where their time went, a phase a line. The last line is one JSON object: `{name, unit, ours, reference, ratio}`. Quote the ratio: machines are noisy.

mod bytes;
mod celestia;
mod cosmos;
mod derive;
mod follower;
mod ingest;
mod replay;
mod sbf;
mod store;
mod tree;
mod wasm;
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
    /// As `replay-evm`, with Solana's system transfers.
    SbfTransfer {
        #[command(flatten)]
        size: Size,
    },
    /// As `replay-evm`, with p-token transfers.
    SbfSpl {
        #[command(flatten)]
        size: Size,
    },
    /// The SBF machine alone against litesvm.
    SbfVsLitesvm {
        #[command(flatten)]
        size: Size,
    },
    /// Blobs to a committed state root with CW20 transfers, against cosmwasm-vm's part of it.
    WasmCw20 {
        /// Transfers in all.
        #[arg(long, default_value_t = 20_000)]
        transfers: usize,
        /// Accounts that hold the token, send and receive.
        #[arg(long, default_value_t = 5_000)]
        holders: usize,
    },
    /// Bytes on Celestia per ERC-20 transfer.
    DaBytes,
    /// Presigned transfers through JSON-RPC, from the first byte sent until all are in blocks.
    RpcIngest {
        /// The node's RPC for the machine: ours, or another node's with devnet's mnemonic (the EVM: and chain id).
        url: String,
        /// A second node to compare with; for wasm, a wasmd.
        #[arg(long)]
        reference: Option<String>,
        /// Whose transfers.
        #[arg(long, value_enum, default_value = "evm")]
        machine: ingest::Machine,
        /// Transfers in all, where it is not the machine's own number.
        #[arg(long)]
        transfers: Option<usize>,
    },
}

#[derive(clap::Args)]
struct Size {
    /// Transfers in all.
    #[arg(long, default_value_t = 20_000)]
    transfers: usize,
    /// Accounts that send and receive.
    #[arg(long, default_value_t = 10_000)]
    accounts: usize,
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
        Bench::SbfTransfer { size: Size { transfers, accounts } } => {
            ("sbf-transfer", sbf::run(sbf::Kind::System, transfers, accounts)?)
        }
        Bench::SbfSpl { size: Size { transfers, accounts } } => {
            ("sbf-spl", sbf::run(sbf::Kind::Spl, transfers, accounts)?)
        }
        Bench::SbfVsLitesvm { size: Size { transfers, accounts } } => {
            ("sbf-vs-litesvm", sbf::vs_litesvm(transfers, accounts)?)
        }
        Bench::WasmCw20 { transfers, holders } => ("wasm-cw20", wasm::run(transfers, holders)?),
        Bench::DaBytes => ("da-bytes", bytes::run()?),
        Bench::RpcIngest { url, reference, machine, transfers } => {
            let runtime = tokio::runtime::Runtime::new()?;
            let figures = runtime.block_on(ingest::run(machine, &url, reference.as_deref(), transfers))?;
            ("rpc-ingest", figures)
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
