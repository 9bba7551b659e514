//! Sending, simulating, fees and airdrops.

use super::*;

fn encoded(transaction: &VersionedTransaction, config: Value) -> Value {
    let mut config = config;
    config["encoding"] = json!("base64");
    json!([base64(transaction), config])
}

#[tokio::test]
async fn what_would_fail_is_refused_with_what_the_simulation_gave() {
    let world = World::new().await;
    let poor = keypair(30);
    world.send(&world.transfer(&poor.pubkey(), 1_000_000_000)).await;
    world.block();
    let over = transfer(&poor.pubkey(), &Pubkey::from([9; 32]), 5_000_000_000);
    let over = sign(&poor, &[], &[over], world.blockhash());
    let answer = world.raw("sendTransaction", encoded(&over, json!({}))).await;
    let error = &answer["error"];
    assert_eq!(error["code"], -32_002, "{answer}");
    let message = "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1";
    assert_eq!(error["message"], message);
    assert_eq!(error["data"]["err"], json!({ "InstructionError": [0, { "Custom": 1 }] }));
    let logs = error["data"]["logs"].to_string();
    assert!(logs.contains("insufficient lamports"), "{logs}");
    assert!(error["data"]["unitsConsumed"].as_u64().unwrap() > 0);
    let keys = ["accounts", "innerInstructions", "preBalances", "replacementBlockhash", "returnData"];
    assert!(keys.iter().all(|key| error["data"][key].is_null()), "{error}");
    // Without the simulation it goes in, fails, and pays.
    world.ok("sendTransaction", encoded(&over, json!({ "skipPreflight": true }))).await;
    let block = world.block();
    assert!(!block.transactions[0].receipt.status.is_success());
    let status = world.ok("getSignatureStatuses", json!([[over.signatures[0].to_string()]])).await;
    assert_eq!(status["value"][0]["err"], json!({ "InstructionError": [0, { "Custom": 1 }] }));
}

#[tokio::test]
async fn old_forged_and_repeated_transactions_have_solanas_errors() {
    let world = World::new().await;
    let to = Pubkey::from([9; 32]);
    let stale =
        sign(&world.payer, &[], &[transfer(&world.payer.pubkey(), &to, 1_000_000_000)], Hash::default());
    for config in [json!({}), json!({ "skipPreflight": true })] {
        let answer = world.raw("sendTransaction", encoded(&stale, config)).await;
        let error = &answer["error"];
        assert_eq!((&error["code"], &error["data"]["err"]), (&json!(-32_002), &json!("BlockhashNotFound")));
        assert_eq!(error["message"], "Transaction simulation failed: Blockhash not found");
    }
    let mut forged = world.transfer(&to, 1_000_000_000);
    forged.signatures[0] = keypair(1).sign_message(b"another");
    let answer = world.raw("sendTransaction", encoded(&forged, json!({}))).await;
    let message = "Transaction simulation failed: Transaction did not pass signature verification";
    assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(-32_002), &json!(message)));
    let blind = world.fault("sendTransaction", encoded(&forged, json!({ "skipPreflight": true }))).await;
    assert_eq!(blind, (-32_003, "Transaction signature verification failure".to_owned()));

    let good = world.transfer(&to, 1_000_000_000);
    world.send(&good).await;
    world.send(&good).await;
    assert_eq!(world.block().transactions.len(), 1);
    let answer = world.raw("sendTransaction", encoded(&good, json!({}))).await;
    assert_eq!(answer["error"]["data"]["err"], "AlreadyProcessed");
    let message = "Transaction simulation failed: This transaction has already been processed";
    assert_eq!(answer["error"]["message"], message);
    let again = world.ok("sendTransaction", encoded(&good, json!({ "skipPreflight": true }))).await;
    assert_eq!(again, good.signatures[0].to_string());
    let base58 = json!([bs58::encode(bincode::serialize(&good).unwrap()).into_string()]);
    assert_eq!(world.fault("sendTransaction", base58).await.0, -32_002);
}

