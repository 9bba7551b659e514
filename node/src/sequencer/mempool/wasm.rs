//! [`WasmPool`]: the pure part of Wasm's rules. An account's transactions wait in the order of their sequence numbers,
//! without a gap: what comes too early is refused, as a node of a Cosmos chain refuses it, and so is a second one with the
//! same number, whatever it pays.
//!
//! For the same reason nothing is taken that does not pay the next block's base fee, or that is timed out: it would hold up
//! its account's others, and nothing could take its place.
//!
//! A transaction may have several signers; it stands in the queue of each, and can go where it is the first in all.

use super::error::PoolError;
use super::pool::{PoolLimits, PoolStatus};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;
use weft_types::{AccountId, B256, Transaction, U256};
use weft_vm::Checked;

/// A checked Wasm transaction that waits.
#[derive(Clone, Debug)]
pub struct PooledWasm {
    /// As it will be in a block.
    pub transaction: Transaction,
    /// What its machine found.
    pub checked: Checked,
    /// Who signs, each with the sequence number that it names; who pays is among them.
    pub signers: Vec<(AccountId, u64)>,
    /// Wei that it pays for sure.
    pub fee: U256,
    /// Wei per gas: what the EVM calls the fee cap, all of which above the base fee is the recipient's.
    pub price: u128,
    /// When it came in.
    pub received: Instant,
}

impl PooledWasm {
    fn bytes(&self) -> usize {
        self.transaction.encoded_len()
    }

    fn payer(&self) -> AccountId {
        self.checked.sender
    }
}

/// Sequence number and balance of an account in the newest state.
#[derive(Clone, Copy, Debug)]
pub struct WasmState {
    /// The next sequence number.
    pub sequence: u64,
    /// Wei.
    pub balance: U256,
}

struct Slot {
    transaction: Arc<PooledWasm>,
    arrival: u64,
}

#[derive(Default)]
struct Queue {
    /// By sequence number, ascending without a gap.
    ids: VecDeque<(u64, B256)>,
    fees: U256,
}

/// See the module.
pub struct WasmPool {
    limits: PoolLimits,
    by_id: HashMap<B256, Slot>,
    queues: HashMap<AccountId, Queue>,
    /// Cheapest first; among equals the one that came last.
    prices: BTreeSet<(u128, Reverse<u64>, B256)>,
    bytes: usize,
    arrivals: u64,
}

