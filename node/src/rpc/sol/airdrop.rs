//! `requestAirdrop`: a transfer from the faucet that the operator gave. Without one, Solana's answer of a cluster that
//! has none.

use super::super::errors::internal;
use super::Faucet;
use super::api::{Sol, hash};
use super::args::{Args, parse_hash};
use super::errors::{self, Fault, invalid_params, invalid_request};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::RpcRequestAirdropConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::versioned::VersionedTransaction;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// `SetComputeUnitLimit` of the compute budget program.
const SET_LIMIT: u8 = 2;
/// Compute units of an airdrop, far more than it needs...
const UNITS: u32 = 1_000;
/// ...and up to so many more, so that airdrops of one amount to one account on one blockhash differ.
const UNITS_SPREAD: u64 = 1_000;

impl Sol {
    pub(super) async fn airdrop(self: Arc<Self>, args: Args) -> Result<String, Fault> {
        let faucet = self.faucet.clone().ok_or_else(invalid_request)?;
        let (to, lamports): (Pubkey, u64) = (args.pubkey(0)?, args.required(1)?);
        let config: RpcRequestAirdropConfig = args.optional(2)?;
        if lamports > faucet.lamports_max {
            let max = faucet.lamports_max;
            return Err(invalid_params(format!(
                "Airdrop amount {lamports} is above the faucet's limit of {max} lamports at once"
            )));
        }
        // Less fails for an account that does not exist yet.
        let least = self.sbf.rent().minimum_balance(0);
        if lamports < least {
            return Err(invalid_params(format!(
                "Airdrop amount {lamports} is below the rent-exempt minimum of {least} lamports"
            )));
        }
        let blockhash = match config.recent_blockhash {
            Some(text) => parse_hash(&text)?,
            None => hash(&self.chain.tip()),
        };
        let number = self.airdrops.fetch_add(1, Ordering::Relaxed) % UNITS_SPREAD;
        let units = UNITS.saturating_add(u32::try_from(number).unwrap_or_default());
        let (payload, signature) = signed(&faucet, &to, lamports, units, blockhash)?;
        self.submit(payload, &signature).await
    }
}

fn signed(
    faucet: &Faucet,
    to: &Pubkey,
    lamports: u64,
    units: u32,
    blockhash: Hash,
) -> Result<(Vec<u8>, Signature), Fault> {
    let payer = faucet.keypair.pubkey();
    let data = [&[SET_LIMIT][..], &units.to_le_bytes()].concat();
    let limit = Instruction { program_id: solana_sdk_ids::compute_budget::ID, accounts: Vec::new(), data };
    let instructions = [limit, transfer(&payer, to, lamports)];
    let message = Message::new_with_blockhash(&instructions, Some(&payer), &blockhash);
    let failed = |error: String| {
        tracing::error!(%error, "an airdrop could not be signed");
        internal("the faucet could not sign")
    };
    let transaction = VersionedTransaction::try_new(VersionedMessage::Legacy(message), &[&*faucet.keypair])
        .map_err(|error| failed(error.to_string()))?;
    let payload = bincode::serialize(&transaction).map_err(|error| failed(error.to_string()))?;
    let signature = transaction.signatures.first().copied().ok_or_else(errors::bad_signature)?;
    Ok((payload, signature))
}
