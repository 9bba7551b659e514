//! One client that does its worst on CometBFT's port, and another one whose transfers go on landing.

use crate::abuse::{again, large_body, slow_headers};
use crate::chain::LONG;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::cosmos::tx::v1beta1::SimulateRequest;
use cosmos_sdk_proto::cosmwasm::wasm::v1::QuerySmartContractStateRequest;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weft_tests::cosmos::{self, Signed, User};
use weft_tests::rpc::Rpc;
use weft_tests::world::{Rules, World};
use weft_tests::{contract, eventually, seed};

/// What a node under abuse may hold in memory.
const ABUSED_MIB_MAX: u64 = 1_024;
/// More websockets than the node lets in, and subscriptions on each, of which it lets in half.
const WEBSOCKETS: usize = 270;
const SUBSCRIPTIONS: u32 = 256;
const GAS: u64 = 2_000_000;
/// Bytes of a transaction that makes blocks large, and the gas that it may use.
const LARGE_BYTES: usize = 100_000;
const LARGE_GAS: u64 = 10_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_abuses_comets_port_gets_errors_and_another_ones_transfers_land() {
    let seed = seed("cosmos abuse");
    let world = World::new(Rules::default()).await;
    let config = "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\n\
        [rpc_limits]\nheader_timeout_ms = 2000\ncall_timeout_ms = 500\n";
    let node = world.sequencer("sequencer", 0, config).await;
    let rpc = node.cosmos().clone();
    let address: SocketAddr = rpc.url().trim_start_matches("http://").parse().expect("an address");
    let mut abuser = User::devnet(1);
    let contract = deploy(&rpc, &mut abuser).await;

    let running = Arc::new(AtomicBool::new(true));
    let number = Arc::new(AtomicU64::new(seed));
    let abusers = [
        tokio::spawn(again(running.clone(), move || large_body(address))),
        tokio::spawn(again(running.clone(), move || slow_headers(address))),
        tokio::spawn(again(running.clone(), {
            let rpc = rpc.clone();
            move || large_batch(rpc.clone())
        })),
        tokio::spawn(again(running.clone(), {
            let (rpc, number) = (rpc.clone(), Arc::clone(&number));
            move || garbage(rpc.clone(), number.fetch_add(1, Relaxed))
        })),
        tokio::spawn(again(running.clone(), {
            let rpc = rpc.clone();
            let contract = contract.clone();
            move || endless(rpc.clone(), contract.clone(), abuser.clone())
        })),
        tokio::spawn(again(running.clone(), move || websockets(address))),
        tokio::spawn(large_blocks(running.clone(), rpc.clone(), contract)),
        tokio::spawn(again(running.clone(), move || broken_frames(address))),
    ];

    // The other client: one transfer after the other, until every abuser has been refused a few times.
    let mut user = User::devnet(2);
    let start = std::time::Instant::now();
    let (mut landed, mut resident) = (0, 0);
    while start.elapsed() < Duration::from_secs(8) || landed < 5 {
        let message = contract::send(&user, &User::numbered(3).address(), 1);
        let signed = cosmos::sign(&mut [&mut user], vec![message], GAS);
        lands(&rpc, &signed).await;
        landed += 1;
        resident = resident.max(node.resident_mib());
        assert!(resident < ABUSED_MIB_MAX, "the node holds {resident} MiB");
    }
    running.store(false, Relaxed);
    for (number, abuser) in abusers.into_iter().enumerate() {
        let refused = abuser.await.expect("an abuser's end");
        assert!(refused > 0, "abuser {number} was never refused");
    }
    assert_eq!(cosmos::balance(&rpc, &User::numbered(3).address()).await, landed.to_string());
    println!("{landed} transfers landed in {:?}, at most {resident} MiB", start.elapsed());
}

/// A contract whose queries need not end.
async fn deploy(rpc: &Rpc, user: &mut User) -> String {
    let messages =
        vec![contract::store(user, contract::echo("abuse")), contract::instantiate(user, 1, &json!({}), 0)];
    let signed = cosmos::sign(&mut [user], messages, GAS);
    let made = lands(rpc, &signed).await;
    cosmos::attribute(&made, "instantiate", "_contract_address").expect("a contract")
}

