//! Exit codes: what a script can tell from how a command ended.

use eyre::Report;
use std::process::ExitCode;
use weft_da::layer::DaError;
use weft_genesis::GenesisError;
use weft_node::chain::ChainError;
use weft_node::node::NodeError;
use weft_node::sequencer::SequencerError;
use weft_node::syncer::SyncError;
use weft_state::StoreError;

/// The table that every command's long help ends with.
pub(crate) const TABLE: &str = "\
Exit codes:
   0  done
   1  anything else, e.g. a blob that does not verify or a replay that differs
   2  usage
   3  config, genesis or key file missing or invalid
   4  the store belongs to another genesis
   5  the store was written by a newer version, or by one too old
   6  the store, or the sequencer's log, is damaged
   7  the store is in use, or the disk fails
   8  a port is in use or can't be listened on
   9  Celestia, or the node asked, can't be reached
  10  Celestia's endpoint gives data that does not verify
  11  Celestia's endpoint is on another chain
  12  the account that posts to Celestia has no funds, or Celestia refuses its posts
  13  the key is not one of genesis' sequencers
  14  the node refuses the transaction, or it failed or expired";

/// What a command's own checks found, with the code that says which kind it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file that the operator gave.
    #[error("{0}")]
    File(String),
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
    /// Another Celestia.
    #[error("{0}")]
    WrongChain(String),
    /// A port.
    #[error("{0}")]
    Port(String),
    /// An account.
    #[error("{0}")]
    Refused(String),
    /// A transaction.
    #[error("{0}")]
    Transaction(String),
    /// An argument.
    #[error("{0}")]
    Usage(String),
}

/// The code for an error, by the first of its causes that has one.
pub(crate) fn code_of(report: &Report) -> ExitCode {
    ExitCode::from(report.chain().find_map(code).unwrap_or(1))
}

fn code(error: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(match failure {
            Failure::File(_) => 3,
            Failure::Port(_) => 8,
            Failure::Unreachable(_) => 9,
            Failure::WrongChain(_) => 11,
            Failure::Refused(_) => 12,
            Failure::Transaction(_) => 14,
            Failure::Usage(_) => 2,
        });
    }
    if error.is::<GenesisError>() || error.is::<weft_config::ConfigError>() {
        return Some(3);
    }
    error
        .downcast_ref::<NodeError>()
        .and_then(node)
        .or_else(|| error.downcast_ref::<StoreError>().and_then(store))
}

fn node(error: &NodeError) -> Option<u8> {
    match error {
        NodeError::Plugin(_) | NodeError::Registry(_) => Some(3),
        NodeError::Store(error) => store(error),
        NodeError::Chain(error) => chain(error),
        NodeError::Sync(SyncError::Derivation(_)) => Some(6),
        NodeError::Sync(SyncError::Chain(error)) => chain(error),
        NodeError::Sync(SyncError::Sequencer(error)) | NodeError::Sequencer(error) => sequencer(error),
        NodeError::Sync(SyncError::Da(error)) | NodeError::Da(error) => da(error),
        NodeError::SignLog(_) | NodeError::Publisher(_) => Some(6),
        NodeError::Rpc(_) | NodeError::Metrics(_) => Some(8),
        NodeError::NotASequencer { .. } => Some(13),
        NodeError::CannotPost(_) => Some(12),
        NodeError::Lying(_) => Some(10),
        NodeError::Sync(SyncError::Ended) | NodeError::Panicked(_) => None,
    }
}

fn sequencer(error: &SequencerError) -> Option<u8> {
    match error {
        SequencerError::Chain(error) => chain(error),
        SequencerError::SignLog(_) | SequencerError::Publisher(_) => Some(6),
        SequencerError::Encode(_) => None,
    }
}

fn chain(error: &ChainError) -> Option<u8> {
    match error {
        ChainError::Store(error) => store(error),
        ChainError::Damaged { .. } => Some(6),
        ChainError::Read(_) => Some(7),
        ChainError::Apply(_) | ChainError::NotNext { .. } | ChainError::AboveTip { .. } => None,
    }
}

fn store(error: &StoreError) -> Option<u8> {
    match error {
        StoreError::OtherGenesis { .. } => Some(4),
        StoreError::Newer { .. } | StoreError::Older { .. } => Some(5),
        StoreError::Damaged { .. } | StoreError::NoBoundary { .. } => Some(6),
        StoreError::Locked(_) | StoreError::Failed { .. } => Some(7),
        StoreError::OtherBackend { .. } => Some(3),
        StoreError::NotKept { .. } | StoreError::Empty | StoreError::NotNext { .. } => None,
    }
}

fn da(error: &DaError) -> Option<u8> {
    match error {
        DaError::Retry(_) | DaError::UnknownOutcome(_) => Some(9),
        // What ends the stream is data that no endpoint proves, or has.
        DaError::Lied { .. } | DaError::Stop(_) => Some(10),
        DaError::RaisePrice(_) | DaError::TooLarge(_) => Some(12),
    }
}
