//! What no client should send, and the limits.

use super::*;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ObjectParams;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};

async fn websocket(world: &World) -> WsClient {
    WsClientBuilder::default().build(format!("ws://{}/websocket", world.rpc.address())).await.unwrap()
}

async fn subscribe(client: &WsClient, method: &str, query: &str) -> Result<Value, String> {
    let mut params = ObjectParams::new();
    params.insert("query", query).unwrap();
    client.request(method, params).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn bodies_that_are_no_calls_are_told_so() {
    let world = World::new().await;
    let code = |text: &str| serde_json::from_str::<Value>(text).unwrap()["error"]["code"].as_i64();
    for body in ["", "nope", "[1]", "{\"id\":", "7"] {
        assert_eq!(code(&world.post(body).await.1), Some(-32_700), "{body}");
    }
    assert_eq!(code(&world.post(r#"{"id":{},"method":"status"}"#).await.1), Some(-32_600));
    assert_eq!(code(&world.post(r#"{"id":1,"method":"nothing"}"#).await.1), Some(-32_601));
    assert_eq!(code(&world.post(r#"{"id":1,"method":"block","params":7}"#).await.1), Some(-32_602));
    // A notification has no answer, and an empty batch none either.
    assert_eq!(world.post(r#"{"method":"status"}"#).await, (200, String::new()));
    assert_eq!(world.post("[]").await, (200, String::new()));
    let many = format!("[{}]", vec![r#"{"id":1,"method":"health"}"#; 1_001].join(","));
    assert_eq!(code(&world.post(many).await.1), Some(-32_000));
    let large = vec![b' '; 64 << 20];
    assert_eq!(world.post(large).await.0, 413);
}

#[tokio::test]
async fn no_arguments_break_a_method() {
    let world = World::new().await;
    let long = "x".repeat(10_000);
    let odd = [
        json!([]),
        json!({}),
        json!([null, null, null]),
        json!(["", "", "", ""]),
        json!([{}, [], 1.5, -1]),
        json!({ "height": "-1", "hash": "AA==", "tx": "AA==", "query": "a='b'", "path": "/", "data": "00" }),
        json!({ "height": i64::MAX, "page": i64::MAX, "per_page": i64::MAX, "query": "tx.height>0" }),
        json!({ "height": "9999999999999999999999", "minHeight": "-5", "limit": "-1", "order_by": "up" }),
        json!({ "minHeight": 7, "maxHeight": 3, "prove": true, "query": "tx.height<0 AND tx.height>5", "hash": "" }),
        json!({ "query": long, "path": long, "data": "zz", "hash": long, "tx": long }),
        json!({ "path": "/cosmos.tx.v1beta1.Service/Simulate", "data": "0a00", "query": "block.height>0" }),
    ];
    for (name, _) in super::super::methods::Method::list() {
        for params in &odd {
            let answer = world.raw(name, params.clone()).await;
            let why = answer["error"]["data"].as_str().unwrap_or_default();
            assert!(answer.get("result").is_some() || !why.is_empty(), "{name} {params}: {answer}");
            assert_ne!(why, "internal error", "{name} {params}");
        }
    }
    for path in [
        "/cosmos/",
        "/cosmos/tx/v1beta1/txs",
        "/cosmwasm/wasm/v1/code/x",
        "/cosmwasm/wasm/v1/contract/%ff%00/smart/%3d",
    ] {
        let answer = world.client.get(world.url() + path).send().await.unwrap();
        assert!([400, 500, 501].contains(&answer.status().as_u16()), "{path}: {}", answer.status());
        let body: Value = answer.json().await.unwrap();
        assert!(body["code"].as_i64().is_some_and(|code| code > 0), "{path}: {body}");
    }
}

#[tokio::test]
async fn subscriptions_are_counted_and_named_by_their_query() {
    let world =
        World::with(RpcConfig { subscriptions: 2, websockets: 1, ..RpcConfig::default() }, true).await;
    world.block();
    let elsewhere = WsClientBuilder::default().build(format!("ws://{}/", world.rpc.address())).await;
    assert!(elsewhere.is_err(), "the websocket is at /websocket");
    let client = websocket(&world).await;
    assert!(
        WsClientBuilder::default().build(format!("ws://{}/websocket", world.rpc.address())).await.is_err()
    );
    let (blocks, txs) = ("tm.event='NewBlock'", "tm.event='Tx'");
    assert_eq!(subscribe(&client, "subscribe", blocks).await, Ok(json!({})));
    assert!(subscribe(&client, "subscribe", blocks).await.unwrap_err().contains("already subscribed"));
    assert!(
        subscribe(&client, "subscribe", "tm.event=").await.unwrap_err().contains("failed to parse query")
    );
    assert_eq!(subscribe(&client, "subscribe", txs).await, Ok(json!({})));
    let full = subscribe(&client, "subscribe", "tm.event='NewBlockHeader'").await.unwrap_err();
    assert!(full.contains("max_subscriptions_per_client 2 reached"), "{full}");
    assert_eq!(subscribe(&client, "unsubscribe", txs).await, Ok(json!({})));
    assert!(subscribe(&client, "unsubscribe", txs).await.unwrap_err().contains("subscription not found"));
    assert_eq!(subscribe(&client, "unsubscribe_all", "").await, Ok(json!({})));
    assert_eq!(subscribe(&client, "subscribe", blocks).await, Ok(json!({})));
    // Over HTTP nobody could be told.
    assert_eq!(world.fault("subscribe", json!({ "query": blocks })).await.0, -32_601);
}

#[tokio::test]
async fn one_address_has_a_rate() {
    let world = World::with(RpcConfig { rate: 1, rate_burst: 3, ..RpcConfig::default() }, true).await;
    for _ in 0..3 {
        world.raw("health", json!({})).await;
    }
    assert_eq!(world.fault("health", json!({})).await, (-32_000, "request rate exceeded".into()));
    let rest = world.client.get(world.url() + "/cosmos/bank/v1beta1/supply").send().await.unwrap();
    assert_eq!(rest.status().as_u16(), 429);
}
