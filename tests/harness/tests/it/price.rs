//! The base fee on a chain that makes no block without need: who pays too little waits for it, and not in vain.

use crate::chain::LONG;
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind};
use serde_json::json;
use weft_tests::eventually;
use weft_tests::wallet::{CHAIN_ID, Wallet};
use weft_tests::world::{Rules, World};

/// A tenth of the base fee of the first block.
const PRICE: u128 = 100_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_below_the_base_fee_lands_when_that_has_fallen() {
    let world = World::new(Rules::default()).await;
    let config = "[sequencer]\nblock_time_ms = 20\nbatch_time_ms = 100\n";
    let node = world.sequencer("sequencer", 0, config).await;
    let rpc = node.rpc();
    eventually("a first block", LONG, || async { rpc.tip().await.filter(|tip| *tip > 0) }).await;
    let sent = Wallet::devnet(0).sign(TxEip1559 {
        chain_id: CHAIN_ID,
        gas_limit: 21_000,
        max_fee_per_gas: PRICE,
        to: TxKind::Call(Address::repeat_byte(8)),
        ..TxEip1559::default()
    });
    rpc.call("eth_sendRawTransaction", json!([sent.raw])).await;
    let receipt = eventually("a receipt of what paid too little", LONG, || async {
        let receipt = rpc.call("eth_getTransactionReceipt", json!([sent.hash])).await;
        receipt.is_object().then_some(receipt)
    })
    .await;
    let paid = receipt["effectiveGasPrice"].as_str().and_then(|text| text.strip_prefix("0x"));
    let paid = paid.and_then(|digits| u128::from_str_radix(digits, 16).ok()).expect("a price");
    assert!(paid <= PRICE && paid > PRICE * 7 / 8 - 1, "no more blocks than are needed: {paid}");
}
