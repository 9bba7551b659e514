//! Files that scripts rely on (design 08), and secrets.

use super::exit::Failure;
use eyre::{Result, WrapErr};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use weft_da::signature::SequencerKey;
use weft_types::B256;

/// `DIR/node.json`: there while the node is ready.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NodeFile {
    /// Of the process.
    pub(crate) pid: u32,
    /// Of the program.
    pub(crate) version: String,
    /// Names the chain.
    pub(crate) genesis_hash: B256,
    /// Where it answers.
    pub(crate) urls: Urls,
}

/// Where a node answers; null for what is off.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Urls {
    /// Ethereum JSON-RPC and `weft_*`, http and websocket.
    pub(crate) eth: Option<String>,
    /// Solana's JSON-RPC.
    pub(crate) sol: Option<String>,
    /// Solana's websocket.
    pub(crate) sol_ws: Option<String>,
    /// CometBFT's RPC.
    pub(crate) cosmos: Option<String>,
    /// The Celestia node that is read.
    pub(crate) celestia: Option<String>,
}

/// A `node.json` that goes when this does.
pub(crate) struct Announced(PathBuf);

impl Drop for Announced {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Says that the node is ready, in one atomic step.
pub(crate) fn announce(dir: &Path, genesis_hash: B256, urls: Urls) -> Result<Announced> {
    let file = NodeFile {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        genesis_hash,
        urls,
    };
    let path = node_json(dir);
    write_atomic(&path, &serde_json::to_vec_pretty(&file)?)?;
    Ok(Announced(path))
}

pub(crate) fn node_json(dir: &Path) -> PathBuf {
    dir.join("node.json")
}

/// Writes beside and renames, so that no reader sees half a file.
pub(crate) fn write_atomic(path: &Path, content: &[u8]) -> Result<()> {
    let beside = path.with_extension("part");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().wrap_err_with(|| format!("{} can't be written", path.display()))
}

/// Writes a secret that only its owner can read. An existing file is left alone.
pub(crate) fn write_key(path: &Path, key: &SequencerKey) -> Result<()> {
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = open
        .map_err(|error| Failure::File(format!("the key file {} can't be made: {error}", path.display())))?;
    writeln!(file, "{}", hex::encode(key.to_bytes()))?;
    file.sync_all()?;
    Ok(())
}

/// Reads a sequencer key: 32 bytes in hex.
pub(crate) fn read_key(path: &Path) -> Result<SequencerKey> {
    let fail = |what: String| Failure::File(format!("the key file {} {what}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| fail(format!("can't be read ({error}); make one with `weft keys new`")))?;
    let digits = text.trim();
    let mut secret = [0; 32];
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut secret)
        .map_err(|_| fail("must hold 32 bytes in hex and nothing else".into()))?;
    Ok(SequencerKey::from_bytes(secret).map_err(|error| fail(format!("holds no key: {error}")))?)
}

/// A key that nobody has.
pub(crate) fn new_key() -> SequencerKey {
    loop {
        // One in 2^128 draws is no key.
        if let Ok(key) = SequencerKey::from_bytes(rand::random()) {
            return key;
        }
    }
}
