//! [`StateRead`]: the one seam through which execution sees committed state.

use crate::{ChangeSet, Key};
use std::sync::Arc;
use weft_types::Bytes;

/// The store could not answer. Never the fault of what is executed: the caller stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state could not be read: {0}")]
pub struct ReadError(pub String);

/// Committed state at one height, or overlays on top of it. Reading twice gives the same.
pub trait StateRead: Send + Sync {
    /// The value under `key`; `None` where there is none.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError>;

    /// Up to `limit` pairs with `from <= key < to`, ascending.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError>;

    /// [`Self::range`] from the high end: the highest `limit` pairs, descending. As provided it reads the whole range,
    /// which states that are kept in memory may do; a store has its own.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    fn range_back(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let mut pairs = self.range(from, to, usize::MAX)?;
        pairs.reverse();
        pairs.truncate(limit);
        Ok(pairs)
    }
}

impl<T: StateRead + ?Sized> StateRead for Arc<T> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        (**self).get(key)
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        (**self).range(from, to, limit)
    }

    fn range_back(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        (**self).range_back(from, to, limit)
    }
}

/// State without a key: what genesis is applied to.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyState;

impl StateRead for EmptyState {
    fn get(&self, _key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(None)
    }

    fn range(&self, _from: &[u8], _to: &[u8], _limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        Ok(Vec::new())
    }
}

/// A block's changes on top of another state: what soft blocks are made of. Dropping it costs nothing.
pub struct Overlay {
    base: Arc<dyn StateRead>,
    changes: Arc<ChangeSet>,
}

impl Overlay {
    /// `changes` over `base`.
    #[must_use]
    pub fn new(base: Arc<dyn StateRead>, changes: Arc<ChangeSet>) -> Self {
        Self { base, changes }
    }
}

impl StateRead for Overlay {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => self.base.get(key),
        }
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        merged_range(&*self.base, self.changes.range(from, to), from, to, false, limit)
    }

    fn range_back(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        merged_range(&*self.base, self.changes.range(from, to).rev(), from, to, true, limit)
    }
}

/// A range of `base` with `changes` laid over it: the changes of that range, ascending, or descending where `reverse`
/// is. Neither side is read further than `limit` pairs need.
///
/// # Errors
/// [`ReadError`] where the base fails.
pub fn merged_range<'a>(
    base: &dyn StateRead,
    changes: impl Iterator<Item = (&'a Key, &'a Option<Bytes>)>,
    from: &[u8],
    to: &[u8],
    reverse: bool,
    limit: usize,
) -> Result<Vec<(Key, Bytes)>, ReadError> {
    let mut changes = changes.peekable();
    let mut merged = Vec::new();
    let (mut from, mut to) = (from.to_vec(), to.to_vec());
    while merged.len() < limit {
        // A page that changes hide in part is followed by another one.
        let asked = limit.saturating_sub(merged.len());
        let page = if reverse { base.range_back(&from, &to, asked)? } else { base.range(&from, &to, asked)? };
        let last = page.len() < asked;
        if let Some((key, _)) = page.last() {
            if reverse {
                to.clone_from(key);
            } else {
                from.clone_from(key);
                from.push(0);
            }
        }
        for (key, value) in page {
            let before = |change: &&Key| if reverse { **change > key } else { **change < key };
            while let Some((change, new)) = changes.next_if(|(change, _)| before(change)) {
                merged.extend(new.clone().map(|new| (change.clone(), new)));
            }
            match changes.next_if(|(change, _)| **change == key) {
                Some((_, new)) => merged.extend(new.clone().map(|new| (key, new))),
                None => merged.push((key, value)),
            }
        }
        if last {
            let rest = changes.filter_map(|(key, new)| Some((key.clone(), new.clone()?)));
            merged.extend(rest.take(limit.saturating_sub(merged.len())));
            break;
        }
    }
    merged.truncate(limit);
    Ok(merged)
}
