//! `weft tx`: signed transactions to a node, and what became of them.

mod evm;
mod sbf;
mod wasm;

use super::exit::Failure;
use clap::{Args, Subcommand};
use eyre::Result;
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::traits::ToRpcParams;
use jsonrpsee::http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee::types::ErrorObjectOwned;
use serde::de::DeserializeOwned;
use serde_json::Value;
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
    /// CosmWasm transactions
    #[command(subcommand)]
    Wasm(Box<wasm::Wasm>),
}

impl Tx {
    pub(crate) async fn run(self) -> Result<()> {
        match self.machine {
            Machine::Sbf(command) => command.run().await,
            Machine::Evm(command) => command.run().await,
            Machine::Wasm(command) => (*command).run().await,
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
        Ok(self.request(method, params).await?.map_err(|error| self.refusal(method, &error))?)
    }

    /// The inner error is the node's answer; the outer one is that there is none.
    async fn request<T: DeserializeOwned>(
        &self,
        method: &str,
        params: impl ToRpcParams + Send,
    ) -> Result<Result<T, ErrorObjectOwned>> {
        match self.client.request(method, params).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(ClientError::Call(error)) => Ok(Err(error)),
            Err(error) => Err(unreachable(&self.url, &error).into()),
        }
    }

    fn refusal(&self, method: &str, error: &ErrorObjectOwned) -> Failure {
        let data = error.data().and_then(|data| serde_json::from_str::<Value>(data.get()).ok());
        let more = match data {
            // Where CometBFT says why.
            Some(Value::String(why)) => format!(": {why}"),
            Some(data) => data.get("logs").map(lines).unwrap_or_default(),
            None => String::new(),
        };
        let message = error.message();
        Failure::Transaction(format!("the node at {} refuses {method}: {message}{more}", self.url))
    }
}

fn unreachable(url: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::Unreachable(format!("no node answers at {url} ({error}): start one, or give its --url"))
}

/// Log lines behind a message.
fn lines(logs: &Value) -> String {
    let logs = logs.as_array().into_iter().flatten().filter_map(|line| line.as_str());
    logs.map(|line| format!("\n  {line}")).collect()
}
