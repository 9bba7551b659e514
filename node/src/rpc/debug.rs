//! `debug_trace*`: geth's tracers over blocks that are, and over calls that are not.

use super::api::{Api, chain_fault};
use super::args::Args;
use super::call::overrides;
use super::convert;
use super::errors::{self, Fault, internal, server};
use crate::chain::BlockRecord;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace, TraceResult,
};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weft_evm::simulate::Scope;
use weft_evm::trace;
use weft_vm::Checked;

/// One transaction's trace in a block's.
type Traced = TraceResult;

impl Api {
    pub(super) fn trace_transaction(&self, args: &Args, cancel: &AtomicBool) -> Result<GethTrace, Fault> {
        let hash = args.hash(0)?;
        let options: GethDebugTracingOptions = args.optional(1)?.unwrap_or_default();
        let (block, place) = self.find(hash)?.ok_or_else(|| server("transaction not found"))?;
        let index = convert::evm_index(&block, place).ok_or_else(|| server("transaction not found"))?;
        let count = usize::try_from(index).unwrap_or(usize::MAX).saturating_add(1);
        let checked = self.checked(&block, count, cancel)?;
        let (target, before) = checked.split_last().ok_or_else(|| server("transaction not found"))?;
        self.on_parent(&block, cancel, |scope| {
            trace::transaction(&self.evm, scope, before, target, index, options)
                .map_err(|error| self.simulated(error))
        })
    }

    pub(super) fn trace_block_by_number(
        &self,
        args: &Args,
        cancel: &AtomicBool,
    ) -> Result<Vec<Traced>, Fault> {
        self.trace_block(BlockId::Number(args.required::<BlockNumberOrTag>(0)?), args, cancel)
    }

    pub(super) fn trace_block_by_hash(&self, args: &Args, cancel: &AtomicBool) -> Result<Vec<Traced>, Fault> {
        self.trace_block(BlockId::from(args.hash(0)?), args, cancel)
    }

    fn trace_block(&self, id: BlockId, args: &Args, cancel: &AtomicBool) -> Result<Vec<Traced>, Fault> {
        let options: GethDebugTracingOptions = args.optional(1)?.unwrap_or_default();
        let block = self.block(id)?.ok_or_else(|| server("block not found"))?;
        if block.header.height.0 == 0 {
            return Err(server("genesis is not traceable"));
        }
        let checked = self.checked(&block, usize::MAX, cancel)?;
        self.on_parent(&block, cancel, |scope| {
            let traces =
                trace::block(&self.evm, scope, &checked, &options).map_err(|error| self.simulated(error))?;
            let named = traces.into_iter().zip(&checked);
            Ok(named.map(|(result, target)| Traced::new_success(result, Some(target.id))).collect())
        })
    }

    pub(super) fn trace_call(&self, args: &Args, cancel: &AtomicBool) -> Result<GethTrace, Fault> {
        let request: TransactionRequest = args.required(0)?;
        let options: GethDebugTracingCallOptions = args.optional(2)?.unwrap_or_default();
        if options.tx_index.is_some() {
            return Err(server("tracing a call in the middle of a block (txIndex) is not supported"));
        }
        let overrides = overrides(options.state_overrides, options.block_overrides)?;
        let stage = self.stage(Self::at(args, 1)?)?;
        let scope = stage.scope(self.config.call_gas, cancel);
        trace::call(&self.evm, &scope, &request, &overrides, options.tracing_options)
            .map_err(|error| self.simulated(error))
    }

    /// The EVM's first `count` transactions of a block, checked again.
    fn checked(&self, block: &BlockRecord, count: usize, cancel: &AtomicBool) -> Result<Vec<Checked>, Fault> {
        let records: Vec<_> =
            convert::evm_transactions(block).take(count).map(|(_, record)| record).collect();
        records
            .into_par_iter()
            .map(|record| {
                if cancel.load(Ordering::Relaxed) {
                    return Err(errors::timeout(self.config.call_timeout_ms));
                }
                self.chain.router().check(&record.transaction).map_err(|reject| {
                    tracing::error!(id = %record.id, %reject, "a transaction of a block does not check");
                    internal("the node could not read its chain")
                })
            })
            .collect()
    }

    /// Runs `work` where the block ran: on the state after its parent, as that block.
    fn on_parent<T>(
        &self,
        block: &Arc<BlockRecord>,
        cancel: &AtomicBool,
        work: impl FnOnce(&Scope<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let parent = block.header.height.prev().ok_or_else(|| server("genesis is not traceable"))?;
        let state = self.chain.state_at(parent).map_err(chain_fault)?;
        let env = self.chain.env_at(block.header.height).map_err(chain_fault)?;
        work(&Scope { state: &*state, block: &env, gas_cap: u64::MAX, cancel })
    }
}
