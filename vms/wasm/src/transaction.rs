//! [`CosmosTx`]: `TxRaw` decoded within limits, and everything of it that can be told without the state.
//!
//! Errors and their codes are those of the Cosmos SDK's ante handler; the order is its order but for what needs the
//! state, which [`crate::execute`] checks after all of this.
//!
//! Invariants, as negatives:
//! - No second encoding of a transaction passes, so nobody but its signer can change its hash.
//! - No list of the transaction is read past its named bound.
//! - No field that this version does not know is passed over where it could change what the transaction means.

use crate::fault::Fault;
use crate::keeper::sdk::{NON_CRITICAL, unknown_field};
use crate::{WasmVm, address, auth, keeper, sign};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmos_sdk_proto::cosmos::tx::v1beta1::mode_info::Sum;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, SignerInfo, TxBody, TxRaw};
use prost::Message as _;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use sha2::{Digest, Sha256};
use weft_types::{AccountId, Bytes, U256, limits};

/// Most messages of a transaction.
pub const MESSAGES_MAX: usize = 1_024;
/// Most signatures of a transaction, as by the default of other chains.
pub const SIGNATURES_MAX: usize = 7;
/// Most bytes of a memo, as by the default of other chains.
pub const MEMO_BYTES_MAX: usize = 256;
/// Most coins of a fee and extensions of a body that are read before they are refused.
const OTHERS_MAX: usize = 16;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// Gas of any transaction: its fee, and the records of who pays.
pub const BASE_GAS: u64 = 10_000;
/// Gas of a byte.
pub const BYTE_GAS: u64 = 10;
/// Gas of a signature.
pub const SIGNATURE_GAS: u64 = 3_000;

/// One who must sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The address, bech32.
    pub text: String,
    /// The account.
    pub id: AccountId,
    /// What the transaction says is the account's sequence.
    pub sequence: u64,
    /// The key, where the transaction names it; after verification always.
    pub pubkey: Option<[u8; 33]>,
    /// The address' bytes.
    pub(crate) bytes: Vec<u8>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct CosmosTx {
    /// `TxRaw` as it came.
    pub raw: Bytes,
    /// Messages, memo and timeout.
    pub body: TxBody,
    /// Keys, sequences and fee.
    pub auth_info: AuthInfo,
    /// One for each signer.
    pub signatures: Vec<Vec<u8>>,
    /// Who must sign, in the order of signatures; never empty.
    pub signers: Vec<Signer>,
    /// Who signed each message, bech32.
    pub message_signers: Vec<String>,
    /// What it offers, in the base denomination; all of it is paid.
    pub fee: U256,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// Sha-256 of `raw`.
    pub hash: [u8; 32],
    /// What it uses before its first message runs.
    pub intrinsic_gas: u64,
    payer: usize,
}

impl CosmosTx {
    /// Who pays: the first signer where the transaction names no other.
    #[must_use]
    pub fn payer(&self) -> &Signer {
        &self.signers[self.payer]
    }
}

/// Whether keys must be those of the signers that they are named for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    Checked,
    /// In a simulation anybody's key stands for the signer's.
    Any,
}

/// Reads a transaction. Signatures are not verified.
///
/// # Errors
/// [`Fault`]: it can never execute on a chain with that denomination.
pub fn decode(raw: &[u8], denom: &str) -> Result<CosmosTx, Fault> {
    decode_with(raw, denom, Keys::Checked)
}

pub(crate) fn decode_with(raw: &[u8], denom: &str, keys: Keys) -> Result<CosmosTx, Fault> {
    read(raw, denom, keys).map(|(tx, _)| tx)
}

