//! A silent sequencer is replaced by the next one in genesis, and the chain goes on.

use crate::chain::{LONG, assert_same, included};
use serde_json::json;
use weft_tests::eventually;
use weft_tests::wallet::Wallet;
use weft_tests::world::{Rules, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_sequencer_is_replaced_by_the_next_in_genesis() {
    let world = World::new(Rules { sequencers: 2, failover_window: 10, ..Rules::default() }).await;
    let config = "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\n";
    let mut first = world.sequencer("first", 0, config).await;
    let second = world.sequencer("second", 1, config).await;
    let mut wallet = Wallet::devnet(0);
    let before = wallet.transfer(Wallet::numbered(1).address(), 1);
    first.rpc().call("eth_sendRawTransaction", json!([before.raw])).await;
    let height = eventually("a first receipt", LONG, || async {
        let receipt = first.rpc().call("eth_getTransactionReceipt", json!([before.hash])).await;
        receipt["blockNumber"].as_str().map(|text| u64::from_str_radix(&text[2..], 16).expect("a height"))
    })
    .await;
    included(second.rpc(), height).await;
    first.kill();

    let after = wallet.transfer(Wallet::numbered(1).address(), 2);
    second.rpc().call("eth_sendRawTransaction", json!([after.raw])).await;
    let height = eventually("a receipt from the next sequencer", LONG, || async {
        let receipt = second.rpc().call("eth_getTransactionReceipt", json!([after.hash])).await;
        receipt["blockNumber"].as_str().map(|text| u64::from_str_radix(&text[2..], 16).expect("a height"))
    })
    .await;
    included(second.rpc(), height).await;
    // The first comes back, follows, and agrees.
    first.again().await;
    included(first.rpc(), height).await;
    assert_same(first.rpc(), second.rpc(), height).await;
}
