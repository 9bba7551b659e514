//! Signatures and curves, by the crate that other chains use too.
//!
//! A valid signature is 0, another one 1, and what is none has the crate's error code. Nothing here is random:
//! a batch is verified one by one, which by ZIP 215 gives what verifying it at once gives.

use cosmwasm_crypto as crypto;
use cosmwasm_crypto::{
    CryptoError, ECDSA_PUBKEY_MAX_LEN, ECDSA_SIGNATURE_LEN, EDDSA_PUBKEY_LEN, HashFunction,
    MESSAGE_HASH_MAX_LEN,
};

use super::{Env, give};
use crate::engine::costs::Cost;
use crate::engine::fault::Stop;
use crate::engine::memory::{charge, read_region, write_region};
use crate::engine::{CallFault, costs, limits};

const VALID: u32 = 0;
const INVALID: u32 = 1;
const G1_LENGTH: usize = 48;
const G2_LENGTH: usize = 96;
const ED25519_SIGNATURE: u32 = 64;
/// The length that follows each section.
const SECTION_SUFFIX: usize = 4;

/// Hash, signature and key.
type Verify = fn(&[u8], &[u8], &[u8]) -> Result<bool, CryptoError>;
/// Hash, signature and which of the keys.
type Recover = fn(&[u8], &[u8], u8) -> Result<Vec<u8>, CryptoError>;

fn code(result: Result<bool, CryptoError>) -> u32 {
    match result {
        Ok(true) => VALID,
        Ok(false) => INVALID,
        Err(error) => error.code(),
    }
}

pub(super) fn secp256k1_verify(env: Env<'_, '_>, hash: u32, signature: u32, key: u32) -> Result<u32, Stop> {
    ecdsa_verify(env, [hash, signature, key], costs::SECP256K1_VERIFY, crypto::secp256k1_verify)
}

pub(super) fn secp256r1_verify(env: Env<'_, '_>, hash: u32, signature: u32, key: u32) -> Result<u32, Stop> {
    ecdsa_verify(env, [hash, signature, key], costs::SECP256R1_VERIFY, crypto::secp256r1_verify)
}

pub(super) fn secp256k1_recover(
    env: Env<'_, '_>,
    hash: u32,
    signature: u32,
    parity: u32,
) -> Result<u64, Stop> {
    let cost = costs::SECP256K1_RECOVER;
    ecdsa_recover(env, hash, signature, parity, cost, crypto::secp256k1_recover_pubkey)
}

pub(super) fn secp256r1_recover(
    env: Env<'_, '_>,
    hash: u32,
    signature: u32,
    parity: u32,
) -> Result<u64, Stop> {
    let cost = costs::SECP256R1_RECOVER;
    ecdsa_recover(env, hash, signature, parity, cost, crypto::secp256r1_recover_pubkey)
}

fn ecdsa_verify(
    env: Env<'_, '_>,
    [hash, signature, key]: [u32; 3],
    cost: Cost,
    verify: Verify,
) -> Result<u32, Stop> {
    let hash = read_region(env, hash, MESSAGE_HASH_MAX_LEN as u32)?;
    let signature = read_region(env, signature, ECDSA_SIGNATURE_LEN as u32)?;
    let key = read_region(env, key, ECDSA_PUBKEY_MAX_LEN as u32)?;
    charge(env, cost, 0)?;
    Ok(code(verify(&hash, &signature, &key)))
}

/// The key's region in the low half, or an error code in the high one.
fn ecdsa_recover(
    env: Env<'_, '_>,
    hash: u32,
    signature: u32,
    parity: u32,
    cost: Cost,
    recover: Recover,
) -> Result<u64, Stop> {
    let hash = read_region(env, hash, MESSAGE_HASH_MAX_LEN as u32)?;
    let signature = read_region(env, signature, ECDSA_SIGNATURE_LEN as u32)?;
    let failed = |error: CryptoError| u64::from(error.code()) << 32;
    let Ok(parity) = u8::try_from(parity) else {
        return Ok(failed(CryptoError::invalid_recovery_param()));
    };
    charge(env, cost, 0)?;
    match recover(&hash, &signature, parity) {
        Ok(key) => give(env, &key).map(u64::from),
        Err(error) => Ok(failed(error)),
    }
}

pub(super) fn ed25519_verify(env: Env<'_, '_>, message: u32, signature: u32, key: u32) -> Result<u32, Stop> {
    let message = read_region(env, message, limits::MAX_ED25519_MESSAGE)?;
    let signature = read_region(env, signature, ED25519_SIGNATURE)?;
    let key = read_region(env, key, EDDSA_PUBKEY_LEN as u32)?;
    charge(env, costs::ED25519_VERIFY, message.len())?;
    Ok(code(crypto::ed25519_verify(&message, &signature, &key)))
}

