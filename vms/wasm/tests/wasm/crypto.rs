//! Signatures and curves through the imports of a contract, on vectors that others publish, right and wrong ones.
//!
//! Each import has a contract whose query hands it what the message holds, and gives back its answer. Every call
//! runs in both engines, so the codes and points are cosmwasm-vm's as well.

mod bls;
mod import;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::both::Kind;
use crate::files::file_of;
use import::{Import, Takes};

const VALID: u64 = 0;
const INVALID: u64 = 1;
const BAD_HASH: u64 = 3;
const BAD_SIGNATURE: u64 = 4;
const BAD_KEY: u64 = 5;
const BAD_PARAMETER: u64 = 6;
const BAD_BATCH: u64 = 7;
const BAD_POINT: u64 = 8;
const UNKNOWN_HASH: u64 = 9;
const OTHER: u64 = 10;
const UNEQUAL_LISTS: u64 = 13;

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("short").to_le_bytes()[..], bytes].concat()
}

fn number(number: u32) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

fn sections(sections: &[&[u8]]) -> Vec<u8> {
    let one =
        |section: &&[u8]| [section, &u32::try_from(section.len()).expect("short").to_be_bytes()[..]].concat();
    bytes(&sections.iter().map(one).collect::<Vec<_>>().concat())
}

fn vectors(name: &str) -> Value {
    serde_json::from_slice(&file_of("cosmwasm-crypto", name)).expect("JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).expect("hexadecimal")
}

/// `bytes` with one bit changed.
fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[10] ^= 1;
    bytes
}

/// `no_parity` is the code for a recovery parameter beyond one.
fn ecdsa(curve: &str, no_parity: u64) {
    use Takes::{Bytes, Number};
    let mut verify = Import::new(&format!("{curve}_verify"), &[Bytes, Bytes, Bytes], false);
    let mut recover = Import::new(&format!("{curve}_recover_pubkey"), &[Bytes, Bytes, Number], true);
    let published = vectors(&format!("{curve}_tests.json"));
    for vector in list(&published) {
        let hash = Sha256::digest(unhex(&vector["message"])).to_vec();
        let (signature, key) = (unhex(&vector["signature"]), unhex(&vector["pubkey"]));
        let mut code = |hash: &[u8], signature: &[u8], key: &[u8]| {
            verify.code(&[bytes(hash), bytes(signature), bytes(key)])
        };
        assert_eq!(code(&hash, &signature, &key), VALID);
        assert_eq!(code(&flipped(&hash), &signature, &key), INVALID);
        assert_eq!(code(&hash, &flipped(&signature), &key), INVALID);
        assert_eq!(code(&hash[1..], &signature, &key), BAD_HASH);
        assert_eq!(code(&hash, &signature[1..], &key), BAD_SIGNATURE);
        assert_eq!(code(&hash, &signature, &key[1..]), BAD_KEY);
        assert_eq!(code(&hash, &signature, &[]), BAD_KEY);
        // One of the two recovers the key, and neither what is no parity.
        let mut recover = |signature: &[u8], parity| {
            recover.try_ask(&[bytes(&hash), bytes(signature), number(parity)]).expect("an answer")
        };
        assert!((0..2).any(|parity| recover(&signature, parity) == (VALID, key.clone())));
        assert_eq!(recover(&signature, 2), (no_parity, Vec::new()));
        assert_eq!(recover(&signature, 256).0, BAD_PARAMETER);
        assert_eq!(recover(&signature[1..], 0).0, BAD_SIGNATURE);
        assert_ne!(recover(&[0; 64], 0).0, VALID);
    }
    let long = [bytes(&[0; 32]), bytes(&[0; 65]), bytes(&[0; 65])];
    assert_eq!(verify.try_ask(&long), Err(Kind::RegionTooLong));

    // Signatures made to be wrong in ways that implementations took for right.
    let wrong = vectors(&format!("rootberg/ecdsa_{curve}_sha_256_raw.json"));
    let mut found = [0; 2];
    for vector in list(&wrong["tests"]) {
        let signature = match vector["sig"].as_object() {
            Some(parts) => [&parts["r"], &parts["s"]].map(|part| {
                let part = unhex(part);
                // Shorter or longer numbers are no signatures of 64 bytes.
                let zeros = 32usize.saturating_sub(part.len());
                [&vec![0; zeros][..], &part[part.len().saturating_sub(32)..]].concat()
            }),
            None => continue,
        };
        let hash = Sha256::digest(unhex(&vector["msg"])).to_vec();
        let args =
            [bytes(&hash), bytes(&signature.concat()), bytes(&unhex(&vector["publicKeyUncompressed"]))];
        let code = verify.code(&args);
        let valid = vector["valid"].as_bool().expect("true or false");
        // A high S is refused by neither, and a cut one is another signature.
        if valid {
            assert_eq!(code, VALID, "{vector}");
        }
        found[usize::from(code == VALID)] += 1;
    }
    assert!(found.iter().all(|count| *count > 10), "{found:?}");
}

