//! Tests of the pool's rules.

use super::*;
use proptest::prelude::*;
use weft_types::{AccountId, VmId, hash};

const LIMITS: PoolLimits = PoolLimits { transactions: 6, bytes: 1_000, per_account: 4 };
pub(in super::super) const RICH: AccountState = AccountState { nonce: 0, balance: U256::MAX };

pub(in super::super) fn transaction(sender: u8, nonce: u64, price: u128, salt: u8) -> Arc<PooledEvm> {
    let payload = vec![sender, nonce as u8, price as u8, salt];
    let id = hash::sha256("test", &[&payload]);
    let sender = Address::repeat_byte(sender);
    Arc::new(PooledEvm {
        transaction: Transaction { vm: VmId::EVM, payload: payload.into() },
        checked: Checked {
            vm: VmId::EVM,
            id,
            sender: AccountId::from_evm(sender),
            gas_limit: 21_000,
            decoded: Arc::new(()),
        },
        sender,
        nonce,
        max_fee: price,
        max_priority: price,
        cost: U256::from(price),
        received: Instant::now(),
    })
}

fn order(pool: &Pool, base_fee: u128) -> Vec<(u8, u64)> {
    pool.best(base_fee).map(|pooled| (pooled.sender[0], pooled.nonce)).collect()
}

#[test]
fn the_best_paid_go_first_and_nonces_stay_in_order() {
    let mut pool = Pool::new(LIMITS);
    for (sender, nonce, price) in [(1, 1, 90), (1, 0, 10), (2, 0, 50), (2, 1, 5), (3, 1, 99)] {
        pool.insert(transaction(sender, nonce, price, 0), RICH).expect("taken");
    }
    assert_eq!(order(&pool, 0), [(2, 0), (1, 0), (1, 1), (2, 1)]);
    assert_eq!(order(&pool, 20), [(2, 0)]);
    assert_eq!(pool.status(), PoolStatus { pending: 4, queued: 1, bytes: 25 });
    assert_eq!(pool.pending_nonce(Address::repeat_byte(1)), Some(2));
    assert_eq!(pool.pending_nonce(Address::repeat_byte(3)), Some(0));
    assert_eq!(pool.pending_nonce(Address::repeat_byte(4)), None);
    pool.insert(transaction(3, 0, 1, 0), RICH).expect("closes the gap");
    assert_eq!(pool.pending_nonce(Address::repeat_byte(3)), Some(2));
}

#[test]
fn a_replacement_pays_ten_percent_more() {
    let mut pool = Pool::new(LIMITS);
    let first = transaction(1, 0, 100, 0);
    pool.insert(Arc::clone(&first), RICH).expect("taken");
    assert_eq!(pool.insert(first, RICH).expect_err("known").to_string(), "already known");
    let error = pool.insert(transaction(1, 0, 109, 0), RICH).expect_err("too cheap");
    assert!(error.to_string().starts_with("replacement transaction underpriced"), "{error}");
    pool.insert(transaction(1, 0, 110, 0), RICH).expect("replaces");
    assert_eq!((pool.len(), pool.status().bytes), (1, 5));
}

#[test]
fn nonces_and_funds_are_held_against_the_state() {
    let mut pool = Pool::new(LIMITS);
    let account = AccountState { nonce: 5, balance: U256::from(150) };
    let error = pool.insert(transaction(1, 4, 10, 0), account).expect_err("stale");
    assert_eq!(error.to_string(), "nonce too low: next nonce 5, tx nonce 4");
    pool.insert(transaction(1, 5, 100, 0), account).expect("taken");
    let error = pool.insert(transaction(1, 6, 51, 0), account).expect_err("too dear");
    assert_eq!(
        error.to_string(),
        "insufficient funds for gas * price + value: balance 150, queued cost 100, tx cost 51, overshot 1"
    );
    pool.insert(transaction(1, 6, 50, 0), account).expect("just enough");
    pool.set_nonce(Address::repeat_byte(1), 6);
    assert_eq!(order(&pool, 0), [(1, 6)]);
}

#[test]
fn a_full_pool_evicts_the_cheapest_for_one_that_pays_more() {
    let mut pool = Pool::new(LIMITS);
    for sender in 1..=6 {
        pool.insert(transaction(sender, 0, 10 * u128::from(sender), 0), RICH).expect("taken");
    }
    assert_eq!(pool.insert(transaction(7, 0, 10, 0), RICH), Err(PoolError::Full));
    pool.insert(transaction(7, 0, 11, 0), RICH).expect("evicts");
    assert_eq!(pool.pending_nonce(Address::repeat_byte(1)), None);
    assert_eq!(pool.len(), 6);
}

#[test]
fn one_account_has_a_limit() {
    let mut pool = Pool::new(LIMITS);
    for nonce in 0..4 {
        pool.insert(transaction(1, nonce, 10, 0), RICH).expect("taken");
    }
    assert_eq!(pool.insert(transaction(1, 4, 10, 0), RICH), Err(PoolError::AccountLimit { max: 4 }));
    pool.insert(transaction(1, 3, 11, 0), RICH).expect("a replacement needs no place");
}

proptest! {
    #[test]
    fn bounds_hold_and_the_indexes_agree(
        steps in prop::collection::vec((0u8..5, 0u64..7, 1u128..40, any::<bool>()), 1..200)
    ) {
        let mut pool = Pool::new(LIMITS);
        for (salt, (sender, nonce, price, used)) in steps.into_iter().enumerate() {
            if used {
                pool.set_nonce(Address::repeat_byte(sender), nonce);
            } else {
                let _ = pool.insert(transaction(sender, nonce, price, salt as u8), RICH);
            }
            let status = pool.status();
            prop_assert!(pool.len() <= LIMITS.transactions && status.bytes <= LIMITS.bytes);
            prop_assert_eq!(pool.len(), pool.prices.len());
            prop_assert_eq!(pool.len(), status.pending + status.queued);
            prop_assert_eq!(pool.best(0).count(), status.pending);
            let content = pool.content();
            prop_assert_eq!(content.iter().map(|(pooled, _)| pooled.transaction.encoded_len()).sum::<usize>(), status.bytes);
            for (pooled, _) in content {
                prop_assert!(pool.get(pooled.checked.id).is_some());
            }
        }
    }
}
