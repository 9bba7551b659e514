//! `weft status`.

use super::exit::Failure;
use super::files::{NodeFile, node_json};
use clap::Args;
use eyre::Result;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::http_client::HttpClientBuilder;
use jsonrpsee::rpc_params;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Ask a running node how far it is, over its RPC.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The node's Ethereum RPC [default: http://127.0.0.1:8545, or what DIR/node.json says]
    #[arg(long, value_name = "URL", conflicts_with = "dir")]
    url: Option<String>,
    /// The node's folder, whose node.json says where it answers
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print weft_status as it is, as JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(crate) async fn run(self) -> Result<()> {
        let url = match (self.url, self.dir) {
            (Some(url), _) => url,
            (None, Some(dir)) => url_of(&dir)?,
            (None, None) => "http://127.0.0.1:8545".into(),
        };
        let unreachable = |error: &dyn std::fmt::Display| {
            Failure::Unreachable(format!("no node answers at {url} ({error}): start one, or give its --url"))
        };
        let client = HttpClientBuilder::default()
            .request_timeout(Duration::from_secs(10))
            .build(&url)
            .map_err(|error| unreachable(&error))?;
        let status: Value =
            client.request("weft_status", rpc_params![]).await.map_err(|error| unreachable(&error))?;
        if self.json {
            say!("{}", serde_json::to_string_pretty(&status)?);
        } else {
            print(&status);
        }
        Ok(())
    }
}

/// Where the node of a folder answers.
pub(crate) fn url_of(dir: &std::path::Path) -> Result<String> {
    let path = node_json(dir);
    let fail =
        |what: String| Failure::Unreachable(format!("{} {what}: is the node running?", path.display()));
    let text = std::fs::read_to_string(&path).map_err(|error| fail(format!("can't be read ({error})")))?;
    let file: NodeFile =
        serde_json::from_str(&text).map_err(|error| fail(format!("does not parse ({error})")))?;
    Ok(file.urls.eth.ok_or_else(|| fail("says that its RPC is off".into()))?)
}

fn print(status: &Value) {
    let at = |path: &str| match status.pointer(path) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    say!("chain         {}   genesis {}", at("/chain_id"), at("/genesis_hash"));
    say!("tip           {}   {}", at("/tip/height"), at("/tip/hash"));
    say!("on Celestia   {}   at Celestia height {}", at("/da_included/height"), at("/da_included/da_height"));
    say!("state root    {}   (on Celestia)", at("/da_included/state_root"));
    say!(
        "Celestia      head {}, derived {}, {}",
        at("/celestia/head"),
        at("/celestia/derived"),
        at("/celestia/endpoint")
    );
    if status["celestia"]["verified"] == Value::Bool(false) {
        say!("              NOT VERIFIED: this node trusts its endpoint");
    }
    if status["sequencer"].is_object() {
        say!(
            "sequencer     {}   leader {}   {} blocks, {} bytes to post",
            at("/sequencer/address"),
            at("/sequencer/leader"),
            at("/sequencer/backlog_blocks"),
            at("/sequencer/backlog_bytes")
        );
    }
    for (reason, count) in status["discarded"].as_object().into_iter().flatten() {
        say!("discarded     {count} {reason}");
    }
}
