//! The store against a model that keeps every height in full.

use super::*;
use crate::{ChangeSet, JmtTree, Tree};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tempfile::TempDir;

pub(super) const GENESIS: B256 = B256::repeat_byte(7);
const MANY: usize = 10_000;

type State = BTreeMap<Key, Bytes>;

pub(super) fn bytes(value: impl Into<Vec<u8>>) -> Bytes {
    Bytes::from(value.into())
}

pub(super) fn chain_key(height: u64) -> Key {
    height.to_be_bytes().to_vec()
}

/// What the derivation state is after that height, in these tests.
pub(super) fn derivation(height: u64) -> Bytes {
    bytes(format!("derivation {height}"))
}

/// Commits the blocks after the tip in one commit.
pub(super) fn commit(store: &Store, blocks: &[ChangeSet]) -> Tip {
    let first = store.tip().map_or(Height(0), |tip| tip.height.next());
    let mut session = store.begin(first).expect("the next height");
    let mut nodes = store.nodes();
    for changes in blocks {
        let height = session.next().0;
        let update = JmtTree.update(&*nodes, height, changes).expect("kept");
        let records = vec![(chain_key(height), bytes(format!("block {height}")))];
        session.block(changes, &update, records).expect("readable");
        nodes = Arc::new(crate::NodeOverlay::new(nodes, &update));
    }
    let last = session.next().prev().expect("a block was written").0;
    session.finish(derivation(last)).expect("has a block").commit().expect("writable")
}

fn apply(state: &mut State, changes: &ChangeSet) {
    for (key, value) in changes.iter() {
        match value {
            Some(value) => state.insert(key.clone(), value.clone()),
            None => state.remove(key),
        };
    }
}

fn pairs(state: &State) -> Vec<(Key, Bytes)> {
    state.clone().into_iter().collect()
}

fn assert_state(view: &dyn StateRead, state: &State) {
    assert_eq!(view.range(&[], &[0xff; 9], MANY), Ok(pairs(state)));
    assert_eq!(view.range(&[], &[0xff; 9], 2), Ok(pairs(state).into_iter().take(2).collect()));
    let (from, to) = ([1_u8, 0], [4_u8]);
    let expected = state.range(from.to_vec()..to.to_vec()).map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(view.range(&from, &to, MANY), Ok(expected));
    assert_eq!(view.range_back(&[], &[0xff; 9], MANY), Ok(pairs(state).into_iter().rev().collect()));
    assert_eq!(view.range_back(&[], &[0xff; 9], 2), Ok(pairs(state).into_iter().rev().take(2).collect()));
    let expected =
        state.range(from.to_vec()..to.to_vec()).rev().map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(view.range_back(&from, &to, MANY), Ok(expected));
    for key in (0..8_u8).flat_map(|k| [vec![k], vec![k, 0], vec![k, 0, 0xff], vec![0, k]]) {
        assert_eq!(view.get(&key), Ok(state.get(&key).cloned()), "key {key:02x?}");
    }
}

/// Everything that the store holds, but what pruning and format say.
fn contents(store: &Store) -> Vec<(Table, Key, Bytes)> {
    let mut all = Vec::new();
    for table in Table::ALL {
        let rows = store.0.scan(table, Scan::forward(&[], None, usize::MAX)).expect("readable");
        all.extend(rows.into_iter().map(|(key, value)| (table, key, value)));
    }
    all
}

fn changes() -> impl Strategy<Value = ChangeSet> {
    // Keys with zeros and prefixes of each other, which the escaping must keep apart and in order.
    let key = prop_oneof![
        (0..8_u8).prop_map(|k| vec![k]),
        (0..8_u8).prop_map(|k| vec![k, 0]),
        (0..8_u8).prop_map(|k| vec![k, 0, 0xff]),
        (0..8_u8).prop_map(|k| vec![0, k]),
    ];
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..3));
    prop::collection::btree_map(key, value, 0..12)
        .prop_map(|set| set.into_iter().map(|(k, v)| (k, v.map(Bytes::from))).collect())
}

