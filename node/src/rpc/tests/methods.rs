//! What methods answer, field by field where clients look.

use super::*;

const WORD: [u8; 32] = [0x2a; 32];

#[tokio::test]
async fn the_chain_answers_for_itself() {
    let world = World::new().await;
    assert_eq!(world.ok("eth_chainId", json!([])).await, "0x7a69");
    assert_eq!(world.ok("net_version", json!([])).await, "31337");
    assert_eq!(world.ok("eth_blockNumber", json!([])).await, "0x0");
    assert_eq!(world.ok("eth_syncing", json!([])).await, false);
    assert_eq!(world.ok("eth_accounts", json!([])).await, json!([]));
    let version = world.ok("web3_clientVersion", json!([])).await;
    assert!(version.as_str().unwrap().starts_with("weft/v"), "{version}");
    let hash = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    assert_eq!(world.ok("web3_sha3", json!(["0x"])).await, hash);
    assert_eq!(world.fault("eth_nothing", json!([])).await.0, -32601);
    assert_eq!(
        world.fault("eth_nothing", json!([])).await.1,
        "the method eth_nothing does not exist/is not available"
    );
    assert_eq!(world.fault("eth_getBalance", json!([])).await.0, -32602);
    assert_eq!(world.fault("eth_getBalance", json!(["0x12"])).await.0, -32602);
    assert_eq!(
        world.fault("eth_subscribe", json!(["newHeads"])).await,
        (-32601, "notifications not supported".into())
    );
    assert_eq!(world.fault("eth_getProof", json!([LOGGER, [], "latest"])).await.0, -32000);
    world.rpc.stop().await;
}

