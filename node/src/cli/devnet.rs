//! `weft devnet`: a chain to develop on, in one process.

use super::files::{self, Urls};
use super::run::{Extras, make_dir, override_listeners, start, until_stopped};
use super::settings::{self, Listen};
use super::wallets::{self, Wallets};
use super::{celestia, local};
use clap::Args;
use eyre::Result;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use weft_config::Config;
use weft_da::local::LocalCelestia;
use weft_da::signature::SequencerKey;
use weft_genesis::{Devnet as Parameters, Genesis};

/// Milliseconds after which a devnet makes an empty block, so that tools see time pass.
const EMPTY_BLOCK_MS: u64 = 1_000;
/// A devnet posts at every Celestia block.
const BATCH_TIME_MS: u64 = 1;
/// How long a devnet's first block may take before it says that it is ready all the same.
const FIRST_BLOCK_PATIENCE: Duration = Duration::from_secs(10);
/// Blocks after which what the embedded local Celestia did not include is lost: it has no peers to be late.
const SETTLE_BLOCKS: u64 = 2;
/// Bytes of the store's cache: a devnet stays small.
const CACHE_BYTES: u64 = 16 << 20;
/// The name of the embedded local Celestia.
const CELESTIA_CHAIN_ID: &str = "weft-local";

/// Everything in one process with no setup: local Celestia, sequencer, full node, RPC, funded accounts.
///
/// Without --dir it runs in a temporary folder that is removed at the end. With --dir it goes on where it was:
/// DIR/genesis.json, config.toml and accounts.json are written at the first start and read at the next ones.
#[derive(Debug, Args)]
#[command(after_long_help = super::exit::TABLE)]
pub(crate) struct Devnet {
    /// Keep the chain here, and go on with it at the next start
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Use this Celestia node in place of the embedded local one
    #[arg(long, value_name = "URL")]
    celestia: Option<String>,
    /// The token of that Celestia node, with write permission
    #[arg(
        long,
        value_name = "TOKEN",
        requires = "celestia",
        env = "WEFT_CELESTIA_TOKEN",
        hide_env_values = true
    )]
    celestia_token: Option<String>,
    /// Where the embedded local Celestia listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:26658", conflicts_with = "celestia")]
    celestia_listen: SocketAddr,
    /// Milliseconds between blocks of the chain while there are transactions [default: 200]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=60_000))]
    block_time: Option<u64>,
    /// Milliseconds between blocks of the embedded local Celestia
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    block_interval: u64,
    /// Read this config in place of DIR/config.toml; what it leaves out is as a devnet has it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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

impl Devnet {
    pub(crate) async fn run(self) -> Result<()> {
        // Holds the temporary folder until the end, and removes it then.
        let temporary = if self.dir.is_none() { Some(tempfile::tempdir()?) } else { None };
        let dir = match (&self.dir, &temporary) {
            (Some(dir), _) => dir.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => PathBuf::from("."),
        };
        make_dir(&dir)?;
        let mut config = self.config(&dir)?;
        settings::log(&config)?;
        let local = match &self.celestia {
            Some(_) => None,
            None => Some(self.local_celestia(&dir).await?),
        };
        if let Some(local) = &local {
            // One connection and a push for each header.
            config.da.endpoints = vec![local.ws_url()];
        }
        let wallets = Wallets::devnet()?;
        let key = sequencer_key(&dir)?;
        let genesis = Arc::new(genesis(&dir, &config, &wallets, &key).await?);
        files::write_atomic(&dir.join("accounts.json"), &serde_json::to_vec_pretty(&wallets)?)?;
        let extras = Extras {
            settle_blocks: local.is_some().then_some(SETTLE_BLOCKS),
            faucet: Some(wallets::faucet()?),
            first_block: Some(FIRST_BLOCK_PATIENCE),
        };
        let (mut node, announced, urls) =
            start(&config, Arc::clone(&genesis), &dir, Some(key), extras).await?;
        print(&urls, &wallets, &genesis, &dir, temporary.is_some());
        let result = until_stopped(&mut node, async {}).await;
        drop(announced);
        node.stop().await;
        if let Some(local) = local {
            local.stop().await?;
        }
        result
    }

    /// `DIR/config.toml`, written at the first start, or the one that was given, with the flags over it.
    fn config(&self, dir: &Path) -> Result<Config> {
        let path = dir.join("config.toml");
        let usual = self.usual(dir).to_commented_toml();
        if !path.exists() {
            files::write_atomic(&path, usual.as_bytes())?;
        }
        let mut config = match &self.config {
            Some(given) => settings::load_over(&usual, given)?,
            None => settings::load(Some(&path))?,
        };
        override_listeners(&mut config, self.eth, self.sol, self.cosmos, self.metrics);
        if let Some(block_time) = self.block_time {
            config.sequencer.block_time_ms = block_time;
        }
        if let Some(url) = &self.celestia {
            config.da.endpoints = vec![url.clone()];
        }
        if let Some(token) = &self.celestia_token {
            config.da.auth_tokens = vec![weft_config::Secret(token.clone())];
        }
        config.validate()?;
        Ok(config)
    }

