//! One behaviour for all backends.

use super::*;
use std::sync::Arc;
use tempfile::TempDir;

const CACHE: u64 = 8 << 20;

fn pairs(found: &[(Key, Bytes)]) -> Vec<(&str, &str)> {
    let text = |bytes| std::str::from_utf8(bytes).expect("ascii");
    found.iter().map(|(key, value)| (text(key), text(value))).collect()
}

fn batch(writes: &[(Table, &str, Option<&str>)]) -> Batch {
    let mut batch = Batch::default();
    for (table, key, value) in writes {
        let key = key.as_bytes().to_vec();
        match value {
            Some(value) => batch.put(*table, key, value.as_bytes().to_vec().into()),
            None => batch.remove(*table, key),
        }
    }
    batch
}

fn behaves(kv: &dyn Kv) {
    assert_eq!(kv.get(Table::State, b"a"), Ok(None));
    assert_eq!(kv.scan(Table::State, Scan::forward(b"", None, 10)), Ok(Vec::new()));
    let writes = [
        (Table::State, "a", Some("1")),
        (Table::State, "ab", Some("2")),
        (Table::State, "b", Some("")),
        (Table::State, "c", Some("4")),
        (Table::Meta, "a", Some("meta")),
        (Table::Tree, "zz", Some("tree")),
    ];
    kv.commit(batch(&writes), true).expect("writable");
    assert_eq!(kv.get(Table::State, b"b"), Ok(Some(Bytes::new())));
    assert_eq!(kv.get(Table::Meta, b"a"), Ok(Some(Bytes::from_static(b"meta"))));
    assert_eq!(kv.get(Table::Chain, b"a"), Ok(None), "tables are apart");

    let scan = |scan| kv.scan(Table::State, scan).expect("readable");
    assert_eq!(pairs(&scan(Scan::forward(b"", None, 10))), [("a", "1"), ("ab", "2"), ("b", ""), ("c", "4")]);
    assert_eq!(pairs(&scan(Scan::forward(b"a", Some(b"b"), 10))), [("a", "1"), ("ab", "2")]);
    assert_eq!(pairs(&scan(Scan::forward(b"aa", None, 1))), [("ab", "2")]);
    assert_eq!(pairs(&scan(Scan::backward(b"", None, 2))), [("c", "4"), ("b", "")]);
    assert_eq!(pairs(&scan(Scan::backward(b"ab", Some(b"c"), 9))), [("b", ""), ("ab", "2")]);
    for nothing in [
        Scan::forward(b"c", Some(b"a"), 9),
        Scan::forward(b"a", Some(b"a"), 9),
        Scan::forward(b"", None, 0),
        Scan::backward(b"d", None, 9),
    ] {
        assert_eq!(scan(nothing), []);
    }

    kv.commit(
        batch(&[(Table::State, "a", None), (Table::State, "c", Some("5")), (Table::State, "x", None)]),
        false,
    )
    .expect("writable");
    assert_eq!(pairs(&scan(Scan::forward(b"", None, 10))), [("ab", "2"), ("b", ""), ("c", "5")]);
    kv.commit(Batch::default(), true).expect("an empty batch is one");
    let large = vec![7_u8; 3 << 20];
    let mut batch = Batch::default();
    batch.put(Table::Chain, vec![0; 300], large.clone().into());
    kv.commit(batch, true).expect("values of some megabytes are kept");
    assert_eq!(kv.get(Table::Chain, &[0; 300]), Ok(Some(large.into())));
}

fn survives(open: &dyn Fn() -> Arc<dyn Kv>) {
    behaves(&*open());
    let kv = open();
    assert_eq!(kv.get(Table::State, b"c"), Ok(Some(Bytes::from_static(b"5"))));
    assert_eq!(kv.scan(Table::State, Scan::forward(b"", None, 10)).map(|found| found.len()), Ok(3));
}

#[test]
fn memory_behaves() {
    behaves(&MemoryKv::default());
}

#[test]
fn fjall_behaves() {
    let dir = TempDir::new().expect("a temporary directory");
    survives(&|| Arc::new(FjallKv::open(dir.path(), CACHE).expect("opens")));
}

#[test]
fn sled_behaves() {
    let dir = TempDir::new().expect("a temporary directory");
    survives(&|| Arc::new(SledKv::open(dir.path(), CACHE).expect("opens")));
}
