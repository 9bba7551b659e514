//! Tests of the order over all machines.

use super::*;
use crate::sequencer::mempool::pool::{Pool, tests as evm};
use crate::sequencer::mempool::sbf::{SbfPool, tests as sbf};
use crate::sequencer::mempool::wasm::{WasmPool, tests as wasm};
use proptest::prelude::*;

/// `e` and `s` by machine, each with its price.
fn order(evm_prices: &[(u8, u64, u128)], sbf_prices: &[u128]) -> Vec<(char, u128)> {
    with_wasm(evm_prices, sbf_prices, &[])
}

/// As [`order`], and `w` for accounts of Wasm, each with one transaction.
fn with_wasm(evm_prices: &[(u8, u64, u128)], sbf_prices: &[u128], wasm_prices: &[u128]) -> Vec<(char, u128)> {
    let limits =
        crate::sequencer::mempool::PoolLimits { transactions: 500, bytes: 1 << 20, per_account: 500 };
    let (mut one, mut other) = (Pool::new(limits), SbfPool::new(limits));
    for (sender, nonce, price) in evm_prices {
        one.insert(evm::transaction(*sender, *nonce, *price, 0), evm::RICH).expect("taken");
    }
    for (salt, price) in sbf_prices.iter().enumerate() {
        other.insert(sbf::transaction(1, *price, salt as u8, 0), sbf::RICH).expect("taken");
    }
    let mut third = WasmPool::new(limits);
    for (account, price) in wasm_prices.iter().enumerate() {
        third.insert(wasm::transaction(&[(account as u8, 0)], *price, 0), &[wasm::RICH]).expect("taken");
    }
    let best = Best::new(one.best(0), other.ascending(), third.best(0), 0);
    let shown = |pooled: Pooled| match pooled {
        Pooled::Evm(evm) => ('e', evm.max_fee),
        Pooled::Sbf(sbf) => ('s', sbf.price),
        Pooled::Wasm(wasm) => ('w', wasm.price),
    };
    best.map(shown).collect()
}

#[test]
fn prices_of_both_machines_are_one_order() {
    let evm = [(1, 0, 50), (2, 0, 30), (2, 1, 90)];
    assert_eq!(order(&evm, &[40, 60]), [('s', 60), ('e', 50), ('s', 40), ('e', 30), ('e', 90)]);
    // Among equals the one that came first; the EVM's came first here.
    assert_eq!(order(&[(1, 0, 5)], &[5]), [('e', 5), ('s', 5)]);
    assert_eq!(order(&[], &[1, 2]), [('s', 2), ('s', 1)]);
    assert_eq!(order(&[], &[]), []);
}

#[test]
fn the_machine_that_pays_less_gets_a_quarter() {
    let evm: Vec<_> = (0..9).map(|sender| (sender, 0, 1_000)).collect();
    let machines: String = order(&evm, &[0, 0, 0, 0]).iter().map(|(machine, _)| machine).collect();
    assert_eq!(machines, "eeeseeeseeess");
    let evm: Vec<_> = (0..4).map(|sender| (sender, 0, 1)).collect();
    let machines: String = order(&evm, &[9; 9]).iter().map(|(machine, _)| machine).collect();
    assert_eq!(machines, "sssesssesssee");
}

#[test]
fn three_machines_share_and_each_keeps_a_quarter() {
    assert_eq!(with_wasm(&[(1, 0, 5)], &[9], &[7, 3]), [('s', 9), ('w', 7), ('e', 5), ('w', 3)]);
    let evm: Vec<_> = (0..9).map(|sender| (sender, 0, 1_000)).collect();
    let machines: String = with_wasm(&evm, &[0; 4], &[1; 4]).iter().map(|(machine, _)| machine).collect();
    // Both that pay less are due at the same time, and one of them has to come after the other.
    assert_eq!(machines, "eeewseewseewseesw");
}

proptest! {
    #[test]
    fn each_machine_keeps_its_order_and_nothing_is_lost(
        evm in prop::collection::vec(0u128..100, 0..60), sbf in prop::collection::vec(0u128..100, 0..60)
    ) {
        let accounts: Vec<_> = evm.iter().enumerate().map(|(at, price)| (at as u8, 0, *price)).collect();
        let merged = order(&accounts, &sbf);
        for (machine, mut prices) in [('e', evm), ('s', sbf)] {
            prices.sort_unstable();
            let own = merged.iter().rev().filter(|(other, _)| *other == machine).map(|(_, price)| *price);
            prop_assert_eq!(own.collect::<Vec<_>>(), prices);
        }
    }
}
