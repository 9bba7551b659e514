//! Sending: the pool's rules as clients hear of them, and what becomes of transactions when blocks are void.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

/// Over the price of devnet's first blocks.
const PRICE: u64 = 2_000_000_000;

#[tokio::test]
async fn sequences_prices_and_copies_are_held_to_the_rules() {
    let world = World::new().await;
    let early = world.send(&world.payer.transfer(2, 1, PRICE)).await;
    assert_eq!(
        early,
        (32, "account sequence mismatch, expected 0, got 2: incorrect account sequence".into())
    );
    let base_fee = world.chain.pending_env(0).base_fee;
    let cheap = world.send(&world.payer.transfer(0, 1, base_fee - 1)).await;
    let (got, needed) = ((base_fee - 1) * GAS, base_fee * GAS);
    let text = format!("insufficient fees; got: {got}awei required: {needed}awei: insufficient fee");
    assert_eq!(cheap, (13, text));
    let first = world.payer.transfer(0, 1, base_fee);
    assert_eq!(world.send(&first).await, (0, String::new()));
    let copy = world.fault("broadcast_tx_sync", json!({ "tx": BASE64_STANDARD.encode(&first) })).await;
    assert_eq!(copy, (-32_603, "tx already exists in cache".into()));
    assert_eq!(world.send(&world.payer.transfer(1, 2, PRICE)).await.0, 0);
    let waiting = world.ok("unconfirmed_txs", json!({})).await;
    assert_eq!(
        (&waiting["n_txs"], &waiting["txs"][0]),
        (&json!("2"), &json!(BASE64_STANDARD.encode(&first)))
    );
    assert_eq!(world.block().transactions.len(), 2);
    assert_eq!(world.send(&first).await.0, 32);
    assert!(world.mempool.is_empty());
}

#[tokio::test]
async fn transactions_of_void_blocks_stand_before_those_that_wait() {
    let world = World::new().await;
    for sequence in 0..2 {
        assert_eq!(world.send(&world.payer.transfer(sequence, 1, PRICE)).await.0, 0);
    }
    let block = world.block();
    assert_eq!(world.send(&world.payer.transfer(2, 1, PRICE)).await.0, 0);
    let ids: Vec<B256> = block.transactions.iter().map(|record| record.id).collect();
    world.void(block.header.height.0);
    assert_eq!(world.mempool.status(weft_types::VmId::WASM).pending, 3);
    let again = world.block();
    assert_eq!(again.transactions.iter().map(|record| record.id).take(2).collect::<Vec<_>>(), ids);
    assert_eq!(again.transactions.len(), 3);
}

#[tokio::test]
async fn who_goes_on_while_a_block_is_found_void_is_not_refused() {
    let world = World::new().await;
    for sequence in 0..2 {
        assert_eq!(world.send(&world.payer.transfer(sequence, 1, PRICE)).await.0, 0);
    }
    let block = world.block();
    let held = world.mempool.hold();
    let removed = world.chain.void_soft(block.header.height);
    // The state says 0 again, and nobody has taken up the two yet.
    assert_eq!(world.send(&world.payer.transfer(2, 1, PRICE)).await, (0, String::new()));
    world.mempool.on_revert(&removed).unwrap();
    drop(held);
    assert_eq!(world.send(&world.payer.transfer(3, 1, PRICE)).await, (0, String::new()));
    let again: Vec<B256> = world.block().transactions.iter().map(|record| record.id).collect();
    let before: Vec<B256> = block.transactions.iter().map(|record| record.id).collect();
    assert_eq!((again.len(), &again[..2]), (4, &before[..]));
}

/// Sends 200 transactions of one account in order, none of which may be refused, while another thread does `work` over and
/// over.
async fn send_beside(work: impl Fn(&World) + Send + 'static) -> Arc<World> {
    let world = Arc::new(World::new().await);
    let done = Arc::new(AtomicBool::new(false));
    let worker = tokio::task::spawn_blocking({
        let (world, done) = (Arc::clone(&world), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Relaxed) {
                work(&world);
            }
        }
    });
    for sequence in 0..200 {
        let sent = world.send(&world.payer.transfer(sequence, 1, PRICE)).await;
        assert_eq!(sent, (0, String::new()), "number {sequence}");
    }
    done.store(true, Ordering::Relaxed);
    worker.await.unwrap();
    world.block();
    assert!(world.mempool.is_empty());
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sequence_is_refused_while_blocks_are_found_void() {
    let world = send_beside(|world| {
        // All that waits is taken and comes back before it stands.
        let block = world.block();
        world.void(block.header.height.0);
        world.block();
    })
    .await;
    assert_eq!(world.send(&world.payer.transfer(200, 1, PRICE)).await.0, 0, "all of them stand");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sequence_is_refused_while_blocks_come_in_between() {
    send_beside(|world| _ = world.block()).await;
}

#[tokio::test]
async fn a_batch_keeps_its_order() {
    let world = World::new().await;
    let calls = (0..60).map(|sequence| {
        let tx = BASE64_STANDARD.encode(world.payer.transfer(sequence, 1, PRICE));
        json!({ "jsonrpc": "2.0", "id": sequence, "method": "broadcast_tx_sync", "params": { "tx": tx } })
    });
    let (_, answers) = world.post(Value::from_iter(calls).to_string()).await;
    let answers: Vec<Value> = serde_json::from_str(&answers).unwrap();
    let seen: Vec<_> =
        answers.iter().map(|one| (one["id"].as_u64(), one["result"]["code"].as_u64())).collect();
    assert_eq!(seen, (0..60).map(|id| (Some(id), Some(0))).collect::<Vec<_>>());
    assert_eq!(world.block().transactions.len(), 60);
}

#[tokio::test]
async fn a_follower_answers_and_says_where_to_send() {
    let world = World::with(RpcConfig::default(), false).await;
    world.block();
    assert_eq!(world.ok("abci_info", json!({})).await["response"]["last_block_height"], "1");
    let tx = BASE64_STANDARD.encode(world.payer.transfer(0, 1, PRICE));
    let (code, why) = world.fault("broadcast_tx_sync", json!({ "tx": tx })).await;
    assert_eq!(code, -32_603);
    assert!(why.starts_with("this node does not sequence"), "{why}");
}

#[tokio::test]
async fn queries_wait_for_a_first_block() {
    let world = World::with(RpcConfig::default(), true).await;
    let params = json!({ "path": "/cosmos.bank.v1beta1.Query/Params" });
    let early = world.ok("abci_query", params.clone()).await["response"].clone();
    assert_eq!(early["code"], 26);
    assert_eq!(early["log"], "weft is not ready; please wait for first block: invalid height");
    world.block();
    let response = world.ok("abci_query", params).await["response"].clone();
    assert_eq!((&response["code"], &response["height"]), (&json!(0), &json!("1")));
}
