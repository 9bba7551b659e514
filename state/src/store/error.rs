//! [`StoreError`]: one clear sentence each: what, where, what to do.

use crate::KvError;
use std::path::{Path, PathBuf};
use weft_types::{B256, Height};

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Retry when the other process is gone.
    #[error("the store in {} is open in another process: stop that one, or use another directory", .0.display())]
    Locked(PathBuf),
    /// Stop: only another program can read it.
    #[error(
        "the store in {} has format {found}, newer than this program's {ours}: run the version \
         that wrote it or a later one",
        .dir.display()
    )]
    Newer {
        /// Where the store is.
        dir: PathBuf,
        /// The format on disk.
        found: u32,
        /// The newest that this program knows.
        ours: u32,
    },
    /// Stop: nothing converts it, and all of it is on Celestia.
    #[error(
        "the store in {} has format {found}, older than this program's {ours}: remove the directory, and the \
         chain is derived again from Celestia",
        .dir.display()
    )]
    Older {
        /// Where the store is.
        dir: PathBuf,
        /// The format on disk.
        found: u32,
        /// The format that this program reads.
        ours: u32,
    },
    /// Stop: the operator mixed up two chains.
    #[error(
        "the store in {} belongs to the chain with genesis {found}, not {asked}: use that chain's genesis, or \
         another directory",
        .dir.display()
    )]
    OtherGenesis {
        /// Where the store is.
        dir: PathBuf,
        /// The genesis hash on disk.
        found: B256,
        /// The genesis hash that the node was started with.
        asked: B256,
    },
    /// Stop: the configuration names another backend than the one that wrote the directory.
    #[error(
        "the store in {} was made with {found} and not with {asked}: set the backend to {found}, or use \
         another directory",
        .dir.display()
    )]
    OtherBackend {
        /// Where the store is.
        dir: PathBuf,
        /// The backend that made it.
        found: &'static str,
        /// The backend that was asked for.
        asked: &'static str,
    },
    /// Stop: restore the store or derive it again.
    #[error(
        "the store in {} is damaged ({what}): restore it from a copy, or remove the directory and let the node \
         derive the chain again from Celestia",
        .dir.display()
    )]
    Damaged {
        /// Where the store is.
        dir: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Stop: the disk failed, is full, or may not be written.
    #[error("the store in {} failed ({what}): check the disk and its permissions, then start again", .dir.display())]
    Failed {
        /// Where the store is.
        dir: PathBuf,
        /// What happened.
        what: String,
    },
    /// The height is too old, or does not exist yet.
    #[error("height {asked} is not in the store, which has {oldest} to {tip}{}", hint(.asked, .oldest))]
    NotKept {
        /// The height that was asked for.
        asked: Height,
        /// The oldest height that can be read.
        oldest: Height,
        /// The newest height.
        tip: Height,
    },
    /// Nothing was committed yet.
    #[error("the store is empty: it has no height, not even genesis")]
    Empty,
    /// The caller's mistake: blocks are committed one after the other.
    #[error("height {got} cannot be committed: the next height is {next}")]
    NotNext {
        /// The height that the store takes next.
        next: Height,
        /// The height that came.
        got: Height,
    },
    /// No commit that can be gone back to ended there: several heights were committed at once.
    #[error("the store cannot go back to height {asked}: no commit ended between {oldest} and {asked}")]
    NoBoundary {
        /// The height that was asked for.
        asked: Height,
        /// The oldest height that can be read.
        oldest: Height,
    },
}

fn hint(asked: &Height, oldest: &Height) -> &'static str {
    if asked < oldest { ": ask a node that keeps more history" } else { "" }
}

impl StoreError {
    pub(crate) fn from_kv(dir: &Path, error: KvError) -> Self {
        let dir = dir.to_path_buf();
        match error {
            KvError::Locked => Self::Locked(dir),
            KvError::Damaged(what) => Self::Damaged { dir, what },
            KvError::Failed(what) => Self::Failed { dir, what },
        }
    }
}
