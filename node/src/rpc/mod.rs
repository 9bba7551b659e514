//! RPC: `eth_*`, `net_*`, `web3_*`, `txpool_*`, `debug_*` as geth answers them, and `weft_*`, over HTTP and
//! websocket on one listener; Solana's methods on two ([`sol`]) and CometBFT's on one ([`cosmos`]), through the same
//! doors.
//!
//! ```text
//! socket ─ server (places, headers, bodies, in time) ─ dispatch ─ gate (rate, slots) ─ methods
//!                                                                        │
//!           Chain (blocks, states, events) ── api ── blocks state call logs fees pool weft
//!                                              └─ ingest ─> Mempool
//! ```
//! In: JSON-RPC 2.0 from anyone. Out: answers, notifications, and transactions into the mempool.
//!
//! Invariants, as negatives:
//! - Nothing here signs, spends, or changes what a block holds; a faucet does that, where an operator gives one.
//! - No client makes another wait without a bound: every queue, slot and time is a named limit.
//! - No body, batch or answer is taken in or made beyond its limit.
//! - No call runs on past its time, or after whoever asked has gone.

mod api;
mod args;
mod blocks;
mod call;
mod clients;
mod convert;
pub mod cosmos;
mod debug;
mod dialect;
mod dispatch;
mod edge;
pub mod errors;
mod feed;
mod fees;
mod filters;
mod gate;
mod ingest;
mod io;
pub mod limits;
mod logs;
mod methods;
mod pool;
mod server;
pub mod sol;
mod state;
mod status;
mod subscribe;
#[cfg(test)]
mod tests;
mod weft;
mod worker;

pub use limits::RpcConfig;
pub use status::{CelestiaStatus, NodeStatus, SequencerStatus};

use crate::chain::Chain;
use crate::sequencer::mempool::Mempool;
use api::Api;
use convert::Shape;
use feed::Feed;
use filters::Filters;
use gate::Gate;
use ingest::Ingest;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_evm::EvmVm;

/// What RPC answers from.
#[derive(Clone)]
pub struct RpcContext {
    /// The chain.
    pub chain: Arc<Chain>,
    /// The EVM that the chain's router has: calls and traces run on it.
    pub evm: Arc<EvmVm>,
    /// Where transactions go; `None` on a node that does not sequence.
    pub mempool: Option<Arc<Mempool>>,
    /// What `weft_status` shows beside the chain. Called for each request, so it must be cheap.
    pub status: Arc<dyn Fn() -> NodeStatus + Send + Sync>,
    /// What the operator allows.
    pub config: RpcConfig,
}

/// Why RPC can't be served.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// Another program has the port: choose another, or stop that one.
    #[error(
        "RPC can't listen on {address}: the port is in use; stop the other program or choose another port"
    )]
    InUse {
        /// What was asked for.
        address: SocketAddr,
    },
    /// The address can't be listened on.
    #[error("RPC can't listen on {address}: {error}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
}

/// A running listener. Dropping it stops the listener without waiting; see [`Self::stop`].
#[derive(Debug)]
pub struct RpcHandle {
    address: SocketAddr,
    stop: CancellationToken,
    running: Option<server::Running>,
}

impl RpcHandle {
    /// Where it listens: the port that was taken where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, lets calls end for a few seconds, and closes all connections.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

impl Drop for RpcHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Takes `address`; gives where that is, which differs where port 0 was asked for.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), RpcError> {
    let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => RpcError::InUse { address },
        _ => RpcError::Listen { address, error },
    })?;
    let address = listener.local_addr().map_err(|error| RpcError::Listen { address, error })?;
    Ok((listener, address))
}

/// Listens on `address` and answers until the handle is stopped or dropped.
///
/// # Errors
/// [`RpcError`]: the address can't be listened on.
pub async fn serve(context: RpcContext, address: SocketAddr) -> Result<RpcHandle, RpcError> {
    let (listener, address) = listen(address).await?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let spawn = |work: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>| {
        let stop = stop.clone();
        tasks.spawn(async move { stop.run_until_cancelled(work).await });
    };
    let RpcContext { chain, evm, mempool, status, config } = context;
    let config = Arc::new(config);
    let feed = Arc::new(Feed::default());
    spawn(Box::pin(feed.clone().follow_chain(&chain)));
    let ingest = mempool.as_ref().map(|mempool| {
        spawn(Box::pin(feed.clone().follow_pool(mempool)));
        let (ingest, work) = Ingest::new(mempool.clone());
        spawn(Box::pin(work));
        ingest
    });
    let api = Api {
        shape: Shape::new(chain.genesis()),
        blooms: logs::Blooms::default(),
        filters: Filters::new(config.filters, Duration::from_millis(config.filter_timeout_ms)),
        suggested_tip: parking_lot::Mutex::default(),
        config: config.clone(),
        chain,
        evm,
        mempool,
        status,
        feed,
        ingest,
    };
    let (methods, classes) = methods::all(Arc::new(api));
    let gate = Gate::new(&config, classes);
    let parts = server::Parts { config, dialect: &dialect::ETH, methods, gate, tasks, stop: stop.clone() };
    let running = server::start(vec![(listener, stop.clone())], parts);
    Ok(RpcHandle { address, stop, running: Some(running) })
}