#[test]
fn secp256k1() {
    ecdsa("secp256k1", BAD_PARAMETER);
}

#[test]
fn secp256r1() {
    ecdsa("secp256r1", OTHER);
}

#[test]
fn ed25519() {
    use Takes::Bytes;
    let mut verify = Import::new("ed25519_verify", &[Bytes, Bytes, Bytes], false);
    let mut batch = Import::new("ed25519_batch_verify", &[Bytes, Bytes, Bytes], false);
    let published = vectors("ed25519_tests.json");
    let all: Vec<[Vec<u8>; 3]> = list(&published)
        .iter()
        .map(|vector| ["message", "signature", "pubkey"].map(|name| unhex(&vector[name])))
        .collect();
    for [message, signature, key] in &all {
        let mut code = |message: &[u8], signature: &[u8], key: &[u8]| {
            verify.code(&[bytes(message), bytes(signature), bytes(key)])
        };
        assert_eq!(code(message, signature, key), VALID);
        assert_eq!(code(&[message, &b"x"[..]].concat(), signature, key), INVALID);
        assert_eq!(code(message, &flipped(signature), key), INVALID);
        assert_eq!(code(message, &signature[1..], key), BAD_SIGNATURE);
        assert_eq!(code(message, signature, &key[1..]), BAD_KEY);
    }
    let of = |index: usize| all.iter().map(|vector| &vector[index][..]).collect::<Vec<_>>();
    let (messages, signatures, keys) = (of(0), of(1), of(2));
    let mut code = |messages: &[&[u8]], signatures: &[&[u8]], keys: &[&[u8]]| {
        batch.code(&[sections(messages), sections(signatures), sections(keys)])
    };
    assert_eq!(code(&messages, &signatures, &keys), VALID);
    assert_eq!(code(&[], &[], &[]), VALID);
    // One message or one key for all of them.
    assert_eq!(code(&messages[..1], &signatures[..1], &keys[..1]), VALID);
    assert_eq!(code(&messages[..1], &[signatures[0]; 3], &[keys[0]; 3]), VALID);
    assert_eq!(code(&[messages[0]; 3], &[signatures[0]; 3], &keys[..1]), VALID);
    assert_eq!(code(&messages[..1], &signatures[..2], &keys[..2]), INVALID);
    let mut swapped = signatures.clone();
    swapped.swap(0, 1);
    assert_eq!(code(&messages, &swapped, &keys), INVALID);
    assert_eq!(code(&messages[..2], &signatures[..3], &keys[..3]), BAD_BATCH);
    assert_eq!(code(&messages[..3], &signatures[..3], &keys[..2]), BAD_BATCH);
    assert_eq!(code(&messages[..2], &[signatures[0], &signatures[1][1..]], &keys[..2]), BAD_SIGNATURE);
    assert_eq!(code(&messages[..2], &signatures[..2], &[keys[0], &keys[1][1..]]), BAD_KEY);
}
