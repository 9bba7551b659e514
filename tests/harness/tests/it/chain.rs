//! What the suites share: driving traffic, and comparing two nodes block by block.

use cosmos_sdk_proto::cosmos::bank::v1beta1::QueryBalanceRequest;
use serde_json::{Value, json};
use std::time::Duration;
use weft_tests::cosmos_traffic::CosmosTraffic;
use weft_tests::mix::{Mix, is_mixed};
use weft_tests::process::Node;
use weft_tests::rpc::Rpc;
use weft_tests::solana_traffic::SolTraffic;
use weft_tests::{cosmos, eventually};

/// Time for a chain of a thousand blocks on a busy machine.
pub const LONG: Duration = Duration::from_secs(300);

const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";

/// Sends traffic in small batches until the tip reaches `height`.
pub async fn drive(node: &Node, mix: &mut Mix, height: u64) {
    let rpc = node.rpc();
    loop {
        let tip = rpc.tip().await.expect("the sequencer answers");
        if tip >= height {
            return;
        }
        mix.send(node, 5).await;
        // The next batch belongs in a later block, so that the run has many blocks and not a few large ones.
        eventually("a new block", LONG, || async { rpc.tip().await.filter(|now| *now > tip) }).await;
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
/// many of them hold transactions of all three machines; there is one at least.
pub async fn assert_same_mixed(one: &Rpc, other: &Rpc, height: u64) -> usize {
    let mixed = assert_same(one, other, height).await;
    assert!(mixed > 0, "no block holds transactions of all three machines");
    mixed
}

/// Asserts that two nodes have the same blocks, and so the same state root, at every height up to `height`. Gives how
/// many of them hold transactions of all three machines.
pub async fn assert_same(one: &Rpc, other: &Rpc, height: u64) -> usize {
    let mut mixed = 0;
    for height in 0..=height {
        let (left, right) = (one.block(height).await, other.block(height).await);
        assert!(left["state_root"].is_string(), "no state root in {left}");
        assert_eq!(essence(&left), essence(&right), "the nodes differ at height {height}");
        mixed += usize::from(is_mixed(&left));
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

/// Asserts that two nodes with the same tip, which is on Celestia, say the same of what their users see outside of
/// Ethereum's RPC.
pub async fn assert_same_shown(one: &Node, other: &Node, mix: &Mix) {
    assert_same_solana(one.sol(), other.sol(), &mix.sol).await;
    assert_same_cosmos(one.cosmos(), other.cosmos(), &mix.cosmos).await;
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

const AUTH: &str = "/cosmos.auth.v1beta1.Query/Account";
const BALANCES: &str = "/cosmos.bank.v1beta1.Query/AllBalances";
const CODES: &str = "/cosmwasm.wasm.v1.Query/Codes";
const CONTRACT: &str = "/cosmwasm.wasm.v1.Query/ContractInfo";
const HISTORY: &str = "/cosmwasm.wasm.v1.Query/ContractHistory";
const STORAGE: &str = "/cosmwasm.wasm.v1.Query/AllContractState";
const SUPPLY: &str = "/cosmos.bank.v1beta1.Query/TotalSupply";

/// The same for Cosmos' accounts, contracts and transactions.
async fn assert_same_cosmos(one: &Rpc, other: &Rpc, traffic: &CosmosTraffic) {
    let mut found = 0;
    for address in traffic.addresses() {
        for path in [AUTH, BALANCES] {
            same_query(one, other, path, Some(&address)).await;
        }
        let query = format!("message.sender='{address}'");
        let search = same(one, other, "tx_search", json!({ "query": query, "per_page": "100" })).await;
        found += search["txs"].as_array().map_or(0, Vec::len);
    }
    let mut stored = 0;
    for contract in traffic.contracts() {
        for path in [CONTRACT, HISTORY, BALANCES] {
            same_query(one, other, path, Some(&contract)).await;
        }
        stored += same_query(one, other, STORAGE, Some(&contract)).await.len();
    }
    for path in [CODES, SUPPLY] {
        same_query(one, other, path, None).await;
    }
    assert!(found > 0 && stored > 0, "nothing was compared: {found} transactions, {stored} bytes stored");
}

/// A query whose request has nothing but an address in its first field.
async fn same_query(one: &Rpc, other: &Rpc, path: &str, address: Option<&str>) -> Vec<u8> {
    // All of these requests begin with it.
    let request =
        QueryBalanceRequest { address: address.unwrap_or_default().to_owned(), ..Default::default() };
    let (left, right) =
        (cosmos::query(one, path, &request).await, cosmos::query(other, path, &request).await);
    assert_eq!(left, right, "{path} {address:?}");
    left.unwrap_or_else(|refused| panic!("{path} {address:?}: {refused:?}"))
}

/// How the accepted transactions among `hashes` ended, as a node shows them; none may be missing.
pub async fn outcomes(rpc: &Rpc, hashes: &[String]) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for page in hashes.chunks(100) {
        for (hash, found) in page.iter().zip(cosmos::transactions(rpc, page).await) {
            let code = found["tx_result"]["code"].as_u64();
            match code.unwrap_or_else(|| panic!("{hash} was taken in and is nowhere: {found}")) {
                0 => outcomes.succeeded += 1,
                _ => outcomes.failed += 1,
            }
        }
    }
    outcomes
}

/// See [`outcomes`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcomes {
    pub succeeded: usize,
    pub failed: usize,
}
