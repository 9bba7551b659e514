//! The publisher against a toy chain whose derivation is a few lines, so that every outcome can be forced.

use super::*;
use crate::blob::NewBlob;
use crate::layer::{Anchor, DaError, DaHead, DaReceipt, Fee, LayerStatus};
use crate::verify::VerifiedDaBlock;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{HashMap, HashSet, VecDeque};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// What happens to one submission.
#[derive(Clone, Debug)]
enum Fate {
    /// In the next block, and its caller hears of it.
    Lands,
    /// In the next block but for these many; its caller hears nothing.
    LandsUnheard(u64),
    /// Nowhere; its caller hears nothing.
    Lost,
    /// In two blocks.
    Twice,
    /// In the next block, blobs in reverse.
    Reversed,
    /// Its caller hears that it is in, and it is not.
    Claimed,
    /// Refused.
    Refused(DaError),
    /// Accepted, and the call never returns.
    Hangs,
}

type Posted = (Vec<Bytes>, u64, Option<oneshot::Sender<u64>>);

struct Chain {
    mempool: Vec<Posted>,
    height: u64,
    tip: (Height, B256),
    chunks: HashMap<u64, HashSet<usize>>,
    /// Number of times that each blob is on the chain.
    blobs: HashMap<B256, u32>,
    history: HashMap<Height, B256>,
}

struct Toy {
    chain: Mutex<Chain>,
    fates: Mutex<VecDeque<Fate>>,
    min_price: Mutex<GasPrice>,
    bytes_max: Mutex<usize>,
    unfunded: Mutex<bool>,
    calls: Notify,
}

fn hash_at(height: u64) -> B256 {
    B256::left_padding_from(&height.to_be_bytes())
}

/// One batch of one block, in `chunks` blobs of `bytes`.
fn batch(no: u64, chunks: usize, bytes: usize) -> PreparedBatch {
    let blob = |index: usize| {
        let mut text = format!("{no} {index} {chunks} ").into_bytes();
        text.resize(bytes.max(text.len()), b'.');
        Bytes::from(text)
    };
    PreparedBatch {
        batch_no: no,
        first_height: Height(no),
        last_height: Height(no),
        prev_order_hash: hash_at(no - 1),
        order_hash: hash_at(no),
        blobs: (0..chunks).map(blob).collect(),
    }
}

impl Toy {
    fn new() -> Arc<Self> {
        let chain = Chain {
            mempool: Vec::new(),
            height: 1,
            tip: (Height(0), hash_at(0)),
            chunks: HashMap::new(),
            blobs: HashMap::new(),
            history: HashMap::new(),
        };
        Arc::new(Self {
            chain: Mutex::new(chain),
            fates: Mutex::new(VecDeque::new()),
            min_price: Mutex::new(GasPrice::NODE_FLOOR),
            bytes_max: Mutex::new(usize::MAX),
            unfunded: Mutex::new(false),
            calls: Notify::new(),
        })
    }

    /// Makes a block of what is due, and derives it.
    fn produce(&self) -> Seen {
        let mut chain = self.chain.lock();
        chain.height += 1;
        let (due, later) =
            std::mem::take(&mut chain.mempool).into_iter().partition::<Vec<_>, _>(|p| p.1 == 0);
        chain.mempool = later.into_iter().map(|(blobs, wait, reply)| (blobs, wait - 1, reply)).collect();
        let (mut blobs, mut blocks, mut discarded) = (Vec::new(), Vec::new(), Vec::new());
        for (posted, _, reply) in due {
            for blob in posted {
                let hash = blob_hash(&blob);
                blobs.push(hash);
                *chain.blobs.entry(hash).or_default() += 1;
                if let Some(reason) = chain.derive(&blob, &mut blocks) {
                    discarded.push((hash, reason));
                }
            }
            if let Some(reply) = reply {
                let _ = reply.send(chain.height);
            }
        }
        Seen { da_height: DaHeight(chain.height), blobs, blocks, tip: chain.tip, discarded }
    }

