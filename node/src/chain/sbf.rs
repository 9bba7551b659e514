//! What Solana's RPC looks up on the chain: accounts by program, wallet, mint and delegate, and transactions by the
//! accounts that they name.
//!
//! ```text
//! accounts       block's changes ─weft_sbf::index─> entries beside the state, with its layers and its history
//! transactions   block's records ─> soft: a set beside the block;  included: chain records, s | account | place
//! ```
//! Both follow the tip, soft blocks too, and go where the chain goes: what becomes void, or is rolled back, takes its
//! entries along. A block without SBF transactions and accounts costs nothing.

use super::record::{BlockRecord, TransactionRecord};
use super::{Chain, ChainError, keys, place};
use std::collections::BTreeSet;
use weft_sbf::index::{self, IndexPrefix};
use weft_state::{ChangeSet, Key, ReadError, Scan, StateRead};
use weft_types::{Bytes, Height, VmId};

/// The accounts that a block's SBF transactions name, each with the transaction's place in the block.
pub(super) type Addresses = BTreeSet<([u8; 32], usize)>;

/// The accounts that a transaction names; none where it is no SBF transaction.
#[must_use]
pub fn addresses_of(record: &TransactionRecord) -> Vec<[u8; 32]> {
    if record.transaction.vm != VmId::SBF {
        return Vec::new();
    }
    index::addresses(&record.transaction.payload, &record.detail)
}

pub(super) fn addresses(record: &BlockRecord) -> Addresses {
    let numbered = record.transactions.iter().enumerate();
    numbered
        .flat_map(|(at, record)| addresses_of(record).into_iter().map(move |account| (account, at)))
        .collect()
}

/// A block's changes with those of the look-ups; `before` is the state before the block.
pub(super) fn with_index(mut changes: ChangeSet, before: &dyn StateRead) -> Result<ChangeSet, ReadError> {
    let index = index::changes(&changes, before)?;
    changes.append(index);
    Ok(changes)
}

/// What the store keeps of a block's addresses.
pub(super) fn records(height: Height, addresses: &Addresses) -> impl Iterator<Item = (Key, Bytes)> {
    addresses.iter().map(move |(account, at)| (keys::address(account, height, *at), Bytes::new()))
}

impl Chain {
    /// Up to `limit` SBF accounts that `prefix` finds at the tip, soft or included, ascending. For another height, or
    /// for many look-ups at one, ask [`index::accounts`] with [`Chain::state_at`].
    ///
    /// # Errors
    /// [`ChainError::Read`].
    pub fn sbf_accounts(&self, prefix: &IndexPrefix, limit: usize) -> Result<Vec<[u8; 32]>, ChainError> {
        Ok(index::accounts(&*self.head().state, prefix, limit)?)
    }

    /// Up to `limit` SBF transactions that name `address`, as heights and places in the block, newest first; with
    /// `before`, only those before that one. Soft ones are among them.
    ///
    /// # Errors
    /// [`ChainError::Store`], [`ChainError::Damaged`].
    pub fn sbf_signatures(
        &self,
        address: &[u8; 32],
        before: Option<(Height, usize)>,
        limit: usize,
    ) -> Result<Vec<(Height, usize)>, ChainError> {
        let view = self.view.load();
        let end = before.unwrap_or((Height(u64::MAX), usize::MAX));
        let mut found = Vec::new();
        for soft in view.soft.iter().rev().filter(|soft| soft.height() <= end.0) {
            let below = if soft.height() == end.0 { end.1 } else { usize::MAX };
            let places = soft.addresses.range((*address, 0)..(*address, below)).rev();
            let places = places.take(limit.saturating_sub(found.len()));
            found.extend(places.map(|(_, at)| (soft.height(), *at)));
        }
        // What a commit that is under way adds lies above the view's blocks.
        let (height, at) = end.min((view.included.header.height.next(), 0));
        let (from, to) = (keys::address(address, Height(0), 0), keys::address(address, height, at));
        let left = limit.saturating_sub(found.len());
        for (key, _) in self.store.chain_range(Scan::backward(&from, Some(&to), left))? {
            found.push(place(keys::decode_address(&key), "index of addresses")?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
