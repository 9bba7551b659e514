//! Solana's JSON-RPC and its subscriptions: HTTP on one port and websocket on the next, as clients expect them, and
//! either protocol on both.
//!
//! ```text
//! dispatch, gate (shared with Ethereum's) ─ methods ─┬─ accounts tokens blocks transactions cluster ─ Bank ─> Chain
//!                                                    ├─ simulate ─> SbfVm    send airdrop ─> ingest ─> Mempool
//! Chain events ─ news (each block decoded once) ─────┴─ subscribe ─ notify ─> notifications
//! ```
//! In and out: shapes, codes and sentences of agave 4.2 (`rpc/src/rpc.rs`, `rpc/src/rpc_pubsub.rs`), by the types of its
//! own crates. `getVersion` and `apiVersion` say the release whose rules and shapes these are, since clients parse the
//! number and decide by it what they may ask for; what runs stands beside it as `weft-version`.
//!
//! A slot is a height of our chain, and no slot is skipped. Commitments: processed and confirmed are the tip, which
//! its sequencer has signed; finalized is what Celestia has. Where none is asked for it is finalized, as Solana's.
//! What a client does not name is what agave takes, but for the encoding of `getAccountInfo`, which is base64: base58,
//! agave's, can't show more than 128 bytes.
//!
//! Invariants, as negatives:
//! - No transaction of another machine shows, in no block and no list.
//! - Nothing here signs but a faucet that the operator gave.
//! - No list of a request or an answer is without a bound; see [`super::limits`].

mod accounts;
mod airdrop;
mod api;
mod args;
mod blocks;
mod cluster;
mod encode;
pub mod errors;
mod fees;
mod meta;
mod methods;
mod news;
mod notify;
mod performance;
mod programs;
mod send;
mod signatures;
mod simulate;
mod subscribe;
#[cfg(test)]
mod tests;
mod tokens;
mod transactions;
mod wire;

use super::gate::Gate;
use super::ingest::Ingest;
use super::limits::{self, RpcConfig};
use super::server::{self, Parts};
use super::status::NodeStatus;
use super::{RpcError, RpcHandle, listen};
use crate::chain::Chain;
use crate::sequencer::mempool::Mempool;
use api::Sol;
use news::News;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_sbf::SbfVm;

/// What Solana's RPC answers from.
#[derive(Clone)]
pub struct SolContext {
    /// The chain.
    pub chain: Arc<Chain>,
    /// The machine that the chain's router has.
    pub sbf: Arc<SbfVm>,
    /// Where transactions go; `None` on a node that does not sequence.
    pub mempool: Option<Arc<Mempool>>,
    /// What the node knows beside the chain: `getHealth`. Called for each request, so it must be cheap.
    pub status: Arc<dyn Fn() -> NodeStatus + Send + Sync>,
    /// What the operator allows.
    pub config: RpcConfig,
    /// Who pays airdrops; `None` where there are none.
    pub faucet: Option<Faucet>,
    /// What this node, or the sequencer that it follows, calls itself: `getIdentity`, `getSlotLeader`.
    pub identity: Pubkey,
}

/// Who pays airdrops. For networks whose token is worth nothing.
#[derive(Clone)]
pub struct Faucet {
    /// The account.
    pub keypair: Arc<Keypair>,
    /// Most lamports of one airdrop.
    pub lamports_max: u64,
}

impl Faucet {
    /// Most lamports of one airdrop where nothing else is said: 1,000 tokens.
    pub const LAMPORTS_MAX: u64 = 1_000_000_000_000;
}

/// What `getClusterNodes` tells of this node.
#[derive(Clone, Copy, Debug)]
struct Nodes {
    identity: Pubkey,
    http: SocketAddr,
    ws: SocketAddr,
}

/// Listens on `http` and `ws` and answers both protocols on both. The first handle stands for all of it: stopped or
/// dropped, it ends both listeners; the second one ends only the second listener.
///
/// # Errors
/// [`RpcError`]: an address can't be listened on.
pub async fn serve(
    context: SolContext,
    http: SocketAddr,
    ws: SocketAddr,
) -> Result<(RpcHandle, RpcHandle), RpcError> {
    let (http_listener, http) = listen(http).await?;
    let (ws_listener, ws) = listen(ws).await?;
    let SolContext { chain, sbf, mempool, status, config, faucet, identity } = context;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let config = Arc::new(config);
    let (news, follow) = News::new(&chain);
    tasks.spawn(stop.clone().run_until_cancelled_owned(follow));
    let ingest = mempool.as_ref().map(|mempool| {
        let (ingest, work) = Ingest::new(Arc::clone(mempool));
        tasks.spawn(stop.clone().run_until_cancelled_owned(work));
        ingest
    });
    let sol = Sol {
        preflights: Arc::new(Semaphore::new(limits::call_slots(&config))),
        config: Arc::clone(&config),
        nodes: Nodes { identity, http, ws },
        airdrops: AtomicU64::new(0),
        fees: fees::cache(),
        counted: parking_lot::Mutex::default(),
        largest: parking_lot::Mutex::default(),
        chain,
        sbf,
        mempool,
        ingest,
        status,
        faucet,
        news,
    };
    let (methods, classes) = methods::all(Arc::new(sol));
    let gate = Gate::new(&config, classes);
    let parts = Parts { config, dialect: &errors::DIALECT, methods, gate, tasks, stop: stop.clone() };
    let ws_stop = stop.child_token();
    let listeners = vec![(http_listener, stop.clone()), (ws_listener, ws_stop.clone())];
    let running = server::start(listeners, parts);
    let http = RpcHandle { address: http, stop, running: Some(running) };
    Ok((http, RpcHandle { address: ws, stop: ws_stop, running: None }))
}
