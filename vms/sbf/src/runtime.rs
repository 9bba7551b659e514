//! [`Runtime`]: what all blocks under one rule set share: features, system calls, built-in programs, and processors
//! that are made for a block.

use crate::programs::Programs;
use crate::spec::{self, SpecError};
use crate::sysvars::{self, LAMPORTS_PER_SIGNATURE};
use agave_feature_set::FeatureSet;
use agave_reserved_account_keys::ReservedAccountKeys;
use solana_account::AccountSharedData;
use solana_clock::Slot;
use solana_compute_budget::compute_budget::ComputeBudget;
use solana_hash::Hash;
use solana_program_runtime::invoke_context::BuiltinFunctionRegisterer;
use solana_program_runtime::loaded_programs::{
    BlockRelation, ForkGraph, ProgramCache, ProgramRuntimeEnvironment, ProgramRuntimeEnvironments,
};
use solana_program_runtime::program_cache_entry::ProgramCacheEntry;
use solana_program_runtime::solana_sbpf::program::BuiltinFunctionDefinition;
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use solana_sdk_ids::{
    bpf_loader, bpf_loader_deprecated, bpf_loader_upgradeable, compute_budget, ed25519_program,
    secp256k1_program, secp256r1_program, system_program,
};
use solana_svm::transaction_processor::{TransactionBatchProcessor, TransactionProcessingEnvironment};
use solana_svm_callback::{InvokeContextCallback, TransactionProcessingCallback};
use solana_svm_feature_set::SVMFeatureSet;
use std::sync::{Arc, RwLock};

pub(crate) type Processor = TransactionBatchProcessor<Line>;

/// A chain without forks: a lower slot is an ancestor. What a fork of ours would change never meets here, since no
/// program outlives its transaction in a processor (see [`crate::programs`]).
#[derive(Debug)]
pub(crate) struct Line;

impl ForkGraph for Line {
    fn relationship(&self, a: Slot, b: Slot) -> BlockRelation {
        match a.cmp(&b) {
            std::cmp::Ordering::Less => BlockRelation::Ancestor,
            std::cmp::Ordering::Equal => BlockRelation::Equal,
            std::cmp::Ordering::Greater => BlockRelation::Descendant,
        }
    }
}

/// Built-in programs: the name is their account's data.
pub(crate) const BUILTINS: [(Pubkey, &str); 5] = [
    (system_program::ID, "system_program"),
    (bpf_loader_deprecated::ID, "solana_bpf_loader_deprecated_program"),
    (bpf_loader::ID, "solana_bpf_loader_program"),
    (bpf_loader_upgradeable::ID, "solana_bpf_loader_upgradeable_program"),
    (compute_budget::ID, "compute_budget_program"),
];

/// Programs that verify signatures and have no code.
pub(crate) const PRECOMPILES: [Pubkey; 3] =
    [ed25519_program::ID, secp256k1_program::ID, secp256r1_program::ID];

/// Most accounts that one transaction locks.
pub(crate) const ACCOUNT_LOCKS_MAX: usize = 64;

fn entrypoint(program: &Pubkey) -> BuiltinFunctionRegisterer {
    match *program {
        system_program::ID => solana_system_program::system_processor::Entrypoint::register,
        compute_budget::ID => solana_compute_budget_program::Entrypoint::register,
        _ => solana_bpf_loader_program::Entrypoint::register,
    }
}

/// See the module.
pub(crate) struct Runtime {
    pub(crate) features: FeatureSet,
    pub(crate) svm_features: SVMFeatureSet,
    pub(crate) reserved: ReservedAccountKeys,
    pub(crate) rent: Rent,
    pub(crate) environment: ProgramRuntimeEnvironment,
    pub(crate) programs: Programs,
    template: Processor,
    line: Arc<RwLock<Line>>,
}

impl Runtime {
    /// The runtime of the rule set `name`. With `jit`, programs run as machine code where the platform has that.
    pub(crate) fn new(name: &str, jit: bool) -> Result<Self, SpecError> {
        let features = spec::features(name)?;
        let svm_features = features.runtime_features();
        let budget = ComputeBudget::new_with_defaults(svm_features.raise_cpi_nesting_limit_to_8);
        let environment = solana_syscalls::create_program_runtime_environment(
            &svm_features,
            &budget.to_budget(),
            false,
            false,
        )
        .map_err(|error| SpecError::Refused(name.into(), error.to_string()))?;
        let mut reserved = ReservedAccountKeys::default();
        reserved.update_active_set(&features);
        let line = Arc::new(RwLock::new(Line));
        let mut template = Processor::new_uninitialized(0, 0);
        template.set_program_runtime_environment(environment.clone());
        if let Ok(mut cache) = template.global_program_cache.write() {
            cache.set_fork_graph(Arc::downgrade(&line));
        }
        for (program, name) in BUILTINS {
            template
                .add_builtin(program, ProgramCacheEntry::new_builtin(0, name.len(), entrypoint(&program)));
        }
        Ok(Self {
            programs: Programs::new(environment.clone(), jit),
            rent: spec::rent(),
            features,
            svm_features,
            reserved,
            environment,
            template,
            line,
        })
    }

    /// A processor for transactions at `slot`, with a program cache of its own and the sysvars of `callbacks`.
    pub(crate) fn processor<C: TransactionProcessingCallback>(&self, slot: Slot, sysvars: &C) -> Processor {
        let epoch = sysvars::epoch_schedule().get_epoch(slot);
        let mut processor = self.template.new_from(slot, epoch);
        processor.global_program_cache = Arc::new(RwLock::new(self.program_cache(slot)));
        processor.fill_missing_sysvar_cache_entries(sysvars);
        processor
    }

    /// A cache with nothing in it.
    pub(crate) fn program_cache(&self, slot: Slot) -> ProgramCache<Line> {
        let mut cache = ProgramCache::new(slot);
        cache.set_fork_graph(Arc::downgrade(&self.line));
        cache
    }

    /// What transactions run in, in the block after the one that `blockhash` names.
    pub(crate) fn environment(&self, blockhash: Hash) -> TransactionProcessingEnvironment {
        TransactionProcessingEnvironment {
            blockhash,
            blockhash_lamports_per_signature: LAMPORTS_PER_SIGNATURE,
            alpenglow_migration_succeeded: false,
            epoch_total_stake: 0,
            feature_set: self.svm_features,
            program_runtime_environments: ProgramRuntimeEnvironments::new(
                self.environment.clone(),
                self.environment.clone(),
            ),
            rent: self.rent.clone(),
        }
    }
}

/// The sysvars of a block as a processor asks for them.
pub(crate) struct SysvarAccounts<'a>(pub(crate) &'a sysvars::Sysvars);

impl InvokeContextCallback for SysvarAccounts<'_> {}

impl TransactionProcessingCallback for SysvarAccounts<'_> {
    fn get_account_shared_data(&self, pubkey: &Pubkey) -> Option<(AccountSharedData, Slot)> {
        Some((self.0.account(pubkey, 1)?, 0))
    }
}
