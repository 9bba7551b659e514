//! How the codes of Cosmos become statuses and rejects. Codes are frozen: receipts hold them.
//!
//! A receipt's code is `codespace * 0x100 + code`, where sdk is 0, wasm 1, bank 2, an error without a codespace 3 and any
//! other 4; codes above 255 count as 255. Where a contract returned an error itself, the transaction reverted.

use crate::fault::{BANK, Fault, SDK, UNDEFINED, WASM};
use borsh::{BorshDeserialize, BorshSerialize};
use weft_types::{Bytes, Status};
use weft_vm::{Reject, RejectKind};

/// Codes of the wasm module that say that a contract returned an error: instantiate, execute, migrate.
const BY_CONTRACT: [u32; 3] = [4, 5, 11];

/// An error of a transaction as clients of Cosmos chains know it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AbciError {
    /// Whose code it is.
    pub codespace: String,
    /// Never 0.
    pub code: u32,
    /// For people.
    pub log: String,
}

impl From<&Fault> for AbciError {
    fn from(fault: &Fault) -> Self {
        let (codespace, code) = fault.code();
        Self { codespace: codespace.to_owned(), code, log: fault.to_string() }
    }
}

/// How a transaction that failed with `fault` ended.
#[must_use]
pub fn status(fault: &Fault) -> Status {
    let (codespace, code) = fault.code();
    if codespace == WASM && BY_CONTRACT.contains(&code) {
        return Status::Reverted;
    }
    let space: u16 = match codespace {
        SDK => 0,
        WASM => 1,
        BANK => 2,
        UNDEFINED => 3,
        _ => 4,
    };
    let code = u16::try_from(code).unwrap_or(u16::MAX).min(0xff);
    Status::Halted(space.saturating_mul(0x100).saturating_add(code))
}

/// What a failed transaction has for its output: `code u32 BE | codespace`. No text.
#[must_use]
pub fn output(fault: &Fault) -> Bytes {
    let (codespace, code) = fault.code();
    [&code.to_be_bytes()[..], codespace.as_bytes()].concat().into()
}

/// The transaction can't be in a block, for that reason.
#[must_use]
pub fn reject(fault: &Fault) -> Reject {
    let error = AbciError::from(fault);
    let detail = borsh::to_vec(&error).unwrap_or_default().into();
    Reject { detail, ..Reject::new(kind(fault), error.log) }
}

/// The error that a [`Reject`] of this machine carries; where another made it, the one that says what it says.
#[must_use]
pub fn abci_error(reject: &Reject) -> AbciError {
    AbciError::try_from_slice(&reject.detail).unwrap_or_else(|_| {
        let code = match reject.kind {
            RejectKind::Malformed => 2,
            RejectKind::Unsupported => 37,
            RejectKind::BadSignature => 4,
            RejectKind::WrongChain => 28,
            RejectKind::Stale | RejectKind::NonceGap => 32,
            RejectKind::InsufficientFunds => 5,
            RejectKind::Underpriced => 13,
            RejectKind::GasLimit => 11,
            RejectKind::Invalid => 18,
        };
        AbciError { codespace: SDK.to_owned(), code, log: reject.message.clone() }
    })
}

fn kind(fault: &Fault) -> RejectKind {
    match fault.code() {
        (SDK, 2) => RejectKind::Malformed,
        (SDK, 31 | 37) => RejectKind::Unsupported,
        (SDK, 4 | 8 | 15) => RejectKind::BadSignature,
        (SDK, 30) => RejectKind::Stale,
        (SDK, 5 | 9) => RejectKind::InsufficientFunds,
        (SDK, 13) => RejectKind::Underpriced,
        (SDK, 11 | 41) => RejectKind::GasLimit,
        _ => RejectKind::Invalid,
    }
}

/// A signer's sequence is another: behind, the transaction never runs; ahead, it may later.
#[must_use]
pub(crate) fn wrong_sequence(expected: u64, got: u64) -> Reject {
    let text = format!("account sequence mismatch, expected {expected}, got {got}");
    let kind = if got < expected { RejectKind::Stale } else { RejectKind::NonceGap };
    Reject { kind, ..reject(&Fault::sdk(32, text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_cosmos() {
        assert_eq!(status(&Fault::OutOfGas { at: "x" }), Status::Halted(11));
        assert_eq!(status(&Fault::sdk(5, "")), Status::Halted(5));
        assert_eq!(status(&Fault::wasm(22, "")), Status::Halted(0x116));
        assert_eq!(status(&Fault::wasm(5, "a contract's words")), Status::Reverted);
        assert_eq!(status(&Fault::undefined("")), Status::Halted(0x301));
        assert_eq!(output(&Fault::sdk(5, "words")), b"\0\0\0\x05sdk"[..]);
    }

    #[test]
    fn a_reject_carries_its_error() {
        let rejected = reject(&Fault::sdk(13, "too little"));
        assert_eq!(rejected.kind, RejectKind::Underpriced);
        let error = abci_error(&rejected);
        assert_eq!((error.codespace.as_str(), error.code), ("sdk", 13));
        assert_eq!(error.log, "too little: insufficient fee");
        assert_eq!(wrong_sequence(4, 3).kind, RejectKind::Stale);
        assert_eq!(wrong_sequence(4, 5).kind, RejectKind::NonceGap);
        assert_eq!(abci_error(&wrong_sequence(4, 5)).code, 32);
        assert_eq!(abci_error(&Reject::new(RejectKind::GasLimit, "full")).code, 11);
    }
}
