//! The base fee of a block from its parent (EIP-1559), with the parameters of genesis.

use weft_genesis::Genesis;
use weft_types::Header;

/// Wei per gas of the block after `parent`.
///
/// EIP-1559's formula, with `target = block_gas / elasticity`; never below `base_fee_min`. Products are taken
/// in 128 bits and a fee past 64 bits stays at the largest.
#[must_use]
pub fn next_base_fee(genesis: &Genesis, parent: &Header) -> u64 {
    let fees = &genesis.fees;
    let target = (genesis.limits.block_gas / fees.elasticity.max(1)).max(1);
    let change = |distance: u64| {
        // distance < 2^53 by the bounds of genesis and base_fee < 2^64, so the product fits.
        let product = u128::from(parent.base_fee) * u128::from(distance);
        let change = product / u128::from(target) / u128::from(fees.change_denominator.max(1));
        u64::try_from(change).unwrap_or(u64::MAX)
    };
    let next = if parent.gas_used > target {
        parent.base_fee.saturating_add(change(parent.gas_used - target).max(1))
    } else {
        parent.base_fee.saturating_sub(change(target - parent.gas_used))
    };
    next.max(fees.base_fee_min)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_genesis::Devnet;
    use weft_types::{B256, DaHeight};

    fn genesis() -> Genesis {
        let mut genesis = Genesis::devnet(Devnet {
            timestamp_ms: 1_760_000_000_000,
            celestia_chain_id: "weft-local".into(),
            checkpoint: (DaHeight(7), B256::repeat_byte(7)),
            sequencers: Vec::new(),
            accounts: Vec::new(),
        });
        genesis.limits.block_gas = 20_000_000;
        genesis.fees.base_fee_min = 100;
        genesis
    }

    #[test]
    fn follows_the_cases_of_geths_test() {
        // consensus/misc/eip1559/eip1559_test.go, TestCalcBaseFee: (base fee, gas used, expected), gas
        // limit 20,000,000.
        let cases = [
            (1_000_000_000, 10_000_000, 1_000_000_000),
            (1_000_000_000, 9_000_000, 987_500_000),
            (1_000_000_000, 11_000_000, 1_012_500_000),
        ];
        for (base_fee, gas_used, expected) in cases {
            let parent = Header { base_fee, gas_used, ..Header::default() };
            assert_eq!(next_base_fee(&genesis(), &parent), expected);
        }
    }

    #[test]
    fn rises_by_one_at_least_and_stays_within_its_bounds() {
        let parent = |base_fee, gas_used| Header { base_fee, gas_used, ..Header::default() };
        assert_eq!(next_base_fee(&genesis(), &parent(100, 10_000_001)), 101);
        assert_eq!(next_base_fee(&genesis(), &parent(100, 0)), 100);
        assert_eq!(next_base_fee(&genesis(), &parent(u64::MAX, 20_000_000)), u64::MAX);
    }
}
