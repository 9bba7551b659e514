//! State and tree nodes of soft blocks, laid over the store so that reading stays fast however many wait.
//!
//! ```text
//! block   1   2   3   4   5   6   7   8        a layer at i covers (i - lowbit(i), i]
//!         ─   ────    ─   ────────    ─ ...    (a Fenwick tree, cut at LAYER_BLOCKS_MAX)
//! state at 7 = layer 7 over layer 6 over layer 4 over the store
//! ```
//! A layer that reaches below the store's tip is right there too: it has the newest value of each of its keys.

use parking_lot::RwLock;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use weft_state::{ChangeSet, Key, NodeRead, ReadError, StateRead, TreeUpdate, merged_range};
use weft_types::{Bytes, Height};

/// Most blocks that are merged into one layer. More makes reads over a long backlog faster, and keeps more
/// copies of each change (one per power of two).
const LAYER_BLOCKS_MAX: u64 = 64;

/// The changes of soft blocks, by height.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    merged: BTreeMap<Height, Arc<ChangeSet>>,
}

impl Layers {
    /// Adds the changes of the block at `height`, which must be the one after the last.
    pub(crate) fn push(&mut self, height: Height, changes: Arc<ChangeSet>) {
        let start = Height(height.0.saturating_sub(width(height)));
        let mut below = Vec::new();
        let mut at = Height(height.0.saturating_sub(1));
        while at > start {
            let Some(layer) = self.merged.get(&at) else { break };
            below.push(Arc::clone(layer));
            at = Height(at.0.saturating_sub(width(at)));
        }
        let merged = if below.is_empty() { changes } else { Arc::new(merge(&below, &changes)) };
        self.merged.insert(height, merged);
    }

    /// Forgets blocks above `height`.
    pub(crate) fn truncate(&mut self, height: Height) {
        self.merged.split_off(&height.next());
    }

    /// Forgets blocks up to `height`, which the store has now.
    pub(crate) fn committed(&mut self, height: Height) {
        self.merged = self.merged.split_off(&height.next());
    }

    /// State at `height` over `base`, the store's state at `base_height`.
    pub(crate) fn state_at(
        &self,
        height: Height,
        base_height: Height,
        base: Arc<dyn StateRead>,
    ) -> Arc<dyn StateRead> {
        let mut layers = Vec::new();
        let mut at = height;
        while at > base_height {
            let Some(layer) = self.merged.get(&at) else { break };
            layers.push(Arc::clone(layer));
            at = Height(at.0.saturating_sub(width(at)));
        }
        if layers.is_empty() { base } else { Arc::new(LayeredState { layers, base }) }
    }
}

/// Blocks that the layer at `height` covers.
fn width(height: Height) -> u64 {
    (height.0 & height.0.wrapping_neg()).clamp(1, LAYER_BLOCKS_MAX)
}

/// `top` over `below`, of which the first is the newest.
fn merge(below: &[Arc<ChangeSet>], top: &ChangeSet) -> ChangeSet {
    let oldest_first = below.iter().rev().map(Arc::as_ref).chain([top]);
    oldest_first.flat_map(ChangeSet::iter).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Layers, newest first, over the store.
struct LayeredState {
    layers: Vec<Arc<ChangeSet>>,
    base: Arc<dyn StateRead>,
}

impl LayeredState {
    fn changes(&self, from: &[u8], to: &[u8]) -> BTreeMap<&Key, &Option<Bytes>> {
        let mut changes = BTreeMap::new();
        for layer in self.layers.iter().rev() {
            changes.extend(layer.range(from, to));
        }
        changes
    }
}

impl StateRead for LayeredState {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match self.layers.iter().find_map(|layer| layer.get(key)) {
            Some(value) => Ok(value.clone()),
            None => self.base.get(key),
        }
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        merged_range(&*self.base, self.changes(from, to).into_iter(), from, to, false, limit)
    }

    fn range_back(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        merged_range(&*self.base, self.changes(from, to).into_iter().rev(), from, to, true, limit)
    }
}

