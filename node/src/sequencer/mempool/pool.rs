//! [`Pool`]: the pure part of the EVM's rules: who may wait, who goes first, who has to leave.

use super::error::PoolError;
use super::evm_best::EvmBest;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;
use weft_types::{Address, B256, Transaction, U256};
use weft_vm::Checked;

/// A transaction must pay this much more, in percent, to replace one with the same nonce.
const PRICE_BUMP_PERCENT: u128 = 10;

/// A checked EVM transaction that waits.
#[derive(Clone, Debug)]
pub struct PooledEvm {
    /// As it will be in a block.
    pub transaction: Transaction,
    /// What its machine found.
    pub checked: Checked,
    /// Who pays.
    pub sender: Address,
    /// Its place among the sender's.
    pub nonce: u64,
    /// Most wei per gas.
    pub max_fee: u128,
    /// Most wei per gas to the block's fee recipient.
    pub max_priority: u128,
    /// Most wei that it can cost: gas limit times fee cap, and its value.
    pub cost: U256,
    /// When it came in.
    pub received: Instant,
}

impl PooledEvm {
    fn bytes(&self) -> usize {
        self.transaction.encoded_len()
    }

    /// Wei per gas for the fee recipient at `base_fee`; `None` where it does not pay the base fee.
    pub(super) fn tip(&self, base_fee: u128) -> Option<u128> {
        Some(self.max_fee.checked_sub(base_fee)?.min(self.max_priority))
    }
}

/// Bounds of one machine's part of the pool: no machine takes another's places.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Most transactions.
    pub transactions: usize,
    /// Most bytes of all transactions.
    pub bytes: usize,
    /// Most transactions of one account.
    pub per_account: usize,
}

/// Nonce and balance of an account in the newest state.
#[derive(Clone, Copy, Debug)]
pub struct AccountState {
    /// The next nonce.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
}

impl AccountState {
    /// An account that was never used.
    pub(super) const NONE: Self = Self { nonce: 0, balance: U256::ZERO };
}

struct Slot {
    transaction: Arc<PooledEvm>,
    arrival: u64,
}

#[derive(Default)]
struct Queue {
    nonce: u64,
    cost: U256,
    slots: BTreeMap<u64, Slot>,
}

impl Queue {
    /// The nonce after those that can execute one after the other from the account's own.
    fn pending_end(&self) -> u64 {
        let mut next = self.nonce;
        for nonce in self.slots.keys() {
            if *nonce != next {
                break;
            }
            next = next.saturating_add(1);
        }
        next
    }
}

/// Cheapest first; among equals the one that came last.
type Price = (u128, Reverse<u64>, Address, u64);

/// See the module.
pub struct Pool {
    limits: PoolLimits,
    queues: HashMap<Address, Queue>,
    by_id: HashMap<B256, (Address, u64)>,
    prices: BTreeSet<Price>,
    bytes: usize,
    arrivals: u64,
}

/// How many transactions can execute now, and how many wait for a nonce before theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Can execute.
    pub pending: usize,
    /// Wait for a gap to close.
    pub queued: usize,
    /// Bytes of all.
    pub bytes: usize,
}

