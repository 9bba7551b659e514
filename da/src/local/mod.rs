//! The embedded local Celestia: a chain of real Celestia data made by one process, behind the JSON-RPC of a node.
//!
//! ```text
//! blob.Submit ──> ledger (fees, sequences, mempool) ──> square ──> erasure code, DAH ──> signed header ──> log
//!                                                                                                          │
//! celestia-rpc's client <── rpc (http and ws) <── chain: blocks, namespace data, proofs <──────────────────┘
//! ```
//! Squares follow go-square's rules, with signed transactions in their PFB shares; roots, proofs and headers are
//! made by celestia-types and signed by four validators. What is not Celestia: consensus (one process decides),
//! staking and transfers (accounts only pay for blobs), and data availability (there is nobody to sample from).
//!
//! [`Chain`] is the chain alone, in process and without a clock; [`LocalCelestia`] serves it.
//!
//! Invariants, as negatives:
//! - No header, square or proof is served that does not verify, and none differs after a restart.
//! - No memory grows with the height: blocks beyond the newest are read from the log.
//! - Nothing listens beyond loopback.

mod accounts;
mod blobs;
mod chain;
mod compact;
mod consensus;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod golden;
mod ledger;
mod log;
mod record;
mod rpc;
mod serve;
mod square;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod wire;

pub use accounts::Account;
pub use chain::{Block, Chain, ReadError};
pub use consensus::{APP_VERSION, VALIDATORS};
pub use ledger::{Landed, MAX_TX_BYTES, MIN_GAS_PRICE, SubmitError, SubmitOptions, Ticket};
pub use serve::{LocalCelestia, LocalConfig};
pub use square::{MAX_SIDE, NotShares, Piece, Square, SquareBuilder};

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What a chain is made with.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// In every header; the validators' and accounts' keys follow from it.
    pub chain_id: String,
    /// Where the chain is kept. None: in memory, all of it, for tests.
    pub dir: Option<PathBuf>,
    /// Names of the keyring's accounts and what each has in utia at the start. The first one pays by default.
    pub accounts: Vec<(String, u64)>,
    /// The largest side of a square in shares; a power of two, at most [`MAX_SIDE`].
    pub max_side: usize,
}

impl Default for ChainConfig {
    fn default() -> Self {
        let accounts = ["node", "user", "spam"].map(|name| (name.to_owned(), 1_000_000_000_000));
        Self { chain_id: "weft-local".to_owned(), dir: None, accounts: accounts.into(), max_side: MAX_SIDE }
    }
}

/// Why the local Celestia does not start or stops.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Empty, or more than 50 bytes.
    #[error("{0:?} is no chain id: it must have 1 to 50 bytes")]
    ChainId(String),
    /// The directory cannot be made or opened.
    #[error("local Celestia cannot use the directory {dir}: {source}")]
    Dir {
        /// Which one.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the directory {0} is in use by another local Celestia: stop that one or choose another directory"
    )]
    InUse(PathBuf),
    /// It holds a chain with another id.
    #[error(
        "the directory {dir} holds another chain than {chain_id:?}: choose another directory or remove it"
    )]
    ForeignDir {
        /// Which one.
        dir: PathBuf,
        /// The chain id that was expected.
        chain_id: String,
    },
    /// A block before the newest cannot be read.
    #[error("local Celestia's log is damaged at height {height}: remove its directory to begin a new chain")]
    Damaged {
        /// Which block.
        height: u64,
    },
    /// It would be reachable from elsewhere, and anyone can spend its accounts.
    #[error("local Celestia listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The port is taken, or may not be taken.
    #[error("local Celestia cannot listen on {listen}: {source}")]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The thread that makes blocks died.
    #[error("local Celestia stopped while it made a block")]
    Stopped,
    /// Reading or writing the log failed.
    #[error("local Celestia's log: {0}")]
    Io(#[from] io::Error),
}

/// A file of the fixtures that others made; none, with a line that says so, where they are not there.
#[cfg(test)]
pub(crate) fn fixture(path: &str) -> Option<String> {
    let root = std::env::var_os("WEFT_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures")),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(root.join(path)).ok();
    if text.is_none() {
        assert!(std::env::var_os("CI").is_none(), "fixtures are missing: {}", root.join(path).display());
        println!("skipped: no {}", root.join(path).display());
    }
    text
}
