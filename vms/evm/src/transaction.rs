//! Bytes to [`EvmTransaction`]: EIP-2718 envelopes, canonical, signed for this chain.

use crate::signature;
use alloy_consensus::transaction::RlpEcdsaDecodableTx;
use alloy_consensus::{Transaction as _, TxEnvelope, TxLegacy};
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
    let decoded = if payload[0] >= 0xc0 {
        TxLegacy::rlp_decode_signed(&mut rest).map(TxEnvelope::Legacy).map_err(Into::into)
    } else {
        TxEnvelope::decode_2718(&mut rest)
    };
    let envelope = decoded
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
    use alloy_eips::eip7702::Authorization;
    use alloy_primitives::{Signature, TxKind, U256};
    use alloy_signer::SignerSync;
    use alloy_signer_local::PrivateKeySigner;
    use proptest::prelude::*;

    const CHAIN: u64 = 31_337;

    fn signer() -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key")
    }

    fn signed<T: SignableTransaction<Signature>>(transaction: T) -> Vec<u8>
    where
        TxEnvelope: From<alloy_consensus::Signed<T>>,
    {
        let signature = signer().sign_hash_sync(&transaction.signature_hash()).expect("signing works");
        TxEnvelope::from(transaction.into_signed(signature)).encoded_2718()
    }

    fn legacy(chain_id: Option<u64>) -> TxLegacy {
        TxLegacy { chain_id, gas_limit: 21_000, to: TxKind::Call(Address::ZERO), ..TxLegacy::default() }
    }

    fn every_kind() -> Vec<Vec<u8>> {
        let authorization = Authorization { chain_id: U256::ZERO, address: Address::ZERO, nonce: 0 };
        let signature = signer().sign_hash_sync(&authorization.signature_hash()).expect("signing works");
        vec![
            signed(legacy(None)),
            signed(legacy(Some(CHAIN))),
            signed(TxEip2930 { chain_id: CHAIN, ..TxEip2930::default() }),
            signed(TxEip1559 { chain_id: CHAIN, ..TxEip1559::default() }),
            signed(TxEip7702 {
                chain_id: CHAIN,
                authorization_list: vec![authorization.into_signed(signature)],
                ..TxEip7702::default()
            }),
        ]
    }

    #[test]
    fn every_kind_gives_its_sender_and_hash() {
        for raw in every_kind() {
            let transaction = check(CHAIN, &raw).expect("a valid transaction");
            assert_eq!(transaction.sender, signer().address());
            assert_eq!(transaction.hash, *transaction.envelope.tx_hash());
        }
        let delegating = check(CHAIN, &every_kind()[4]).expect("a valid transaction");
        let [Either::Right(authorization)] = delegating.env.authorization_list.as_slice() else {
            panic!("one recovered authorization")
        };
        assert_eq!(authorization.authority(), Some(signer().address()));
    }

    #[test]
    fn foreign_chains_blobs_and_high_s_are_refused() {
        let kind = |raw: &[u8]| check(CHAIN, raw).expect_err("refused").kind;
        assert_eq!(kind(&signed(legacy(Some(1)))), RejectKind::WrongChain);
        assert_eq!(kind(&[3, 0xc0]), RejectKind::Unsupported);
        assert_eq!(kind(&[5, 0xc0]), RejectKind::Unsupported);
        assert_eq!(kind(&[]), RejectKind::Malformed);
        assert_eq!(kind(&vec![0xf8; TRANSACTION_BYTES_MAX + 1]), RejectKind::Malformed);

        let order =
            alloy_primitives::uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);
        let low = signer().sign_hash_sync(&legacy(None).signature_hash()).expect("signing works");
        let high = Signature::new(low.r(), order - low.s(), !low.v());
        let raw = TxEnvelope::from(legacy(None).into_signed(high)).encoded_2718();
        assert_eq!(kind(&raw), RejectKind::BadSignature);
    }

    #[test]
    fn bytes_behind_the_end_are_refused() {
        for mut raw in every_kind() {
            raw.push(0);
            assert_eq!(check(CHAIN, &raw).expect_err("refused").kind, RejectKind::Malformed);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(raw in proptest::collection::vec(any::<u8>(), 0..300), kind in 0..6_u8) {
            let _ = check(CHAIN, &raw);
            let _ = check(CHAIN, &[&[kind][..], &raw].concat());
        }

        #[test]
        fn what_is_accepted_is_canonical(at in 0..120_usize, flip in 1..=255_u8, which in 0..5_usize) {
            let mut raw = every_kind().swap_remove(which);
            if let Some(byte) = raw.get_mut(at) {
                *byte ^= flip;
            }
            if let Ok(transaction) = check(CHAIN, &raw) {
                prop_assert_eq!(transaction.envelope.encoded_2718(), raw);
            }
        }
    }
}
