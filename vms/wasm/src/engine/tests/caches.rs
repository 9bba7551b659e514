//! Where a module comes from changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn engine_in(folder: &Path, pooling: bool) -> Engine {
    Engine::new(EngineConfig { cache_dir: Some(folder.to_owned()), pooling }).expect("an engine")
}

#[test]
fn a_cold_and_a_warm_cache_give_the_same_and_a_broken_file_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = query("", "(local.get $msg)");
    let first = call(&engine_in(folder.path(), false), &code, &mut TestHost::default(), b"abc");
    let of_settings = files(folder.path());
    let [of_settings] = of_settings.as_slice() else { panic!("one folder, not {of_settings:?}") };
    let [file] = &files(of_settings)[..] else { panic!("one file in {of_settings:?}") };
    assert_eq!(file.file_name().and_then(|name| name.to_str()), Some(&*hex::encode(hash(&code))));
    let good = fs::read(file).expect("the file");

    let warm = engine_in(folder.path(), false);
    assert_eq!(try_call(&warm, &code, &mut TestHost::default(), b"abc", FUEL).expect("a result"), first);
    assert_eq!(fs::read(file).expect("the file"), good, "it was not written again");

    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for broken in [Vec::new(), good[..40].to_vec(), flipped, b"nonsense".repeat(10)] {
        fs::write(file, &broken).expect("a written file");
        let engine = engine_in(folder.path(), false);
        let result = try_call(&engine, &code, &mut TestHost::default(), b"abc", FUEL).expect("a result");
        assert_eq!(result, first);
        assert_ne!(fs::read(file).expect("the file"), broken);
    }
    assert_eq!(files(of_settings).len(), 1, "no temporary file stays");
}

#[test]
fn a_code_that_was_never_checked_is_no_result_and_no_failure_is_kept() {
    let code = query("", "(local.get $msg)");
    let args: [&[u8]; 2] = [b"{}", b"abc"];
    let engine = engine(false);
    // What the store gives under this hash is not what was uploaded.
    let call = Call { code: b"no Wasm", ..query_of(&code, &args, FUEL) };
    engine.call(call, &mut TestHost::default()).expect_err("no result");
    assert!(try_call(&engine, &code, &mut TestHost::default(), b"abc", FUEL).is_ok());
}