/// Blocks in commits of one to three.
fn commits() -> impl Strategy<Value = Vec<Vec<ChangeSet>>> {
    prop::collection::vec(prop::collection::vec(changes(), 1..4), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_height_reads_as_it_was(commits in commits(), below in any::<u64>()) {
        let store = Store::on(Arc::new(MemoryKv::default()), GENESIS).expect("opens");
        let (mut state, mut history, mut views) = (State::new(), Vec::new(), Vec::new());
        for blocks in &commits {
            let tip = commit(&store, blocks);
            for changes in blocks {
                apply(&mut state, changes);
                history.push(state.clone());
            }
            views.push((tip.height, store.state_at(tip.height).expect("the tip")));
        }
        let tip = store.tip().expect("has blocks").height;
        for (height, state) in (0..).zip(&history) {
            assert_state(&*store.state_at(Height(height)).expect("kept"), state);
        }
        for (height, view) in &views {
            let at = usize::try_from(height.0).expect("small");
            assert_state(&**view, &history[at]);
        }
        let above = store.state_at(tip.next()).err();
        prop_assert!(matches!(above, Some(StoreError::NotKept { .. })), "{above:?}");

        let below = Height(below % (tip.0 + 1));
        while store.prune(below).expect("kept").more {}
        prop_assert_eq!(store.oldest(), below);
        for (height, state) in (0..).zip(&history) {
            match store.state_at(Height(height)) {
                Ok(view) => {
                    prop_assert!(height >= below.0);
                    assert_state(&*view, state);
                    let proof = JmtTree.prove(&*store.nodes(), height, &[1]).expect("kept");
                    let root = JmtTree.root(&*store.nodes(), height).expect("kept");
                    let value = state.get([1].as_slice());
                    prop_assert!(JmtTree.verify(root, &[1], value.map(|value| &value[..]), &proof));
                }
                Err(StoreError::NotKept { oldest, .. }) => prop_assert!(height < below.0 && oldest == below),
                Err(other) => panic!("{other}"),
            }
        }
        for (height, view) in &views {
            prop_assert_eq!(view.get(&[1]).is_ok(), *height >= below);
        }
        let stale = store.0.scan(Table::History, Scan::forward(b"H", Some(b"I"), MANY)).expect("readable");
        prop_assert!(stale.iter().all(|(row, _)| row[1..9] >= below.0.to_be_bytes()[..]));
    }

    #[test]
    fn a_rollback_leaves_what_was_there(commits in commits(), to in any::<u64>()) {
        let store = Store::on(Arc::new(MemoryKv::default()), GENESIS).expect("opens");
        let mut after = Vec::new();
        for blocks in &commits {
            let tip = commit(&store, blocks);
            after.push((tip, contents(&store)));
        }
        let newest = store.tip().expect("has blocks").height;
        let view = store.state_at(newest).expect("the tip");
        let to = Height(to % (newest.0 + 1));
        let target = after.iter().rposition(|(tip, _)| tip.height <= to);
        let Some(target) = target else {
            let refused = StoreError::NoBoundary { asked: to, oldest: Height(0) };
            prop_assert_eq!(store.rollback(to), Err(refused));
            return Ok(());
        };
        prop_assert_eq!(store.rollback(to), Ok(after[target].0));
        prop_assert_eq!(contents(&store), after[target].1.clone());
        prop_assert_eq!(store.derivation(), Ok(Some(derivation(after[target].0.height.0))));
        prop_assert_eq!(view.get(&[1]).is_ok(), target + 1 == after.len(), "a view does not outlive a rollback");
        for (blocks, (tip, contents_then)) in commits.iter().zip(&after).skip(target + 1) {
            prop_assert_eq!(commit(&store, blocks), *tip);
            prop_assert_eq!(&contents(&store), contents_then);
        }
    }
}

fn block(n: u8) -> ChangeSet {
    [(vec![n], Some(bytes([n]))), (b"hot".to_vec(), Some(bytes([n])))].into_iter().collect()
}

#[test]
fn the_wrong_height_and_a_stale_session_are_refused() {
    let store = Store::on(Arc::new(MemoryKv::default()), GENESIS).expect("opens");
    assert_eq!(store.begin(Height(1)).err(), Some(StoreError::NotNext { next: Height(0), got: Height(1) }));
    assert_eq!(store.state_at(Height(0)).err(), Some(StoreError::Empty));
    assert_eq!(store.begin(Height(0)).expect("next").finish(Bytes::new()).err(), Some(StoreError::Empty));
    commit(&store, &[block(1)]);
    let stale = store.begin(Height(1)).expect("next").finish(derivation(0)).expect("a tip");
    commit(&store, &[block(2)]);
    assert_eq!(stale.commit().err(), Some(StoreError::NotNext { next: Height(2), got: Height(1) }));
}

#[test]
fn a_commit_without_a_block_moves_derivation_and_records() {
    let store = Store::on(Arc::new(MemoryKv::default()), GENESIS).expect("opens");
    let zero = commit(&store, &[block(1)]);
    for n in 0..3_u8 {
        let mut session = store.begin(Height(1)).expect("next");
        session.records([(vec![b'd', n], bytes([n]))]);
        let tip = session.finish(bytes([n])).expect("a tip").commit().expect("writable");
        assert_eq!(tip, zero);
    }
    commit(&store, &[block(2)]);
    let mut session = store.begin(Height(2)).expect("next");
    session.records([(vec![b'd', 9], bytes([9]))]);
    session.finish(bytes([9])).expect("a tip").commit().expect("writable");
    let discarded =
        |store: &Store| store.chain_range(Scan::backward(b"d", Some(b"e"), 10)).expect("readable").len();
    assert_eq!(discarded(&store), 4);
    assert_eq!(store.rollback(Height(0)), Ok(zero));
    assert_eq!(store.derivation(), Ok(Some(bytes([2]))));
    assert_eq!(discarded(&store), 3);
    assert_eq!(store.chain_get(&chain_key(1)), Ok(None));
    assert_eq!(store.chain_get(&chain_key(0)), Ok(Some(bytes("block 0"))));
}

#[test]
fn readers_see_one_height_while_blocks_are_committed() {
    let dir = TempDir::new().expect("a temporary directory");
    let backends = [Backend::Memory, Backend::Fjall, Backend::Sled];
    for backend in backends {
        let config = StoreConfig::new(backend, dir.path().join(backend.name()));
        let store = Store::open(&config, GENESIS).expect("opens");
        // Every key of a height holds that height.
        let all = |n: u8| -> ChangeSet { (0..50_u8).map(|k| (vec![k], Some(bytes([n])))).collect() };
        commit(&store, &[all(0)]);
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(SeqCst) {
                        let height = store.tip().expect("has blocks").height;
                        let view = store.state_at(height).expect("the tip");
                        let expected = Some(bytes([u8::try_from(height.0).expect("small")]));
                        for round in 0..3 {
                            for key in 0..50_u8 {
                                assert_eq!(view.get(&[key]), Ok(expected.clone()), "round {round}");
                            }
                            let range = view.range(&[10], &[40], 100).expect("readable");
                            assert!(
                                range.len() == 30 && range.iter().all(|(_, v)| Some(v) == expected.as_ref())
                            );
                        }
                    }
                });
            }
            for n in 1..60 {
                commit(&store, &[all(n)]);
            }
            done.store(true, SeqCst);
        });
    }
}

