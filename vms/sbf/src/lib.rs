//! Solana's machine: `TransactionBatchProcessor` of solana-svm, with solana-sbpf under it, behind the [`Vm`] trait and on
//! the one journal. solana-sbpf is the maintained line of solana-rbpf.
//!
//! ```text
//! payload ─ transaction ─> SbfTransaction ─ execute ─┬─ Accounts: journal and ledger as lamports and data ─> processor
//!                                                    └─ write back: lamports * 1e9 + dust, records, pages ─> Journal
//! block ─ ring (blockhashes, what was processed), sysvars (computed) ─ context ─> processor
//! RPC ─ simulate ─> the same over a journal that is thrown away
//! ```
//! In: legacy and v0 transactions as every wallet makes them. Out: accounts under [`key`], balances in the ledger.
//!
//! Invariants, as negatives:
//! - No balance is kept here: the ledger has them all, and no dust is lost on the way through lamports.
//! - No program outlives its transaction in Solana's cache; ours goes by content. No cache here changes a result.
//! - No account of another machine signs or is owned here.
//! - No sysvar depends on anything but the block and the chain before it.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

mod accounts;
mod block;
pub mod code;
pub mod cost;
mod data_cache;
mod detail;
mod execute;
pub mod index;
mod install;
pub mod key;
mod lookup;
mod precompiles;
mod programs;
pub mod record;
mod ring;
mod runtime;
mod simulate;
pub mod spec;
mod sysvars;
#[cfg(test)]
mod tests;
mod transaction;

pub use accounts::{WEI_PER_LAMPORT, lamports};
pub use code::transaction_error;
pub use detail::{Detail, InnerInstruction, InnerInstructions, LOG_BYTES_MAX, TokenBalance};
pub use ring::{BLOCK_HEIGHT_MS, BLOCKHASH_HEIGHTS, PAUSE_MS_MAX};
pub use simulate::{SimulateOptions, Simulation};
pub use spec::{NEWEST_SPEC, SpecError};
pub use sysvars::LAMPORTS_PER_SIGNATURE;
pub use transaction::{SbfTransaction, TRANSACTION_BYTES_MAX, decode, signature_id};

use block::Contexts;
use data_cache::DataCache;
use execute::Scope;
use runtime::Runtime;
use solana_account::ReadableAccount;
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;
use spec::Schedule;
use std::sync::Arc;
use weft_state::{Journal, ReadError};
use weft_types::{Bytes, DaHeight, GasRate, Height, Status, U256, VmId};
use weft_vm::{BlockEnv, BlockPhase, Checked, Execution, Outcome, Reject, Vm};

/// What genesis says of the machine.
#[derive(Clone, Debug)]
pub struct SbfConfig {
    /// Rule sets by name, with the gas of a compute unit, ascending by the Celestia height from which each holds.
    pub specs: Vec<(DaHeight, String, GasRate)>,
    /// Whether programs run as machine code where the platform has that. Changes no result.
    pub jit: bool,
}

/// The machine. One serves all blocks and all threads.
pub struct SbfVm {
    schedule: Schedule,
    runtime: Runtime,
    contexts: Contexts,
    data: DataCache,
}

/// Why a transaction may run now: by a recent blockhash, or by a durable nonce.
struct Age {
    /// The block that its blockhash names.
    named: Option<Height>,
    /// The account that holds its nonce.
    nonce_account: Option<Pubkey>,
}

impl SbfVm {
    /// The machine that genesis describes.
    ///
    /// # Errors
    /// [`SpecError`]: the list of rule sets can't be used.
    pub fn new(config: SbfConfig) -> Result<Self, SpecError> {
        let schedule = Schedule::new(&config.specs)?;
        let runtime = Runtime::new(NEWEST_SPEC, config.jit)?;
        Ok(Self { schedule, runtime, contexts: Contexts::default(), data: DataCache::default() })
    }

    /// Checks a decoded transaction.
    fn check_versioned(&self, payload: &[u8]) -> Result<SbfTransaction, TransactionError> {
        transaction::check(transaction::decode(payload)?, &self.runtime, true)
    }

    /// Most gas that a transaction can use at any height.
    fn gas_limit(&self, transaction: &SbfTransaction) -> u64 {
        let units = u64::from(transaction.compute_unit_limit).saturating_add(transaction.static_units);
        self.schedule.rate_max().charge(units)
    }

    /// Blockhash, duplicates and nonces, in the order of Solana's bank.
    fn age(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        transaction: &SbfTransaction,
    ) -> Result<Result<Age, TransactionError>, ReadError> {
        let named = ring::named(journal, env, &transaction.blockhash)?.map(|named| named.height);
        Ok(match (named, transaction.nonce_account) {
            (Some(named), _) if ring::was_processed(journal, named, &transaction.message_hash)? => {
                Err(TransactionError::AlreadyProcessed)
            }
            (Some(_), _) => Ok(Age { named, nonce_account: None }),
            // Solana's bank looks for the nonce as for a blockhash. The processor alone would say that an account is
            // missing.
            (None, Some(nonce)) if lamports(journal.balance(key::account_id(&nonce))?)? > 0 => {
                Ok(Age { named, nonce_account: Some(nonce) })
            }
            (None, _) => Err(TransactionError::BlockhashNotFound),
        })
    }

