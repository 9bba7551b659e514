//! What the suites share: driving traffic, and comparing two nodes block by block.

use serde_json::Value;
use std::time::Duration;
use weft_tests::eventually;
use weft_tests::rpc::Rpc;
use weft_tests::traffic::Traffic;

/// Time for a chain of a thousand blocks on a busy machine.
pub const LONG: Duration = Duration::from_secs(300);

/// Sends traffic in small batches until the tip reaches `height`.
pub async fn drive(rpc: &Rpc, traffic: &mut Traffic, height: u64) {
    loop {
        let tip = rpc.tip().await.expect("the sequencer answers");
        if tip >= height {
            return;
        }
        let transactions: Vec<String> = traffic.next(5).into_iter().map(|signed| signed.raw).collect();
        for answer in rpc.send_raw(&transactions).await.expect("the sequencer answers") {
            answer.expect("the pool takes what follows its nonces");
        }
        // The next batch belongs in a later block, so that the run has many blocks and not a few large ones.
        eventually("a new block", LONG, || async { rpc.tip().await.filter(|now| *now > tip) }).await;
    }
}

/// Waits until `height` was derived from Celestia.
pub async fn included(rpc: &Rpc, height: u64) {
    let what = format!("height {height} derived from Celestia by {}", rpc.url());
    eventually(&what, LONG, || async { rpc.included().await.filter(|included| *included >= height) }).await;
}

/// Asserts that two nodes have the same blocks, and so the same state root, at every height up to `height`.
pub async fn assert_same(one: &Rpc, other: &Rpc, height: u64) {
    for height in 0..=height {
        let (left, right) = (one.block(height).await, other.block(height).await);
        assert!(left["state_root"].is_string(), "no state root in {left}");
        assert_eq!(essence(&left), essence(&right), "the nodes differ at height {height}");
    }
}

/// A block without what tells how far it is on its way, which two nodes may see at different moments.
fn essence(block: &Value) -> Value {
    let mut block = block.clone();
    if let Some(fields) = block.as_object_mut() {
        fields.remove("status");
        fields.remove("da_height");
    }
    block
}