fn each_on_disk(check: impl Fn(&StoreConfig)) {
    for backend in [Backend::Fjall, Backend::Sled] {
        let dir = TempDir::new().expect("a temporary directory");
        check(&StoreConfig::new(backend, dir.path().join("store")));
    }
}

fn overwrite(config: &StoreConfig, key: &[u8], value: Option<Bytes>) {
    let store = Store::open(config, GENESIS).expect("opens");
    let mut batch = Batch::default();
    batch.writes.push((Table::Meta, key.to_vec(), value));
    store.0.kv.commit(batch, true).expect("writable");
}

#[test]
fn a_store_reopens_where_it_was() {
    each_on_disk(|config| {
        let store = Store::open(config, GENESIS).expect("opens");
        assert_eq!(store.tip(), None);
        commit(&store, &[block(1)]);
        let tip = commit(&store, &[block(2), block(3)]);
        store.prune(Height(1)).expect("kept");
        drop(store);
        let store = Store::open(config, GENESIS).expect("opens");
        assert_eq!((store.tip(), store.oldest()), (Some(tip), Height(1)));
        assert_eq!(store.derivation(), Ok(Some(derivation(2))));
        assert_eq!(store.state_at(Height(1)).expect("kept").get(b"hot"), Ok(Some(bytes([2]))));
    });
}

