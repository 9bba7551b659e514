//! [`Node`]: the wiring, on one page.
//!
//! ```text
//! store ─> chain <─ syncer <─ layer (Celestia)          rpc, metrics ─> chain, status
//!            ^        │tell      ^ submit
//!            └── sequencer ─> publisher
//! ```

use crate::chain::{Chain, ChainError};
use crate::metrics::{self, MetricsError};
use crate::plugins::{self, PluginError};
use crate::rpc::cosmos::{self, CosmosContext};
use crate::rpc::sol::{self, Faucet, SolContext};
use crate::rpc::{self, NodeStatus, RpcConfig, RpcContext, RpcError, RpcHandle};
use crate::sequencer::mempool::{Mempool, MempoolConfig};
use crate::sequencer::signlog::{SignLog, SignLogError};
use crate::sequencer::{Sequencer, SequencerConfig, SequencerError};
use crate::status::Observed;
use crate::syncer::{SyncError, Syncer, load_state};
use crate::tasks::Tasks;
use crate::timed_tree::TimedTree;
use solana_pubkey::Pubkey;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use weft_da::derive::DerivationState;
use weft_da::layer::{DaError, DaLayer, GasPrice};
use weft_da::publisher::{Publisher, PublisherConfig, PublisherError};
use weft_da::signature::SequencerKey;
use weft_genesis::Genesis;
use weft_router::{RegistryError, Router};
use weft_sbf::SbfVm;
use weft_state::{Backend, JmtTree, Store, StoreConfig, StoreError};
use weft_types::{AccountId, Height};

/// Pairs of ports that are tried where any will do.
const PORT_PAIRS_TRIED: usize = 32;

/// What one operator chooses, checked. See `weft-config` for the file.
pub struct NodeConfig {
    /// Where the node keeps what it has.
    pub dir: PathBuf,
    /// What keeps the bytes.
    pub backend: Backend,
    /// Bound of the store's cache.
    pub cache_bytes: u64,
    /// Blocks whose state can be read; `None` keeps all.
    pub retention: Option<u64>,
    /// Where Ethereum's RPC listens; `None` is off.
    pub eth: Option<SocketAddr>,
    /// Where Solana's RPC listens, its websocket on the next port (on any, where the port is 0); `None` is off.
    pub sol: Option<SocketAddr>,
    /// Where CometBFT's RPC and the SDK's REST paths listen; `None` is off.
    pub cosmos: Option<SocketAddr>,
    /// Who pays Solana's airdrops; for a devnet.
    pub faucet: Option<Faucet>,
    /// What RPC allows.
    pub rpc: RpcConfig,
    /// Where metrics are served; `None` is off.
    pub metrics: Option<SocketAddr>,
    /// Where this node orders.
    pub sequencer: Option<SequencerSetup>,
}

/// What a sequencer needs besides.
pub struct SequencerSetup {
    /// What it signs with; its address stands in genesis.
    pub key: SequencerKey,
    /// Pace and bounds.
    pub config: SequencerConfig,
    /// The pool.
    pub mempool: MempoolConfig,
    /// The most that is paid to Celestia.
    pub price_ceiling: GasPrice,
    /// Celestia blocks after which a submission of unknown outcome counts as lost; `None` is the publisher's own.
    pub settle_blocks: Option<u64>,
}

/// Why a node does not start, or stopped. Each is one sentence with what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Genesis names a machine that is not here.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// Genesis and the machines do not agree.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Following Celestia.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// Ordering.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// What was signed.
    #[error(transparent)]
    SignLog(#[from] SignLogError),
    /// What is to be posted.
    #[error(transparent)]
    Publisher(#[from] PublisherError),
    /// The RPC listener.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The metrics listener.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Celestia, before anything was read.
    #[error(transparent)]
    Da(#[from] DaError),
    /// The key may not order on this chain.
    #[error(
        "the sequencer key is {address}, which genesis does not list: use a key of genesis' sequencing.sequencers, or \
         run without --sequencer"
    )]
    NotASequencer {
        /// The key's address.
        address: weft_types::Address,
    },
    /// Nothing could be posted since the start, and waiting will not help.
    #[error("the sequencer can't post: {0}")]
    CannotPost(String),
    /// The endpoint answered and what it said does not verify.
    #[error(
        "Celestia's endpoint can't be believed: {0}; use another endpoint (da.endpoints in the config, or --celestia)"
    )]
    Lying(String),
    /// A task ended by a panic: a bug.
    #[error("the task {0} panicked; this is a bug, and the log says where")]
    Panicked(&'static str),
}

