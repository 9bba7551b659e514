//! What can be wrong when a node starts: each gives one sentence that says what, where and what to do, and the
//! exit code that `weft help` documents.

use crate::chain::{LONG, included};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use weft_da::local::{ChainConfig, LocalCelestia, LocalConfig};
use weft_tests::liar::Liar;
use weft_tests::process::{Node, weft};
use weft_tests::store;
use weft_tests::wallet::Wallet;
use weft_tests::world::{Rules, World};

/// Runs a node that must end by itself, with this code and these words in its last line.
async fn fails(args: Vec<String>, dir: &Path, code: i32, words: &[&str]) {
    let dir = dir.display().to_string();
    let run = tokio::task::spawn_blocking(move || {
        let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
        args.extend(["--dir", &dir]);
        weft(&args)
    });
    let output = tokio::time::timeout(LONG, run).await.expect("it ends by itself").expect("it runs");
    assert_failed(&output, code, words);
}

fn assert_failed(output: &Output, code: i32, words: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default();
    for word in words {
        assert!(last.contains(word), "the last line does not say {word:?}: {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_celestia_chain_is_refused() {
    let world = World::new(Rules::default()).await;
    let mut genesis = world.genesis.clone();
    genesis.celestia.chain_id = "another".into();
    world.write_genesis(&genesis);
    fails(world.run_args(&world.celestia.url()), &world.dir().join("node"), 11, &["another", "weft-local"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let world = World::new(Rules::default()).await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").to_string();
    let mut args = world.run_args(&world.celestia.url());
    let eth = args.iter().position(|arg| arg == "--eth").expect("the flag") + 1;
    args[eth].clone_from(&port);
    fails(args, &world.dir().join("node"), 8, &[&port]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_nobody_answers_at_is_named() {
    let world = World::new(Rules::default()).await;
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    let url = format!("http://{port}");
    fails(world.run_args(&url), &world.dir().join("node"), 9, &[&url]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_lies_is_named_and_another_is_used() {
    let world = World::new(Rules::default()).await;
    let sequencer =
        world.sequencer("sequencer", 0, "[sequencer]\nblock_time_ms = 50\nbatch_time_ms = 200\n").await;
    let signed = Wallet::devnet(0).transfer(Wallet::numbered(1).address(), 1);
    sequencer.rpc().call("eth_sendRawTransaction", json!([signed.raw])).await;
    included(sequencer.rpc(), 1).await;
    let liar = Liar::start(world.celestia.url()).await;

    let mut args = world.run_args(&liar.url());
    args.extend(["--celestia".into(), world.celestia.url()]);
    let node = Node::start("honest-too", &world.dir().join("honest-too"), args).await;
    included(node.rpc(), 1).await;
    assert!(node.log().contains(&liar.url()), "the endpoint that lied is not named:\n{}", node.log());

    // With nobody else to ask there is nothing to wait for.
    fails(world.run_args(&liar.url()), &world.dir().join("node"), 10, &[&liar.url()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_another_genesis_a_newer_version_or_a_damaged_one_is_refused() {
    let world = World::new(Rules::default()).await;
    let dir = world.dir().join("node");
    let mut node = world.follower("node").await;
    assert!(node.stop().await.success());
    let args = world.run_args(&world.celestia.url());

    let mut genesis = world.genesis.clone();
    genesis.limits.block_gas += 1;
    world.write_genesis(&genesis);
    fails(args.clone(), &dir, 4, &["genesis"]).await;
    world.write_genesis(&world.genesis);

    store::set_format(&dir, weft_state::store::FORMAT + 1);
    fails(args.clone(), &dir, 5, &["format", "run the version that wrote it"]).await;
    store::set_format(&dir, weft_state::store::FORMAT - 1);
    fails(args.clone(), &dir, 5, &["format", "remove the directory"]).await;
    store::set_format(&dir, weft_state::store::FORMAT);

    store::overwrite(&dir);
    fails(args, &dir, 6, &["damaged"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_funds_is_named() {
    let world = World::new(Rules::default()).await;
    let poor = LocalCelestia::start(LocalConfig {
        chain: ChainConfig {
            dir: Some(world.dir().join("poor")),
            accounts: vec![("node".into(), 0)],
            ..ChainConfig::default()
        },
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        block_interval: Some(Duration::from_millis(100)),
        ..LocalConfig::default()
    })
    .await
    .expect("a Celestia whose account has nothing");
    poor.produce().await.expect("a block");
    let head = poor.chain().head();
    let mut genesis = world.genesis.clone();
    genesis.celestia.da_checkpoint.height = weft_types::DaHeight(head.height());
    genesis.celestia.da_checkpoint.hash = weft_types::B256::from_slice(head.header().hash().as_bytes());
    genesis.celestia.da_start = weft_types::DaHeight(head.height() + 1);
    world.write_genesis(&genesis);
    let address = poor.chain().accounts()[0].address().to_string();
    let args = world.sequencer_args("node", 0, "", &poor.url());
    fails(args, &world.dir().join("node"), 12, &[&address]).await;
}

#[test]
fn a_config_with_an_unknown_key_is_refused_by_its_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "[sequencer]\nblok_time_ms = 5\n").expect("a file");
    let genesis = dir.path().join("genesis.json");
    std::fs::write(&genesis, "{}").expect("a file");
    let path = |path: &Path| path.display().to_string();
    let args =
        ["run", "--genesis", &path(&genesis), "--celestia", "http://127.0.0.1:1", "--config", &path(&config)];
    let mut args = args.to_vec();
    let store = path(&dir.path().join("node"));
    args.extend(["--dir", &store]);
    assert_failed(&weft(&args), 3, &["blok_time_ms"]);
    assert_eq!(weft(&["run", "--no-such-flag"]).status.code(), Some(2));
}
