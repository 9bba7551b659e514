//! A sequencer's signature: secp256k1, recoverable, over a 32-byte digest, so that a sequencer is named by an
//! address of 20 bytes as Ethereum derives it.

use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};
use std::fmt;
use weft_types::{Address, B256};

/// Bytes of a signature: r 32, s 32, recovery id 1 (0 or 1).
pub const SIGNATURE_BYTES: usize = 65;

/// The key that a sequencer signs batches and soft blocks with.
#[derive(Clone)]
pub struct SequencerKey(SecretKey);

impl fmt::Debug for SequencerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SequencerKey({})", self.address())
    }
}

/// The 32 bytes are zero or not below the curve's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secp256k1 secret key")]
pub struct InvalidKey;

impl SequencerKey {
    /// The key with this secret.
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn from_bytes(secret: [u8; 32]) -> Result<Self, InvalidKey> {
        SecretKey::from_byte_array(secret).map(Self).map_err(|_| InvalidKey)
    }

    /// The secret, for the key file.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.secret_bytes()
    }

    /// Who the key speaks for.
    #[must_use]
    pub fn address(&self) -> Address {
        address(&self.0.public_key(SECP256K1))
    }

    /// Signs a digest (deterministic, RFC 6979; low s).
    #[must_use]
    pub fn sign(&self, digest: B256) -> [u8; SIGNATURE_BYTES] {
        let signature = SECP256K1.sign_ecdsa_recoverable(Message::from_digest(digest.0), &self.0);
        let (id, compact) = signature.serialize_compact();
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes[..64].copy_from_slice(&compact);
        bytes[64] = u8::try_from(i32::from(id)).expect("a recovery id is at most 3");
        bytes
    }
}

/// Who signed `digest`; `None` where nobody did. A high s is refused, so that nobody else can make a second
/// signature out of the first.
#[must_use]
pub fn recover(digest: B256, signature: &[u8]) -> Option<Address> {
    let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().ok()?;
    let id = RecoveryId::try_from(i32::from(signature[64])).ok()?;
    let recoverable = RecoverableSignature::from_compact(&signature[..64], id).ok()?;
    let mut low = recoverable.to_standard();
    low.normalize_s();
    if low != recoverable.to_standard() {
        return None;
    }
    let key = SECP256K1.recover_ecdsa(Message::from_digest(digest.0), &recoverable).ok()?;
    Some(address(&key))
}

fn address(key: &PublicKey) -> Address {
    Address::from_raw_public_key(&key.serialize_uncompressed()[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_recovers_its_signer_and_nothing_else_does() {
        let key = SequencerKey::from_bytes([7; 32]).expect("a key");
        let digest = B256::repeat_byte(3);
        let signature = key.sign(digest);
        assert_eq!(recover(digest, &signature), Some(key.address()));
        assert_ne!(recover(B256::repeat_byte(4), &signature), Some(key.address()));
        assert_eq!(recover(digest, &signature[..64]), None);
        let mut foreign = signature;
        foreign[64] = 9;
        assert_eq!(recover(digest, &foreign), None);
    }
}
