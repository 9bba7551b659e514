//! Kills a process that commits, at random instants, and looks at what it leaves.

use super::tests::{GENESIS, bytes, chain_key, commit, derivation};
use super::*;
use crate::{ChangeSet, JmtTree, Tree};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

const DIR: &str = "WEFT_TORTURE_DIR";
const BACKEND: &str = "WEFT_TORTURE_BACKEND";
const SEED: &str = "WEFT_TORTURE_SEED";
const KILLS: u32 = 20;

/// The block of a height is a function of the height, so that the parent knows what must be there.
fn block(height: u64) -> ChangeSet {
    let mut random = StdRng::seed_from_u64(height);
    let changes = (0..20).map(|_| {
        let key = vec![random.random_range(0..60_u8)];
        let value = random.random_bool(0.8).then(|| bytes(vec![random.random(); 200]));
        (key, value)
    });
    let mut changes: ChangeSet = changes.collect();
    changes.insert(b"height".to_vec(), Some(bytes(height.to_be_bytes())));
    changes
}

fn config(dir: &Path, backend: &str) -> StoreConfig {
    let backend = if backend == "sled" { Backend::Sled } else { Backend::Fjall };
    StoreConfig { cache_bytes: 8 << 20, ..StoreConfig::new(backend, dir) }
}

/// Not a test of its own: what the parent starts and kills. Says each height that it was told is committed.
#[test]
fn child() {
    let (Ok(dir), Ok(backend)) = (std::env::var(DIR), std::env::var(BACKEND)) else { return };
    let store = Store::open(&config(Path::new(&dir), &backend), GENESIS).expect("opens after every kill");
    loop {
        let next = store.tip().map_or(0, |tip| tip.height.0 + 1);
        let blocks: Vec<_> = (next..=next + next % 3).map(block).collect();
        let tip = commit(&store, &blocks);
        println!("\ncommitted {}", tip.height);
        if tip.height.0 % 7 == 0 {
            store.prune(Height(tip.height.0.saturating_sub(20))).expect("kept");
        }
    }
}

fn run(backend: &'static str, seed: u64) {
    println!("{backend}: {SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let mut states = Vec::new();
    let mut acknowledged = None;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "store::torture::child", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.path())
            .env(BACKEND, backend)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this binary starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let wanted = random.random_range(1..25_u32);
        let mut seen = 0;
        for line in lines {
            let line = line.expect("a pipe of text");
            let Some(height) = line.strip_prefix("committed ") else { continue };
            acknowledged = Some(height.parse::<u64>().expect("a height"));
            seen += 1;
            if seen == wanted {
                std::thread::sleep(Duration::from_micros(random.random_range(0..3_000)));
                child.kill().expect("SIGKILL");
            }
        }
        child.wait().expect("it was started");
        assert!(seen >= wanted, "{backend}: the child ended by itself before kill {kill}, seed {seed}");
        agrees(dir.path(), backend, acknowledged, &mut states, seed);
    }
}

/// State, tree, derivation and chain are those of one height, and that is not below what was acknowledged.
fn agrees(
    dir: &Path,
    backend: &str,
    acknowledged: Option<u64>,
    states: &mut Vec<BTreeMap<Key, Bytes>>,
    seed: u64,
) {
    let store = Store::open(&config(dir, backend), GENESIS).expect("opens after every kill");
    let tip = store.tip().expect("something was acknowledged");
    let height = tip.height.0;
    assert!(Some(height) >= acknowledged, "{backend}: {acknowledged:?} is lost, tip {height}, seed {seed}");
    for next in u64::try_from(states.len()).expect("few")..=height {
        let mut state = states.last().cloned().unwrap_or_default();
        for (key, value) in block(next).iter() {
            match value {
                Some(value) => state.insert(key.clone(), value.clone()),
                None => state.remove(key),
            };
        }
        states.push(state);
    }
    for at in store.oldest().0..=height {
        let expected: Vec<_> = states[usize::try_from(at).expect("few")].clone().into_iter().collect();
        let state = store.state_at(Height(at)).expect("kept").range(&[], &[0xff; 8], 1_000);
        assert_eq!(state, Ok(expected), "{backend}: state of {at}, seed {seed}");
    }
    let all: ChangeSet = states[usize::try_from(height).expect("few")]
        .iter()
        .map(|(k, v)| (k.clone(), Some(v.clone())))
        .collect();
    let fresh =
        JmtTree.update(&*Store::on(Arc::new(MemoryKv::default()), GENESIS).expect("opens").nodes(), 0, &all);
    assert_eq!(fresh.expect("memory").root, tip.root, "{backend}: root, seed {seed}");
    assert_eq!(JmtTree.root(&*store.nodes(), height), Ok(tip.root), "{backend}: tree, seed {seed}");
    assert_eq!(store.derivation(), Ok(Some(derivation(height))), "{backend}: derivation, seed {seed}");
    let last = store.chain_range(Scan::backward(&[], None, 1)).expect("readable");
    assert_eq!(
        last,
        [(chain_key(height), bytes(format!("block {height}")))],
        "{backend}: chain, seed {seed}"
    );
    JmtTree.update(&*store.nodes(), height + 1, &block(height + 1)).expect("every node is there");
}

fn seed() -> u64 {
    std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random)
}

#[test]
fn fjall_loses_nothing_that_it_acknowledged() {
    run("fjall", seed());
}

#[test]
fn sled_loses_nothing_that_it_acknowledged() {
    run("sled", seed());
}
