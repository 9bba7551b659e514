//! A chain of all machines is derived again, taken back, gone on with, and started from a copy, and nothing differs.

use crate::chain::{assert_same, assert_same_mixed, assert_same_shown, drive, settled};
use std::path::{Path, PathBuf};
use weft_tests::mix::Mix;
use weft_tests::process::{Node, weft};
use weft_tests::seed;
use weft_tests::world::{Rules, World};

/// Blocks before the rollback, what it goes back to, and blocks at the end.
const HEIGHT: u64 = 60;
const BACK_TO: u64 = 25;
const END: u64 = 90;

#[tokio::test(flavor = "multi_thread")]
async fn a_mixed_chain_is_replayed_rolled_back_and_gone_on_with() {
    let seed = seed("replay");
    let world = World::new(Rules::default()).await;
    let config = "[sequencer]\nblock_time_ms = 20\nbatch_time_ms = 100\n";
    let sequencer = world.sequencer("sequencer", 0, config).await;
    let mut follower = world.follower("follower").await;
    let mut mix = Mix::new(seed, 0..4);
    drive(&sequencer, &mut mix, HEIGHT).await;
    let tip = settled(sequencer.rpc(), follower.rpc()).await;
    assert_same_shown(&sequencer, &follower, &mix).await;

    assert!(follower.stop().await.success());
    assert!(
        succeeds(&world, &follower, &["replay", "--celestia", &world.celestia.url()])
            .contains("are the same")
    );
    // A copy of a stopped node's folder is a snapshot: who starts from it goes on as the others do.
    let copied = copy_of(follower.dir(), &world.dir().join("copied"));
    let back = succeeds(&world, &follower, &["rollback", "--to", &BACK_TO.to_string()]);
    assert!(back.contains(&format!("from height {tip} to ")), "{back}");
    assert!(!back.contains(&format!("to {tip},")), "it did not go back: {back}");
    follower.again().await;
    settled(sequencer.rpc(), follower.rpc()).await;
    assert_same_shown(&sequencer, &follower, &mix).await;

    let copied = Node::start("copied", &copied, world.run_args(&world.celestia.url())).await;

    drive(&sequencer, &mut mix, END).await;
    let tip = settled(sequencer.rpc(), follower.rpc()).await;
    settled(sequencer.rpc(), copied.rpc()).await;
    assert_same(sequencer.rpc(), copied.rpc(), tip).await;
    assert_same_shown(&sequencer, &copied, &mix).await;
    assert_same_mixed(sequencer.rpc(), follower.rpc(), tip).await;
    assert_same_shown(&sequencer, &follower, &mix).await;
    assert!(follower.stop().await.success());
    assert!(
        succeeds(&world, &follower, &["replay", "--celestia", &world.celestia.url()])
            .contains("are the same")
    );
}

/// Copies a folder with all that is in it.
fn copy_of(from: &Path, to: &Path) -> PathBuf {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_of(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
    to.to_owned()
}

/// Runs a command on the stopped node's store; gives what it said.
fn succeeds(world: &World, node: &Node, args: &[&str]) -> String {
    let (dir, genesis) = (node.dir().display().to_string(), world.genesis_path().display().to_string());
    let output = weft(&[args, &["--dir", &dir, "--genesis", &genesis]].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
