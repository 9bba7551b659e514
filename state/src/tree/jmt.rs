//! [`JmtTree`]: the tree on the crate `jmt` 0.12, which also defines the root. Proofs are made and verified by
//! jmt; the update (`update.rs`) is ours, on jmt's records, with jmt as its oracle.
//!
//! Node id: `version u64 BE | number of nibbles u8 | nibbles, two a byte`, so that the nodes of a version lie
//! side by side and can be removed together. Node record: borsh of jmt's `Node`.
//! Proof: borsh of jmt's `SparseMerkleProof`: `leaf: Option<(key hash 32, value hash 32)>`, then
//! `siblings: Vec<Null | Internal(left 32, right 32) | Leaf(key hash 32, value hash 32)>` from the bottom up.
//!
//! Every version has a root node of its own, also where nothing changed (jmt looks for the root of
//! `version - 1`); the copy that it replaces is reported as stale.

mod update;

use super::{NodeRead, Tree, TreeUpdate};
use crate::{ChangeSet, ReadError};
use ::jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use ::jmt::{KeyHash, OwnedValue, RootHash, Sha256Jmt, ValueHash, proof::SparseMerkleProof};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use weft_types::{B256, Bytes};

/// The longest proof that can be right: a leaf, and a sibling at each of 256 levels.
pub const PROOF_BYTES_MAX: usize = 1 + 64 + 4 + 256 * 65;

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub struct JmtTree;

impl Tree for JmtTree {
    fn root(&self, nodes: &dyn NodeRead, version: u64) -> Result<B256, ReadError> {
        let reader = Reader::new(nodes, false);
        reader.require_root(version)?;
        let root = Sha256Jmt::new(&reader).get_root_hash(version);
        reader.finish(root).map(|root| B256::new(root.0))
    }

    fn update(
        &self,
        nodes: &dyn NodeRead,
        version: u64,
        changes: &ChangeSet,
    ) -> Result<TreeUpdate, ReadError> {
        let parent = version.checked_sub(1);
        let changes: Vec<_> = changes.iter().collect();
        let hashed = changes.into_par_iter().with_min_len(64);
        let hashed = hashed.map(|(key, value)| update::Change::new(key, value.as_deref()));
        update::update(nodes, parent, version, hashed.collect())
    }

    fn prove(&self, nodes: &dyn NodeRead, version: u64, key: &[u8]) -> Result<Bytes, ReadError> {
        let reader = Reader::new(nodes, true);
        reader.require_root(version)?;
        let proof = Sha256Jmt::new(&reader).get_with_proof(key_hash(key), version);
        reader.finish(proof).map(|(_, proof)| encode(&proof).into())
    }

    fn verify(&self, root: B256, key: &[u8], value: Option<&[u8]>, proof: &[u8]) -> bool {
        if proof.len() > PROOF_BYTES_MAX {
            return false;
        }
        let Ok(proof) = borsh::from_slice::<SparseMerkleProof<Sha256>>(proof) else { return false };
        proof.verify(RootHash(root.0), key_hash(key), value).is_ok()
    }
}

fn key_hash(key: &[u8]) -> KeyHash {
    KeyHash(Sha256::digest(key).into())
}

fn root_key(version: u64) -> NodeKey {
    NodeKey::new(version, std::iter::empty().collect())
}

fn node_id(key: &NodeKey) -> Vec<u8> {
    let path = key.nibble_path();
    let mut nibbles = [0; 32];
    for at in 0..path.num_nibbles() {
        let nibble = u8::from(path.get_nibble(at));
        nibbles[at / 2] |= if at.is_multiple_of(2) { nibble << 4 } else { nibble };
    }
    id(key.version(), &nibbles, path.num_nibbles())
}

/// The id of the node that was written at `version` under the first `length` nibbles of `path`.
fn id(version: u64, path: &[u8; 32], length: usize) -> Vec<u8> {
    let whole = length / 2;
    let mut id = Vec::with_capacity(10 + whole);
    id.extend_from_slice(&version.to_be_bytes());
    id.push(u8::try_from(length).expect("a path has at most 64 nibbles"));
    id.extend_from_slice(&path[..whole]);
    if !length.is_multiple_of(2) {
        id.push(path[whole] & 0xf0);
    }
    id
}

fn encode(value: &impl borsh::BorshSerialize) -> Vec<u8> {
    borsh::to_vec(value).expect("writing to memory does not fail")
}

/// jmt's view of [`NodeRead`].
struct Reader<'a> {
    nodes: &'a dyn NodeRead,
    /// jmt panics on a node that is missing while it makes a proof (and takes errors elsewhere), so there a
    /// failure is kept, jmt gets some leaf instead, and [`Reader::finish`] gives the failure.
    stand_in: bool,
    failed: RefCell<Option<ReadError>>,
}

impl<'a> Reader<'a> {
    fn new(nodes: &'a dyn NodeRead, stand_in: bool) -> Self {
        Self { nodes, stand_in, failed: RefCell::new(None) }
    }

    fn load(&self, key: &NodeKey) -> Result<Option<Node>, ReadError> {
        let Some(record) = self.nodes.node(&node_id(key))? else { return Ok(None) };
        let node = borsh::from_slice(&record)
            .map_err(|e| ReadError(format!("the record of tree node {key:?} is damaged: {e}")))?;
        Ok(Some(node))
    }

    fn require_root(&self, version: u64) -> Result<(), ReadError> {
        match self.load(&root_key(version))? {
            Some(_) => Ok(()),
            None => {
                Err(ReadError(format!("the tree has no version {version}: it is pruned or not yet made")))
            }
        }
    }

    fn fail(&self, failed: ReadError) -> anyhow::Result<Node> {
        let error = anyhow::anyhow!("{failed}");
        self.failed.borrow_mut().get_or_insert(failed);
        if self.stand_in {
            Ok(Node::Leaf(LeafNode::new(KeyHash([0; 32]), ValueHash([0; 32]))))
        } else {
            Err(error)
        }
    }

    fn finish<T, E: std::fmt::Display>(self, result: Result<T, E>) -> Result<T, ReadError> {
        match (self.failed.into_inner(), result) {
            (Some(failed), _) => Err(failed),
            (None, Ok(value)) => Ok(value),
            (None, Err(e)) => Err(ReadError(format!("the tree is damaged: {e:#}"))),
        }
    }
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        self.load(key).or_else(|failed| self.fail(failed).map(Some))
    }

    fn get_node(&self, key: &NodeKey) -> anyhow::Result<Node> {
        match self.get_node_option(key)? {
            Some(node) => Ok(node),
            None => self.fail(ReadError(format!("the tree lacks node {key:?}: it is pruned or damaged"))),
        }
    }

    /// Only asked for with a proof, where the caller has the value.
    fn get_value_option(&self, _max_version: u64, _key: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(Some(Vec::new()))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        anyhow::bail!("only a restore asks for the rightmost leaf")
    }
}

#[cfg(test)]
mod tests;
