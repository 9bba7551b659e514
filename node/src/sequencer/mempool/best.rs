//! [`Best`]: what waits in both machines, in the order in which a block should take it.
//!
//! By price: wei per gas to the fee recipient at the block's base fee, dearest first, and among equals the one that came
//! first. Within the EVM each account's nonces keep their order.
//!
//! One rule stands against price. Most SBF transactions pay nothing on top and nearly all of the EVM's do, so that by
//! price alone blocks that are full for long would hold one machine only. So the machine whose next one pays less has
//! its turn where all that it was given then, that one included, is within one part in [`SHARE`] of the gas of both.
//! Gas is what transactions may use at most, since nothing has run yet. A block that has room for all is not changed by
//! this but in its order.

use super::pool::EvmBest;
use super::pooled::Pooled;
use super::sbf::PooledSbf;
use std::cmp::Reverse;
use std::sync::Arc;

/// A machine whose transactions wait gets one part in this many of the gas, however little they pay.
const SHARE: u64 = 4;

/// A snapshot of what can execute. See the module.
pub struct Best {
    evm: EvmBest,
    /// The next one last.
    sbf: Vec<Arc<PooledSbf>>,
    evm_gas: u64,
    sbf_gas: u64,
}

impl Best {
    pub(super) fn new(evm: EvmBest, sbf: Vec<Arc<PooledSbf>>) -> Self {
        Self { evm, sbf, evm_gas: 0, sbf_gas: 0 }
    }

    /// Whether the next one is the EVM's; `None` at the end.
    fn takes_evm(&self) -> Option<bool> {
        let (tip, evm, sbf) = match (self.evm.peek(), self.sbf.last()) {
            (None, None) => return None,
            (Some(_), None) => return Some(true),
            (None, Some(_)) => return Some(false),
            (Some((tip, evm)), Some(sbf)) => (tip, evm, sbf),
        };
        let evm_pays_more = (tip, Reverse(evm.received)) >= (sbf.price, Reverse(sbf.received));
        let (behind, gas) = if evm_pays_more {
            (self.sbf_gas, sbf.checked.gas_limit)
        } else {
            (self.evm_gas, evm.checked.gas_limit)
        };
        let all = self.evm_gas.saturating_add(self.sbf_gas).saturating_add(gas);
        let is_due = behind.saturating_add(gas) <= all / SHARE;
        Some(evm_pays_more != is_due)
    }
}

impl Iterator for Best {
    type Item = Pooled;

    fn next(&mut self) -> Option<Pooled> {
        if self.takes_evm()? {
            let pooled = self.evm.next()?;
            self.evm_gas = self.evm_gas.saturating_add(pooled.checked.gas_limit);
            return Some(Pooled::Evm(pooled));
        }
        let pooled = self.sbf.pop()?;
        self.sbf_gas = self.sbf_gas.saturating_add(pooled.checked.gas_limit);
        Some(Pooled::Sbf(pooled))
    }
}

#[cfg(test)]
#[path = "best_tests.rs"]
mod tests;
