//! The ed25519 precompile: `verify_strict` of every signature (SIMD-0152).
//!
//! Agave uses ed25519-dalek 1.0.1, this is 2.2. What both do:
//! - s must be below the group order; 1.0.1 refuses s with one of its top three bits set before anything else is
//!   read, and `verify` below does that by hand, because the order of the checks decides the error;
//! - a key is any encoding that decompresses: y may be at or above the field's prime, x = 0 may come with the sign
//!   bit. Then R and the key must not be of small order, but they may have a small-order part: the equation
//!   `[s]B = R + [k]A` is without the cofactor. k hashes the encodings as they were given.
//!
//! Where they differ: 1.0.1 compares R as a point, 2.2 as bytes, so that 2.2 refuses an R with y at or above the
//! prime. Such an R of more than small order has y + prime for a y in 3..=18. To sign with it takes its discrete
//! logarithm, which nobody knows, or a key that SHA-512 maps to a given k; so no signature divides the two.

use super::{RECORDS_START, Record, records};
use ed25519_dalek::{Signature, VerifyingKey};
use solana_precompile_error::PrecompileError;

/// Bits of the last byte of s that no s below 2^253 has.
const S_TOP_BITS: u8 = 0b1110_0000;

/// Checks all signatures of an instruction. None at all is fine where nothing follows the head of two bytes.
///
/// # Errors
/// `InvalidInstructionDataSize`: records are missing, or there are bytes but no signatures.
/// `InvalidDataOffsets`: a record points outside of the data. `InvalidPublicKey`: a key is not on the curve.
/// `InvalidSignature`: all the rest.
pub(super) fn verify(data: &[u8], instruction_datas: &[&[u8]]) -> Result<(), PrecompileError> {
    let [count, _, rest @ ..] = data else { return Err(PrecompileError::InvalidInstructionDataSize) };
    if *count == 0 && data.len() > RECORDS_START {
        return Err(PrecompileError::InvalidInstructionDataSize);
    }
    records(rest, *count)?.iter().try_for_each(|record| one(&Record::decode(record), data, instruction_datas))
}

fn one(record: &Record, own: &[u8], all: &[&[u8]]) -> Result<(), PrecompileError> {
    let signature: &[u8; Signature::BYTE_SIZE] = record.signature.array(own, all)?;
    if signature[Signature::BYTE_SIZE - 1] & S_TOP_BITS != 0 {
        return Err(PrecompileError::InvalidSignature);
    }
    let key = record.key.array(own, all)?;
    let key = VerifyingKey::from_bytes(key).map_err(|_| PrecompileError::InvalidPublicKey)?;
    let message = record.message.read(record.message_size, own, all)?;
    key.verify_strict(message, &Signature::from_bytes(signature))
        .map_err(|_| PrecompileError::InvalidSignature)
}

#[cfg(test)]
mod tests {
    use super::super::OWN_INSTRUCTION;
    use super::super::testing::*;
    use super::*;
    use PrecompileError::*;
    use ed25519_dalek::{Signer, SigningKey};

    const PRECOMPILE: Precompile = Precompile { head: wide, verify };

    /// The group order, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];

    fn signed(seed: u8, message: &[u8]) -> Signed {
        let key = SigningKey::from_bytes(&[seed; 32]);
        Signed {
            signature: key.sign(message).to_vec(),
            key: key.verifying_key().to_bytes().to_vec(),
            message: message.to_vec(),
        }
    }

    /// 32 bytes: the first, the ones between, the last.
    fn encoding(first: u8, middle: u8, last: u8) -> Vec<u8> {
        [vec![first], vec![middle; 30], vec![last]].concat()
    }

    #[test]
    fn signatures_pass_wherever_they_stand() {
        PRECOMPILE.accepts(&[signed(1, b"hello"), signed(2, b""), signed(3, &[7; 300])]);
        let own = PRECOMPILE.instruction(&[signed(1, b"a"), signed(2, b"b")], OWN_INSTRUCTION);
        assert_eq!(verify(&own, &[]), Ok(()), "named without its index");
    }

    #[test]
    fn no_signatures_pass_only_alone() {
        assert_eq!(verify(&[0, 0], &[]), Ok(()));
        assert_eq!(verify(&[0, 9], &[]), Ok(()));
        for data in [&[][..], &[0], &[1], &[0, 0, 0], &[1, 0], &[255, 0]] {
            assert_eq!(verify(data, &[data]), Err(InvalidInstructionDataSize), "{data:?}");
        }
        PRECOMPILE.refuses_cut_records(&[signed(1, b"hello"), signed(2, b"you")]);
    }

    #[test]
    fn every_byte_counts_but_the_second() {
        PRECOMPILE.refuses_every_change(&signed(1, b"hello"), OWN_INSTRUCTION, &[1]);
        PRECOMPILE.refuses_every_change(&signed(1, b"hello"), 0, &[1]);
    }

    #[test]
    fn the_last_of_several_is_checked_too() {
        let mut wrong = signed(2, b"two");
        wrong.message[0] ^= 1;
        let data = PRECOMPILE.instruction(&[signed(1, b"one"), wrong], OWN_INSTRUCTION);
        assert_eq!(verify(&data, &[]), Err(InvalidSignature));
    }

