//! The layer's faults, and the publisher over it with the real verifier and the real derivation.

use super::*;
use crate::batch::{self, Batch, SequencedBlock};
use crate::derive::{DerivationState, derive};
use crate::layer::GasPrice;
use crate::local::ChainConfig;
use crate::publisher::{PreparedBatch, Publisher, PublisherConfig};
use crate::signature::SequencerKey;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use weft_types::{B256, Bytes, DerivedBlock, Height, Transaction, VmId, hash};

const BEGIN_MS: u64 = 1_700_000_000_000;

fn key() -> SequencerKey {
    SequencerKey::from_bytes([7; 32]).expect("a key")
}

fn layer() -> MemoryLayer {
    let now = Time::from_unix_timestamp(1_700_000_000, 0).expect("a time");
    let chain = Chain::open(&ChainConfig::default(), now).expect("a chain");
    let params = DerivationParams {
        chain_id: 31_337,
        genesis_hash: B256::repeat_byte(1),
        batch_namespace: Namespace::new_v0(*b"weft-batch").expect("a user namespace"),
        forced_namespace: Namespace::new_v0(*b"weft-force").expect("a user namespace"),
        da_start: DaHeight(2),
        genesis_time_ms: BEGIN_MS,
        sequencers: vec![key().address()],
        hybrid: false,
        forced_window: 100,
        failover_window: 1_000,
        origin_window: 1_000,
        max_drift_ms: 10_000,
        block_bytes_max: 1 << 20,
        forced_bytes_max: 1 << 20,
    };
    MemoryLayer::new(Arc::new(chain), params)
}

fn blob(data: &[u8]) -> NewBlob {
    let namespace = Namespace::new_v0(*b"weft-batch").expect("a user namespace");
    NewBlob { namespace, data: Bytes::copy_from_slice(data) }
}

fn fee() -> Fee {
    Fee { price: None, ceiling: GasPrice(400_000_000) }
}

#[tokio::test]
async fn each_fault_does_what_it_says() {
    let layer = layer();
    let mut blocks = layer.blocks(layer.anchor());
    let mut next = async |layer: &MemoryLayer| {
        layer.produce(BEGIN_MS).expect("made");
        let block = blocks.next().await.expect("never ends").expect("verifies");
        block.batch_blobs().iter().map(|blob| blob.data[0]).collect::<Vec<_>>()
    };
    layer.plan([
        MemoryFault::DropReply,
        MemoryFault::Lose,
        MemoryFault::Delay(1),
        MemoryFault::Refuse(DaError::TooLarge("no".into())),
    ]);
    let submit = |data: &'static [u8]| layer.submit(data.iter().map(|b| blob(&[*b])).collect(), fee());
    assert!(matches!(submit(&[1]).await, Err(DaError::UnknownOutcome(_))));
    assert!(matches!(submit(&[2]).await, Err(DaError::UnknownOutcome(_))));
    assert!(matches!(submit(&[3]).await, Err(DaError::UnknownOutcome(_))));
    assert!(matches!(submit(&[4]).await, Err(DaError::TooLarge(_))));
    assert_eq!(next(&layer).await, [1]);
    assert_eq!(next(&layer).await, [3]);

    layer.plan([MemoryFault::Duplicate, MemoryFault::Reorder, MemoryFault::Disconnect(2)]);
    let (first, second) = (submit(&[5]), submit(&[6, 7]));
    let (seen, first, second) = futures::join!(
        async {
            tokio::task::yield_now().await;
            next(&layer).await
        },
        first,
        second
    );
    assert_eq!((seen, first.is_ok(), second.is_ok()), (vec![5, 7, 6], true, true));
    assert_eq!(next(&layer).await, [5]);

    assert!(matches!(submit(&[8]).await, Err(DaError::Retry(_))));
    assert!(layer.head().await.is_err());
    layer.produce(BEGIN_MS).expect("made");
    assert!(layer.status().alarm.is_some());
    assert!(matches!(submit(&[9]).await, Err(DaError::Retry(_))));
    // What was made meanwhile comes when it answers again, none skipped.
    assert!(next(&layer).await.is_empty());
    assert!(next(&layer).await.is_empty());
    assert_eq!(layer.head().await.map(|head| head.height), Ok(DaHeight(8)));
}

/// A chain of one-transaction blocks, each in a batch of its own.
fn batches(params: &DerivationParams, count: u64, bytes: usize, random: &mut StdRng) -> Vec<PreparedBatch> {
    let mut tip = DerivationState::genesis(params).tip();
    let mut prepare = |batch_no: u64| {
        let mut payload = vec![0; bytes];
        random.fill(&mut payload[..]);
        let transaction = Transaction { vm: VmId::EVM, payload: payload.into() };
        let (height, prev_order_hash, timestamp_ms) = (tip.height.next(), tip.order_hash, BEGIN_MS);
        let root = DerivedBlock::ordered_root([&transaction]);
        tip.order_hash = hash::order_hash(prev_order_hash, height.0, timestamp_ms, tip.origin.0, root);
        tip.height = height;
        let batch = Batch {
            chain_id: params.chain_id,
            sequencer: key().address(),
            batch_no,
            first_height: height,
            prev_order_hash,
            blocks: vec![SequencedBlock::new(timestamp_ms, tip.origin, [&transaction])],
        };
        let blobs = batch::encode(batch, &key(), 3_000).expect("encodes");
        let order_hash = tip.order_hash;
        PreparedBatch {
            batch_no,
            first_height: height,
            last_height: height,
            prev_order_hash,
            order_hash,
            blobs,
        }
    };
    (0..count).map(&mut prepare).collect()
}