#[test]
fn who_may_not_open_a_store_is_told_why() {
    each_on_disk(|config| {
        let store = Store::open(config, GENESIS).expect("opens");
        commit(&store, &[block(1)]);
        assert_eq!(Store::open(config, GENESIS).err(), Some(StoreError::Locked(config.dir.clone())));
        drop(store);

        let other = Store::open(config, B256::ZERO).err().expect("another chain");
        assert!(matches!(other, StoreError::OtherGenesis { found: GENESIS, .. }), "{other}");
        let backend = if config.backend == Backend::Sled { Backend::Fjall } else { Backend::Sled };
        let other =
            Store::open(&StoreConfig { backend, ..config.clone() }, GENESIS).err().expect("another backend");
        assert!(matches!(other, StoreError::OtherBackend { .. }), "{other}");
    });
}

#[test]
fn a_store_of_another_format_is_refused() {
    let refused = |config: &StoreConfig, format: u32| {
        commit(&Store::open(config, GENESIS).expect("opens"), &[block(1)]);
        overwrite(config, record::META_STORE, Some(record::encode_store(format, GENESIS)));
        Store::open(config, GENESIS).err().expect("another format")
    };
    each_on_disk(|config| {
        let newer = refused(config, FORMAT + 1);
        assert!(matches!(newer, StoreError::Newer { ours: FORMAT, .. }), "{newer}");
    });
    each_on_disk(|config| {
        let older = refused(config, FORMAT - 1);
        assert!(matches!(older, StoreError::Older { ours: FORMAT, .. }), "{older}");
    });
}

#[test]
fn a_damaged_store_says_so() {
    type Damage = (&'static [u8], Option<&'static [u8]>);
    let damages: [Damage; 6] = [
        (record::META_STORE, Some(b"?")),
        (record::META_STORE, None),
        (record::META_TIP, None),
        (record::META_TIP, Some(&[0; 80])),
        (record::META_DERIVATION, Some(b"another")),
        (record::META_DERIVATION, None),
    ];
    for (key, value) in damages {
        each_on_disk(|config| {
            commit(&Store::open(config, GENESIS).expect("opens"), &[block(1)]);
            overwrite(config, key, value.map(Bytes::from_static));
            let damaged = Store::open(config, GENESIS).err().expect("it is damaged");
            assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
            assert!(damaged.to_string().contains("remove the directory"), "{damaged}");
        });
    }
}

#[test]
fn files_of_garbage_are_an_error_and_no_panic() {
    each_on_disk(|config| {
        let store = Store::open(config, GENESIS).expect("opens");
        for n in 0..20 {
            commit(&store, &[block(n)]);
        }
        drop(store);
        let mut dirs = vec![config.dir.join(config.backend.name())];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).expect("readable") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    let length = path.metadata().expect("readable").len().min(1 << 20);
                    let garbage = vec![0xa5; usize::try_from(length).expect("small")];
                    std::fs::write(&path, garbage).expect("writable");
                }
            }
        }
        let damaged = Store::open(config, GENESIS).err().expect("nothing can be read");
        assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
    });
}
