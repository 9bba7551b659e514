//! `eth_createAccessList`: what a request touches, found by running it with what the run before touched.

use super::{End, Overrides, Scope, SimulateError, Stage, simulated};
use crate::{EvmVm, halt};
use alloy_primitives::U256;
use alloy_rpc_types_eth::{AccessListResult, TransactionRequest};
use revm::context_interface::transaction::TransactionType;
use revm_inspectors::access_list::AccessListInspector;

/// Runs until the list stands still; a contract that looks at gas may never let it.
const ROUNDS_MAX: usize = 16;

/// The access list of `request`, and the gas that it uses with it. A failure of the call stands in the result.
///
/// # Errors
/// As in [`SimulateError`], where the request can't be run at all.
pub fn create_access_list(
    vm: &EvmVm,
    scope: &Scope<'_>,
    request: &TransactionRequest,
    overrides: &Overrides,
) -> Result<AccessListResult, SimulateError> {
    let mut stage = Stage::new(vm, scope, overrides)?;
    let mut tx = stage.prepare(request)?;
    if tx.tx_type == u8::from(TransactionType::Legacy) {
        tx.tx_type = TransactionType::Eip2930.into();
    }
    let mut rounds = 0;
    loop {
        let mut inspector = AccessListInspector::new(tx.access_list.clone());
        let (result, _) = stage.inspect(tx.clone(), &mut inspector)?;
        let found = inspector.into_access_list();
        rounds += 1;
        if found == tx.access_list || rounds == ROUNDS_MAX {
            let done = simulated(result);
            let error = match done.end {
                End::Success(_) => None,
                End::Reverted(_) => Some("execution reverted".to_owned()),
                End::Halted { code, .. } => Some(halt::name(code).to_owned()),
            };
            return Ok(AccessListResult { access_list: found, gas_used: U256::from(done.gas_used), error });
        }
        tx.access_list = found;
    }
}
