//! [`StateRead`]: the one seam through which execution sees committed state.

use crate::{ChangeSet, Key};
use std::collections::BTreeMap;
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
}

impl<T: StateRead + ?Sized> StateRead for Arc<T> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        (**self).get(key)
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        (**self).range(from, to, limit)
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
        merged_range(&*self.base, self.changes.range(from, to), from, to, limit)
    }
}

/// A range of `base` with `changes` (of that range, ascending) laid over it.
pub(crate) fn merged_range<'a>(
    base: &dyn StateRead,
    changes: impl Iterator<Item = (&'a Key, &'a Option<Bytes>)>,
    from: &[u8],
    to: &[u8],
    limit: usize,
) -> Result<Vec<(Key, Bytes)>, ReadError> {
    let changes: BTreeMap<&Key, &Option<Bytes>> = changes.collect();
    // Each removal can hide one pair of the base, so this many always suffice.
    let removed = changes.values().filter(|change| change.is_none()).count();
    let mut merged: BTreeMap<Key, Bytes> =
        base.range(from, to, limit.saturating_add(removed))?.into_iter().collect();
    for (key, change) in changes {
        match change {
            Some(value) => merged.insert(key.clone(), value.clone()),
            None => merged.remove(key),
        };
    }
    Ok(merged.into_iter().take(limit).collect())
}
