//! Addresses as bytes and as text.
//!
//! What is no address is answered with a text in the contract's memory. The texts are ours and fixed, so that
//! they are the same on every machine: contracts can store them.

use super::{Env, give};
use crate::address;
use crate::engine::fault::Stop;
use crate::engine::memory::{charge, read_region, write_region};
use crate::engine::{costs, limits};

const EMPTY: &[u8] = b"Input is empty";
const NOT_UTF8: &[u8] = b"Input is not valid UTF-8";
const NOT_ADDRESS: &[u8] = b"Input is not a valid address";
const BAD_LENGTH: &[u8] = b"Input has no length of an address";

pub(super) fn validate(env: Env<'_, '_>, source: u32) -> Result<u32, Stop> {
    match decode(env, source)? {
        Ok(_) => Ok(0),
        Err(text) => give(env, text),
    }
}

pub(super) fn canonicalize(env: Env<'_, '_>, source: u32, target: u32) -> Result<u32, Stop> {
    match decode(env, source)? {
        Ok(bytes) => {
            write_region(env, target, &bytes)?;
            Ok(0)
        }
        Err(text) => give(env, text),
    }
}

/// Any 20 or 32 bytes are an address.
pub(super) fn humanize(env: Env<'_, '_>, source: u32, target: u32) -> Result<u32, Stop> {
    let bytes = read_region(env, source, limits::MAX_CANONICAL_ADDRESS)?;
    charge(env, costs::ADDRESS, bytes.len())?;
    if bytes.is_empty() {
        return give(env, EMPTY);
    }
    if !matches!(bytes.len(), 20 | 32) {
        return give(env, BAD_LENGTH);
    }
    write_region(env, target, address::encode(&bytes).as_bytes())?;
    Ok(0)
}

/// The bytes of the address, or what is wrong with it.
fn decode(env: Env<'_, '_>, source: u32) -> Result<Result<Vec<u8>, &'static [u8]>, Stop> {
    let text = read_region(env, source, limits::MAX_HUMAN_ADDRESS)?;
    if text.is_empty() {
        return Ok(Err(EMPTY));
    }
    charge(env, costs::TEXT, text.len())?;
    let Ok(text) = String::from_utf8(text) else { return Ok(Err(NOT_UTF8)) };
    charge(env, costs::ADDRESS, text.len())?;
    Ok(address::decode(&text).map_err(|_| NOT_ADDRESS))
}
