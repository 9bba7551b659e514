//! The reference: decode and verify signatures on all cores, then solana-svm's `TransactionBatchProcessor` over a map
//! of accounts in memory, in batches of 64 on one thread, recording nothing.

use agave_feature_set::FeatureSet;
use rayon::prelude::*;
use solana_account::AccountSharedData;
use solana_clock::Slot;
use solana_compute_budget::compute_budget::ComputeBudget;
use solana_compute_budget_instruction::instructions_processor::process_compute_budget_instructions;
use solana_fee::{FeeFeatures, calculate_fee_details};
use solana_hash::Hash;
use solana_message::SimpleAddressLoader;
use solana_program_runtime::loaded_programs::{BlockRelation, ForkGraph, ProgramRuntimeEnvironments};
use solana_program_runtime::program_cache_entry::ProgramCacheEntry;
use solana_program_runtime::solana_sbpf::program::BuiltinFunctionDefinition;
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use solana_sdk_ids::{bpf_loader, bpf_loader_upgradeable, system_program, sysvar};
use solana_svm::account_loader::{CheckedTransactionDetails, TransactionCheckResult};
use solana_svm::transaction_processing_result::ProcessedTransaction;
use solana_svm::transaction_processor::{
    TransactionBatchProcessor, TransactionProcessingConfig, TransactionProcessingEnvironment,
};
use solana_svm_callback::{InvokeContextCallback, TransactionProcessingCallback};
use solana_svm_transaction::svm_message::{SVMMessage, SVMStaticMessage};
use solana_transaction::sanitized::{MessageHash, SanitizedTransaction};
use solana_transaction::versioned::VersionedTransaction;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};
use weft_types::Transaction;

const BATCH: usize = 64;
/// Where the processor runs: past the slot at which genesis' programs become visible.
const SLOT: Slot = 100;

/// Sysvars that the processor reads.
pub const SYSVARS: [Pubkey; 7] = [
    sysvar::clock::ID,
    sysvar::epoch_rewards::ID,
    sysvar::epoch_schedule::ID,
    sysvar::last_restart_slot::ID,
    sysvar::rent::ID,
    sysvar::slot_hashes::ID,
    sysvar::stake_history::ID,
];

/// Sysvars differ between the first block and the last, and nobody writes them back here.
pub fn is_sysvar(key: &Pubkey) -> bool {
    SYSVARS.contains(key)
}

/// What it took, and the accounts after it.
pub struct Bare {
    pub check: Duration,
    pub execute: Duration,
    pub accounts: HashMap<Pubkey, AccountSharedData>,
}

/// A chain without forks.
struct Line;

impl ForkGraph for Line {
    fn relationship(&self, a: Slot, b: Slot) -> BlockRelation {
        match a.cmp(&b) {
            std::cmp::Ordering::Less => BlockRelation::Ancestor,
            std::cmp::Ordering::Equal => BlockRelation::Equal,
            std::cmp::Ordering::Greater => BlockRelation::Descendant,
        }
    }
}

struct Accounts(HashMap<Pubkey, AccountSharedData>);

impl InvokeContextCallback for Accounts {}

impl TransactionProcessingCallback for Accounts {
    fn get_account_shared_data(&self, key: &Pubkey) -> Option<(AccountSharedData, Slot)> {
        self.0.get(key).map(|account| (account.clone(), 0))
    }
}

impl Accounts {
    fn keep(
        &mut self,
        transaction: &SanitizedTransaction,
        processed: ProcessedTransaction,
    ) -> eyre::Result<()> {
        let ProcessedTransaction::Executed(executed) = processed else {
            eyre::bail!("a transfer paid alone")
        };
        executed.execution_details.status.clone()?;
        let loaded = executed.loaded_transaction;
        for (index, (key, account)) in loaded.accounts.into_iter().enumerate() {
            if loaded.touched_flags[index] && SVMMessage::is_writable(transaction, index) {
                self.0.insert(key, account);
            }
        }
        Ok(())
    }
}

/// A processor with what transfers need.
struct Processor {
    processor: TransactionBatchProcessor<Line>,
    environment: TransactionProcessingEnvironment,
    features: FeatureSet,
    /// The processor holds it weakly.
    _line: Arc<RwLock<Line>>,
}

