//! `weft celestia-local`, and the local Celestia inside `weft devnet`.

use super::exit::Failure;
use super::interrupted;
use clap::Args;
use eyre::Result;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use weft_da::local::{ChainConfig, LocalCelestia, LocalConfig, LocalError};

/// Run the embedded local Celestia alone: real squares, proofs and signed headers, made by one process. Its JSON-RPC is
/// that of a celestia-node. For development only: anyone who reaches it can spend its accounts.
#[derive(Debug, Args)]
pub(crate) struct CelestiaLocal {
    /// Where the chain is kept; without it, in memory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where it listens, on loopback
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:26658")]
    listen: SocketAddr,
    /// Milliseconds between blocks
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=600_000))]
    block_interval: u64,
    /// Celestia's chain id
    #[arg(long, value_name = "ID", default_value = "weft-local")]
    chain_id: String,
}

impl CelestiaLocal {
    pub(crate) async fn run(self) -> Result<()> {
        super::settings::log(&weft_config::Config::default())?;
        let local = start(self.dir, self.listen, self.block_interval, self.chain_id).await?;
        say!("Celestia (local)  {}  {}", local.url(), local.ws_url());
        interrupted().await;
        local.stop().await?;
        Ok(())
    }
}

/// Starts it; a taken port is told as such.
pub(crate) async fn start(
    dir: Option<PathBuf>,
    listen: SocketAddr,
    interval_ms: u64,
    chain_id: String,
) -> Result<LocalCelestia> {
    let config = LocalConfig {
        chain: ChainConfig { chain_id, dir, ..ChainConfig::default() },
        listen,
        block_interval: Some(Duration::from_millis(interval_ms)),
        ..LocalConfig::default()
    };
    LocalCelestia::start(config).await.map_err(|error| match error {
        LocalError::Listen { .. } | LocalError::NotLoopback(_) => {
            Failure::Port(format!("{error}; stop the other program, or choose another port")).into()
        }
        LocalError::ForeignDir { .. } | LocalError::ChainId(_) | LocalError::Dir { .. } => {
            Failure::File(error.to_string()).into()
        }
        other => other.into(),
    })
}
