//! What the targets of the Wasm machine share: both engines, and what a call gave in both.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use weft_wasm::CAPABILITIES;
use weft_wasm::engine::{Call, CallResult, Engine, EngineConfig, Entry, Host, HostFault};

/// What a call may use: enough to get far, little enough to be done soon.
const FUEL: u64 = 400_000;
const ACCESS: u64 = 500;

/// With instances from a pool and with bounds checks in the code: they compile differently.
static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    [true, false].map(|pooling| Engine::new(EngineConfig { cache_dir: None, pooling }).expect("an engine"))
});

static OFFERED: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| CAPABILITIES.iter().map(|name| (*name).to_owned()).collect());

/// A storage in memory; a question is answered with itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Memory(BTreeMap<Vec<u8>, Bytes>);

impl Host for Memory {
    fn get(&mut self, key: &[u8], _: u64) -> Result<(u64, Option<Bytes>), HostFault> {
        Ok((ACCESS, self.0.get(key).cloned()))
    }

    fn set(&mut self, key: &[u8], value: &[u8], _: u64) -> Result<u64, HostFault> {
        self.0.insert(key.to_vec(), Bytes::copy_from_slice(value));
        Ok(ACCESS)
    }

    fn remove(&mut self, key: &[u8], _: u64) -> Result<u64, HostFault> {
        self.0.remove(key);
        Ok(ACCESS)
    }

    fn range(
        &mut self,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        limit: usize,
        _: u64,
    ) -> Result<(u64, Vec<(Vec<u8>, Bytes)>), HostFault> {
        let all = self.0.iter().filter(|(key, _)| &key[..] >= from && to.is_none_or(|to| &key[..] < to));
        let mut pairs: Vec<_> = all.map(|(key, value)| (key.clone(), value.clone())).collect();
        if descending {
            pairs.reverse();
        }
        pairs.truncate(limit);
        Ok((ACCESS, pairs))
    }

    fn query(&mut self, request: &[u8], _: u64) -> Result<(u64, Vec<u8>), HostFault> {
        Ok((ACCESS, request.to_vec()))
    }
}

/// Checks `code` in both engines, and where it is admitted calls all that it exports. Whether it was.
pub fn run(code: &[u8]) -> bool {
    let [one, other] = &*ENGINES;
    let checked = one.check(code, &OFFERED);
    assert_eq!(checked, other.check(code, &OFFERED), "the verdict is the same on every node");
    if checked.is_err() {
        return false;
    }
    let hash = Sha256::digest(code).into();
    let mut memories = [Memory::default(), Memory::default()];
    for entry in [Entry::Instantiate, Entry::Execute, Entry::Query, Entry::Migrate, Entry::Sudo, Entry::Reply]
    {
        let args: [&[u8]; 3] = [b"{\"block\":{}}", b"{\"sender\":\"\"}", b"{\"ping\":{}}"];
        let args = &args[..entry.args()];
        let call = Call { code_hash: hash, code, entry, args, fuel: FUEL, readonly: entry == Entry::Query };
        let [first, second] = &mut memories;
        let results: [CallResult; 2] =
            [one.call(call, first).expect("a result"), other.call(call, second).expect("a result")];
        assert_eq!(results[0], results[1], "{entry:?}");
        assert!(results[0].fuel_used <= FUEL);
        assert_eq!(memories[0], memories[1], "{entry:?}");
    }
    true
}
