//! The seam between the router and a machine: the [`Vm`] trait, what goes in and what comes out.
//!
//! ```text
//! payload ─check─> Checked ─execute(journal, block)─> Execution::{Executed(Outcome), Rejected(Reject)}
//! ```
//! A new machine is one crate that implements [`Vm`], one line in the node's plugin list and one entry in
//! genesis. The [`conformance`] suite is what makes it a machine; [`toy`] is the example to copy.
//!
//! Invariants, as negatives:
//! - A machine has no state of its own: what is not in the journal does not exist.
//! - No payload, however malformed, panics a machine or makes it allocate without a bound.
//! - No text reaches a receipt's hash: codes only.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

pub mod conformance;
pub mod toy;
mod undo;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use weft_state::ledger::LedgerError;
use weft_state::{Journal, ReadError};
use weft_types::{AccountId, B256, Bytes, DaHeight, Height, Status, U256, VmId};

pub use undo::{kept_if_executed, never_kept};

/// A machine. Object-safe and synchronous; all of its state is in the journal that it is given.
///
/// Messages between machines (design 04) will join as one more method, `deliver`.
pub trait Vm: Send + Sync {
    /// Which transactions and keys are this machine's.
    fn id(&self) -> VmId;

    /// Stateless check: decode within limits, recover and verify signatures. Runs in parallel, ahead of
    /// execution, and gives the same for the same bytes always.
    ///
    /// # Errors
    /// [`Reject`]: the payload can never execute on this chain.
    fn check(&self, payload: &[u8]) -> Result<Checked, Reject>;

    /// Runs one transaction: validate against the state, charge, run, pay. A rejected one leaves the journal
    /// as it was. One that reverted or halted leaves its fee and its nonce.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails: the block is abandoned, not the transaction.
    ///
    /// # Panics
    /// Where `checked` is another machine's: the router lost track.
    fn execute(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError>;

    /// Answers a read-only query in the machine's own encoding, within `gas`. Leaves the journal as it was.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    fn query(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError>;

    /// What the machine writes by itself around a block: sysvars, history contracts.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    fn on_block(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        phase: BlockPhase,
    ) -> Result<(), ReadError> {
        let _ = (journal, block, phase);
        Ok(())
    }
}

/// When [`Vm::on_block`] is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockPhase {
    /// Once, at height 0, after the balances of genesis are set.
    Genesis,
    /// Before the block's first transaction.
    Begin,
    /// After the block's last transaction.
    End,
}

/// What a block is to the machines that execute it. Nothing reads the host's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEnv {
    /// The chain's id.
    pub chain_id: u64,
    /// This block's height.
    pub height: Height,
    /// The Celestia height that the block builds on; rules change by it.
    pub origin: DaHeight,
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Unix milliseconds.
    pub timestamp_ms: u64,
    /// See [`weft_types::DerivedBlock::prevrandao`].
    pub prevrandao: B256,
    /// Gas of the whole block, in the one unit.
    pub gas_limit: u64,
    /// The EVM's base fee, wei per gas.
    pub base_fee: u64,
    /// Who is paid for ordering the block: the sequencer, or the treasury where derivation ordered it.
    pub fee_recipient: AccountId,
    /// How fees are split.
    pub fees: FeeSplit,
}

impl BlockEnv {
    /// Takes a transaction's fee from `payer` and pays it out: `priority` to the fee recipient, `base` by
    /// [`FeeSplit`], with what is left of it burnt.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails, or where the payer has less than the fee: the machine holds the
    /// balance against the largest fee before it runs, so that is a bug that must not be committed.
    pub fn collect_fee(
        &self,
        journal: &mut Journal<'_>,
        payer: AccountId,
        base: U256,
        priority: U256,
    ) -> Result<(), ReadError> {
        let (recipient, treasury, burnt) = self.fees.split(base);
        let mut pay = || -> Result<(), LedgerError> {
            journal.debit(payer, base.saturating_add(priority))?;
            journal.credit(self.fee_recipient, recipient.saturating_add(priority))?;
            journal.credit(self.fees.treasury, treasury)
        };
        pay().map_err(|error| match error {
            LedgerError::Read(error) => error,
            broken => ReadError(format!("a fee could not be collected: {broken}")),
        })?;
        journal.burn(burnt)
    }
}

