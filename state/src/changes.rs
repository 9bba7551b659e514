//! [`ChangeSet`]: what a block changed, sorted by key. The only thing that can be committed.

use crate::Key;
use std::collections::BTreeMap;
use std::ops::Bound;
use weft_types::Bytes;

/// Keys and their new values; `None` removes.
///
/// Where the journal read the value before it wrote, that value comes along, so that the store need not read
/// it again for its history. It says nothing new: two sets with the same changes are equal with and without.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet(BTreeMap<Key, Change>);

#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) value: Option<Bytes>,
    /// What the key held before the block; outer `None` where that was not read.
    pub(crate) previous: Option<Option<Bytes>>,
}

impl ChangeSet {
    /// The change of `key`: outer `None` where it did not change, inner `None` where it was removed.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.0.get(key).map(|change| &change.value)
    }

    /// Sets `key`, or removes it with `None`.
    pub fn insert(&mut self, key: Key, value: Option<Bytes>) {
        self.0.insert(key, Change { value, previous: None });
    }

    /// As [`Self::insert`], where it is known what `key` held before the block.
    pub fn insert_over(&mut self, key: Key, value: Option<Bytes>, previous: Option<Bytes>) {
        self.0.insert(key, Change { value, previous: Some(previous) });
    }

    /// What `key` held before the block; outer `None` where it did not change, or where that was not read.
    #[must_use]
    pub fn previous(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.0.get(key)?.previous.as_ref()
    }

    /// Takes in the changes of `other`, over those of the same keys.
    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// All changes, ascending by key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Key, &Option<Bytes>)> {
        self.0.iter().map(|(key, change)| (key, &change.value))
    }

    pub(crate) fn changes(&self) -> impl ExactSizeIterator<Item = (&Key, &Change)> {
        self.0.iter()
    }

    /// Changes with `from <= key < to`, ascending. Empty where `from >= to`.
    pub fn range(&self, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = (&Key, &Option<Bytes>)> {
        let to = if from < to { to } else { from };
        let range = self.0.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        range.map(|(key, change)| (key, &change.value))
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

impl PartialEq for ChangeSet {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ChangeSet {}

impl FromIterator<(Key, Option<Bytes>)> for ChangeSet {
    fn from_iter<I: IntoIterator<Item = (Key, Option<Bytes>)>>(changes: I) -> Self {
        let change = |(key, value)| (key, Change { value, previous: None });
        Self(changes.into_iter().map(change).collect())
    }
}
