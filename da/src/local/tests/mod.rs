//! The local Celestia through celestia-rpc's client, over http and ws, and across restarts.

mod client;
mod restart;

use super::{ChainConfig, LocalCelestia, LocalConfig};
use celestia_rpc::Client;
use celestia_types::nmt::Namespace;
use std::time::Duration;

/// A local Celestia without a directory on a free port.
async fn start(block_interval: Option<Duration>) -> LocalCelestia {
    LocalCelestia::start(config(ChainConfig::default(), block_interval)).await.unwrap()
}

fn config(chain: ChainConfig, block_interval: Option<Duration>) -> LocalConfig {
    LocalConfig { chain, listen: ([127, 0, 0, 1], 0).into(), block_interval, ..LocalConfig::default() }
}

async fn client(url: &str) -> Client {
    Client::new(url, None, None, None).await.unwrap()
}

fn namespace(id: u8) -> Namespace {
    Namespace::new_v0(&[b'w', id]).unwrap()
}
