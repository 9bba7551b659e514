//! Gas: one unit under all machines, and a rational rate from each machine's own unit.

use serde::{Deserialize, Serialize};

/// `gas = native * numerator / denominator`. Charges round up, grants round down, so that no round trip
/// creates gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GasRate {
    /// Gas per `denominator` native units. Not zero.
    pub numerator: u64,
    /// Not zero.
    pub denominator: u64,
}

impl GasRate {
    /// One native unit is one gas: the EVM's rate.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// Gas for `native` units of work, rounded up; `u64::MAX` where it would not fit.
    #[must_use]
    pub fn charge(self, native: u64) -> u64 {
        let gas = (u128::from(native) * u128::from(self.numerator)).div_ceil(u128::from(self.denominator));
        u64::try_from(gas).unwrap_or(u64::MAX)
    }

    /// Native units that `gas` buys, rounded down; `u64::MAX` where it would not fit.
    #[must_use]
    pub fn grant(self, gas: u64) -> u64 {
        let native = u128::from(gas) * u128::from(self.denominator) / u128::from(self.numerator);
        u64::try_from(native).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_round_up_and_grants_round_down() {
        let fuel = GasRate { numerator: 1, denominator: 20 };
        assert_eq!(fuel.charge(1), 1);
        assert_eq!(fuel.charge(41), 3);
        assert_eq!(fuel.grant(2), 40);
        let compute = GasRate { numerator: 3, denominator: 1 };
        assert_eq!(compute.charge(5), 15);
        assert_eq!(compute.grant(14), 4);
        assert_eq!(compute.charge(u64::MAX), u64::MAX);
    }
}