#[tokio::test]
async fn simulations_show_accounts_and_leave_nothing() {
    let world = World::new().await;
    let [_, first, second] = world.tokens().await;
    let token = spl_token_interface::ID;
    let payer = world.payer.pubkey();
    let moved =
        spl_token_interface::instruction::transfer(&token, &first, &second, &payer, &[], 100).unwrap();
    let mut transaction = world.signed(&[], &[moved]);
    transaction.message.set_recent_blockhash(Hash::default());
    let config = json!({
        "commitment": "confirmed", "replaceRecentBlockhash": true, "innerInstructions": true,
        "accounts": { "encoding": "jsonParsed", "addresses": [first.to_string(), Pubkey::from([1; 32]).to_string()] }
    });
    let result = world.ok("simulateTransaction", encoded(&transaction, config)).await["value"].clone();
    assert_eq!((&result["err"], &result["fee"]), (&Value::Null, &json!(5_000)), "{result}");
    let after = &result["accounts"][0]["data"]["parsed"]["info"]["tokenAmount"];
    assert_eq!((&after["amount"], &after["decimals"]), (&json!("500"), &json!(6)));
    assert_eq!(result["accounts"][1], Value::Null);
    assert_eq!(result["replacementBlockhash"]["blockhash"], world.blockhash().to_string());
    assert_eq!(result["innerInstructions"], json!([]));
    assert_eq!(result["preTokenBalances"].as_array().unwrap().len(), 2);
    assert!(result["loadedAccountsDataSize"].as_u64().unwrap() > 0);
    let balance = json!([first.to_string(), { "commitment": "confirmed" }]);
    assert_eq!(world.ok("getTokenAccountBalance", balance).await["value"]["amount"], "600");

    let config = json!({ "commitment": "confirmed", "sigVerify": true });
    let unsigned = world.ok("simulateTransaction", encoded(&transaction, config)).await["value"].clone();
    assert_eq!((&unsigned["err"], &unsigned["unitsConsumed"]), (&json!("SignatureFailure"), &json!(0)));
    let both = json!({ "sigVerify": true, "replaceRecentBlockhash": true });
    let (_, message) = world.fault("simulateTransaction", encoded(&transaction, both)).await;
    assert_eq!(message, "sigVerify may not be used with replaceRecentBlockhash");
}

#[tokio::test]
async fn a_fee_is_what_is_charged() {
    let world = World::new().await;
    let price = Instruction {
        program_id: solana_sdk_ids::compute_budget::ID,
        accounts: vec![],
        data: [&[3][..], &2_000_000_u64.to_le_bytes()].concat(),
    };
    let pay = transfer(&world.payer.pubkey(), &Pubkey::from([9; 32]), 1_000_000_000);
    let transaction = world.signed(&[], &[price, pay]);
    let message = BASE64_STANDARD.encode(transaction.message.serialize());
    let soft = json!({ "commitment": "confirmed" });
    let fee = world.ok("getFeeForMessage", json!([message, soft])).await["value"].as_u64().unwrap();
    assert!(fee > 5_000, "{fee}");
    world.send(&transaction).await;
    world.block();
    let config = json!({ "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
    let shown = world.ok("getTransaction", json!([transaction.signatures[0].to_string(), config])).await;
    assert_eq!(shown["meta"]["fee"], fee);
    let fees = world.ok("getRecentPrioritizationFees", json!([])).await;
    assert_eq!(fees.as_array().unwrap().last().unwrap()["prioritizationFee"], 2_000_000);
    let mut stale = transaction.message;
    stale.set_recent_blockhash(Hash::default());
    let stale = BASE64_STANDARD.encode(stale.serialize());
    assert_eq!(world.ok("getFeeForMessage", json!([stale, soft])).await["value"], Value::Null);
}

#[tokio::test]
async fn airdrops_are_paid_within_bounds() {
    let world = World::new().await;
    let to = Pubkey::from([9; 32]).to_string();
    let (one, two) = (
        world.ok("requestAirdrop", json!([to, 1_000_000_000])).await,
        world.ok("requestAirdrop", json!([to, 1_000_000_000])).await,
    );
    assert_ne!(one, two, "the same request twice is two airdrops");
    assert_eq!(world.block().transactions.len(), 2);
    let balance = world.ok("getBalance", json!([to, { "commitment": "confirmed" }])).await;
    assert_eq!(balance["value"], 2_000_000_000_u64);
    let (code, message) = world.fault("requestAirdrop", json!([to, Faucet::LAMPORTS_MAX + 1])).await;
    assert_eq!((code, message.contains("above the faucet's limit")), (-32_602, true), "{message}");
    let (code, message) = world.fault("requestAirdrop", json!([to, 1])).await;
    assert_eq!((code, message.contains("below the rent-exempt minimum")), (-32_602, true), "{message}");

    let dry = World::with(RpcConfig::default(), false).await;
    assert_eq!(dry.fault("requestAirdrop", json!([to, 1])).await, (-32_600, "Invalid request".to_owned()));
}

#[tokio::test]
async fn a_batch_of_transactions_is_taken_in() {
    let world = World::new().await;
    let transactions: Vec<_> =
        (0..100).map(|n| world.transfer(&Pubkey::from([9; 32]), 1_000_000_000 + n)).collect();
    let calls: Vec<_> = (0..)
        .zip(&transactions)
        .map(|(id, transaction): (u64, _)| {
            let params = encoded(transaction, json!({ "skipPreflight": true }));
            json!({ "jsonrpc": "2.0", "id": id, "method": "sendTransaction", "params": params })
        })
        .collect();
    let answers: Vec<Value> =
        world.client.post(world.url()).json(&calls).send().await.unwrap().json().await.unwrap();
    for (answer, transaction) in answers.iter().zip(&transactions) {
        assert_eq!(answer["result"], transaction.signatures[0].to_string(), "{answer}");
    }
    assert_eq!(world.block().transactions.len(), 100);
}
