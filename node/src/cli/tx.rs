//! `weft tx`: signed transactions to a node, and what became of them.

mod evm;
mod sbf;

use super::exit::Failure;
use clap::{Args, Subcommand};
use eyre::Result;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::traits::ToRpcParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long a node may take for one answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Between two questions whether it landed.
const POLL: Duration = Duration::from_millis(100);

/// Send transactions to a running node and wait until they are in the chain. `weft force` posts one past the sequencer.
#[derive(Debug, Args)]
#[command(after_long_help = super::exit::TABLE)]
pub(crate) struct Tx {
    #[command(subcommand)]
    machine: Machine,
}

#[derive(Debug, Subcommand)]
enum Machine {
    /// Solana transactions
    #[command(subcommand)]
    Sbf(sbf::Sbf),
    /// Ethereum transactions
    #[command(subcommand)]
    Evm(evm::Evm),
}

impl Tx {
    pub(crate) async fn run(self) -> Result<()> {
        match self.machine {
            Machine::Sbf(command) => command.run().await,
            Machine::Evm(command) => command.run().await,
        }
    }
}

/// A node's JSON-RPC.
struct Endpoint {
    url: String,
    client: HttpClient,
}

impl Endpoint {
    fn new(url: String) -> Result<Self> {
        let client = HttpClientBuilder::default().request_timeout(ANSWER_MAX).build(&url);
        let client = client.map_err(|error| unreachable(&url, &error))?;
        Ok(Self { url, client })
    }

    async fn ask<T: DeserializeOwned>(&self, method: &str, params: impl ToRpcParams + Send) -> Result<T> {
        match self.client.request(method, params).await {
            Ok(answer) => Ok(answer),
            Err(ClientError::Call(error)) => {
                let logs = error
                    .data()
                    .and_then(|data| serde_json::from_str::<serde_json::Value>(data.get()).ok())
                    .and_then(|data| Some(lines(data.get("logs")?)))
                    .unwrap_or_default();
                let message = error.message();
                Err(Failure::Transaction(format!(
                    "the node at {} refuses {method}: {message}{logs}",
                    self.url
                ))
                .into())
            }
            Err(error) => Err(unreachable(&self.url, &error).into()),
        }
    }
}

fn unreachable(url: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Unreachable(format!("no node answers at {url} ({error}): start one, or give its --url"))
}

/// Log lines behind a message.
fn lines(logs: &serde_json::Value) -> String {
    let logs = logs.as_array().into_iter().flatten().filter_map(|line| line.as_str());
    logs.map(|line| format!("\n  {line}")).collect()
}
