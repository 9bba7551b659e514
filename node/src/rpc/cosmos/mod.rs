//! CometBFT's RPC and the SDK's REST paths: JSON-RPC over HTTP and websocket, GETs of methods, and `/cosmos`, `/cosmwasm`,
//! on one port.
//!
//! ```text
//! server's Door ─ http ─┬─ jsonrpc, GET ─ methods ─ gate ─┬─ blocks search abci ─> Chain, WasmVm
//!                       ├─ rest ─ gate ───────────────────┴─ send ─> ingest ─> Mempool
//!                       └─ websocket ─ jsonrpc;  Chain events ─ query ─> notifications
//! ```
//! In and out: shapes, codes and sentences of CometBFT 0.38 (`rpc/core`) and of the SDK's gateway.
//!
//! A height is a height of our chain, and the tip is its newest block, which its sequencer has signed: a soft one.
//! `commit` says by `canonical` whether Celestia has it. Hashes are our chain's own under CometBFT's names: `app_hash` is the
//! state's root, a block's hash that of our header. What CometBFT has and this chain has not (votes, parts, evidence) is
//! empty, and what a client would verify with it (proofs) is refused.
//!
//! Invariants, as negatives:
//! - No transaction of another machine shows, in no block and no search.
//! - Nothing here signs, or changes what a block holds.
//! - No list of a request or an answer is without a bound.

mod abci;
mod api;
mod args;
mod blocks;
mod errors;
mod http;
mod jsonrpc;
mod methods;
mod news;
mod outgoing;
mod prices;
mod query;
mod rest;
mod search;
mod send;
mod shapes;
#[cfg(test)]
mod tests;
mod websocket;

use super::gate::Gate;
use super::ingest::Ingest;
use super::limits::RpcConfig;
use super::server::{self, Door};
use super::status::NodeStatus;
use super::{RpcError, RpcHandle, listen};
use crate::chain::Chain;
use crate::sequencer::mempool::Mempool;
use api::Cosmos;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_types::Address;
use weft_wasm::WasmVm;

/// What CometBFT's RPC answers from.
#[derive(Clone)]
pub struct CosmosContext {
    /// The chain.
    pub chain: Arc<Chain>,
    /// The machine that the chain's router has.
    pub wasm: Arc<WasmVm>,
    /// Where transactions go; `None` on a node that does not sequence.
    pub mempool: Option<Arc<Mempool>>,
    /// What the node knows beside the chain. Called for each request, so it must be cheap.
    pub status: Arc<dyn Fn() -> NodeStatus + Send + Sync>,
    /// What the operator allows.
    pub config: RpcConfig,
}

/// Listens on `address` and answers until the handle is stopped or dropped.
///
/// # Errors
/// [`RpcError`]: the address can't be listened on.
pub async fn serve(context: CosmosContext, address: SocketAddr) -> Result<RpcHandle, RpcError> {
    let (listener, address) = listen(address).await?;
    let CosmosContext { chain, wasm, mempool, status, config } = context;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let config = Arc::new(config);
    let ingest = mempool.as_ref().map(|mempool| {
        let (ingest, work) = Ingest::new(Arc::clone(mempool));
        tasks.spawn(stop.clone().run_until_cancelled_owned(work));
        ingest
    });
    let mut classes = methods::classes();
    classes.extend(rest::classes());
    let websockets = usize::try_from(config.websockets).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
    let first = chain.genesis().sequencing.sequencers.first();
    let treasury = || Address::from_slice(&chain.genesis().fees.treasury.0[..20]);
    let cosmos = Cosmos {
        gate: Gate::new(&config, classes),
        sequencer: first.map_or_else(treasury, |first| first.address),
        config: Arc::clone(&config),
        chain,
        wasm,
        mempool,
        ingest,
        status,
        newest: news::Newest::default(),
        writing: Arc::new(Semaphore::new(outgoing::WRITING_BYTES_MAX)),
    };
    let server = http::Server {
        door: Door::new(config, &errors::DIALECT, tasks.clone()),
        cosmos: Arc::new(cosmos),
        websockets: Arc::new(Semaphore::new(websockets)),
        stop: stop.clone(),
    };
    tasks.spawn(server::accept(listener, Arc::new(server), stop.clone()));
    let running = server::Running { stop: stop.clone(), websockets: None, tasks };
    Ok(RpcHandle { address, stop, running: Some(running) })
}
