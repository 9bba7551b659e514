//! How Solana's errors become statuses and codes. Codes are frozen: receipts hold them.
//!
//! A code is the number that the error has in Solana's own wire form (bincode's variant index, which Solana never
//! reuses): [`TransactionError`] `n` is `n`, an instruction's error `m` is `INSTRUCTION + m`. A program's own error
//! (`Custom`) is a revert, since the program said so itself.

use solana_instruction::error::InstructionError;
use solana_transaction_error::TransactionError;
use weft_types::{Bytes, Status};
use weft_vm::{Reject, RejectKind};

/// Added to the number of an instruction's error.
pub const INSTRUCTION: u16 = 0x100;

/// How a transaction that failed with `error` ended.
#[must_use]
pub fn status(error: &TransactionError) -> Status {
    let bytes = encode(error);
    match error {
        TransactionError::InstructionError(_, InstructionError::Custom(_)) => Status::Reverted,
        // `variant u32 LE | instruction u8 | variant u32 LE`
        TransactionError::InstructionError(..) => {
            Status::Halted(variant(bytes.get(5..)).saturating_add(INSTRUCTION))
        }
        _ => Status::Halted(variant(Some(&bytes))),
    }
}

/// The error in Solana's wire form: what a failed transaction has for its output.
#[must_use]
pub fn encode(error: &TransactionError) -> Bytes {
    bincode::serialize(error).expect("an error has no list without a length").into()
}

/// The error that a [`Reject`] of this machine carries.
#[must_use]
pub fn transaction_error(reject: &Reject) -> Option<TransactionError> {
    bincode::deserialize(&reject.detail).ok()
}

fn variant(bytes: Option<&[u8]>) -> u16 {
    let number = bytes.and_then(|bytes| bytes.first_chunk::<4>()).copied().map_or(0, u32::from_le_bytes);
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// The transaction can't be in a block, for Solana's reason.
#[must_use]
pub fn reject(error: &TransactionError) -> Reject {
    Reject { detail: encode(error), ..Reject::new(kind(error), error.to_string()) }
}

fn kind(error: &TransactionError) -> RejectKind {
    use TransactionError as E;
    match error {
        E::SanitizeFailure | E::InvalidAccountIndex => RejectKind::Malformed,
        E::UnsupportedVersion => RejectKind::Unsupported,
        E::SignatureFailure | E::MissingSignatureForFee => RejectKind::BadSignature,
        E::AlreadyProcessed | E::BlockhashNotFound => RejectKind::Stale,
        E::AccountNotFound | E::InsufficientFundsForFee | E::InsufficientFundsForRent { .. } => {
            RejectKind::InsufficientFunds
        }
        _ => RejectKind::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_solanas_numbers() {
        use InstructionError as I;
        let instruction = |error| status(&TransactionError::InstructionError(3, error));
        assert_eq!(instruction(I::Custom(1)), Status::Reverted);
        assert_eq!(instruction(I::GenericError), Status::Halted(INSTRUCTION));
        assert_eq!(instruction(I::ComputationalBudgetExceeded), Status::Halted(INSTRUCTION + 37));
        assert_eq!(instruction(I::ProgramFailedToComplete), Status::Halted(INSTRUCTION + 40));
        assert_eq!(status(&TransactionError::ProgramAccountNotFound), Status::Halted(3));
        assert_eq!(
            status(&TransactionError::InsufficientFundsForRent { account_index: 1 }),
            Status::Halted(31)
        );
        assert_eq!(status(&TransactionError::MaxLoadedAccountsDataSizeExceeded), Status::Halted(32));
    }

    #[test]
    fn a_reject_carries_its_error() {
        for error in [
            TransactionError::AlreadyProcessed,
            TransactionError::DuplicateInstruction(4),
            TransactionError::InsufficientFundsForRent { account_index: 9 },
        ] {
            assert_eq!(transaction_error(&reject(&error)), Some(error));
        }
        assert_eq!(transaction_error(&Reject::new(RejectKind::Invalid, "words")), None);
    }
}
