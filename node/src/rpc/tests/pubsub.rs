//! Filters that are polled, and subscriptions, through a reorganisation.

use super::*;
use jsonrpsee::core::client::{ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

async fn client(world: &World) -> WsClient {
    WsClientBuilder::default().build(format!("ws://{}", world.rpc.address())).await.unwrap()
}

async fn next(subscription: &mut Subscription<Value>) -> Value {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("in time").unwrap().unwrap()
}

async fn subscribe(client: &WsClient, kind: &str, argument: Value) -> Subscription<Value> {
    client.subscribe("eth_subscribe", rpc_params![kind, argument], "eth_unsubscribe").await.unwrap()
}

#[tokio::test]
async fn subscribers_hear_of_blocks_logs_and_the_pool() {
    let world = World::new().await;
    let client = client(&world).await;
    let mut heads: Subscription<Value> =
        client.subscribe("eth_subscribe", rpc_params!["newHeads"], "eth_unsubscribe").await.unwrap();
    let mut logs = subscribe(&client, "logs", json!({ "address": LOGGER })).await;
    let mut nothing = subscribe(&client, "logs", json!({ "address": LOOPER })).await;
    let mut pending = subscribe(&client, "newPendingTransactions", json!(false)).await;
    let mut blocks: Subscription<Value> =
        client.subscribe("weft_subscribe", rpc_params!["blocks"], "weft_unsubscribe").await.unwrap();
    let hash = world.send(&signed(0, 0, LOGGER, 0, &[7; 32])).await;
    assert_eq!(next(&mut pending).await, json!(hash));
    let block = world.block();
    let head = next(&mut heads).await;
    assert_eq!((&head["hash"], &head["number"]), (&json!(block.hash), &json!("0x1")));
    assert!(head.get("transactions").is_none(), "a head is a header");
    let log = next(&mut logs).await;
    assert_eq!((&log["transactionHash"], &log["removed"]), (&json!(hash), &json!(false)));
    assert_eq!(next(&mut blocks).await["status"], "soft");

    // The block does not land: its logs are taken back and come again in the one that follows.
    world.void(1);
    let removed = next(&mut logs).await;
    assert_eq!((&removed["blockHash"], &removed["removed"]), (&json!(block.hash), &json!(true)));
    assert_eq!(next(&mut blocks).await, json!({ "reverted_to": 0 }));
    world.block();
    assert_eq!(next(&mut logs).await["removed"], false);
    assert_eq!(next(&mut heads).await["number"], "0x1");
    assert_eq!(next(&mut blocks).await["height"], 1);
    world.include();
    assert_eq!(next(&mut blocks).await, json!({ "da_included": 1 }));

    heads.unsubscribe().await.unwrap();
    assert_eq!(client.request::<String, _>("eth_blockNumber", rpc_params![]).await.unwrap(), "0x1");
    let nothing = tokio::time::timeout(Duration::from_millis(50), nothing.next()).await;
    assert!(nothing.is_err(), "no log of that address: {nothing:?}");
    let unknown =
        client.subscribe::<Value, _>("eth_subscribe", rpc_params!["newThings"], "eth_unsubscribe").await;
    assert!(unknown.unwrap_err().to_string().contains("no \\\"newThings\\\" subscription"));
    world.rpc.stop().await;
}

#[tokio::test]
async fn filters_give_changes_once() {
    let world = World::new().await;
    let blocks = world.ok("eth_newBlockFilter", json!([])).await;
    let logs = world.ok("eth_newFilter", json!([{ "address": LOGGER }])).await;
    let pending = world.ok("eth_newPendingTransactionFilter", json!([])).await;
    let hash = world.send(&signed(0, 0, LOGGER, 0, &[7; 32])).await;
    let block = world.block();
    let changes = async |id: &Value| {
        // The feed follows the chain by a task of its own.
        for _ in 0..1_000 {
            let changes = world.ok("eth_getFilterChanges", json!([id])).await;
            if changes != json!([]) {
                return changes;
            }
        }
        json!([])
    };
    assert_eq!(changes(&blocks).await, json!([block.hash]));
    assert_eq!(changes(&pending).await, json!([hash]));
    assert_eq!(changes(&logs).await[0]["transactionHash"], json!(hash));
    for id in [&blocks, &pending, &logs] {
        assert_eq!(world.ok("eth_getFilterChanges", json!([id])).await, json!([]));
    }
    world.void(1);
    let removed = changes(&logs).await;
    assert_eq!((&removed[0]["removed"], &removed[0]["blockHash"]), (&json!(true), &json!(block.hash)));
    world.block();
    assert_eq!(changes(&logs).await[0]["removed"], false);
    let found = world.ok("eth_getFilterLogs", json!([logs])).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(world.ok("eth_uninstallFilter", json!([logs])).await, true);
    assert_eq!(world.ok("eth_uninstallFilter", json!([logs])).await, false);
    for id in [logs, json!("0x1")] {
        assert_eq!(
            world.fault("eth_getFilterChanges", json!([id])).await,
            (-32000, "filter not found".into())
        );
    }
    world.rpc.stop().await;
}
