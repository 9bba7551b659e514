//! A sequencer that censors loses: what is posted straight to Celestia lands all the same.

use crate::chain::{LONG, included};
use serde_json::json;
use weft_tests::eventually;
use weft_tests::process::weft;
use weft_tests::wallet::Wallet;
use weft_tests::world::{Rules, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_transaction_of_a_denied_sender_lands() {
    let world = World::new(Rules::default()).await;
    let mut denied = Wallet::devnet(3);
    let config = format!(
        "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\ndeny_list = [\"{}\"]\n",
        denied.address()
    );
    let sequencer = world.sequencer("sequencer", 0, &config).await;
    let signed = denied.transfer(Wallet::numbered(1).address(), 77);
    let fault = sequencer.rpc().refused("eth_sendRawTransaction", json!([signed.raw])).await;
    assert!(fault.message.contains("deny"), "refused for another reason: {}", fault.message);

    let genesis = world.genesis_path().display().to_string();
    let url = world.celestia.url();
    let forced = weft(&["force", "--genesis", &genesis, "--celestia", &url, "--vm", "evm", &signed.raw]);
    assert!(forced.status.success(), "{}", String::from_utf8_lossy(&forced.stderr));
    let receipt = eventually("a receipt of the forced transaction", LONG, || async {
        let receipt = sequencer.rpc().call("eth_getTransactionReceipt", json!([signed.hash])).await;
        receipt.is_object().then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x1");
    let height =
        u64::from_str_radix(receipt["blockNumber"].as_str().expect("a height").trim_start_matches("0x"), 16)
            .expect("a number");
    let follower = world.follower("follower").await;
    included(follower.rpc(), height).await;
    let seen = follower.rpc().call("eth_getTransactionReceipt", json!([signed.hash])).await;
    assert_eq!(seen["blockHash"], receipt["blockHash"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_sequencer_at_work_a_forced_transaction_becomes_overdue_and_lands() {
    let world = World::new(Rules { forced_window: 5, ..Rules::default() }).await;
    let follower = world.follower("follower").await;
    let signed = Wallet::devnet(0).transfer(Wallet::numbered(1).address(), 5);
    let genesis = world.genesis_path().display().to_string();
    let forced = weft(&[
        "force",
        "--genesis",
        &genesis,
        "--celestia",
        &world.celestia.url(),
        "--vm",
        "evm",
        &signed.raw,
    ]);
    assert!(forced.status.success(), "{}", String::from_utf8_lossy(&forced.stderr));
    let receipt = eventually("a receipt of the overdue transaction", LONG, || async {
        let receipt = follower.rpc().call("eth_getTransactionReceipt", json!([signed.hash])).await;
        receipt.is_object().then_some(receipt)
    })
    .await;
    assert_eq!(receipt["status"], "0x1");
}