    /// Somebody else's block takes the next height.
    fn foreign_block(&self) -> Seen {
        let mut chain = self.chain.lock();
        chain.height += 1;
        chain.tip = (chain.tip.0.next(), B256::repeat_byte(0xff));
        let tip = chain.tip;
        Seen { da_height: DaHeight(chain.height), blobs: vec![], blocks: vec![tip], tip, discarded: vec![] }
    }

    fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        self.fates.lock().extend(fates);
    }

    fn times_on_chain(&self, blob: &Bytes) -> u32 {
        self.chain.lock().blobs.get(&blob_hash(blob)).copied().unwrap_or_default()
    }
}

impl Chain {
    fn derive(&mut self, blob: &[u8], blocks: &mut Vec<(Height, B256)>) -> Option<String> {
        let text = String::from_utf8_lossy(blob);
        let mut numbers = text.split(' ').map(|word| word.parse::<usize>().unwrap_or_default());
        let mut number = || numbers.next().unwrap_or_default();
        let (no, index, count) = (number() as u64, number(), number());
        let chunks = self.chunks.entry(no).or_default();
        chunks.insert(index);
        if chunks.len() < count {
            return None;
        }
        self.chunks.remove(&no);
        if self.tip != (Height(no - 1), hash_at(no - 1)) {
            return Some("it does not begin at the tip".into());
        }
        self.tip = (Height(no), hash_at(no));
        self.history.insert(self.tip.0, self.tip.1);
        blocks.push(self.tip);
        None
    }
}

#[async_trait]
impl DaLayer for Toy {
    async fn head(&self) -> Result<DaHead, DaError> {
        let height = DaHeight(self.chain.lock().height);
        Ok(DaHead { height, hash: B256::ZERO, time_ms: 0 })
    }

    fn blocks(&self, _: Anchor) -> BoxStream<'static, Result<VerifiedDaBlock, DaError>> {
        stream::pending().boxed()
    }

    async fn submit(&self, blobs: Vec<NewBlob>, fee: Fee) -> Result<DaReceipt, DaError> {
        self.calls.notify_one();
        let mut blobs: Vec<Bytes> = blobs.into_iter().map(|blob| blob.data).collect();
        if *self.unfunded.lock() {
            return Err(DaError::Stop("send TIA to celestia1abc".into()));
        }
        if fee.price.unwrap_or(GasPrice::NODE_FLOOR) < *self.min_price.lock() {
            return Err(DaError::RaisePrice("insufficient fee".into()));
        }
        if blobs.iter().map(Bytes::len).sum::<usize>() > *self.bytes_max.lock() {
            return Err(DaError::TooLarge("MaxTxSize".into()));
        }
        let unknown = Err(DaError::UnknownOutcome("the reply was lost".into()));
        let fate = self.fates.lock().pop_front().unwrap_or(Fate::Lands);
        let post = |blobs, wait, reply| self.chain.lock().mempool.push((blobs, wait, reply));
        match fate {
            Fate::Refused(error) => return Err(error),
            Fate::Lost => return unknown,
            Fate::Claimed => return Ok(DaReceipt { height: DaHeight(self.chain.lock().height + 1_000_000) }),
            Fate::LandsUnheard(wait) => {
                post(blobs, wait, None);
                return unknown;
            }
            Fate::Hangs => {
                post(blobs, 0, None);
                return std::future::pending().await;
            }
            Fate::Twice => post(blobs.clone(), 1, None),
            Fate::Reversed => blobs.reverse(),
            Fate::Lands => {}
        }
        let (reply, landed) = oneshot::channel();
        post(blobs, 0, Some(reply));
        let height = landed.await.map_err(|_| DaError::UnknownOutcome("gone".into()))?;
        Ok(DaReceipt { height: DaHeight(height) })
    }

    fn status(&self) -> LayerStatus {
        LayerStatus {
            head: DaHeight(self.chain.lock().height),
            endpoint: "toy".into(),
            verified: true,
            endpoints: vec![],
            alarm: None,
        }
    }
}