    /// What a devnet has where nobody says otherwise.
    fn usual(&self, dir: &Path) -> Config {
        let mut config = Config::default();
        config.node.dir = dir.display().to_string();
        config.store.cache_bytes = CACHE_BYTES;
        config.sequencer.empty_block_ms = EMPTY_BLOCK_MS;
        config.sequencer.batch_time_ms = BATCH_TIME_MS;
        config.log.filter = "warn".into();
        // A page that is served from anywhere may use a chain whose keys everyone has.
        config.rpc_limits.cors = vec!["*".into()];
        if let Some(url) = &self.celestia {
            config.da.endpoints = vec![url.clone()];
        }
        config
    }

    async fn local_celestia(&self, dir: &Path) -> Result<LocalCelestia> {
        let data = dir.join("celestia");
        local::start(Some(data), self.celestia_listen, self.block_interval, CELESTIA_CHAIN_ID.into()).await
    }
}

/// The chain in the folder, or a new one that begins after Celestia's newest block.
async fn genesis(dir: &Path, config: &Config, wallets: &Wallets, key: &SequencerKey) -> Result<Genesis> {
    let path = dir.join("genesis.json");
    if path.exists() {
        return Ok(Genesis::from_path(&path)?);
    }
    let url = config.da.endpoints.first().map_or("", String::as_str);
    let token = config.da.auth_tokens.first().map(|token| token.0.clone());
    let (head, network) = celestia::discover(url, token).await?;
    let mut genesis = Genesis::devnet(Parameters {
        timestamp_ms: head.time_ms,
        celestia_chain_id: network,
        checkpoint: (head.height, head.hash),
        sequencers: vec![key.address()],
        accounts: wallets.ids()?,
    });
    genesis.accounts.push(wallets::faucet_account()?);
    genesis.validate()?;
    files::write_atomic(&path, genesis.to_json().as_bytes())?;
    Ok(genesis)
}

fn sequencer_key(dir: &Path) -> Result<SequencerKey> {
    let path = dir.join("sequencer.key");
    if !path.exists() {
        files::write_key(&path, &files::new_key())?;
    }
    files::read_key(&path)
}

fn print(urls: &Urls, wallets: &Wallets, genesis: &Genesis, dir: &Path, temporary: bool) {
    let eth = urls.eth.as_deref().unwrap_or("off");
    say!("\nWeft devnet {} is running\n", env!("CARGO_PKG_VERSION"));
    say!("  chain id   {}", genesis.chain_id);
    say!("  Ethereum   {eth}   (http and websocket, eth_* and weft_*)");
    say!("  Solana     {}   (websocket {})", shown(&urls.sol), shown(&urls.sol_ws));
    say!(
        "  Cosmos     {}   (chain id {}; CometBFT's RPC, websocket at /websocket, REST at /cosmos and /cosmwasm)",
        shown(&urls.cosmos),
        weft_wasm::chain_id(genesis.chain_id)
    );
    say!("  Celestia   {}", shown(&urls.celestia));
    let fate = if temporary { "removed at the end; keep it with --dir DIR" } else { "kept" };
    say!("  folder     {}   ({fate})\n", dir.display());
    say!("Accounts, {} {} each:\n", Parameters::BALANCE_WEFT, genesis.token.symbol);
    for (index, wallet) in wallets.evm.iter().enumerate() {
        say!("  ({index}) {}  {}", wallet.address, wallet.private_key);
    }
    say!("\n  Solana's, each secret key in base58:\n");
    for (index, wallet) in wallets.sbf.iter().enumerate() {
        say!("  ({index}) {}  {}", wallet.pubkey, wallet.secret_key);
    }
    say!("\n  CosmWasm's, the mnemonic's keys at m/44'/118'/0'/0/N:\n");
    for (index, wallet) in wallets.wasm.iter().enumerate() {
        say!("  ({index}) {}", wallet.address);
    }
    say!("\n  mnemonic   {}   (everyone has it: for development only)\n", wallets::MNEMONIC);
    if let (Some(first), Some(second)) = (wallets.evm.first(), wallets.evm.get(1)) {
        say!("Try:\n");
        say!("  cast balance {} --ether --rpc-url {eth}", second.address);
        say!("  cast send {} --value 1ether --rpc-url {eth} \\", second.address);
        say!("    --private-key {}", first.private_key);
        say!("  solana airdrop 10 --url {}", shown(&urls.sol));
        if let Some(wallet) = wallets.wasm.get(1) {
            let cosmos = shown(&urls.cosmos);
            say!("  weft tx wasm transfer --devnet 0 --url {cosmos} {} 1.5", wallet.address);
            say!("  curl {cosmos}/cosmos/bank/v1beta1/balances/{}", wallet.address);
        }
        say!("  weft status --url {eth}");
        if !temporary {
            say!(
                "  weft run --genesis {0}/genesis.json --dir /tmp/follower --celestia {1} \\",
                dir.display(),
                shown(&urls.celestia)
            );
            let free = ["--eth", "--sol", "--cosmos"].map(|flag| format!("{flag} 127.0.0.1:0")).join(" ");
            say!("    {free}        # a second node, from Celestia alone");
        }
    }
    say!("\nCtrl-C stops it.");
}

fn shown(url: &Option<String>) -> &str {
    url.as_deref().unwrap_or("off")
}
