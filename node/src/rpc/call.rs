//! Calls that nobody pays for: `eth_call`, `eth_estimateGas`, `eth_createAccessList`.

use super::api::{Api, chain_fault};
use super::args::Args;
use super::errors::{self, Fault, invalid_params, server};
use alloy_eips::BlockId;
use alloy_primitives::{Bytes, U64};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{AccessListResult, BlockOverrides, TransactionRequest};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};
use weft_evm::halt;
use weft_evm::simulate::{self, End, Overrides, Scope, SimulateError};
use weft_state::StateRead;
use weft_vm::BlockEnv;

/// Most accounts and slots that one call may override: what building the state for it may cost.
const OVERRIDES_MAX: usize = 10_000;

/// Where a call runs: a state, and the block that it takes itself to be in.
pub(super) struct Stage {
    state: Arc<dyn StateRead>,
    env: BlockEnv,
}

impl Stage {
    /// The same as the EVM takes it.
    pub(super) fn scope<'s>(&'s self, gas_cap: u64, cancel: &'s AtomicBool) -> Scope<'s> {
        Scope { state: &*self.state, block: &self.env, gas_cap, cancel }
    }
}

impl Api {
    /// The state after the block that `id` names, seen from that block, or for `pending` from the next one.
    pub(super) fn stage(&self, id: BlockId) -> Result<Stage, Fault> {
        let (block, state) = self.state(id)?;
        let env = if id.is_pending() {
            self.chain.pending_env(now_ms())
        } else {
            self.chain.env_at(block.header.height).map_err(chain_fault)?
        };
        Ok(Stage { state, env })
    }

    pub(super) fn call(&self, args: &Args, cancel: &AtomicBool) -> Result<Bytes, Fault> {
        let request: TransactionRequest = args.required(0)?;
        let overrides = overrides(args.optional(2)?, args.optional(3)?)?;
        let stage = self.stage(Self::at(args, 1)?)?;
        let scope = stage.scope(self.config.call_gas, cancel);
        let done =
            simulate::call(&self.evm, &scope, &request, &overrides).map_err(|error| self.simulated(error))?;
        match done.end {
            End::Success(output) => Ok(output.into()),
            End::Reverted(output) => Err(errors::reverted(&output)),
            End::Halted { code, .. } => Err(server(halt::name(code))),
        }
    }

    pub(super) fn estimate_gas(&self, args: &Args, cancel: &AtomicBool) -> Result<U64, Fault> {
        let request: TransactionRequest = args.required(0)?;
        let overrides = overrides(args.optional(2)?, args.optional(3)?)?;
        let stage = self.stage(Self::at(args, 1)?)?;
        let scope = stage.scope(self.config.call_gas, cancel);
        simulate::estimate_gas(&self.evm, &scope, &request, &overrides)
            .map(U64::from)
            .map_err(|error| self.simulated(error))
    }

    pub(super) fn create_access_list(
        &self,
        args: &Args,
        cancel: &AtomicBool,
    ) -> Result<AccessListResult, Fault> {
        let request: TransactionRequest = args.required(0)?;
        let overrides = overrides(args.optional(2)?, args.optional(3)?)?;
        let stage = self.stage(Self::at(args, 1)?)?;
        let scope = stage.scope(self.config.call_gas, cancel);
        simulate::create_access_list(&self.evm, &scope, &request, &overrides)
            .map_err(|error| self.simulated(error))
    }

    /// The EVM's errors as geth's.
    pub(super) fn simulated(&self, error: SimulateError) -> Fault {
        match error {
            SimulateError::Reverted(output) => errors::reverted(&output),
            SimulateError::Cancelled => errors::timeout(self.config.call_timeout_ms),
            SimulateError::TraceTooLarge(_) => errors::limit(error.to_string()),
            SimulateError::Read(error) => errors::store(&error),
            SimulateError::Request(_)
            | SimulateError::Rejected(_)
            | SimulateError::Halted(_)
            | SimulateError::Allowance(_) => server(error.to_string()),
        }
    }
}

/// What the caller wants to be different, if that is not too much.
pub(super) fn overrides(
    state: Option<StateOverride>,
    block: Option<BlockOverrides>,
) -> Result<Overrides, Fault> {
    let (state, block) = (state.unwrap_or_default(), block.unwrap_or_default());
    let slots = state.values().map(|account| {
        let length = |slots: &Option<_>| slots.as_ref().map_or(0, alloy_primitives::map::B256HashMap::len);
        length(&account.state).saturating_add(length(&account.state_diff))
    });
    if state.len().saturating_add(slots.sum()) > OVERRIDES_MAX {
        return Err(invalid_params(format!("more than {OVERRIDES_MAX} overrides")));
    }
    Ok(Overrides { state, block })
}

/// The host's clock, for blocks that do not exist yet.
fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
