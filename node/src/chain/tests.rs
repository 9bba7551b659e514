//! Tests of the chain over a real router, EVM and store.

use super::*;
use crate::plugins;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use weft_genesis::Devnet;
use weft_router::{ExecutedBlock, Router};
use weft_state::{JmtTree, Kv, MemoryKv};
use weft_types::{AccountId, DaHeight, DerivedBlock, OrderedTransaction, Transaction, VmId, hash};

const SEQUENCER: Address = Address::repeat_byte(5);

fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a key")
}

pub(super) fn genesis() -> Arc<Genesis> {
    Arc::new(Genesis::devnet(Devnet {
        timestamp_ms: 1_760_000_000_000,
        celestia_chain_id: "weft-local".into(),
        checkpoint: (DaHeight(1), B256::repeat_byte(7)),
        sequencers: vec![SEQUENCER],
        accounts: vec![AccountId::from_evm(signer().address())],
    }))
}

fn open(kv: &Arc<dyn Kv>) -> Arc<Chain> {
    let genesis = genesis();
    let machines = plugins::machines(&genesis).expect("an EVM");
    let router = Router::new(Arc::clone(&genesis), machines.all, Arc::new(JmtTree)).expect("a router");
    let store = Store::on(Arc::clone(kv), genesis.hash()).expect("a store");
    Chain::open(Arc::new(router), store, Bytes::from_static(b"start")).expect("a chain")
}

pub(super) fn memory() -> Arc<dyn Kv> {
    Arc::new(MemoryKv::default())
}

fn transfer(nonce: u64, to: Address) -> OrderedTransaction {
    let transaction = TxEip1559 {
        chain_id: Devnet::CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(to),
        value: U256::from(1_000),
        ..TxEip1559::default()
    };
    let signature = signer().sign_hash_sync(&transaction.signature_hash()).expect("signs");
    let payload = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
    OrderedTransaction { transaction: Transaction { vm: VmId::EVM, payload: payload.into() }, forced: false }
}

/// A block on top of `parent` that pays `to`, once for each nonce.
fn block(parent: &BlockRecord, nonces: std::ops::Range<u64>, to: u8) -> DerivedBlock {
    block_of(parent, nonces.map(|nonce| transfer(nonce, Address::repeat_byte(to))).collect())
}

/// A block on top of `parent`.
pub(super) fn block_of(parent: &BlockRecord, transactions: Vec<OrderedTransaction>) -> DerivedBlock {
    let root = DerivedBlock::ordered_root(transactions.iter().map(|ordered| &ordered.transaction));
    let (height, timestamp_ms) = (parent.header.height.next(), parent.header.timestamp_ms + 10);
    DerivedBlock {
        height,
        timestamp_ms,
        origin: DaHeight(1),
        origin_hash: B256::repeat_byte(7),
        order_hash: hash::order_hash(parent.header.order_hash, height.0, timestamp_ms, 1, root),
        sequencer: Some(SEQUENCER),
        transactions,
    }
}

pub(super) fn execute(chain: &Chain, block: &DerivedBlock) -> ExecutedBlock {
    let head = chain.head();
    chain.router().apply_block(&*head.state, &*head.nodes, &head.tip.header, block).expect("executes")
}

fn soft(chain: &Chain, nonces: std::ops::Range<u64>, to: u8) -> DerivedBlock {
    let block = block(&chain.tip(), nonces, to);
    chain.push_soft(Arc::new(block.clone()), execute(chain, &block)).expect("follows the tip");
    block
}

fn step(da_height: u64, blocks: Vec<DerivedBlock>) -> DaStep {
    DaStep {
        da_height: DaHeight(da_height),
        da_hash: B256::with_last_byte(1),
        blocks,
        discarded: vec![DiscardedEntry {
            da_height: DaHeight(da_height),
            namespace: "batch".into(),
            blob_index: 3,
            reason: "malformed".into(),
            message: "it is not a batch".into(),
        }],
        derivation: format!("after {da_height}").into_bytes().into(),
    }
}

fn balance(chain: &Chain, height: u64, to: u8) -> U256 {
    let state = chain.state_at(Height(height)).expect("kept");
    weft_evm::tables::account(&*state, Address::repeat_byte(to)).expect("reads").balance
}

