//! One client that does its worst at every limit, and another one whose transfers go on landing.

use crate::chain::LONG;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use weft_tests::eventually;
use weft_tests::rpc::Rpc;
use weft_tests::wallet::Wallet;
use weft_tests::world::{Rules, World};

/// A contract that loops for ever: `JUMPDEST PUSH1 0 JUMP`.
const LOOP: &str = "0x5b600056";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_abuses_every_limit_gets_errors_and_another_ones_transfers_land() {
    let world = World::new(Rules::default()).await;
    let config = "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\n\
        [rpc_limits]\nheader_timeout_ms = 2000\ncall_timeout_ms = 500\ncall_gas = 1000000000000\n";
    let node = world.sequencer("sequencer", 0, config).await;
    let rpc = node.rpc().clone();
    let address: SocketAddr = rpc.url().trim_start_matches("http://").parse().expect("an address");

    let running = Arc::new(AtomicBool::new(true));
    let abusers = [
        tokio::spawn(again(running.clone(), move || large_body(address))),
        tokio::spawn(again(running.clone(), move || slow_headers(address))),
        tokio::spawn(again(running.clone(), {
            let rpc = rpc.clone();
            move || large_batch(rpc.clone())
        })),
        tokio::spawn(again(running.clone(), {
            let rpc = rpc.clone();
            move || all_logs(rpc.clone())
        })),
        tokio::spawn(again(running.clone(), {
            let rpc = rpc.clone();
            move || endless_calls(rpc.clone())
        })),
    ];

    // The other client: one transfer after the other, until every abuser has been refused a few times.
    let mut wallet = Wallet::devnet(2);
    let start = std::time::Instant::now();
    let mut landed = 0;
    while start.elapsed() < Duration::from_secs(8) || landed < 5 {
        let signed = wallet.transfer(Wallet::numbered(3).address(), 1);
        rpc.call("eth_sendRawTransaction", json!([signed.raw])).await;
        eventually("a transfer lands under abuse", LONG, || async {
            let receipt = rpc.call("eth_getTransactionReceipt", json!([signed.hash])).await;
            (receipt["status"] == "0x1").then_some(())
        })
        .await;
        landed += 1;
    }
    running.store(false, Relaxed);
    for abuser in abusers {
        let refused = abuser.await.expect("an abuser's end");
        assert!(refused > 0, "an abuser was never refused");
    }
    println!("{landed} transfers landed in {:?}", start.elapsed());
}

/// Repeats an abuse while the test runs; gives how often it was refused.
pub async fn again<F: Future<Output = ()>>(running: Arc<AtomicBool>, abuse: impl Fn() -> F) -> u32 {
    let mut refused = 0;
    while running.load(Relaxed) {
        abuse().await;
        refused += 1;
    }
    refused
}

/// Announces 100 MB and sends what it can: it must be refused before it was read.
pub async fn large_body(address: SocketAddr) {
    const BODY: usize = 100_000_000;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {BODY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("a head");
    let (mut read, mut write) = stream.into_split();
    let sender = tokio::spawn(async move {
        let chunk = vec![b' '; 1 << 16];
        for _ in 0..BODY / chunk.len() {
            // The node may close the connection at any time, and should.
            if write.write_all(&chunk).await.is_err() {
                break;
            }
        }
    });
    let mut answer = vec![0; 4096];
    let length =
        tokio::time::timeout(LONG, read.read(&mut answer)).await.expect("an answer in time").unwrap_or(0);
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    // A connection that is reset while the body is under way is a refusal too.
    assert!(length == 0 || answer.contains("413") || answer.contains("-32"), "not refused: {answer}");
    sender.abort();
}

/// A head that never ends: the node must hang up.
pub async fn slow_headers(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\n").await.expect("a line");
    let start = std::time::Instant::now();
    loop {
        let mut byte = [0; 256];
        match tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte)).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(_)) => {}
            Err(_) => {
                if stream.write_all(b"x: y\r\n").await.is_err() {
                    return;
                }
            }
        }
        assert!(start.elapsed() < LONG, "the node keeps a connection whose head never ends");
    }
}

/// 100,000 calls in one batch.
async fn large_batch(rpc: Rpc) {
    let call = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "eth_blockNumber", "params": []});
    let batch: Vec<Value> = (0..100_000).map(call).collect();
    if let Ok(answer) = rpc.post(&Value::Array(batch)).await {
        assert!(answer["error"].is_object(), "a batch of 100,000 was answered");
    }
}

/// Logs of all blocks, beyond any range.
async fn all_logs(rpc: Rpc) {
    let filter = json!([{"fromBlock": "0x0", "toBlock": "0xffffffff"}]);
    let answer = rpc.try_call("eth_getLogs", filter).await.expect("an answer");
    // A short chain has few logs, and its answer is right; a range beyond the limit must be refused.
    if let Ok(logs) = answer {
        assert!(logs.as_array().is_some_and(Vec::is_empty), "logs that nobody emitted");
    }
}

/// A dozen calls that never end.
async fn endless_calls(rpc: Rpc) {
    let to = "0x00000000000000000000000000000000000000aa";
    let call = json!([{"to": to, "gas": "0xffffffffffffff"}, "latest", {to: {"code": LOOP}}]);
    let calls: Vec<_> = (0..12)
        .map(|_| {
            let (rpc, call) = (rpc.clone(), call.clone());
            tokio::spawn(async move { rpc.refused("eth_call", call).await })
        })
        .collect();
    for call in calls {
        call.await.expect("an error");
    }
}
