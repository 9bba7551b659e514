//! The contracts that are run, and what stands in their messages.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cargo_metadata::MetadataCommand;
use cosmwasm_vm::testing::MockApi;

pub fn capabilities() -> BTreeSet<String> {
    let names = "iterator,staking,stargate,cosmwasm_1_1,cosmwasm_1_2,cosmwasm_1_3,cosmwasm_1_4,\
                 cosmwasm_2_0,cosmwasm_2_1,cosmwasm_2_2";
    names.split(',').map(str::to_owned).collect()
}

/// Where a dependency keeps what it is tested with, as cargo knows.
fn testdata_of(package: &str) -> PathBuf {
    let metadata = MetadataCommand::new().exec().expect("cargo metadata");
    let package = metadata.packages.iter().find(|found| found.name.as_str() == package);
    let manifest = package.expect("a dependency").manifest_path.clone();
    manifest.parent().expect("a folder").join("testdata").into()
}

/// A file that a dependency is tested with.
pub fn file_of(package: &str, name: &str) -> Vec<u8> {
    let path = testdata_of(package).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The contracts that cosmwasm-vm is tested with.
pub fn testdata_names() -> Vec<String> {
    let entries = std::fs::read_dir(testdata_of("cosmwasm-vm")).expect("a folder");
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.ends_with(".wasm"))
        .collect();
    names.sort();
    names
}

/// A contract that cosmwasm-vm is tested with.
pub fn testdata(name: &str) -> Vec<u8> {
    file_of("cosmwasm-vm", name)
}

/// A contract of the fixtures, where they are.
pub fn fixture(name: &str) -> Option<Vec<u8>> {
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures"));
    let root = std::env::var_os("WEFT_FIXTURES").map_or(default, PathBuf::from);
    let path = root.join("cosmwasm").join(name);
    let code = std::fs::read(&path).ok();
    if code.is_none() {
        println!("skipped: no {} (set WEFT_FIXTURES)", path.display());
    }
    code
}

/// An address that both take: cosmwasm-vm's test addresses with this chain's prefix.
pub fn address(name: &str) -> String {
    MockApi::default().with_prefix(weft_wasm::address::PREFIX).addr_make(name)
}
