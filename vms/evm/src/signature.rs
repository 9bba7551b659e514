//! Who signed: secp256k1 recovery through the C library, with Ethereum's rules on top.

use alloy_primitives::{Address, B256, U256, uint};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

/// Half of the curve's order, rounded down: the largest s of EIP-2.
const HALF_ORDER: U256 = uint!(0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0_U256);

/// Who signed `digest`; `None` where nobody did, or where s is not the lower of its two values (EIP-2).
pub(crate) fn recover(digest: B256, odd_y: bool, r: U256, s: U256) -> Option<Address> {
    if s > HALF_ORDER {
        return None;
    }
    let mut compact = [0; 64];
    compact[..32].copy_from_slice(&r.to_be_bytes::<32>());
    compact[32..].copy_from_slice(&s.to_be_bytes::<32>());
    let id = if odd_y { RecoveryId::One } else { RecoveryId::Zero };
    let signature = RecoverableSignature::from_compact(&compact, id).ok()?;
    let key = SECP256K1.recover_ecdsa(Message::from_digest(digest.0), &signature).ok()?;
    Some(Address::from_raw_public_key(&key.serialize_uncompressed()[1..]))
}
