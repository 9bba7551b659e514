//! The update of the tree, on jmt's own node records: all changes of a block in one walk, each node read,
//! hashed and written once. jmt's `put_value_set` walks from the root for every key and was a third as fast;
//! it stays the oracle in the tests.

use super::{encode, id};
use crate::{NodeRead, ReadError, TreeUpdate};
use alloy_primitives::hex;
use borsh::{BorshDeserialize, BorshSerialize};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use weft_types::{B256, Bytes};

type Hash = [u8; 32];

/// Changes from which on an update is worth more than one core.
const PARALLEL_MIN: usize = 256;

/// The root of the empty tree, and the hash of a subtree without a leaf.
const EMPTY: Hash = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";
const LEAF: &[u8] = b"JMT::LeafNode";
const INTERNAL: &[u8] = b"JMT::IntrnalNode";

/// jmt's `Node`, byte for byte in borsh.
#[derive(BorshSerialize, BorshDeserialize)]
enum Record {
    Null,
    Internal(Internal),
    Leaf(Leaf),
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Internal {
    children: [Option<Child>; 16],
    count: u64,
    leaves: u64,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Child {
    hash: Hash,
    version: u64,
    kind: Kind,
}

#[derive(BorshSerialize, BorshDeserialize)]
enum Kind {
    Leaf,
    Internal { leaves: u64 },
}

#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Leaf {
    key: Hash,
    value: Hash,
}

impl Leaf {
    fn hash(&self) -> Hash {
        hash(&[LEAF, &self.key, &self.value])
    }
}

impl Child {
    fn is_leaf(&self) -> bool {
        matches!(self.kind, Kind::Leaf)
    }

    fn leaves(&self) -> u64 {
        match self.kind {
            Kind::Leaf => 1,
            Kind::Internal { leaves } => leaves,
        }
    }
}

/// The hash of a key and of its new value; `None` removes.
#[derive(Clone, Copy)]
pub(super) struct Change {
    key: Hash,
    value: Option<Hash>,
}

impl Change {
    pub(super) fn new(key: &[u8], value: Option<&[u8]>) -> Self {
        Self { key: hash(&[key]), value: value.map(|value| hash(&[value])) }
    }
}

/// What became of the subtree at a path.
enum Subtree {
    /// Nothing changed.
    Same,
    Empty,
    /// One leaf, which whoever is above writes where it ends up.
    Leaf(Leaf),
    /// Written.
    Internal {
        hash: Hash,
        leaves: u64,
    },
}

/// Applies `changes` on top of the root of `parent`, giving `version`.
pub(super) fn update(
    nodes: &dyn NodeRead,
    parent: Option<u64>,
    version: u64,
    mut changes: Vec<Change>,
) -> Result<TreeUpdate, ReadError> {
    changes.sort_unstable_by_key(|change| change.key);
    let mut walk = Walk::new(nodes, version);
    let root = match (parent, changes.as_slice()) {
        (_, []) => Subtree::Same,
        (parent, changes) => walk.apply(changes, 0, parent)?,
    };
    let old = parent.map(|parent| id(parent, &EMPTY, 0));
    let root = match root {
        Subtree::Internal { hash, .. } => hash,
        Subtree::Leaf(leaf) => {
            walk.write(&EMPTY, 0, &Record::Leaf(leaf));
            leaf.hash()
        }
        Subtree::Empty => {
            walk.write(&EMPTY, 0, &Record::Null);
            EMPTY
        }
        Subtree::Same => {
            let record = match parent {
                Some(parent) => walk.load(&EMPTY, 0, parent)?,
                None => Record::Null,
            };
            walk.write(&EMPTY, 0, &record);
            match record {
                Record::Null => EMPTY,
                Record::Leaf(leaf) => leaf.hash(),
                Record::Internal(internal) => subtree_hash(&internal.children),
            }
        }
    };
    // The root is replaced in every version, also where it was empty or is the same.
    if let Some(old) = old.filter(|old| walk.stale.last() != Some(old)) {
        walk.stale.push(old);
    }
    Ok(TreeUpdate { root: B256::new(root), nodes: walk.made, stale: walk.stale })
}

struct Walk<'a> {
    nodes: &'a dyn NodeRead,
    version: u64,
    made: Vec<(Vec<u8>, Bytes)>,
    stale: Vec<Vec<u8>>,
}

