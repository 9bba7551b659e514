//! Tests of SBF's rules, without a state.

use super::*;
use proptest::prelude::*;
use weft_types::{AccountId, VmId, hash};

const LIMITS: PoolLimits = PoolLimits { transactions: 6, bytes: 1_000, per_account: 4 };
pub(in super::super) const RICH: SbfState = SbfState { lamports: u64::MAX, last_height: Some(225) };

pub(in super::super) fn transaction(payer: u8, price: u128, salt: u8, length: usize) -> Arc<PooledSbf> {
    let payload = [vec![payer, salt], vec![0; length]].concat();
    let id = hash::sha256("test", &[&payload]);
    Arc::new(PooledSbf {
        transaction: Transaction { vm: VmId::SBF, payload: payload.into() },
        checked: Checked {
            vm: VmId::SBF,
            id,
            sender: AccountId(B256::repeat_byte(payer)),
            gas_limit: 21_000,
            decoded: Arc::new(()),
        },
        payer: Pubkey::from([payer; 32]),
        blockhash: Hash::new_from_array([salt % 4; 32]),
        fee: 5_000,
        price,
        received: Instant::now(),
    })
}

fn order(pool: &SbfPool) -> Vec<u8> {
    pool.ascending().iter().rev().map(|pooled| pooled.payer.as_ref()[0]).collect()
}

#[test]
fn the_best_paid_go_first_and_then_first_come() {
    let mut pool = SbfPool::new(LIMITS);
    for (payer, price) in [(1, 0), (2, 7), (3, 0), (4, 9), (5, 7)] {
        pool.insert(transaction(payer, price, 0, 10), RICH).expect("taken");
    }
    assert_eq!(order(&pool), [4, 2, 5, 1, 3]);
    assert_eq!(pool.status(), PoolStatus { pending: 5, queued: 0, bytes: 65 });
}

#[test]
fn a_copy_is_known_and_funds_cover_all_fees_of_a_payer() {
    let mut pool = SbfPool::new(LIMITS);
    let state = SbfState { lamports: 12_000, ..RICH };
    let first = transaction(1, 0, 0, 0);
    pool.insert(Arc::clone(&first), state).expect("taken");
    let error = pool.insert(Arc::clone(&first), state).expect_err("known");
    assert_eq!(error.transaction_error(), Some(TransactionError::AlreadyProcessed));
    pool.insert(transaction(1, 0, 1, 0), state).expect("just enough");
    let error = pool.insert(transaction(1, 0, 2, 0), state).expect_err("too dear");
    assert_eq!(error, PoolError::Sbf(TransactionError::InsufficientFundsForFee));
    pool.remove(first.checked.id);
    pool.insert(transaction(1, 0, 2, 0), state).expect("one of them is gone");
    let nothing = SbfState { lamports: 0, ..RICH };
    let error = pool.insert(transaction(9, 0, 0, 0), nothing).expect_err("no account");
    assert_eq!(error, PoolError::Sbf(TransactionError::AccountNotFound));
}

#[test]
fn a_full_pool_evicts_the_cheapest_for_one_that_pays_more() {
    let mut pool = SbfPool::new(LIMITS);
    for payer in 1..=6 {
        pool.insert(transaction(payer, 10 * u128::from(payer), 0, 0), RICH).expect("taken");
    }
    assert_eq!(pool.insert(transaction(7, 10, 0, 0), RICH), Err(PoolError::Full));
    pool.insert(transaction(7, 11, 0, 0), RICH).expect("evicts");
    assert_eq!(order(&pool), [6, 5, 4, 3, 2, 7]);
    // For one that is long, as many leave as it needs, and none where that is not enough.
    let error = pool.insert(transaction(8, 35, 0, 990), RICH).expect_err("others pay more");
    assert_eq!(error, PoolError::Full);
    assert_eq!(pool.len(), 6);
    pool.insert(transaction(8, 35, 0, 987), RICH).expect("evicts three");
    assert_eq!(order(&pool), [6, 5, 4, 8]);
}

#[test]
fn one_payer_has_a_limit() {
    let mut pool = SbfPool::new(LIMITS);
    for salt in 0..4 {
        pool.insert(transaction(1, 1, salt, 0), RICH).expect("taken");
    }
    assert_eq!(pool.insert(transaction(1, 9, 4, 0), RICH), Err(PoolError::AccountLimit { max: 4 }));
    pool.insert(transaction(2, 1, 4, 0), RICH).expect("another payer");
}

#[test]
fn what_expires_or_names_a_void_block_is_out_and_nonces_stay() {
    let mut pool = SbfPool::new(LIMITS);
    let at = |last_height| SbfState { last_height, ..RICH };
    pool.insert(transaction(1, 0, 0, 0), at(Some(300))).expect("taken");
    pool.insert(transaction(2, 0, 1, 0), at(Some(301))).expect("taken");
    pool.insert(transaction(3, 0, 2, 0), at(Some(400))).expect("taken");
    pool.insert(transaction(4, 0, 0, 0), at(None)).expect("a nonce");
    pool.expire(300);
    assert_eq!(pool.len(), 4, "the last height is good");
    pool.expire(301);
    assert_eq!(order(&pool), [2, 3, 4]);
    assert_eq!(pool.last_height(&Hash::new_from_array([0; 32])), None);
    assert_eq!(pool.last_height(&Hash::new_from_array([2; 32])), Some(400));
    pool.forget(&Hash::new_from_array([2; 32]));
    assert_eq!(order(&pool), [2, 4]);
    pool.expire(u64::MAX);
    assert_eq!(order(&pool), [4]);
}

proptest! {
    #[test]
    fn bounds_hold_and_the_indexes_agree(
        steps in prop::collection::vec((0u8..5, 0u128..40, 0usize..300, 0u8..8), 1..200)
    ) {
        let mut pool = SbfPool::new(LIMITS);
        for (salt, (payer, price, length, what)) in steps.into_iter().enumerate() {
            let salt = salt as u8;
            match what {
                0 => pool.forget(&Hash::new_from_array([payer % 4; 32])),
                1 => pool.expire(u64::from(payer) * 50),
                2 => pool.ascending().first().into_iter().for_each(|pooled| pool.remove(pooled.checked.id)),
                _ => {
                    let last_height = (payer > 0).then(|| u64::from(salt % 4) * 50);
                    let state = SbfState { lamports: 17_000, last_height };
                    let _ = pool.insert(transaction(payer, price, salt, length), state);
                }
            }
            let (status, all) = (pool.status(), pool.ascending());
            prop_assert!(pool.len() <= LIMITS.transactions && status.bytes <= LIMITS.bytes);
            prop_assert_eq!((all.len(), pool.prices.len()), (pool.len(), pool.len()));
            prop_assert_eq!(all.iter().map(|pooled| pooled.bytes()).sum::<usize>(), status.bytes);
            prop_assert!(all.is_sorted_by_key(|pooled| pooled.price));
            prop_assert_eq!(pool.payers.values().map(|payer| payer.count).sum::<usize>(), pool.len());
            for (payer, waiting) in &pool.payers {
                let fees: u64 = all.iter().filter(|pooled| pooled.payer == *payer).map(|pooled| pooled.fee).sum();
                prop_assert!(waiting.count <= LIMITS.per_account && waiting.count > 0);
                prop_assert!(waiting.fees == fees && fees <= 17_000);
            }
            let named: usize = pool.blockhashes.values().map(|named| named.ids.len()).sum();
            prop_assert_eq!(named, pool.by_id.values().filter(|slot| slot.named).count());
            prop_assert!(pool.blockhashes.values().all(|named| !named.ids.is_empty()));
        }
    }
}
