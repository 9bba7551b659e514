//! A sequencer that censors loses: what is posted straight to Celestia lands all the same.

use crate::chain::{LONG, assert_same, included};
use serde_json::json;
use solana_hash::Hash;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use weft_tests::celestia::Poster;
use weft_tests::cosmos::{self, User};
use weft_tests::process::weft;
use weft_tests::solana::{self, keypair, numbered, sign, statuses};
use weft_tests::wallet::Wallet;
use weft_tests::world::{Rules, World};
use weft_tests::{contract, eventually};
use weft_types::{Transaction, VmId};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_solana_transaction_of_a_denied_sender_lands_and_bad_ones_stop_nothing() {
    let world = World::new(Rules::default()).await;
    let (denied, other) = (keypair(3), keypair(4));
    let config = format!(
        "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\nempty_block_ms = 200\ndeny_list = [\"{}\"]\n",
        denied.pubkey()
    );
    let sequencer = world.sequencer("sequencer", 0, &config).await;
    let sol = sequencer.sol();
    eventually("a first block", LONG, || async { sequencer.rpc().tip().await.filter(|tip| *tip > 0) }).await;
    let blockhash = solana::blockhash(sol).await;
    let pays = |from: &solana_keypair::Keypair, number: u64, blockhash: Hash| {
        sign(&[from], &[transfer(&from.pubkey(), &numbered(number), 5_000_000)], blockhash)
    };
    let good = pays(&denied, 1, blockhash);
    let fault = sol.refused("sendTransaction", json!([good.base64(), { "encoding": "base64" }])).await;
    assert!(fault.message.contains("deny"), "refused for another reason: {}", fault.message);

    // Garbage, one cut short, one that is signed by nobody, and one on the hash of no block.
    let stale = pays(&other, 2, Hash::new_from_array([0x11; 32]));
    let mut forged = pays(&other, 3, blockhash);
    forged.bytes[5] ^= 1;
    let poster = Poster::new(&world.celestia.url(), 0).await;
    for payload in [vec![0xa5; 300], good.bytes[..100].to_vec(), forged.bytes.clone(), stale.bytes.clone()] {
        let transaction = Transaction { vm: VmId::SBF, payload: payload.into() };
        poster.post(world.genesis.namespaces.forced, transaction.to_bytes().into()).await;
    }
    let force = |text: &str| {
        let (genesis, url) = (world.genesis_path().display().to_string(), world.celestia.url());
        weft(&["force", "--genesis", &genesis, "--celestia", &url, "--vm", "sbf", text])
    };
    // What no node would execute is not posted.
    let refused = force(&solana_base58(&forged.bytes));
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    // As Solana's tools print them.
    let second = pays(&denied, 4, blockhash);
    for text in [good.base64(), solana_base58(&second.bytes)] {
        let forced = force(&text);
        assert!(forced.status.success(), "{}", String::from_utf8_lossy(&forced.stderr));
    }
    let signatures = [good.signature, second.signature];
    let slot = eventually("both forced transactions", LONG, || async {
        let landed = statuses(sol, &signatures).await;
        let slots: Option<Vec<u64>> = landed.iter().map(|status| status["slot"].as_u64()).collect();
        assert!(landed.iter().all(|status| status["err"].is_null()), "{landed:?}");
        slots?.into_iter().max()
    })
    .await;
    let balance =
        sol.call("getBalance", json!([numbered(1).to_string(), { "commitment": "confirmed" }])).await;
    assert_eq!(balance["value"], 5_000_000);
    let follower = world.follower("follower").await;
    included(follower.rpc(), slot).await;
    included(sequencer.rpc(), slot).await;
    assert_same(sequencer.rpc(), follower.rpc(), slot).await;
    let bad = [stale.signature, bs58::encode(&forged.bytes[1..65]).into_string()];
    for status in statuses(follower.sol(), &bad).await {
        assert!(status.is_null(), "{status}");
    }
    // The chain goes on.
    let tip = sequencer.rpc().tip().await.expect("a tip");
    included(follower.rpc(), tip + 2).await;
}

