//! A second node with nothing but genesis and a Celestia URL arrives at the same chain.

use crate::chain::{assert_same, assert_same_mixed, assert_same_shown, drive, included, outcomes, settled};
use serde_json::json;
use weft_tests::celestia::Poster;
use weft_tests::mix::Mix;
use weft_tests::process::Node;
use weft_tests::seed;
use weft_tests::world::{Rules, World};

const HEIGHT: u64 = 1_000;

/// How many times the third node is killed on the way.
const KILLS: u32 = 100;

/// Of so many lives one is long, so that it gets past the upload of a large contract, which it must compile.
const LONG_LIFE: u32 = 12;
const COMPILE_MS: u64 = 3_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_and_a_third_that_is_killed_100_times_rebuild_1000_blocks_amid_spam() {
    let seed = seed("follower");
    // Spam may read as a forced transaction; on a busy machine the sequencer is seconds late with it.
    let world = World::new(Rules { forced_window: 150, ..Rules::default() }).await;
    let sequencer =
        world.sequencer("sequencer", 0, "[sequencer]\nblock_time_ms = 20\nbatch_time_ms = 200\n").await;
    let mut mix = Mix::new(seed, 0..8);

    let third = tokio::spawn(killed_again_and_again(
        world.run_args(&world.celestia.url()),
        world.dir().join("third"),
        seed,
    ));
    let (stop, mut stopped) = tokio::sync::oneshot::channel();
    let (batch, forced) = (world.genesis.namespaces.batch, world.genesis.namespaces.forced);
    let url = world.celestia.url();
    let spam = tokio::spawn(async move {
        let mut poster = Poster::new(&url, seed).await;
        let mut landed = 1;
        let mut count = 0_u32;
        while stopped.try_recv().is_err() {
            landed = poster.spam(batch, forced, landed).await;
            count += 1;
        }
        count
    });
    drive(&sequencer, &mut mix, HEIGHT).await;
    stop.send(()).expect("the spammer runs");
    let spam = spam.await.expect("the spammer ends");
    let third = third.await.expect("the third node's life");
    included(sequencer.rpc(), HEIGHT).await;

    // Another store, and another config in all that may differ.
    std::fs::write(world.dir().join("second.toml"), "[store]\nbackend = \"sled\"\n[da]\nfetch_ahead = 3\n")
        .expect("a config");
    let mut args = world.run_args(&world.celestia.url());
    args.extend(["--config".into(), world.dir().join("second.toml").display().to_string()]);
    let second = Node::start("second", &world.dir().join("second"), args).await;
    settled(sequencer.rpc(), second.rpc()).await;
    settled(second.rpc(), third.rpc()).await;

    let mixed = assert_same_mixed(sequencer.rpc(), second.rpc(), HEIGHT).await;
    assert_same(second.rpc(), third.rpc(), HEIGHT).await;
    assert_same_shown(&sequencer, &second, &mix).await;
    assert_same_shown(&second, &third, &mix).await;
    let cosmos = outcomes(third.cosmos(), mix.cosmos.sent()).await;
    assert!(cosmos.succeeded > cosmos.failed && cosmos.failed > 0, "{cosmos:?}");
    let discarded = second.rpc().status().await.expect("a status")["discarded"].clone();
    let count: u64 =
        discarded.as_object().expect("counts").values().filter_map(serde_json::Value::as_u64).sum();
    assert!(count > 0 && spam > 0, "{spam} pieces of spam were posted, discarded: {discarded}");
    let listed = second.rpc().call("weft_discarded", json!([])).await;
    assert!(!listed.as_array().expect("a list").is_empty(), "weft_discarded lists nothing");
    println!(
        "{HEIGHT} blocks, {mixed} of all machines, {spam} pieces of spam, discarded: {discarded}; Cosmos: {cosmos:?}"
    );
}

async fn killed_again_and_again(args: Vec<String>, dir: std::path::PathBuf, seed: u64) -> Node {
    let mut node = Node::start("third", &dir, args).await;
    for kill in 0..KILLS {
        // A spread of moments from start-up to deep in the work, the same in every run of a seed.
        let short = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(kill) * 7_919) % 300;
        let wait = if kill % LONG_LIFE == 0 { COMPILE_MS } else { short };
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        node.kill();
        node.begin();
    }
    node.ready().await;
    node
}
