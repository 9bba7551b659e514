//! From a config file and flags to what the node takes.

use eyre::{Result, WrapErr};
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use weft_config::{Backend, Config, LogFormat, Sequencer, Verify};
use weft_da::celestia::{CelestiaConfig, EndpointConfig, VerifyMode};
use weft_da::layer::GasPrice;
use weft_da::signature::SequencerKey;
use weft_genesis::Genesis;
use weft_node::node::{NodeConfig, SequencerSetup};
use weft_node::sequencer::SequencerConfig;
use weft_node::sequencer::mempool::{MempoolConfig, PoolLimits};

/// Where a listener listens: an address, or nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// Port 0 takes a free one.
    At(SocketAddr),
    Off,
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| format!("{text:?} is neither ADDRESS:PORT nor off"))
    }
}

impl Listen {
    pub(crate) fn address(self) -> Option<SocketAddr> {
        match self {
            Self::At(address) => Some(address),
            Self::Off => None,
        }
    }
}

fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Reads a config file whose missing keys are those of `usual` (TOML), under the environment.
pub(crate) fn load_over(usual: &str, path: &Path) -> Result<Config> {
    // By itself first, so that an error shows the file's own line.
    Config::load(path, std::iter::empty())?;
    let text = std::fs::read_to_string(path).wrap_err_with(|| format!("{}", path.display()))?;
    let (mut merged, given): (toml::Table, toml::Table) = (usual.parse()?, text.parse()?);
    for (section, value) in given {
        match (merged.get_mut(&section), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => below.extend(above),
            (_, value) => drop(merged.insert(section, value)),
        }
    }
    Ok(Config::parse(&merged.to_string(), environment())?)
}

/// Reads a config file, or the defaults where there is none, under the environment.
pub(crate) fn load(path: Option<&Path>) -> Result<Config> {
    let environment = environment();
    Ok(match path {
        Some(path) => Config::load(path, environment)?,
        None => Config::parse("", environment)?,
    })
}

/// Starts logging to stderr. `RUST_LOG` wins over the config.
pub(crate) fn log(config: &Config) -> Result<()> {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| config.log.filter.clone());
    // The store's own doings interest nobody who did not ask for them; what is said last wins.
    let filter = format!("fjall=warn,lsm_tree=warn,{filter}");
    let filter = EnvFilter::try_new(&filter).wrap_err_with(|| format!("log.filter {filter:?}"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let done = match config.log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    done.map_err(|error| eyre::eyre!("logging could not be set up: {error}"))
}

/// How Celestia is reached.
pub(crate) fn celestia(config: &Config, genesis: &Genesis, dir: &Path) -> CelestiaConfig {
    let tokens = &config.da.auth_tokens;
    let token = |index: usize| tokens.get(index).or(tokens.first()).map(|token| token.0.clone());
    let urls = config.da.endpoints.iter().enumerate();
    let endpoints =
        urls.map(|(index, url)| EndpointConfig { url: url.clone(), token: token(index) }).collect();
    CelestiaConfig {
        chain_id: Some(genesis.celestia.chain_id.clone()),
        verify: match config.da.verify {
            Verify::Full => VerifyMode::Full,
            Verify::Trusted => VerifyMode::TrustedEndpoint,
        },
        fetch_ahead: config.da.fetch_ahead,
        evidence_dir: Some(dir.join("evidence")),
        ..CelestiaConfig::new(endpoints)
    }
}

/// What the node takes. `key` makes it a sequencer.
pub(crate) fn node(config: &Config, dir: PathBuf, key: Option<SequencerKey>) -> Result<NodeConfig> {
    let listen = |text: &str| text.parse::<Listen>().map(Listen::address).map_err(|error| eyre::eyre!(error));
    // The two have the same keys: one is the file's, the other the server's.
    let limits = serde_json::from_value(serde_json::to_value(&config.rpc_limits)?)
        .wrap_err("rpc_limits of the config and the server's limits differ")?;
    Ok(NodeConfig {
        dir,
        backend: match config.store.backend {
            Backend::Fjall => weft_state::Backend::Fjall,
            Backend::Sled => weft_state::Backend::Sled,
            Backend::Memory => weft_state::Backend::Memory,
        },
        cache_bytes: config.store.cache_bytes,
        retention: (config.store.retention_blocks > 0).then_some(config.store.retention_blocks),
        eth: listen(&config.rpc.eth)?,
        sol: listen(&config.rpc.sol)?,
        cosmos: listen(&config.rpc.cosmos)?,
        faucet: None,
        rpc: limits,
        metrics: listen(&config.metrics.listen)?,
        sequencer: key.map(|key| sequencer(&config.sequencer, key, GasPrice(config.da.gas_price_max))),
    })
}

fn sequencer(config: &Sequencer, key: SequencerKey, price_ceiling: GasPrice) -> SequencerSetup {
    let pace = SequencerConfig {
        block_time: Duration::from_millis(config.block_time_ms),
        empty_block: (config.empty_block_ms > 0).then(|| Duration::from_millis(config.empty_block_ms)),
        batch_time: Duration::from_millis(config.batch_time_ms),
        unposted_bytes_max: config.backlog_bytes,
        unposted_blocks_max: config.backlog_blocks,
        ..SequencerConfig::default()
    };
    let limits = PoolLimits {
        transactions: config.pool_transactions,
        bytes: config.pool_bytes,
        per_account: config.pool_per_account,
    };
    let mempool = MempoolConfig { limits, deny: config.deny_list.iter().map(|listed| listed.0).collect() };
    SequencerSetup { key, config: pace, mempool, price_ceiling, settle_blocks: None }
}
