//! [`TimedTree`]: the tree with a clock beside it, since core has none.

use std::time::Instant;
use weft_state::{ChangeSet, NodeRead, ReadError, Tree, TreeUpdate};
use weft_types::{B256, Bytes};

/// Passes everything on, and counts the seconds of each update in `weft_tree_seconds`.
pub(crate) struct TimedTree<T>(pub(crate) T);

impl<T: Tree> Tree for TimedTree<T> {
    fn root(&self, nodes: &dyn NodeRead, version: u64) -> Result<B256, ReadError> {
        self.0.root(nodes, version)
    }

    fn update(
        &self,
        nodes: &dyn NodeRead,
        version: u64,
        changes: &ChangeSet,
    ) -> Result<TreeUpdate, ReadError> {
        let span = tracing::debug_span!("tree", version, keys = changes.len());
        let started = Instant::now();
        let update = span.in_scope(|| self.0.update(nodes, version, changes));
        metrics::histogram!("weft_tree_seconds").record(started.elapsed());
        update
    }

    fn prove(&self, nodes: &dyn NodeRead, version: u64, key: &[u8]) -> Result<Bytes, ReadError> {
        self.0.prove(nodes, version, key)
    }

    fn verify(&self, root: B256, key: &[u8], value: Option<&[u8]>, proof: &[u8]) -> bool {
        self.0.verify(root, key, value, proof)
    }
}
