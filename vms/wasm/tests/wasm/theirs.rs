//! A contract in cosmwasm-vm: compiled once, a fresh instance for each call, as its chains run it.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use cosmwasm_std::{Checksum, Order};
use cosmwasm_vm::testing::{MockQuerier, MockStorage};
use cosmwasm_vm::{
    Backend, BackendApi, BackendError, BackendResult, Cache, CacheOptions, GasInfo, InstanceOptions, Size,
    Storage as _, VmError, call_execute_raw, call_instantiate_raw, call_migrate_raw,
    call_migrate_with_info_raw, call_query_raw, call_sudo_raw,
};
use tempfile::TempDir;
use weft_wasm::engine::Entry;

use crate::both::Kind;

/// More than any call here needs that ends by itself, and soon used up by one that does not.
const GAS: u64 = 200_000_000_000;
const MEMORY: Size = Size::mebi(32);

/// This chain's addresses in cosmwasm-vm, with this engine's words for what is none.
#[derive(Clone)]
struct Addresses;

impl BackendApi for Addresses {
    fn addr_validate(&self, text: &str) -> BackendResult<()> {
        let (bytes, gas) = self.addr_canonicalize(text);
        (bytes.map(|_| ()), gas)
    }

    fn addr_canonicalize(&self, text: &str) -> BackendResult<Vec<u8>> {
        let bytes = weft_wasm::address::decode(text);
        (bytes.map_err(|_| BackendError::user_err("Input is not a valid address")), GasInfo::free())
    }

    fn addr_humanize(&self, bytes: &[u8]) -> BackendResult<String> {
        let text = match bytes.len() {
            0 => Err(BackendError::user_err("Input is empty")),
            20 | 32 => Ok(weft_wasm::address::encode(bytes)),
            _ => Err(BackendError::user_err("Input has no length of an address")),
        };
        (text, GasInfo::free())
    }
}

type Modules = Cache<Addresses, MockStorage, MockQuerier>;

/// See the module.
pub struct Theirs {
    cache: Modules,
    checksum: Checksum,
    storage: Option<MockStorage>,
    /// Of the cache.
    _folder: TempDir,
}

impl Theirs {
    pub fn new(code: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = CacheOptions::new(folder.path(), HashSet::new(), Size::mebi(200), MEMORY);
        let cache = modules(options);
        let checksum = cache.store_code(code, false, true).expect("a contract");
        Self { cache, checksum, storage: Some(MockStorage::new()), _folder: folder }
    }

    /// Runs a call; what it wrote stays, even where it failed.
    pub fn call(&mut self, entry: Entry, args: &[&[u8]], readonly: bool) -> Result<Vec<u8>, Kind> {
        let storage = self.storage.take().expect("a storage");
        let backend = Backend { api: Addresses, storage, querier: MockQuerier::new(&[]) };
        let options = InstanceOptions { gas_limit: GAS };
        let mut instance = self.cache.get_instance(&self.checksum, backend, options).expect("an instance");
        instance.set_storage_readonly(readonly);
        let instance_ref = &mut instance;
        let result = match (entry, args) {
            (Entry::Instantiate, [env, info, msg]) => call_instantiate_raw(instance_ref, env, info, msg),
            (Entry::Execute, [env, info, msg]) => call_execute_raw(instance_ref, env, info, msg),
            (Entry::Query, [env, msg]) => call_query_raw(instance_ref, env, msg),
            (Entry::Sudo, [env, msg]) => call_sudo_raw(instance_ref, env, msg),
            (Entry::Migrate, [env, msg, info]) => {
                match call_migrate_with_info_raw(instance_ref, env, msg, info) {
                    Err(VmError::FunctionArityMismatch { .. }) => call_migrate_raw(instance_ref, env, msg),
                    result => result,
                }
            }
            _ => panic!("no test calls {entry:?} with {} arguments", args.len()),
        };
        self.storage = instance.recycle().map(|backend| backend.storage);
        result.map_err(kind)
    }

    /// All that is stored.
    pub fn entries(&mut self) -> BTreeMap<Vec<u8>, Bytes> {
        let storage = self.storage.as_mut().expect("a storage");
        let iterator = storage.scan(None, None, Order::Ascending).0.expect("an iterator");
        let all = storage.all(iterator).0.expect("all entries");
        all.into_iter().map(|(key, value)| (key, Bytes::from(value))).collect()
    }

    /// Stores `entries` and nothing else.
    pub fn set_entries(&mut self, entries: &BTreeMap<Vec<u8>, Bytes>) {
        let mut storage = MockStorage::new();
        for (key, value) in entries {
            storage.set(key, value).0.expect("the mock takes all");
        }
        self.storage = Some(storage);
    }
}

#[allow(unsafe_code)]
fn modules(options: CacheOptions) -> Modules {
    // SAFETY: nobody else writes the folder, which was made for this cache.
    unsafe { Cache::new(options) }.expect("a cache")
}

/// An error of an import comes out of cosmwasm-vm as text within the text of the engine's error.
fn kind(error: VmError) -> Kind {
    if matches!(error, VmError::GasDepletion { .. }) {
        return Kind::OutOfGas;
    }
    let text = error.to_string();
    let has = |part: &str| text.contains(part);
    if let Some((_, text)) = text.split_once("Aborted: ") {
        Kind::Aborted(text.to_owned())
    } else if has("Ran out of gas") {
        Kind::OutOfGas
    } else if has("unreachable") {
        Kind::Unreachable
    } else if has("call stack exhausted") {
        Kind::StackHeight
    } else if has("out of bounds")
        || has("divide by zero")
        || has("integer overflow")
        || has("invalid conversion to integer")
        || has("indirect call")
    {
        Kind::Trap
    } else if has("Missing export") {
        Kind::Missing
    } else if has("Must not call a writing storage function") {
        Kind::ReadOnly
    } else if has("Region length too big") {
        Kind::RegionTooLong
    } else {
        Kind::Other(text)
    }
}