    #[test]
    fn places_outside_of_the_data_are_refused() {
        let good = signed(1, b"hello");
        for field in [SIGNATURE_AT, KEY_AT, MESSAGE_AT] {
            for index in [2, 255, u16::MAX - 1] {
                assert_eq!(PRECOMPILE.check_field(&good, field, index), Err(InvalidDataOffsets));
            }
        }
        for (field, last) in [(SIGNATURE_OFFSET, 37), (KEY_OFFSET, 69), (MESSAGE_OFFSET, 96)] {
            for offset in [last + 1, u16::MAX] {
                assert_eq!(PRECOMPILE.check_field(&good, field, offset), Err(InvalidDataOffsets), "{field}");
            }
            assert_ne!(PRECOMPILE.check_field(&good, field, last), Err(InvalidDataOffsets), "{field}");
        }
        assert_eq!(PRECOMPILE.check_field(&good, MESSAGE_SIZE, u16::MAX), Err(InvalidDataOffsets));
    }

    #[test]
    fn an_empty_message_may_stand_at_the_end_but_not_behind_it() {
        let empty = signed(1, b"");
        assert_eq!(PRECOMPILE.check_field(&empty, MESSAGE_OFFSET, 96), Ok(()));
        assert_eq!(PRECOMPILE.check_field(&empty, MESSAGE_OFFSET, 97), Err(InvalidDataOffsets));
    }

    #[test]
    fn s_is_below_the_order() {
        let good = signed(1, b"hello");
        let mut carry = 0u16;
        let mut above = good.clone();
        for (byte, order) in above.signature[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(order);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert_eq!(PRECOMPILE.check(&good), Ok(()));
        assert_eq!(PRECOMPILE.check(&above), Err(InvalidSignature));
    }

    #[test]
    fn the_first_fault_names_the_error() {
        let no_key = |item: &Signed| PRECOMPILE.check_field(item, KEY_AT, 9);
        let mut item = signed(1, b"hello");
        item.signature[32..].copy_from_slice(&ORDER);
        assert_eq!(no_key(&item), Err(InvalidDataOffsets), "s is compared with the order after that");
        for top in [0x20, 0x40, 0x80] {
            item.signature[63] = top;
            assert_eq!(no_key(&item), Err(InvalidSignature), "but its top bits are looked at before");
        }
        let mut item = signed(1, b"hello");
        item.key = encoding(2, 0, 0);
        assert_eq!(PRECOMPILE.check_field(&item, MESSAGE_AT, 9), Err(InvalidPublicKey));
        item.signature[63] = 0x20;
        assert_eq!(PRECOMPILE.check(&item), Err(InvalidSignature));
    }

    /// A key off the curve is `InvalidPublicKey`; one that is read and then not trusted is `InvalidSignature`.
    #[test]
    fn keys_are_read_as_loosely_as_agave_reads_them() {
        let with_key = |key| PRECOMPILE.check(&Signed { key, ..signed(1, b"hello") });
        for off_curve in [encoding(2, 0, 0), encoding(7, 0, 0), encoding(0xef, 0xff, 0x7f)] {
            assert_eq!(with_key(off_curve), Err(InvalidPublicKey));
        }
        let small_order = [encoding(1, 0, 0), encoding(0, 0, 0), encoding(0xec, 0xff, 0x7f)];
        let minus_zero = [encoding(1, 0, 0x80), encoding(0xec, 0xff, 0xff)];
        let above_the_prime =
            [encoding(0xee, 0xff, 0x7f), encoding(0xf0, 0xff, 0x7f), encoding(0xff, 0xff, 0xff)];
        for read in [&small_order[..], &minus_zero, &above_the_prime].concat() {
            assert_eq!(with_key(read.clone()), Err(InvalidSignature), "{read:?}");
        }
    }

    /// Strict means: no small order, neither in R nor in the key.
    #[test]
    fn small_order_never_signs() {
        // With the identity as key and as R, and s = 0, the equation holds for every message.
        let identity = encoding(1, 0, 0);
        let zero = Signed { signature: [&identity[..], &[0; 32]].concat(), key: identity, message: vec![] };
        assert_eq!(PRECOMPILE.check(&zero), Err(InvalidSignature));
        // Number 5 of the vectors of C2SP/CCTV: the equation holds, R is of small order.
        let cctv = Signed::from_hex(
            "00000000000000000000000000000000000000000000000000000000000000009472a69cd9a701a50d130ed52189e2455b23\
             767db52cacb8716fb896ffeeac09",
            "10eb7c3acfb2bed3e0d6ab89bf5a3d6afddd1176ce4812e38d9fd485058fdb1f",
            b"ed25519vectors 3",
        );
        assert_eq!(PRECOMPILE.check(&cctv), Err(InvalidSignature));
    }

    /// Made with ed25519-dalek 1.0.1 and accepted by it: points with a part of small order that cancels out.
    #[test]
    fn a_small_order_part_may_sign() {
        let key_only = Signed::from_hex(
            "871010c6238378953e1d94d217fc1d0bd17e5bf3b5aaaca8416e1e2b08efb80d6736419102a4ca87cbd26b40923497f0f574\
             828657c42027b6d449b41e047403",
            "230e6270c17da6de5e19a102c29c51402c747ff8de0ca926364dc50d8a457c4b",
            b"mixed order",
        );
        let key_and_r = Signed::from_hex(
            "33965eeb4ab1d667a5ec8ef215d52a9e842f753739970b8a7642ec9dbcfb7305b4d803ab08f3bdec2169ccf970277362f875\
             381aacef72af3442725e49330a0b",
            "fef2d67d9018622c6c3404bd21e903b7512bb784776115b959a4ddfdf473bcbc",
            b"mixed order",
        );
        assert_eq!(PRECOMPILE.check(&key_only), Ok(()));
        assert_eq!(PRECOMPILE.check(&key_and_r), Ok(()));
    }
}
