//! The CosmWasm ABI on wasmtime: upload checks, instrumentation, compiled modules, imports and single calls.
//!
//! One call is one fresh instance: it gets the arguments, runs within its fuel and is dropped, whatever came
//! of it. State, queries and everything else of the chain is behind [`Host`].
//!
//! What it must not do: it knows no journal, no accounts and no messages; it never lets text of wasmtime, a
//! size of the machine that it runs on or an allocation that failed become a result; it runs no code that
//! [`Engine::check`] has not admitted.

mod cache;
mod check;
mod config;
mod costs;
mod disk;
mod fault;
mod host;
mod imports;
mod instance;
mod instrument;
mod iterators;
mod limits;
mod memory;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use weft_state::ReadError;

pub use check::{CodeError, CodeReport};
pub use fault::{CallFault, TrapKind};
pub use host::{Host, HostFault, Pair};
pub use limits::MAX_CODE_SIZE;

use cache::Runtime;
use config::Allocation;

/// How the engine of this node is set up. None of it changes a result.
#[derive(Clone, Debug, Default)]
pub struct EngineConfig {
    /// Where compiled modules are kept between runs; `None` keeps them in memory alone. Whoever can write here
    /// can run code in this process.
    pub cache_dir: Option<PathBuf>,
    /// Takes instances from a pool that is reserved at start, where there is the address space for it, rather
    /// than mapping each one.
    pub pooling: bool,
}

/// The engine could not be set up on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the Wasm engine cannot start: {0}")]
pub struct EngineError(String);

/// Checks and runs contracts; one per machine, shared by threads.
pub struct Engine {
    runtime: Runtime,
    cache_dir: Option<PathBuf>,
    /// Takes over where the pool has no instance left, so that load on this node never fails a call.
    spare: OnceLock<Runtime>,
}

impl Engine {
    /// Sets up wasmtime and the folder of compiled modules.
    ///
    /// # Errors
    /// [`EngineError`] where this processor cannot run wasmtime, or the folder cannot be made.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        let EngineConfig { cache_dir, pooling } = config;
        let runtime = if pooling { pooled(cache_dir.as_deref())? } else { None };
        let runtime = match runtime {
            Some(runtime) => runtime,
            None => Runtime::new(Allocation::OnDemand, cache_dir.as_deref())?,
        };
        Ok(Self { runtime, cache_dir, spare: OnceLock::new() })
    }

    /// Whether instances come from a pool: what was asked for, where this machine could give it.
    pub fn is_pooling(&self) -> bool {
        self.runtime.allocation() == Allocation::Pool
    }

    /// The check at upload: everything that a later call relies on, compilation included, which leaves the
    /// module in the caches. Pure in `(code, capabilities)`.
    ///
    /// # Errors
    /// [`CodeError`] says what is refused and why.
    pub fn check(&self, code: &[u8], capabilities: &BTreeSet<String>) -> Result<CodeReport, CodeError> {
        let report = Self::inspect(code, capabilities)?;
        self.compile(code)?;
        Ok(report)
    }

    /// The part of [`Self::check`] that comes before the compilation, and says what that will take.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn inspect(code: &[u8], capabilities: &BTreeSet<String>) -> Result<CodeReport, CodeError> {
        check::check(code, capabilities)
    }

    /// The rest of [`Self::check`]: compiles what was inspected, and leaves the module in the caches, under the hash that is
    /// returned: SHA-256 of the code.
    ///
    /// # Errors
    /// [`CodeError::Uncompilable`].
    pub fn compile(&self, code: &[u8]) -> Result<[u8; 32], CodeError> {
        let hash = Sha256::digest(code).into();
        self.runtime.load(hash, code).map_err(|_| CodeError::Uncompilable)?;
        Ok(hash)
    }

    /// Runs one entry point on a fresh instance.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails, or this machine cannot give what the call needs: the call has no
    /// result and must be abandoned with its block.
    pub fn call(&self, call: Call<'_>, host: &mut dyn Host) -> Result<CallResult, ReadError> {
        let module = self.runtime.load(call.code_hash, call.code)?;
        match instance::run(&module, &call, host)? {
            Some(result) => Ok(result),
            None => {
                let module = self.spare()?.load(call.code_hash, call.code)?;
                instance::run(&module, &call, host)?
                    .ok_or_else(|| ReadError("no Wasm instance could be made".to_owned()))
            }
        }
    }

    fn spare(&self) -> Result<&Runtime, ReadError> {
        if let Some(spare) = self.spare.get() {
            return Ok(spare);
        }
        let spare = Runtime::new(Allocation::OnDemand, self.cache_dir.as_deref())
            .map_err(|error| ReadError(error.to_string()))?;
        Ok(self.spare.get_or_init(|| spare))
    }
}

/// A runtime with a pool; `None` where there is no address space for one.
fn pooled(cache_dir: Option<&Path>) -> Result<Option<Runtime>, EngineError> {
    match config::engine(Allocation::Pool) {
        Ok(engine) => Runtime::with(engine, Allocation::Pool, cache_dir).map(Some),
        Err(error) => {
            // Containers and `ulimit -v` limit it. Calls are slower then, and nothing else.
            tracing::warn!(%error, "no pool of Wasm instances: each one is mapped on its own");
            Ok(None)
        }
    }
}

/// One call of an entry point.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// SHA-256 of the code as it was uploaded.
    pub code_hash: [u8; 32],
    /// The code. Every call has it, so that what a call reads of the state never depends on which modules this
    /// node has compiled.
    pub code: &'a [u8],
    /// What is called.
    pub entry: Entry,
    /// JSON of env, info and message, in the order of the entry. A contract whose `migrate` takes two gets the
    /// first two of three.
    pub args: &'a [&'a [u8]],
    /// What the call may use.
    pub fuel: u64,
    /// Whether a write to the storage stops the call.
    pub readonly: bool,
}

/// The entry points that the chain calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The first call of a contract.
    Instantiate,
    /// A message to it.
    Execute,
    /// A question; never writes.
    Query,
    /// The first call of another code under the same address.
    Migrate,
    /// A call by the chain itself.
    Sudo,
    /// What became of a submessage.
    Reply,
}

impl Entry {
    /// The name of the export.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instantiate => "instantiate",
            Self::Execute => "execute",
            Self::Query => "query",
            Self::Migrate => "migrate",
            Self::Sudo => "sudo",
            Self::Reply => "reply",
        }
    }

    /// How many arguments the newest contracts take.
    pub const fn args(self) -> usize {
        match self {
            Self::Instantiate | Self::Execute | Self::Migrate => 3,
            Self::Query | Self::Sudo | Self::Reply => 2,
        }
    }

    /// The longest result in bytes.
    pub const fn max_result(self) -> usize {
        limits::MAX_RESULT
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallResult {
    /// Never more than the call's fuel; all of it where it ran out.
    pub fuel_used: u64,
    /// The contract's JSON result as it left the memory, or why there is none.
    pub outcome: Result<Vec<u8>, CallFault>,
}
