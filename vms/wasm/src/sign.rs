//! Signatures: what is signed, and by whom.
//!
//! SIGN_MODE_DIRECT: `sha256(SignDoc)` under secp256k1, 64 bytes `r | s` with the low `s`. A transaction may leave the
//! public key out, as on other chains once an account has signed: the key is then recovered from the signature, since
//! the address tells which of the four it is.
//!
//! Invariants, as negatives:
//! - No high `s`, and no second form of a signature, is taken.
//! - No key passes that does not hash to the address that must sign.

use crate::auth;
use crate::fault::Fault;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use ripemd::Ripemd160;
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId, Signature};
use secp256k1::{Message, PublicKey, SECP256K1};
use sha2::{Digest, Sha256};

/// Bytes before a field's own: its key, and a length.
const HEAD_MAX: usize = 11;

/// The address of a key: `ripemd160(sha256(key))` of its 33 bytes.
#[must_use]
pub fn address_of(pubkey: &[u8; 33]) -> [u8; 20] {
    Ripemd160::digest(Sha256::digest(pubkey)).into()
}

/// What SIGN_MODE_DIRECT signs.
#[must_use]
pub fn direct_digest(body: &[u8], auth_info: &[u8], chain_id: &str, account_number: u64) -> [u8; 32] {
    // The fields of `SignDoc` in protobuf, without copies of those that may be long.
    let mut hash = Sha256::new();
    let mut head = Vec::with_capacity(HEAD_MAX);
    for (number, bytes) in [(1, body), (2, auth_info), (3, chain_id.as_bytes())] {
        if bytes.is_empty() {
            continue;
        }
        head.clear();
        encode_key(number, WireType::LengthDelimited, &mut head);
        encode_varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX), &mut head);
        hash.update(&head);
        hash.update(bytes);
    }
    if account_number != 0 {
        head.clear();
        encode_key(4, WireType::Varint, &mut head);
        encode_varint(account_number, &mut head);
        hash.update(&head);
    }
    hash.finalize().into()
}

/// The key that a signer names.
///
/// # Errors
/// [`Fault`] of codespace sdk, code 8.
pub(crate) fn named_key(any: &Any) -> Result<[u8; 33], Fault> {
    if any.type_url != auth::PUBKEY_URL {
        let text = format!("unable to resolve type URL {}: only secp256k1 keys sign here", any.type_url);
        return Err(Fault::sdk(8, text));
    }
    let key = PubKey::decode(any.value.as_slice()).map_err(|error| Fault::sdk(8, error.to_string()))?.key;
    <[u8; 33]>::try_from(key.as_slice())
        .map_err(|_| Fault::sdk(8, format!("invalid pubkey length {}", key.len())))
}

/// The key that signed `digest`: the one that was named, or the one of `address`. `None` where the signature is wrong.
pub(crate) fn verify(
    digest: [u8; 32],
    signature: &[u8],
    named: Option<&[u8; 33]>,
    address: &[u8],
) -> Option<[u8; 33]> {
    let message = Message::from_digest(digest);
    let compact = Signature::from_compact(signature).ok()?;
    let mut normal = compact;
    normal.normalize_s();
    if normal != compact {
        return None;
    }
    if let Some(named) = named {
        let key = PublicKey::from_slice(named).ok()?;
        return SECP256K1.verify_ecdsa(message, &compact, &key).is_ok().then_some(*named);
    }
    (0..4).find_map(|id| {
        let id = RecoveryId::try_from(id).ok()?;
        let recoverable = RecoverableSignature::from_compact(signature, id).ok()?;
        let key = SECP256K1.recover_ecdsa(message, &recoverable).ok()?.serialize();
        (address_of(&key) == address).then_some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosmos_sdk_proto::cosmos::tx::v1beta1::SignDoc;
    use secp256k1::SecretKey;

    #[test]
    fn keys_are_named_or_recovered_and_high_s_is_refused() {
        let secret = SecretKey::from_byte_array([7; 32]).expect("a key");
        let key = secret.public_key(SECP256K1).serialize();
        let address = address_of(&key);
        let digest = [9; 32];
        let signature = SECP256K1.sign_ecdsa(Message::from_digest(digest), &secret).serialize_compact();
        assert_eq!(verify(digest, &signature, Some(&key), &address), Some(key));
        assert_eq!(verify(digest, &signature, None, &address), Some(key));
        assert_eq!(verify([8; 32], &signature, Some(&key), &address), None);
        assert_eq!(verify([8; 32], &signature, None, &address), None);
        assert_eq!(verify(digest, &signature[..63], Some(&key), &address), None);
        // order - s
        let order =
            hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").expect("hex");
        let mut high = signature;
        let mut borrow = 0_i16;
        for index in (0..32).rev() {
            let digit = i16::from(order[index]) - i16::from(signature[32 + index]) - borrow;
            borrow = i16::from(digit < 0);
            high[32 + index] = u8::try_from(digit.rem_euclid(256)).expect("a byte");
        }
        assert_ne!(high, signature);
        assert_eq!(verify(digest, &high, Some(&key), &address), None);
        assert_eq!(verify(digest, &high, None, &address), None);
    }

    #[test]
    fn what_is_hashed_is_the_document_in_protobuf() {
        let long = vec![7; 70_000];
        let cases: [(&[u8], &[u8], &str, u64); 4] = [
            (b"body", b"auth", "weft-1", 1 << 47),
            (&long, &long[..128], "weft-31337", u64::MAX),
            (b"", b"auth", "weft-1", 0),
            (b"body", b"", "", 127),
        ];
        for (body, auth_info, chain_id, account_number) in cases {
            let doc = SignDoc {
                body_bytes: body.to_vec(),
                auth_info_bytes: auth_info.to_vec(),
                chain_id: chain_id.to_owned(),
                account_number,
            };
            let expected: [u8; 32] = Sha256::digest(doc.encode_to_vec()).into();
            assert_eq!(direct_digest(body, auth_info, chain_id, account_number), expected);
        }
    }

    #[test]
    fn an_address_is_that_of_other_chains() {
        // From cosmos-sdk's tests of crypto/keys/secp256k1.
        let secret =
            hex::decode("a96e62ed3955e65be32703f12d87b6b5cf26039ecfa948dc5107a495418e5330").expect("hex");
        let secret = SecretKey::from_byte_array(secret.try_into().expect("32 bytes")).expect("a key");
        let key = secret.public_key(SECP256K1).serialize();
        assert_eq!(hex::encode(key), "02950e1cdfcb133d6024109fd489f734eeb4502418e538c28481f22bce276f248c");
        // Base58 1CKZ9Nx4zgds8tU7nJHotKSDr4a9bYJCa3 is the same hash on Bitcoin.
        assert_eq!(hex::encode(address_of(&key)), "7c2bb42a8be69791ec763e51f5a49bcd41e82237");
    }
}