pub(super) fn ed25519_batch_verify(
    env: Env<'_, '_>,
    messages: u32,
    signatures: u32,
    keys: u32,
) -> Result<u32, Stop> {
    let limit = |length: u32| (length + SECTION_SUFFIX as u32) * limits::MAX_ED25519_BATCH;
    let messages = read_region(env, messages, limit(limits::MAX_ED25519_MESSAGE))?;
    let signatures = read_region(env, signatures, limit(ED25519_SIGNATURE))?;
    let keys = read_region(env, keys, limit(EDDSA_PUBKEY_LEN as u32))?;
    let messages = sections(&messages)?;
    let signatures = sections(&signatures)?;
    let keys = sections(&keys)?;

    let count = signatures.len();
    // One message or one key may stand for all.
    let fits = (messages.len() == count && keys.len() == count)
        || (messages.len() == 1 && keys.len() == count)
        || (keys.len() == 1 && messages.len() == count);
    if !fits {
        return Ok(CryptoError::batch_err("").code());
    }
    // A malformed one refuses the batch before any is verified.
    let mut valid = true;
    for (index, signature) in signatures.iter().enumerate() {
        let nth = |list: &[&[u8]]| list.get(index).or_else(|| list.first()).map_or(0, |item| item.len());
        charge(env, costs::ED25519_VERIFY, nth(&messages))?;
        if signature.len() != ED25519_SIGNATURE as usize {
            return Ok(CryptoError::invalid_signature_format().code());
        }
        if nth(&keys) != EDDSA_PUBKEY_LEN {
            return Ok(CryptoError::invalid_pubkey_format().code());
        }
    }
    for (index, signature) in signatures.iter().enumerate() {
        let message = messages.get(index).or_else(|| messages.first());
        let key = keys.get(index).or_else(|| keys.first());
        let (Some(message), Some(key)) = (message, key) else { break };
        match crypto::ed25519_verify(message, signature, key) {
            Ok(one) => valid &= one,
            Err(error) => return Ok(error.code()),
        }
    }
    Ok(code(Ok(valid)))
}

/// Splits what is written as each section followed by its length, read from the end.
fn sections(mut data: &[u8]) -> Result<Vec<&[u8]>, Stop> {
    const BAD: Stop = Stop::Fault(CallFault::BadSections);
    let mut sections = Vec::new();
    // Each turn takes at least the suffix.
    while let Some((rest, length)) = data.split_last_chunk::<SECTION_SUFFIX>() {
        let length = u32::from_be_bytes(*length) as usize;
        let start = rest.len().checked_sub(length).ok_or(BAD)?;
        let (rest, section) = rest.split_at(start);
        sections.push(section);
        data = rest;
    }
    if !data.is_empty() {
        return Err(BAD);
    }
    sections.reverse();
    Ok(sections)
}

pub(super) fn bls_aggregate_g1(env: Env<'_, '_>, points: u32, target: u32) -> Result<u32, Stop> {
    let points = read_region(env, points, limits::MAX_BLS_POINTS)?;
    charge(env, costs::BLS_AGGREGATE_G1, points.len() / G1_LENGTH)?;
    written(env, target, crypto::bls12_381_aggregate_g1(&points))
}

pub(super) fn bls_aggregate_g2(env: Env<'_, '_>, points: u32, target: u32) -> Result<u32, Stop> {
    let points = read_region(env, points, limits::MAX_BLS_POINTS)?;
    charge(env, costs::BLS_AGGREGATE_G2, points.len() / G2_LENGTH)?;
    written(env, target, crypto::bls12_381_aggregate_g2(&points))
}

pub(super) fn bls_hash_to_g1(
    env: Env<'_, '_>,
    hash: u32,
    message: u32,
    tag: u32,
    target: u32,
) -> Result<u32, Stop> {
    let (message, tag) = hashed(env, message, tag, costs::BLS_HASH_TO_G1)?;
    let point = HashFunction::from_u32(hash).map(|hash| crypto::bls12_381_hash_to_g1(hash, &message, &tag));
    written(env, target, point)
}

pub(super) fn bls_hash_to_g2(
    env: Env<'_, '_>,
    hash: u32,
    message: u32,
    tag: u32,
    target: u32,
) -> Result<u32, Stop> {
    let (message, tag) = hashed(env, message, tag, costs::BLS_HASH_TO_G2)?;
    let point = HashFunction::from_u32(hash).map(|hash| crypto::bls12_381_hash_to_g2(hash, &message, &tag));
    written(env, target, point)
}

fn hashed(env: Env<'_, '_>, message: u32, tag: u32, cost: Cost) -> Result<(Vec<u8>, Vec<u8>), Stop> {
    let message = read_region(env, message, limits::MAX_BLS_MESSAGE)?;
    let tag = read_region(env, tag, limits::MAX_BLS_DST)?;
    charge(env, cost, message.len().saturating_add(tag.len()))?;
    Ok((message, tag))
}

fn written<const N: usize>(
    env: Env<'_, '_>,
    target: u32,
    point: Result<[u8; N], CryptoError>,
) -> Result<u32, Stop> {
    match point {
        Ok(point) => {
            write_region(env, target, &point)?;
            Ok(VALID)
        }
        Err(error) => Ok(error.code()),
    }
}

pub(super) fn bls_pairing_equality(env: Env<'_, '_>, ps: u32, qs: u32, r: u32, s: u32) -> Result<u32, Stop> {
    let ps = read_region(env, ps, limits::MAX_BLS_POINTS)?;
    let qs = read_region(env, qs, limits::MAX_BLS_POINTS)?;
    let r = read_region(env, r, G1_LENGTH as u32)?;
    let s = read_region(env, s, G2_LENGTH as u32)?;
    // Both sides: the pairs given and the one that they must equal.
    charge(env, costs::BLS_PAIRING, (ps.len() / G1_LENGTH).saturating_add(1))?;
    Ok(code(crypto::bls12_381_pairing_equality(&ps, &qs, &r, &s)))
}