impl WasmPool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            by_id: HashMap::new(),
            queues: HashMap::new(),
            prices: BTreeSet::new(),
            bytes: 0,
            arrivals: 0,
        }
    }

    /// Takes `transaction`; `state` is what the newest state says of each of its signers, in their order.
    pub(super) fn insert(
        &mut self,
        transaction: Arc<PooledWasm>,
        state: &[WasmState],
    ) -> Result<(), PoolError> {
        let id = transaction.checked.id;
        if self.by_id.contains_key(&id) {
            return Err(PoolError::AlreadyKnown(id));
        }
        if transaction.signers.len() != state.len() {
            return Err(PoolError::State("a transaction was not looked up".into()));
        }
        for ((account, got), state) in transaction.signers.iter().zip(state) {
            let last = self.queues.get(account).and_then(|queue| queue.ids.back());
            let expected =
                last.map_or(state.sequence, |(last, _)| last.saturating_add(1).max(state.sequence));
            if *got != expected {
                return Err(PoolError::Sequence { expected, got: *got });
            }
            if self.queues.get(account).is_some_and(|queue| queue.ids.len() >= self.limits.per_account) {
                return Err(PoolError::AccountLimit { max: self.limits.per_account });
            }
        }
        let payer = transaction.payer();
        let mut states = transaction.signers.iter().zip(state);
        if let Some((_, state)) = states.find(|((account, _), _)| *account == payer) {
            let queued = self.queues.get(&payer).map_or(U256::ZERO, |queue| queue.fees);
            if queued.saturating_add(transaction.fee) > state.balance {
                let (balance, cost) = (state.balance, transaction.fee);
                return Err(PoolError::FeeFunds { balance, queued, cost });
            }
        }
        self.make_room(&transaction)?;
        self.put(transaction);
        Ok(())
    }

    fn put(&mut self, transaction: Arc<PooledWasm>) {
        let (id, arrival) = (transaction.checked.id, self.arrivals);
        self.arrivals = self.arrivals.saturating_add(1);
        self.bytes = self.bytes.saturating_add(transaction.bytes());
        self.prices.insert((transaction.price, Reverse(arrival), id));
        for (account, sequence) in &transaction.signers {
            let queue = self.queues.entry(*account).or_default();
            queue.ids.push_back((*sequence, id));
            if *account == transaction.payer() {
                queue.fees = queue.fees.saturating_add(transaction.fee);
            }
        }
        self.by_id.insert(id, Slot { transaction, arrival });
    }

    /// Evicts the cheapest, each with those that wait for it, until `new` fits; or nothing where those that stay pay as
    /// much as it does, or where it would itself have to go with them.
    fn make_room(&mut self, new: &PooledWasm) -> Result<(), PoolError> {
        let (mut count, mut bytes) = (self.by_id.len(), self.bytes);
        let limits = self.limits;
        let full = |count: usize, bytes: usize| {
            count >= limits.transactions || bytes.saturating_add(new.bytes()) > limits.bytes
        };
        let mut victims: HashSet<B256> = HashSet::new();
        for (price, _, id) in &self.prices {
            if !full(count, bytes) {
                break;
            }
            if *price >= new.price {
                return Err(PoolError::Full);
            }
            for id in self.with_followers(*id) {
                let Some(slot) = self.by_id.get(&id).filter(|_| victims.insert(id)) else { continue };
                if slot.transaction.signers.iter().any(|(account, _)| is_among(new, account)) {
                    return Err(PoolError::Full);
                }
                count = count.saturating_sub(1);
                bytes = bytes.saturating_sub(slot.transaction.bytes());
            }
        }
        if full(count, bytes) {
            return Err(PoolError::Full);
        }
        victims.into_iter().for_each(|id| self.remove_one(id));
        Ok(())
    }

    /// The transaction and all that can't go without it. No longer than the pool.
    fn with_followers(&self, id: B256) -> Vec<B256> {
        let (mut all, mut at, mut seen) = (vec![id], 0, HashSet::from([id]));
        while let Some(slot) = all.get(at).and_then(|id| self.by_id.get(id)) {
            at = at.saturating_add(1);
            for (account, sequence) in &slot.transaction.signers {
                let after = self.queues.get(account).into_iter().flat_map(|queue| &queue.ids);
                let after = after.filter(|(other, _)| other > sequence).map(|(_, id)| *id);
                all.extend(after.filter(|id| seen.insert(*id)));
            }
        }
        all
    }

    /// Takes out one transaction that will never execute, with all that waits for it.
    pub(super) fn remove(&mut self, id: B256) {
        self.with_followers(id).into_iter().for_each(|id| self.remove_one(id));
    }

    /// Takes out one transaction that executed; those behind it stay.
    pub(super) fn executed(&mut self, id: B256) {
        self.remove_one(id);
    }

    fn remove_one(&mut self, id: B256) {
        let Some(Slot { transaction, arrival }) = self.by_id.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(transaction.bytes());
        self.prices.remove(&(transaction.price, Reverse(arrival), id));
        for (account, _) in &transaction.signers {
            let Some(queue) = self.queues.get_mut(account) else { continue };
            if queue.ids.front().is_some_and(|(_, first)| *first == id) {
                queue.ids.pop_front();
            } else {
                queue.ids.retain(|(_, other)| *other != id);
            }
            if *account == transaction.payer() {
                queue.fees = queue.fees.saturating_sub(transaction.fee);
            }
            if queue.ids.is_empty() {
                self.queues.remove(account);
            }
        }
    }

    /// Tells what the account's next sequence number is now. What lies below is out, and so is all where the first that
    /// waits is not the next: nobody will close the gap.
    pub(super) fn set_sequence(&mut self, account: AccountId, sequence: u64) {
        let Some(queue) = self.queues.get(&account) else { return };
        let below: Vec<B256> =
            queue.ids.iter().filter(|(other, _)| *other < sequence).map(|(_, id)| *id).collect();
        below.into_iter().for_each(|id| self.remove_one(id));
        let first = self.queues.get(&account).and_then(|queue| queue.ids.front()).copied();
        if let Some((_, id)) = first.filter(|(first, _)| *first != sequence) {
            self.with_followers(id).into_iter().for_each(|id| self.remove_one(id));
        }
    }

    /// Takes out all, in the order in which it came.
    pub(super) fn drain(&mut self) -> Vec<Arc<PooledWasm>> {
        let all = self.oldest(usize::MAX);
        *self = Self { arrivals: self.arrivals, ..Self::new(self.limits) };
        all
    }

    /// Takes out what came in before `oldest`, with all that waits for it.
    pub(super) fn expire(&mut self, oldest: Instant) {
        let old = self.by_id.iter().filter(|(_, slot)| slot.transaction.received < oldest);
        let old: Vec<B256> = old.map(|(id, _)| *id).collect();
        old.into_iter().for_each(|id| self.remove(id));
    }

    /// Whether something pays less than `base_fee`: it, or what it waits for, is in no block until that falls.
    pub(super) fn waits_for_price(&self, base_fee: u128) -> bool {
        self.prices.first().is_some_and(|(price, ..)| *price < base_fee)
    }

    /// Accounts that sign something that waits.
    pub(super) fn signers(&self) -> Vec<AccountId> {
        self.queues.keys().copied().collect()
    }

    /// The sequence number after all that waits of the account; `None` where nothing does.
    pub(super) fn next_sequence(&self, account: AccountId) -> Option<u64> {
        let (last, _) = self.queues.get(&account)?.ids.back()?;
        Some(last.saturating_add(1))
    }

    pub(super) fn get(&self, id: B256) -> Option<Arc<PooledWasm>> {
        Some(Arc::clone(&self.by_id.get(&id)?.transaction))
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Nothing is queued: there are no gaps.
    pub(super) fn status(&self) -> PoolStatus {
        PoolStatus { pending: self.by_id.len(), queued: 0, bytes: self.bytes }
    }

    /// Up to `limit` of what waits, in the order in which it came.
    pub(super) fn oldest(&self, limit: usize) -> Vec<Arc<PooledWasm>> {
        let mut all: Vec<_> = self.by_id.values().collect();
        all.sort_by_key(|slot| slot.arrival);
        all.into_iter().take(limit).map(|slot| Arc::clone(&slot.transaction)).collect()
    }

    /// What a block at `base_fee` should take, each account's in order and otherwise dearest first; the next one is
    /// last.
    pub(super) fn best(&self, base_fee: u128) -> Vec<Arc<PooledWasm>> {
        // Of how many queues a transaction is not the first yet.
        let mut blocked: HashMap<B256, usize> = HashMap::new();
        for (_, id) in self.queues.values().flat_map(|queue| queue.ids.iter().skip(1)) {
            let count = blocked.entry(*id).or_default();
            *count = count.saturating_add(1);
        }
        let mut heads: BinaryHeap<(u128, Reverse<u64>, B256)> = BinaryHeap::new();
        // One that does not pay the base fee holds up those behind it, which need its sequence number.
        let pays = |slot: &Slot| slot.transaction.price >= base_fee;
        for (id, slot) in self.by_id.iter().filter(|(id, slot)| !blocked.contains_key(*id) && pays(slot)) {
            heads.push((slot.transaction.price, Reverse(slot.arrival), *id));
        }
        let mut after: HashMap<(AccountId, u64), B256> = HashMap::new();
        for (account, queue) in &self.queues {
            after.extend(queue.ids.iter().map(|(sequence, id)| ((*account, *sequence), *id)));
        }
        let mut order = Vec::with_capacity(self.by_id.len());
        while let Some((_, _, id)) = heads.pop() {
            let Some(slot) = self.by_id.get(&id) else { continue };
            order.push(Arc::clone(&slot.transaction));
            for (account, sequence) in &slot.transaction.signers {
                let Some(next) = after.get(&(*account, sequence.saturating_add(1))) else { continue };
                let Some(count) = blocked.get_mut(next) else { continue };
                *count = count.saturating_sub(1);
                let Some(slot) = self.by_id.get(next).filter(|slot| *count == 0 && pays(slot)) else {
                    continue;
                };
                heads.push((slot.transaction.price, Reverse(slot.arrival), *next));
            }
        }
        order.reverse();
        order
    }
}

fn is_among(transaction: &PooledWasm, account: &AccountId) -> bool {
    transaction.signers.iter().any(|(signer, _)| signer == account)
}

#[cfg(test)]
#[path = "wasm_tests.rs"]
pub(super) mod tests;