impl Processor {
    fn new(accounts: &Accounts) -> eyre::Result<Self> {
        let features = weft_sbf::spec::features(weft_sbf::NEWEST_SPEC)?;
        let svm_features = features.runtime_features();
        let budget = ComputeBudget::new_with_defaults(svm_features.raise_cpi_nesting_limit_to_8);
        let runtime = solana_syscalls::create_program_runtime_environment(
            &svm_features,
            &budget.to_budget(),
            false,
            false,
        )
        .map_err(|error| eyre::eyre!("{error}"))?;
        let line = Arc::new(RwLock::new(Line));
        let mut first = TransactionBatchProcessor::new_uninitialized(0, 0);
        first.set_program_runtime_environment(runtime.clone());
        first.global_program_cache.write().expect("one thread").set_fork_graph(Arc::downgrade(&line));
        let system = solana_system_program::system_processor::Entrypoint::register;
        let loader = solana_bpf_loader_program::Entrypoint::register;
        first.add_builtin(system_program::ID, ProgramCacheEntry::new_builtin(0, 14, system));
        for id in [bpf_loader::ID, bpf_loader_upgradeable::ID] {
            first.add_builtin(id, ProgramCacheEntry::new_builtin(0, 20, loader));
        }
        let processor = first.new_from(SLOT, 0);
        processor.fill_missing_sysvar_cache_entries(accounts);
        let environment = TransactionProcessingEnvironment {
            blockhash: Hash::default(),
            blockhash_lamports_per_signature: weft_sbf::LAMPORTS_PER_SIGNATURE,
            alpenglow_migration_succeeded: false,
            epoch_total_stake: 0,
            feature_set: svm_features,
            program_runtime_environments: ProgramRuntimeEnvironments::new(runtime.clone(), runtime),
            rent: Rent::default(),
        };
        Ok(Self { processor, environment, features, _line: line })
    }

    /// From bytes to what the processor takes, with signatures verified.
    fn check(&self, payload: &[u8]) -> eyre::Result<(SanitizedTransaction, TransactionCheckResult)> {
        let versioned: VersionedTransaction = bincode::deserialize(payload)?;
        let no_tables = SimpleAddressLoader::Disabled;
        let reserved = HashSet::new();
        let transaction =
            SanitizedTransaction::try_create(versioned, MessageHash::Compute, None, no_tables, &reserved)?;
        transaction.verify()?;
        let instructions = SVMStaticMessage::program_instructions_iter(&transaction);
        let limits = process_compute_budget_instructions(instructions, &self.features)?;
        let fee = calculate_fee_details(
            &transaction,
            weft_sbf::LAMPORTS_PER_SIGNATURE,
            limits.get_prioritization_fee(),
            FeeFeatures::from(&self.features),
        );
        let limits = limits.get_compute_budget_and_limits(limits.loaded_accounts_bytes, fee, false);
        Ok((transaction, Ok(CheckedTransactionDetails::new(None, limits))))
    }

    fn execute(
        &self,
        accounts: &mut Accounts,
        transactions: &[SanitizedTransaction],
        checks: Vec<TransactionCheckResult>,
    ) -> eyre::Result<()> {
        let config = TransactionProcessingConfig::default();
        let output = self.processor.load_and_execute_sanitized_transactions(
            accounts,
            transactions,
            checks,
            &self.environment,
            &config,
        );
        for (transaction, result) in transactions.iter().zip(output.processing_results) {
            accounts.keep(transaction, result?)?;
        }
        Ok(())
    }
}

pub fn run(transactions: &[Transaction], accounts: HashMap<Pubkey, AccountSharedData>) -> eyre::Result<Bare> {
    let mut accounts = Accounts(accounts);
    let processor = Processor::new(&accounts)?;
    let start = Instant::now();
    let (sanitized, mut checks): (Vec<_>, Vec<_>) = transactions
        .par_iter()
        .map(|transaction| processor.check(&transaction.payload))
        .collect::<eyre::Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    let check = start.elapsed();
    let start = Instant::now();
    for batch in sanitized.chunks(BATCH) {
        let rest = checks.split_off(batch.len());
        processor.execute(&mut accounts, batch, std::mem::replace(&mut checks, rest))?;
    }
    Ok(Bare { check, execute: start.elapsed(), accounts: accounts.0 })
}