impl<'a> Walk<'a> {
    fn new(nodes: &'a dyn NodeRead, version: u64) -> Self {
        Self { nodes, version, made: Vec::new(), stale: Vec::new() }
    }

    /// What becomes of each child of an internal node at `depth` that changes, ascending. Children share nothing, so
    /// those of the root of a large update are walked on all cores; what they made is in the same order either way.
    fn children(
        &mut self,
        groups: &[&[Change]],
        depth: usize,
        children: &[Option<Child>; 16],
    ) -> Result<Vec<Subtree>, ReadError> {
        let version =
            |group: &[Change]| children[nibble(&group[0].key, depth)].as_ref().map(|child| child.version);
        let changes: usize = groups.iter().map(|group| group.len()).sum();
        if depth > 0 || changes < PARALLEL_MIN {
            return groups.iter().map(|group| self.apply(group, depth + 1, version(group))).collect();
        }
        let walk = |group: &&[Change]| {
            let mut walk = Walk::new(self.nodes, self.version);
            let subtree = walk.apply(group, depth + 1, version(group))?;
            Ok((subtree, walk.made, walk.stale))
        };
        let walked: Vec<Result<_, ReadError>> = groups.par_iter().map(walk).collect();
        let mut subtrees = Vec::with_capacity(groups.len());
        for done in walked {
            let (subtree, made, stale) = done?;
            self.made.extend(made);
            self.stale.extend(stale);
            subtrees.push(subtree);
        }
        Ok(subtrees)
    }

    fn load(&self, path: &Hash, depth: usize, version: u64) -> Result<Record, ReadError> {
        let id = id(version, path, depth);
        let Some(record) = self.nodes.node(&id)? else {
            return Err(ReadError(format!(
                "the tree lacks node {}: it is pruned or damaged",
                hex::encode(id)
            )));
        };
        borsh::from_slice(&record)
            .map_err(|e| ReadError(format!("tree node {} is damaged: {e}", hex::encode(id))))
    }

    fn write(&mut self, path: &Hash, depth: usize, record: &Record) {
        self.made.push((id(self.version, path, depth), encode(record).into()));
    }

    /// Applies `changes`, which are at least one and share the first `depth` nibbles, to the node at that
    /// path, which was written at `version`.
    fn apply(
        &mut self,
        changes: &[Change],
        depth: usize,
        version: Option<u64>,
    ) -> Result<Subtree, ReadError> {
        let path = &changes[0].key;
        let record = version.map_or(Ok(Record::Null), |version| self.load(path, depth, version))?;
        let (before, result) = match record {
            Record::Internal(internal) => return self.apply_internal(changes, depth, version, internal),
            Record::Null => (None, self.build(&merge(changes, None), depth)),
            Record::Leaf(leaf) => {
                let leaves = merge(changes, Some(leaf));
                if leaves == [leaf] {
                    return Ok(Subtree::Same);
                }
                (version, self.build(&leaves, depth))
            }
        };
        self.stale.extend(before.map(|version| id(version, path, depth)));
        Ok(result)
    }

    fn apply_internal(
        &mut self,
        changes: &[Change],
        depth: usize,
        version: Option<u64>,
        mut internal: Internal,
    ) -> Result<Subtree, ReadError> {
        let path = &changes[0].key;
        let mut changed = false;
        // Leaves that are not written before it is clear that this node stays.
        let mut leaves: [Option<Leaf>; 16] = [None; 16];
        let groups: Vec<&[Change]> =
            changes.chunk_by(|a, b| nibble(&a.key, depth) == nibble(&b.key, depth)).collect();
        let subtrees = self.children(&groups, depth, &internal.children)?;
        for (group, subtree) in groups.into_iter().zip(subtrees) {
            let at = nibble(&group[0].key, depth);
            let child = &mut internal.children[at];
            let (hash, kind) = match subtree {
                Subtree::Same => continue,
                Subtree::Empty => {
                    changed |= child.take().is_some();
                    continue;
                }
                Subtree::Leaf(leaf) => {
                    leaves[at] = Some(leaf);
                    (leaf.hash(), Kind::Leaf)
                }
                Subtree::Internal { hash, leaves } => (hash, Kind::Internal { leaves }),
            };
            *child = Some(Child { hash, version: self.version, kind });
            changed = true;
        }
        if !changed {
            return Ok(Subtree::Same);
        }
        let mut present =
            internal.children.iter().enumerate().filter_map(|(at, child)| Some((at, child.as_ref()?)));
        let only = match (present.next(), present.next()) {
            (None, _) => Some(Subtree::Empty),
            (Some((at, child)), None) if child.is_leaf() => Some(Subtree::Leaf(match leaves[at] {
                Some(leaf) => leaf,
                None => self.lift(path, depth, at, child.version)?,
            })),
            _ => None,
        };
        self.stale.extend(version.map(|version| id(version, path, depth)));
        if let Some(only) = only {
            return Ok(only);
        }
        for leaf in leaves.iter().flatten() {
            self.write(&leaf.key, depth + 1, &Record::Leaf(*leaf));
        }
        Ok(self.write_internal(path, depth, internal.children))
    }