/// Sends, and waits until it is in a block.
async fn lands(rpc: &Rpc, signed: &Signed) -> Value {
    let sent = cosmos::send(rpc, std::slice::from_ref(signed)).await.expect("an answer");
    sent[0].clone().expect("taken in");
    lands_in_a_block(rpc, signed).await
}

async fn lands_in_a_block(rpc: &Rpc, signed: &Signed) -> Value {
    eventually("a transfer lands under abuse", LONG, || async {
        let found = cosmos::transactions(rpc, std::slice::from_ref(&signed.hash)).await.remove(0);
        (found["tx_result"]["code"] == 0).then_some(found)
    })
    .await
}

/// Fills blocks, so that whoever hears of them hears much; pays for it, and is refused the copies.
async fn large_blocks(running: Arc<AtomicBool>, rpc: Rpc, contract: String) -> u32 {
    let (mut user, mut refused) = (User::devnet(4), 0);
    while running.load(Relaxed) {
        let text = format!(r#"{{"ok":{{}},"large":"{}","key":"{:08}"}}"#, "x".repeat(LARGE_BYTES), 1);
        let call = contract::execute(&user, &contract, &text, 0);
        let signed = cosmos::sign(&mut [&mut user], vec![call], LARGE_GAS);
        let sent = cosmos::send(&rpc, &[signed.clone(), signed.clone()]).await.expect("an answer");
        sent[0].clone().expect("taken in");
        refused += u32::from(sent[1].is_err());
        lands_in_a_block(&rpc, &signed).await;
    }
    refused
}

/// 100,000 calls in one batch.
async fn large_batch(rpc: Rpc) {
    let call = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "health", "params": {}});
    let batch: Vec<Value> = (0..100_000).map(call).collect();
    if let Ok(answer) = rpc.post(&Value::Array(batch)).await {
        assert!(answer["error"].is_object(), "a batch of 100,000 was answered");
    }
}

/// Calls that mean nothing, each of which must be answered with an error.
async fn garbage(rpc: Rpc, number: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let length = rng.random_range(0..2_000);
    let bytes: Vec<u8> = (0..length).map(|_| rng.random()).collect();
    let mut bent = cosmos::sign(&mut [&mut User::devnet(3)], Vec::new(), GAS).bytes;
    let at = rng.random_range(0..bent.len());
    bent[at] ^= 1 << rng.random_range(0..8);
    let (text, hex) = (BASE64_STANDARD.encode(&bytes), hex::encode(&bytes));
    let calls = [
        ("broadcast_tx_sync", json!({ "tx": text })),
        ("broadcast_tx_sync", json!({ "tx": BASE64_STANDARD.encode(&bent) })),
        ("broadcast_tx_commit", json!({ "tx": text })),
        ("abci_query", json!({ "path": "/cosmwasm.wasm.v1.Query/SmartContractState", "data": hex })),
        ("abci_query", json!({ "path": "/cosmos.tx.v1beta1.Service/Simulate", "data": hex })),
        ("abci_query", json!({ "path": text, "data": hex })),
        ("abci_query", json!({ "path": "/cosmos.bank.v1beta1.Query/TotalSupply", "height": "-1" })),
        ("abci_query", json!({ "path": "/cosmos.bank.v1beta1.Query/TotalSupply", "prove": true })),
        ("tx_search", json!({ "query": text, "page": "-7", "per_page": "1000000" })),
        ("tx_search", json!({ "query": "(".repeat(100_000) })),
        ("tx_search", json!({ "query": "a.b EXISTS AND ".repeat(10_000) })),
        ("block", json!({ "height": "9223372036854775807" })),
        ("block_results", json!({ "height": -1 })),
        ("tx", json!({ "hash": text })),
        ("blockchain", json!({ "minHeight": "5", "maxHeight": "-5" })),
        ("no_such_method", json!([])),
    ];
    for (method, params) in calls {
        match rpc.try_call(method, params.clone()).await.expect("an answer") {
            Err(_) => {}
            Ok(result) => {
                let codes = [&result["code"], &result["check_tx"]["code"], &result["response"]["code"]];
                let refused = codes.iter().any(|code| code.as_u64().is_some_and(|code| code != 0));
                assert!(refused, "{method} {params} was answered with {result}");
            }
        }
    }
    let deep = "[".repeat(1_000_000);
    let bodies: [&[u8]; 6] =
        [deep.as_bytes(), b"", b"null", b"[[[]]]", b"{\"id\":{}}", b"{\"method\":5,\"id\":1}"];
    for body in bodies.into_iter().chain([&bytes[..]]) {
        let answer = rpc.post_bytes(body.to_vec()).await.expect("an answer");
        assert!(answer["error"].is_object(), "answered: {answer}");
    }
}

