//! Compiled contracts come from memory, from a node's folder, or are made again, by one thread or by many, for instances
//! of a pool or of no pool: the chain is the same.

use crate::chain::{assert_same_mixed, assert_same_shown, drive, settled};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use weft_tests::mix::Mix;
use weft_tests::process::{Node, weft};
use weft_tests::seed;
use weft_tests::world::{Rules, World};

/// Blocks after which the follower's folder is lost, is damaged, and the run ends.
const LOST: u64 = 40;
const DAMAGED: u64 = 60;
const END: u64 = 80;

#[tokio::test(flavor = "multi_thread")]
async fn lost_and_damaged_modules_are_made_again_and_change_nothing() {
    let seed = seed("modules");
    let world = World::new(Rules::default()).await;
    let config = "[sequencer]\nblock_time_ms = 20\nbatch_time_ms = 100\n";
    let sequencer = world.sequencer("sequencer", 0, config).await;
    let mut follower = world.follower("follower").await;
    let mut mix = Mix::new(seed, 0..4);
    drive(&sequencer, &mut mix, LOST).await;
    settled(sequencer.rpc(), follower.rpc()).await;

    assert!(follower.stop().await.success());
    let folder = follower.dir().join("modules");
    let modules = files(&folder);
    assert!(!modules.is_empty(), "no compiled contract is kept under {}", folder.display());
    std::fs::remove_dir_all(&folder).expect("the folder");
    follower.again().await;
    drive(&sequencer, &mut mix, DAMAGED).await;
    settled(sequencer.rpc(), follower.rpc()).await;

    assert!(follower.stop().await.success());
    let modules = files(&folder);
    assert!(!modules.is_empty(), "no compiled contract was made again");
    let damaged = damage(&modules, seed);
    follower.again().await;
    drive(&sequencer, &mut mix, END).await;
    let tip = settled(sequencer.rpc(), follower.rpc()).await;
    let now = files(&folder);
    let replaced = damaged.iter().filter(|(path, bytes)| now.get(*path) != Some(*bytes)).count();
    assert!(replaced > 0, "no broken entry was replaced");
    assert!(follower.log().contains("broken"), "nobody says that an entry was broken");
    assert_same_mixed(sequencer.rpc(), follower.rpc(), tip).await;
    assert_same_shown(&sequencer, &follower, &mix).await;

    // One thread for everything, and an empty folder.
    let (args, variables) =
        (world.run_args(&world.celestia.url()), [("TOKIO_WORKER_THREADS", "1"), ("RAYON_NUM_THREADS", "1")]);
    let alone = Node::start_with("alone", &world.dir().join("alone"), args, &variables).await;
    settled(sequencer.rpc(), alone.rpc()).await;
    assert_same_mixed(sequencer.rpc(), alone.rpc(), tip).await;
    assert_same_shown(&sequencer, &alone, &mix).await;
    println!("{tip} blocks, {} modules, {replaced} replaced", now.len());

    // A replay has no pool of instances, and no folder.
    assert!(follower.stop().await.success());
    let (dir, genesis) = (follower.dir().display().to_string(), world.genesis_path().display().to_string());
    let celestia = world.celestia.url();
    let output = weft(&["replay", "--celestia", &celestia, "--dir", &dir, "--genesis", &genesis]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("are the same"));
}

/// All files below a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            found.insert(path, bytes);
        }
    }
    found
}

/// Changes a bit of each file, cuts it short, empties it, or overwrites it; gives what is there now.
fn damage(modules: &BTreeMap<PathBuf, Vec<u8>>, seed: u64) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let damaged = modules.iter().enumerate().map(|(number, (path, bytes))| {
        let mut bytes = bytes.clone();
        let at = rng.random_range(0..bytes.len().max(1));
        match number % 4 {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes.truncate(at),
            2 => bytes.clear(),
            _ => bytes.iter_mut().for_each(|byte| *byte = 0xa5),
        }
        std::fs::write(path, &bytes).expect("a write");
        (path.clone(), bytes)
    });
    damaged.collect()
}
