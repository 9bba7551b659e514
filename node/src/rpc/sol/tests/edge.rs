//! The two listeners, what a client sees of the cluster, and a node that does not sequence.

use super::*;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::WsClientBuilder;

#[tokio::test]
async fn both_protocols_answer_on_both_ports() {
    let world = World::new().await;
    for handle in [&world.http, &world.ws] {
        let address = handle.address();
        let answer = post(&world.client, &format!("http://{address}"), "getHealth", json!([])).await;
        assert_eq!(answer["result"], "ok");
        let health = world.client.get(format!("http://{address}/health")).send().await.unwrap();
        assert_eq!(health.text().await.unwrap(), "ok");
        let client = WsClientBuilder::default().build(format!("ws://{address}")).await.unwrap();
        let slot: u64 =
            client.request("getSlot", rpc_params![json!({ "commitment": "processed" })]).await.unwrap();
        assert_eq!(slot, 1);
    }
    let preflight = world
        .client
        .request(reqwest::Method::OPTIONS, world.url())
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.headers()["access-control-allow-headers"], "content-type, solana-client");
    let (url, address) = (world.url(), world.ws.address());
    world.ws.stop().await;
    assert!(world.client.get(format!("http://{address}/health")).send().await.is_err());
    assert_eq!(post(&world.client, &url, "getHealth", json!([])).await["result"], "ok");
    world.http.stop().await;
    assert!(world.client.get(format!("{url}/health")).send().await.is_err());
}

#[tokio::test]
async fn errors_are_those_of_a_validator() {
    let world = World::new().await;
    let unknown = (-32_601, "Method not found".to_owned());
    assert_eq!(world.fault("nope", json!([])).await, unknown);
    assert_eq!(world.fault("slotSubscribe", json!([])).await, unknown);
    let few = (-32_602, "`params` should have at least 1 argument(s)".to_owned());
    assert_eq!(world.fault("getAccountInfo", json!([])).await, few);
    let leaders = world.fault("getSlotLeaders", json!([0, 5_001])).await;
    assert_eq!(leaders, (-32_602, "Invalid limit; max 5000".to_owned()));
    assert_eq!(world.fault("getHighestSnapshotSlot", json!([])).await, (-32_008, "No snapshot".to_owned()));
    let many = vec!["1".repeat(64); 257];
    let many = world.fault("getSignatureStatuses", json!([many])).await;
    assert_eq!(many, (-32_602, "Too many inputs provided; max 256".to_owned()));
    let slow = World::with(RpcConfig { rate: 1, rate_burst: 2, ..RpcConfig::default() }, false).await;
    for _ in 0..3 {
        slow.raw("getSlot", json!([])).await;
    }
    assert_eq!(slow.fault("getSlot", json!([])).await, (429, "request rate exceeded".to_owned()));
}

#[tokio::test]
async fn a_follower_answers_and_says_where_to_send() {
    let world = World::new().await;
    let context = context(&world.chain, &world.sbf, None, RpcConfig::default(), false);
    let any = "127.0.0.1:0".parse().unwrap();
    let (http, _ws) = serve(context, any, any).await.unwrap();
    let url = format!("http://{}", http.address());
    let slot = post(&world.client, &url, "getSlot", json!([{ "commitment": "confirmed" }])).await;
    assert_eq!(slot["result"], 1);
    let transaction = world.transfer(&Pubkey::from([9; 32]), 1_000_000_000);
    let params = json!([base64(&transaction), { "encoding": "base64" }]);
    let sent = post(&world.client, &url, "sendTransaction", params).await;
    assert!(sent["error"]["message"].as_str().unwrap().contains("does not sequence"), "{sent}");
}

#[tokio::test]
async fn a_node_that_is_behind_says_so() {
    let world = World::new().await;
    let status = || NodeStatus {
        celestia: Some(crate::rpc::CelestiaStatus {
            head: DaHeight(1_000),
            endpoint: String::new(),
            verified: true,
            derived: DaHeight(8),
        }),
        sequencer: None,
    };
    let context = SolContext {
        status: Arc::new(status),
        ..context(&world.chain, &world.sbf, None, RpcConfig::default(), false)
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let (http, _ws) = serve(context, any, any).await.unwrap();
    let health = post(&world.client, &format!("http://{}", http.address()), "getHealth", json!([])).await;
    assert_eq!(
        (&health["error"]["code"], &health["error"]["message"]),
        (&json!(-32_005), &json!("Node is unhealthy"))
    );
}

#[tokio::test]
async fn no_arguments_break_a_method() {
    let world = World::new().await;
    let key = Pubkey::from([9; 32]).to_string();
    let odd = [
        json!([]),
        json!([null, null, null]),
        json!([{}, {}, {}]),
        json!([[], []]),
        json!(["", {}]),
        json!([key, { "mint": key }, { "encoding": "jsonParsed", "dataSlice": { "offset": u64::MAX, "length": u64::MAX } }]),
        json!([key, { "filters": [{ "memcmp": { "offset": u64::MAX, "bytes": "" } }], "minContextSlot": u64::MAX }]),
        json!([[key], { "limit": 0, "range": { "firstSlot": u64::MAX } }]),
        json!([u64::MAX, u64::MAX, {}]),
        json!([0, u64::MAX]),
        json!([-1, 1.5]),
        json!([{ "range": { "firstSlot": 0, "lastSlot": u64::MAX } }]),
    ];
    let table = include_str!("../methods.rs");
    let names: Vec<&str> =
        table.lines().filter_map(|line| line.trim().strip_prefix("methods.")?.split('"').nth(1)).collect();
    assert!(names.len() > 50, "{names:?}");
    for name in names.into_iter().filter(|name| !name.ends_with("Subscribe")) {
        for params in &odd {
            let answer = world.raw(name, params.clone()).await;
            let code = answer["error"]["code"].as_i64();
            assert_ne!(code, Some(-32_603), "{name} {params}: {answer}");
            assert!(code.is_some() || answer.get("result").is_some(), "{name} {params}: {answer}");
        }
    }
}
