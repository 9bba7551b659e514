//! Ethereum's machine: revm behind the [`Vm`] trait, through the one journal.
//!
//! ```text
//! payload ─ transaction ─> EvmTransaction ─ engine (revm) ──┬─ journal: checkpoints of both kept as one
//!                                                           └─ write_back ─> Journal: keys, ledger, logs
//! RPC ─ simulate, trace ─ the same engine over a journal that is thrown away
//! ```
//! In: EIP-2718 envelopes as every wallet makes them. Out: accounts, code and storage under [`key`], balances in
//! the ledger, logs as Ethereum's.
//!
//! Invariants, as negatives:
//! - No balance is kept here: the ledger has them all.
//! - No frame of revm's reverts without what was done under it in our journal.
//! - No wei vanishes undeclared: what the rules of a fork destroy is burnt by name.
//! - No cache here changes a result.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

mod code_cache;
pub mod config;
mod engine;
pub mod halt;
mod journal;
pub mod key;
mod query;
mod reject;
mod signature;
pub mod simulate;
pub mod spec;
mod system;
pub mod tables;
pub mod trace;
pub mod transaction;
mod write_back;

pub use config::{EvmConfig, GenesisAccount};
pub use query::EvmQuery;
pub use spec::{NEWEST_SPEC, SpecError};
pub use transaction::EvmTransaction;

use alloy_primitives::U256;
use code_cache::CodeCache;
use engine::Engine;
use revm::context::TxEnv;
use revm::context_interface::Transaction as _;
use revm::context_interface::result::{EVMError, ExecutionResult};
use revm::primitives::hardfork::SpecId;
use spec::Schedule;
use std::sync::Arc;
use weft_state::{Journal, ReadError};
use weft_types::{AccountId, Bytes, Log, Status, VmId};
use weft_vm::{BlockEnv, BlockPhase, Checked, Execution, Outcome, Reject, Vm};

/// The machine. One serves all blocks and all threads.
pub struct EvmVm {
    config: EvmConfig,
    schedule: Schedule,
    /// revm's tables of gas, made once for each rule set.
    rules: Vec<(SpecId, revm::context::CfgEnv)>,
    codes: CodeCache,
}

impl EvmVm {
    /// The machine that genesis describes.
    ///
    /// # Errors
    /// [`SpecError`]: the list of rule sets can't be used.
    pub fn new(config: EvmConfig) -> Result<Self, SpecError> {
        let schedule = Schedule::new(&config.specs)?;
        let rules = schedule.specs().map(|spec| (spec, engine::config(config.chain_id, spec))).collect();
        Ok(Self { config, schedule, rules, codes: CodeCache::default() })
    }

    /// What genesis said.
    #[must_use]
    pub fn config(&self) -> &EvmConfig {
        &self.config
    }

    /// The name of the rule set that `block` runs under.
    #[must_use]
    pub fn spec_name(&self, block: &BlockEnv) -> &'static str {
        spec::name(self.schedule.at(block.origin))
    }

    fn engine<'e>(&'e self, env: &'e BlockEnv) -> Engine<'e> {
        let spec = self.schedule.at(env.origin);
        let (_, cfg) =
            self.rules.iter().find(|(known, _)| *known == spec).expect("rules exist for all specs");
        Engine { codes: &self.codes, cfg: cfg.clone(), block: engine::block(env), env }
    }

    fn execute_inner(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        tx: &TxEnv,
    ) -> Result<Execution, ReadError> {
        let engine = self.engine(block);
        match engine.run(journal, tx.clone()) {
            Ok((result, state)) => {
                write_back::write_back(journal, state)?;
                let price = U256::from(tx.effective_gas_price(u128::from(block.base_fee)));
                let fee = price * U256::from(result.tx_gas_used());
                Ok(Execution::Executed(outcome(journal, result, fee)))
            }
            Err(error) => refused(error, tx, &engine).map(Execution::Rejected),
        }
    }
}

/// What revm's error means: the transaction's fault, or the store's.
pub(crate) fn refused(error: engine::Error, tx: &TxEnv, engine: &Engine<'_>) -> Result<Reject, ReadError> {
    match error {
        EVMError::Transaction(invalid) => Ok(reject::reject(&invalid, tx, &engine.block)),
        EVMError::Database(error) => Err(error.0),
        EVMError::Header(error) => Err(ReadError(format!("revm refuses the block: {error}"))),
        EVMError::Custom(message) => Err(ReadError(message)),
        other => Err(ReadError(other.to_string())),
    }
}

fn outcome(journal: &mut Journal<'_>, result: ExecutionResult, fee: U256) -> Outcome {
    let gas_used = result.tx_gas_used();
    let (status, output) = match result {
        ExecutionResult::Success { logs, output, .. } => {
            logs.into_iter().for_each(|log| journal.log(weft_log(log)));
            (Status::Success, output.into_data().0)
        }
        ExecutionResult::Revert { output, .. } => (Status::Reverted, output.0),
        ExecutionResult::Halt { reason, .. } => (Status::Halted(halt::code(&reason)), Bytes::new()),
    };
    Outcome { status, gas_used, fee, output, detail: Bytes::new() }
}

/// A log as receipts have it.
pub(crate) fn weft_log(log: revm::primitives::Log) -> Log {
    let (topics, data) = log.data.split();
    Log { account: AccountId::from_evm(log.address).0, topics, data }
}

/// The machine's own form of a checked transaction.
///
/// # Panics
/// Where `checked` is another machine's.
#[must_use]
pub fn decoded(checked: &Checked) -> &EvmTransaction {
    checked.decoded.downcast_ref().expect("an EVM transaction was checked by the EVM")
}

impl Vm for EvmVm {
    fn id(&self) -> VmId {
        VmId::EVM
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        let transaction = transaction::check(self.config.chain_id, payload)?;
        Ok(Checked {
            vm: VmId::EVM,
            id: transaction.hash,
            sender: AccountId::from_evm(transaction.sender),
            gas_limit: transaction.env.gas_limit,
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
            self.execute_inner(journal, block, &decoded(checked).env)
        })
    }

    fn query(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        weft_vm::never_kept(journal, |journal| query::run(&self.engine(block), journal, query, gas))
    }

    fn on_block(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        phase: BlockPhase,
    ) -> Result<(), ReadError> {
        let spec = self.schedule.at(block.origin);
        match phase {
            BlockPhase::Genesis => system::genesis(journal, block, spec, &self.config.alloc),
            BlockPhase::Begin => system::begin(journal, block, spec),
            BlockPhase::End => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
