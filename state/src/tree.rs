//! [`Tree`]: the authenticated tree over all machines' keys. The root is defined once (design 06): that of a
//! Jellyfish Merkle tree with SHA-256 as the crate `jmt` 0.12 computes it (`Sha256Jmt`, key hash = sha256 of
//! the key), so that anyone's verifier checks our proofs.

mod jmt;

pub use self::jmt::JmtTree;

use crate::{ChangeSet, ReadError};
use std::sync::Arc;
use weft_types::{B256, Bytes};

/// Where a tree finds the nodes that it made before: the store, or overlays of soft blocks on top of it.
pub trait NodeRead: Send + Sync {
    /// The record of the node that was stored under `id`.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    fn node(&self, id: &[u8]) -> Result<Option<Bytes>, ReadError>;
}

/// What an update of the tree adds and what it made stale. Opaque to everyone but the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeUpdate {
    /// The root after the update.
    pub root: B256,
    /// New node records by id. An id begins with the version as u64 BE: that is how the store finds what a
    /// rollback removes.
    pub nodes: Vec<(Vec<u8>, Bytes)>,
    /// Ids of nodes that no version from this one on can reach: what pruning removes.
    pub stale: Vec<Vec<u8>>,
}

/// An authenticated map from keys to values, versioned by height. Pure: nodes come in through [`NodeRead`],
/// and go out in a [`TreeUpdate`].
pub trait Tree: Send + Sync {
    /// The root at `version` (a rollup height); the root of the empty tree where nothing was ever written.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails or does not have the version.
    fn root(&self, nodes: &dyn NodeRead, version: u64) -> Result<B256, ReadError>;

    /// Applies `changes` on top of `version - 1`, giving `version`. Genesis is version 0, on top of nothing.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails or lacks a node that it should have.
    fn update(
        &self,
        nodes: &dyn NodeRead,
        version: u64,
        changes: &ChangeSet,
    ) -> Result<TreeUpdate, ReadError>;

    /// A proof that `key` has `value` at `version` (or, with `None`, that it has none), for [`Tree::verify`].
    ///
    /// # Errors
    /// [`ReadError`] where the store fails or does not have the version.
    fn prove(&self, nodes: &dyn NodeRead, version: u64, key: &[u8]) -> Result<Bytes, ReadError>;

    /// Whether `proof` shows that under `root` the key has that value, or with `None` that it has none.
    fn verify(&self, root: B256, key: &[u8], value: Option<&[u8]>, proof: &[u8]) -> bool;
}

/// Nodes of soft blocks over those of the store.
pub struct NodeOverlay {
    base: Arc<dyn NodeRead>,
    nodes: std::collections::HashMap<Vec<u8>, Bytes>,
}

impl NodeOverlay {
    /// The nodes of `update` over `base`.
    #[must_use]
    pub fn new(base: Arc<dyn NodeRead>, update: &TreeUpdate) -> Self {
        Self { base, nodes: update.nodes.iter().cloned().collect() }
    }
}

impl NodeRead for NodeOverlay {
    fn node(&self, id: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match self.nodes.get(id) {
            Some(node) => Ok(Some(node.clone())),
            None => self.base.node(id),
        }
    }
}
