//! [`LocalCelestia`]: the chain with a clock and a port.

use super::{Chain, ChainConfig, LocalError, rpc};
use jsonrpsee::server::{BatchRequestConfig, ServerBuilder, ServerConfig, ServerHandle};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tendermint::Time;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often `stop` looks whether calls that were cut off are gone, and how long it waits between.
const RELEASE_TRIES: u32 = 400;
const RELEASE_PAUSE: Duration = Duration::from_millis(5);

/// Largest request body: celestia-node's bound, twice the largest transaction.
const MAX_REQUEST_BYTES: u32 = 16 * 1024 * 1024;
/// Largest response: an extended square of 512 x 512 shares in base64.
const MAX_RESPONSE_BYTES: u32 = 256 * 1024 * 1024;
/// Calls in one JSON-RPC batch.
const MAX_BATCH: u32 = 100;
/// Subscriptions of one connection, and messages that wait for a slow one.
const MAX_SUBSCRIPTIONS: u32 = 64;
const MAX_UNSENT: u32 = 64;

/// What a local Celestia is started with.
#[derive(Clone, Debug)]
pub struct LocalConfig {
    /// The chain.
    pub chain: ChainConfig,
    /// Where to listen for http and ws, on loopback; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How often a block is made; none: only by [`LocalCelestia::produce`].
    pub block_interval: Option<Duration>,
    /// How many connections are served at once; celestia-node's bound is 500.
    pub max_connections: u32,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            chain: ChainConfig::default(),
            listen: (Ipv4Addr::LOCALHOST, 26_658).into(),
            block_interval: Some(Duration::from_secs(1)),
            max_connections: 500,
        }
    }
}

/// A running local Celestia. Dropped, it stops too, but says nothing of it.
#[derive(Debug)]
pub struct LocalCelestia {
    chain: Arc<Chain>,
    address: SocketAddr,
    server: ServerHandle,
    stop: CancellationToken,
    maker: Option<JoinHandle<()>>,
}

impl LocalCelestia {
    /// Starts it: when this returns, there is a block of height 1 at least, and the port answers.
    ///
    /// # Errors
    /// [`LocalError`].
    pub async fn start(config: LocalConfig) -> Result<Self, LocalError> {
        if !config.listen.ip().is_loopback() {
            return Err(LocalError::NotLoopback(config.listen));
        }
        let chain_config = config.chain;
        let chain = tokio::task::spawn_blocking(move || Chain::open(&chain_config, Time::now()));
        let chain = Arc::new(chain.await.map_err(|_| LocalError::Stopped)??);
        let stop = CancellationToken::new();
        let server_config = ServerConfig::builder()
            .max_request_body_size(MAX_REQUEST_BYTES)
            .max_response_body_size(MAX_RESPONSE_BYTES)
            .max_connections(config.max_connections)
            .max_subscriptions_per_connection(MAX_SUBSCRIPTIONS)
            .set_message_buffer_capacity(MAX_UNSENT)
            .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
            .build();
        let refused = |source| LocalError::Listen { listen: config.listen, source };
        let server = ServerBuilder::with_config(server_config).build(config.listen).await.map_err(refused)?;
        let address = server.local_addr().map_err(refused)?;
        let server = server.start(rpc::module(chain.clone(), stop.clone()));
        let maker =
            config.block_interval.map(|every| tokio::spawn(make_blocks(chain.clone(), every, stop.clone())));
        tracing::info!(%address, chain_id = chain.chain_id(), height = chain.height(), "local Celestia is up");
        Ok(Self { chain, address, server, stop, maker })
    }

    /// Where a client finds it over http.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where a client finds it over websocket.
    #[must_use]
    pub fn ws_url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// The newest height.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.chain.height()
    }

    /// The chain behind the port.
    #[must_use]
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// Makes a block now and returns its height.
    ///
    /// # Errors
    /// [`LocalError`] where the log cannot be written.
    pub async fn produce(&self) -> Result<u64, LocalError> {
        produce(self.chain.clone()).await
    }

    /// Stops making blocks, ends calls and subscriptions, and syncs the log.
    ///
    /// # Errors
    /// [`LocalError::Io`] where that fails.
    pub async fn stop(mut self) -> Result<(), LocalError> {
        self.stop.cancel();
        if let Some(maker) = self.maker.take() {
            // A task that panicked has said so.
            let _ = maker.await;
        }
        // An error means that it has stopped already.
        let _ = self.server.stop();
        self.server.clone().stopped().await;
        let chain = self.chain.clone();
        tokio::task::spawn_blocking(move || chain.sync()).await.map_err(|_| LocalError::Stopped)??;
        // Calls that were cut off hold the chain, and with it the lock of its directory, until they are dropped.
        for _ in 0..RELEASE_TRIES {
            if Arc::strong_count(&self.chain) == 1 {
                break;
            }
            tokio::time::sleep(RELEASE_PAUSE).await;
        }
        Ok(())
    }
}

impl Drop for LocalCelestia {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.server.stop();
    }
}

async fn produce(chain: Arc<Chain>) -> Result<u64, LocalError> {
    let block = tokio::task::spawn_blocking(move || chain.produce(Time::now()));
    Ok(block.await.map_err(|_| LocalError::Stopped)??.height())
}

async fn make_blocks(chain: Arc<Chain>, every: Duration, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(every);
    // A block that took longer than the interval delays the next ones.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(error) = produce(chain.clone()).await {
            tracing::error!(%error, "no block was made");
        }
    }
}
