//! Executed transactions as agave's types have them.

use super::super::errors::internal;
use super::errors::Fault;
use crate::chain::{BlockRecord, TransactionRecord};
use solana_account_decoder::parse_account_data::SplTokenAdditionalDataV2;
use solana_account_decoder::parse_token::token_amount_to_ui_amount_v3;
use solana_message::VersionedMessage;
use solana_message::compiled_instruction::CompiledInstruction;
use solana_message::v0::LoadedAddresses;
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_context::transaction::TransactionReturnData;
use solana_transaction_error::TransactionError;
use solana_transaction_status::{
    InnerInstruction, InnerInstructions, TransactionStatusMeta, TransactionTokenBalance,
    VersionedTransactionWithStatusMeta,
};
use std::collections::HashSet;
use weft_sbf::{Detail, TokenBalance, lamports};
use weft_types::{Receipt, Status, VmId};

/// The transactions of Solana's machine in a block, each with its place there among those of all machines.
pub(super) fn transactions(block: &BlockRecord) -> impl Iterator<Item = (usize, &TransactionRecord)> {
    block.transactions.iter().enumerate().filter(|(_, record)| record.transaction.vm == VmId::SBF)
}

/// The transaction as it was sent.
///
/// # Errors
/// The store is damaged.
pub(super) fn versioned(record: &TransactionRecord) -> Result<VersionedTransaction, Fault> {
    weft_sbf::decode(&record.transaction.payload).map_err(|error| {
        tracing::error!(%error, id = %record.id, "an SBF transaction of a block can't be read");
        internal("the node could not read its chain")
    })
}

/// Whether the message's header and instructions let the account at `index` be written.
pub(super) fn is_writable(message: &VersionedMessage, index: usize) -> bool {
    message.is_maybe_writable_with_reserved_addresses(index, None::<&HashSet<Pubkey>>)
}

/// What the machine noted down of it; `None` where its block had no room for that.
pub(super) fn detail(record: &TransactionRecord) -> Option<Detail> {
    if record.detail.is_empty() { None } else { Detail::decode(&record.detail) }
}

/// How it ended.
pub(super) fn result(record: &TransactionRecord) -> Result<(), TransactionError> {
    let error = match detail(record) {
        Some(detail) => detail.err,
        None => error_of(&record.receipt),
    };
    error.map_or(Ok(()), Err)
}

/// The error that the receipt's code stands for, as far as a code tells it: not which instruction, nor a program's own
/// number.
fn error_of(receipt: &Receipt) -> Option<TransactionError> {
    let instruction = |variant: u32| {
        // `InstructionError` in Solana's wire form: `8 u32 LE | instruction u8 | variant u32 LE`.
        bincode::deserialize(&[&[8, 0, 0, 0, 0][..], &variant.to_le_bytes(), &[0; 4]].concat()).ok()
    };
    match receipt.status {
        Status::Success => None,
        Status::Reverted => instruction(0),
        Status::Halted(code) => {
            let known = match code.checked_sub(weft_sbf::code::INSTRUCTION) {
                Some(variant) => instruction(u32::from(variant)),
                None => bincode::deserialize(&[&u32::from(code).to_le_bytes()[..], &[0; 8]].concat()).ok(),
            };
            known.or_else(|| instruction(0))
        }
    }
}

/// The transaction with all that is known of it.
///
/// # Errors
/// The store is damaged.
pub(super) fn complete(record: &TransactionRecord) -> Result<VersionedTransactionWithStatusMeta, Fault> {
    let meta = match detail(record) {
        Some(detail) => status_meta(detail),
        None => TransactionStatusMeta {
            status: result(record),
            fee: lamports(record.receipt.fee).unwrap_or(u64::MAX),
            rewards: Some(Vec::new()),
            ..TransactionStatusMeta::default()
        },
    };
    Ok(VersionedTransactionWithStatusMeta { transaction: versioned(record)?, meta })
}

/// The machine's note in agave's form.
fn status_meta(detail: Detail) -> TransactionStatusMeta {
    TransactionStatusMeta {
        status: detail.err.map_or(Ok(()), Err),
        fee: detail.fee,
        pre_balances: detail.pre_balances,
        post_balances: detail.post_balances,
        inner_instructions: Some(inner_instructions(detail.inner_instructions)),
        log_messages: Some(detail.logs),
        pre_token_balances: Some(token_balances(detail.pre_token_balances)),
        post_token_balances: Some(token_balances(detail.post_token_balances)),
        rewards: Some(Vec::new()),
        loaded_addresses: LoadedAddresses {
            writable: detail.loaded_writable,
            readonly: detail.loaded_readonly,
        },
        return_data: return_data(detail.return_data),
        compute_units_consumed: Some(detail.compute_units),
        cost_units: Some(detail.cost_units),
    }
}

/// What was returned, where there was anything.
pub(super) fn return_data(data: Option<(Pubkey, Vec<u8>)>) -> Option<TransactionReturnData> {
    data.map(|(program_id, data)| TransactionReturnData { program_id, data })
}

/// Instructions that instructions made.
pub(super) fn inner_instructions(list: Vec<weft_sbf::InnerInstructions>) -> Vec<InnerInstructions> {
    let one = |inner: weft_sbf::InnerInstruction| InnerInstruction {
        instruction: CompiledInstruction {
            program_id_index: inner.program_id_index,
            accounts: inner.accounts,
            data: inner.data,
        },
        stack_height: Some(inner.stack_height),
    };
    list.into_iter()
        .map(|made| InnerInstructions {
            index: made.index,
            instructions: made.instructions.into_iter().map(one).collect(),
        })
        .collect()
}

/// Token accounts at one moment.
pub(super) fn token_balances(list: Vec<TokenBalance>) -> Vec<TransactionTokenBalance> {
    list.into_iter()
        .map(|balance| TransactionTokenBalance {
            account_index: balance.account_index,
            mint: balance.mint.to_string(),
            ui_token_amount: token_amount_to_ui_amount_v3(
                balance.amount,
                &SplTokenAdditionalDataV2::with_decimals(balance.decimals),
            ),
            owner: balance.owner.to_string(),
            program_id: balance.program.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_transaction_error::TransactionError as E;
    use weft_types::{B256, U256};

    #[test]
    fn a_code_gives_its_error_back_as_far_as_it_tells() {
        let receipt = |status| Receipt {
            vm: VmId::SBF.0,
            id: B256::ZERO,
            status,
            gas_used: 0,
            fee: U256::ZERO,
            output_hash: B256::ZERO,
            logs: Vec::new(),
        };
        assert_eq!(error_of(&receipt(Status::Success)), None);
        for error in [E::AccountInUse, E::ProgramAccountNotFound, E::InvalidProgramForExecution] {
            assert_eq!(error_of(&receipt(weft_sbf::code::status(&error))), Some(error));
        }
        let halted = |code| error_of(&receipt(Status::Halted(code)));
        let budget = halted(weft_sbf::code::INSTRUCTION + 37).unwrap();
        assert_eq!(format!("{budget:?}"), "InstructionError(0, ComputationalBudgetExceeded)");
        for code in [60, 0xff, 0x1ff, u16::MAX] {
            assert!(halted(code).is_some(), "{code}");
        }
    }
}
