//! [`SbfTransaction`]: Solana's wire form, decoded within its limits, with signatures verified.

use crate::cost;
use crate::runtime::{ACCOUNT_LOCKS_MAX, Runtime};
use crate::sysvars::LAMPORTS_PER_SIGNATURE;
use bincode::Options;
use sha2::{Digest, Sha256};
use solana_compute_budget::compute_budget_limits::ComputeBudgetLimits;
use solana_compute_budget_instruction::instructions_processor::process_compute_budget_instructions;
use solana_fee::{FeeFeatures, calculate_fee_details};
use solana_fee_structure::FeeDetails;
use solana_hash::Hash;
use solana_message::v0::LoadedAddresses;
use solana_message::{SanitizedMessage, SanitizedVersionedMessage, SimpleAddressLoader, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_svm_transaction::svm_message::SVMStaticMessage;
use solana_transaction::sanitized::SanitizedTransaction;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction::versioned::sanitized::SanitizedVersionedTransaction;
use solana_transaction_error::TransactionError;
use weft_types::{AccountId, B256};

/// Most bytes of a transaction: Solana's packet, 1,280 less the headers of IPv6.
pub const TRANSACTION_BYTES_MAX: usize = 1_232;
/// Most instructions of a transaction, as many as Solana's instruction trace holds.
const INSTRUCTIONS_MAX: usize = 64;
/// Most accounts of one instruction (the gate `limit_instruction_accounts`).
const INSTRUCTION_ACCOUNTS_MAX: usize = 255;

/// A transaction that passed all checks that need no state.
#[derive(Clone, Debug)]
pub struct SbfTransaction {
    /// As it was sent.
    pub versioned: VersionedTransaction,
    /// The first signature: what Solana calls the transaction by.
    pub signature: Signature,
    /// Blake3 of the message, as Solana's status cache names it.
    pub message_hash: Hash,
    /// Who pays.
    pub fee_payer: Pubkey,
    /// A recent blockhash, or what a durable nonce holds.
    pub blockhash: Hash,
    /// The nonce account, where its first instruction advances one.
    pub nonce_account: Option<Pubkey>,
    /// Most compute units that it may use.
    pub compute_unit_limit: u32,
    /// Micro-lamports for each of them.
    pub compute_unit_price: u64,
    /// Lamports for its signatures, those in precompile instructions too.
    pub signature_fee: u64,
    /// Lamports on top.
    pub priority_fee: u64,
    pub(crate) limits: ComputeBudgetLimits,
    /// Compute units that it counts for besides those that it uses.
    pub(crate) static_units: u64,
    /// Ready to run, where no lookup table stands in between.
    pub(crate) sanitized: Option<SanitizedTransaction>,
}

/// The id of the transaction with that signature: `sha256(signature)`, since ids have 32 bytes.
#[must_use]
pub fn signature_id(signature: &Signature) -> B256 {
    B256::new(Sha256::digest(signature.as_ref()).into())
}

/// Reads the wire form.
///
/// # Errors
/// `SanitizeFailure`: too long, cut, or with bytes behind it.
pub fn decode(payload: &[u8]) -> Result<VersionedTransaction, TransactionError> {
    let limit = u64::try_from(TRANSACTION_BYTES_MAX).unwrap_or(u64::MAX);
    let options = bincode::options().with_limit(limit).with_fixint_encoding().reject_trailing_bytes();
    if payload.len() > TRANSACTION_BYTES_MAX {
        return Err(TransactionError::SanitizeFailure);
    }
    options.deserialize(payload).map_err(|_| TransactionError::SanitizeFailure)
}

/// Checks a decoded transaction. Without `verify`, signatures may be anything (simulation).
///
/// # Errors
/// Solana's error for the fault.
pub(crate) fn check(
    versioned: VersionedTransaction,
    runtime: &Runtime,
    verify: bool,
) -> Result<SbfTransaction, TransactionError> {
    if matches!(versioned.message, VersionedMessage::V1(_)) {
        return Err(TransactionError::UnsupportedVersion);
    }
    let sanitized = SanitizedVersionedTransaction::try_from(versioned.clone())?;
    refuse_tagged_signers(&versioned)?;
    if verify && versioned.verify_with_results().contains(&false) {
        return Err(TransactionError::SignatureFailure);
    }
    let message_hash = versioned.message.hash();
    let has_tables = versioned.message.address_table_lookups().is_some_and(|tables| !tables.is_empty());
    let (limits, fee) = budget(sanitized.get_message(), runtime)?;
    let static_units = cost::static_units(&versioned);
    let nonce_account = nonce_account(&versioned.message);
    let sanitized = if has_tables {
        None
    } else {
        let none = LoadedAddresses::default();
        Some(resolve(sanitized, message_hash, none, runtime)?)
    };
    let first = versioned.signatures.first().copied();
    let payer = versioned.message.static_account_keys().first().copied();
    Ok(SbfTransaction {
        signature: first.ok_or(TransactionError::SanitizeFailure)?,
        message_hash,
        fee_payer: payer.ok_or(TransactionError::SanitizeFailure)?,
        blockhash: *versioned.message.recent_blockhash(),
        nonce_account,
        compute_unit_limit: limits.compute_unit_limit,
        compute_unit_price: limits.compute_unit_price,
        signature_fee: fee.transaction_fee(),
        priority_fee: fee.prioritization_fee(),
        limits,
        static_units,
        sanitized,
        versioned,
    })
}

/// Puts the addresses of lookup tables in their places, and checks what can be checked then.
pub(crate) fn resolve(
    transaction: SanitizedVersionedTransaction,
    message_hash: Hash,
    loaded: LoadedAddresses,
    runtime: &Runtime,
) -> Result<SanitizedTransaction, TransactionError> {
    let loader = SimpleAddressLoader::Enabled(loaded);
    let active = &runtime.reserved.active;
    let transaction = SanitizedTransaction::try_new(transaction, message_hash, false, loader, active)?;
    SanitizedTransaction::validate_account_locks(transaction.message(), ACCOUNT_LOCKS_MAX)?;
    Ok(transaction)
}

/// What a message may use and has to pay.
pub(crate) fn budget(
    message: &SanitizedVersionedMessage,
    runtime: &Runtime,
) -> Result<(ComputeBudgetLimits, FeeDetails), TransactionError> {
    let instructions = message.message.instructions();
    let wide = |accounts: usize| accounts > INSTRUCTION_ACCOUNTS_MAX;
    if instructions.len() > INSTRUCTIONS_MAX || instructions.iter().any(|one| wide(one.accounts.len())) {
        return Err(TransactionError::SanitizeFailure);
    }
    // Programs and signers are static keys always, so that the addresses of tables are not missed here.
    let loader = SimpleAddressLoader::Enabled(LoadedAddresses::default());
    let message = &SanitizedMessage::try_new(message.clone(), loader, &runtime.reserved.active)
        .map_err(|_| TransactionError::SanitizeFailure)?;
    let iter = SVMStaticMessage::program_instructions_iter(message);
    let limits = process_compute_budget_instructions(iter, &runtime.features)?;
    let features = FeeFeatures::from(&runtime.features);
    let fee =
        calculate_fee_details(message, LAMPORTS_PER_SIGNATURE, limits.get_prioritization_fee(), features);
    Ok((limits, fee))
}

/// The one key in 2^96 that is the account of another machine's user can't sign here.
fn refuse_tagged_signers(transaction: &VersionedTransaction) -> Result<(), TransactionError> {
    let signers = transaction.message.static_account_keys().iter().take(transaction.signatures.len());
    let tagged = signers.into_iter().any(|key| AccountId::from_key(key.to_bytes()).is_err());
    if tagged { Err(TransactionError::InvalidAccountForFee) } else { Ok(()) }
}

/// As Solana's `get_durable_nonce`: the first instruction advances the nonce of a writable static account.
fn nonce_account(message: &VersionedMessage) -> Option<Pubkey> {
    let keys = message.static_account_keys();
    let first = message.instructions().first()?;
    let program = keys.get(usize::from(first.program_id_index))?;
    let advances = first.data.get(..4)? == 4_u32.to_le_bytes();
    let index = usize::from(*first.accounts.first()?);
    let named = solana_sdk_ids::system_program::check_id(program) && advances;
    // By the header alone: reserved keys hold no nonces.
    (named && is_writable(message, index)).then(|| keys.get(index).copied()).flatten()
}

/// Whether the header lets the static account at `index` be written.
fn is_writable(message: &VersionedMessage, index: usize) -> bool {
    let header = message.header();
    let signers = usize::from(header.num_required_signatures);
    let keys = message.static_account_keys().len();
    let writable_signers = signers.saturating_sub(usize::from(header.num_readonly_signed_accounts));
    let writable = keys.saturating_sub(usize::from(header.num_readonly_unsigned_accounts));
    index < writable_signers || (signers..writable).contains(&index)
}