/// The transaction, and its outer form, whose signatures were moved.
fn read(raw: &[u8], denom: &str, keys: Keys) -> Result<(CosmosTx, TxRaw), Fault> {
    let broken = |what: &str| Fault::sdk(2, what);
    if raw.len() >= limits::TRANSACTION_BYTES_MAX {
        return Err(Fault::sdk(21, format!("{} bytes", raw.len())));
    }
    bounded("*tx.TxRaw", raw, &[(1, 1), (2, 1), (3, SIGNATURES_MAX)], false)?;
    let mut tx = TxRaw::decode(raw).map_err(|error| broken(&error.to_string()))?;
    if tx.encode_to_vec() != raw {
        return Err(broken("the encoding is not the canonical one (ADR-027)"));
    }
    let others = OTHERS_MAX;
    bounded(
        "*tx.TxBody",
        &tx.body_bytes,
        &[(1, MESSAGES_MAX), (2, 1), (3, 1), (1023, others), (2047, others)],
        true,
    )?;
    let body = TxBody::decode(tx.body_bytes.as_slice()).map_err(|error| broken(&error.to_string()))?;
    bounded("*tx.AuthInfo", &tx.auth_info_bytes, &[(1, SIGNATURES_MAX), (2, 1), (3, 1)], false)?;
    let auth_info =
        AuthInfo::decode(tx.auth_info_bytes.as_slice()).map_err(|error| broken(&error.to_string()))?;

    let all_signers = signers_of(&body)?;
    if let Some(option) = body.extension_options.first() {
        return Err(Fault::sdk(31, option.type_url.clone()));
    }
    let fee = auth_info.fee.clone().ok_or_else(|| Fault::sdk(13, "the fee is missing"))?;
    let (signers, payer) = signers(&all_signers, &auth_info, &fee, tx.signatures.len(), keys)?;
    if body.memo.len() > MEMO_BYTES_MAX {
        let text = format!(
            "maximum number of characters is {MEMO_BYTES_MAX} but received {} characters",
            body.memo.len()
        );
        return Err(Fault::sdk(12, text));
    }
    let length = u64::try_from(raw.len()).unwrap_or(u64::MAX);
    let signatures = u64::try_from(tx.signatures.len()).unwrap_or(u64::MAX);
    let intrinsic_gas = BASE_GAS
        .saturating_add(BYTE_GAS.saturating_mul(length))
        .saturating_add(SIGNATURE_GAS.saturating_mul(signatures));
    let read = CosmosTx {
        raw: Bytes::copy_from_slice(raw),
        body,
        signatures: std::mem::take(&mut tx.signatures),
        signers,
        message_signers: all_signers
            .into_iter()
            .map(|all| all.into_iter().next().unwrap_or_default())
            .collect(),
        fee: amount(&fee, denom)?,
        gas_limit: fee.gas_limit,
        hash: Sha256::digest(raw).into(),
        intrinsic_gas,
        auth_info,
        payer,
    };
    Ok((read, tx))
}

impl WasmVm {
    /// [`decode`], and all signatures.
    pub(crate) fn check_raw(&self, raw: &[u8]) -> Result<CosmosTx, Fault> {
        let (mut tx, outer) = read(raw, &self.denom, Keys::Checked)?;
        if tx.gas_limit < tx.intrinsic_gas {
            let (wanted, used) = (tx.gas_limit, tx.intrinsic_gas);
            let text = format!("out of gas in location: txSize; gasWanted: {wanted}, gasUsed: {used}");
            return Err(Fault::sdk(11, text));
        }
        let parts = tx.signers.iter_mut().zip(&tx.signatures).zip(&tx.auth_info.signer_infos);
        for ((signer, signature), info) in parts {
            check_mode(info)?;
            let number = auth::account_number(&signer.bytes);
            let digest =
                sign::direct_digest(&outer.body_bytes, &outer.auth_info_bytes, &self.chain_id, number);
            let key = sign::verify(digest, signature, signer.pubkey.as_ref(), &signer.bytes);
            let key = key.ok_or_else(|| {
                let chain = &self.chain_id;
                Fault::sdk(
                    4,
                    format!(
                        "signature verification failed; please verify account number ({number}) and chain-id \
                         ({chain}): (unable to verify single signer signature)"
                    ),
                )
            })?;
            signer.pubkey = Some(key);
        }
        Ok(tx)
    }
}

fn check_mode(info: &SignerInfo) -> Result<(), Fault> {
    let mode = info.mode_info.as_ref().and_then(|mode| mode.sum.as_ref());
    match mode {
        Some(Sum::Single(single)) if single.mode == SignMode::Direct as i32 => Ok(()),
        Some(Sum::Single(single)) => {
            let name = SignMode::try_from(single.mode).map_or("UNKNOWN", |mode| mode.as_str_name());
            Err(Fault::sdk(37, format!("{name}: sign with SIGN_MODE_DIRECT")))
        }
        Some(Sum::Multi(_)) => Err(Fault::sdk(37, "multisignature keys")),
        None => Err(Fault::sdk(2, "a signer has no sign mode")),
    }
}

