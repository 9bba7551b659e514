//! [`SbfPool`]: the pure part of SBF's rules. There are no nonces: each transaction stands by itself, until its
//! blockhash is too old.

use super::error::PoolError;
use super::pool::{PoolLimits, PoolStatus};
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;
use weft_types::{B256, Transaction};
use weft_vm::Checked;

/// Wei of a lamport, to compare prices with the EVM's.
const WEI_PER_LAMPORT: u128 = weft_sbf::WEI_PER_LAMPORT as u128;

/// A checked SBF transaction that waits.
#[derive(Clone, Debug)]
pub struct PooledSbf {
    /// As it will be in a block.
    pub transaction: Transaction,
    /// What its machine found.
    pub checked: Checked,
    /// Who pays.
    pub payer: Pubkey,
    /// The blockhash that it names, or what its durable nonce holds.
    pub blockhash: Hash,
    /// Lamports that it pays for sure: for its signatures, and on top.
    pub fee: u64,
    /// Wei per gas to the block's fee recipient: what the EVM calls the tip.
    pub price: u128,
    /// When it came in.
    pub received: Instant,
}

impl PooledSbf {
    pub(super) fn new(transaction: Transaction, checked: Checked) -> Self {
        let decoded = weft_sbf::decoded(&checked);
        let on_top = u128::from(decoded.priority_fee).saturating_mul(WEI_PER_LAMPORT);
        Self {
            payer: decoded.fee_payer,
            blockhash: decoded.blockhash,
            fee: decoded.signature_fee.saturating_add(decoded.priority_fee),
            price: on_top / u128::from(checked.gas_limit.max(1)),
            transaction,
            checked,
            received: Instant::now(),
        }
    }

    fn bytes(&self) -> usize {
        self.transaction.encoded_len()
    }
}

/// What the newest state says of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct SbfState {
    /// What its payer has.
    pub lamports: u64,
    /// The last of Solana's block heights in which its blockhash is good; `None` where a durable nonce stands in its
    /// place.
    pub last_height: Option<u64>,
}

struct Slot {
    transaction: Arc<PooledSbf>,
    arrival: u64,
    named: bool,
}

#[derive(Default)]
struct Payer {
    fees: u64,
    count: usize,
}

/// Those that name one blockhash.
struct Named {
    last_height: u64,
    ids: HashSet<B256>,
}

/// See the module.
pub struct SbfPool {
    limits: PoolLimits,
    by_id: HashMap<B256, Slot>,
    payers: HashMap<Pubkey, Payer>,
    /// No more than there are blocks within the life of a blockhash.
    blockhashes: HashMap<Hash, Named>,
    /// Cheapest first; among equals the one that came last.
    prices: BTreeSet<(u128, Reverse<u64>, B256)>,
    bytes: usize,
    arrivals: u64,
}

