//! `weft run`.

use super::exit::Failure;
use super::files::{self, Announced, Urls};
use super::settings::{self, Listen};
use super::{celestia, interrupted};
use clap::Args;
use eyre::Result;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use weft_config::Config;
use weft_da::signature::SequencerKey;
use weft_genesis::Genesis;
use weft_node::chain::Chain;
use weft_node::node::Node;
use weft_node::rpc::sol::Faucet;
use weft_types::Height;

/// Run a full node: read Celestia from genesis' first height on, prove that nothing is missing, derive and execute.
/// What is on disk is taken up again. Flags win over the environment (WEFT_SECTION_KEY), which wins over the config.
#[derive(Debug, Args)]
#[command(after_long_help = super::exit::TABLE)]
pub(crate) struct Run {
    /// The chain: genesis.json or genesis.toml, the same on all of its nodes
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// Where the node keeps what it has; node.json stands there while it is ready
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A Celestia node's JSON-RPC (http, https, ws, wss); several in order of preference
    #[arg(long, value_name = "URL", num_args = 1..)]
    celestia: Vec<String>,
    /// What this operator chooses; `weft init` writes one with a comment on every key
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Order transactions too; the key must be one of genesis' sequencers
    #[arg(long, requires = "key")]
    sequencer: bool,
    /// The sequencer's key, as `weft keys new` makes it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where Ethereum's RPC listens, http and websocket [default: 127.0.0.1:8545]
    #[arg(long, value_name = "ADDR:PORT|off")]
    eth: Option<Listen>,
    /// Where Solana's RPC listens, its websocket on the next port [default: 127.0.0.1:8899]
    #[arg(long, value_name = "ADDR:PORT|off")]
    sol: Option<Listen>,
    /// Where CometBFT's RPC and the Cosmos SDK's REST paths listen [default: 127.0.0.1:36657]
    #[arg(long, value_name = "ADDR:PORT|off")]
    cosmos: Option<Listen>,
    /// Where Prometheus metrics are served [default: off]
    #[arg(long, value_name = "ADDR:PORT|off")]
    metrics: Option<Listen>,
}

impl Run {
    pub(crate) async fn run(self) -> Result<()> {
        let mut config = settings::load(self.config.as_deref())?;
        override_listeners(&mut config, self.eth, self.sol, self.cosmos, self.metrics);
        if !self.celestia.is_empty() {
            config.da.endpoints = self.celestia;
            // What the environment or the file says of tokens may be for others.
            if config.da.auth_tokens.len() > 1 {
                config.da.auth_tokens.truncate(config.da.endpoints.len());
            }
        }
        config.validate()?;
        settings::log(&config)?;
        let genesis = Arc::new(Genesis::from_path(&self.genesis)?);
        let dir = self.dir.unwrap_or_else(|| PathBuf::from(&config.node.dir));
        make_dir(&dir)?;
        let key = match self.key.filter(|_| self.sequencer) {
            Some(path) => Some(files::read_key(&path)?),
            None => None,
        };
        let (mut node, _announced, urls) = start(&config, genesis, &dir, key, Extras::default()).await?;
        if let Some(eth) = &urls.eth {
            tracing::info!(rpc = eth, dir = %dir.display(), "ready");
        }
        until_stopped(&mut node, async {}).await?;
        node.stop().await;
        Ok(())
    }
}

/// What a devnet has and no other node.
#[derive(Default)]
pub(crate) struct Extras {
    /// Celestia blocks after which a submission of unknown outcome is lost.
    pub(crate) settle_blocks: Option<u64>,
    /// Who pays Solana's airdrops.
    pub(crate) faucet: Option<Faucet>,
    /// How long its first block may take, before which clients of CometBFT and Solana can ask nothing.
    pub(crate) first_block: Option<Duration>,
}