fn config() -> PublisherConfig {
    let namespace = Namespace::new_v0(*b"weft-batch").expect("a user namespace");
    PublisherConfig {
        settle_blocks: 4,
        retry_min: Duration::from_millis(1),
        retry_max: Duration::from_millis(4),
        transaction_bytes_max: 100_000,
        ..PublisherConfig::new(namespace)
    }
}

struct Bench {
    toy: Arc<Toy>,
    dir: tempfile::TempDir,
    publisher: Publisher,
    events: broadcast::Receiver<PublisherEvent>,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn start(toy: Arc<Toy>, dir: tempfile::TempDir, config: PublisherConfig) -> Self {
        let publisher = Publisher::open(dir.path(), toy.clone(), config).expect("opens");
        let events = publisher.subscribe();
        {
            let chain = toy.chain.lock();
            publisher.resume(DaHeight(chain.height), chain.tip, |height| chain.history.get(&height).copied());
        }
        let cancel = CancellationToken::new();
        let task = tokio::spawn({
            let (publisher, cancel) = (publisher.clone(), cancel.clone());
            async move { publisher.run(cancel).await }
        });
        Self { toy, dir, publisher, events, cancel, task }
    }

    fn new() -> Self {
        Self::start(Toy::new(), tempfile::tempdir().expect("a folder"), config())
    }

    /// The process dies here and starts again.
    async fn restart(self) -> Self {
        self.cancel.cancel();
        self.task.await.expect("the loop ends");
        Self::start(self.toy, self.dir, config())
    }

    async fn submit(&self, batch: &PreparedBatch) {
        self.publisher.submit_batch(batch.clone()).await.expect("taken");
    }

    /// Makes Celestia blocks until `done`; what is waited for is the chain itself.
    async fn blocks_until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        for _ in 0..10_000 {
            if done(self) {
                return;
            }
            ticks.tick().await;
            let seen = self.toy.produce();
            self.publisher.tell(&seen);
        }
        panic!("never: {what}; {:?}", self.publisher.status());
    }

    async fn all_included(&mut self, last: u64) {
        self.blocks_until("all included", |bench| bench.publisher.status().included == Some(last)).await;
        assert_eq!(self.publisher.backlog(), Backlog::default());
        assert_eq!(self.toy.chain.lock().tip, (Height(last), hash_at(last)));
    }

    fn drain(&mut self) -> Vec<PublisherEvent> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

#[tokio::test]
async fn batches_are_included_in_order_and_their_files_go() {
    let mut bench = Bench::new();
    for no in 1..=20 {
        bench.submit(&batch(no, 2, 100)).await;
    }
    assert_eq!(bench.publisher.last_height(), Some(Height(20)));
    bench.all_included(20).await;
    let numbers: Vec<u64> = bench
        .drain()
        .into_iter()
        .map(|event| match event {
            PublisherEvent::Included { batch_no, .. } => batch_no,
            dropped => panic!("{dropped:?}"),
        })
        .collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    assert_eq!(bench.publisher.status().resent, 0);
    let bench = bench.restart().await;
    assert_eq!(bench.publisher.backlog(), Backlog::default());
}

/// Every class of outcome, in random order and with restarts: nothing is lost, nothing wedges.
#[tokio::test]
async fn no_sequence_of_faults_loses_a_batch() {
    for seed in 0..12_u64 {
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let mut bench = Bench::new();
        for no in 1..=15 {
            let fate = match random.random_range(0..9) {
                0 => Fate::LandsUnheard(random.random_range(0..3)),
                // Past the heights that are looked at: it lands after it was sent again.
                1 => Fate::LandsUnheard(8),
                2 => Fate::Lost,
                3 => Fate::Twice,
                4 => Fate::Reversed,
                5 => Fate::Claimed,
                6 => Fate::Refused(DaError::Retry("account sequence mismatch".into())),
                7 => Fate::Refused(DaError::RaisePrice("insufficient fee".into())),
                _ => Fate::Lands,
            };
            bench.toy.fates([fate]);
            bench.submit(&batch(no, random.random_range(1..4), random.random_range(20..60_000))).await;
            if random.random_range(0..4) == 0 {
                let height = bench.toy.chain.lock().height;
                bench.blocks_until("a few blocks", |bench| bench.toy.chain.lock().height > height + 2).await;
            }
            if random.random_range(0..5) == 0 {
                bench = bench.restart().await;
            }
        }
        bench.all_included(15).await;
        assert!(bench.drain().iter().all(|event| matches!(event, PublisherEvent::Included { .. })));
    }
}

