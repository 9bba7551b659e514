//! The secp256k1 precompile: Ethereum's `ecrecover` over the Keccak-256 of a message, compared with an address.
//!
//! Agave uses libsecp256k1 0.7.2 in Rust, this is the C library. Both refuse r or s at or above the group order
//! when they parse, and r or s of zero when they recover; both take the high s as well as the low one, and all
//! four recovery ids (2 and 3 stand for an R whose x is r + order, and are refused where that is not below the
//! field's prime). C's recoverable signature wants the recovery id to parse r and s, so `one` parses them without
//! first: out of range they are `InvalidSignature`, whatever the id.
//!
//! Unlike the other precompiles', an instruction index has one byte and no value for "this instruction", and a
//! place outside of the data is `InvalidSignature`. Agave has dropped the feature gates
//! `libsecp256k1_fail_on_bad_count` and `..count2`: a count of zero with bytes behind it always fails.

use super::records;
use alloy_primitives::{Address, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId, Signature};
use secp256k1::{Message, SECP256K1};
use solana_precompile_error::PrecompileError;

/// The size of a record in bytes: three places of u16 offset and u8 index, with the u16 size of the message
/// before the last index; little-endian.
const RECORD_SIZE: usize = 11;

/// r and s, 32 bytes big-endian each.
const SIGNATURE_SIZE: usize = 64;

/// An Ethereum address.
const ADDRESS_SIZE: usize = 20;

/// Checks all signatures of an instruction. None at all is fine where nothing follows the count.
///
/// # Errors
/// `InvalidInstructionDataSize`: records are missing, there are bytes but no signatures, or a signature stands in
/// no instruction. `InvalidDataOffsets`: an address or message stands in no instruction. `InvalidRecoveryId`: it
/// is 4 or above. `InvalidSignature`: all the rest, the wrong signer among it.
pub(super) fn verify(data: &[u8], instruction_datas: &[&[u8]]) -> Result<(), PrecompileError> {
    let [count, rest @ ..] = data else { return Err(PrecompileError::InvalidInstructionDataSize) };
    if *count == 0 && !rest.is_empty() {
        return Err(PrecompileError::InvalidInstructionDataSize);
    }
    records(rest, *count)?.iter().try_for_each(|record| one(*record, instruction_datas))
}

fn one(record: [u8; RECORD_SIZE], all: &[&[u8]]) -> Result<(), PrecompileError> {
    let [s0, s1, signature_at, a0, a1, address_at, m0, m1, size0, size1, message_at] = record;

    let signed = all.get(usize::from(signature_at)).ok_or(PrecompileError::InvalidInstructionDataSize)?;
    let (compact, id) = split(signed, [s0, s1]).ok_or(PrecompileError::InvalidSignature)?;
    Signature::from_compact(compact).map_err(|_| PrecompileError::InvalidSignature)?;
    let id = RecoveryId::try_from(i32::from(id)).map_err(|_| PrecompileError::InvalidRecoveryId)?;

    let address = read(all, address_at, [a0, a1], ADDRESS_SIZE)?;
    let message = read(all, message_at, [m0, m1], usize::from(u16::from_le_bytes([size0, size1])))?;
    let signer = recover(compact, id, message).ok_or(PrecompileError::InvalidSignature)?;
    if signer.as_slice() == address { Ok(()) } else { Err(PrecompileError::InvalidSignature) }
}

/// The signature at `offset`, and the recovery id that follows it.
fn split(data: &[u8], offset: [u8; 2]) -> Option<(&[u8], u8)> {
    let (compact, rest) =
        data.get(usize::from(u16::from_le_bytes(offset))..)?.split_at_checked(SIGNATURE_SIZE)?;
    Some((compact, *rest.first()?))
}

