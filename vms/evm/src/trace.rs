//! geth's tracers: `callTracer`, `prestateTracer`, the default struct logger, `4byteTracer`, `flatCallTracer` and
//! `noopTracer`. JavaScript tracers are not run: a node does not run its callers' programs.

use crate::journal::{DbError, JournalDb};
use crate::simulate::{Overrides, Scope, SimulateError, Stage, watch};
use crate::{EvmVm, decoded};
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{GethDebugTracingOptions, GethTrace};
use revm::bytecode::Bytecode;
use revm::context::TxEnv;
use revm::context_interface::result::ResultAndState;
use revm::database_interface::{Database, DatabaseRef};
use revm::state::AccountInfo;
use revm_inspectors::tracing::{
    DebugInspector, TraceLimitBehavior, TraceLimits, TracingInspector, TransactionContext,
};
use std::cell::RefCell;
use std::sync::atomic::Ordering;
use weft_state::{ReadError, key as host};
use weft_types::{Bytes, Height};
use weft_vm::{BlockPhase, Checked, Execution, Vm};

/// Traces `target` as it ran in `scope.block`, on the state before that block: what the block does by itself
/// and the transactions `before` it run first. `scope.gas_cap` does not apply.
///
/// # Errors
/// As in [`SimulateError`]. A transaction that is rejected here was not in that block.
pub fn transaction(
    vm: &EvmVm,
    scope: &Scope<'_>,
    before: &[Checked],
    target: &Checked,
    index: u64,
    options: GethDebugTracingOptions,
) -> Result<GethTrace, SimulateError> {
    let mut stage = begin(vm, scope)?;
    for checked in before {
        execute(&mut stage, scope, checked)?;
    }
    one(&mut stage, target, index, options)
}

/// Traces all of a block's transactions, as [`transaction`] would one by one.
///
/// # Errors
/// As in [`SimulateError`].
pub fn block(
    vm: &EvmVm,
    scope: &Scope<'_>,
    transactions: &[Checked],
    options: &GethDebugTracingOptions,
) -> Result<Vec<GethTrace>, SimulateError> {
    let mut stage = begin(vm, scope)?;
    (0u64..)
        .zip(transactions)
        .map(|(index, target)| {
            let trace = one(&mut stage, target, index, options.clone())?;
            execute(&mut stage, scope, target)?;
            Ok(trace)
        })
        .collect()
}

/// The stage before the first transaction of `scope.block`.
fn begin<'s>(vm: &'s EvmVm, scope: &Scope<'s>) -> Result<Stage<'s>, SimulateError> {
    let mut stage = Stage::new(vm, scope, &Overrides::default())?;
    if let Some(parent) = scope.block.height.0.checked_sub(1) {
        let hash = Bytes::copy_from_slice(scope.block.parent_hash.as_slice());
        stage.journal.set(host::block_hash(Height(parent)), hash);
    }
    vm.on_block(&mut stage.journal, scope.block, BlockPhase::Begin)?;
    Ok(stage)
}

/// Runs a transaction of the block for good.
fn execute(stage: &mut Stage<'_>, scope: &Scope<'_>, checked: &Checked) -> Result<(), SimulateError> {
    if scope.cancel.load(Ordering::Relaxed) {
        return Err(SimulateError::Cancelled);
    }
    if let Execution::Rejected(reject) = stage.vm.execute(&mut stage.journal, scope.block, checked)? {
        return Err(SimulateError::Rejected(reject));
    }
    stage.journal.end_transaction().map_err(|violation| ReadError(violation.to_string()))?;
    Ok(())
}

/// Traces a transaction and takes back what it did.
fn one(
    stage: &mut Stage<'_>,
    target: &Checked,
    index: u64,
    options: GethDebugTracingOptions,
) -> Result<GethTrace, SimulateError> {
    let transaction = decoded(target);
    let context = TransactionContext {
        tx_hash: Some(transaction.hash),
        tx_index: usize::try_from(index).ok(),
        block_hash: None,
    };
    run(stage, transaction.env.clone(), context, options)
}

/// Traces a request as `eth_call` would run it.
///
/// # Errors
/// As in [`SimulateError`].
pub fn call(
    vm: &EvmVm,
    scope: &Scope<'_>,
    request: &TransactionRequest,
    overrides: &Overrides,
    options: GethDebugTracingOptions,
) -> Result<GethTrace, SimulateError> {
    let mut stage = Stage::new(vm, scope, overrides)?;
    let tx = stage.prepare(request)?;
    run(&mut stage, tx, TransactionContext::default(), options)
}

fn run(
    stage: &mut Stage<'_>,
    tx: TxEnv,
    context: TransactionContext,
    options: GethDebugTracingOptions,
) -> Result<GethTrace, SimulateError> {
    let mut inspector = tracer(options)?;
    let (result, state) = stage.inspect(tx.clone(), &mut inspector)?;
    let block = stage.engine(&tx).block;
    let codes = &stage.vm.codes;
    // What the transaction did was not written, so this is the state before it.
    let before = JournalDb { journal: &mut stage.journal, codes };
    inspector
        .get_result(
            Some(context),
            &tx,
            &block,
            &ResultAndState { result, state },
            &mut Before(RefCell::new(before)),
        )
        .map_err(|error| SimulateError::Request(error.to_string()))
}

/// The tracer that was asked for, bounded in memory.
fn tracer(options: GethDebugTracingOptions) -> Result<DebugInspector, SimulateError> {
    let bounded = |tracer: TracingInspector| {
        let limits = TraceLimits::default()
            .set_max_recorded_bytes(Some(watch::TRACE_BYTES_MAX))
            .set_behavior(TraceLimitBehavior::Halt);
        tracer.with_limits(limits)
    };
    match DebugInspector::new(options) {
        Ok(DebugInspector::Default(tracer, config)) => Ok(DebugInspector::Default(bounded(tracer), config)),
        Ok(DebugInspector::CallTracer(tracer, config)) => {
            Ok(DebugInspector::CallTracer(bounded(tracer), config))
        }
        Ok(DebugInspector::PreStateTracer(tracer, config)) => {
            Ok(DebugInspector::PreStateTracer(bounded(tracer), config))
        }
        Ok(DebugInspector::FlatCallTracer(tracer)) => Ok(DebugInspector::FlatCallTracer(bounded(tracer))),
        Ok(tracer @ (DebugInspector::FourByte(_) | DebugInspector::Noop(_))) => Ok(tracer),
        Ok(_) => Err(SimulateError::Request("unsupported tracer".into())),
        Err(error) => Err(SimulateError::Request(error.to_string())),
    }
}

/// The journal as revm's read-only database, which the prestate tracer compares with.
struct Before<'j, 'a>(RefCell<JournalDb<'j, 'a>>);

impl DatabaseRef for Before<'_, '_> {
    type Error = DbError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, DbError> {
        self.0.borrow_mut().basic(address)
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, DbError> {
        self.0.borrow_mut().code_by_hash(hash)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, DbError> {
        self.0.borrow_mut().storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, DbError> {
        self.0.borrow_mut().block_hash(number)
    }
}

#[cfg(test)]
mod tests;
