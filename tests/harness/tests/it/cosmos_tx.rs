//! `weft tx wasm`: a contract's whole life by commands, and what is said where one goes wrong.

use crate::chain::LONG;
use crate::tx::run;
use serde_json::{Value, json};
use weft_tests::cosmos::{self, User};
use weft_tests::process::Node;
use weft_tests::wallet::MNEMONIC;
use weft_tests::world::{Rules, World};
use weft_tests::{contract, eventually};

const CONFIG: &str = "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\nempty_block_ms = 200\n";

/// A command of the devnet's first account; what it wrote.
fn tx(node: &Node, args: &[&str], code: i32) -> (String, String) {
    let url = node.cosmos().url();
    run(&[&["tx", "wasm"], args, &["--devnet", "0", "--url", url]].concat(), code)
}

/// A command that succeeds; what it says of its transaction, and what its message gave.
fn done(node: &Node, args: &[&str]) -> (Value, Value) {
    let (out, _) = tx(node, &[args, &["--json"]].concat(), 0);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(shown["code"], 0, "{shown}");
    let result = shown["results"][0].clone();
    (shown, result)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

async fn started(world: &World) -> Node {
    let node = world.sequencer("sequencer", 0, CONFIG).await;
    eventually("a first block", LONG, || async { node.rpc().tip().await.filter(|tip| *tip > 0) }).await;
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_uploaded_made_called_asked_and_migrated() {
    let world = World::new(Rules::default()).await;
    let node = started(&world).await;
    let (user, receiver) = (User::devnet(0), User::numbered(7));
    let codes = ["one", "two"].map(|own| {
        let path = world.dir().join(format!("{own}.wasm"));
        std::fs::write(&path, contract::echo(own)).expect("a file");
        path.display().to_string()
    });
    for (number, code) in codes.iter().enumerate() {
        let (_, stored) = done(&node, &["store", code]);
        assert_eq!(stored["code_id"], number + 1, "{stored}");
    }
    let (address, to) = (user.address(), receiver.address());
    let make = ["instantiate", "1", "{}", "--label", "a", "--admin", &address, "--funds", "500awei"];
    let (_, made) = done(&node, &make);
    let called = text(&made["contract"]).to_owned();

    // It pays, and says so.
    let pay = json!([{ "denom": cosmos::DENOM, "amount": "300" }]);
    let send = json!({ "id": 1, "reply_on": "never", "msg": { "bank": { "send": { "to_address": to, "amount": pay } } } });
    let ok = json!({ "messages": [send], "attributes": [{ "key": "paid", "value": "300" }], "data": "AQI=" });
    let told = json!({ "ok": ok, "key": "00000001" }).to_string();
    let file = world.dir().join("told.json");
    std::fs::write(&file, &told).expect("a file");
    let from_file = format!("@{}", file.display());
    let (shown, result) =
        done(&node, &["execute", &called, &from_file, "--until", "celestia", "--memo", "paid"]);
    assert_eq!(result["data"], "AQI=");
    let height: u64 = text(&shown["height"]).parse().expect("a height");
    assert!(node.rpc().included().await.is_some_and(|included| included >= height), "not on Celestia");
    assert_eq!(cosmos::balance(node.cosmos(), &to).await, "300");
    assert_eq!(cosmos::balance(node.cosmos(), &called).await, "200");
    let (out, _) = tx(&node, &["execute", &called, &told.replace("300", "20")], 0);
    assert!(out.contains("paid=20") && out.contains("status       success"), "{out}");

    let url = node.cosmos().url();
    let (out, _) = run(&["tx", "wasm", "query", &called, r#"{"ok":"eyJhIjoxfQ=="}"#, "--url", url], 0);
    assert_eq!(out.trim(), r#"{"a":1}"#);
    done(&node, &["migrate", &called, "2", "{}"]);

    // At a place that is known before.
    let (_, made) = done(&node, &["instantiate", "2", "{}", "--label", "b", "--salt", "0x0102"]);
    let checksum: [u8; 32] = {
        use sha2::{Digest, Sha256};
        Sha256::digest(contract::echo("two")).into()
    };
    let place = weft_wasm::keeper::addresses::predictable(&checksum, &user.bytes(), &[1, 2], b"");
    assert_eq!(made["contract"], weft_wasm::address::encode(&place));

    // Signed by a key of a file, and sent as it is by anybody.
    let key = world.dir().join("mnemonic");
    std::fs::write(&key, MNEMONIC).expect("a file");
    let (key, path) = (key.display().to_string(), cosmos::path(1));
    let pay = ["tx", "wasm", "transfer", &to, "1.25", "--url", url, "--key", &key, "--path", &path];
    let (signed, _) = run(&[&pay[..], &["--sign-only"]].concat(), 0);
    let (out, _) = run(&["tx", "wasm", "send", signed.trim(), "--url", url], 0);
    assert!(out.contains("status       success"), "{out}");
    assert_eq!(cosmos::balance(node.cosmos(), &to).await, "1250000000000000320");
    assert_eq!(cosmos::sequence(node.cosmos(), &User::devnet(1)).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_told_by_its_words_and_its_exit_code() {
    let world = World::new(Rules::default()).await;
    let node = started(&world).await;
    let to = User::numbered(1).address();
    let code = world.dir().join("echo.wasm");
    std::fs::write(&code, contract::echo("it fails")).expect("a file");
    done(&node, &["store", &code.display().to_string()]);
    let (_, made) = done(&node, &["instantiate", "1", "{}", "--label", "a"]);
    let called = text(&made["contract"]);

    // Told by the simulation; without one it fails on the chain, and pays.
    let failing = r#"{"error":"as it was told","key":"00000001"}"#;
    let (_, err) = tx(&node, &["execute", called, failing], 14);
    assert!(err.contains("as it was told"), "{err}");
    let (out, err) = tx(&node, &["execute", called, failing, "--gas", "500000"], 14);
    assert!(err.contains("as it was told") && err.contains("wasm 5"), "{err}");
    assert!(out.contains("status       failed"), "{out}");
    let (_, err) = tx(&node, &["execute", called, failing, "--gas", "20000"], 14);
    assert!(err.contains("out of gas"), "{err}");
    let (_, err) = tx(&node, &["transfer", &to, "1000000"], 14);
    assert!(err.contains("insufficient funds"), "{err}");
    let (_, err) = tx(&node, &["transfer", &to, "1", "--gas-price", "1", "--gas", "100000"], 14);
    assert!(err.contains("insufficient fee"), "{err}");
    // Nobody may migrate what has no admin, and there is no tenth code.
    let (_, err) = tx(&node, &["migrate", called, "1", "{}"], 14);
    assert!(err.contains("unauthorized"), "{err}");
    let (_, err) = tx(&node, &["instantiate", "10", "{}", "--label", "a"], 14);
    assert!(err.contains("no such code") || err.contains("not found"), "{err}");

    let wrong: [&[&str]; 5] = [
        &["transfer", "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6", "1"],
        &["transfer", &to, "1e9"],
        &["execute", &to, "{}"],
        &["instantiate", "1", "{}"],
        &["transfer", &to],
    ];
    for args in wrong {
        tx(&node, args, 2);
    }
    tx(&node, &["execute", called, "no JSON"], 2);
    let nowhere = ["tx", "wasm", "transfer", &to, "1", "--devnet", "0", "--url", "http://127.0.0.1:1"];
    let (_, err) = run(&nowhere, 9);
    assert!(err.contains("http://127.0.0.1:1"), "{err}");
    // A follower takes no transactions.
    let follower = world.follower("follower").await;
    eventually("the follower has the code", LONG, || async {
        follower.rpc().included().await.filter(|included| *included > 2)
    })
    .await;
    let (_, err) = tx(&follower, &["transfer", &to, "1", "--gas", "200000"], 14);
    assert!(err.contains("does not sequence"), "{err}");
}
