//! Calls that nobody pays for and that leave nothing: what `eth_call`, `eth_estimateGas`, `eth_createAccessList`
//! and the tracers run. The same engine over a journal that is thrown away.
//!
//! The rules are geth's: no nonce check, contracts may call, a request without a price runs at a base fee of
//! zero, and the balance must cover the value.

mod access_list;
mod estimate;
mod overrides;
mod request;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod watch;

pub use access_list::create_access_list;
pub use estimate::estimate_gas;

use crate::engine::Engine;
use crate::{EvmVm, halt};
use alloy_primitives::U256;
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use revm::context::TxEnv;
use revm::context_interface::result::{ExecutionResult, HaltReason, OutOfGasError};
use revm::state::EvmState;
use std::sync::atomic::{AtomicBool, Ordering};
use watch::Watch;
use weft_state::{Journal, ReadError, StateRead};
use weft_types::{AccountId, Bytes, Log};
use weft_vm::{BlockEnv, Reject};

/// Where a call runs and how far it may go.
#[derive(Clone, Copy)]
pub struct Scope<'s> {
    /// The state that it sees.
    pub state: &'s dyn StateRead,
    /// The block that it runs in.
    pub block: &'s BlockEnv,
    /// Most gas, whatever the request asks for.
    pub gas_cap: u64,
    /// Set by whoever watches the clock; the call ends soon after with [`SimulateError::Cancelled`].
    pub cancel: &'s AtomicBool,
}

/// What is different from the real state and block.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Accounts.
    pub state: StateOverride,
    /// The block. Its difficulty is not used.
    pub block: BlockOverrides,
}

/// How a call ended that could be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// As in a receipt.
    pub gas_used: u64,
    /// Gas that it had used before refunds.
    pub gas_spent: u64,
    /// How it ended.
    pub end: End,
    /// Empty unless it succeeded.
    pub logs: Vec<Log>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With its return bytes.
    Success(Bytes),
    /// With its reason, as the contract encoded it.
    Reverted(Bytes),
    /// Stopped by the machine; see [`halt::name`].
    Halted {
        /// The code of a receipt.
        code: u16,
        /// Whether more gas could help.
        out_of_gas: bool,
    },
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulateError {
    /// The request contradicts itself or asks for what there is not.
    #[error("{0}")]
    Request(String),
    /// It can't be a transaction in that block, in geth's words.
    #[error("{}", .0.message)]
    Rejected(Reject),
    /// No amount of gas makes it succeed: it reverts, with its reason as the contract encoded it.
    #[error("execution reverted")]
    Reverted(Bytes),
    /// No amount of gas makes it succeed: the machine stops it, for what [`halt::name`] says.
    #[error("{}", halt::name(*.0))]
    Halted(u16),
    /// It needs more than the caller allowed or can pay, or than one call may use.
    #[error("gas required exceeds allowance ({0})")]
    Allowance(u64),
    /// The flag was set.
    #[error("execution aborted (timeout)")]
    Cancelled,
    /// A trace would be larger than one may be.
    #[error("the trace would take more than {0} bytes of memory")]
    TraceTooLarge(usize),
    /// The store failed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Runs a request and says how it ended.
///
/// # Errors
/// As in [`SimulateError`]; a call that reverts or halts is no error.
pub fn call(
    vm: &EvmVm,
    scope: &Scope<'_>,
    request: &TransactionRequest,
    overrides: &Overrides,
) -> Result<Simulated, SimulateError> {
    let mut stage = Stage::new(vm, scope, overrides)?;
    let tx = stage.prepare(request)?;
    stage.run(tx)
}

/// A throw-away journal with the overrides in it, and the engine over it.
pub(crate) struct Stage<'s> {
    pub(crate) journal: Journal<'s>,
    pub(crate) vm: &'s EvmVm,
    pub(crate) env: BlockEnv,
    pub(crate) gas_cap: u64,
    pub(crate) cancel: &'s AtomicBool,
}

impl<'s> Stage<'s> {
    pub(crate) fn new(
        vm: &'s EvmVm,
        scope: &Scope<'s>,
        overrides: &Overrides,
    ) -> Result<Self, SimulateError> {
        let mut journal = Journal::new(scope.state);
        overrides::apply_state(&mut journal, &overrides.state)?;
        let env = overrides::apply_block(&mut journal, scope.block, &overrides.block)?;
        Ok(Self { journal, vm, env, gas_cap: scope.gas_cap, cancel: scope.cancel })
    }

