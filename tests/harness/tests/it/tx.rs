//! `weft tx`: what it sends lands, and what fails is told by its words and its exit code.

use crate::chain::LONG;
use serde_json::Value;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use std::process::Output;
use weft_tests::eventually;
use weft_tests::process::weft;
use weft_tests::solana::{self, keypair, numbered, sign};
use weft_tests::wallet::Wallet;
use weft_tests::world::{Rules, World};

/// Runs a command that must end with `code`; gives what it wrote to both streams.
pub fn run(args: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = weft(args);
    let (out, err) =
        (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned());
    assert_eq!(status.code(), Some(code), "{args:?}\n{out}\n{err}");
    (out, err)
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_both_machines_are_sent_and_waited_for() {
    let world = World::new(Rules::default()).await;
    let config = "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\nempty_block_ms = 200\n";
    let node = world.sequencer("sequencer", 0, config).await;
    eventually("a first block", LONG, || async { node.rpc().tip().await.filter(|tip| *tip > 0) }).await;
    let (sol, eth) = (node.sol().url().to_owned(), node.rpc().url().to_owned());
    let payer = keypair(0);
    let file = world.dir().join("id.json");
    std::fs::write(&file, serde_json::to_string(&payer.to_bytes().to_vec()).expect("JSON")).expect("a file");
    let file = file.display().to_string();
    let address = Wallet::numbered(77).address().to_string();

    // To an account of the EVM, which sees it.
    let pay = ["tx", "sbf", "transfer", "--keypair", &file, "--url", &sol];
    let to_evm = [&pay[..], &[&address, "1.25", "--commitment", "finalized", "--json"]].concat();
    let (out, _) = run(&to_evm, 0);
    let shown: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&shown["commitment"], &shown["fee"]), (&"finalized".into(), &5_000.into()), "{shown}");
    let balance = node.rpc().call("eth_getBalance", serde_json::json!([address, "latest"])).await;
    assert_eq!(balance, "0x1158e460913d0000");

    // Signed elsewhere, in base58 and from a file; sent again is still there.
    let blockhash = solana::blockhash(node.sol()).await;
    let signed = sign(&[&payer], &[transfer(&payer.pubkey(), &numbered(1), 5_000_000)], blockhash);
    let base58 = bs58::encode(&signed.bytes).into_string();
    std::fs::write(world.dir().join("tx"), signed.base64()).expect("a file");
    let from_file = format!("@{}", world.dir().join("tx").display());
    let (out, _) = run(&["tx", "sbf", "send", &base58, "--url", &sol], 0);
    assert!(out.contains(&signed.signature) && out.contains("fee        5000 lamports"), "{out}");
    assert!(out.contains("Program 11111111111111111111111111111111 success"), "{out}");
    run(
        &["tx", "sbf", "send", &from_file, "--url", &sol, "--skip-preflight", "--commitment", "processed"],
        0,
    );

    // What can't be paid is refused before it is sent, or fails and pays.
    let to = numbered(2).to_string();
    let (_, err) = run(&[&pay[..], &[&to, "1000000"]].concat(), 14);
    assert!(err.contains("refuses sendTransaction") && err.contains("insufficient lamports"), "{err}");
    let (out, err) = run(&[&pay[..], &[&to, "1000000", "--skip-preflight"]].concat(), 14);
    assert!(out.contains("insufficient lamports") && out.contains("fee        5000 lamports"), "{out}");
    assert!(err.contains("custom program error: 0x1"), "{err}");
    // The hash of no block.
    let old = sign(&[&payer], &[transfer(&payer.pubkey(), &numbered(1), 5_000_000)], [0x11; 32].into());
    let (_, err) = run(&["tx", "sbf", "send", &old.base64(), "--url", &sol], 14);
    assert!(err.contains("Blockhash not found"), "{err}");

    let raw = Wallet::devnet(0).transfer(Wallet::numbered(77).address(), 7).raw;
    let (out, _) = run(&["tx", "evm", "send", &raw, "--url", &eth], 0);
    assert!(out.contains("status       success"), "{out}");
    let (_, err) = run(&["tx", "evm", "send", &raw, "--url", &eth], 14);
    assert!(err.contains("refuses eth_sendRawTransaction"), "{err}");
}

#[test]
fn what_is_wrong_with_a_command_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("id.json");
    std::fs::write(&file, "[1, 2, 3]").expect("a file");
    let broken = file.display().to_string();
    let to = numbered(1).to_string();
    let (_, err) = run(&["tx", "sbf", "transfer", "--keypair", &broken, &to, "1"], 3);
    assert!(err.contains(&broken), "{err}");
    std::fs::write(&file, keypair(0).to_base58_string()).expect("a file");
    let pay = ["tx", "sbf", "transfer", "--url", "http://127.0.0.1:1", "--keypair", &broken];
    for (to, amount) in [(to.as_str(), "1e9"), (to.as_str(), "0.0000000001"), ("nobody", "1"), ("0x12", "1")]
    {
        run(&[&pay[..], &[to, amount]].concat(), 2);
    }
    let (_, err) = run(&[&pay[..], &[&to, "1"]].concat(), 9);
    assert!(err.contains("http://127.0.0.1:1"), "{err}");
    run(&["tx", "sbf", "send", "what is this"], 3);
    run(&["tx", "sbf", "send", "0x1234"], 3);
}
