//! [`Detail`]: what Solana's RPC shows of a transaction and no hash covers: logs, balances before and after, inner
//! instructions. Its stored form is bincode 1 of the fields in their order.

use serde::{Deserialize, Serialize};
use solana_message::inner_instruction::InnerInstructionsList;
use solana_pubkey::Pubkey;
use solana_svm::transaction_balances::SvmTokenInfo;
use solana_transaction_error::TransactionError;
use weft_types::Bytes;
use weft_vm::DETAIL_BYTES_MAX;

/// Most bytes of a transaction's logs, as a Solana validator's default.
pub const LOG_BYTES_MAX: usize = 10_000;

/// See the module. Lists of balances go by the transaction's account keys: static ones, then loaded writable ones, then
/// loaded read-only ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// Why it failed; `None` where it did not.
    pub err: Option<TransactionError>,
    /// Lamports: signature fee and priority fee.
    pub fee: u64,
    /// Compute units that its instructions used.
    pub compute_units: u64,
    /// The same and what its signatures, locks and bytes count for (see [`crate::cost`]).
    pub cost_units: u64,
    /// Lamports before it.
    pub pre_balances: Vec<u64>,
    /// Lamports after it.
    pub post_balances: Vec<u64>,
    /// Token accounts before it.
    pub pre_token_balances: Vec<TokenBalance>,
    /// Token accounts after it.
    pub post_token_balances: Vec<TokenBalance>,
    /// Instructions that its instructions made, for those that made any.
    pub inner_instructions: Vec<InnerInstructions>,
    /// What its programs logged; cut at [`LOG_BYTES_MAX`].
    pub logs: Vec<String>,
    /// Writable addresses out of lookup tables.
    pub loaded_writable: Vec<Pubkey>,
    /// Read-only addresses out of lookup tables.
    pub loaded_readonly: Vec<Pubkey>,
    /// The last program that returned data, and the data.
    pub return_data: Option<(Pubkey, Vec<u8>)>,
}

/// A token account at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenBalance {
    /// Its place among the transaction's accounts.
    pub account_index: u8,
    /// What it holds.
    pub mint: Pubkey,
    /// Whose it is.
    pub owner: Pubkey,
    /// The token program.
    pub program: Pubkey,
    /// In the mint's smallest unit.
    pub amount: u64,
    /// The mint's.
    pub decimals: u8,
}

/// The instructions that one instruction of the transaction made, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InnerInstructions {
    /// The transaction's instruction.
    pub index: u8,
    /// What it called.
    pub instructions: Vec<InnerInstruction>,
}

/// An instruction that a program made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InnerInstruction {
    /// Place of the program among the transaction's accounts.
    pub program_id_index: u8,
    /// Places of its accounts.
    pub accounts: Vec<u8>,
    /// Its data.
    pub data: Vec<u8>,
    /// 2 for what an instruction of the transaction called, 3 for what that called, ...
    pub stack_height: u32,
}

impl Detail {
    /// The stored form, within [`weft_vm::DETAIL_BYTES_MAX`]: where programs called each other with more data than
    /// that, the inner instructions are left out. Everything else together is far below it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let form = |detail: &Self| bincode::serialize(detail).expect("lists in memory have lengths");
        let whole = form(self);
        if whole.len() <= DETAIL_BYTES_MAX {
            return whole.into();
        }
        form(&Self { inner_instructions: Vec::new(), ..self.clone() }).into()
    }

    /// Reads the stored form; `None` where the bytes are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        bincode::deserialize(bytes).ok()
    }
}

impl From<SvmTokenInfo> for TokenBalance {
    fn from(info: SvmTokenInfo) -> Self {
        let SvmTokenInfo { account_index, mint, amount, owner, program_id, decimals } = info;
        Self { account_index, mint, owner, program: program_id, amount, decimals }
    }
}

/// The processor's record of inner instructions, without the instructions that made none.
pub(crate) fn inner(list: InnerInstructionsList) -> Vec<InnerInstructions> {
    let made = list.into_iter().enumerate().filter(|(_, instructions)| !instructions.is_empty());
    made.filter_map(|(index, instructions)| {
        let instructions = instructions
            .into_iter()
            .map(|inner| InnerInstruction {
                program_id_index: inner.instruction.program_id_index,
                accounts: inner.instruction.accounts,
                data: inner.instruction.data,
                stack_height: u32::from(inner.stack_height),
            })
            .collect();
        Some(InnerInstructions { index: u8::try_from(index).ok()?, instructions })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_told_each_other_goes_first() {
        let inner = |data: usize| InnerInstructions {
            index: 0,
            instructions: vec![InnerInstruction {
                program_id_index: 1,
                accounts: vec![0],
                data: vec![7; data],
                stack_height: 2,
            }],
        };
        let balance = |account_index| TokenBalance {
            account_index,
            mint: Pubkey::default(),
            owner: Pubkey::default(),
            program: Pubkey::default(),
            amount: 1,
            decimals: 9,
        };
        // Everything at its most.
        let mut detail = Detail {
            pre_balances: vec![1; 64],
            post_balances: vec![1; 64],
            pre_token_balances: (0..64).map(balance).collect(),
            post_token_balances: (0..64).map(balance).collect(),
            inner_instructions: vec![inner(1_000)],
            // A line of logs is a length and its bytes.
            logs: vec!["x".into(); LOG_BYTES_MAX / 8],
            loaded_readonly: vec![Pubkey::default(); 64],
            return_data: Some((Pubkey::default(), vec![1; 1_024])),
            ..Detail::default()
        };
        assert_eq!(Detail::decode(&detail.encode()), Some(detail.clone()));
        detail.inner_instructions = vec![inner(200_000)];
        let kept = detail.encode();
        assert!(kept.len() <= DETAIL_BYTES_MAX);
        assert_eq!(Detail::decode(&kept), Some(Detail { inner_instructions: Vec::new(), ..detail }));
    }
}
