//! The reference: cosmwasm-vm as wasmd uses it, with the module pinned and an instance for each call.

use super::{Call, Storage};
use cosmwasm_std::Order;
use cosmwasm_vm::testing::{MockQuerier, MockStorage};
use cosmwasm_vm::{
    Backend, BackendApi, BackendError, BackendResult, Cache, CacheOptions, GasInfo, InstanceOptions, Size,
    Storage as _, call_execute_raw,
};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use weft_types::Bytes;

/// More than a transfer needs, in units of a picosecond.
const GAS: u64 = 500_000_000_000;
/// wasmd's defaults.
const CACHE: Size = Size::mebi(100);
const MEMORY: Size = Size::mebi(32);

/// A symbol that cosmwasm-vm's engine names and newer compilers no longer have. Its compiler (singlepass) emits no calls
/// of it.
// SAFETY: nothing else defines this name, and a call would end the process.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn __rust_probestack() {
    std::process::abort();
}

/// What it took, and the storage after it.
pub(super) struct Reference {
    /// Making instances and dropping them.
    pub(super) instances: Duration,
    /// Arguments into the memory, the contract's code, storage, and the result out of the memory.
    pub(super) calls: Duration,
    pub(super) storage: Storage,
}

/// This chain's addresses.
#[derive(Clone)]
struct Addresses;

impl BackendApi for Addresses {
    fn addr_validate(&self, text: &str) -> BackendResult<()> {
        let (bytes, gas) = self.addr_canonicalize(text);
        (bytes.map(|_| ()), gas)
    }

    fn addr_canonicalize(&self, text: &str) -> BackendResult<Vec<u8>> {
        let bytes = weft_wasm::address::decode(text);
        (bytes.map_err(|error| BackendError::user_err(error.to_string())), GasInfo::free())
    }

    fn addr_humanize(&self, bytes: &[u8]) -> BackendResult<String> {
        (Ok(weft_wasm::address::encode(bytes)), GasInfo::free())
    }
}

pub(super) fn run(code: &[u8], before: &Storage, env: &[u8], calls: &[Call]) -> eyre::Result<Reference> {
    let dir = tempfile::tempdir()?;
    let capabilities: HashSet<String> =
        weft_wasm::CAPABILITIES.iter().map(|name| (*name).to_owned()).collect();
    let options = CacheOptions::new(dir.path(), capabilities, CACHE, MEMORY);
    // SAFETY: it reads machine code from the folder, which is new and this process' own.
    #[allow(unsafe_code)]
    let cache: Cache<Addresses, MockStorage, MockQuerier> = unsafe { Cache::new(options)? };
    let checksum = cache.store_code(code, true, true)?;
    cache.pin(&checksum)?;
    let mut storage = MockStorage::new();
    for (key, value) in before {
        storage.set(key, value).0?;
    }
    let mut backend = Backend { api: Addresses, storage, querier: MockQuerier::new(&[]) };
    let (mut making, mut calling) = (Duration::ZERO, Duration::ZERO);
    for call in calls {
        let start = Instant::now();
        let mut instance = cache.get_instance(&checksum, backend, InstanceOptions { gas_limit: GAS })?;
        let made = Instant::now();
        let result = call_execute_raw(&mut instance, env, &call.info, &call.msg)?;
        let called = Instant::now();
        let back = instance.recycle();
        making += made.duration_since(start) + called.elapsed();
        calling += called.duration_since(made);
        eyre::ensure!(result.starts_with(br#"{"ok":"#), "{}", String::from_utf8_lossy(&result));
        backend = back.ok_or_else(|| eyre::eyre!("an instance kept its backend"))?;
    }
    let all = backend.storage.scan(None, None, Order::Ascending).0?;
    let all = backend.storage.all(all).0?;
    let storage = all.into_iter().map(|(key, value)| (key, Bytes::from(value))).collect();
    Ok(Reference { instances: making, calls: calling, storage })
}
