//! BLS12-381: hashes, sums and signatures, on vectors of RFC 9380 and of Ethereum.

use serde_json::Value;

use super::import::{Import, Takes};
use super::{
    BAD_POINT, INVALID, UNEQUAL_LISTS, UNKNOWN_HASH, VALID, bytes, flipped, list, number, unhex, vectors,
};
use crate::both::Kind;

/// `(p - 1) / 2` of BLS12-381: a compressed point says whether its y is above.
const HALF: &str =
    "0d0088f51cbff34d258dd3db21a5d66bb23ba5c279c2895fb39869507b587b120f55ffff58a9ffffdcff7fffffffd555";

/// The compressed form of a point with the halves of `x` and `y` in the order of RFC 9380.
fn compressed(point: &Value) -> Vec<u8> {
    let halves = |name: &str| {
        let text = point[name].as_str().expect("a text");
        let mut halves: Vec<_> = text.split(',').map(|half| unhex(&Value::from(half))).collect();
        halves.reverse();
        halves
    };
    let mut bytes = halves("x").concat();
    let above = halves("y")[0] > hex::decode(HALF).expect("hexadecimal");
    bytes[0] |= if above { 0xa0 } else { 0x80 };
    bytes
}

#[test]
fn bls12_381_hashes() {
    use Takes::{Bytes, Number, Room};
    let mut to_g1 = Import::new("bls12_381_hash_to_g1", &[Number, Bytes, Bytes, Room(48)], false);
    let mut to_g2 = Import::new("bls12_381_hash_to_g2", &[Number, Bytes, Bytes, Room(96)], false);
    // RFC 9380, J.9.1, the empty message.
    let tag = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_";
    let point =
        "852926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1";
    let answer = to_g1.try_ask(&[number(0), bytes(b""), bytes(tag)]).expect("an answer");
    assert_eq!(answer, (VALID, hex::decode(point).expect("hexadecimal")));
    assert_eq!(to_g1.code(&[number(1), bytes(b""), bytes(tag)]), UNKNOWN_HASH);

    let tag = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_";
    for name in ["2782afaa8406d038", "7590bd067999bbfb", "a54942c8e365f378", "c938b486cf69e8f7"] {
        let vector = vectors(&format!("bls-tests/hash_to_G2/hash_to_G2__{name}.json"));
        let message = vector["input"]["msg"].as_str().expect("a text").as_bytes();
        let answer = to_g2.try_ask(&[number(0), bytes(message), bytes(tag)]).expect("an answer");
        assert_eq!(answer, (VALID, compressed(&vector["output"])), "{name}");
    }
    assert_eq!(to_g2.code(&[number(9), bytes(b""), bytes(tag)]), UNKNOWN_HASH);
    let long = [number(0), bytes(b""), bytes(&[0; 5 * 1024 + 1])];
    assert_eq!(to_g2.try_ask(&long), Err(Kind::RegionTooLong));
}

#[test]
fn bls12_381_sums() {
    use Takes::{Bytes, Room};
    let mut g1 = Import::new("bls12_381_aggregate_g1", &[Bytes, Room(48)], false);
    let mut g2 = Import::new("bls12_381_aggregate_g2", &[Bytes, Room(96)], false);
    for message in ["00", "56", "ab"] {
        let name = format!("bls-tests/aggregate/aggregate_0x{}.json", message.repeat(32));
        let vector = vectors(&name);
        let points: Vec<_> = list(&vector["input"]).iter().map(unhex).collect();
        let answer = g2.try_ask(&[bytes(&points.concat())]).expect("an answer");
        assert_eq!(answer, (VALID, unhex(&vector["output"])));
        assert_eq!(g2.code(&[bytes(&flipped(&points.concat()))]), BAD_POINT);
        assert_ne!(g2.code(&[bytes(&points.concat()[1..])]), VALID);
    }
    // The public keys of a block of Ethereum.
    let block = vectors("eth-headers/1699693797.394876721s.json");
    let decode = |value: &Value| {
        use base64::Engine as _;
        let text = value.as_str().expect("a text");
        base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
    };
    let keys: Vec<_> = list(&block["public_keys"]).iter().map(decode).collect();
    let answer = g1.try_ask(&[bytes(&keys.concat())]).expect("an answer");
    assert_eq!(answer, (VALID, decode(&block["aggregate_pubkey"])));
    // No points have no sum; what is no point is said so.
    assert_eq!(g1.code(&[bytes(&[])]), g2.code(&[bytes(&[])]));
    assert_eq!(g1.code(&[bytes(&[0; 48])]), BAD_POINT);
}

#[test]
fn bls12_381_signatures() {
    use Takes::{Bytes, Number, Room};
    const TAG: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    let generator = hex::decode(
        "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
    )
    .expect("hexadecimal");
    let mut hash = Import::new("bls12_381_hash_to_g2", &[Number, Bytes, Bytes, Room(96)], false);
    let mut equal = Import::new("bls12_381_pairing_equality", &[Bytes, Bytes, Bytes, Bytes], false);
    let mut verify = |keys: &[u8], messages: &[Vec<u8>], signature: &[u8]| {
        let points: Vec<_> = messages
            .iter()
            .map(|message| hash.try_ask(&[number(0), bytes(message), bytes(TAG)]).expect("a point").1)
            .collect();
        equal.code(&[bytes(keys), bytes(&points.concat()), bytes(&generator), bytes(signature)])
    };
    for (name, code) in [("valid", VALID), ("tampered_signature", INVALID)] {
        let vector = vectors(&format!("bls-tests/aggregate_verify/aggregate_verify_{name}.json"));
        let input = &vector["input"];
        let unhex_all = |name: &str| list(&input[name]).iter().map(unhex).collect::<Vec<_>>();
        let (keys, messages) = (unhex_all("pubkeys"), unhex_all("messages"));
        let signature = unhex(&input["signature"]);
        let got = verify(&keys.concat(), &messages, &signature);
        // A tampered signature is mostly no point at all.
        assert!(got == code || (code == INVALID && got == BAD_POINT), "{name}: {got}");
        assert_eq!(verify(&keys.concat(), &messages[1..], &signature), UNEQUAL_LISTS);
        let mut others = messages.clone();
        others[0] = flipped(&others[0]);
        assert_ne!(verify(&keys.concat(), &others, &signature), VALID);
    }
}