/// Who must sign each message.
fn signers_of(body: &TxBody) -> Result<Vec<Vec<String>>, Fault> {
    if body.messages.is_empty() {
        return Err(Fault::sdk(18, "must contain at least one message"));
    }
    body.messages.iter().map(|message: &Any| keeper::signers_of(message)).collect()
}

/// Who must sign the transaction, and which of them pays.
fn signers(
    of_messages: &[Vec<String>],
    auth_info: &AuthInfo,
    fee: &Fee,
    signatures: usize,
    keys: Keys,
) -> Result<(Vec<Signer>, usize), Fault> {
    if !fee.granter.is_empty() {
        return Err(Fault::sdk(18, "fee grants are not enabled"));
    }
    let payer = Some(&fee.payer).filter(|payer| !payer.is_empty());
    // At most one more than there may be signatures is collected.
    let mut needed: Vec<&String> = Vec::new();
    for text in of_messages.iter().flatten().chain(payer) {
        if !needed.contains(&text) {
            needed.push(text);
        }
        if needed.len() > SIGNATURES_MAX {
            return Err(Fault::sdk(
                14,
                format!("signatures: more than {SIGNATURES_MAX}, limit: {SIGNATURES_MAX}"),
            ));
        }
    }
    if signatures == 0 {
        return Err(Fault::sdk(15, ""));
    }
    if signatures != needed.len() || auth_info.signer_infos.len() != needed.len() {
        let text = format!("wrong number of signers; expected {}, got {signatures}", needed.len());
        return Err(Fault::sdk(4, text));
    }
    let paying = payer.and_then(|payer| needed.iter().position(|text| *text == payer)).unwrap_or(0);
    let signers = needed.iter().zip(&auth_info.signer_infos).enumerate();
    let signers = signers.map(|(index, (text, info))| signer(index, text, info, keys));
    Ok((signers.collect::<Result<_, _>>()?, paying))
}

fn signer(index: usize, text: &str, info: &SignerInfo, keys: Keys) -> Result<Signer, Fault> {
    let invalid = |error: address::AddressError| Fault::sdk(7, error.to_string());
    let bytes = address::decode(text).map_err(invalid)?;
    if bytes.len() != address::USER_BYTES {
        return Err(Fault::sdk(8, format!("{text} is a contract: it has no key")));
    }
    let id = address::account_id(&bytes).map_err(invalid)?;
    let mut pubkey = info.public_key.as_ref().map(sign::named_key).transpose()?;
    if pubkey.is_some_and(|key| sign::address_of(&key) != *bytes) {
        if keys == Keys::Checked {
            let text = format!("pubKey does not match signer address {text} with signer index: {index}");
            return Err(Fault::sdk(8, text));
        }
        pubkey = None;
    }
    Ok(Signer { text: text.to_owned(), id, sequence: info.sequence, pubkey, bytes })
}

/// What the fee offers.
fn amount(fee: &Fee, denom: &str) -> Result<U256, Fault> {
    let coin = match fee.amount.as_slice() {
        [] => return Ok(U256::ZERO),
        [coin] => coin,
        _ => return Err(Fault::sdk(13, format!("a fee is of one coin, {denom}"))),
    };
    if coin.denom != denom {
        return Err(Fault::sdk(13, format!("got: {}{}, required: {denom}", coin.amount, coin.denom)));
    }
    let digits = !coin.amount.is_empty() && coin.amount.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = digits.then(|| U256::from_str_radix(&coin.amount, 10).ok()).flatten();
    parsed.ok_or_else(|| Fault::sdk(10, format!("invalid fee amount: {}", coin.amount)))
}

/// Checks that `bytes` has no other fields than `allowed`, and none more often than that; `lenient` lets those in that
/// protobuf of Cosmos calls non-critical.
fn bounded(kind: &str, bytes: &[u8], allowed: &[(u32, usize)], lenient: bool) -> Result<(), Fault> {
    let broken = |error: prost::DecodeError| Fault::sdk(2, error.to_string());
    let mut left: Vec<(u32, usize)> = allowed.to_vec();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (field, wire) = decode_key(&mut rest).map_err(broken)?;
        skip_field(wire, field, &mut rest, DecodeContext::default()).map_err(broken)?;
        match left.iter_mut().find(|(known, _)| *known == field) {
            Some((_, 0)) => return Err(Fault::sdk(2, format!("too many of field {field}"))),
            Some((_, left)) => *left -= 1,
            None if lenient && field & NON_CRITICAL != 0 => {}
            None => return Err(unknown_field(kind, field, wire)),
        }
    }
    Ok(())
}
