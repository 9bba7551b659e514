//! Tests only: the fixtures captured from a real Celestia. Their folder is `WEFT_FIXTURES`, by default
//! ../shared/fixtures beside the workspace; absent, tests on them say so and pass, except where CI is set.

use celestia_types::ExtendedHeader;
use serde_json::Value;
use std::path::PathBuf;

/// One captured height.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) json: Value,
}

fn devnet() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures");
    let root = std::env::var_os("WEFT_FIXTURES").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let folder = root.join("celestia/devnet");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "no fixtures at {}", folder.display());
    println!("skipped: no fixtures at {} (set WEFT_FIXTURES)", folder.display());
    None
}

/// All captured heights.
pub(crate) fn cases() -> Vec<Case> {
    let Some(folder) = devnet() else { return Vec::new() };
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "headers_range.json"))
        .collect();
    paths.sort();
    assert!(paths.len() >= 12, "{} fixtures", paths.len());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("readable");
        let json = serde_json::from_str(&text).expect("json");
        Case { name: path.file_name().expect("a name").to_string_lossy().into_owned(), text, json }
    };
    paths.into_iter().map(read).collect()
}

/// One captured height by the start of its file's name.
pub(crate) fn case(name: &str) -> Option<Case> {
    cases().into_iter().find(|case| case.name.starts_with(name))
}

/// Twelve adjacent headers.
pub(crate) fn headers() -> Option<Vec<ExtendedHeader>> {
    let text = std::fs::read_to_string(devnet()?.join("headers_range.json")).expect("readable");
    Some(serde_json::from_str(&text).expect("headers"))
}