/// Where the fee of a transaction goes; set by genesis. Shares are in basis points of 10,000.
///
/// The priority part (EVM: tip; SBF: priority fee) goes to the block's fee recipient. The base part (EVM: base
/// fee; SBF: signature fee) is split: `base_to_recipient_bp` to the recipient, `base_to_treasury_bp` to the
/// treasury, the rest is burnt. Shares round down; what rounding leaves is burnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeSplit {
    /// The treasury's account.
    pub treasury: AccountId,
    /// Of the base part, to the block's fee recipient.
    pub base_to_recipient_bp: u16,
    /// Of the base part, to the treasury.
    pub base_to_treasury_bp: u16,
}

/// The whole, in basis points.
pub const BASIS_POINTS: u16 = 10_000;

impl FeeSplit {
    /// Splits the base part of a fee into what the recipient, the treasury and nobody (burn) gets.
    #[must_use]
    pub fn split(&self, base: U256) -> (U256, U256, U256) {
        let share = |bp: u16| {
            // Divide first, then the remainder, so that no product passes 2^256.
            let (whole, rest) = base.div_rem(U256::from(BASIS_POINTS));
            whole * U256::from(bp) + rest * U256::from(bp) / U256::from(BASIS_POINTS)
        };
        let (recipient, treasury) = (share(self.base_to_recipient_bp), share(self.base_to_treasury_bp));
        (recipient, treasury, base - recipient - treasury)
    }
}

/// A transaction whose bytes and signatures were found right.
#[derive(Clone)]
pub struct Checked {
    /// The machine that checked it.
    pub vm: VmId,
    /// The machine's id of the transaction as 32 bytes; the EVM: the transaction hash.
    pub id: B256,
    /// Who pays and whose nonce counts.
    pub sender: AccountId,
    /// Most gas that it can use, in the one unit.
    pub gas_limit: u64,
    /// The machine's decoded form.
    pub decoded: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("vm", &self.vm)
            .field("id", &self.id)
            .field("sender", &self.sender)
            .field("gas_limit", &self.gas_limit)
            .finish_non_exhaustive()
    }
}

/// A transaction that can't be in a block: it pays nothing and leaves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Reject {
    /// What kind of fault; what metrics count and callers match on.
    pub kind: RejectKind,
    /// For people; never part of a hash.
    pub message: String,
    /// The machine's own form of the fault, for its own RPC; empty where the kind says it all.
    pub detail: Bytes,
}

impl Reject {
    /// A reject with its sentence.
    #[must_use]
    pub fn new(kind: RejectKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), detail: Bytes::new() }
    }
}

/// Kinds of [`Reject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectKind {
    /// The bytes are no transaction of this machine.
    Malformed,
    /// A kind of transaction that the chain does not take.
    Unsupported,
    /// A signature is missing or wrong.
    BadSignature,
    /// Signed for another chain.
    WrongChain,
    /// Its nonce, sequence or blockhash was used already or is gone.
    Stale,
    /// Its nonce lies ahead.
    NonceGap,
    /// The sender can't pay.
    InsufficientFunds,
    /// It offers less than the block's price.
    Underpriced,
    /// It asks for more gas than the block has left, or less than its bytes cost.
    GasLimit,
    /// Any other rule of the machine.
    Invalid,
}

impl RejectKind {
    /// The word that metrics and RPC use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::BadSignature => "bad_signature",
            Self::WrongChain => "wrong_chain",
            Self::Stale => "stale",
            Self::NonceGap => "nonce_gap",
            Self::InsufficientFunds => "insufficient_funds",
            Self::Underpriced => "underpriced",
            Self::GasLimit => "gas_limit",
            Self::Invalid => "invalid",
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It is in the block and paid.
    Executed(Outcome),
    /// It is not in the block; the journal is as it was.
    Rejected(Reject),
}

/// What an executed transaction gave. Its logs and messages are in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// In the one gas unit; at most the transaction's limit.
    pub gas_used: u64,
    /// All that the payer paid for it, in wei.
    pub fee: U256,
    /// Return bytes, or the reason of a revert.
    pub output: Bytes,
    /// What the machine's own RPC shows of the transaction besides: logs, balances before and after. Empty where it
    /// has nothing of the kind. No hash covers it; it is deterministic all the same. The machine keeps it within
    /// [`DETAIL_BYTES_MAX`]; one that is longer is not kept.
    pub detail: Bytes,
}

/// Most bytes of [`Outcome::detail`].
pub const DETAIL_BYTES_MAX: usize = 64 << 10;
