//! Blocks, transactions and their history.

use super::*;

#[tokio::test]
async fn a_transaction_is_seen_soft_and_final() {
    let world = World::new().await;
    let to = Pubkey::from([9; 32]);
    let transaction = world.transfer(&to, 1_000_000_000);
    let signature = world.send(&transaction).await;
    let block = world.block();
    let slot = block.header.height.0;
    world.block();
    let statuses = json!([[signature, "1".repeat(64)]]);
    let status = world.ok("getSignatureStatuses", statuses.clone()).await["value"].clone();
    let expected = json!({
        "confirmationStatus": "confirmed", "confirmations": 1, "err": null, "slot": slot, "status": { "Ok": null }
    });
    assert_eq!(status, json!([expected, null]));
    assert_eq!(world.ok("getTransaction", json!([signature])).await, Value::Null);
    let soft = json!([signature, { "commitment": "confirmed", "maxSupportedTransactionVersion": 0 }]);
    let shown = world.ok("getTransaction", soft).await;
    assert_eq!((&shown["slot"], &shown["version"]), (&json!(slot), &json!("legacy")));
    assert_eq!((&shown["meta"]["fee"], &shown["meta"]["err"]), (&json!(5_000), &Value::Null));
    assert_eq!(shown["meta"]["postBalances"][1], 1_000_000_000);
    assert_eq!(shown["meta"]["logMessages"][1], "Program 11111111111111111111111111111111 success");
    assert_eq!(shown["transaction"]["signatures"], json!([signature]));

    world.include();
    let status = world.ok("getSignatureStatuses", statuses).await["value"][0].clone();
    assert_eq!(
        (&status["confirmationStatus"], &status["confirmations"]),
        (&json!("finalized"), &Value::Null)
    );
    let parsed = world.ok("getTransaction", json!([signature, "jsonParsed"])).await;
    let instruction = &parsed["transaction"]["message"]["instructions"][0]["parsed"];
    assert_eq!(
        (&instruction["type"], &instruction["info"]["lamports"]),
        (&json!("transfer"), &json!(1_000_000_000))
    );
    let raw = world.ok("getTransaction", json!([signature, "base64"])).await["transaction"].clone();
    assert_eq!(raw, json!([base64(&transaction), "base64"]));
    let (code, message) =
        world.fault("getTransaction", json!([signature, { "commitment": "processed" }])).await;
    assert_eq!((code, &*message), (-32_602, "Method does not support commitment below `confirmed`"));
}

#[tokio::test]
async fn blocks_follow_one_another() {
    let world = World::new().await;
    let signature = world.send(&world.transfer(&Pubkey::from([9; 32]), 1_000_000_000)).await;
    let block = world.block();
    let slot = block.header.height.0;
    assert_eq!(
        world.fault("getBlock", json!([slot])).await,
        (-32_004, format!("Block not available for slot {slot}"))
    );
    world.include();
    let config =
        json!({ "maxSupportedTransactionVersion": 0, "transactionDetails": "full", "rewards": false });
    let shown = world.ok("getBlock", json!([slot, config])).await;
    assert_eq!(shown["blockhash"], Hash::new_from_array(block.hash.0).to_string());
    let parent = world.ok("getBlock", json!([slot - 1, { "transactionDetails": "none" }])).await;
    assert_eq!((&shown["previousBlockhash"], &shown["parentSlot"]), (&parent["blockhash"], &json!(slot - 1)));
    assert_eq!(shown["blockTime"], block.header.timestamp_ms / 1_000);
    assert_eq!(shown["transactions"][0]["transaction"]["signatures"][0], signature);
    assert!(shown.get("rewards").is_none() && parent.get("transactions").is_none());
    let signatures = world.ok("getBlock", json!([slot, { "transactionDetails": "signatures" }])).await;
    assert_eq!(signatures["signatures"], json!([signature]));
    let accounts = world.ok("getBlock", json!([slot, { "transactionDetails": "accounts" }])).await;
    assert_eq!(accounts["transactions"][0]["transaction"]["accountKeys"][0]["signer"], true);
    assert_eq!(world.ok("getBlocks", json!([0, 100])).await, json!([0, 1, 2]));
    assert_eq!(world.ok("getBlocks", json!([1, { "commitment": "confirmed" }])).await, json!([1, 2]));
    assert_eq!(world.ok("getBlocks", json!([7, 9])).await, json!([]));
    assert_eq!(world.ok("getBlocksWithLimit", json!([1, 1])).await, json!([1]));
    let wide = world.fault("getBlocksWithLimit", json!([1, 500_001])).await;
    assert_eq!(wide, (-32_602, "Limit too large; max 500000".to_owned()));
    assert_eq!(world.ok("getBlockTime", json!([slot])).await, shown["blockTime"]);
    assert_eq!(world.fault("getBlockTime", json!([99])).await.0, -32_004);
    assert_eq!(world.ok("getTransactionCount", json!([])).await, 1);
    assert_eq!(world.ok("getEpochInfo", json!([])).await["transactionCount"], 1);
    let samples = world.ok("getRecentPerformanceSamples", json!([1])).await;
    assert_eq!((&samples[0]["numTransactions"], &samples[0]["numSlots"]), (&json!(1), &json!(3)));
}

