//! Rules that hold for the repository itself: which crate may use which, and how its files look.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The edges that design/00 allows: a crate, and the crates of ours that it may depend on. Everything else
/// needs an ADR and a line here. Dev-dependencies are free: tests may look at anything.
const EDGES: &[(&str, &[&str])] = &[
    ("weft-types", &[]),
    ("weft-state", &["weft-types"]),
    ("weft-genesis", &["weft-types"]),
    ("weft-config", &["weft-types"]),
    ("weft-da", &["weft-types"]),
    ("weft-vm", &["weft-types", "weft-state"]),
    ("weft-evm", &["weft-types", "weft-state", "weft-vm"]),
    ("weft-sbf", &["weft-types", "weft-state", "weft-vm"]),
    ("weft-wasm", &["weft-types", "weft-state", "weft-vm"]),
    ("weft-router", &["weft-types", "weft-state", "weft-vm", "weft-genesis"]),
    (
        "weft-node",
        &[
            "weft-types",
            "weft-state",
            "weft-genesis",
            "weft-config",
            "weft-da",
            "weft-vm",
            "weft-evm",
            "weft-sbf",
            "weft-wasm",
            "weft-router",
        ],
    ),
];

/// Crates outside the node, which may use anything of ours.
const OUTSIDE: &[&str] = &["weft-tests", "weft-bench"];

/// Lines that a source file may have before its unit tests (design/09: aim at 300, stop near 500).
const FILE_LINES_MAX: usize = 500;

/// Marks of work left undone. Split here, so that this file does not find itself.
const FORBIDDEN: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("#[ig", "nore"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository's root")
}

#[test]
fn crates_use_only_the_crates_that_the_design_allows() {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo metadata");
    let allowed: BTreeMap<_, BTreeSet<_>> =
        EDGES.iter().map(|(name, edges)| (*name, edges.iter().copied().collect())).collect();
    let mut faults = Vec::new();
    for package in metadata.packages {
        let name = package.name.as_str();
        if OUTSIDE.contains(&name) {
            continue;
        }
        let Some(allowed) = allowed.get(name) else {
            faults.push(format!("{name} is a new crate: give it a line in EDGES and an ADR"));
            continue;
        };
        for dependency in package.dependencies {
            let ours = dependency.name.starts_with("weft-") && dependency.kind != DependencyKind::Development;
            if ours && !allowed.contains(dependency.name.as_str()) {
                faults.push(format!("{name} uses {}: the design has no such edge", dependency.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// All Rust sources of ours.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["types", "state", "da", "vms", "router", "genesis", "config", "node", "tests"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 50, "the sources were not found");
    found.sort();
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() && name != "target" && name != "node_modules" {
            collect(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_readable() {
    let mut faults = Vec::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        if !text.lines().any(|line| line.starts_with("//!")) && !text.starts_with("#![no_main]") {
            faults.push(format!("{shown}: no //! that says what the file is"));
        }
        let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{shown}: {lines} lines before its tests, at most {FILE_LINES_MAX}"));
        }
        for word in FORBIDDEN {
            if text.contains(word) {
                faults.push(format!("{shown}: {word}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