impl SbfPool {
    /// An empty pool.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        Self {
            limits,
            by_id: HashMap::new(),
            payers: HashMap::new(),
            blockhashes: HashMap::new(),
            prices: BTreeSet::new(),
            bytes: 0,
            arrivals: 0,
        }
    }

    /// Takes `transaction`, of which the newest state says `state`.
    pub(super) fn insert(&mut self, transaction: Arc<PooledSbf>, state: SbfState) -> Result<(), PoolError> {
        let id = transaction.checked.id;
        if self.by_id.contains_key(&id) {
            return Err(PoolError::AlreadyKnown(id));
        }
        let (fees, count) =
            self.payers.get(&transaction.payer).map_or((0, 0), |payer| (payer.fees, payer.count));
        if count >= self.limits.per_account {
            return Err(PoolError::AccountLimit { max: self.limits.per_account });
        }
        if state.lamports == 0 {
            return Err(PoolError::Sbf(TransactionError::AccountNotFound));
        }
        if fees.saturating_add(transaction.fee) > state.lamports {
            return Err(PoolError::Sbf(TransactionError::InsufficientFundsForFee));
        }
        self.make_room(&transaction)?;
        self.put(transaction, state.last_height);
        Ok(())
    }

    fn put(&mut self, transaction: Arc<PooledSbf>, last_height: Option<u64>) {
        let (id, arrival) = (transaction.checked.id, self.arrivals);
        self.arrivals = self.arrivals.saturating_add(1);
        self.bytes = self.bytes.saturating_add(transaction.bytes());
        self.prices.insert((transaction.price, Reverse(arrival), id));
        let payer = self.payers.entry(transaction.payer).or_default();
        payer.fees = payer.fees.saturating_add(transaction.fee);
        payer.count = payer.count.saturating_add(1);
        if let Some(last_height) = last_height {
            let named = self.blockhashes.entry(transaction.blockhash);
            named.or_insert_with(|| Named { last_height, ids: HashSet::new() }).ids.insert(id);
        }
        self.by_id.insert(id, Slot { transaction, arrival, named: last_height.is_some() });
    }

    /// Evicts the cheapest until `new` fits, or nothing where those that stay pay as much as it does.
    fn make_room(&mut self, new: &PooledSbf) -> Result<(), PoolError> {
        let (mut count, mut bytes) = (self.by_id.len(), self.bytes);
        let limits = self.limits;
        let full = |count: usize, bytes: usize| {
            count >= limits.transactions || bytes.saturating_add(new.bytes()) > limits.bytes
        };
        let mut victims = Vec::new();
        for (price, _, id) in &self.prices {
            if !full(count, bytes) {
                break;
            }
            if *price >= new.price {
                return Err(PoolError::Full);
            }
            let Some(slot) = self.by_id.get(id) else { continue };
            count = count.saturating_sub(1);
            bytes = bytes.saturating_sub(slot.transaction.bytes());
            victims.push(*id);
        }
        if full(count, bytes) {
            return Err(PoolError::Full);
        }
        victims.into_iter().for_each(|id| self.remove(id));
        Ok(())
    }

    /// Takes out one transaction.
    pub(super) fn remove(&mut self, id: B256) {
        let Some(Slot { transaction, arrival, named }) = self.by_id.remove(&id) else { return };
        self.bytes = self.bytes.saturating_sub(transaction.bytes());
        self.prices.remove(&(transaction.price, Reverse(arrival), id));
        if let Some(payer) = self.payers.get_mut(&transaction.payer) {
            payer.fees = payer.fees.saturating_sub(transaction.fee);
            payer.count = payer.count.saturating_sub(1);
            if payer.count == 0 {
                self.payers.remove(&transaction.payer);
            }
        }
        if let Some(others) = self.blockhashes.get_mut(&transaction.blockhash).filter(|_| named) {
            others.ids.remove(&id);
            if others.ids.is_empty() {
                self.blockhashes.remove(&transaction.blockhash);
            }
        }
    }

    /// Tells Solana's block height: what names a blockhash that is too old is out.
    pub(super) fn expire(&mut self, height: u64) {
        let old = self.blockhashes.iter().filter(|(_, named)| named.last_height < height);
        let old: Vec<Hash> = old.map(|(blockhash, _)| *blockhash).collect();
        old.into_iter().for_each(|blockhash| self.forget(&blockhash));
    }

    /// Takes out what came in before `oldest`: what a durable nonce keeps good has no other bound.
    pub(super) fn expire_received(&mut self, oldest: Instant) {
        let old = self.by_id.iter().filter(|(_, slot)| slot.transaction.received < oldest);
        let old: Vec<B256> = old.map(|(id, _)| *id).collect();
        old.into_iter().for_each(|id| self.remove(id));
    }

    /// Takes out all that names `blockhash`.
    pub(super) fn forget(&mut self, blockhash: &Hash) {
        let ids = self.blockhashes.get(blockhash).map(|named| named.ids.iter().copied().collect());
        let ids: Vec<B256> = ids.unwrap_or_default();
        ids.into_iter().for_each(|id| self.remove(id));
    }

    /// The blockhashes that are named.
    pub(super) fn blockhashes(&self) -> Vec<Hash> {
        self.blockhashes.keys().copied().collect()
    }

    /// The last block height in which `blockhash` is good, where something that waits names it.
    pub(super) fn last_height(&self, blockhash: &Hash) -> Option<u64> {
        self.blockhashes.get(blockhash).map(|named| named.last_height)
    }

    pub(super) fn get(&self, id: B256) -> Option<Arc<PooledSbf>> {
        Some(Arc::clone(&self.by_id.get(&id)?.transaction))
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Nothing is queued: any one of them can go next.
    pub(super) fn status(&self) -> PoolStatus {
        PoolStatus { pending: self.by_id.len(), queued: 0, bytes: self.bytes }
    }

    /// All that waits, cheapest first and then last come: the next one is last.
    pub(super) fn ascending(&self) -> Vec<Arc<PooledSbf>> {
        let ids = self.prices.iter().map(|(_, _, id)| id);
        ids.filter_map(|id| Some(Arc::clone(&self.by_id.get(id)?.transaction))).collect()
    }
}

#[cfg(test)]
#[path = "sbf_tests.rs"]
pub(super) mod tests;
