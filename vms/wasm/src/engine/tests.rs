//! Small contracts written by hand; tests/wasm has real ones.

mod caches;
mod calls;
mod checks;
mod storage;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use weft_state::ReadError;

use super::host::{Host, HostFault};
use super::{Call, CallResult, Engine, EngineConfig, Entry};

pub(super) const FUEL: u64 = 50_000_000;

/// A storage in memory; every access costs 100.
#[derive(Default)]
pub(super) struct TestHost {
    pub(super) entries: BTreeMap<Vec<u8>, Bytes>,
    pub(super) ranges: usize,
    pub(super) broken: bool,
}

const ACCESS: u64 = 100;

impl TestHost {
    fn pay(&self, fuel: u64) -> Result<u64, HostFault> {
        if self.broken {
            return Err(HostFault::Read(ReadError("the store is broken".to_owned())));
        }
        if fuel < ACCESS { Err(HostFault::OutOfFuel) } else { Ok(ACCESS) }
    }
}

impl Host for TestHost {
    fn get(&mut self, key: &[u8], fuel: u64) -> Result<(u64, Option<Bytes>), HostFault> {
        Ok((self.pay(fuel)?, self.entries.get(key).cloned()))
    }

    fn set(&mut self, key: &[u8], value: &[u8], fuel: u64) -> Result<u64, HostFault> {
        self.entries.insert(key.to_vec(), Bytes::copy_from_slice(value));
        self.pay(fuel)
    }

    fn remove(&mut self, key: &[u8], fuel: u64) -> Result<u64, HostFault> {
        self.entries.remove(key);
        self.pay(fuel)
    }

    fn range(
        &mut self,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        limit: usize,
        fuel: u64,
    ) -> Result<(u64, Vec<(Vec<u8>, Bytes)>), HostFault> {
        self.ranges += 1;
        let fits = |key: &[u8]| key >= from && to.is_none_or(|to| key < to);
        let mut pairs: Vec<_> = self
            .entries
            .iter()
            .filter(|(key, _)| fits(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if descending {
            pairs.reverse();
        }
        pairs.truncate(limit);
        Ok((self.pay(fuel)?, pairs))
    }

    fn query(&mut self, request: &[u8], fuel: u64) -> Result<(u64, Vec<u8>), HostFault> {
        let mut answer = request.to_vec();
        answer.reverse();
        Ok((self.pay(fuel)?, answer))
    }
}

/// A contract around `imports` and `body`: an allocator that never frees, and functions that make regions.
pub(super) fn contract(imports: &str, body: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {imports}
            (memory (export "memory") 17)
            (global $next (mut i32) (i32.const 65536))
            (func (export "interface_version_8"))
            (func $allocate (export "allocate") (param $length i32) (result i32)
                (local $region i32)
                (local.set $region (global.get $next))
                (i32.store (local.get $region) (i32.add (local.get $region) (i32.const 12)))
                (i32.store offset=4 (local.get $region) (local.get $length))
                (i32.store offset=8 (local.get $region) (i32.const 0))
                (global.set $next
                    (i32.add (local.get $region) (i32.add (local.get $length) (i32.const 12))))
                (local.get $region))
            (func (export "deallocate") (param i32))
            ;; A region of `length` bytes at `offset`, which are there already.
            (func $region (param $offset i32) (param $length i32) (result i32)
                (local $region i32)
                (local.set $region (call $allocate (i32.const 0)))
                (i32.store (local.get $region) (local.get $offset))
                (i32.store offset=4 (local.get $region) (local.get $length))
                (i32.store offset=8 (local.get $region) (local.get $length))
                (local.get $region))
            ;; A region with one number of four bytes.
            (func $number (param $number i32) (result i32)
                (local $region i32)
                (local.set $region (call $allocate (i32.const 4)))
                (i32.store offset=12 (local.get $region) (local.get $number))
                (i32.store offset=8 (local.get $region) (i32.const 4))
                (local.get $region))
            {body})"#
    );
    wat::parse_str(text).expect("valid text")
}

/// A contract whose `query` is `body`, with parameters `$env` and `$msg`.
pub(super) fn query(imports: &str, body: &str) -> Vec<u8> {
    let body = format!(r#"(func (export "query") (param $env i32) (param $msg i32) (result i32) {body})"#);
    contract(imports, &body)
}

pub(super) fn engine(pooling: bool) -> Engine {
    Engine::new(EngineConfig { cache_dir: None, pooling }).expect("an engine")
}

pub(super) fn hash(code: &[u8]) -> [u8; 32] {
    Sha256::digest(code).into()
}

/// Checks `code` and calls its `query` with `{}` and `msg`.
pub(super) fn call(engine: &Engine, code: &[u8], host: &mut TestHost, msg: &[u8]) -> CallResult {
    engine.check(code, &BTreeSet::new()).expect("an admitted contract");
    try_call(engine, code, host, msg, FUEL).expect("a result")
}

pub(super) fn try_call(
    engine: &Engine,
    code: &[u8],
    host: &mut TestHost,
    msg: &[u8],
    fuel: u64,
) -> Result<CallResult, ReadError> {
    let args: [&[u8]; 2] = [b"{}", msg];
    engine.call(query_of(code, &args, fuel), host)
}

/// A call of `query` of `code`.
pub(super) fn query_of<'a>(code: &'a [u8], args: &'a [&'a [u8]], fuel: u64) -> Call<'a> {
    Call { code_hash: hash(code), code, entry: Entry::Query, args, fuel, readonly: false }
}

/// What `query` of `code` gives as a number.
pub(super) fn number(engine: &Engine, code: &[u8], host: &mut TestHost) -> u32 {
    let bytes = call(engine, code, host, b"{}").outcome.expect("a number");
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}
