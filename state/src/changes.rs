//! [`ChangeSet`]: what a block changed, sorted by key. The only thing that can be committed.

use crate::Key;
use std::collections::BTreeMap;
use std::ops::Bound;
use weft_types::Bytes;

/// Keys and their new values; `None` removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet(BTreeMap<Key, Option<Bytes>>);

impl ChangeSet {
    /// The change of `key`: outer `None` where it did not change, inner `None` where it was removed.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.0.get(key)
    }

    /// Sets `key`, or removes it with `None`.
    pub fn insert(&mut self, key: Key, value: Option<Bytes>) {
        self.0.insert(key, value);
    }

    /// All changes, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Option<Bytes>)> {
        self.0.iter()
    }

    /// Changes with `from <= key < to`, ascending. Empty where `from >= to`.
    pub fn range(&self, from: &[u8], to: &[u8]) -> impl Iterator<Item = (&Key, &Option<Bytes>)> {
        let to = if from < to { to } else { from };
        self.0.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)))
    }

    /// Number of changed keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Key, Option<Bytes>)> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = (Key, Option<Bytes>)>>(changes: I) -> Self {
        Self(changes.into_iter().collect())
    }
}
