//! `weft devnet` as somebody meets it: ready at once, stopped cleanly, going on where it was.

use crate::chain::{LONG, included};
use serde_json::{Value, json};
use weft_tests::cosmos::{self, COSMOS_ACCOUNTS, User};
use weft_tests::eventually;
use weft_tests::process::Node;
use weft_tests::wallet::{MNEMONIC, Wallet};

/// What an idle devnet may hold in memory.
const IDLE_MIB_MAX: u64 = 300;

fn args() -> Vec<String> {
    let any = "127.0.0.1:0";
    let listen = ["--eth", any, "--sol", any, "--cosmos", any, "--celestia-listen", any];
    ["devnet", "--block-interval", "100"].into_iter().chain(listen).map(str::to_owned).collect()
}

fn read(node: &Node, file: &str) -> Value {
    let text = std::fs::read_to_string(node.dir().join(file)).expect("a file of the devnet");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn devnet_writes_what_scripts_rely_on_and_goes_on_after_a_stop_and_after_a_kill() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = Node::start("devnet", dir.path(), args()).await;
    let about = read(&node, "node.json");
    assert!(about["pid"].is_u64() && about["version"].is_string() && about["genesis_hash"].is_string());
    assert!(about["urls"]["celestia"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")));
    let accounts = read(&node, "accounts.json");
    assert_eq!(accounts["evm"].as_array().map(Vec::len), Some(10));
    assert_eq!(accounts["sbf"].as_array().map(Vec::len), Some(10));
    for index in 0..COSMOS_ACCOUNTS {
        let user = User::devnet(index);
        let shown = &accounts["wasm"][usize::try_from(index).expect("a small number")];
        assert_eq!(
            *shown,
            json!({ "address": user.address(), "mnemonic": MNEMONIC, "path": cosmos::path(index) })
        );
        assert_eq!(cosmos::balance(node.cosmos(), &user.address()).await, "10000000000000000000000");
    }
    let first = json!([accounts["sbf"][0]["pubkey"]]);
    assert_eq!(node.sol().call("getBalance", first).await["value"], 10_000_000_000_000_u64);
    let mut wallet = Wallet::devnet(0);
    assert_eq!(
        accounts["evm"][0]["address"].as_str().map(str::to_lowercase),
        Some(format!("{:#x}", wallet.address()))
    );
    assert_eq!(accounts["evm"][0]["private_key"], json!(wallet.secret()));
    assert_eq!(node.rpc().call("eth_chainId", json!([])).await, "0x7a69");

    for round in 0_u64..3 {
        let signed = wallet.transfer(Wallet::numbered(9).address(), 10);
        node.rpc().call("eth_sendRawTransaction", json!([signed.raw])).await;
        let height = eventually("a receipt", LONG, || async {
            let receipt = node.rpc().call("eth_getTransactionReceipt", json!([signed.hash])).await;
            receipt["blockNumber"].as_str().map(|text| u64::from_str_radix(&text[2..], 16).expect("a height"))
        })
        .await;
        let block = node.rpc().block(height).await;
        match round {
            0 => {
                included(node.rpc(), height).await;
                assert!(node.stop().await.success(), "a clean stop ends with 0");
            }
            1 => assert!(node.stop().await.success(), "a clean stop ends with 0"),
            _ => node.kill(),
        }
        node.again().await;
        let again = eventually("the block again", LONG, || async {
            let block = node.rpc().block(height).await;
            block.is_object().then_some(block)
        })
        .await;
        assert_eq!(again["hash"], block["hash"], "round {round}: the block came back another");
    }
    let balance = node.rpc().call("eth_getBalance", json!([Wallet::numbered(9).address(), "latest"])).await;
    assert_eq!(balance, "0x1e");
    let resident = node.resident_mib();
    assert!(resident < IDLE_MIB_MAX, "an idle devnet holds {resident} MiB");
}