fn solana_base58(bytes: &[u8]) -> String {
    bs58::encode(bytes).into_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_cosmos_transaction_of_a_denied_sender_lands_and_bad_ones_stop_nothing() {
    const GAS: u64 = 2_000_000;
    let world = World::new(Rules::default()).await;
    let (mut denied, mut other) = (User::devnet(3), User::devnet(4));
    let config = format!(
        "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\nempty_block_ms = 200\ndeny_list = [\"{}\"]\n",
        denied.address()
    );
    let sequencer = world.sequencer("sequencer", 0, &config).await;
    let rpc = sequencer.cosmos();
    eventually("a first block", LONG, || async { sequencer.rpc().tip().await.filter(|tip| *tip > 0) }).await;
    let receiver = User::numbered(1);
    // Money, an upload and a new contract: all by force, one after the other.
    let money = contract::send(&denied, &receiver.address(), 77);
    let upload = contract::store(&denied, contract::echo("forced"));
    let made = contract::instantiate(&denied, 1, &json!({}), 5);
    let good = cosmos::sign(&mut [&mut denied], vec![money, upload], GAS);
    let second = cosmos::sign(&mut [&mut denied], vec![made], GAS);
    for signed in [&good, &second] {
        let refused = cosmos::send(rpc, std::slice::from_ref(signed)).await.expect("an answer");
        let refused = refused[0].clone().expect_err("a denied sender");
        assert!(refused.log.contains("deny") && refused.code == 4, "refused for another reason: {refused:?}");
    }

    // Garbage, one cut short, one that its sender did not sign, one with a sequence that is far off, and one that can't
    // pay its gas.
    let pays = |user: &User| vec![contract::send(user, &User::numbered(2).address(), 5)];
    let mut forged = cosmos::sign(&mut [&mut other.clone()], pays(&other), GAS);
    *forged.bytes.last_mut().expect("a signature") ^= 1;
    other.sequence = 9;
    let early = cosmos::sign(&mut [&mut other.clone()], pays(&other), GAS);
    other.sequence = 0;
    let cheap = cosmos::sign_at(&mut [&mut other.clone()], pays(&other), GAS, 1);
    let poster = Poster::new(&world.celestia.url(), 0).await;
    let cut = good.bytes[..100].to_vec();
    for payload in [vec![0xa5; 300], cut, forged.bytes.clone(), early.bytes, cheap.bytes] {
        let transaction = Transaction { vm: VmId::WASM, payload: payload.into() };
        poster.post(world.genesis.namespaces.forced, transaction.to_bytes().into()).await;
    }
    let force = |text: &str| {
        let (genesis, url) = (world.genesis_path().display().to_string(), world.celestia.url());
        weft(&["force", "--genesis", &genesis, "--celestia", &url, "--vm", "wasm", text])
    };
    // What no node would execute is not posted.
    let refused = force(&hex::encode(&forged.bytes));
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    for text in [good.base64(), format!("0x{}", hex::encode(&second.bytes))] {
        let forced = force(&text);
        assert!(forced.status.success(), "{}", String::from_utf8_lossy(&forced.stderr));
    }
    let hashes = [good.hash, second.hash];
    let height = eventually("both forced transactions", LONG, || async {
        let landed = cosmos::transactions(rpc, &hashes).await;
        landed.iter().for_each(|one| assert!(one.is_null() || one["tx_result"]["code"] == 0, "{one}"));
        let height =
            |one: &serde_json::Value| one["height"].as_str().and_then(|text| text.parse::<u64>().ok());
        landed.iter().map(height).collect::<Option<Vec<u64>>>()?.into_iter().max()
    })
    .await;
    let follower = world.follower("follower").await;
    included(follower.rpc(), height).await;
    included(sequencer.rpc(), height).await;
    assert_same(sequencer.rpc(), follower.rpc(), height).await;
    let shown = cosmos::transactions(rpc, &hashes).await;
    assert_eq!(shown, cosmos::transactions(follower.cosmos(), &hashes).await);
    let contract = cosmos::attribute(&shown[1], "instantiate", "_contract_address").expect("a contract");
    for (address, wei) in [(receiver.address(), "77"), (contract, "5"), (User::numbered(2).address(), "0")] {
        assert_eq!(cosmos::balance(follower.cosmos(), &address).await, wei, "{address}");
    }
    let bad = [forged.hash, early.hash, cheap.hash];
    let bad = cosmos::transactions(follower.cosmos(), &bad).await;
    assert!(bad.iter().all(serde_json::Value::is_null), "{bad:?}");
    // The chain goes on, and whose transaction was forced is where it should be.
    assert_eq!(cosmos::sequence(rpc, &denied).await, 2);
    let tip = sequencer.rpc().tip().await.expect("a tip");
    included(follower.rpc(), tip + 2).await;
}
