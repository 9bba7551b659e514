//! `eth_estimateGas`: the least gas, within 1.5 %, with which a request succeeds. The search is geth's
//! (eth/gasestimator), step by step, since wallets compare.

use super::{End, Overrides, Scope, SimulateError, Simulated, Stage, balance};
use crate::{EvmVm, tables};
use alloy_primitives::U256;
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::TxEnv;
use revm::primitives::hardfork::SpecId;
use revm::primitives::{TxKind, eip7825};
use weft_state::ReadError;
use weft_vm::RejectKind;

/// What a plain transfer costs.
const TRANSFER_GAS: u64 = 21_000;
/// What a call with value gives the callee for free, on top.
const CALL_STIPEND: u64 = 2_300;
/// The search ends when its bounds are this close, in thousandths of the upper one.
const TOLERANCE_PER_MILLE: u128 = 15;

/// The gas that `request` needs.
///
/// # Errors
/// [`SimulateError::Reverted`] or [`SimulateError::Halted`] where no gas helps, [`SimulateError::Allowance`]
/// where more would be needed than is allowed, and the rest.
pub fn estimate_gas(
    vm: &EvmVm,
    scope: &Scope<'_>,
    request: &TransactionRequest,
    overrides: &Overrides,
) -> Result<u64, SimulateError> {
    let mut stage = Stage::new(vm, scope, overrides)?;
    let mut tx = stage.prepare(request)?;
    let mut high = upper_bound(&mut stage, request, &tx)?;
    if is_plain_transfer(&mut stage, &tx)? && attempt(&mut stage, &mut tx, TRANSFER_GAS)?.is_ok() {
        return Ok(TRANSFER_GAS);
    }
    let done = match attempt(&mut stage, &mut tx, high)? {
        Ok(done) => done,
        Err(Some(Simulated { end: End::Reverted(reason), .. })) => {
            return Err(SimulateError::Reverted(reason));
        }
        Err(Some(Simulated { end: End::Halted { code, out_of_gas: false }, .. })) => {
            return Err(SimulateError::Halted(code));
        }
        Err(_) => return Err(SimulateError::Allowance(high)),
    };
    // What it used with all the gas in the world bounds the answer from below, but for contracts that look at
    // the gas that is left.
    let mut low = done.gas_used.saturating_sub(1);
    let optimistic = done.gas_spent.saturating_add(CALL_STIPEND).saturating_mul(64) / 63;
    if optimistic < high {
        match attempt(&mut stage, &mut tx, optimistic)? {
            Ok(_) => high = optimistic,
            Err(_) => low = optimistic,
        }
    }
    while low.saturating_add(1) < high {
        if u128::from(high - low) * 1000 < u128::from(high) * TOLERANCE_PER_MILLE {
            break;
        }
        // Most transactions need little more than they use, so the search leans to the low side.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
        match attempt(&mut stage, &mut tx, middle)? {
            Ok(_) => high = middle,
            Err(_) => low = middle,
        }
    }
    Ok(high)
}

/// The most that makes sense: what was asked for or the block has, what the sender can pay, and the caps.
fn upper_bound(
    stage: &mut Stage<'_>,
    request: &TransactionRequest,
    tx: &TxEnv,
) -> Result<u64, SimulateError> {
    let asked = request.gas.filter(|gas| *gas >= TRANSFER_GAS);
    let mut high = asked.unwrap_or(stage.env.gas_limit);
    if tx.gas_price != 0 {
        let funds = balance(&mut stage.journal, tx.caller)?;
        let Some(available) = funds.checked_sub(tx.value) else {
            return Err(SimulateError::Request("insufficient funds for transfer".into()));
        };
        let allowance = available / U256::from(tx.gas_price);
        high = high.min(allowance.saturating_to());
    }
    high = high.min(stage.gas_cap);
    if stage.vm.schedule.at(stage.env.origin).is_enabled_in(SpecId::OSAKA) {
        high = high.min(eip7825::TX_GAS_LIMIT_CAP);
    }
    Ok(high)
}

fn is_plain_transfer(stage: &mut Stage<'_>, tx: &TxEnv) -> Result<bool, ReadError> {
    let TxKind::Call(to) = tx.kind else { return Ok(false) };
    if !tx.data.is_empty() || !tx.authorization_list.is_empty() {
        return Ok(false);
    }
    let record = tables::record(&mut stage.journal, to)?;
    Ok(record.is_none_or(|record| record.code_hash == tables::Record::EMPTY.code_hash))
}

/// Runs with `gas`: done, or failed with how it ended, or with nothing where the gas does not even cover the
/// transaction's bytes.
fn attempt(
    stage: &mut Stage<'_>,
    tx: &mut TxEnv,
    gas: u64,
) -> Result<Result<Simulated, Option<Simulated>>, SimulateError> {
    tx.gas_limit = gas;
    match stage.run(tx.clone()) {
        Ok(done) if matches!(done.end, End::Success(_)) => Ok(Ok(done)),
        Ok(failed) => Ok(Err(Some(failed))),
        Err(SimulateError::Rejected(reject)) if reject.kind == RejectKind::GasLimit => Ok(Err(None)),
        Err(error) => Err(error),
    }
}
