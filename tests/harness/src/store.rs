//! What can happen to a node's store while the node is away.

use std::path::{Path, PathBuf};
use weft_state::kv::{Batch, FjallKv, Kv, Table};

/// The key of the record that begins with the store's format (state/src/store/record.rs).
const META_STORE: &[u8] = b"store";

fn store(node: &Path) -> PathBuf {
    node.join("store").join("fjall")
}

/// Makes a node's store one that another version wrote.
///
/// # Panics
/// Where there is no store.
pub fn set_format(node: &Path, format: u32) {
    let kv = FjallKv::open(&store(node), 1 << 20).expect("the store");
    let record = kv.get(Table::Meta, META_STORE).expect("a read").expect("the record");
    let mut batch = Batch::default();
    let changed = [&format.to_be_bytes()[..], &record[4..]].concat();
    batch.put(Table::Meta, META_STORE.to_vec(), changed.into());
    kv.commit(batch, true).expect("a commit");
}

/// Overwrites every file of a node's store with bytes that mean nothing.
///
/// # Panics
/// Where there is no store.
pub fn overwrite(node: &Path) {
    let mut folders = vec![store(node)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let length =
                usize::try_from(entry.metadata().expect("its size").len()).expect("a file that fits");
            std::fs::write(entry.path(), vec![0xa5; length]).expect("a write");
        }
    }
}
