//! Bytes to [`EvmTransaction`]: EIP-2718 envelopes, canonical, signed for this chain.

use crate::signature;
use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_eips::eip7702::{RecoveredAuthority, RecoveredAuthorization, SignedAuthorization};
use alloy_primitives::{Address, B256, keccak256};
use revm::context::TxEnv;
use revm::context_interface::either::Either;
use weft_types::limits::TRANSACTION_BYTES_MAX;
use weft_vm::{Reject, RejectKind};

/// A decoded transaction with its recovered sender.
#[derive(Clone, Debug)]
pub struct EvmTransaction {
    /// As its sender signed it.
    pub envelope: TxEnvelope,
    /// keccak256 of the payload: the transaction's hash.
    pub hash: B256,
    /// Who signed.
    pub sender: Address,
    /// The same for revm, with the authorities of EIP-7702 recovered.
    pub(crate) env: TxEnv,
}

/// Decodes and verifies; the same for the same bytes always.
pub(crate) fn check(chain_id: u64, payload: &[u8]) -> Result<EvmTransaction, Reject> {
    let envelope = decode(payload)?;
    match envelope.chain_id() {
        // Before EIP-155 a signature held for all chains, and some deployments still rely on that.
        None if envelope.is_legacy() => {}
        Some(id) if id == chain_id => {}
        id => {
            let have = id.unwrap_or(0);
            let message = format!("invalid chain id for signer: have {have} want {chain_id}");
            return Err(Reject::new(RejectKind::WrongChain, message));
        }
    }
    let signed = envelope.signature();
    let sender = signature::recover(envelope.signature_hash(), signed.v(), signed.r(), signed.s())
        .ok_or_else(|| Reject::new(RejectKind::BadSignature, "invalid transaction v, r, s values"))?;
    let env = tx_env(&envelope, sender);
    Ok(EvmTransaction { hash: keccak256(payload), sender, env, envelope })
}

fn decode(payload: &[u8]) -> Result<TxEnvelope, Reject> {
    if payload.len() > TRANSACTION_BYTES_MAX {
        let message = format!("oversized data: {} bytes, limit {TRANSACTION_BYTES_MAX}", payload.len());
        return Err(Reject::new(RejectKind::Malformed, message));
    }
    match payload.first() {
        None => return Err(Reject::new(RejectKind::Malformed, "typed transaction too short")),
        Some(0x01 | 0x02 | 0x04 | 0xc0..=0xff) => {}
        Some(0x03) => {
            return Err(Reject::new(
                RejectKind::Unsupported,
                "blob transactions (EIP-4844) are not supported: this chain's data is on Celestia",
            ));
        }
        Some(kind) => {
            let message = format!("transaction type not supported: {kind:#04x}");
            return Err(Reject::new(RejectKind::Unsupported, message));
        }
    }
    let mut rest = payload;
    let envelope = TxEnvelope::decode_2718(&mut rest)
        .map_err(|error| Reject::new(RejectKind::Malformed, format!("malformed transaction: {error}")))?;
    // RLP has one encoding for a value, and whatever a lenient decoder took beside it ends here.
    if !rest.is_empty() || envelope.encoded_2718() != payload {
        return Err(Reject::new(RejectKind::Malformed, "not the canonical encoding of a transaction"));
    }
    Ok(envelope)
}

fn tx_env(envelope: &TxEnvelope, sender: Address) -> TxEnv {
    let dynamic = envelope.is_dynamic_fee();
    TxEnv {
        tx_type: envelope.tx_type().into(),
        caller: sender,
        gas_limit: envelope.gas_limit(),
        gas_price: envelope.max_fee_per_gas(),
        kind: envelope.kind(),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: envelope.nonce(),
        chain_id: envelope.chain_id(),
        access_list: envelope.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: if dynamic { envelope.max_priority_fee_per_gas() } else { None },
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: envelope
            .authorization_list()
            .map(|list| list.iter().map(|signed| Either::Right(recover_authority(signed))).collect())
            .unwrap_or_default(),
    }
}

/// An authorization that nobody signed stays in the list, since it costs gas, and has no effect (EIP-7702).
pub(crate) fn recover_authority(signed: &SignedAuthorization) -> RecoveredAuthorization {
    let recovered = match signed.y_parity() {
        parity @ (0 | 1) => {
            signature::recover(signed.inner().signature_hash(), parity == 1, signed.r(), signed.s())
        }
        _ => None,
    };
    let authority = recovered.map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
    RecoveredAuthorization::new_unchecked(signed.inner().clone(), authority)
}
