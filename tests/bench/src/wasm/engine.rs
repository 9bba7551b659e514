//! Our engine alone, on the same calls over a map: what of the machine's time is instances, the contract's code, and
//! storage.

use super::{Call, Storage};
use std::time::{Duration, Instant};
use weft_types::Bytes;
use weft_wasm::engine::{self, CallFault, Engine, EngineConfig, Entry, Host, HostFault};

/// More than a transfer needs.
const FUEL: u64 = 1_000_000_000;
const STACK: usize = 192 << 20;

/// What it took, and the storage after it.
pub(super) struct Alone {
    /// All calls as a whole.
    pub(super) calls: Duration,
    /// As many instances, made and dropped.
    pub(super) instances: Duration,
    /// In the host.
    pub(super) host: Duration,
    pub(super) storage: Storage,
}

impl Alone {
    /// What is neither instances nor the host.
    pub(super) fn code(&self) -> Duration {
        self.calls.saturating_sub(self.instances).saturating_sub(self.host)
    }
}

struct Memory {
    entries: Storage,
    time: Duration,
}

impl Memory {
    fn time<T>(&mut self, work: impl FnOnce(&mut Storage) -> T) -> Result<(u64, T), HostFault> {
        let start = Instant::now();
        let result = work(&mut self.entries);
        self.time += start.elapsed();
        Ok((0, result))
    }
}

impl Host for Memory {
    fn get(&mut self, key: &[u8], _: u64) -> Result<(u64, Option<Bytes>), HostFault> {
        self.time(|entries| entries.get(key).cloned())
    }

    fn set(&mut self, key: &[u8], value: &[u8], _: u64) -> Result<u64, HostFault> {
        self.time(|entries| entries.insert(key.to_vec(), Bytes::copy_from_slice(value))).map(|(used, _)| used)
    }

    fn remove(&mut self, key: &[u8], _: u64) -> Result<u64, HostFault> {
        self.time(|entries| entries.remove(key)).map(|(used, _)| used)
    }

    /// No transfer scans.
    fn range(
        &mut self,
        _: &[u8],
        _: Option<&[u8]>,
        _: bool,
        _: usize,
        _: u64,
    ) -> Result<(u64, Vec<(Vec<u8>, Bytes)>), HostFault> {
        Err(HostFault::OutOfFuel)
    }

    /// No transfer asks.
    fn query(&mut self, _: &[u8], _: u64) -> Result<(u64, Vec<u8>), HostFault> {
        Err(HostFault::OutOfFuel)
    }
}

/// On a thread with a stack as large as a block's, so that none is made for each call.
pub(super) fn run(code: &[u8], before: Storage, env: &[u8], calls: &[Call]) -> eyre::Result<Alone> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || run_here(code, before, env, calls))?;
        thread.join().map_err(|_| eyre::eyre!("the engine panicked"))?
    })
}

fn run_here(code: &[u8], before: Storage, env: &[u8], calls: &[Call]) -> eyre::Result<Alone> {
    let engine = Engine::new(EngineConfig { cache_dir: None, pooling: true })?;
    engine.check(code, &weft_wasm::CAPABILITIES.iter().map(|name| (*name).to_owned()).collect())?;
    let code_hash = weft_types::hash::sha256("", &[code]).0;
    let mut host = Memory { entries: before, time: Duration::ZERO };
    let mut run = |entry, args: &[&[u8]]| {
        let call = engine::Call { code_hash, code, entry, args, fuel: FUEL, readonly: false };
        engine.call(call, &mut host)
    };
    let start = Instant::now();
    for call in calls {
        let result = run(Entry::Execute, &[env, &call.info, &call.msg])?.outcome?;
        eyre::ensure!(result.starts_with(br#"{"ok":"#), "{}", String::from_utf8_lossy(&result));
    }
    let whole = start.elapsed();
    // The contract has no such entry point: an instance is made, asked for it and dropped.
    let start = Instant::now();
    for _ in calls {
        let result = run(Entry::Sudo, &[])?.outcome;
        eyre::ensure!(matches!(result, Err(CallFault::MissingEntry(_))), "the contract has sudo");
    }
    let instances = start.elapsed();
    Ok(Alone { calls: whole, instances, host: host.time, storage: host.entries })
}
