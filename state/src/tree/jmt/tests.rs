//! The root is pinned three ways: by jmt, by a reference of 20 lines that shares no code with it, and by
//! vectors as files (written anew with `WEFT_BLESS=1`).

use super::*;
use alloy_primitives::hex;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

#[derive(Default)]
pub(crate) struct Nodes(pub(crate) HashMap<Vec<u8>, Bytes>);

impl NodeRead for Nodes {
    fn node(&self, id: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.0.get(id).cloned())
    }
}

impl Nodes {
    fn apply(&mut self, version: u64, changes: &ChangeSet) -> TreeUpdate {
        let update = JmtTree.update(self, version, changes).expect("memory");
        let reader = Reader::new(self, false);
        let values = changes.iter().map(|(key, value)| (key_hash(key), value.as_ref().map(|v| v.to_vec())));
        let (root, _) = Sha256Jmt::new(&reader).put_value_set(values, version).expect("jmt reads our nodes");
        assert_eq!(update.root.0, root.0, "jmt gets another root");
        self.0.extend(update.nodes.iter().cloned());
        update
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The definition of the root, over leaves sorted by key hash.
fn reference(leaves: &[([u8; 32], [u8; 32])], depth: usize) -> [u8; 32] {
    match leaves {
        [] => *b"SPARSE_MERKLE_PLACEHOLDER_HASH__",
        [(key, value)] => hash(&[b"JMT::LeafNode", key, value]),
        _ => {
            let right = leaves.partition_point(|(key, _)| key[depth / 8] & (0x80 >> (depth % 8)) == 0);
            let (left, right) = leaves.split_at(right);
            hash(&[b"JMT::IntrnalNode", &reference(left, depth + 1), &reference(right, depth + 1)])
        }
    }
}

fn reference_root(state: &BTreeMap<Vec<u8>, Bytes>) -> B256 {
    let mut leaves: Vec<_> = state.iter().map(|(key, value)| (hash(&[key]), hash(&[value]))).collect();
    leaves.sort_unstable();
    B256::new(reference(&leaves, 0))
}

fn apply(state: &mut BTreeMap<Vec<u8>, Bytes>, changes: &ChangeSet) {
    for (key, value) in changes.iter() {
        match value {
            Some(value) => state.insert(key.clone(), value.clone()),
            None => state.remove(key),
        };
    }
}

fn changes() -> impl Strategy<Value = ChangeSet> {
    let change = (0..40_u8, prop::option::weighted(0.6, any::<u8>()));
    prop::collection::btree_map(change.0, change.1, 0..20)
        .prop_map(|set| set.into_iter().map(|(k, v)| (vec![k], v.map(|v| Bytes::from(vec![v])))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn roots_and_proofs_are_those_of_the_reference(blocks in prop::collection::vec(changes(), 1..8)) {
        let (mut nodes, mut state, mut history) = (Nodes::default(), BTreeMap::new(), Vec::new());
        for (version, changes) in (0..).zip(&blocks) {
            let update = nodes.apply(version, changes);
            apply(&mut state, changes);
            prop_assert_eq!(update.root, reference_root(&state));
            history.push((update, state.clone()));
        }
        for (version, (update, state)) in (0..).zip(&history) {
            prop_assert_eq!(JmtTree.root(&nodes, version).expect("kept"), update.root);
            for key in [0_u8, 7, 39, 200] {
                let proof = JmtTree.prove(&nodes, version, &[key]).expect("kept");
                let value = state.get(&vec![key]).map(|value| &value[..]);
                prop_assert!(JmtTree.verify(update.root, &[key], value, &proof));
                let other = if value.is_some() { None } else { Some(&b"x"[..]) };
                prop_assert!(!JmtTree.verify(update.root, &[key], other, &proof));
            }
        }
        // Without what became stale, the newest version still stands, and the oldest does not.
        for (update, _) in &history {
            for id in &update.stale {
                prop_assert!(nodes.0.remove(id).is_some(), "a node became stale twice or never was");
            }
        }
        let newest = u64::try_from(blocks.len() - 1).expect("few");
        for key in 0..40_u8 {
            let proof = JmtTree.prove(&nodes, newest, &[key]).expect("kept");
            let value = state.get(&vec![key]).map(|value| &value[..]);
            prop_assert!(JmtTree.verify(reference_root(&state), &[key], value, &proof));
        }
        prop_assert_eq!(JmtTree.root(&nodes, 0).is_ok(), newest == 0);
        let live = nodes.0.len();
        nodes.apply(newest + 1, &state.keys().map(|key| (key.clone(), None)).collect());
        prop_assert_eq!(JmtTree.root(&nodes, newest + 1).expect("kept"), B256::new(reference(&[], 0)));
        prop_assert!(live <= 2 * state.len().max(1) + 64 * state.len(), "stale nodes are left over");
    }

    #[test]
    fn garbage_is_no_proof(garbage in prop::collection::vec(any::<u8>(), 0..400), flip in any::<usize>()) {
        let mut nodes = Nodes::default();
        let changes = (0..30_u8).map(|k| (vec![k], Some(Bytes::from(vec![k])))).collect();
        let root = nodes.apply(0, &changes).root;
        prop_assert!(!JmtTree.verify(root, &[1], Some(&[1]), &garbage));
        let proof = JmtTree.prove(&nodes, 0, &[1]).expect("kept");
        let mut changed = proof.to_vec();
        let at = flip % changed.len();
        changed[at] ^= 1 << (flip % 8);
        prop_assert!(!JmtTree.verify(root, &[1], Some(&[1]), &changed));
        changed = proof.to_vec();
        changed.push(0);
        prop_assert!(!JmtTree.verify(root, &[1], Some(&[1]), &changed), "trailing bytes");
    }
}

#[test]
fn the_empty_tree_has_a_root_at_every_version() {
    let mut nodes = Nodes::default();
    let empty = B256::new(reference(&[], 0));
    for version in 0..4 {
        assert_eq!(nodes.apply(version, &ChangeSet::default()).root, empty);
        let proof = JmtTree.prove(&nodes, version, b"key").expect("kept");
        assert!(JmtTree.verify(empty, b"key", None, &proof));
    }
    let gone: ChangeSet = [(b"key".to_vec(), None)].into_iter().collect();
    assert_eq!(nodes.apply(4, &gone).root, empty);
    let set: ChangeSet = [(b"key".to_vec(), Some(Bytes::from_static(b"value")))].into_iter().collect();
    let root = nodes.apply(5, &set).root;
    let idle = nodes.apply(6, &ChangeSet::default());
    assert_eq!(idle.root, root);
    assert_eq!(idle.stale, [node_id(&root_key(5))], "the root that was copied");
}

#[test]
fn a_missing_version_or_node_is_an_error_and_never_an_empty_tree() {
    let mut nodes = Nodes::default();
    let changes: ChangeSet = (0..100_u8).map(|k| (vec![k], Some(Bytes::from(vec![k])))).collect();
    nodes.apply(0, &changes);
    assert!(JmtTree.update(&nodes, 2, &changes).is_err());
    assert!(JmtTree.root(&nodes, 1).is_err());
    assert!(JmtTree.prove(&nodes, 1, b"key").is_err());
    let root = node_id(&root_key(0));
    nodes.0.retain(|id, _| *id == root);
    assert!(JmtTree.update(&nodes, 1, &changes).is_err());
    assert!(JmtTree.prove(&nodes, 0, &[1]).is_err());
    nodes.0.insert(root, Bytes::from_static(b"\x02garbage"));
    assert!(JmtTree.root(&nodes, 0).is_err());
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Vector {
    about: String,
    steps: Vec<Step>,
}

/// One version: what it changed (`key, value`, in hex; null removes), its root, and proofs at it.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Step {
    changes: Vec<(String, Option<String>)>,
    root: String,
    proofs: Vec<(String, Option<String>, String)>,
}

fn vector(about: &str, blocks: Vec<ChangeSet>, asked: &[&[u8]]) -> Vector {
    let (mut nodes, mut state) = (Nodes::default(), BTreeMap::new());
    let step = |(version, changes): (u64, ChangeSet)| {
        let update = nodes.apply(version, &changes);
        apply(&mut state, &changes);
        let proof = |key: &&[u8]| {
            let proof = JmtTree.prove(&nodes, version, key).expect("kept");
            (hex::encode(key), state.get(*key).map(hex::encode), hex::encode(proof))
        };
        Step {
            changes: changes.iter().map(|(k, v)| (hex::encode(k), v.as_ref().map(hex::encode))).collect(),
            root: hex::encode(update.root),
            proofs: asked.iter().map(proof).collect(),
        }
    };
    Vector { about: about.into(), steps: (0..).zip(blocks).map(step).collect() }
}

#[test]
fn vectors_hold() {
    let set = |pairs: &[(&str, Option<&str>)]| -> ChangeSet {
        let bytes = |v: &str| Bytes::copy_from_slice(v.as_bytes());
        pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.map(bytes))).collect()
    };
    let many = |from: u16, value: u8| -> ChangeSet {
        (from..from + 50).map(|k| (k.to_be_bytes().to_vec(), Some(Bytes::from(vec![value; 3])))).collect()
    };
    let small = vec![
        set(&[]),
        set(&[("a", Some("1"))]),
        set(&[("a", Some("2")), ("b", Some(""))]),
        set(&[]),
        set(&[("b", None), ("c", Some("3"))]),
        set(&[("a", None), ("c", None)]),
    ];
    let vectors = [
        ("small", vector("few keys, empty versions, and everything removed", small, &[b"a", b"b", b"z"])),
        (
            "hundred",
            vector(
                "a hundred keys, half of them changed",
                vec![many(0, 1), many(50, 2), many(25, 3)],
                &[&[0, 60], &[9, 9]],
            ),
        ),
    ];
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/tree");
    for (name, made) in vectors {
        let path = dir.join(format!("{name}.json"));
        if std::env::var_os("WEFT_BLESS").is_some() {
            std::fs::create_dir_all(&dir).expect("writable");
            let text = serde_json::to_string_pretty(&made).expect("strings only");
            std::fs::write(&path, text + "\n").expect("writable");
        }
        let text = std::fs::read_to_string(&path).expect("the vector is in the repository");
        let kept: Vector = serde_json::from_str(&text).expect("a vector");
        let mut state = BTreeMap::new();
        for step in &kept.steps {
            let bytes = |text: &String| hex::decode(text).expect("hex");
            let changes = step.changes.iter().map(|(k, v)| (bytes(k), v.as_ref().map(|v| bytes(v).into())));
            apply(&mut state, &changes.collect());
            assert_eq!(hex::encode(reference_root(&state)), step.root, "{name}: the reference");
            let root = B256::from_slice(&bytes(&step.root));
            for (key, value, proof) in &step.proofs {
                let value = value.as_ref().map(bytes);
                assert!(JmtTree.verify(root, &bytes(key), value.as_deref(), &bytes(proof)), "{name}");
            }
        }
        assert_eq!(made, kept, "{name}: jmt");
    }
}

#[test]
fn thousands_of_keys_agree_with_jmt() {
    use rand::{Rng, SeedableRng, rngs::StdRng};
    let mut random = StdRng::seed_from_u64(1);
    let (mut nodes, mut state) = (Nodes::default(), BTreeMap::new());
    for version in 0..8 {
        let removed = if version % 3 == 2 { 0.9 } else { 0.2 };
        let change = |_| {
            let key = random.random_range(0..4_000_u16).to_be_bytes().to_vec();
            let value = (!random.random_bool(removed)).then(|| Bytes::from(vec![random.random::<u8>()]));
            (key, value)
        };
        let changes: ChangeSet = (0..3_000).map(change).collect();
        let update = nodes.apply(version, &changes);
        apply(&mut state, &changes);
        assert_eq!(update.root, reference_root(&state));
        for id in update.stale {
            assert!(nodes.0.remove(&id).is_some(), "a node became stale twice or never was");
        }
    }
    assert_eq!(JmtTree.update(&nodes, 8, &ChangeSet::default()).expect("kept").root, reference_root(&state));
}
