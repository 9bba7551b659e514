//! `rpc-ingest`: presigned transfers in JSON-RPC batches, from the first byte sent until all of them are in blocks.
//!
//! What a node is given before that, funds or a contract, and the signing are not under the clock. A node may be ours or
//! another of the same kind; it must have the accounts of devnet's mnemonic.

mod evm;
mod sbf;
mod wasm;

use crate::Figures;
use clap::ValueEnum;
use std::time::Duration;

/// After this long without the last transfer the bench gives up.
const LIMIT: Duration = Duration::from_secs(300);

/// Whose transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Machine {
    /// Ether, by `eth_sendRawTransaction`; 10,000 unless told otherwise.
    Evm,
    /// Lamports, by `sendTransaction` without preflight; 10,000 unless told otherwise.
    Sbf,
    /// CW20 tokens, by `broadcast_tx_sync`; 3,000 unless told otherwise.
    Wasm,
}

impl Machine {
    const fn transfers(self) -> usize {
        match self {
            Self::Evm | Self::Sbf => 10_000,
            Self::Wasm => 3_000,
        }
    }

    async fn measure(self, url: &str, transfers: usize) -> eyre::Result<f64> {
        match self {
            Self::Evm => evm::measure(url, transfers).await,
            Self::Sbf => sbf::measure(url, transfers).await,
            Self::Wasm => wasm::measure(url, transfers).await,
        }
    }
}

pub async fn run(
    machine: Machine,
    url: &str,
    reference: Option<&str>,
    transfers: Option<usize>,
) -> eyre::Result<Figures> {
    let transfers = transfers.unwrap_or_else(|| machine.transfers());
    let ours = machine.measure(url, transfers).await?;
    let reference = match reference {
        Some(url) => Some(machine.measure(url, transfers).await?),
        None => None,
    };
    Ok(Figures { unit: "transfers/s", ours, reference })
}
