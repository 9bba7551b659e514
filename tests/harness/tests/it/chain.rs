//! What the suites share: driving traffic, and comparing two nodes block by block.

use serde_json::{Value, json};
use std::time::Duration;
use weft_tests::eventually;
use weft_tests::process::Node;
use weft_tests::rpc::Rpc;
use weft_tests::solana;
use weft_tests::solana_traffic::SolTraffic;
use weft_tests::traffic::Traffic;

/// Time for a chain of a thousand blocks on a busy machine.
pub const LONG: Duration = Duration::from_secs(300);

const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

/// Traffic of both machines.
pub struct Mix {
    pub evm: Traffic,
    pub sol: SolTraffic,
}

impl Mix {
    pub fn new(seed: u64, accounts: std::ops::Range<u32>) -> Self {
        Self { evm: Traffic::new(seed, accounts), sol: SolTraffic::new(seed) }
    }
}

/// Sends traffic in small batches until the tip reaches `height`.
pub async fn drive(node: &Node, mix: &mut Mix, height: u64) {
    let rpc = node.rpc();
    loop {
        let tip = rpc.tip().await.expect("the sequencer answers");
        if tip >= height {
            return;
        }
        let solana = mix.sol.next(node.sol(), 5).await;
        let transactions: Vec<String> = mix.evm.next(5).into_iter().map(|signed| signed.raw).collect();
        for answer in rpc.send_raw(&transactions).await.expect("the sequencer answers") {
            answer.expect("the pool takes what follows its nonces");
        }
        send_solana(node.sol(), &solana).await;
        // The next batch belongs in a later block, so that the run has many blocks and not a few large ones.
        eventually("a new block", LONG, || async { rpc.tip().await.filter(|now| *now > tip) }).await;
    }
}

/// Sends transactions that the pool must take; but a nonce may be used up meanwhile.
pub async fn send_solana(rpc: &Rpc, transactions: &[solana::Signed]) {
    for answer in solana::send(rpc, transactions).await.expect("the sequencer answers") {
        if let Err(error) = answer {
            assert!(error.contains("Blockhash not found"), "the pool refuses {error}");
        }
    }
}

/// Waits until `height` was derived from Celestia.
pub async fn included(rpc: &Rpc, height: u64) {
    let what = format!("height {height} derived from Celestia by {}", rpc.url());
    eventually(&what, LONG, || async { rpc.included().await.filter(|included| *included >= height) }).await;
}

/// Waits until two nodes have the same tip and all of it was derived from Celestia; gives its height.
pub async fn settled(one: &Rpc, other: &Rpc) -> u64 {
    eventually("two nodes have all that was ordered from Celestia", LONG, || async {
        let tip = one.tip().await?;
        let all = [one.included().await?, other.included().await?, other.tip().await?, one.tip().await?];
        all.iter().all(|height| *height == tip).then_some(tip)
    })
    .await
}

/// Asserts that two nodes have the same blocks, and so the same state root, at every height up to `height`. Gives how
/// many of them hold transactions of both machines.
pub async fn assert_same(one: &Rpc, other: &Rpc, height: u64) -> usize {
    let mut mixed = 0;
    for height in 0..=height {
        let (left, right) = (one.block(height).await, other.block(height).await);
        assert!(left["state_root"].is_string(), "no state root in {left}");
        assert_eq!(essence(&left), essence(&right), "the nodes differ at height {height}");
        let machines = || left["transactions"].as_array().into_iter().flatten().map(|found| &found["vm"]);
        mixed += usize::from(machines().any(|vm| vm == "evm") && machines().any(|vm| vm == "sbf"));
    }
    mixed
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

/// Asserts that two nodes with the same tip, which is on Celestia, say the same of Solana's accounts and their
/// transactions, which they look up outside the state.
pub async fn assert_same_solana(one: &Rpc, other: &Rpc, sol: &SolTraffic) {
    let mut signatures = 0;
    for account in sol.accounts() {
        let account = account.to_string();
        let of_account = same(one, other, "getSignaturesForAddress", json!([account])).await;
        signatures += of_account.as_array().map_or(0, Vec::len);
        let by_owner = json!([account, { "programId": TOKEN }, { "encoding": "base64" }]);
        same(one, other, "getTokenAccountsByOwner", by_owner).await;
        same(one, other, "getAccountInfo", json!([account, { "encoding": "base64" }])).await;
    }
    let tokens = same(one, other, "getProgramAccounts", json!([TOKEN, { "encoding": "base64" }])).await;
    assert!(signatures > 0 && tokens.as_array().is_some_and(|all| !all.is_empty()), "nothing was compared");
}

async fn same(one: &Rpc, other: &Rpc, method: &str, params: Value) -> Value {
    let (mut left, mut right) =
        (one.call(method, params.clone()).await, other.call(method, params.clone()).await);
    // The order of such a list is nobody's promise.
    if method == "getProgramAccounts" {
        for list in [&mut left, &mut right] {
            list.as_array_mut().expect("a list").sort_by_key(|entry| entry["pubkey"].to_string());
        }
    }
    assert_eq!(left, right, "{method} {params}");
    left
}