/// A running node.
pub struct Node {
    chain: Arc<Chain>,
    observed: Observed,
    eth: Option<RpcHandle>,
    sol: Option<(RpcHandle, RpcHandle)>,
    cosmos: Option<RpcHandle>,
    tasks: Tasks,
}

impl Node {
    /// Opens the store, takes up what was under way, and starts all tasks. When this returns, RPC answers.
    ///
    /// # Errors
    /// [`NodeError`].
    pub async fn start(
        genesis: Arc<Genesis>,
        config: NodeConfig,
        layer: Arc<dyn DaLayer>,
    ) -> Result<Self, NodeError> {
        let local = plugins::Local { modules: Some(config.dir.join("modules")), pooling: true };
        let machines = plugins::machines_with(&genesis, local)?;
        let router = Arc::new(Router::new(Arc::clone(&genesis), machines.all, Arc::new(TimedTree(JmtTree)))?);
        let metrics_listener = match config.metrics {
            Some(addr) => Some(metrics::bind(addr).await?),
            None => None,
        };
        let chain = open_chain(&config, router)?;
        let derivation = Arc::new(load_state(&chain)?);
        let ordering = match config.sequencer {
            Some(setup) => {
                let layer = Arc::clone(&layer);
                let (chain, derivation, dir) =
                    (Arc::clone(&chain), Arc::clone(&derivation), config.dir.clone());
                // Reads files and executes blocks again.
                let sbf = machines.sbf.clone();
                let open = move || open_sequencer(chain, derivation, layer, setup, dir, sbf);
                Some(tokio::task::spawn_blocking(open).await.map_err(|_| NodeError::Panicked("start"))??)
            }
            None => None,
        };
        let (sequencer, publisher) = ordering.unzip();
        let observed =
            Observed { chain: Arc::clone(&chain), layer: Arc::clone(&layer), sequencer: sequencer.clone() };
        let status: Arc<dyn Fn() -> NodeStatus + Send + Sync> = {
            let status = observed.clone();
            Arc::new(move || status.rpc())
        };
        let mempool = sequencer.as_ref().map(|sequencer| Arc::clone(sequencer.mempool()));
        let eth = match (config.eth, machines.evm) {
            (Some(addr), Some(evm)) => {
                let context = RpcContext {
                    chain: Arc::clone(&chain),
                    evm,
                    mempool: mempool.clone(),
                    status: Arc::clone(&status),
                    config: config.rpc.clone(),
                };
                Some(rpc::serve(context, addr).await?)
            }
            _ => None,
        };
        let cosmos = match (config.cosmos, machines.wasm) {
            (Some(addr), Some(wasm)) => {
                let context = CosmosContext {
                    chain: Arc::clone(&chain),
                    wasm,
                    mempool: mempool.clone(),
                    status: Arc::clone(&status),
                    config: config.rpc.clone(),
                };
                Some(cosmos::serve(context, addr).await?)
            }
            _ => None,
        };
        let sol = match (config.sol, machines.sbf) {
            (Some(addr), Some(sbf)) => {
                let identity = identity(chain.genesis());
                let (chain, faucet, config) = (Arc::clone(&chain), config.faucet, config.rpc);
                let context = SolContext { chain, sbf, mempool, status, config, faucet, identity };
                Some(serve_sol(context, addr).await?)
            }
            _ => None,
        };
        let syncer = Syncer::new(Arc::clone(&chain), derivation, layer, sequencer.clone(), publisher.clone());
        let mut tasks = Tasks::new();
        tasks.watch(observed.clone(), syncer.ticks());
        if let (Some(sequencer), Some(publisher)) = (sequencer, publisher) {
            tasks.sequence(sequencer, publisher, syncer.ticks());
        }
        if let Some(blocks) = config.retention {
            tasks.prune(Arc::clone(&chain), blocks, syncer.ticks());
        }
        if let Some(listener) = metrics_listener {
            tasks.metrics(listener, observed.clone());
        }
        tasks.sync(syncer);
        Ok(Self { chain, observed, eth, sol, cosmos, tasks })
    }

    /// The chain that it follows.
    #[must_use]
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// What can be looked at.
    #[must_use]
    pub fn observed(&self) -> &Observed {
        &self.observed
    }

