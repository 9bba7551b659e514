//! [`PoolError`]: why the pool did not take a transaction, in the words that geth's and Solana's clients match on.

use solana_transaction_error::TransactionError;
use weft_types::{B256, U256};
use weft_vm::Reject;

/// Why a transaction was not taken. Its text begins with geth's own for the same fault, or is Solana's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The same transaction waits already.
    #[error("already known")]
    AlreadyKnown(B256),
    /// The account has used that nonce.
    #[error("nonce too low: next nonce {next}, tx nonce {got}")]
    NonceTooLow {
        /// The account's next nonce.
        next: u64,
        /// The transaction's.
        got: u64,
    },
    /// Another transaction with that nonce waits, and this one does not pay enough more.
    #[error("replacement transaction underpriced: {needed} wei per gas needed, both fee cap and tip cap")]
    ReplacementUnderpriced {
        /// The least fee cap that replaces it.
        needed: u128,
    },
    /// The pool is full of transactions that pay as much or more.
    #[error("txpool is full")]
    Full,
    /// The account has as many transactions waiting as one may have.
    #[error("account limit exceeded: {max} transactions of one account may wait")]
    AccountLimit {
        /// The limit.
        max: usize,
    },
    /// The account can't pay for this one after those that wait already.
    #[error(
        "insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}, overshot {}",
        cost.saturating_add(*queued).saturating_sub(*balance)
    )]
    InsufficientFunds {
        /// Wei that the account has.
        balance: U256,
        /// Wei that its waiting transactions may cost.
        queued: U256,
        /// Wei that this one may cost.
        cost: U256,
    },
    /// Its fee cap is below what the chain takes at least.
    #[error("transaction underpriced: max fee per gas {got}, at least {min} needed")]
    Underpriced {
        /// The least fee cap.
        min: u128,
        /// The transaction's.
        got: u128,
    },
    /// More gas than a block has.
    #[error("exceeds block gas limit: {got}, limit {max}")]
    GasLimit {
        /// The block's gas.
        max: u64,
        /// The transaction's limit.
        got: u64,
    },
    /// More bytes than the pool takes.
    #[error("oversized data: transaction size {got}, limit {max}")]
    Oversized {
        /// Most bytes.
        max: usize,
        /// The transaction's.
        got: usize,
    },
    /// This sequencer's operator does not take transactions of this sender. Forced ones land all the same.
    #[error("sender is on this sequencer's deny-list; post the transaction to the forced namespace instead")]
    Denied,
    /// An SBF transaction that the state refuses: its blockhash is gone, it was in a block already, its payer can't pay.
    #[error("{0}")]
    Sbf(TransactionError),
    /// A Wasm transaction whose sequence number is not its account's next.
    #[error("account sequence mismatch, expected {expected}, got {got}: incorrect account sequence")]
    Sequence {
        /// The next one, after those that wait.
        expected: u64,
        /// The transaction's.
        got: u64,
    },
    /// The account can't pay the fee of this Wasm transaction after those that wait already.
    #[error("spendable balance {} is smaller than {cost}: insufficient funds", balance.saturating_sub(*queued))]
    FeeFunds {
        /// Wei that the account has.
        balance: U256,
        /// Wei of the fees of its waiting transactions.
        queued: U256,
        /// Wei of this one's fee.
        cost: U256,
    },
    /// The bytes can never execute on this chain.
    #[error(transparent)]
    Rejected(#[from] Reject),
    /// The state could not be read; try again.
    #[error("internal error: {0}")]
    State(String),
}

impl PoolError {
    /// What Solana calls it; `None` for what only a pool with bounds, or only another machine, can say. A copy of what
    /// waits is `AlreadyProcessed` here; Solana's own RPC takes it again and gives the signature.
    #[must_use]
    pub fn transaction_error(&self) -> Option<TransactionError> {
        match self {
            Self::Sbf(error) => Some(error.clone()),
            Self::AlreadyKnown(_) => Some(TransactionError::AlreadyProcessed),
            Self::Rejected(reject) => weft_sbf::transaction_error(reject),
            _ => None,
        }
    }

    /// The word that metrics use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AlreadyKnown(_) => "already_known",
            Self::NonceTooLow { .. } => "nonce_too_low",
            Self::ReplacementUnderpriced { .. } => "replacement_underpriced",
            Self::Full => "full",
            Self::AccountLimit { .. } => "account_limit",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::Underpriced { .. } => "underpriced",
            Self::GasLimit { .. } => "gas_limit",
            Self::Oversized { .. } => "oversized",
            Self::Denied => "denied",
            Self::Sbf(TransactionError::BlockhashNotFound) => "blockhash_not_found",
            Self::Sbf(TransactionError::AlreadyProcessed) => "already_processed",
            Self::Sbf(_) => "insufficient_funds",
            Self::Sequence { .. } => "sequence",
            Self::FeeFunds { .. } => "insufficient_funds",
            Self::Rejected(reject) => reject.kind.name(),
            Self::State(_) => "state",
        }
    }
}