#[tokio::test]
async fn blockhashes_are_good_for_as_long_as_is_said() {
    let world = World::new().await;
    let soft = json!([{ "commitment": "confirmed" }]);
    let latest = world.ok("getLatestBlockhash", soft.clone()).await;
    assert_eq!(
        (&latest["context"]["slot"], &latest["value"]["blockhash"]),
        (&json!(1), &json!(world.blockhash().to_string()))
    );
    let height = world.ok("getBlockHeight", soft.clone()).await.as_u64().unwrap();
    assert_eq!(latest["value"]["lastValidBlockHeight"], height + weft_sbf::BLOCKHASH_HEIGHTS);
    let valid = json!([latest["value"]["blockhash"], { "commitment": "confirmed" }]);
    assert_eq!(world.ok("isBlockhashValid", valid.clone()).await["value"], true);
    // 400 ms of chain time a block.
    for _ in 0..weft_sbf::BLOCKHASH_HEIGHTS {
        world.block();
    }
    assert_eq!(world.ok("getBlockHeight", soft.clone()).await, latest["value"]["lastValidBlockHeight"]);
    assert_eq!(world.ok("isBlockhashValid", valid.clone()).await["value"], true);
    world.block();
    assert_eq!(world.ok("isBlockhashValid", valid).await["value"], false);
    // It was never final.
    let finals = json!([latest["value"]["blockhash"]]);
    assert_eq!(world.ok("isBlockhashValid", finals).await["value"], false);
}

#[tokio::test]
async fn an_accounts_history_is_listed_newest_first() {
    let world = World::new().await;
    let to = Pubkey::from([9; 32]);
    let mut sent = Vec::new();
    for lamports in 1..=5 {
        sent.push(world.send(&world.transfer(&to, 1_000_000_000 + lamports)).await);
        world.block();
    }
    let listed = async |config: Value| {
        let listed = world.ok("getSignaturesForAddress", json!([to.to_string(), config])).await;
        let listed =
            listed.as_array().unwrap().iter().map(|one| one["signature"].as_str().unwrap().to_owned());
        listed.collect::<Vec<_>>()
    };
    assert_eq!(listed(json!({})).await, Vec::<String>::new(), "nothing is final");
    world.include();
    let all: Vec<_> = sent.iter().rev().cloned().collect();
    assert_eq!(listed(json!({})).await, all);
    assert_eq!(listed(json!({ "limit": 2 })).await, all[..2]);
    assert_eq!(listed(json!({ "before": all[1], "until": all[4] })).await, all[2..4]);
    let one = world.ok("getSignaturesForAddress", json!([to.to_string(), { "limit": 1 }])).await[0].clone();
    assert_eq!(
        (&one["confirmationStatus"], &one["memo"], &one["err"]),
        (&json!("finalized"), &Value::Null, &Value::Null)
    );
    let unknown = json!([to.to_string(), { "before": "1".repeat(64) }]);
    assert_eq!(world.fault("getSignaturesForAddress", unknown).await.0, -32_020);
    let wide = world.fault("getSignaturesForAddress", json!([to.to_string(), { "limit": 1_001 }])).await;
    assert_eq!(wide, (-32_602, "Invalid limit; max 1000".to_owned()));
    let fees = world.ok("getRecentPrioritizationFees", json!([[to.to_string()]])).await;
    assert_eq!(fees.as_array().unwrap().len(), 6);
}
