//! `weft tx evm`.

use super::super::encoded;
use super::super::exit::Failure;
use super::{Endpoint, POLL};
use clap::{Args, Subcommand};
use eyre::{Result, bail};
use jsonrpsee::rpc_params;
use serde_json::Value;
use std::time::{Duration, Instant};

#[derive(Debug, Subcommand)]
pub(super) enum Evm {
    /// Send a signed transaction, and wait until it is in a block
    Send(Send),
}

/// Send a signed transaction, wait until it is in a block, and say what became of it.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Send {
    /// The signed transaction in hex, as `cast mktx` prints it, or @FILE
    #[arg(value_name = "TX")]
    transaction: String,
    /// The node's Ethereum RPC; the node must be a sequencer
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    url: String,
    /// Seconds to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Print the receipt as JSON
    #[arg(long)]
    json: bool,
}

impl Evm {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::Send(send) => send.run().await,
        }
    }
}

impl Send {
    async fn run(self) -> Result<()> {
        let bytes = encoded::from_hex(&encoded::text(&self.transaction)?)?;
        let node = Endpoint::new(self.url)?;
        let raw = format!("0x{}", hex::encode(bytes));
        let hash: String = node.ask("eth_sendRawTransaction", rpc_params![raw]).await?;
        let start = Instant::now();
        let receipt = loop {
            let receipt: Value = node.ask("eth_getTransactionReceipt", rpc_params![&hash]).await?;
            if receipt.is_object() {
                break receipt;
            }
            if start.elapsed() > Duration::from_secs(self.timeout) {
                bail!("{hash} is not in a block after {} s; it may still come into one", self.timeout);
            }
            tokio::time::sleep(POLL).await;
        };
        let worked = receipt["status"] == "0x1";
        if self.json {
            say!("{}", serde_json::to_string_pretty(&receipt)?);
        } else {
            let number = |field: &str| {
                let digits = receipt[field].as_str().and_then(|text| text.strip_prefix("0x"));
                digits.and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or_default()
            };
            let fee = number("gasUsed").saturating_mul(number("effectiveGasPrice"));
            say!("transaction  {hash}");
            say!("block        {}", number("blockNumber"));
            say!("status       {}", if worked { "success" } else { "failed" });
            say!("gas          {}", number("gasUsed"));
            say!("fee          {fee} wei");
        }
        if worked { Ok(()) } else { Err(Failure::Transaction(format!("{hash} failed; it has paid")).into()) }
    }
}