#[test]
fn soft_blocks_that_land_keep_their_execution_and_their_hash() {
    let kv = memory();
    let chain = open(&kv);
    let mut events = chain.subscribe();
    let blocks: Vec<_> = (0..5).map(|n| soft(&chain, n..n + 1, 9)).collect();
    let hashes: Vec<_> =
        (0..=5).map(|n| chain.block(Height(n)).expect("reads").expect("there").hash).collect();
    assert!(chain.tip().is_soft());
    let applied = chain.apply_derived(vec![step(2, blocks[..2].to_vec()), step(3, vec![blocks[2].clone()])]);
    let applied = applied.expect("applies");
    assert_eq!((applied.included.len(), applied.voided.len()), (3, 0));
    assert_eq!((chain.included().header.height, chain.tip().header.height), (Height(3), Height(5)));
    for (height, hash) in (0u64..).zip(&hashes) {
        let record = chain.block(Height(height)).expect("reads").expect("there");
        assert_eq!(record.hash, *hash);
        assert_eq!(record.is_soft(), height > 3);
        assert_eq!(
            chain.block_by_hash(*hash).expect("reads").map(|record| record.header.height),
            Some(Height(height))
        );
        assert_eq!(balance(&chain, height, 9), U256::from(1_000 * height));
    }
    assert_eq!(chain.block(Height(2)).expect("reads").expect("there").da_height, Some(DaHeight(2)));
    assert_eq!(chain.block(Height(3)).expect("reads").expect("there").da_height, Some(DaHeight(3)));
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        seen.push(match event {
            ChainEvent::Block(record) => format!("block {}", record.header.height),
            ChainEvent::Included { up_to } => format!("included {up_to}"),
            ChainEvent::Reverted { to, .. } => format!("reverted {to}"),
        });
    }
    assert_eq!(seen, ["block 1", "block 2", "block 3", "block 4", "block 5", "included 3"]);
    assert_eq!(chain.discarded_counts().get("malformed"), Some(&2));
}

#[test]
fn another_order_voids_soft_blocks_from_there_on() {
    let chain = open(&memory());
    let blocks: Vec<_> = (0..4).map(|n| soft(&chain, n..n + 1, 9)).collect();
    let parent = chain.block(Height(1)).expect("reads").expect("there");
    let mut events = chain.subscribe();
    let other = block(&parent, 1..3, 8);
    let applied = chain.apply_derived(vec![step(2, vec![blocks[0].clone(), other])]).expect("applies");
    let voided: Vec<_> = applied.voided.iter().map(|record| record.header.height.0).collect();
    assert_eq!(voided, [2, 3, 4]);
    assert_eq!((chain.tip().header.height, chain.tip().is_soft()), (Height(2), false));
    assert_eq!((balance(&chain, 2, 9), balance(&chain, 2, 8)), (U256::from(1_000), U256::from(2_000)));
    let gone = applied.voided[2].transactions[0].id;
    assert!(chain.transaction(gone).expect("reads").is_none());
    assert!(matches!(events.try_recv(), Ok(ChainEvent::Reverted { to: Height(1), .. })));
    assert!(matches!(events.try_recv(), Ok(ChainEvent::Block(record)) if record.header.height == Height(2)));
    assert!(matches!(events.try_recv(), Ok(ChainEvent::Included { up_to: Height(2) })));
    soft(&chain, 3..4, 9);
    assert_eq!(chain.tip().header.height, Height(3));
}

#[test]
fn a_restart_has_what_was_included_and_nothing_soft() {
    let kv = memory();
    let chain = open(&kv);
    let blocks: Vec<_> = (0..3).map(|n| soft(&chain, n..n + 1, 9)).collect();
    chain.apply_derived(vec![step(2, blocks[..2].to_vec())]).expect("applies");
    let included = chain.included();
    drop(chain);
    let chain = open(&kv);
    assert_eq!((chain.tip(), chain.derivation()), (included, Bytes::from_static(b"after 2")));
    assert_eq!(chain.discarded_counts().get("malformed"), Some(&1));
    assert_eq!(chain.discarded(10).expect("reads").len(), 1);
    let id = chain.block(Height(1)).expect("reads").expect("there").transactions[0].id;
    let (record, index) = chain.transaction(id).expect("reads").expect("there");
    assert_eq!((record.header.height, index), (Height(1), 0));
    // The signed block is taken up again, and has the hash that it had.
    let again = chain.replay_soft(blocks[2].clone()).expect("follows");
    assert_eq!(again.header.order_hash, blocks[2].order_hash);
    assert!(chain.replay_soft(blocks[2].clone()).is_err(), "a block is not laid over itself");
}

#[test]
fn deriving_without_soft_blocks_gives_the_same_roots() {
    let (with, without) = (open(&memory()), open(&memory()));
    let blocks: Vec<_> = (0..6).map(|n| soft(&with, n * 2..n * 2 + 2, 9)).collect();
    with.apply_derived(vec![step(2, blocks[..4].to_vec())]).expect("applies");
    with.apply_derived(vec![step(3, blocks[4..].to_vec())]).expect("applies");
    without
        .apply_derived(vec![step(2, blocks[..1].to_vec()), step(3, blocks[1..].to_vec())])
        .expect("applies");
    for height in 0..=6 {
        let [a, b] =
            [&with, &without].map(|chain| chain.block(Height(height)).expect("reads").expect("there"));
        assert_eq!((a.hash, a.header.state_root), (b.hash, b.header.state_root), "height {height}");
    }
}

#[test]
fn a_given_up_block_leaves_the_chain_below_it() {
    let chain = open(&memory());
    for n in 0..3 {
        soft(&chain, n..n + 1, 9);
    }
    assert_eq!(chain.void_soft(Height(2)).len(), 2);
    assert_eq!(chain.tip().header.height, Height(1));
    assert!(matches!(chain.state_at(Height(2)), Err(ChainError::AboveTip { .. })));
    assert!(chain.void_soft(Height(2)).is_empty());
    soft(&chain, 1..3, 8);
    assert_eq!(balance(&chain, 2, 8), U256::from(2_000));
}