    fn execute_inner(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        transaction: &SbfTransaction,
        gas_limit: u64,
    ) -> Result<Execution, ReadError> {
        let block = self.contexts.get(journal, env, &self.runtime)?;
        let age = match self.age(journal, env, transaction)? {
            Ok(age) => age,
            Err(error) => return Ok(Execution::Rejected(code::reject(&error))),
        };
        let scope = Scope { runtime: &self.runtime, data: &self.data, block: &block };
        let ran = match scope.run(journal, transaction, age.nonce_account)? {
            Ok(ran) => ran,
            Err(error) => return Ok(Execution::Rejected(code::reject(&error))),
        };
        let rate = self.schedule.rate(env.origin);
        let outcome = ran.commit(journal, env, transaction, |units| rate.charge(units).min(gas_limit))?;
        if let Some(named) = age.named {
            ring::mark_processed(journal, named, &transaction.message_hash)?;
        }
        Ok(Execution::Executed(outcome))
    }

    /// `0 | pubkey` gives the account's data; `1 | transaction`, whose signatures may be anything, gives the return data
    /// of running it.
    fn answer(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        let done = |status, units: u64, output| Outcome {
            status,
            gas_used: self.schedule.rate(env.origin).charge(units).min(gas),
            fee: U256::ZERO,
            output,
            detail: Bytes::new(),
        };
        let grant = self.schedule.rate(env.origin).grant(gas);
        match query.split_first() {
            Some((0, pubkey)) if pubkey.len() == 32 => {
                let pubkey = Pubkey::try_from(pubkey).expect("32 bytes");
                let account = self.account(journal, env, &pubkey)?;
                let data = account.map(|account| Bytes::copy_from_slice(account.data())).unwrap_or_default();
                let units = u64::try_from(data.len()).unwrap_or(u64::MAX) / QUERY_BYTES_PER_UNIT;
                if units > grant {
                    return Ok(done(Status::Halted(code::INSTRUCTION), grant, Bytes::new()));
                }
                Ok(done(Status::Success, units, data))
            }
            Some((1, payload)) => {
                let Ok(transaction) = decode(payload) else {
                    return Ok(done(Status::Reverted, 0, Bytes::new()));
                };
                let options = SimulateOptions { sig_verify: false, replace_blockhash: true };
                let simulated = self.simulate(journal, env, &transaction, options)?;
                let units = simulated.detail.compute_units;
                if units > grant {
                    return Ok(done(Status::Halted(code::INSTRUCTION), grant, Bytes::new()));
                }
                let output = simulated.detail.return_data.map(|(_, data)| Bytes::from(data));
                let status = simulated.result.as_ref().map_or(Status::Success, code::status);
                Ok(done(status, units, output.unwrap_or_default()))
            }
            _ => Ok(done(Status::Reverted, 0, Bytes::new())),
        }
    }
}

/// Bytes of an account's data that a query reads for a compute unit, as a cross-program call does.
const QUERY_BYTES_PER_UNIT: u64 = 250;

/// The machine's own form of a checked transaction.
///
/// # Panics
/// Where `checked` is another machine's.
#[must_use]
pub fn decoded(checked: &Checked) -> &SbfTransaction {
    checked.decoded.downcast_ref().expect("an SBF transaction was checked by the SBF machine")
}

impl Vm for SbfVm {
    fn id(&self) -> VmId {
        VmId::SBF
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        let transaction = self.check_versioned(payload).map_err(|error| code::reject(&error))?;
        Ok(Checked {
            vm: VmId::SBF,
            id: signature_id(&transaction.signature),
            sender: key::account_id(&transaction.fee_payer),
            gas_limit: self.gas_limit(&transaction),
            decoded: Arc::new(transaction),
        })
    }

    fn execute(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError> {
        weft_vm::kept_if_executed(journal, |journal| {
            self.execute_inner(journal, block, decoded(checked), checked.gas_limit)
        })
    }

    fn query(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        weft_vm::never_kept(journal, |journal| self.answer(journal, block, query, gas))
    }

    fn on_block(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        phase: BlockPhase,
    ) -> Result<(), ReadError> {
        if phase == BlockPhase::End {
            return Ok(());
        }
        if ring::Newest::read(journal)?.is_none() {
            install::install(journal, &self.runtime)?;
        }
        let epoch = sysvars::epoch_schedule().get_epoch(block.height.0);
        ring::begin(journal, block, epoch)?;
        self.contexts.renew(journal, block, &self.runtime)?;
        Ok(())
    }
}
