//! Ethereum's own state tests for Cancun, through our `Vm` and journal: signed, checked, executed, and the state
//! that results hashed as Ethereum hashes it.
//!
//! `WEFT_STATE_TESTS` names another folder of them (JSON files, at any depth). Prints a count in the end.

mod fixture;
mod root;
mod run;
mod transactions;

use fixture::{File, Test};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Posts that are not run because of what they are, as `test name: reason`.
const LEFT_OUT: &str = include_str!("left_out.txt");

/// How one post-state came out.
pub enum Verdict {
    /// The post-state is right.
    Passed,
    /// It is not, and this is how.
    Failed(String),
    /// Not run, for this reason.
    LeftOut(&'static str),
}

#[derive(Default)]
struct Count {
    passed: usize,
    failed: Vec<String>,
    left_out: Vec<(String, &'static str)>,
    other_forks: usize,
}

impl Count {
    fn merge(mut self, other: Self) -> Self {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.left_out.extend(other.left_out);
        self.other_forks += other.other_forks;
        self
    }
}

/// Where the fixtures are; `None` where they are not there and need not be.
fn archive() -> Option<PathBuf> {
    let root = std::env::var_os("WEFT_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let archive = root.join("ethereum/state-tests.tar.zst");
    if archive.is_file() {
        return Some(archive);
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "{} is missing, and CI must run all tests", archive.display());
    eprintln!("skipped: no Ethereum state tests at {} (set WEFT_FIXTURES)", archive.display());
    None
}

fn extract(archive: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = std::fs::File::open(archive).expect("the archive opens");
    let plain = zstd::Decoder::new(file).expect("the archive is zstd");
    tar::Archive::new(plain).unpack(folder.path()).expect("the archive is a tar");
    folder
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn run_file(path: &Path) -> Count {
    let mut count = Count::default();
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = match serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(&text) {
        Ok(file) => file,
        // Folders of fixtures hold indexes and other lists too.
        Err(_) => return count,
    };
    for (name, value) in File::state_tests(file) {
        let test: Test = match serde_json::from_value(value) {
            Ok(test) => test,
            Err(error) => {
                count.failed.push(format!("{} {name}: not a state test: {error}", path.display()));
                continue;
            }
        };
        let Some(posts) = test.post.get("Cancun") else {
            count.other_forks += 1;
            continue;
        };
        let prepared = run::Prepared::new(&test);
        for (at, post) in posts.iter().enumerate() {
            match prepared.run(post) {
                Verdict::Passed => count.passed += 1,
                Verdict::Failed(why) => {
                    count.failed.push(format!("{} {name} [{at}]: {why}", path.display()));
                }
                Verdict::LeftOut(why) => count.left_out.push((name.clone(), why)),
            }
        }
    }
    count
}

fn run_folder(folder: &Path) -> Count {
    json_files(folder).par_iter().map(|path| run_file(path)).reduce(Count::default, Count::merge)
}

fn report(count: &Count) {
    let names: BTreeSet<String> =
        count.left_out.iter().map(|(name, why)| format!("{}: {why}", fixture::short(name))).collect();
    for name in &names {
        println!("left out: {name}");
    }
    for failure in &count.failed {
        println!("FAILED {failure}");
    }
    println!("{} tests have no Cancun post-state and were not run", count.other_forks);
    println!("{} passed, {} failed, {} left out", count.passed, count.failed.len(), count.left_out.len());
}

#[test]
fn every_cancun_post_state_is_right() {
    let count = if let Some(folder) = std::env::var_os("WEFT_STATE_TESTS") {
        run_folder(Path::new(&folder))
    } else {
        let Some(archive) = archive() else { return };
        let folder = extract(&archive);
        let count = run_folder(&folder.path().join("GeneralStateTests"));
        let listed: BTreeSet<&str> = LEFT_OUT.lines().filter(|line| !line.starts_with('#')).collect();
        let left_out: BTreeSet<String> =
            count.left_out.iter().map(|(name, why)| format!("{}: {why}", fixture::short(name))).collect();
        report(&count);
        assert_eq!(left_out.iter().map(String::as_str).collect::<BTreeSet<_>>(), listed, "left_out.txt");
        assert!(count.failed.is_empty(), "{} post-states are wrong", count.failed.len());
        return;
    };
    report(&count);
    let all = count.passed + count.failed.len() + count.left_out.len() + count.other_forks;
    assert_ne!(all, 0, "WEFT_STATE_TESTS holds no state test");
    assert!(count.failed.is_empty(), "{} post-states are wrong", count.failed.len());
}

#[test]
fn transaction_tests_agree_on_what_is_valid() {
    let Some(archive) = archive() else { return };
    let folder = extract(&archive);
    transactions::run(&json_files(&folder.path().join("TransactionTests")));
}