fn read<'a>(
    all: &[&'a [u8]],
    instruction: u8,
    offset: [u8; 2],
    size: usize,
) -> Result<&'a [u8], PrecompileError> {
    let data = all.get(usize::from(instruction)).ok_or(PrecompileError::InvalidDataOffsets)?;
    let start = usize::from(u16::from_le_bytes(offset));
    data.get(start..).and_then(|data| data.get(..size)).ok_or(PrecompileError::InvalidSignature)
}

/// The address of the key that signed; `None` where there is no such key.
fn recover(compact: &[u8], id: RecoveryId, message: &[u8]) -> Option<Address> {
    let signature = RecoverableSignature::from_compact(compact, id).ok()?;
    let digest = Message::from_digest(keccak256(message).0);
    let key = SECP256K1.recover_ecdsa(digest, &signature).ok()?;
    Some(Address::from_raw_public_key(&key.serialize_uncompressed()[1..]))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use PrecompileError::*;
    use secp256k1::SecretKey;

    const PRECOMPILE: Precompile = Precompile { head: narrow, verify };

    /// The group order, big-endian.
    const ORDER: [u8; 32] = secp256k1::constants::CURVE_ORDER;

    fn signed(seed: u8, message: &[u8]) -> Signed {
        let key = SecretKey::from_byte_array([seed; 32]).expect("a key");
        let digest = Message::from_digest(keccak256(message).0);
        let (id, compact) = SECP256K1.sign_ecdsa_recoverable(digest, &key).serialize_compact();
        let address = Address::from_raw_public_key(&key.public_key(SECP256K1).serialize_uncompressed()[1..]);
        Signed {
            signature: [&compact[..], &[u8::try_from(i32::from(id)).expect("0..4")]].concat(),
            key: address.to_vec(),
            message: message.to_vec(),
        }
    }

    /// The same signature with r, s or the recovery id replaced.
    fn with(item: &Signed, r: Option<[u8; 32]>, s: Option<[u8; 32]>, id: Option<u8>) -> Signed {
        let mut item = item.clone();
        r.iter().for_each(|r| item.signature[..32].copy_from_slice(r));
        s.iter().for_each(|s| item.signature[32..64].copy_from_slice(s));
        id.iter().for_each(|id| item.signature[64] = *id);
        item
    }

    #[test]
    fn signatures_pass_wherever_they_stand() {
        PRECOMPILE.accepts(&[signed(1, b"hello"), signed(2, b""), signed(3, &[7; 300])]);
    }

    #[test]
    fn no_signatures_pass_only_alone() {
        assert_eq!(verify(&[0], &[]), Ok(()));
        for data in [&[][..], &[0, 0], &[1], &[255, 0]] {
            assert_eq!(verify(data, &[data]), Err(InvalidInstructionDataSize), "{data:?}");
        }
        PRECOMPILE.refuses_cut_records(&[signed(1, b"hello"), signed(2, b"you")]);
    }

    #[test]
    fn every_byte_counts() {
        PRECOMPILE.refuses_every_change(&signed(1, b"hello"), 0, &[]);
    }

    #[test]
    fn the_last_of_several_is_checked_too() {
        let wrong = Signed { key: vec![1; 20], ..signed(2, b"two") };
        let data = PRECOMPILE.instruction(&[signed(1, b"one"), wrong], 0);
        assert_eq!(verify(&data, &[&data]), Err(InvalidSignature));
    }

    #[test]
    fn places_outside_of_the_data_are_refused() {
        let good = signed(1, b"hello");
        // 255 is an index like any other here.
        for index in [2, 255] {
            assert_eq!(PRECOMPILE.check_field(&good, SIGNATURE_AT, index), Err(InvalidInstructionDataSize));
            assert_eq!(PRECOMPILE.check_field(&good, KEY_AT, index), Err(InvalidDataOffsets));
            assert_eq!(PRECOMPILE.check_field(&good, MESSAGE_AT, index), Err(InvalidDataOffsets));
        }
        for field in [SIGNATURE_OFFSET, KEY_OFFSET, MESSAGE_OFFSET, MESSAGE_SIZE] {
            assert_eq!(PRECOMPILE.check_field(&good, field, u16::MAX), Err(InvalidSignature));
        }
    }

    #[test]
    fn parts_may_end_with_the_data_but_not_behind_it() {
        let body = |item: &Signed, size: usize| body(std::slice::from_ref(item))[..size].to_vec();
        // The message is empty and stands at 0; address and signature fill 85 bytes, the recovery id the last.
        let item = signed(1, b"");
        let record = narrow(&[[20, 1, 0, 1, 0, 0, 1]]);
        assert_eq!(verify(&record, &[&record, &body(&item, 85)]), Ok(()));
        assert_eq!(verify(&record, &[&record, &body(&item, 84)]), Err(InvalidSignature));
        for (offset, expected) in [(85, Ok(())), (86, Err(InvalidSignature))] {
            assert_eq!(PRECOMPILE.check_field(&item, MESSAGE_OFFSET, offset), expected);
        }
    }

    #[test]
    fn both_values_of_s_pass() {
        let low = signed(1, b"hello");
        let s = SecretKey::from_byte_array(low.signature[32..64].try_into().expect("32 bytes")).expect("s");
        let high = with(&low, None, Some(s.negate().secret_bytes()), Some(low.signature[64] ^ 1));
        assert!(high.signature[32] >= 0x80);
        assert_eq!(PRECOMPILE.check(&high), Ok(()));
    }

    /// Made with libsecp256k1 0.7.2 and accepted by it: x of R is r + order.
    #[test]
    fn the_upper_recovery_ids_pass() {
        let two = Signed::from_hex(
            "000000000000000000000000000000000078f4259a61a56bbd0b554ec9c894db8d50403d30ac64467c53c2f1911d93e0323d\
             a3a6679d1377d2c3fe5f957fb74002",
            "dcb67bbd35dbae68419d1a2892a3ee3e3ef941f7",
            b"beyond the order",
        );
        let three = Signed::from_hex(
            "00000000000000000000000000000000001fb85bd09e8fe8d194919dfc71334708a96501fc20d3316e7f7614d99202383077\
             2fd4b8656c7f104f7bdaa879236103",
            "0730754f52c9d3e459f812b5ae8f698744467ac0",
            b"beyond the order",
        );
        assert_eq!(PRECOMPILE.check(&two), Ok(()));
        assert_eq!(PRECOMPILE.check(&three), Ok(()));
        // Of an ordinary signature r + order is beyond the field's prime.
        let good = signed(1, b"hello");
        let upper = with(&good, None, None, Some(good.signature[64] + 2));
        assert_eq!(PRECOMPILE.check(&upper), Err(InvalidSignature));
    }

    #[test]
    fn the_first_fault_names_the_error() {
        let good = signed(1, b"hello");
        let no_address = |item: &Signed| PRECOMPILE.check_field(item, KEY_AT, 9);
        for id in [4, 27, 255] {
            assert_eq!(PRECOMPILE.check(&with(&good, None, None, Some(id))), Err(InvalidRecoveryId));
            assert_eq!(no_address(&with(&good, None, None, Some(id))), Err(InvalidRecoveryId));
        }
        for beyond in [ORDER, [255; 32]] {
            for item in [with(&good, Some(beyond), None, Some(4)), with(&good, None, Some(beyond), Some(4))] {
                assert_eq!(no_address(&item), Err(InvalidSignature), "r and s come before the recovery id");
            }
        }
        for item in [with(&good, Some([0; 32]), None, None), with(&good, None, Some([0; 32]), None)] {
            assert_eq!(PRECOMPILE.check(&item), Err(InvalidSignature));
            assert_eq!(no_address(&item), Err(InvalidDataOffsets), "zero fails only when it recovers");
        }
        let neither = |record: &mut [u16; 7]| (record[KEY_OFFSET], record[MESSAGE_AT]) = (u16::MAX, 9);
        assert_eq!(PRECOMPILE.check_record(&good, neither), Err(InvalidSignature), "the address comes first");
    }
}