    /// Where Ethereum's RPC answers.
    #[must_use]
    pub fn eth(&self) -> Option<SocketAddr> {
        self.eth.as_ref().map(RpcHandle::address)
    }

    /// Where Solana's RPC answers: http and websocket.
    #[must_use]
    pub fn sol(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.sol.as_ref().map(|(http, websocket)| (http.address(), websocket.address()))
    }

    /// Where CometBFT's RPC answers.
    #[must_use]
    pub fn cosmos(&self) -> Option<SocketAddr> {
        self.cosmos.as_ref().map(RpcHandle::address)
    }

    /// Resolves when a task has failed, which no task does while it can go on.
    pub async fn failed(&mut self) -> NodeError {
        self.tasks.failed().await
    }

    /// Stops all tasks and waits for them. What was committed or signed is on disk.
    pub async fn stop(self) {
        if let Some(eth) = self.eth {
            eth.stop().await;
        }
        if let Some((http, websocket)) = self.sol {
            websocket.stop().await;
            http.stop().await;
        }
        if let Some(cosmos) = self.cosmos {
            cosmos.stop().await;
        }
        self.tasks.stop().await;
    }
}

/// Opens the store and the chain in it.
///
/// # Errors
/// [`NodeError`].
pub fn open_chain(config: &NodeConfig, router: Arc<Router>) -> Result<Arc<Chain>, NodeError> {
    let store = StoreConfig {
        backend: config.backend,
        dir: config.dir.join("store"),
        cache_bytes: config.cache_bytes,
    };
    let store = Store::open(&store, router.genesis_hash())?;
    let params = router.genesis().derivation_params();
    Ok(Chain::open(router, store, DerivationState::genesis(&params).to_bytes().into())?)
}

/// Clients expect the websocket on the port after http's. Where any port will do, two that follow each other are
/// looked for.
async fn serve_sol(context: SolContext, http: SocketAddr) -> Result<(RpcHandle, RpcHandle), RpcError> {
    let next = |addr: SocketAddr| SocketAddr::new(addr.ip(), addr.port().saturating_add(1));
    if http.port() != 0 {
        return sol::serve(context, http, next(http)).await;
    }
    for _ in 0..PORT_PAIRS_TRIED {
        let error = |error| RpcError::Listen { address: http, error };
        let free = tokio::net::TcpListener::bind(http).await.map_err(error)?.local_addr().map_err(error)?;
        match sol::serve(context.clone(), free, next(free)).await {
            Err(RpcError::InUse { .. }) => {}
            result => return result,
        }
    }
    sol::serve(context, http, http).await
}

/// What nodes of a chain call themselves to Solana's clients: the first sequencer's account, or the treasury's.
fn identity(genesis: &Genesis) -> Pubkey {
    let first = genesis.sequencing.sequencers.first();
    let account = first.map_or(genesis.fees.treasury, |first| AccountId::from_evm(first.address));
    Pubkey::new_from_array(account.0.0)
}

fn open_sequencer(
    chain: Arc<Chain>,
    derivation: Arc<DerivationState>,
    layer: Arc<dyn DaLayer>,
    setup: SequencerSetup,
    dir: PathBuf,
    sbf: Option<Arc<SbfVm>>,
) -> Result<(Arc<Sequencer>, Publisher), NodeError> {
    let params = chain.genesis().derivation_params();
    let address = setup.key.address();
    if !params.sequencers.contains(&address) {
        return Err(NodeError::NotASequencer { address });
    }
    let dir = dir.join("sequencer");
    let defaults = PublisherConfig::new(params.batch_namespace);
    let publisher_config = PublisherConfig {
        price_ceiling: setup.price_ceiling,
        settle_blocks: setup.settle_blocks.unwrap_or(defaults.settle_blocks),
        ..defaults
    };
    let publisher = Publisher::open(&dir.join("outbox"), layer, publisher_config)?;
    let log = SignLog::open(&dir.join(format!("signed-{address}.log")))?;
    let mempool = Mempool::new(Arc::clone(&chain), setup.mempool, sbf);
    let included = chain.included();
    let tip = (included.header.height, included.header.order_hash);
    let order_hash = |height: Height| Some(chain.block(height).ok()??.header.order_hash);
    publisher.resume(chain.da().height, tip, order_hash);
    let sequencer =
        Sequencer::open(chain.clone(), mempool, setup.key, setup.config, publisher.clone(), log, derivation)?;
    Ok((sequencer, publisher))
}