    /// A leaf that is left alone moves up: what stands at its place becomes stale.
    fn lift(&mut self, path: &Hash, depth: usize, at: usize, version: u64) -> Result<Leaf, ReadError> {
        let mut child = *path;
        let low = u8::try_from(at).expect("a nibble");
        let byte = &mut child[depth / 2];
        *byte = if depth.is_multiple_of(2) { (*byte & 0x0f) | (low << 4) } else { (*byte & 0xf0) | low };
        let Record::Leaf(leaf) = self.load(&child, depth + 1, version)? else {
            let id = hex::encode(id(version, &child, depth + 1));
            return Err(ReadError(format!("tree node {id} is damaged: it is no leaf")));
        };
        self.stale.push(id(version, &child, depth + 1));
        Ok(leaf)
    }

    /// A subtree of these leaves, which are sorted and share the first `depth` nibbles.
    fn build(&mut self, leaves: &[Leaf], depth: usize) -> Subtree {
        match leaves {
            [] => Subtree::Empty,
            [leaf] => Subtree::Leaf(*leaf),
            [first, ..] => {
                let mut children: [Option<Child>; 16] = Default::default();
                for group in leaves.chunk_by(|a, b| nibble(&a.key, depth) == nibble(&b.key, depth)) {
                    let (hash, kind) = match self.build(group, depth + 1) {
                        Subtree::Internal { hash, leaves } => (hash, Kind::Internal { leaves }),
                        _ => {
                            self.write(&group[0].key, depth + 1, &Record::Leaf(group[0]));
                            (group[0].hash(), Kind::Leaf)
                        }
                    };
                    children[nibble(&group[0].key, depth)] =
                        Some(Child { hash, version: self.version, kind });
                }
                self.write_internal(&first.key, depth, children)
            }
        }
    }

    fn write_internal(&mut self, path: &Hash, depth: usize, children: [Option<Child>; 16]) -> Subtree {
        let hash = subtree_hash(&children);
        let present = || children.iter().flatten();
        let leaves = present().map(Child::leaves).fold(0, u64::saturating_add);
        let count = u64::try_from(present().count()).expect("at most 16");
        self.write(path, depth, &Record::Internal(Internal { children, count, leaves }));
        Subtree::Internal { hash, leaves }
    }
}

/// The leaves that `changes` leave of nothing or of one leaf, sorted.
fn merge(changes: &[Change], leaf: Option<Leaf>) -> Vec<Leaf> {
    let set = changes.iter().filter_map(|change| Some(Leaf { key: change.key, value: change.value? }));
    let mut leaves: Vec<Leaf> = set.collect();
    if let Some(leaf) =
        leaf.filter(|leaf| changes.binary_search_by_key(&leaf.key, |change| change.key).is_err())
    {
        leaves.insert(leaves.partition_point(|other| other.key < leaf.key), leaf);
    }
    leaves
}

/// The hash of a binary subtree over some of a node's children: a leaf that is alone stands for all of it.
fn subtree_hash(children: &[Option<Child>]) -> Hash {
    let mut present = children.iter().flatten();
    match (present.next(), present.next()) {
        (None, _) => EMPTY,
        (Some(child), None) if child.is_leaf() || children.len() == 1 => child.hash,
        _ => {
            let (left, right) = children.split_at(children.len() / 2);
            hash(&[INTERNAL, &subtree_hash(left), &subtree_hash(right)])
        }
    }
}

fn nibble(key: &Hash, depth: usize) -> usize {
    let byte = key[depth / 2];
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f })
}

fn hash(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}
