//! One client does its worst in every way, each of which ends in an error, while another's transfers land.

use super::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Lets a transfer of a good client land, and says how long that took.
async fn transfer(world: &World, nonce: u64) {
    let client = reqwest::Client::new();
    let url = world.url();
    let to = Address::repeat_byte(0x44);
    let from = signer(3).address();
    let work = async {
        let request = json!([{ "from": from, "to": to, "value": "0x1" }]);
        let gas = post(&client, &url, "eth_estimateGas", request).await;
        assert_eq!(gas["result"], "0x5208", "{gas}");
        let raw = signed(3, nonce, to, 1, &[]);
        let sent = post(&client, &url, "eth_sendRawTransaction", json!([raw])).await;
        let hash = sent["result"].clone();
        assert!(hash.is_string(), "{sent}");
        loop {
            let receipt = post(&client, &url, "eth_getTransactionReceipt", json!([hash])).await;
            if receipt["result"].is_object() {
                assert_eq!(receipt["result"]["status"], "0x1");
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("a transfer lands in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_100_mb_is_refused_and_the_refusal_is_read() {
    let world = World::new().await;
    let making = world.keep_making_blocks();
    let body = vec![b' '; 100 << 20];
    let request = world.http.post(world.url()).header("content-type", "application/json").body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], -32600);
    transfer(&world, 0).await;

    // The same without a length that is told beforehand.
    let chunks = (0..100).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20]));
    let body = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let request = world.http.post(world.url()).header("content-type", "application/json").body(body);
    assert_eq!(request.send().await.unwrap().status(), 413);
    transfer(&world, 1).await;
    making.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_100_000_has_one_error() {
    let world = World::new().await;
    let making = world.keep_making_blocks();
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;
    let body = format!("[{}]", vec![call; 100_000].join(","));
    let request = world.http.post(world.url()).header("content-type", "application/json").body(body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["error"]["code"], -32010, "{answer}");
    transfer(&world, 0).await;
    making.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_headers_are_cut_and_many_of_them_make_room() {
    let config = RpcConfig { header_timeout_ms: 300, connections: 16, ..RpcConfig::default() };
    let world = World::with(config).await;
    let making = world.keep_making_blocks();
    let mut slow = Vec::new();
    for _ in 0..64 {
        let mut socket = TcpStream::connect(world.rpc.address()).await.unwrap();
        socket.write_all(b"POST / HTTP/1.1\r\nhost: localhost\r\nx-").await.unwrap();
        slow.push(socket);
    }
    transfer(&world, 0).await;
    for mut socket in slow {
        let mut answer = Vec::new();
        // Closed, whether in order or not; never left open.
        let end = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await;
        assert!(end.is_ok(), "a slow connection is still open");
    }
    transfer(&world, 1).await;
    making.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_body_is_cut() {
    let world = World::with(RpcConfig { body_timeout_ms: 200, ..RpcConfig::default() }).await;
    let mut socket = TcpStream::connect(world.rpc.address()).await.unwrap();
    let head =
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_over_everything_are_refused() {
    let world = World::with(RpcConfig { log_blocks: 5, logs: 3, ..RpcConfig::default() }).await;
    let making = world.keep_making_blocks();
    for nonce in 0..3 {
        transfer(&world, nonce).await;
    }
    let everything = json!([{ "fromBlock": "earliest", "toBlock": "0xffffffff" }]);
    let (code, message) = world.fault("eth_getLogs", everything).await;
    assert_eq!((code, &*message), (-32005, "exceed maximum block range: 5"));
    let raws: Vec<_> = (0..4).map(|nonce| signed(0, nonce, LOGGER, 0, &[1; 32])).collect();
    making.abort();
    for raw in &raws {
        world.send(raw).await;
    }
    world.block();
    let (code, message) = world.fault("eth_getLogs", json!([{}])).await;
    assert_eq!((code, message.contains("more than 3 results")), (-32005, true), "{message}");
    let addresses =
        vec![LOGGER; 5].into_iter().chain((0..1_001u32).map(|n| Address::from_word(U256::from(n).into())));
    let many = json!([{ "address": addresses.collect::<Vec<_>>() }]);
    assert_eq!(world.fault("eth_getLogs", many).await, (-32602, "exceed max addresses".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_loop_for_ever_end_and_let_others_through() {
    let config = RpcConfig { call_gas: u64::MAX >> 4, call_timeout_ms: 300, ..RpcConfig::default() };
    let world = World::with(config).await;
    let making = world.keep_making_blocks();
    let call =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [{ "to": LOOPER }, "latest"] });
    let batch = Value::Array(vec![call; 8]);
    let abuse: Vec<_> = (0..4)
        .map(|_| {
            let request = world.http.post(world.url()).json(&batch);
            tokio::spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() })
        })
        .collect();
    for nonce in 0..3 {
        transfer(&world, nonce).await;
    }
    for answers in abuse {
        for answer in answers.await.unwrap().as_array().unwrap() {
            let error = &answer["error"];
            let timeout = error["message"] == "execution aborted (timeout = 300ms)";
            let busy = error["code"] == -32005;
            assert!(timeout || busy, "{answer}");
        }
    }
    transfer(&world, 3).await;
    making.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_are_taken_in_by_batches_from_many_connections() {
    const EACH: u64 = 1_000;
    const BATCH: usize = 100;
    let world = World::new().await;
    let signed: Vec<Vec<Value>> = (0..4)
        .map(|index| {
            let to = Address::repeat_byte(0x44);
            (0..EACH)
                .map(|nonce| json!([signed_with(index, nonce, TxKind::Call(to), 1, &[], 21_000)]))
                .collect()
        })
        .collect();
    let start = std::time::Instant::now();
    let clients = signed.into_iter().map(|transactions| {
        let (client, url) = (reqwest::Client::new(), world.url());
        tokio::spawn(async move {
            for batch in transactions.chunks(BATCH) {
                let calls = (0..).zip(batch).map(|(id, params): (u64, _)| {
                    json!({ "jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": params })
                });
                let request = client.post(&url).json(&calls.collect::<Vec<_>>());
                let answers: Vec<Value> = request.send().await.unwrap().json().await.unwrap();
                assert_eq!(answers.len(), batch.len());
                for (id, answer) in (0u64..).zip(&answers) {
                    assert_eq!(answer["id"], id, "answers come in the order of the calls");
                    assert!(answer["result"].is_string(), "{answer}");
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let rate = 4.0 * EACH as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.0} transfers a second, with their clients on the same cores");
    assert_eq!(world.mempool.status(VmId::EVM).pending, 4 * usize::try_from(EACH).unwrap());
    assert_eq!(world.block().transactions.len(), 4 * usize::try_from(EACH).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_too_often_is_told() {
    let world = World::with(RpcConfig { rate: 5, rate_burst: 10, ..RpcConfig::default() }).await;
    let mut refused = 0;
    for _ in 0..30 {
        refused += usize::from(world.raw("eth_chainId", json!([])).await["error"]["code"] == -32005);
    }
    assert!((10..=20).contains(&refused), "{refused}");
}

#[tokio::test]
async fn foreign_pages_and_names_are_kept_out() {
    let world =
        World::with(RpcConfig { cors: vec!["https://app.example".into()], ..RpcConfig::default() }).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId" });
    let foreign =
        world.http.post(world.url()).header("host", "evil.example").json(&body).send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let page =
        |origin: &str| world.http.post(world.url()).header("origin", origin.to_owned()).json(&body).send();
    let shown = page("https://app.example").await.unwrap();
    assert_eq!(shown.headers()["access-control-allow-origin"], "https://app.example");
    let hidden = page("https://evil.example").await.unwrap();
    assert!(hidden.headers().get("access-control-allow-origin").is_none());
    let preflight = world
        .http
        .request(reqwest::Method::OPTIONS, world.url())
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "content-type");
    let socket = world
        .http
        .get(world.url())
        .header("origin", "https://evil.example")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(socket.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let world = World::new().await;
    let context = RpcContext {
        chain: world.chain.clone(),
        evm: Arc::new(genesis().1),
        mempool: None,
        status: Arc::new(NodeStatus::default),
        config: RpcConfig::default(),
    };
    let error = serve(context.clone(), world.rpc.address()).await.unwrap_err();
    assert!(error.to_string().contains("the port is in use"), "{error}");
    let follower = serve(context, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", follower.address());
    let sent = post(&world.http, &url, "eth_sendRawTransaction", json!([signed(0, 0, LOGGER, 0, &[])])).await;
    assert!(sent["error"]["message"].as_str().unwrap().contains("does not sequence"), "{sent}");
}