#[tokio::test]
async fn killed_before_sending_it_is_sent_after_the_start() {
    let bench = Bench::new();
    // The loop ends before the batch comes.
    bench.cancel.cancel();
    bench.submit(&batch(1, 1, 50)).await;
    let mut bench = bench.restart().await;
    bench.all_included(1).await;
    assert_eq!(bench.toy.times_on_chain(&batch(1, 1, 50).blobs[0]), 1);
}

#[tokio::test]
async fn killed_before_the_reply_it_is_looked_for_and_not_sent_again() {
    let bench = Bench::new();
    bench.toy.fates([Fate::Hangs]);
    bench.submit(&batch(1, 1, 50)).await;
    bench.toy.calls.notified().await;
    let mut bench = bench.restart().await;
    bench.all_included(1).await;
    assert_eq!(bench.toy.times_on_chain(&batch(1, 1, 50).blobs[0]), 1);
    assert_eq!(bench.publisher.status().sent, 0);
}

#[tokio::test]
async fn landed_while_the_node_was_down_it_is_found_at_the_start() {
    let bench = Bench::new();
    bench.toy.fates([Fate::Hangs]);
    bench.submit(&batch(1, 1, 50)).await;
    bench.toy.calls.notified().await;
    // Derivation has it, and the process dies before the publisher hears.
    bench.toy.produce();
    let bench = bench.restart().await;
    assert_eq!(bench.publisher.status().included, Some(1));
    assert_eq!(bench.publisher.backlog(), Backlog::default());
}

#[tokio::test]
async fn an_unheard_submission_is_not_paid_twice() {
    let mut bench = Bench::new();
    bench.toy.fates([Fate::LandsUnheard(3)]);
    bench.submit(&batch(1, 1, 50)).await;
    bench.all_included(1).await;
    assert_eq!(bench.toy.times_on_chain(&batch(1, 1, 50).blobs[0]), 1);
}

#[tokio::test]
async fn the_price_is_raised_to_the_ceiling_and_no_further() {
    let mut bench = Bench::new();
    *bench.toy.min_price.lock() = GasPrice(20_000_000);
    bench.submit(&batch(1, 1, 50)).await;
    bench.all_included(1).await;
    assert!(bench.publisher.status().price.is_some_and(|price| price <= config().price_ceiling));
    *bench.toy.min_price.lock() = GasPrice(config().price_ceiling.0 + 1);
    bench.submit(&batch(2, 1, 50)).await;
    bench.blocks_until("an alarm", |bench| bench.publisher.status().alarm.is_some()).await;
    let status = bench.publisher.status();
    assert_eq!(status.price, Some(config().price_ceiling));
    assert!(status.alarm.is_some_and(|alarm| alarm.contains("ceiling of 0.4 utia/gas")));
    *bench.toy.min_price.lock() = GasPrice::NODE_FLOOR;
    bench.all_included(2).await;
    assert_eq!(bench.publisher.status().alarm, None);
}

