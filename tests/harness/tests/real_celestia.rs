//! A sequencer and a follower on a real Celestia: validator, bridge and light node, as tests/celestia/up.sh starts
//! them. Without its variables in the environment there is nothing to test against, and a line says so.

use celestia_rpc::{Client, HeaderClient};
use serde_json::json;
use std::process::Command;
use std::time::Duration;
use weft_tests::celestia::Poster;
use weft_tests::eventually;
use weft_tests::process::{Node, weft};
use weft_tests::seed;
use weft_tests::traffic::Traffic;
use weft_tests::wallet::Wallet;
use weft_tests::world::{Files, Rules};
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

    let mut traffic = Traffic::new(seed, 0..5);
    let mut poster = Poster::new(&net.bridge, seed).await;
    let (batch, forced) = (files.genesis.namespaces.batch, files.genesis.namespaces.forced);
    let mut restarted = false;
    loop {
        let tip = sequencer.rpc().tip().await.expect("the sequencer answers");
        if tip >= HEIGHT {
            break;
        }
        let raw: Vec<String> = traffic.next(5).into_iter().map(|signed| signed.raw).collect();
        for answer in sequencer.rpc().send_raw(&raw).await.expect("the sequencer answers") {
            answer.expect("the pool takes what follows its nonces");
        }
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
    for height in 0..=HEIGHT {
        let (one, other) = (sequencer.rpc().block(height).await, follower.rpc().block(height).await);
        assert!(one["state_root"].is_string());
        assert_eq!(one["hash"], other["hash"], "the nodes differ at height {height}");
        assert_eq!(one["state_root"], other["state_root"], "the nodes differ at height {height}");
    }
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

/// A forced transaction through the bridge lands at the follower.
async fn force(net: &Net, files: &Files, follower: &Node) {
    let signed = Wallet::devnet(9).transfer(Wallet::numbered(1).address(), 5);
    let genesis = files.genesis_path().display().to_string();
    let forced =
        weft(&["force", "--genesis", &genesis, "--celestia", &net.bridge, "--vm", "evm", &signed.raw]);
    assert!(forced.status.success(), "{}", String::from_utf8_lossy(&forced.stderr));
    eventually("a receipt of the forced transaction", LONG, || async {
        let receipt = follower.rpc().call("eth_getTransactionReceipt", json!([signed.hash])).await;
        (receipt["status"] == "0x1").then_some(())
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
