//! The secp256r1 precompile: ECDSA over P-256 and SHA-256, with the low s only (SIMD-0075).
//!
//! Agave uses OpenSSL, this is the p256 crate. Both get r and s as plain numbers here (agave turns them into DER
//! only to hand them over, so that no encoding question is left), with r in 1..order and s in 1..=order/2, checked
//! before the key is looked at. A key is 33 bytes: 2 or 3, then an x below the field's prime that is on the curve.
//! p256 would also read 5 and x as a point ("compact"), which OpenSSL does not, so `one` looks at the first byte
//! itself. Neither takes the point at infinity, which is encoded as a single zero byte, from 33 bytes. Both reduce
//! the hash and the x of R by the order, so an R with x at or above the order is fine.

use super::{Record, records};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use solana_precompile_error::PrecompileError;

/// Signatures that one instruction may have, at most.
const SIGNATURES_MAX: u8 = 8;

/// r and s, 32 bytes big-endian each.
const SIGNATURE_SIZE: usize = 64;

/// A compressed key.
const KEY_SIZE: usize = 33;

/// First bytes of a compressed key: y is even, y is odd.
const KEY_TAGS: [u8; 2] = [2, 3];

/// Checks all signatures of an instruction; unlike in the other precompiles there has to be one.
///
/// # Errors
/// `InvalidInstructionDataSize`: records are missing, or there are none or too many.
/// `InvalidDataOffsets`: a record points outside of the data. `InvalidPublicKey`: a key is no compressed point.
/// `InvalidSignature`: all the rest.
pub(super) fn verify(data: &[u8], instruction_datas: &[&[u8]]) -> Result<(), PrecompileError> {
    let [count @ 1..=SIGNATURES_MAX, _, rest @ ..] = data else {
        return Err(PrecompileError::InvalidInstructionDataSize);
    };
    records(rest, *count)?.iter().try_for_each(|record| one(&Record::decode(record), data, instruction_datas))
}

