//! A sequencer and a follower on a real Celestia: validator, bridge and light node, as tests/celestia/up.sh starts
//! them. Without its variables in the environment there is nothing to test against, and a line says so.

use celestia_rpc::{Client, HeaderClient};
use serde_json::json;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use std::process::Command;
use std::time::Duration;
use weft_tests::celestia::Poster;
use weft_tests::cosmos::{self, COSMOS_ACCOUNTS, User};
use weft_tests::mix::{Mix, is_mixed};
use weft_tests::process::{Node, weft};
use weft_tests::solana::{self, SOL_ACCOUNTS};
use weft_tests::wallet::Wallet;
use weft_tests::world::{Files, Rules};
use weft_tests::{contract, eventually, seed};
use weft_types::{B256, DaHeight};

/// Celestia makes a block a second here, and a submission takes two.
const LONG: Duration = Duration::from_secs(180);

/// Rollup blocks of the run.
const HEIGHT: u64 = 100;

struct Net {
    bridge: String,
    light: String,
    dir: String,
}

fn net() -> Option<Net> {
    let variable = |name: &str| std::env::var(name).ok();
    let net =
        variable("CELESTIA_BRIDGE_URL").zip(variable("CELESTIA_LIGHT_URL")).zip(variable("CELESTIA_DIR"));
    if net.is_none() {
        println!("no real Celestia: run tests/run celestia to test against one");
    }
    net.map(|((bridge, light), dir)| Net { bridge, light, dir })
}

#[tokio::test(flavor = "multi_thread")]
async fn sequencer_by_the_bridge_and_follower_by_the_light_node_agree_though_the_bridge_dies_on_the_way() {
    let Some(net) = net() else { return };
    let seed = seed("real celestia");
    let client = Client::new(&net.bridge, None, Some(LONG), Some(LONG)).await.expect("the bridge");
    let head = client.header_network_head().await.expect("a head");
    let checkpoint = (DaHeight(head.height()), B256::from_slice(head.hash().as_bytes()));
    let dir = tempfile::tempdir().expect("a directory");
    let rules = Rules { forced_window: 60, ..Rules::default() };
    let files = Files::new(dir, &rules, head.chain_id().to_string(), checkpoint);

    let config = "[sequencer]\nblock_time_ms = 200\nbatch_time_ms = 1000\n";
    let args = files.sequencer_args("sequencer", 0, config, &net.bridge);
    let sequencer = Node::start("sequencer", &files.dir().join("sequencer"), args).await;
    let follower = Node::start("follower", &files.dir().join("follower"), files.run_args(&net.light)).await;

    let mut mix = Mix::new(seed, 0..5);
    let mut poster = Poster::new(&net.bridge, seed).await;
    let (batch, forced) = (files.genesis.namespaces.batch, files.genesis.namespaces.forced);
    let mut restarted = false;
    loop {
        let tip = sequencer.rpc().tip().await.expect("the sequencer answers");
        if tip >= HEIGHT {
            break;
        }
        mix.send(&sequencer, 5).await;
        eventually("a new block", LONG, || async { sequencer.rpc().tip().await.filter(|now| *now > tip) })
            .await;
        if tip == HEIGHT / 4 {
            poster.spam(batch, forced, head.height()).await;
        }
        if tip >= HEIGHT / 2 && !restarted {
            restart_bridge(&net).await;
            restarted = true;
        }
    }
    for node in [&sequencer, &follower] {
        let rpc = node.rpc();
        eventually("every block derived", LONG, || async {
            rpc.included().await.filter(|done| *done >= HEIGHT)
        })
        .await;
    }
    let mut mixed = 0;
    for height in 0..=HEIGHT {
        let (one, other) = (sequencer.rpc().block(height).await, follower.rpc().block(height).await);
        assert!(one["state_root"].is_string());
        assert_eq!(one["hash"], other["hash"], "the nodes differ at height {height}");
        assert_eq!(one["state_root"], other["state_root"], "the nodes differ at height {height}");
        mixed += usize::from(is_mixed(&one));
    }
    assert!(mixed > 0, "no block holds transactions of all three machines");
    println!("{HEIGHT} blocks, {mixed} of all machines");
    force(&net, &files, &follower).await;
    verify_live(&net, &files, &follower).await;
}

/// Kills the bridge, leaves it away for a moment, and starts it again.
async fn restart_bridge(net: &Net) {
    let pid = std::fs::read_to_string(format!("{}/bridge.pid", net.dir)).expect("the bridge's pid");
    let killed = Command::new("kill").args(["-KILL", pid.trim()]).status().expect("kill");
    assert!(killed.success());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let started = Command::new(format!("{}/bridge.sh", net.dir)).status().expect("bridge.sh");
    assert!(started.success());
    eventually("the bridge again", LONG, || async {
        let client = Client::new(&net.bridge, None, Some(LONG), Some(LONG)).await.ok()?;
        client.header_local_head().await.ok()
    })
    .await;
}

/// Forced transactions of each machine, through the bridge, land at the follower.
async fn force(net: &Net, files: &Files, follower: &Node) {
    let evm = Wallet::devnet(9).transfer(Wallet::numbered(1).address(), 5);
    let payer = solana::keypair(SOL_ACCOUNTS - 1);
    let pay = transfer(&payer.pubkey(), &solana::numbered(1), 5_000_000);
    let sbf = solana::sign(&[&payer], &[pay], solana::blockhash(follower.sol()).await);
    let mut user = User::devnet(COSMOS_ACCOUNTS - 1);
    let message = contract::send(&user, &User::numbered(1_000).address(), 5);
    let wasm = cosmos::sign(&mut [&mut user], vec![message], 200_000);
    for (vm, text) in [("evm", evm.raw), ("sbf", sbf.base64()), ("wasm", wasm.base64())] {
        let genesis = files.genesis_path().display().to_string();
        let forced = weft(&["force", "--genesis", &genesis, "--celestia", &net.bridge, "--vm", vm, &text]);
        assert!(forced.status.success(), "{vm}: {}", String::from_utf8_lossy(&forced.stderr));
    }
    eventually("all forced transactions", LONG, || async {
        let receipt = follower.rpc().call("eth_getTransactionReceipt", json!([evm.hash])).await;
        let status = solana::statuses(follower.sol(), std::slice::from_ref(&sbf.signature)).await.remove(0);
        let found = cosmos::transactions(follower.cosmos(), std::slice::from_ref(&wasm.hash)).await.remove(0);
        assert!(status["err"].is_null(), "{status}");
        let landed = receipt["status"] == "0x1" && status.is_object();
        (landed && found["tx_result"]["code"] == 0).then_some(())
    })
    .await;
}

/// `weft verify-blobs` against the light node, for a height that holds a batch.
async fn verify_live(net: &Net, files: &Files, follower: &Node) {
    let height = follower.rpc().block(1).await["da_height"].as_u64().expect("where block 1 lies").to_string();
    let namespace = files.genesis.namespaces.batch.to_string();
    let shown =
        weft(&["verify-blobs", "--celestia", &net.light, "--height", &height, "--namespace", &namespace]);
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let line: serde_json::Value =
        serde_json::from_str(String::from_utf8_lossy(&shown.stdout).lines().next().expect("a blob"))
            .expect("JSON");
    assert_eq!(line["share_version"], 1);
    assert!(line["signer"].as_str().is_some_and(|signer| signer.starts_with("celestia1")), "{line}");
}
