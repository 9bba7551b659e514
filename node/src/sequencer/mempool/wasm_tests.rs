//! Tests of Wasm's rules, without a state.

use super::*;
use proptest::prelude::*;
use weft_types::{VmId, hash};

const LIMITS: PoolLimits = PoolLimits { transactions: 6, bytes: 1_000, per_account: 4 };
pub(in super::super) const RICH: WasmState = WasmState { sequence: 0, balance: U256::MAX };

pub(in super::super) fn account(byte: u8) -> AccountId {
    AccountId(B256::repeat_byte(byte))
}

pub(in super::super) fn transaction(signers: &[(u8, u64)], price: u128, length: usize) -> Arc<PooledWasm> {
    let text = format!("{signers:?} {price}");
    let payload = [text.as_bytes(), &vec![0; length]].concat();
    let first = signers.first().map_or(0, |(byte, _)| *byte);
    Arc::new(PooledWasm {
        checked: Checked {
            vm: VmId::WASM,
            id: hash::sha256("test", &[&payload]),
            sender: account(first),
            gas_limit: 21_000,
            decoded: Arc::new(()),
        },
        transaction: Transaction { vm: VmId::WASM, payload: payload.into() },
        signers: signers.iter().map(|(byte, sequence)| (account(*byte), *sequence)).collect(),
        fee: U256::from(price).saturating_mul(U256::from(21_000)),
        price,
        received: Instant::now(),
    })
}

fn taken(pool: &mut WasmPool, signers: &[(u8, u64)], price: u128) -> Result<(), PoolError> {
    pool.insert(transaction(signers, price, 0), &vec![RICH; signers.len()])
}

fn order(pool: &WasmPool, base_fee: u128) -> Vec<u128> {
    pool.best(base_fee).iter().rev().map(|pooled| pooled.price).collect()
}

#[test]
fn sequences_have_no_gap_and_nothing_is_replaced() {
    let mut pool = WasmPool::new(LIMITS);
    taken(&mut pool, &[(1, 0)], 5).expect("the next");
    assert_eq!(taken(&mut pool, &[(1, 2)], 5), Err(PoolError::Sequence { expected: 1, got: 2 }));
    assert_eq!(taken(&mut pool, &[(1, 0)], 50), Err(PoolError::Sequence { expected: 1, got: 0 }));
    taken(&mut pool, &[(1, 1)], 9).expect("the next");
    assert!(matches!(taken(&mut pool, &[(1, 1)], 9), Err(PoolError::AlreadyKnown(_))));
    assert_eq!(pool.next_sequence(account(1)), Some(2));
    assert_eq!(order(&pool, 0), [5, 9], "an account's own order stands before price");
    assert_eq!(order(&pool, 6), [], "the first holds up the second");
    pool.set_sequence(account(1), 1);
    assert_eq!(order(&pool, 6), [9]);
    pool.set_sequence(account(1), 0);
    assert_eq!(pool.len(), 0, "nobody closes the gap");
}

#[test]
fn one_of_several_signers_waits_for_all_of_them() {
    let mut pool = WasmPool::new(LIMITS);
    taken(&mut pool, &[(1, 0)], 1).expect("taken");
    taken(&mut pool, &[(2, 0), (1, 1)], 100).expect("taken");
    taken(&mut pool, &[(2, 1)], 50).expect("taken");
    taken(&mut pool, &[(3, 0)], 10).expect("taken");
    assert_eq!(order(&pool, 0), [10, 1, 100, 50]);
}

#[test]
fn fees_of_an_account_are_covered_together() {
    let mut pool = WasmPool::new(LIMITS);
    let state = WasmState { sequence: 0, balance: U256::from(21_000 * 8) };
    pool.insert(transaction(&[(1, 0)], 5, 0), &[state]).expect("enough");
    let error = pool.insert(transaction(&[(1, 1)], 5, 0), &[state]).expect_err("too dear");
    assert!(matches!(error, PoolError::FeeFunds { .. }));
    pool.insert(transaction(&[(1, 1)], 3, 0), &[state]).expect("just enough");
}

#[test]
fn what_waited_too_long_goes_with_what_waits_for_it() {
    let mut pool = WasmPool::new(LIMITS);
    taken(&mut pool, &[(1, 0)], 9).expect("the first");
    let between = Instant::now();
    taken(&mut pool, &[(1, 1)], 8).expect("the second");
    taken(&mut pool, &[(2, 0)], 7).expect("another's");
    assert!(pool.waits_for_price(8) && !pool.waits_for_price(7));
    pool.expire(between);
    assert_eq!(order(&pool, 0), [7]);
}

#[test]
fn a_full_pool_lets_the_cheapest_go_with_what_waits_for_it() {
    let mut pool = WasmPool::new(LIMITS);
    for (signer, sequence, price) in [(1, 0, 2), (1, 1, 90), (2, 0, 50), (3, 0, 50), (4, 0, 50), (5, 0, 50)] {
        taken(&mut pool, &[(signer, sequence)], price).expect("room");
    }
    assert_eq!(taken(&mut pool, &[(6, 0)], 1), Err(PoolError::Full));
    assert_eq!(taken(&mut pool, &[(1, 2)], 60), Err(PoolError::Full), "it would lose its own place");
    taken(&mut pool, &[(6, 0)], 51).expect("in the place of two");
    assert_eq!(order(&pool, 0), [51, 50, 50, 50, 50]);
    assert_eq!(pool.next_sequence(account(1)), None);
}

proptest! {
    #[test]
    fn bounds_hold_and_all_that_waits_can_go(
        steps in prop::collection::vec((0u8..4, 0u8..4, 1u128..20, 0usize..300, any::<bool>()), 0..60)
    ) {
        let mut pool = WasmPool::new(LIMITS);
        for (signer, other, price, length, alone) in steps {
            let next = |byte: u8| (byte, pool.next_sequence(account(byte)).unwrap_or(0));
            let signers =
                if alone || signer == other { vec![next(signer)] } else { vec![next(signer), next(other)] };
            let states = vec![RICH; signers.len()];
            let _ = pool.insert(transaction(&signers, price, length), &states);
            let status = pool.status();
            prop_assert!(status.pending <= LIMITS.transactions && status.bytes <= LIMITS.bytes);
            prop_assert_eq!(pool.best(0).len(), status.pending);
        }
        for byte in 0..4 {
            pool.set_sequence(account(byte), 100);
        }
        prop_assert_eq!(pool.status(), PoolStatus::default());
    }
}