fn one(record: &Record, own: &[u8], all: &[&[u8]]) -> Result<(), PrecompileError> {
    let signature: &[u8; SIGNATURE_SIZE] = record.signature.array(own, all)?;
    let key: &[u8; KEY_SIZE] = record.key.array(own, all)?;
    let message = record.message.read(record.message_size, own, all)?;

    let signature = Signature::from_slice(signature).map_err(|_| PrecompileError::InvalidSignature)?;
    // It gives the other s, and only where this one is above half of the order.
    if signature.normalize_s().is_some() {
        return Err(PrecompileError::InvalidSignature);
    }
    if !KEY_TAGS.contains(&key[0]) {
        return Err(PrecompileError::InvalidPublicKey);
    }
    let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| PrecompileError::InvalidPublicKey)?;
    key.verify(message, &signature).map_err(|_| PrecompileError::InvalidSignature)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{OWN_INSTRUCTION, RECORDS_START};
    use super::*;
    use PrecompileError::*;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;
    use p256::elliptic_curve::PrimeField;
    use p256::elliptic_curve::ops::Reduce;
    use p256::elliptic_curve::point::AffineCoordinates;
    use p256::{AffinePoint, Scalar, U256};
    use sha2::{Digest, Sha256};

    const PRECOMPILE: Precompile = Precompile { head: wide, verify };

    const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    const HALF_ORDER: &str = "7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8";
    const PRIME: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

    fn array(hex: &str) -> [u8; 32] {
        hex::decode(hex).expect("hex").try_into().expect("32 bytes")
    }

    /// What `key` signs as `signature`.
    fn item(key: &SigningKey, signature: &Signature, message: &[u8]) -> Signed {
        Signed {
            signature: signature.to_vec(),
            key: key.verifying_key().to_encoded_point(true).as_bytes().to_vec(),
            message: message.to_vec(),
        }
    }

    fn signed(seed: u8, message: &[u8]) -> Signed {
        let key = SigningKey::from_slice(&[seed; 32]).expect("a key");
        let signature: Signature = key.sign(message);
        item(&key, &signature.normalize_s().unwrap_or(signature), message)
    }

    /// A message whose signature has this `s`: R is the generator, and the key follows from the two.
    fn signed_with_s(s: Scalar) -> Signed {
        let message = b"a certain s";
        let digest = <Scalar as Reduce<U256>>::reduce_bytes(&Sha256::digest(message));
        let r = <Scalar as Reduce<U256>>::reduce_bytes(&AffinePoint::GENERATOR.x());
        let key =
            SigningKey::from_slice(&((s - digest) * r.invert().expect("not zero")).to_repr()).expect("a key");
        let signature = Signature::from_scalars(r, s).expect("in range");
        key.verifying_key().verify(message, &signature).expect("the equation holds");
        item(&key, &signature, message)
    }

    fn scalar(hex: &str) -> Scalar {
        Scalar::from_repr(array(hex).into()).expect("below the order")
    }

    #[test]
    fn signatures_pass_wherever_they_stand() {
        PRECOMPILE.accepts(&[signed(1, b"hello"), signed(2, b""), signed(3, &[7; 300])]);
        let own = PRECOMPILE.instruction(&[signed(1, b"a"), signed(2, b"b")], OWN_INSTRUCTION);
        assert_eq!(verify(&own, &[]), Ok(()), "named without its index");
    }

    #[test]
    fn one_to_eight_signatures_are_a_must() {
        let items: Vec<_> = (1..=9).map(|seed| signed(seed, b"hello")).collect();
        for (count, expected) in [(8, Ok(())), (9, Err(InvalidInstructionDataSize))] {
            let data = PRECOMPILE.instruction(&items[..count], OWN_INSTRUCTION);
            assert_eq!(verify(&data, &[]), expected);
        }
        for data in [&[][..], &[0], &[1], &[0, 0], &[0, 0, 0], &[1, 0], &[9, 0]] {
            assert_eq!(verify(data, &[data]), Err(InvalidInstructionDataSize), "{data:?}");
        }
        PRECOMPILE.refuses_cut_records(&items[..2]);
    }

    #[test]
    fn every_byte_counts_but_the_second() {
        PRECOMPILE.refuses_every_change(&signed(1, b"hello"), OWN_INSTRUCTION, &[1]);
        PRECOMPILE.refuses_every_change(&signed(1, b"hello"), 0, &[1]);
    }

    #[test]
    fn the_last_of_several_is_checked_too() {
        let wrong = Signed { message: b"Two".to_vec(), ..signed(2, b"two") };
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
        for (field, last) in [(SIGNATURE_OFFSET, 38), (KEY_OFFSET, 69), (MESSAGE_OFFSET, 97)] {
            for offset in [last + 1, u16::MAX] {
                assert_eq!(PRECOMPILE.check_field(&good, field, offset), Err(InvalidDataOffsets), "{field}");
            }
            assert_ne!(PRECOMPILE.check_field(&good, field, last), Err(InvalidDataOffsets), "{field}");
        }
        assert_eq!(PRECOMPILE.check_field(&good, MESSAGE_SIZE, u16::MAX), Err(InvalidDataOffsets));
        assert_eq!(PRECOMPILE.instruction(&[good], 0).len(), RECORDS_START + 14 + 102);
    }

    #[test]
    fn only_the_low_s_passes() {
        let half = scalar(HALF_ORDER);
        for s in [Scalar::ONE, half - Scalar::ONE, half] {
            assert_eq!(PRECOMPILE.check(&signed_with_s(s)), Ok(()));
        }
        for s in [half + Scalar::ONE, half + Scalar::from(2u64), -Scalar::ONE] {
            assert_eq!(PRECOMPILE.check(&signed_with_s(s)), Err(InvalidSignature));
        }
    }

    /// Made with p256 and accepted by OpenSSL, through agave-precompiles.
    #[test]
    fn x_of_r_may_be_beyond_the_order() {
        let beyond = Signed::from_hex(
            "0000000000000000000000000000000000d32c1a6414aa44b7e1107c90eccff87fffffff800000007fffffffffffffffde73\
             7d56d38bcf4279dce5617e31925b",
            "02c20e8f4d78a890de499043a4856f3da9f6e3cf3a491e633a378cfe1e4124aff4",
            b"beyond the order",
        );
        assert_eq!(PRECOMPILE.check(&beyond), Ok(()));
    }

    #[test]
    fn keys_are_compressed_points() {
        let good = signed(1, b"hello");
        let with_key = |tag: u8, x: [u8; 32]| {
            PRECOMPILE.check(&Signed { key: [&[tag], &x[..]].concat(), ..good.clone() })
        };
        let x = good.key[1..].try_into().expect("32 bytes");
        // 0 is the point at infinity, 4 an uncompressed point, 5 p256's compact one, 6 and 7 OpenSSL's hybrid ones.
        for tag in [0, 1, 4, 5, 6, 7, 0x82, 255] {
            assert_eq!(with_key(tag, x), Err(InvalidPublicKey), "{tag}");
            assert_eq!(with_key(tag, [0; 32]), Err(InvalidPublicKey), "{tag}");
        }
        let mut one = [0; 32];
        one[31] = 1;
        for no_x in [one, array(PRIME), [255; 32]] {
            assert_eq!(with_key(2, no_x), Err(InvalidPublicKey), "{no_x:?}");
        }
        // There is a point with x = 0, but it did not sign; nor did the point opposite of the key.
        assert_eq!(with_key(2, [0; 32]), Err(InvalidSignature));
        assert_eq!(with_key(good.key[0] ^ 1, x), Err(InvalidSignature));
    }

    #[test]
    fn the_first_fault_names_the_error() {
        let no_key = Signed { key: vec![0; 33], ..signed(1, b"hello") };
        assert_eq!(PRECOMPILE.check(&no_key), Err(InvalidPublicKey));
        for (part, value) in [
            (0, [0; 32]),
            (0, array(ORDER)),
            (0, [255; 32]),
            (32, [0; 32]),
            (32, array(ORDER)),
            (32, [255; 32]),
        ] {
            let mut item = no_key.clone();
            item.signature[part..part + 32].copy_from_slice(&value);
            assert_eq!(PRECOMPILE.check(&item), Err(InvalidSignature), "the range comes before the key");
            let no_message = PRECOMPILE.check_field(&item, MESSAGE_AT, 9);
            assert_eq!(no_message, Err(InvalidDataOffsets), "and the places before both");
        }
    }
}