/// A dozen queries and simulations that never end.
async fn endless(rpc: Rpc, contract: String, mut user: User) {
    let query = QuerySmartContractStateRequest { address: contract.clone(), query_data: b"\t{}".to_vec() };
    let call = contract::execute(&user, &contract, "\t{}", 0);
    let tx_bytes = cosmos::sign(&mut [&mut user], vec![call], 900_000_000).bytes;
    let simulate = SimulateRequest { tx_bytes, ..SimulateRequest::default() };
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..12 {
        let (rpc, query, simulate) = (rpc.clone(), query.clone(), simulate.clone());
        calls.spawn(async move {
            let path = ["/cosmwasm.wasm.v1.Query/SmartContractState", "/cosmos.tx.v1beta1.Service/Simulate"];
            let data = if number % 2 == 0 { encoded(&query) } else { encoded(&simulate) };
            let params = json!({ "path": path[number % 2], "data": data });
            // The node gives up in one way or the other.
            if let Ok(result) = rpc.try_call("abci_query", params).await.expect("an answer") {
                assert_ne!(result["response"]["code"], 0, "an endless call ended: {result}");
            }
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.expect("an error");
    }
}

fn encoded(message: &impl prost::Message) -> String {
    hex::encode(message.encode_to_vec())
}

/// Asks for a websocket; gives the node's first line.
async fn upgraded(address: SocketAddr) -> Option<(TcpStream, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let head = format!(
        "GET /websocket HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = vec![0; 1_024];
    let read = tokio::time::timeout(LONG, stream.read(&mut answer)).await.expect("an answer in time").ok()?;
    let first = String::from_utf8_lossy(&answer[..read]).lines().next().unwrap_or_default().to_owned();
    Some((stream, first))
}

/// A text in one frame, under a mask that changes nothing.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// As many websockets as the node lets in and more, each with as many subscriptions as it takes and more, none of which
/// is ever read.
async fn websockets(address: SocketAddr) {
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..WEBSOCKETS {
        let Some((mut stream, first)) = upgraded(address).await else {
            refused += 1;
            continue;
        };
        if !first.contains("101") {
            refused += 1;
            continue;
        }
        for id in 0..SUBSCRIPTIONS {
            let query = format!("tm.event='NewBlock' AND block.height>{id}");
            let call =
                json!({ "jsonrpc": "2.0", "id": id, "method": "subscribe", "params": { "query": query } });
            if stream.write_all(&frame(&call.to_string())).await.is_err() {
                break;
            }
        }
        open.push(stream);
    }
    assert!(refused > 0, "{WEBSOCKETS} websockets were let in");
    // Blocks come meanwhile.
    tokio::time::sleep(Duration::from_secs(2)).await;
}

/// Frames that no client may send: the node must hang up on each.
async fn broken_frames(address: SocketAddr) {
    let huge = [&[0x81, 0x80 | 127][..], &(1_u64 << 40).to_be_bytes(), &[0; 4]].concat();
    let unmasked = vec![0x81, 5, b'h', b'e', b'l', b'l', b'o'];
    let reserved = vec![0xf1, 0x80, 0, 0, 0, 0];
    let no_text = [&frame("")[..2], &[0, 2, 0, 0, 0, 0, 0xff, 0xfe]].concat();
    let long_ping = [&[0x89, 0x80 | 126, 0, 200, 0, 0, 0, 0][..], &[7; 200]].concat();
    for bytes in [huge, unmasked, reserved, no_text, long_ping] {
        let Some((mut stream, first)) = upgraded(address).await else { continue };
        // All places may be taken.
        if !first.contains("101") || stream.write_all(&bytes).await.is_err() {
            continue;
        }
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the node keeps a websocket after {bytes:02x?}");
    }
}
