//! The layer against the embedded local Celestia, and against endpoints that fail, lag and lie over one chain.

use super::*;
use crate::layer::GasPrice;
use crate::local::{Chain, ChainConfig, LocalCelestia, LocalConfig, SubmitOptions};
use jsonrpsee::RpcModule;
use jsonrpsee::server::{ServerBuilder, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use tendermint::Time;
use weft_types::{Address, Bytes, Namespace};

const PATIENCE: Duration = Duration::from_secs(60);

fn params() -> DerivationParams {
    DerivationParams {
        chain_id: 31_337,
        genesis_hash: weft_types::B256::ZERO,
        batch_namespace: Namespace::new_v0(*b"weft-batch").expect("a user namespace"),
        forced_namespace: Namespace::new_v0(*b"weft-force").expect("a user namespace"),
        da_start: DaHeight(2),
        genesis_time_ms: 0,
        sequencers: vec![Address::ZERO],
        hybrid: false,
        forced_window: 10,
        failover_window: 10,
        origin_window: 10,
        max_drift_ms: 1_000,
        block_bytes_max: 1 << 20,
        forced_bytes_max: 1 << 20,
    }
}

fn chain(accounts: &[(&str, u64)]) -> Arc<Chain> {
    let accounts = accounts.iter().map(|(name, utia)| ((*name).to_owned(), *utia)).collect();
    let config = ChainConfig { accounts, ..ChainConfig::default() };
    Arc::new(Chain::open(&config, Time::now()).expect("a chain"))
}

fn rich_chain() -> Arc<Chain> {
    chain(&[("node", 1_000_000_000_000)])
}

fn anchor(chain: &Chain, height: u64) -> Anchor {
    let block = chain.block(height).expect("a block");
    Anchor { height: DaHeight(height), hash: header::hash(block.header()) }
}

fn new_blob(data: &[u8]) -> NewBlob {
    NewBlob { namespace: params().batch_namespace, data: Bytes::copy_from_slice(data) }
}

fn fee() -> Fee {
    Fee { price: None, ceiling: GasPrice(400_000_000) }
}

/// Makes a block with a blob in the batch namespace.
fn produce(chain: &Chain, data: &[u8]) -> u64 {
    let namespace =
        celestia_types::nmt::Namespace::from_raw(params().batch_namespace.as_bytes()).expect("valid");
    let signer = chain.accounts()[0].address();
    let blob = celestia_types::Blob::new(namespace, data.to_vec(), Some(signer)).expect("a blob");
    let ticket = chain.submit(&[blob], &SubmitOptions::default()).expect("taken");
    chain.produce(Time::now()).expect("made");
    ticket.try_landed().expect("landed").height
}

/// What an endpoint does to what it serves.
#[derive(Default)]
struct Tricks {
    /// From this height on one byte of the first share is another.
    tamper_from: Option<u64>,
    /// From this height on the namespaces are empty.
    withhold_from: Option<u64>,
    /// Nothing above this height is known.
    lag_at: Option<u64>,
    /// Nothing below this height is kept.
    tail: Option<u64>,
    /// Above this height headers are those of another chain.
    other: Option<(u64, Arc<Chain>)>,
}

/// An endpoint over a chain in this process.
struct Proxy {
    url: String,
    tricks: Arc<Mutex<Tricks>>,
    server: ServerHandle,
}

struct Served {
    chain: Arc<Chain>,
    tricks: Arc<Mutex<Tricks>>,
}

type Answered = Result<Value, ErrorObjectOwned>;

fn refuse(text: impl fmt::Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(1, text.to_string(), None::<()>)
}

impl Served {
    fn head(&self) -> u64 {
        let head = self.chain.height();
        self.tricks.lock().lag_at.map_or(head, |lag| head.min(lag))
    }

    fn block(&self, height: u64) -> Result<Arc<crate::local::Block>, ErrorObjectOwned> {
        let head = self.head();
        if height > head {
            return Err(refuse(format!(
                "header: given height is from the future: networkHeight: {head}, requestedHeight: {height}"
            )));
        }
        let tricks = self.tricks.lock();
        if let Some(tail) = tricks.tail.filter(|tail| height < *tail) {
            return Err(refuse(format!("requested header ({height}) is below Tail ({tail})")));
        }
        match &tricks.other {
            Some((above, other)) if height > *above => other.block(height).map_err(refuse),
            _ => self.chain.block(height).map_err(refuse),
        }
    }

    fn header(&self, height: u64) -> Answered {
        Ok(serde_json::to_value(self.block(height)?.header()).expect("JSON"))
    }

    fn rows(&self, height: u64, namespace: celestia_types::nmt::Namespace) -> Answered {
        let mut rows = serde_json::to_value(self.block(height)?.namespace_data(namespace)).expect("JSON");
        let tricks = self.tricks.lock();
        if tricks.withhold_from.is_some_and(|from| height >= from) {
            return Ok(Value::Null);
        }
        if tricks.tamper_from.is_some_and(|from| height >= from) {
            if let Some(share) = rows.pointer_mut("/0/shares/0") {
                // The end of the share, where a blob's data is.
                let mut text = share.as_str().expect("base64").to_owned();
                let at = text.len() - 8;
                text.replace_range(at..=at, if &text[at..=at] == "B" { "C" } else { "B" });
                *share = Value::String(text);
            }
        }
        Ok(rows)
    }
}

impl Proxy {
    async fn start(chain: &Arc<Chain>, tricks: Tricks) -> Self {
        let tricks = Arc::new(Mutex::new(tricks));
        let mut module = RpcModule::new(Served { chain: chain.clone(), tricks: tricks.clone() });
        module
            .register_method("header.LocalHead", |_, served, _| served.header(served.head()))
            .expect("registered");
        module
            .register_method("header.GetByHeight", |params, served, _| served.header(params.one::<u64>()?))
            .expect("registered");
        module
            .register_method("share.GetNamespaceData", |params, served, _| {
                let (height, namespace) = params.parse()?;
                served.rows(height, namespace)
            })
            .expect("registered");
        let server = ServerBuilder::default().build((Ipv4Addr::LOCALHOST, 0)).await.expect("listens");
        let url = format!("http://{}", server.local_addr().expect("bound"));
        Self { url, tricks, server: server.start(module) }
    }
}

fn config(urls: &[&str]) -> CelestiaConfig {
    let endpoints = urls.iter().map(|url| EndpointConfig { url: (*url).to_owned(), token: None }).collect();
    CelestiaConfig {
        poll_interval: Duration::from_millis(5),
        call_timeout: Duration::from_secs(10),
        stale_after: Duration::from_millis(50),
        chain_id: Some(ChainConfig::default().chain_id),
        ..CelestiaConfig::new(endpoints)
    }
}

fn connect(config: CelestiaConfig) -> CelestiaLayer {
    CelestiaLayer::connect(config, params()).expect("connects")
}

type Blocks = BoxStream<'static, Result<VerifiedDaBlock, DaError>>;

async fn next(blocks: &mut Blocks) -> Result<VerifiedDaBlock, DaError> {
    tokio::time::timeout(PATIENCE, blocks.next()).await.expect("in time").expect("never ends")
}

/// Takes blocks up to `last`, which must follow one another from `from` on.
async fn take(blocks: &mut Blocks, from: u64, last: u64) -> Vec<VerifiedDaBlock> {
    let mut taken = Vec::new();
    for height in from..=last {
        let block = next(blocks).await.expect("a block");
        assert_eq!(block.height(), DaHeight(height));
        taken.push(block);
    }
    taken
}

async fn start_local(port: u16, dir: &std::path::Path) -> LocalCelestia {
    LocalCelestia::start(LocalConfig {
        chain: ChainConfig { dir: Some(dir.to_owned()), ..ChainConfig::default() },
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        block_interval: Some(Duration::from_millis(10)),
        ..LocalConfig::default()
    })
    .await
    .expect("starts")
}

async fn follow_through_a_restart(scheme: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let local = start_local(0, dir.path()).await;
    let address = local.url().strip_prefix("http://").expect("an address").to_owned();
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let layer = connect(config(&[&format!("{scheme}://{address}")]));
    let mut blocks = layer.blocks(anchor(local.chain(), 1));
    take(&mut blocks, 2, 20).await;
    let receipt = layer.submit(vec![new_blob(b"before")], fee()).await.expect("posted");
    let seen = take(&mut blocks, 21, receipt.height.0.max(21)).await;
    let posted = seen.iter().find(|block| block.height() == receipt.height);
    let before = posted.map_or(0, |block| block.batch_blobs().len());
    assert_eq!(before, 1);
    local.stop().await.expect("stops");
    let at = seen.last().expect("blocks").height().0;
    // What was fetched ahead comes still; then nothing, until the endpoint is back.
    let local = start_local(port, dir.path()).await;
    let receipt = layer.submit(vec![new_blob(b"after")], fee()).await;
    let receipt = match receipt {
        // The old connection may first have to be found dead.
        Err(DaError::Retry(_) | DaError::UnknownOutcome(_)) => {
            layer.submit(vec![new_blob(b"after")], fee()).await.expect("posted")
        }
        other => other.expect("posted"),
    };
    let seen = take(&mut blocks, at + 1, receipt.height.0).await;
    let last = seen.last().expect("blocks");
    assert_eq!(&last.batch_blobs()[0].data[..], b"after");
    assert_eq!(last.batch_blobs()[0].share_version, 1);
    let account = local.chain().accounts()[0].address();
    assert_eq!(
        last.batch_blobs()[0].signer.map(|signer| signer.to_vec()),
        Some(celestia_types::state::AddressTrait::as_bytes(&account).to_vec())
    );
    assert_eq!(layer.status().alarm, None);
    local.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_follows_through_a_restart_of_the_endpoint() {
    follow_through_a_restart("http").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ws_follows_through_a_restart_of_the_endpoint() {
    follow_through_a_restart("ws").await;
}

#[tokio::test]
async fn another_endpoint_takes_over_from_a_dead_one() {
    let chain = rich_chain();
    (0..20).for_each(|n| {
        produce(&chain, &[n; 600]);
    });
    let (a, b) =
        (Proxy::start(&chain, Tricks::default()).await, Proxy::start(&chain, Tricks::default()).await);
    let layer = connect(CelestiaConfig { fetch_ahead: 2, ..config(&[&a.url, &b.url]) });
    let mut blocks = layer.blocks(anchor(&chain, 1));
    take(&mut blocks, 2, 8).await;
    a.server.stop().expect("stops");
    a.server.stopped().await;
    let rest = take(&mut blocks, 9, 21).await;
    assert!(rest.iter().all(|block| block.batch_blobs().len() == 1));
    let status = layer.status();
    assert_eq!(status.endpoint, b.url);
    assert!(status.endpoints[0].aside.is_some());
    assert_eq!(status.head, DaHeight(21));
}

async fn a_liar_is_named(tricks: Tricks) {
    let chain = rich_chain();
    (0..10).for_each(|n| {
        produce(&chain, &[n; 600]);
    });
    let liar = Proxy::start(&chain, tricks).await;
    let honest = Proxy::start(&chain, Tricks::default()).await;
    let layer = connect(config(&[&liar.url, &honest.url]));
    let all = take(&mut layer.blocks(anchor(&chain, 1)), 2, 11).await;
    for (n, block) in all.iter().enumerate() {
        assert_eq!(block.batch_blobs()[0].data[..], [u8::try_from(n).expect("small"); 600]);
    }
    let status = layer.status();
    assert!(status.verified);
    assert!(status.endpoints[0].lies > 0);
    assert!(status.endpoints[0].aside.as_deref().is_some_and(|why| why.contains("does not verify")));
    assert_eq!((status.endpoint, status.endpoints[1].lies), (honest.url, 0));
}

#[tokio::test]
async fn an_endpoint_that_tampers_is_named_and_another_one_used() {
    a_liar_is_named(Tricks { tamper_from: Some(6), ..Tricks::default() }).await;
}

#[tokio::test]
async fn an_endpoint_that_withholds_is_named_and_another_one_used() {
    a_liar_is_named(Tricks { withhold_from: Some(6), ..Tricks::default() }).await;
}

#[tokio::test]
async fn while_all_lie_no_height_is_skipped() {
    let chain = rich_chain();
    (0..6).for_each(|n| {
        produce(&chain, &[n; 600]);
    });
    let liar = Proxy::start(&chain, Tricks { tamper_from: Some(5), ..Tricks::default() }).await;
    let layer = connect(config(&[&liar.url]));
    let mut blocks = layer.blocks(anchor(&chain, 1));
    take(&mut blocks, 2, 4).await;
    let mut stuck = Box::pin(next(&mut blocks));
    while layer.status().alarm.is_none() {
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut stuck).await.is_err());
    }
    assert!(layer.status().alarm.is_some_and(|alarm| alarm.contains("height 5")));
    *liar.tricks.lock() = Tricks::default();
    assert_eq!(stuck.await.expect("a block").height(), DaHeight(5));
    take(&mut blocks, 6, 7).await;
    assert_eq!(layer.status().alarm, None);
}

#[tokio::test]
async fn a_trusted_endpoint_is_believed_and_the_status_says_so() {
    let chain = rich_chain();
    produce(&chain, &[1; 600]);
    let liar = Proxy::start(&chain, Tricks { tamper_from: Some(1), ..Tricks::default() }).await;
    let layer = connect(CelestiaConfig { verify: VerifyMode::TrustedEndpoint, ..config(&[&liar.url]) });
    let block = take(&mut layer.blocks(anchor(&chain, 1)), 2, 2).await.remove(0);
    assert_eq!(block.batch_blobs().len(), 1);
    assert_ne!(block.batch_blobs()[0].data[..], [1; 600]);
    assert!(!layer.status().verified);
}

#[tokio::test]
async fn an_endpoint_that_stands_still_is_left() {
    let chain = rich_chain();
    (0..4).for_each(|n| {
        produce(&chain, &[n; 600]);
    });
    let lags = Proxy::start(&chain, Tricks { lag_at: Some(3), ..Tricks::default() }).await;
    let honest = Proxy::start(&chain, Tricks::default()).await;
    let layer = connect(config(&[&lags.url, &honest.url]));
    take(&mut layer.blocks(anchor(&chain, 1)), 2, 5).await;
}

#[tokio::test]
async fn what_only_a_person_can_mend_stops_with_a_sentence() {
    let chain = rich_chain();
    (0..4).for_each(|n| {
        produce(&chain, &[n; 600]);
    });
    let pruned = Proxy::start(&chain, Tricks { tail: Some(4), ..Tricks::default() }).await;
    let error =
        next(&mut connect(config(&[&pruned.url])).blocks(anchor(&chain, 3))).await.expect_err("stops");
    assert!(matches!(&error, DaError::Stop(why) if why.contains("no longer keeps height 3")), "{error}");

    let layer = connect(config(&[&pruned.url]));
    let wrong = Anchor { height: DaHeight(4), hash: weft_types::B256::repeat_byte(9) };
    let error = next(&mut layer.blocks(wrong)).await.expect_err("stops");
    assert!(matches!(&error, DaError::Stop(why) if why.contains("checkpoint in genesis")), "{error}");

    let other = CelestiaConfig { chain_id: Some("celestia".into()), ..config(&[&pruned.url]) };
    let error = next(&mut connect(other).blocks(anchor(&chain, 4))).await.expect_err("stops");
    assert!(matches!(&error, DaError::Stop(why) if why.contains("weft-local")), "{error}");

    assert!(matches!(CelestiaLayer::connect(config(&[]), params()), Err(DaError::Stop(_))));
    assert!(matches!(CelestiaLayer::connect(config(&["ftp://x"]), params()), Err(DaError::Stop(_))));
}

#[tokio::test]
async fn two_valid_headers_at_one_height_stop_with_evidence() {
    let (chain, fork) = (rich_chain(), rich_chain());
    produce(&chain, b"one");
    (0..2).for_each(|_| {
        produce(&fork, b"another");
    });
    let a = Proxy::start(&chain, Tricks::default()).await;
    let b = Proxy::start(&chain, Tricks { other: Some((2, fork)), ..Tricks::default() }).await;
    let dir = tempfile::tempdir().expect("a folder");
    let layer =
        connect(CelestiaConfig { evidence_dir: Some(dir.path().to_owned()), ..config(&[&a.url, &b.url]) });
    let mut blocks = layer.blocks(anchor(&chain, 1));
    take(&mut blocks, 2, 2).await;
    produce(&chain, b"two");
    let error = loop {
        match next(&mut blocks).await {
            Ok(block) => assert_eq!(block.height(), DaHeight(3)),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, DaError::Stop(why) if why.contains("two headers at height 3")), "{error}");
    let kept = std::fs::read(dir.path().join("equivocation-3.json")).expect("kept");
    let headers: Vec<ExtendedHeader> = serde_json::from_slice(&kept).expect("headers");
    assert_ne!(headers[0].hash(), headers[1].hash());
}

async fn served(accounts: &[(&str, u64)]) -> (LocalCelestia, CelestiaLayer) {
    let accounts = accounts.iter().map(|(name, utia)| ((*name).to_owned(), *utia)).collect();
    let local = LocalCelestia::start(LocalConfig {
        chain: ChainConfig { accounts, ..ChainConfig::default() },
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        block_interval: Some(Duration::from_millis(10)),
        ..LocalConfig::default()
    })
    .await
    .expect("starts");
    let layer = connect(config(&[&local.url()]));
    (local, layer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_submissions_are_sorted() {
    let (poor, layer) = served(&[("node", 10)]).await;
    let account = poor.chain().accounts()[0].address().to_string();
    let error = layer.submit(vec![new_blob(b"data")], fee()).await.expect_err("no money");
    assert!(
        matches!(&error, DaError::Stop(why) if why.contains(&account) && why.contains("send TIA")),
        "{error}"
    );

    let (_rich, layer) = served(&[("node", 1_000_000_000_000)]).await;
    let cheap = Fee { price: Some(GasPrice(1_000)), ..fee() };
    let error = layer.submit(vec![new_blob(b"data")], cheap).await.expect_err("too cheap");
    assert!(matches!(error, DaError::RaisePrice(_)), "{error}");

    let error = layer.submit(vec![new_blob(&vec![1; 9 << 20])], fee()).await.expect_err("too large");
    assert!(matches!(error, DaError::TooLarge(_)), "{error}");

    // The largest that fits, which celestia-rpc's own client can't send.
    let receipt = layer.submit(vec![new_blob(&vec![1; 7_800_000])], fee()).await.expect("posted");
    let head = layer.head().await.expect("a head");
    assert!(head.height >= receipt.height);
}