/// Tree nodes of soft blocks over those of the store. A node's id holds its version, so that one flat map does;
/// nodes move to the store first and leave the map after.
pub(crate) struct SoftNodes {
    soft: RwLock<HashMap<Vec<u8>, Bytes>>,
    base: Arc<dyn NodeRead>,
}

impl SoftNodes {
    pub(crate) fn new(base: Arc<dyn NodeRead>) -> Self {
        Self { soft: RwLock::default(), base }
    }

    pub(crate) fn insert(&self, update: &TreeUpdate) {
        self.soft.write().extend(update.nodes.iter().cloned());
    }

    pub(crate) fn remove(&self, update: &TreeUpdate) {
        let mut soft = self.soft.write();
        for (id, _) in &update.nodes {
            soft.remove(id);
        }
        if soft.is_empty() {
            // Gives the memory of a long backlog back.
            soft.shrink_to_fit();
        }
    }
}

impl NodeRead for SoftNodes {
    fn node(&self, id: &[u8]) -> Result<Option<Bytes>, ReadError> {
        if let Some(node) = self.soft.read().get(id) {
            return Ok(Some(node.clone()));
        }
        self.base.node(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_state::EmptyState;

    type Model = BTreeMap<Key, Bytes>;

    struct Fixed(Model);

    impl StateRead for Fixed {
        fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
            Ok(self.0.get(key).cloned())
        }

        fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
            let pairs = self.0.range(from.to_vec()..to.to_vec()).take(limit);
            Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
    }

    fn apply(model: &mut Model, changes: &ChangeSet) {
        for (key, value) in changes.iter() {
            match value {
                Some(value) => drop(model.insert(key.clone(), value.clone())),
                None => drop(model.remove(key)),
            }
        }
    }

    proptest! {
        #[test]
        fn layered_state_is_what_the_blocks_made_of_it(
            blocks in prop::collection::vec(
                prop::collection::vec((0u8..12, prop::option::of(any::<u8>())), 0..6), 1..150),
            committed in 0usize..150,
        ) {
            let committed = committed.min(blocks.len());
            let (mut layers, mut models, mut model) = (Layers::default(), vec![Model::new()], Model::new());
            for (index, writes) in blocks.iter().enumerate() {
                let changes: ChangeSet = writes.iter()
                    .map(|(key, value)| (vec![*key], value.map(|byte| Bytes::from(vec![byte]))))
                    .collect();
                apply(&mut model, &changes);
                models.push(model.clone());
                layers.push(Height(index as u64 + 1), Arc::new(changes));
            }
            layers.committed(Height(committed as u64));
            for height in committed..=blocks.len() {
                let base: Arc<dyn StateRead> = Arc::new(Fixed(models[committed].clone()));
                let state = layers.state_at(Height(height as u64), Height(committed as u64), base);
                for key in 0u8..12 {
                    prop_assert_eq!(state.get(&[key]).expect("reads"), models[height].get(&vec![key]).cloned());
                }
                let all: Vec<_> = models[height].clone().into_iter().take(5).collect();
                prop_assert_eq!(state.range(&[0], &[12], 5).expect("reads"), all);
                let last: Vec<_> = models[height].clone().into_iter().rev().take(5).collect();
                prop_assert_eq!(state.range_back(&[0], &[12], 5).expect("reads"), last);
            }
        }
    }

    #[test]
    fn reverted_blocks_are_forgotten() {
        let mut layers = Layers::default();
        for height in 1..=5u64 {
            let changes = [(vec![1], Some(Bytes::from(vec![height as u8])))].into_iter().collect();
            layers.push(Height(height), Arc::new(changes));
        }
        layers.truncate(Height(3));
        let state = layers.state_at(Height(3), Height(0), Arc::new(EmptyState));
        assert_eq!(state.get(&[1]).expect("reads"), Some(Bytes::from_static(&[3])));
        let changes = [(vec![1], None)].into_iter().collect();
        layers.push(Height(4), Arc::new(changes));
        let state = layers.state_at(Height(4), Height(0), Arc::new(EmptyState));
        assert_eq!(state.get(&[1]).expect("reads"), None);
    }
}