    /// The request as revm takes it, with what it leaves open filled in.
    pub(crate) fn prepare(&mut self, request: &TransactionRequest) -> Result<TxEnv, SimulateError> {
        let chain_id = self.vm.config().chain_id;
        let mut tx = request::tx_env(request, chain_id, self.gas_cap)?;
        let record = crate::tables::record(&mut self.journal, tx.caller)?;
        tx.nonce = request.nonce.unwrap_or_else(|| record.map_or(0, |record| record.nonce));
        Ok(tx)
    }

    /// The engine with geth's rules for calls. A free call must not see a price in BASEFEE either.
    pub(crate) fn engine<'e>(&'e self, tx: &TxEnv) -> Engine<'e> {
        let mut engine = self.vm.engine(&self.env);
        engine.cfg.disable_nonce_check = true;
        engine.cfg.disable_eip3607 = true;
        engine.cfg.disable_block_gas_limit = true;
        engine.cfg.tx_gas_limit_cap = Some(u64::MAX);
        if tx.gas_price == 0 {
            engine.cfg.disable_base_fee = true;
            engine.block.basefee = 0;
        }
        engine
    }

    /// Runs `tx` and takes back whatever it did.
    pub(crate) fn run(&mut self, tx: TxEnv) -> Result<Simulated, SimulateError> {
        let mut nothing = revm::inspector::NoOpInspector;
        let (result, _) = self.inspect(tx, &mut nothing)?;
        Ok(simulated(result))
    }

    /// The same with an inspector; the state is what the transaction left.
    pub(crate) fn inspect<I: watch::Inspect>(
        &mut self,
        tx: TxEnv,
        inspector: &mut I,
    ) -> Result<(ExecutionResult, EvmState), SimulateError> {
        // The engine borrows the block while the journal runs, so the journal steps out for that time.
        let mut journal = std::mem::replace(&mut self.journal, Journal::new(&weft_state::EmptyState));
        let checkpoint = journal.checkpoint();
        let result = self.inspect_in(&mut journal, tx, inspector);
        journal.revert(checkpoint);
        self.journal = journal;
        result
    }

    fn inspect_in<I: watch::Inspect>(
        &self,
        journal: &mut Journal<'_>,
        tx: TxEnv,
        inspector: &mut I,
    ) -> Result<(ExecutionResult, EvmState), SimulateError> {
        let engine = self.engine(&tx);
        let mut watch = Watch::new(self.cancel, inspector);
        let result = engine.inspect(journal, tx.clone(), &mut watch);
        let too_large = watch.too_large;
        result.map_err(|error| {
            if too_large {
                SimulateError::TraceTooLarge(watch::TRACE_BYTES_MAX)
            } else if self.cancel.load(Ordering::Relaxed) {
                SimulateError::Cancelled
            } else {
                match crate::refused(error, &tx, &engine) {
                    Ok(reject) => SimulateError::Rejected(reject),
                    Err(error) => SimulateError::Read(error),
                }
            }
        })
    }
}

pub(crate) fn simulated(result: ExecutionResult) -> Simulated {
    let (gas_used, gas_spent) = (result.tx_gas_used(), result.gas().total_gas_spent());
    let (end, logs) = match result {
        ExecutionResult::Success { logs, output, .. } => {
            (End::Success(output.into_data().0), logs.into_iter().map(crate::weft_log).collect())
        }
        ExecutionResult::Revert { output, .. } => (End::Reverted(output.0), Vec::new()),
        ExecutionResult::Halt { reason, .. } => {
            // EIP-150's reentrancy guard and the precompiles speak of gas too, but geth's search stops there.
            let out_of_gas = matches!(
                reason,
                HaltReason::OutOfGas(
                    OutOfGasError::Basic
                        | OutOfGasError::Memory
                        | OutOfGasError::ReentrancySentry
                        | OutOfGasError::Precompile
                        | OutOfGasError::InvalidOperand
                )
            );
            (End::Halted { code: halt::code(&reason), out_of_gas }, Vec::new())
        }
    };
    Simulated { gas_used, gas_spent, end, logs }
}

/// The balance of an address as the stage has it.
fn balance(journal: &mut Journal<'_>, address: alloy_primitives::Address) -> Result<U256, ReadError> {
    journal.balance(AccountId::from_evm(address))
}