#[tokio::test]
async fn what_is_too_large_is_split_between_batches_and_within_them() {
    let mut bench = Bench::new();
    *bench.toy.bytes_max.lock() = 30_000;
    bench.submit(&batch(1, 3, 20_000)).await;
    bench.submit(&batch(2, 1, 20_000)).await;
    bench.all_included(2).await;
    *bench.toy.bytes_max.lock() = 10_000;
    bench.submit(&batch(3, 1, 20_000)).await;
    bench.blocks_until("an alarm", |bench| bench.publisher.status().alarm.is_some()).await;
    assert!(bench.publisher.status().alarm.is_some_and(|alarm| alarm.contains("no blob of 20000 bytes")));
    *bench.toy.bytes_max.lock() = 30_000;
    bench.all_included(3).await;
}

#[tokio::test]
async fn an_empty_account_is_an_alarm_until_it_is_filled() {
    let mut bench = Bench::new();
    *bench.toy.unfunded.lock() = true;
    bench.submit(&batch(1, 1, 50)).await;
    bench.blocks_until("an alarm", |bench| bench.publisher.status().alarm.is_some()).await;
    assert_eq!(bench.publisher.status().alarm.as_deref(), Some("send TIA to celestia1abc"));
    *bench.toy.unfunded.lock() = false;
    bench.all_included(1).await;
}

#[tokio::test]
async fn a_batch_whose_height_is_taken_is_dropped_with_all_that_build_on_it() {
    let mut bench = Bench::new();
    bench.cancel.cancel();
    for no in 1..=3 {
        bench.submit(&batch(no, 1, 50)).await;
    }
    let seen = bench.toy.foreign_block();
    bench.publisher.tell(&seen);
    let events = bench.drain();
    assert_eq!(events.len(), 3);
    let why = |at: usize| match &events[at] {
        PublisherEvent::Dropped { why, .. } => why.clone(),
        included => panic!("{included:?}"),
    };
    assert_eq!(why(0), "derivation has another block at height 1");
    assert_eq!(why(1), "it builds on batch 1, which was dropped");
    assert_eq!(bench.publisher.backlog(), Backlog::default());
    // What is batched anew on the tip goes through.
    let next = PreparedBatch { prev_order_hash: B256::repeat_byte(0xff), ..batch(2, 1, 50) };
    bench.submit(&next).await;
    let bench = bench.restart().await;
    assert_eq!(bench.publisher.backlog().batches, 1);
}

#[tokio::test]
async fn a_batch_that_is_discarded_again_and_again_is_dropped_with_the_reason() {
    let mut bench = Bench::new();
    let bad = PreparedBatch { blobs: batch(9, 1, 50).blobs, ..batch(1, 1, 50) };
    bench.submit(&bad).await;
    bench.blocks_until("dropped", |bench| bench.publisher.backlog().batches == 0).await;
    let why = "derivation discarded it 3 times: it does not begin at the tip".to_owned();
    let (first_height, last_height) = (Height(1), Height(1));
    assert_eq!(bench.drain(), vec![PublisherEvent::Dropped { batch_no: 1, first_height, last_height, why }]);
    assert_eq!(bench.toy.times_on_chain(&bad.blobs[0]), 3);
}

#[tokio::test]
async fn a_full_queue_refuses_and_goes_on_posting() {
    let config = PublisherConfig { batches_max: 2, ..config() };
    let mut bench = Bench::start(Toy::new(), tempfile::tempdir().expect("a folder"), config);
    bench.submit(&batch(1, 1, 50)).await;
    bench.submit(&batch(2, 1, 50)).await;
    let full = bench.publisher.submit_batch(batch(3, 1, 50)).await;
    assert!(matches!(full, Err(PublisherError::Full { batches: 2, .. })));
    let twice = bench.publisher.submit_batch(PreparedBatch { blobs: vec![], ..batch(3, 1, 50) }).await;
    assert!(matches!(twice, Err(PublisherError::Empty(3))));
    bench.all_included(2).await;
    bench.submit(&batch(3, 1, 50)).await;
    let order = bench.publisher.submit_batch(batch(5, 1, 50)).await;
    assert!(matches!(order, Err(PublisherError::OutOfOrder { batch_no: 5, after: 3 })));
    bench.all_included(3).await;
}
