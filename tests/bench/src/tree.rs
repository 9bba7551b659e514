//! `tree`: updates of 10,000 keys, half of them new, on top of a tree, ours against the crate jmt alone.

use crate::workload::{self, changes};
use crate::{Figures, rate};
use jmt::storage::{LeafNode, Node, NodeBatch, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Sha256Jmt, Version};
use sha2::Sha256;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use weft_state::{ChangeSet, JmtTree, NodeRead, ReadError, Tree};
use weft_types::Bytes;

/// Keys of one update, as the research measured.
const UPDATE: usize = 10_000;
const ROUNDS: usize = 5;

#[derive(Default)]
struct Nodes(HashMap<Vec<u8>, Bytes>);

impl NodeRead for Nodes {
    fn node(&self, id: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.0.get(id).cloned())
    }
}

#[derive(Default)]
struct Plain(HashMap<NodeKey, Node>);

impl TreeReader for Plain {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.0.get(key).cloned())
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }

    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(None)
    }
}

impl Plain {
    fn store(&mut self, batch: &NodeBatch) {
        self.0.extend(batch.nodes().iter().map(|(key, node)| (key.clone(), node.clone())));
    }
}

pub fn run(base: usize) -> eyre::Result<Figures> {
    let mut rng = workload::rng();
    let mut next = 0;
    let (mut nodes, mut plain) = (Nodes::default(), Plain::default());
    let (mut ours, mut reference) = (Duration::ZERO, Duration::ZERO);
    let mut version = 0;
    for round in 0..=ROUNDS {
        let known = next;
        let changes = changes(&mut rng, if round == 0 { base } else { UPDATE }, known, &mut next);

        let start = Instant::now();
        let update = JmtTree::default().update(&nodes, version, &changes)?;
        let one = start.elapsed();
        let root = update.root;
        nodes.0.extend(update.nodes);

        let start = Instant::now();
        let values = values(&changes);
        let (plain_root, batch) =
            Sha256Jmt::new(&plain).put_value_set(values, version).map_err(|error| eyre::eyre!("{error}"))?;
        let other = start.elapsed();
        plain.store(&batch.node_batch);
        eyre::ensure!(plain_root.0 == root.0, "the roots differ at version {version}");
        if round > 0 {
            ours += one;
            reference += other;
        }
        version += 1;
    }
    let keys = UPDATE * ROUNDS;
    Ok(Figures { unit: "keys/s", ours: rate(keys, ours), reference: Some(rate(keys, reference)) })
}

fn values(changes: &ChangeSet) -> Vec<(KeyHash, Option<OwnedValue>)> {
    changes
        .iter()
        .map(|(key, value)| (KeyHash::with::<Sha256>(key), value.as_ref().map(|value| value.to_vec())))
        .collect()
}
