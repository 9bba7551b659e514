//! [`Programs`]: executables by their content, so that an ELF is loaded, verified and compiled once and not once a
//! transaction. A pure function of the ELF: it changes no result, whatever it holds.
//!
//! Solana's own cache goes by address and slot, and serves the wrong program where a slot was made twice (a soft block
//! that is void). So each transaction starts with an empty one of those, and gets from here exactly what the state
//! says at that moment.

use parking_lot::RwLock;
use solana_account::{AccountSharedData, ReadableAccount};
use solana_clock::Slot;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_program_runtime::invoke_context::InvokeContext;
use solana_program_runtime::loaded_programs::ProgramRuntimeEnvironment;
use solana_program_runtime::program_cache_entry::{
    DELAY_VISIBILITY_SLOT_OFFSET, ProgramCacheEntry, ProgramCacheEntryOwner, ProgramCacheEntryType,
};
use solana_program_runtime::solana_sbpf::elf::Executable;
use solana_program_runtime::solana_sbpf::verifier::RequisiteVerifier;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{bpf_loader, bpf_loader_deprecated, bpf_loader_upgradeable};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Most bytes of ELFs whose executables are kept; past it, the cache starts anew.
const CACHED_BYTES_MAX: usize = 48 << 20;

/// All that an executable's cache entry depends on: the loader, the bytes of its accounts, and their content.
type Name = (Pubkey, usize, [u8; 32]);

#[derive(Default)]
struct Cached {
    entries: HashMap<Name, Arc<ProgramCacheEntry>>,
    bytes: usize,
}

/// See the module.
pub(crate) struct Programs {
    environment: ProgramRuntimeEnvironment,
    jit: bool,
    cached: RwLock<Cached>,
}

/// An account's data, and the name of that content.
pub(crate) struct Content {
    pub(crate) account: AccountSharedData,
    pub(crate) hash: [u8; 32],
}

/// Where a program's ELF stands.
pub(crate) enum Source {
    /// In the account itself, since genesis.
    Itself(ProgramCacheEntryOwner),
    /// In the account with that address.
    ProgramData(Pubkey),
}

/// Whether accounts of that owner hold programs.
pub(crate) fn is_loader(owner: &Pubkey) -> bool {
    [bpf_loader::ID, bpf_loader_deprecated::ID, bpf_loader_upgradeable::ID].contains(owner)
}

/// Where the ELF of `account` stands; `None` where the account is no program with one.
pub(crate) fn source(account: &AccountSharedData) -> Option<Source> {
    match *account.owner() {
        bpf_loader::ID => Some(Source::Itself(ProgramCacheEntryOwner::LoaderV2)),
        bpf_loader_deprecated::ID => Some(Source::Itself(ProgramCacheEntryOwner::LoaderV1)),
        bpf_loader_upgradeable::ID => match bincode::deserialize(account.data()) {
            Ok(UpgradeableLoaderState::Program { programdata_address }) => {
                Some(Source::ProgramData(programdata_address))
            }
            _ => None,
        },
        _ => None,
    }
}

impl Programs {
    pub(crate) fn new(environment: ProgramRuntimeEnvironment, jit: bool) -> Self {
        Self { environment, jit, cached: RwLock::default() }
    }

    /// The executable of a program whose account holds the ELF.
    pub(crate) fn of_account(&self, owner: ProgramCacheEntryOwner, elf: &Content) -> Arc<ProgramCacheEntry> {
        let data = elf.account.data();
        let name = (*elf.account.owner(), data.len(), elf.hash);
        self.get(name, data.len(), || self.load(owner, 0, data, data.len()))
    }

    /// The executable of an upgradeable program; `None` where its second account holds none, as after a close.
    pub(crate) fn of_programdata(
        &self,
        program_len: usize,
        data: &Content,
    ) -> Option<Arc<ProgramCacheEntry>> {
        let account = &data.account;
        if !bpf_loader_upgradeable::check_id(account.owner()) {
            return None;
        }
        let state = bincode::deserialize(account.data()).ok()?;
        let UpgradeableLoaderState::ProgramData { slot, .. } = state else { return None };
        let elf = account.data().get(UpgradeableLoaderState::size_of_programdata_metadata()..)?;
        let size = program_len.saturating_add(account.data().len());
        let name = (*account.owner(), size, data.hash);
        Some(self.get(name, elf.len(), || self.load(ProgramCacheEntryOwner::LoaderV3, slot, elf, size)))
    }

    fn get(
        &self,
        name: Name,
        bytes: usize,
        load: impl FnOnce() -> ProgramCacheEntry,
    ) -> Arc<ProgramCacheEntry> {
        if let Some(entry) = self.cached.read().entries.get(&name) {
            return Arc::clone(entry);
        }
        let entry = Arc::new(load());
        let mut cached = self.cached.write();
        if cached.bytes.saturating_add(bytes) > CACHED_BYTES_MAX {
            *cached = Cached::default();
        }
        if cached.entries.insert(name, Arc::clone(&entry)).is_none() {
            cached.bytes = cached.bytes.saturating_add(bytes);
        }
        entry
    }

    /// As the processor would load it (`load_program_with_pubkey` of solana-svm), compiled only where we want that.
    fn load(&self, owner: ProgramCacheEntryOwner, slot: Slot, elf: &[u8], size: usize) -> ProgramCacheEntry {
        match self.executable(elf) {
            Some(executable) => ProgramCacheEntry {
                program: ProgramCacheEntryType::Loaded(executable),
                account_owner: owner,
                account_size: size,
                deployment_slot: slot,
                effective_slot: slot.saturating_add(DELAY_VISIBILITY_SLOT_OFFSET),
                stats: Arc::default(),
                latest_access_slot: AtomicU64::new(0),
            },
            None => {
                let failed = ProgramCacheEntryType::FailedVerification(self.environment.clone());
                ProgramCacheEntry::new_tombstone(slot, owner, failed)
            }
        }
    }

    fn executable(&self, elf: &[u8]) -> Option<Executable<InvokeContext<'static, 'static>>> {
        let executable = Executable::load(elf, Arc::clone(&*self.environment)).ok()?;
        executable.verify::<RequisiteVerifier>().ok()?;
        #[cfg(all(not(target_os = "windows"), target_arch = "x86_64"))]
        if self.jit {
            executable.jit_compile().ok()?;
        }
        Some(executable)
    }

    /// Forgets everything, as a restart does.
    #[cfg(test)]
    pub(crate) fn clear(&self) {
        *self.cached.write() = Cached::default();
    }
}
