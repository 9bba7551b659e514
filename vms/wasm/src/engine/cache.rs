//! Compiled modules, bounded in memory, with those on disk behind them.
//!
//! Nothing about a result depends on where a module came from, and nothing that a call reads of the state does.

use std::path::Path;
use std::sync::Arc;

use moka::sync::Cache;
use wasmtime::{Engine, ExternType, InstancePre, Linker, Module};
use weft_state::ReadError;

use super::config::Allocation;
use super::disk::Folder;
use super::instance::State;
use super::instrument::instrument;
use super::limits::PAGE_SIZE;
use super::{EngineError, config, imports};

/// What modules may take in memory: their code, and what their instances' memories begin with.
const MEMORY_BYTES: u64 = 512 * 1024 * 1024;

/// A module ready to be instantiated.
pub(super) type Ready = Arc<InstancePre<State>>;

/// One wasmtime with its modules.
pub(super) struct Runtime {
    engine: Engine,
    allocation: Allocation,
    linker: Linker<State>,
    modules: Cache<[u8; 32], (Ready, u32)>,
    folder: Option<Folder>,
}

impl Runtime {
    pub(super) fn new(allocation: Allocation, cache_dir: Option<&Path>) -> Result<Self, EngineError> {
        Self::with(config::engine(allocation)?, allocation, cache_dir)
    }

    pub(super) fn with(
        engine: Engine,
        allocation: Allocation,
        cache_dir: Option<&Path>,
    ) -> Result<Self, EngineError> {
        let linker = imports::linker(&engine).map_err(|error| EngineError(format!("{error:#}")))?;
        let modules = Cache::builder()
            .weigher(|_: &[u8; 32], (_, size): &(Ready, u32)| *size)
            .max_capacity(MEMORY_BYTES)
            .build();
        let folder = cache_dir.map(|root| Folder::open(root, &engine)).transpose()?;
        Ok(Self { engine, allocation, linker, modules, folder })
    }

    pub(super) fn allocation(&self) -> Allocation {
        self.allocation
    }

    /// The module of `code`, which has this hash, compiled where no cache has it.
    pub(super) fn load(&self, hash: [u8; 32], code: &[u8]) -> Result<Ready, ReadError> {
        // Threads that want the same module wait for one of them to make it.
        self.modules
            .try_get_with(hash, || self.make(&hash, code))
            .map(|(module, _)| module)
            .map_err(|error: Arc<ReadError>| ReadError(error.0.clone()))
    }

    fn make(&self, hash: &[u8; 32], code: &[u8]) -> Result<(Ready, u32), ReadError> {
        let kept = self.folder.as_ref().and_then(|folder| folder.read(&self.engine, hash));
        let module = match kept {
            Some(module) => module,
            None => {
                let module = self.compile(code)?;
                if let Some(folder) = &self.folder {
                    folder.write(hash, &module);
                }
                module
            }
        };
        let weight = weight(&module);
        let ready = self
            .linker
            .instantiate_pre(&module)
            .map_err(|error| ReadError(format!("a checked contract does not link: {error:#}")))?;
        Ok((Arc::new(ready), weight))
    }

    /// The check has compiled the same code, so a failure here is this machine's.
    fn compile(&self, code: &[u8]) -> Result<Module, ReadError> {
        let code = instrument(code)
            .map_err(|_| ReadError("a checked contract could not be read again".to_owned()))?;
        Module::from_binary(&self.engine, &code)
            .map_err(|error| ReadError(format!("a checked contract does not compile: {error:#}")))
    }
}

/// What a module takes: a small one may begin with a large memory, which is kept ready as an image.
fn weight(module: &Module) -> u32 {
    let range = module.image_range();
    let code = (range.end as usize).saturating_sub(range.start as usize);
    let pages = match module.get_export("memory") {
        Some(ExternType::Memory(memory)) => usize::try_from(memory.minimum()).unwrap_or(usize::MAX),
        _ => 0,
    };
    u32::try_from(code.saturating_add(pages.saturating_mul(PAGE_SIZE))).unwrap_or(u32::MAX)
}
