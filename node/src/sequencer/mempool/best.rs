//! [`Best`]: what waits in all machines, in the order in which a block should take it.
//!
//! By price: wei per gas to the fee recipient at the block's base fee, dearest first, and among equals the one that came
//! first. Within the EVM and Wasm each account's transactions keep their order.
//!
//! One rule stands against price. Most SBF transactions pay nothing on top and nearly all of the EVM's do, so that by
//! price alone blocks that are full for long would hold one machine only. So a machine whose next one pays less has
//! its turn where all that it was given then, that one included, is within one part in [`SHARE`] of the gas of all.
//! Gas is what transactions may use at most, since nothing has run yet. A block that has room for all is not changed by
//! this but in its order.

use super::evm_best::EvmBest;
use super::pooled::Pooled;
use super::sbf::PooledSbf;
use super::wasm::PooledWasm;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

/// A machine whose transactions wait gets one part in this many of the gas, however little they pay.
const SHARE: u64 = 4;

/// A snapshot of what can execute. See the module.
pub struct Best {
    evm: EvmBest,
    /// The next one last.
    sbf: Vec<Arc<PooledSbf>>,
    /// The next one last.
    wasm: Vec<Arc<PooledWasm>>,
    base_fee: u128,
    /// What each machine was given so far.
    gas: [u64; LANES],
}

/// The machines, as [`Best::gas`] numbers them.
const LANES: usize = 3;

/// The next one of a machine.
struct Next {
    lane: usize,
    tip: u128,
    received: Instant,
    gas: u64,
}

impl Best {
    pub(super) fn new(
        evm: EvmBest,
        sbf: Vec<Arc<PooledSbf>>,
        wasm: Vec<Arc<PooledWasm>>,
        base_fee: u128,
    ) -> Self {
        Self { evm, sbf, wasm, base_fee, gas: [0; LANES] }
    }

    /// The next ones of the machines that have one; dearest first.
    fn nexts(&self) -> Vec<Next> {
        let mut nexts = Vec::with_capacity(LANES);
        if let Some((tip, evm)) = self.evm.peek() {
            nexts.push(Next { lane: 0, tip, received: evm.received, gas: evm.checked.gas_limit });
        }
        if let Some(sbf) = self.sbf.last() {
            let (tip, received, gas) = (sbf.price, sbf.received, sbf.checked.gas_limit);
            nexts.push(Next { lane: 1, tip, received, gas });
        }
        if let Some(wasm) = self.wasm.last() {
            let (tip, gas) = (wasm.price.saturating_sub(self.base_fee), wasm.checked.gas_limit);
            nexts.push(Next { lane: 2, tip, received: wasm.received, gas });
        }
        nexts.sort_by_key(|next| (Reverse(next.tip), next.received, next.lane));
        nexts
    }

    /// The machine whose turn it is, and the gas of its next one.
    fn turn(&self) -> Option<(usize, u64)> {
        let nexts = self.nexts();
        let all: u64 = self.gas.iter().fold(0, |sum, gas| sum.saturating_add(*gas));
        let given = |next: &Next| self.gas.get(next.lane).copied().unwrap_or_default();
        let is_due =
            |next: &&Next| given(next).saturating_add(next.gas) <= all.saturating_add(next.gas) / SHARE;
        // Of those that are due, the one that was given least.
        let due = nexts.iter().skip(1).filter(is_due).min_by_key(|next| given(next));
        due.or(nexts.first()).map(|next| (next.lane, next.gas))
    }
}

impl Iterator for Best {
    type Item = Pooled;

    fn next(&mut self) -> Option<Pooled> {
        let (lane, gas) = self.turn()?;
        if let Some(given) = self.gas.get_mut(lane) {
            *given = given.saturating_add(gas);
        }
        match lane {
            0 => self.evm.next().map(Pooled::Evm),
            1 => self.sbf.pop().map(Pooled::Sbf),
            _ => self.wasm.pop().map(Pooled::Wasm),
        }
    }
}

#[cfg(test)]
#[path = "best_tests.rs"]
mod tests;