impl Pool {
    pub(super) fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            queues: HashMap::new(),
            by_id: HashMap::new(),
            prices: BTreeSet::new(),
            bytes: 0,
            arrivals: 0,
        }
    }

    /// Takes `transaction`, of an account in the state `account`, or says why not.
    pub(super) fn insert(
        &mut self,
        transaction: Arc<PooledEvm>,
        account: AccountState,
    ) -> Result<(), PoolError> {
        let PooledEvm { sender, nonce, max_fee, cost, .. } = *transaction;
        let id = transaction.checked.id;
        if self.by_id.contains_key(&id) {
            return Err(PoolError::AlreadyKnown(id));
        }
        let queue = self.queues.get(&sender);
        let next = queue.map_or(account.nonce, |queue| queue.nonce.max(account.nonce));
        if nonce < next {
            return Err(PoolError::NonceTooLow { next, got: nonce });
        }
        let replaced = queue.and_then(|queue| queue.slots.get(&nonce)).map(|slot| &slot.transaction);
        if let Some(old) = replaced {
            let needed = bumped(old.max_fee);
            if max_fee < needed || transaction.max_priority < bumped(old.max_priority) {
                return Err(PoolError::ReplacementUnderpriced { needed });
            }
        } else if queue.is_some_and(|queue| queue.slots.len() >= self.limits.per_account) {
            return Err(PoolError::AccountLimit { max: self.limits.per_account });
        }
        let freed = replaced.map_or(U256::ZERO, |old| old.cost);
        let queued = queue.map_or(U256::ZERO, |queue| queue.cost.saturating_sub(freed));
        if queued.saturating_add(cost) > account.balance {
            return Err(PoolError::InsufficientFunds { balance: account.balance, queued, cost });
        }
        let freed_bytes = replaced.map_or(0, |old| old.bytes());
        let replaces = replaced.is_some();
        self.make_room(&transaction, freed_bytes, replaces)?;
        self.remove_slot(sender, nonce);
        self.put(transaction, next);
        Ok(())
    }

    fn put(&mut self, transaction: Arc<PooledEvm>, next: u64) {
        let arrival = self.arrivals;
        self.arrivals = self.arrivals.saturating_add(1);
        let (sender, nonce) = (transaction.sender, transaction.nonce);
        self.bytes = self.bytes.saturating_add(transaction.bytes());
        self.by_id.insert(transaction.checked.id, (sender, nonce));
        self.prices.insert((transaction.max_fee, Reverse(arrival), sender, nonce));
        let queue = self.queues.entry(sender).or_default();
        queue.nonce = next;
        queue.cost = queue.cost.saturating_add(transaction.cost);
        queue.slots.insert(nonce, Slot { transaction, arrival });
    }

    /// Evicts the cheapest until `new` fits, or nothing where those that stay pay as much as it does.
    fn make_room(&mut self, new: &PooledEvm, freed_bytes: usize, replaces: bool) -> Result<(), PoolError> {
        let (mut count, mut bytes) = (self.by_id.len(), self.bytes.saturating_sub(freed_bytes));
        let mut victims = Vec::new();
        let added = usize::from(!replaces);
        for (price, _, address, nonce) in &self.prices {
            if count.saturating_add(added) <= self.limits.transactions
                && bytes.saturating_add(new.bytes()) <= self.limits.bytes
            {
                break;
            }
            // What the sender has waiting is its own to replace; evicting it would only open a gap.
            if *address == new.sender {
                continue;
            }
            if *price >= new.max_fee {
                return Err(PoolError::Full);
            }
            let Some(slot) = self.queues.get(address).and_then(|queue| queue.slots.get(nonce)) else {
                continue;
            };
            count = count.saturating_sub(1);
            bytes = bytes.saturating_sub(slot.transaction.bytes());
            victims.push((*address, *nonce));
        }
        if count.saturating_add(added) > self.limits.transactions
            || bytes.saturating_add(new.bytes()) > self.limits.bytes
        {
            return Err(PoolError::Full);
        }
        for (address, nonce) in victims {
            self.remove_slot(address, nonce);
        }
        Ok(())
    }

    fn remove_slot(&mut self, sender: Address, nonce: u64) -> Option<Arc<PooledEvm>> {
        let queue = self.queues.get_mut(&sender)?;
        let Slot { transaction, arrival } = queue.slots.remove(&nonce)?;
        queue.cost = queue.cost.saturating_sub(transaction.cost);
        if queue.slots.is_empty() {
            self.queues.remove(&sender);
        }
        self.bytes = self.bytes.saturating_sub(transaction.bytes());
        self.by_id.remove(&transaction.checked.id);
        self.prices.remove(&(transaction.max_fee, Reverse(arrival), sender, nonce));
        Some(transaction)
    }

    /// Takes out one transaction.
    pub(super) fn remove(&mut self, id: B256) {
        if let Some((sender, nonce)) = self.by_id.get(&id).copied() {
            self.remove_slot(sender, nonce);
        }
    }

    /// Tells what the account's next nonce is now: what lies below is out. A lower one than before (blocks were
    /// reverted) counts too.
    pub(super) fn set_nonce(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.queues.get_mut(&sender) else { return };
        queue.nonce = nonce;
        let stale: Vec<u64> = queue.slots.range(..nonce).map(|(nonce, _)| *nonce).collect();
        for nonce in stale {
            self.remove_slot(sender, nonce);
        }
    }

    /// Takes out what came in before `oldest`.
    pub(super) fn expire(&mut self, oldest: Instant) {
        let slots = self.queues.values().flat_map(|queue| queue.slots.values());
        let old = slots.filter(|slot| slot.transaction.received < oldest);
        let old: Vec<B256> = old.map(|slot| slot.transaction.checked.id).collect();
        old.into_iter().for_each(|id| self.remove(id));
    }

    /// Whether some account's next transaction pays less than `base_fee`.
    pub(super) fn waits_for_price(&self, base_fee: u128) -> bool {
        let mut nexts = self.queues.values().filter_map(|queue| queue.slots.get(&queue.nonce));
        nexts.any(|slot| slot.transaction.tip(base_fee).is_none())
    }

    /// Senders that have transactions waiting.
    pub(super) fn senders(&self) -> Vec<Address> {
        self.queues.keys().copied().collect()
    }

    /// The nonce after all of the account's that can execute; `None` where nothing of it waits.
    pub(super) fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.queues.get(&sender).map(Queue::pending_end)
    }

    pub(super) fn get(&self, id: B256) -> Option<Arc<PooledEvm>> {
        let (sender, nonce) = self.by_id.get(&id)?;
        Some(Arc::clone(&self.queues.get(sender)?.slots.get(nonce)?.transaction))
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn status(&self) -> PoolStatus {
        let mut status = PoolStatus { bytes: self.bytes, ..PoolStatus::default() };
        for queue in self.queues.values() {
            let end = queue.pending_end();
            let pending = queue.slots.range(..end).count();
            status.pending = status.pending.saturating_add(pending);
            status.queued = status.queued.saturating_add(queue.slots.len().saturating_sub(pending));
        }
        status
    }

    /// All that waits, by sender and nonce, and whether it can execute.
    pub(super) fn content(&self) -> Vec<(Arc<PooledEvm>, bool)> {
        let mut all = Vec::with_capacity(self.by_id.len());
        for queue in self.queues.values() {
            let end = queue.pending_end();
            let slots = queue.slots.iter();
            all.extend(slots.map(|(nonce, slot)| (Arc::clone(&slot.transaction), *nonce < end)));
        }
        all.sort_by_key(|(transaction, _)| (transaction.sender, transaction.nonce));
        all
    }

    /// What a block at `base_fee` should take, best first, each account's in the order of its nonces.
    pub(super) fn best(&self, base_fee: u128) -> EvmBest {
        let mut best = EvmBest::new(base_fee);
        for queue in self.queues.values() {
            let end = queue.pending_end();
            let pending = queue.slots.range(queue.nonce..end);
            best.push(pending.map(|(_, slot)| (slot.arrival, Arc::clone(&slot.transaction))).collect());
        }
        best
    }
}

fn bumped(price: u128) -> u128 {
    price.saturating_add(price.saturating_mul(PRICE_BUMP_PERCENT).div_ceil(100))
}

#[cfg(test)]
#[path = "pool_tests.rs"]
pub(super) mod tests;
