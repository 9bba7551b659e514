//! Subscriptions, through soft blocks, reorganisations and finality.

use super::*;
use jsonrpsee::core::client::{ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

async fn client(world: &World) -> WsClient {
    WsClientBuilder::default().build(format!("ws://{}", world.ws.address())).await.unwrap()
}

async fn next(subscription: &mut Subscription<Value>) -> Value {
    tokio::time::timeout(PATIENCE, subscription.next()).await.expect("in time").unwrap().unwrap()
}

/// The first message of that slot: the block before it may still be on its way when a client subscribes.
async fn at_slot(subscription: &mut Subscription<Value>, slot: u64) -> Value {
    loop {
        let told = next(subscription).await;
        if [&told["slot"], &told["context"]["slot"]].contains(&&json!(slot)) {
            return told;
        }
    }
}

async fn subscribe(client: &WsClient, topic: &'static str, params: Value) -> Subscription<Value> {
    let [begin, end] = [format!("{topic}Subscribe"), format!("{topic}Unsubscribe")];
    let mut args = jsonrpsee::core::params::ArrayParams::new();
    for param in params.as_array().unwrap() {
        args.insert(param).unwrap();
    }
    client.subscribe(&begin, args, Box::leak(end.into_boxed_str())).await.unwrap()
}

fn soft() -> Value {
    json!({ "commitment": "confirmed", "encoding": "base64" })
}

#[tokio::test]
async fn slots_and_roots_are_told() {
    let world = World::new().await;
    let client = client(&world).await;
    let mut slots = subscribe(&client, "slot", json!([])).await;
    let mut roots = subscribe(&client, "root", json!([])).await;
    let mut updates = subscribe(&client, "slotsUpdates", json!([])).await;
    world.block();
    assert_eq!(at_slot(&mut slots, 2).await, json!({ "slot": 2, "parent": 1, "root": 0 }));
    for kind in ["createdBank", "completed", "frozen", "optimisticConfirmation"] {
        assert_eq!(at_slot(&mut updates, 2).await["type"], kind);
    }
    world.void(2);
    assert_eq!(next(&mut updates).await["type"], "dead");
    world.include();
    assert_eq!(next(&mut roots).await, 1);
    assert_eq!(
        next(&mut updates).await,
        json!({
            "type": "root", "slot": 1, "timestamp": world.chain.tip().header.timestamp_ms
        })
    );
}

#[tokio::test]
async fn a_signature_is_told_once_at_its_commitment() {
    let world = World::new().await;
    let client = client(&world).await;
    let transaction = world.transfer(&Pubkey::from([9; 32]), 1_000_000_000);
    let signature = transaction.signatures[0].to_string();
    let received = json!([signature, { "commitment": "confirmed", "enableReceivedNotification": true }]);
    let mut soft = subscribe(&client, "signature", received.clone()).await;
    let mut finals = subscribe(&client, "signature", json!([signature])).await;
    world.send(&transaction).await;
    assert_eq!(next(&mut soft).await, json!({ "context": { "slot": 1 }, "value": "receivedSignature" }));
    world.block();
    let fate = json!({ "context": { "slot": 2 }, "value": { "err": null } });
    assert_eq!(next(&mut soft).await, fate);
    world.include();
    assert_eq!(next(&mut finals).await, fate);
    // Whoever comes late hears it at once.
    let mut late = subscribe(&client, "signature", received).await;
    assert_eq!(next(&mut late).await, fate);
}

#[tokio::test]
async fn accounts_programs_and_logs_are_told_when_they_change() {
    let world = World::new().await;
    let client = client(&world).await;
    let to = Pubkey::from([9; 32]);
    let token = spl_token_interface::ID.to_string();
    let mut account = subscribe(&client, "account", json!([to.to_string(), soft()])).await;
    let mut finals = subscribe(&client, "account", json!([to.to_string(), { "encoding": "base64" }])).await;
    let config =
        json!({ "commitment": "confirmed", "encoding": "jsonParsed", "filters": [{ "dataSize": 165 }] });
    let mut program = subscribe(&client, "program", json!([token, config])).await;
    let mut logs = subscribe(&client, "logs", json!(["all", { "commitment": "confirmed" }])).await;
    let mentions = json!([{ "mentions": [token] }, { "commitment": "processed" }]);
    let mut mentions = subscribe(&client, "logs", mentions).await;
    let mut blocks = subscribe(&client, "block", json!(["all", { "commitment": "confirmed" }])).await;

    let signature = world.send(&world.transfer(&to, 1_000_000_000)).await;
    world.block();
    let told = next(&mut account).await;
    assert_eq!(
        (&told["context"], &told["value"]["lamports"]),
        (&json!({ "slot": 2 }), &json!(1_000_000_000))
    );
    let log = next(&mut logs).await["value"].clone();
    assert_eq!(
        (&log["signature"], &log["err"], log["logs"].as_array().unwrap().len()),
        (&json!(signature), &Value::Null, 2)
    );
    let block = at_slot(&mut blocks, 2).await["value"].clone();
    assert_eq!(
        (&block["slot"], &block["err"], &block["block"]["parentSlot"]),
        (&json!(2), &Value::Null, &json!(1))
    );

    // The block does not land; the one that takes its place has it again, which is no change.
    world.void(2);
    let [mint, first, second] = world.tokens().await.map(|key| key.to_string());
    let mut told = [next(&mut program).await, next(&mut program).await];
    told.sort_by_key(|told| told["value"]["pubkey"] != json!(first));
    assert_eq!((&told[0]["value"]["pubkey"], &told[1]["value"]["pubkey"]), (&json!(first), &json!(second)));
    let amount = &told[0]["value"]["account"]["data"]["parsed"]["info"]["tokenAmount"];
    assert_eq!(amount["uiAmountString"], "0.0006");
    assert_eq!(next(&mut mentions).await["context"]["slot"], 2);
    assert!(!mint.is_empty());

    world.include();
    assert_eq!(next(&mut finals).await["value"]["lamports"], 1_000_000_000);
}

#[tokio::test]
async fn an_account_goes_back_with_its_block() {
    let world = World::new().await;
    let client = client(&world).await;
    let to = Pubkey::from([9; 32]);
    let mut account = subscribe(&client, "account", json!([to.to_string(), soft()])).await;
    world.send(&world.transfer(&to, 1_000_000_000)).await;
    world.block();
    assert_eq!(next(&mut account).await["value"]["lamports"], 1_000_000_000);
    let removed = world.chain.void_soft(Height(2));
    assert_eq!(removed.len(), 1);
    // Its transaction is not taken up again, so the account is gone in what follows.
    world.block();
    let gone = next(&mut account).await["value"].clone();
    assert_eq!((&gone["lamports"], &gone["data"]), (&json!(0), &json!(["", "base64"])));
}

#[tokio::test]
async fn subscriptions_end_and_wrong_ones_are_refused() {
    let world = World::new().await;
    let client = client(&world).await;
    let first: u64 = client.request("slotSubscribe", rpc_params![]).await.unwrap();
    let second: u64 = client.request("rootSubscribe", rpc_params![]).await.unwrap();
    assert!(second > first, "ids are numbers that count up");
    assert!(client.request::<bool, _>("slotUnsubscribe", rpc_params![first]).await.unwrap());
    for id in [json!(first), json!(77), json!("x")] {
        let error = client.request::<bool, _>("slotUnsubscribe", rpc_params![id]).await.unwrap_err();
        assert!(error.to_string().contains("Invalid subscription id."), "{error}");
    }
    let wrong = client.request::<u64, _>("accountSubscribe", rpc_params!["bad"]).await.unwrap_err();
    assert!(wrong.to_string().contains("Invalid Request: Invalid pubkey provided"), "{wrong}");
    let two = json!({ "mentions": ["11111111111111111111111111111111", "11111111111111111111111111111111"] });
    let wrong = client.request::<u64, _>("logsSubscribe", rpc_params![two]).await.unwrap_err();
    assert!(wrong.to_string().contains("Only 1 address supported"), "{wrong}");
}
