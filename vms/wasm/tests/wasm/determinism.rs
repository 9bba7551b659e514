//! The same calls give the same on every run: storage, fuel, results and faults, wherever modules, memory and
//! threads come from, and in every build.
//!
//! What they give stands in golden.txt, which debug and release builds of every machine must reproduce. A change
//! of it is a change of consensus: with `WEFT_BLESS` set, the test writes the file anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use weft_wasm::engine::{Engine, EngineConfig};

use crate::corpus::Codes;

/// Set where this process has not the addresses for a pool.
const LITTLE_SPACE: &str = "WEFT_TEST_LITTLE_SPACE";

fn engine_in(folder: Option<&Path>, pooling: bool) -> Engine {
    let engine = Engine::new(EngineConfig { cache_dir: folder.map(Path::to_owned), pooling });
    let engine = engine.expect("an engine");
    let there_is_space = std::env::var_os(LITTLE_SPACE).is_none();
    assert_eq!(engine.is_pooling(), pooling && there_is_space, "the pool needs 1 GiB of addresses");
    engine
}

#[track_caller]
fn assert_same(got: &[String], wanted: &[String]) {
    for (got, wanted) in got.iter().zip(wanted) {
        assert_eq!(got, wanted);
    }
    assert_eq!(got.len(), wanted.len());
}

#[test]
fn every_build_gives_what_the_golden_file_says() {
    let lines = Codes::new().run(&engine_in(None, true));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wasm/golden.txt");
    if std::env::var_os("WEFT_BLESS").is_some() {
        fs::write(path, lines.join("\n") + "\n").expect("a written file");
        return;
    }
    let golden: Vec<_> = include_str!("golden.txt").lines().map(str::to_owned).collect();
    assert_same(&lines, &golden);
}

#[test]
fn instances_and_modules_may_come_from_anywhere() {
    let codes = Codes::new();
    let cold = engine_in(None, true);
    let wanted = codes.run(&cold);
    // Modules in memory, and instances that were used before.
    assert_same(&codes.run(&cold), &wanted);
    assert_same(&codes.run(&engine_in(None, false)), &wanted);

    for pooling in [true, false] {
        let folder = tempfile::tempdir().expect("a folder");
        assert_same(&codes.run(&engine_in(Some(folder.path()), pooling)), &wanted);
        let modules = files(folder.path());
        assert_eq!(modules.len(), 5);
        // From the disk, as it was written and after something has happened to it.
        let written = |modules: &[PathBuf]| -> Vec<_> {
            modules.iter().map(|path| fs::read(path).expect("a file")).collect()
        };
        let good = written(&modules);
        assert_same(&codes.run(&engine_in(Some(folder.path()), pooling)), &wanted);
        assert!(written(&modules) == good, "nothing was written again");
        // One kind of damage for each, since all modules are compiled again.
        let damage: fn(&mut Vec<u8>) = match pooling {
            true => |bytes| bytes.truncate(1_000),
            false => |bytes| {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
            },
        };
        for path in &modules {
            let mut bytes = fs::read(path).expect("a file");
            damage(&mut bytes);
            fs::write(path, bytes).expect("a written file");
        }
        assert_same(&codes.run(&engine_in(Some(folder.path()), pooling)), &wanted);
    }
}

/// A node whose addresses are limited, as in some containers, starts without a pool and computes the same.
#[test]
fn a_pool_that_has_no_space_is_left_out() {
    let itself = std::env::current_exe().expect("this program");
    let limited =
        "ulimit -v 900000 && exec \"$0\" --exact determinism::every_build_gives_what_the_golden_file_says";
    let output = Command::new("sh").arg("-c").arg(limited).arg(itself).env(LITTLE_SPACE, "1").output();
    let output = output.expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn threads_do_not_see_each_other() {
    let codes = Codes::new();
    let wanted = codes.run(&engine_in(None, true));
    for pooling in [true, false] {
        // All of them begin by compiling the same.
        let engine = engine_in(None, pooling);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| codes.run(&engine))).collect();
            for thread in threads {
                assert_same(&thread.join().expect("no panic"), &wanted);
            }
        });
    }
}

/// The modules below `root`.
fn files(root: &Path) -> Vec<PathBuf> {
    let list = |path: &Path| -> Vec<PathBuf> {
        fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
    };
    list(root).iter().flat_map(|folder| list(folder)).collect()
}