/// A node in small: derives, and tells its publisher. Dies and comes back with its derivation state.
struct Node {
    layer: MemoryLayer,
    state: DerivationState,
    anchor: Anchor,
    order_hashes: Vec<B256>,
    dir: tempfile::TempDir,
    publisher: Publisher,
    stop: CancellationToken,
}

impl Node {
    fn start(
        layer: MemoryLayer,
        state: DerivationState,
        anchor: Anchor,
        order_hashes: Vec<B256>,
        dir: tempfile::TempDir,
    ) -> Self {
        let config = PublisherConfig {
            settle_blocks: 3,
            retry_min: Duration::from_millis(1),
            retry_max: Duration::from_millis(5),
            transaction_bytes_max: 10_000,
            ..PublisherConfig::new(layer.0.params.batch_namespace)
        };
        let publisher = Publisher::open(dir.path(), Arc::new(layer.clone()), config).expect("opens");
        let tip = state.tip();
        publisher.resume(anchor.height, (tip.height, tip.order_hash), |height: Height| {
            order_hashes.get(usize::try_from(height.0).expect("small")).copied()
        });
        let stop = CancellationToken::new();
        let (running, cancel) = (publisher.clone(), stop.clone());
        tokio::spawn(async move { running.run(cancel).await });
        Self { layer, state, anchor, order_hashes, dir, publisher, stop }
    }

    fn restart(self) -> Self {
        self.stop.cancel();
        Self::start(self.layer, self.state, self.anchor, self.order_hashes, self.dir)
    }

    /// Makes Celestia blocks and derives each, until the tip is at `height`.
    async fn run_to(&mut self, height: Height) {
        let mut blocks = self.layer.blocks(self.anchor);
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        for _ in 0..5_000 {
            if self.state.tip().height >= height {
                return;
            }
            ticks.tick().await;
            self.layer.produce(BEGIN_MS).expect("made");
            // None comes while it is disconnected.
            while let Some(Some(block)) = futures::FutureExt::now_or_never(blocks.next()) {
                let block = block.expect("verifies");
                let derivation = derive(&self.layer.0.params, self.state.clone(), &block);
                self.publisher.landed(&block, &derivation);
                self.order_hashes.extend(derivation.blocks.iter().map(|landed| landed.block.order_hash));
                self.state = derivation.state;
                self.anchor = Anchor { height: block.height(), hash: block.hash() };
            }
        }
        panic!("derivation stands at {}: {:?}", self.state.tip().height, self.publisher.status());
    }
}

/// Batches in chunks, over several transactions, through every fault and restarts: all are derived, in order.
#[tokio::test]
async fn what_is_published_is_derived_through_every_fault() {
    for seed in 0..4_u64 {
        println!("seed {seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let layer = layer();
        let params = layer.0.params.clone();
        let genesis = DerivationState::genesis(&params);
        let (anchor, origin) = (layer.anchor(), vec![genesis.tip().order_hash]);
        let mut node = Node::start(layer, genesis, anchor, origin, tempfile::tempdir().expect("a folder"));
        let prepared = batches(&params, 12, 5_000, &mut random);
        for batch in &prepared {
            let fault = match random.random_range(0..8) {
                0 => MemoryFault::DropReply,
                1 => MemoryFault::Lose,
                2 => MemoryFault::Delay(random.random_range(0..6)),
                3 => MemoryFault::Duplicate,
                4 => MemoryFault::Reorder,
                5 => MemoryFault::Refuse(DaError::Retry("account sequence mismatch".into())),
                6 => MemoryFault::Disconnect(3),
                _ => MemoryFault::Pass,
            };
            node.layer.plan([fault]);
            node.publisher.submit_batch(batch.clone()).await.expect("taken");
            if random.random_range(0..4) == 0 {
                node = node.restart();
            }
            if random.random_range(0..3) == 0 {
                node.run_to(Height(node.state.tip().height.0 + 1)).await;
            }
        }
        node.run_to(Height(12)).await;
        assert_eq!(node.state.tip().order_hash, prepared[11].order_hash);
        assert_eq!(node.publisher.backlog().batches, 0);
        node.stop.cancel();
    }
}

#[tokio::test]
async fn a_batch_too_large_for_the_chain_is_cut_smaller() {
    let config = ChainConfig { max_side: 4, ..ChainConfig::default() };
    let now = Time::from_unix_timestamp(1_700_000_000, 0).expect("a time");
    let chain = Arc::new(Chain::open(&config, now).expect("a chain"));
    let layer = MemoryLayer::new(chain, layer().0.params.clone());
    let params = layer.0.params.clone();
    let genesis = DerivationState::genesis(&params);
    let (anchor, origin) = (layer.anchor(), vec![genesis.tip().order_hash]);
    let mut node = Node::start(layer, genesis, anchor, origin, tempfile::tempdir().expect("a folder"));
    let mut prepared = batches(&params, 1, 9_000, &mut StdRng::seed_from_u64(1)).remove(0);
    // One blob of 20 shares, where a square of 16 has room for less.
    prepared.blobs = batch::recut(&prepared.blobs, 1 << 20).expect("ours").expect("fits");
    node.publisher.submit_batch(prepared).await.expect("taken");
    node.run_to(Height(1)).await;
    node.stop.cancel();
}