#[tokio::test]
async fn broken_requests_have_their_codes() {
    let world = World::new().await;
    let send = async |body: &'static str| -> Value {
        let request = world.http.post(world.url()).header("content-type", "application/json").body(body);
        request.send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(send("{").await["error"]["code"], -32700);
    assert_eq!(send("nonsense").await["error"]["code"], -32700);
    assert_eq!(send(r#"{"jsonrpc":"2.0","id":7}"#).await["error"]["code"], -32600);
    assert_eq!(send("[]").await["error"]["code"], -32600);
    let batch =
        send(r#"[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"jsonrpc":"2.0","id":2,"method":"x"},3]"#);
    let batch = batch.await;
    assert_eq!(batch[0]["result"], "0x7a69");
    assert_eq!(batch[1]["error"]["code"], -32601);
    assert_eq!(batch[2]["error"]["code"], -32600);
}

#[tokio::test]
async fn a_transaction_from_the_pool_to_its_receipt() {
    let world = World::new().await;
    let from = signer(0).address();
    let to = Address::repeat_byte(0x77);
    let raw = signed(0, 0, to, 5, &[]);
    let hash = world.send(&raw).await;
    let waiting = world.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(waiting["blockHash"], Value::Null);
    assert_eq!(waiting["hash"], json!(hash));
    assert_eq!(world.ok("eth_getTransactionCount", json!([from, "pending"])).await, "0x1");
    assert_eq!(world.ok("eth_getTransactionCount", json!([from, "latest"])).await, "0x0");
    assert_eq!(world.ok("txpool_status", json!([])).await, json!({ "pending": "0x1", "queued": "0x0" }));
    let content = world.ok("txpool_content", json!([])).await;
    assert_eq!(content["pending"][format!("{from}").to_lowercase()]["0"]["hash"], json!(hash), "{content}");
    assert_eq!(world.ok("eth_getTransactionReceipt", json!([hash])).await, Value::Null);

    let block = world.block();
    let receipt = world.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(receipt["blockHash"], json!(block.hash));
    assert_eq!(receipt["blockNumber"], "0x1");
    assert_eq!(receipt["transactionIndex"], "0x0");
    assert_eq!(receipt["gasUsed"], "0x5208");
    assert_eq!(receipt["cumulativeGasUsed"], "0x5208");
    assert_eq!(receipt["type"], "0x2");
    assert_eq!(receipt["logs"], json!([]));
    assert_eq!(receipt["contractAddress"], Value::Null);
    assert_eq!(receipt["from"], json!(from));
    assert_eq!(receipt["to"], json!(to));
    let price = U256::from(block.header.base_fee) + U256::from(1_000_000_000);
    assert_eq!(receipt["effectiveGasPrice"], json!(price));
    let mined = world.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!((&mined["blockNumber"], &mined["gasPrice"]), (&json!("0x1"), &json!(price)));
    assert_eq!(world.ok("eth_getRawTransactionByHash", json!([hash])).await, json!(raw));
    assert_eq!(world.ok("eth_getTransactionByBlockNumberAndIndex", json!(["0x1", "0x0"])).await, mined);
    assert_eq!(
        world.ok("eth_getTransactionByBlockHashAndIndex", json!([block.hash, "0x1"])).await,
        Value::Null
    );
    assert_eq!(world.ok("eth_getBlockReceipts", json!(["latest"])).await, json!([receipt]));
    assert_eq!(world.ok("eth_getBalance", json!([to, "latest"])).await, "0x5");
    assert_eq!(world.ok("eth_getBalance", json!([to, "0x0"])).await, "0x0");
    assert_eq!(world.ok("eth_getBalance", json!([to, { "blockHash": block.hash }])).await, "0x5");
    assert_eq!(world.fault("eth_getBalance", json!([to, "0x9"])).await, (-32000, "header not found".into()));
    let missing = B256::repeat_byte(1);
    for method in ["eth_getTransactionByHash", "eth_getTransactionReceipt"] {
        assert_eq!(world.ok(method, json!([missing])).await, Value::Null);
    }
}

#[tokio::test]
async fn blocks_have_geths_shape() {
    let world = World::new().await;
    let hash = world.send(&signed(0, 0, LOGGER, 0, &WORD)).await;
    let record = world.block();
    let block = world.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    for field in [
        "number",
        "hash",
        "parentHash",
        "nonce",
        "sha3Uncles",
        "logsBloom",
        "transactionsRoot",
        "stateRoot",
        "receiptsRoot",
        "miner",
        "difficulty",
        "extraData",
        "size",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "transactions",
        "uncles",
        "mixHash",
        "baseFeePerGas",
    ] {
        assert!(!block[field].is_null(), "{field} is missing in {block}");
    }
    assert!(block.get("withdrawals").is_none() && block.get("withdrawalsRoot").is_none());
    assert_eq!(block["hash"], json!(record.hash));
    assert_eq!(block["miner"], json!(SEQUENCER));
    assert_eq!(block["timestamp"], json!(U256::from(record.header.timestamp_ms / 1_000)));
    assert_eq!(block["transactions"], json!([hash]));
    let full = world.ok("eth_getBlockByHash", json!([record.hash, true])).await;
    assert_eq!(full["transactions"][0]["hash"], json!(hash));
    assert_eq!(full["transactions"][0]["from"], json!(signer(0).address()));
    assert_eq!(world.ok("eth_getBlockTransactionCountByNumber", json!(["0x1"])).await, "0x1");
    assert_eq!(world.ok("eth_getUncleCountByBlockHash", json!([record.hash])).await, "0x0");
    assert_eq!(world.ok("eth_getBlockByNumber", json!(["0x5", false])).await, Value::Null);
    assert_eq!(world.ok("eth_getBlockByNumber", json!(["finalized", false])).await["number"], "0x0");
    world.include();
    for tag in ["safe", "finalized"] {
        assert_eq!(world.ok("eth_getBlockByNumber", json!([tag, false])).await["number"], "0x1");
    }
    assert_eq!(world.ok("eth_getBlockByNumber", json!(["earliest", false])).await["number"], "0x0");
}

#[tokio::test]
async fn calls_give_reverts_overrides_and_estimates() {
    let world = World::new().await;
    let answer = world.raw("eth_call", json!([{ "to": REVERTER }, "latest"])).await;
    assert_eq!(answer["error"]["code"], 3);
    assert_eq!(answer["error"]["message"], "execution reverted: nope");
    assert_eq!(answer["error"]["data"], format!("0x{NOPE}"));
    let estimate = world.raw("eth_estimateGas", json!([{ "to": REVERTER }])).await;
    assert_eq!(estimate["error"]["code"], 3);
    assert_eq!(estimate["error"]["data"], format!("0x{NOPE}"));
    assert_eq!(
        world.fault("eth_call", json!([{ "to": LOOPER }, "latest"])).await,
        (-32000, "out of gas".into())
    );

    let from = signer(0).address();
    let plain = json!({ "from": from, "to": Address::repeat_byte(1 << 6), "value": "0x1" });
    assert_eq!(world.ok("eth_estimateGas", json!([plain])).await, "0x5208");
    let poor = json!({ "from": Address::repeat_byte(9), "to": LOGGER, "value": "0x1" });
    let (code, message) = world.fault("eth_call", json!([poor, "latest"])).await;
    assert_eq!(code, -32000);
    assert!(message.contains("insufficient funds"), "{message}");

    // Returns its own slot 0: code and storage that are there for this call only.
    let ghost = Address::repeat_byte(0x55);
    let word = B256::from(WORD);
    let state = json!({ ghost.to_string(): { "code": "0x5f545f5260205ff3", "stateDiff": { B256::ZERO.to_string(): word } } });
    assert_eq!(world.ok("eth_call", json!([{ "to": ghost }, "latest", state])).await, json!(word));
    assert_eq!(world.ok("eth_call", json!([{ "to": ghost }, "latest"])).await, "0x");
    // Returns NUMBER.
    let code = json!({ ghost.to_string(): { "code": "0x435f5260205ff3" } });
    let block = json!({ "number": "0x1234" });
    let number = world.ok("eth_call", json!([{ "to": ghost }, "latest", code, block])).await;
    assert_eq!(number, json!(B256::from(U256::from(0x1234))));

    let list =
        world.ok("eth_createAccessList", json!([{ "from": from, "to": LOGGER, "data": "0x01" }])).await;
    assert_eq!(list["accessList"][0]["address"], json!(LOGGER));
    assert_eq!(list["accessList"][0]["storageKeys"], json!([B256::ZERO]));
    assert_eq!(world.ok("eth_getCode", json!([LOOPER, "latest"])).await, "0x5b5f56");
    assert_eq!(world.ok("eth_getStorageAt", json!([LOGGER, "0x0", "latest"])).await, json!(B256::ZERO));
}

#[tokio::test]
async fn the_pool_refuses_in_geths_words() {
    let world = World::new().await;
    let first = signed(0, 0, LOGGER, 0, &WORD);
    world.send(&first).await;
    let (code, message) = world.fault("eth_sendRawTransaction", json!([first])).await;
    assert_eq!((code, &*message), (-32000, "already known"));
    let cheap = signed_with(0, 0, TxKind::Call(LOGGER), 1, &WORD, 100_000);
    let (_, message) = world.fault("eth_sendRawTransaction", json!([cheap])).await;
    assert!(message.starts_with("replacement transaction underpriced"), "{message}");
    world.block();
    let (_, message) = world.fault("eth_sendRawTransaction", json!([cheap])).await;
    assert!(message.starts_with("nonce too low"), "{message}");
    let poor = signed(9, 0, LOGGER, 1, &[]);
    let (code, message) = world.fault("eth_sendRawTransaction", json!([poor])).await;
    assert_eq!(code, -32000);
    assert!(message.starts_with("insufficient funds for gas * price + value"), "{message}");
    for broken in ["0x", "0x02", "0xff00", "0x03aa"] {
        assert_eq!(world.fault("eth_sendRawTransaction", json!([broken])).await.0, -32000, "{broken}");
    }
    assert_eq!(world.fault("eth_sendRawTransaction", json!(["hello"])).await.0, -32602);
}

#[tokio::test]
async fn fees_are_suggested_and_remembered() {
    let world = World::new().await;
    for nonce in 0..3 {
        world.send(&signed(0, nonce, LOGGER, 0, &WORD)).await;
        world.block();
    }
    assert_eq!(world.ok("eth_maxPriorityFeePerGas", json!([])).await, json!(U256::from(1_000_000_000)));
    let history = world.ok("eth_feeHistory", json!(["0x2", "latest", [0, 50, 100]])).await;
    assert_eq!(history["oldestBlock"], "0x2");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 3);
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 2);
    assert_eq!(history["reward"][0], json!(["0x3b9aca00", "0x3b9aca00", "0x3b9aca00"]));
    let number = world.ok("eth_feeHistory", json!([5, "0x1", []])).await;
    assert_eq!(number["oldestBlock"], "0x0");
    assert_eq!(number["baseFeePerGas"][2], history["baseFeePerGas"][0]);
    assert_eq!(world.fault("eth_feeHistory", json!(["0x1", "0x99", []])).await.0, -32000);
    assert_eq!(world.fault("eth_feeHistory", json!(["0x1", "latest", [5, 1]])).await.0, -32602);
    assert!(world.ok("eth_gasPrice", json!([])).await.as_str().unwrap().starts_with("0x"));
}

#[tokio::test]
async fn logs_are_found_by_range_address_and_topic() {
    let world = World::new().await;
    for nonce in 0..3 {
        world.send(&signed(0, nonce, LOGGER, 0, &[nonce as u8; 32])).await;
        if nonce != 1 {
            world.block();
        }
    }
    world.include();
    let topic = B256::from(U256::from(0x11));
    let all = world.ok("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "latest" }])).await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    let first = &all[0];
    assert_eq!(first["address"], json!(LOGGER));
    assert_eq!(first["topics"], json!([topic]));
    assert_eq!(first["data"], json!(B256::ZERO));
    assert_eq!(
        (&first["blockNumber"], &first["logIndex"], &first["removed"]),
        (&json!("0x1"), &json!("0x0"), &json!(false))
    );
    assert_eq!((&all[2]["logIndex"], &all[2]["transactionIndex"]), (&json!("0x1"), &json!("0x1")));
    let receipt = world.ok("eth_getTransactionReceipt", json!([all[2]["transactionHash"]])).await;
    assert_eq!(receipt["logs"], json!([all[2]]));
    let count =
        async |filter: Value| world.ok("eth_getLogs", json!([filter])).await.as_array().unwrap().len();
    assert_eq!(count(json!({ "fromBlock": "0x2", "toBlock": "0x2", "address": LOGGER })).await, 2);
    assert_eq!(count(json!({ "fromBlock": "0x0", "address": [LOOPER, LOGGER], "topics": [topic] })).await, 3);
    assert_eq!(count(json!({ "fromBlock": "0x0", "topics": [[topic, B256::ZERO]] })).await, 3);
    assert_eq!(count(json!({ "fromBlock": "0x0", "topics": [null, topic] })).await, 0);
    assert_eq!(count(json!({ "fromBlock": "0x0", "address": LOOPER })).await, 0);
    assert_eq!(count(json!({ "blockHash": all[0]["blockHash"] })).await, 1);
    assert_eq!(count(json!({})).await, 2, "the latest block alone");
    let unknown = json!([{ "blockHash": B256::repeat_byte(3) }]);
    assert_eq!(world.fault("eth_getLogs", unknown).await, (-32000, "unknown block".into()));
    assert_eq!(world.fault("eth_getLogs", json!([{ "fromBlock": "0x2", "toBlock": "0x1" }])).await.0, -32602);
}

#[tokio::test]
async fn traces_show_the_call_and_what_it_changed() {
    let world = World::new().await;
    world.send(&signed(1, 0, LOGGER, 0, &[1; 32])).await;
    let hash = world.send(&signed(0, 0, LOGGER, 0, &WORD)).await;
    let failed = world.send(&signed(0, 1, REVERTER, 0, &[])).await;
    world.block();
    let call = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let trace = world.ok("debug_traceTransaction", json!([hash, call])).await;
    assert_eq!((&trace["type"], &trace["to"]), (&json!("CALL"), &json!(LOGGER)), "{trace}");
    assert_eq!(trace["logs"][0]["address"], json!(LOGGER), "{trace}");
    let reverted = world.ok("debug_traceTransaction", json!([failed, call])).await;
    assert_eq!(
        (&reverted["error"], &reverted["revertReason"]),
        (&json!("execution reverted"), &json!("nope"))
    );
    let prestate = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let diff = world.ok("debug_traceTransaction", json!([hash, prestate])).await;
    let logger = format!("{LOGGER}").to_lowercase();
    assert_eq!(diff["post"][&logger]["storage"][B256::ZERO.to_string()], json!(B256::from(WORD)), "{diff}");
    let traced = world.ok("debug_traceCall", json!([{ "to": REVERTER }, "latest", call])).await;
    assert_eq!(traced["revertReason"], "nope");
    let block = world.ok("debug_traceBlockByNumber", json!(["0x1", call])).await;
    assert_eq!(block.as_array().unwrap().len(), 3);
    assert!(
        block
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["txHash"] == json!(hash) && entry["result"] == trace)
    );
    let steps = world.ok("debug_traceTransaction", json!([hash])).await;
    assert!(!steps["structLogs"].as_array().unwrap().is_empty());
    let missing = world.fault("debug_traceTransaction", json!([B256::repeat_byte(1)])).await;
    assert_eq!(missing, (-32000, "transaction not found".into()));
}

#[tokio::test]
async fn weft_methods_tell_of_celestia() {
    let world = World::new().await;
    let hash = world.send(&signed(0, 0, LOGGER, 0, &WORD)).await;
    let record = world.block();
    let status = world.ok("weft_status", json!([])).await;
    assert_eq!(status["chain_id"], 31337);
    assert_eq!(status["tip"]["height"], 1);
    assert_eq!(status["tip"]["state_root"], json!(record.header.state_root));
    assert_eq!(status["da_included"]["height"], 0);
    assert_eq!(status["sequencer"], Value::Null);
    assert_eq!(status["discarded"], json!({}));
    let block = world.ok("weft_getBlock", json!([1])).await;
    assert_eq!((&block["status"], &block["da_height"]), (&json!("soft"), &Value::Null));
    assert_eq!(block["transactions"][0]["id"], json!(hash));
    assert_eq!(block["transactions"][0]["vm"], "evm");
    assert_eq!(block["transactions"][0]["status"], "success");
    world.include();
    let block = world.ok("weft_getBlock", json!(["0x1"])).await;
    assert_eq!(
        (&block["status"], &block["order_hash"]),
        (&json!("da_included"), &json!(record.header.order_hash))
    );
    assert!(block["da_height"].is_u64());
    assert_eq!(world.ok("weft_status", json!([])).await["da_included"]["height"], 1);
    assert_eq!(world.ok("weft_getBlock", json!(["latest"])).await, block);
    assert_eq!(world.ok("weft_getBlock", json!([9])).await, Value::Null);
    assert_eq!(world.ok("weft_getTransaction", json!([hash])).await["height"], 1);
    assert_eq!(world.ok("weft_discarded", json!([{ "limit": 5 }])).await, json!([]));
    assert_eq!(world.ok("weft_discarded", json!([])).await, json!([]));
}
