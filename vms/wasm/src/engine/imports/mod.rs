//! The 24 functions that a contract may import, with the limits and error codes of CosmWasm.
//!
//! Each charges for being called and for the bytes it copies, and nothing that the host does is free. What a
//! contract got wrong ends its call with a [`CallFault`](super::CallFault); only addresses and signatures are
//! answered with codes.

mod address;
mod crypto;
mod storage;

use wasmparser::ValType;
use wasmtime::{Caller, Engine, Linker};

use super::fault::Stop;
use super::instance::State;
use super::memory::{charge, read_region, write_region};
use super::{CallFault, costs, limits};

/// What a contract may import from `env`.
pub(super) struct Import {
    pub(super) name: &'static str,
    /// All of them are `i32`.
    pub(super) params: usize,
    pub(super) results: &'static [ValType],
}

const fn import(name: &'static str, params: usize, results: &'static [ValType]) -> Import {
    Import { name, params, results }
}

const NONE: &[ValType] = &[];
const I32: &[ValType] = &[ValType::I32];
const I64: &[ValType] = &[ValType::I64];

/// All imports.
pub(super) const IMPORTS: [Import; 24] = [
    import("abort", 1, NONE),
    import("addr_canonicalize", 2, I32),
    import("addr_humanize", 2, I32),
    import("addr_validate", 1, I32),
    import("bls12_381_aggregate_g1", 2, I32),
    import("bls12_381_aggregate_g2", 2, I32),
    import("bls12_381_hash_to_g1", 4, I32),
    import("bls12_381_hash_to_g2", 4, I32),
    import("bls12_381_pairing_equality", 4, I32),
    import("db_next", 1, I32),
    import("db_next_key", 1, I32),
    import("db_next_value", 1, I32),
    import("db_read", 1, I32),
    import("db_remove", 1, NONE),
    import("db_scan", 3, I32),
    import("db_write", 2, NONE),
    import("debug", 1, NONE),
    import("ed25519_batch_verify", 3, I32),
    import("ed25519_verify", 3, I32),
    import("query_chain", 1, I32),
    import("secp256k1_recover_pubkey", 3, I64),
    import("secp256k1_verify", 3, I32),
    import("secp256r1_recover_pubkey", 3, I64),
    import("secp256r1_verify", 3, I32),
];

type Env<'a, 'b> = &'a mut Caller<'b, State>;

/// Runs an import: charges for the call, and leaves what stops it with the state.
fn run<T>(
    env: Env<'_, '_>,
    import: impl FnOnce(Env<'_, '_>) -> Result<T, Stop>,
) -> Result<T, wasmtime::Error> {
    let result = charge(env, costs::HOST_CALL, 0).and_then(|()| import(env));
    result.map_err(|stop| env.data_mut().stop(stop))
}

/// Defines all imports.
pub(super) fn linker(engine: &Engine) -> Result<Linker<State>, wasmtime::Error> {
    let mut linker = Linker::new(engine);
    macro_rules! define {
        ($($name:literal ($($arg:ident),*) $result:ty = $import:path;)*) => {
            $(linker.func_wrap(
                "env",
                $name,
                |mut env: Caller<'_, State>, $($arg: u32),*| -> Result<$result, wasmtime::Error> {
                    run(&mut env, |env| $import(env, $($arg),*))
                },
            )?;)*
        };
    }
    define! {
        "abort" (text) () = abort;
        "addr_canonicalize" (source, target) u32 = address::canonicalize;
        "addr_humanize" (source, target) u32 = address::humanize;
        "addr_validate" (source) u32 = address::validate;
        "bls12_381_aggregate_g1" (points, target) u32 = crypto::bls_aggregate_g1;
        "bls12_381_aggregate_g2" (points, target) u32 = crypto::bls_aggregate_g2;
        "bls12_381_hash_to_g1" (hash, message, tag, target) u32 = crypto::bls_hash_to_g1;
        "bls12_381_hash_to_g2" (hash, message, tag, target) u32 = crypto::bls_hash_to_g2;
        "bls12_381_pairing_equality" (ps, qs, r, s) u32 = crypto::bls_pairing_equality;
        "db_next" (iterator) u32 = storage::next;
        "db_next_key" (iterator) u32 = storage::next_key;
        "db_next_value" (iterator) u32 = storage::next_value;
        "db_read" (key) u32 = storage::read;
        "db_remove" (key) () = storage::remove;
        "db_scan" (start, end, order) u32 = storage::scan;
        "db_write" (key, value) () = storage::write;
        "debug" (text) () = debug;
        "ed25519_batch_verify" (messages, signatures, keys) u32 = crypto::ed25519_batch_verify;
        "ed25519_verify" (message, signature, key) u32 = crypto::ed25519_verify;
        "query_chain" (request) u32 = query_chain;
        "secp256k1_recover_pubkey" (hash, signature, parity) u64 = crypto::secp256k1_recover;
        "secp256k1_verify" (hash, signature, key) u32 = crypto::secp256k1_verify;
        "secp256r1_recover_pubkey" (hash, signature, parity) u64 = crypto::secp256r1_recover;
        "secp256r1_verify" (hash, signature, key) u32 = crypto::secp256r1_verify;
    }
    Ok(linker)
}

/// Puts `bytes` into memory that the contract's own allocator gives, and tells where the region is.
fn give(env: Env<'_, '_>, bytes: &[u8]) -> Result<u32, Stop> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let pointer = State::allocate(env, length)?;
    write_region(env, pointer, bytes)?;
    Ok(pointer)
}

/// Ends the call with the contract's words.
fn abort(env: Env<'_, '_>, text: u32) -> Result<(), Stop> {
    let text = read_region(env, text, limits::MAX_ABORT)?;
    charge(env, costs::TEXT, text.len())?;
    Err(Stop::Fault(CallFault::Aborted(String::from_utf8_lossy(&text).into_owned())))
}

/// For whoever follows the node's log closely; it is no part of a result.
fn debug(env: Env<'_, '_>, text: u32) -> Result<(), Stop> {
    let text = read_region(env, text, limits::MAX_DEBUG)?;
    tracing::trace!(text = %String::from_utf8_lossy(&text), "a contract's debug message");
    Ok(())
}

fn query_chain(env: Env<'_, '_>, request: u32) -> Result<u32, Stop> {
    let request = read_region(env, request, limits::MAX_QUERY)?;
    let answer = State::ask(env, |host, fuel| host.query(&request, fuel))?;
    give(env, &answer)
}