/// Starts a node and says so in its folder.
pub(crate) async fn start(
    config: &Config,
    genesis: Arc<Genesis>,
    dir: &Path,
    key: Option<SequencerKey>,
    extras: Extras,
) -> Result<(Node, Announced, Urls)> {
    // One that a killed node left behind would deceive whoever waits for ours.
    let _ = std::fs::remove_file(files::node_json(dir));
    let (layer, _) = celestia::connect(settings::celestia(config, &genesis, dir), &genesis).await?;
    if key.is_some() {
        layer.check_funds().await.map_err(|error| Failure::Refused(error.to_string()))?;
    }
    let mut node_config = settings::node(config, dir.to_owned(), key)?;
    if let Some(setup) = &mut node_config.sequencer {
        setup.settle_blocks = extras.settle_blocks;
    }
    node_config.faucet = extras.faucet;
    let hash = genesis.hash();
    let node = Node::start(genesis, node_config, Arc::new(layer)).await?;
    let urls = Urls {
        eth: node.eth().map(|address| format!("http://{address}")),
        sol: node.sol().map(|(http, _)| format!("http://{http}")),
        sol_ws: node.sol().map(|(_, websocket)| format!("ws://{websocket}")),
        cosmos: node.cosmos().map(|address| format!("http://{address}")),
        celestia: config.da.endpoints.first().map(|url| http(&celestia::shown(url))),
    };
    if let Some(patience) = extras.first_block {
        first_block(node.chain(), patience).await;
    }
    let announced = files::announce(dir, hash, urls.clone())?;
    Ok((node, announced, urls))
}

/// Waits until `chain` has a block, or no longer than that.
async fn first_block(chain: &Chain, patience: Duration) {
    let mut events = chain.subscribe();
    let made = async {
        while chain.tip().header.height == Height(0) {
            if matches!(events.recv().await, Err(RecvError::Closed)) {
                return;
            }
        }
    };
    if tokio::time::timeout(patience, made).await.is_err() {
        tracing::warn!("there is no first block yet: the sequencer still reads Celestia");
    }
}

/// The URL that any client takes: a Celestia node serves http and websocket on one port.
fn http(url: &str) -> String {
    url.replacen("ws://", "http://", 1).replacen("wss://", "https://", 1)
}

/// Waits for Ctrl-C, SIGTERM, `other`'s failure, or the node's. `other` that ends well is waited past.
pub(crate) async fn until_stopped(node: &mut Node, other: impl Future<Output = ()>) -> Result<()> {
    let other = async {
        other.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = interrupted() => {
            tracing::info!("stopping");
            Ok(())
        }
        error = node.failed() => Err(error.into()),
        () = other => Ok(()),
    }
}

/// Flags over config.
pub(crate) fn override_listeners(
    config: &mut Config,
    eth: Option<Listen>,
    sol: Option<Listen>,
    cosmos: Option<Listen>,
    metrics: Option<Listen>,
) {
    let text = |listen: Listen| listen.address().map_or_else(|| "off".to_owned(), |addr| addr.to_string());
    if let Some(eth) = eth {
        config.rpc.eth = text(eth);
    }
    if let Some(sol) = sol {
        config.rpc.sol = text(sol);
    }
    if let Some(cosmos) = cosmos {
        config.rpc.cosmos = text(cosmos);
    }
    if let Some(metrics) = metrics {
        config.metrics.listen = text(metrics);
    }
}

pub(crate) fn make_dir(dir: &Path) -> Result<()> {
    let fail = |error| Failure::File(format!("the folder {} can't be made: {error}", dir.display()));
    Ok(std::fs::create_dir_all(dir).map_err(fail)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_config_and_leave_the_rest() {
        let mut config = Config::default();
        let at: Listen = "127.0.0.1:7".parse().expect("an address");
        override_listeners(&mut config, None, Some(Listen::Off), Some(at), None);
        let rpc = &config.rpc;
        assert_eq!((&*rpc.eth, &*rpc.sol, &*rpc.cosmos), ("127.0.0.1:8545", "off", "127.0.0.1:7"));
        assert_eq!(config.metrics.listen, "off");
        config.validate().expect("what flags give is valid");
    }
}
