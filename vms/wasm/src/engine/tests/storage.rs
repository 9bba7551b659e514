//! What a contract does with its storage and the chain.

use super::*;
use crate::engine::CallFault;

const IMPORTS: &str = r#"
    (import "env" "db_read" (func $read (param i32) (result i32)))
    (import "env" "db_write" (func $write (param i32 i32)))
    (import "env" "db_remove" (func $remove (param i32)))
    (import "env" "db_scan" (func $scan (param i32 i32 i32) (result i32)))
    (import "env" "db_next" (func $next (param i32) (result i32)))
    (import "env" "db_next_key" (func $next_key (param i32) (result i32)))
    (import "env" "db_next_value" (func $next_value (param i32) (result i32)))
    (import "env" "query_chain" (func $query (param i32) (result i32)))
    (import "env" "addr_validate" (func $validate (param i32) (result i32)))
    (import "env" "addr_canonicalize" (func $canonicalize (param i32 i32) (result i32)))
    (import "env" "addr_humanize" (func $humanize (param i32 i32) (result i32)))
    (import "env" "ed25519_batch_verify" (func $batch (param i32 i32 i32) (result i32)))"#;

fn host(count: u8) -> TestHost {
    let entry = |n| (vec![b'k', n], Bytes::from(vec![b'v', n]));
    TestHost { entries: (0..count).map(entry).collect(), ..TestHost::default() }
}

fn run(body: &str, host: &mut TestHost, msg: &[u8]) -> Result<Vec<u8>, CallFault> {
    call(&engine(false), &query(IMPORTS, body), host, msg).outcome
}

#[test]
fn entries_are_written_read_and_removed() {
    let mut host = TestHost::default();
    let write = "(call $write (local.get $msg) (local.get $env)) (call $read (local.get $msg))";
    assert_eq!(run(write, &mut host, b"key"), Ok(b"{}".to_vec()));
    assert_eq!(host.entries.get(b"key".as_slice()), Some(&Bytes::from_static(b"{}")));
    let remove = "(call $remove (local.get $msg)) (call $number (call $read (local.get $msg)))";
    assert_eq!(run(remove, &mut host, b"key"), Ok(vec![0; 4]));
    assert!(host.entries.is_empty());
}

#[test]
fn a_read_only_call_stops_at_a_write() {
    let engine = engine(false);
    for body in ["(call $write (local.get 0) (local.get 0))", "(call $remove (local.get 0))"] {
        let code = query(IMPORTS, &format!("{body} (i32.const 0)"));
        engine.check(&code, &BTreeSet::new()).expect("admitted");
        let args: [&[u8]; 2] = [b"", b""];
        let call = Call { readonly: true, ..query_of(&code, &args, FUEL) };
        let mut host = TestHost::default();
        let result = engine.call(call, &mut host).expect("a result");
        assert_eq!(result.outcome, Err(CallFault::ReadOnly));
        assert!(host.entries.is_empty());
    }
}

/// Steps through everything in `order` and gives how many there were, or the first byte of the last key.
fn walk(order: u32) -> String {
    format!(
        r#"(local $iterator i32) (local $key i32) (local $last i32) (local $count i32)
        (local.set $iterator (call $scan (i32.const 0) (i32.const 0) (i32.const {order})))
        (block (loop
            (br_if 1 (i32.eqz (local.tee $key (call $next_key (local.get $iterator)))))
            (local.set $last (i32.load8_u offset=1 (i32.load (local.get $key))))
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (br 0)))
        (call $number (i32.or (i32.shl (local.get $count) (i32.const 8)) (local.get $last)))"#
    )
}

#[test]
fn iterators_go_both_ways_over_many_pages() {
    let engine = engine(false);
    for (order, last) in [(1, 199), (2, 0)] {
        let mut host = host(200);
        let code = query(IMPORTS, &walk(order));
        assert_eq!(number(&engine, &code, &mut host), 200 << 8 | last);
        // 1, 2, 4, 8, 16, and 32 from then on.
        assert_eq!(host.ranges, 5 + 6);
    }
}

#[test]
fn an_iterator_shows_what_is_there_when_it_steps() {
    let body = r#"(local $iterator i32)
        (local.set $iterator (call $scan (i32.const 0) (i32.const 0) (i32.const 1)))
        (drop (call $next (local.get $iterator)))
        (drop (call $next (local.get $iterator)))
        (call $remove (local.get $msg))
        (call $next_value (local.get $iterator))"#;
    assert_eq!(run(body, &mut host(9), &[b'k', 2]), Ok(vec![b'v', 3]));
    // Key, its length, value, its length.
    let body = "(call $next (call $scan (i32.const 0) (i32.const 0) (i32.const 2)))";
    assert_eq!(run(body, &mut host(3), b""), Ok(vec![b'k', 2, 0, 0, 0, 2, b'v', 2, 0, 0, 0, 2]));
    let bounds = "(call $next_key (call $scan (local.get $msg) (local.get $msg) (i32.const 1)))";
    let body = format!("(call $number {bounds})");
    assert_eq!(run(&body, &mut host(3), &[b'k', 1]), Ok(vec![0; 4]));
}

#[test]
fn iterators_that_are_none() {
    let body = "(call $next (i32.const 1))";
    assert_eq!(run(body, &mut host(1), b""), Err(CallFault::NoIterator(1)));
    let body = "(call $scan (i32.const 0) (i32.const 0) (i32.const 3))";
    assert_eq!(run(body, &mut host(1), b""), Err(CallFault::BadOrder(3)));
    let body = r#"(loop (drop (call $scan (i32.const 0) (i32.const 0) (i32.const 1))) (br 0)) (i32.const 0)"#;
    assert_eq!(run(body, &mut host(1), b""), Err(CallFault::TooManyIterators));
}

#[test]
fn lengths_of_regions_are_limited() {
    let too_long = |length: u32, limit| Err(CallFault::RegionTooLong { length, limit });
    let long = |length: u32| format!("(call $region (i32.const 16) (i32.const {length}))");
    let body = format!("(call $read {})", long(65_537));
    assert_eq!(run(&body, &mut host(0), b""), too_long(65_537, 65_536));
    let body = format!("(call $write (local.get $msg) {}) (i32.const 0)", long(131_073));
    assert_eq!(run(&body, &mut host(0), b"k"), too_long(131_073, 131_072));
    let body = "(call $humanize (local.get $msg) (call $allocate (i32.const 3)))";
    let small = CallFault::RegionTooSmall {
        capacity: 3,
        required: u32::try_from(crate::address::encode(&[7; 20]).len()).expect("short"),
    };
    assert_eq!(run(body, &mut host(0), &[7; 20]), Err(small));
}

#[test]
fn addresses_are_checked_and_converted() {
    let text = crate::address::encode(&[7; 20]);
    let validate = "(call $number (call $validate (local.get $msg)))";
    assert_eq!(run(validate, &mut host(0), text.as_bytes()), Ok(vec![0; 4]));
    let wrong = "(call $validate (local.get $msg))";
    assert_eq!(run(wrong, &mut host(0), b"weft1"), Ok(b"Input is not a valid address".to_vec()));
    assert_eq!(run(wrong, &mut host(0), b""), Ok(b"Input is empty".to_vec()));
    assert_eq!(run(wrong, &mut host(0), b"\xff"), Ok(b"Input is not valid UTF-8".to_vec()));
    let convert = |name: &str| {
        format!(
            "(local $target i32) (local.set $target (call $allocate (i32.const 100)))
            (drop (call ${name} (local.get $msg) (local.get $target))) (local.get $target)"
        )
    };
    assert_eq!(run(&convert("canonicalize"), &mut host(0), text.as_bytes()), Ok(vec![7; 20]));
    assert_eq!(run(&convert("humanize"), &mut host(0), &[7; 20]), Ok(text.into_bytes()));
}

#[test]
fn the_chain_is_asked_and_its_cost_is_charged() {
    let body = "(call $query (local.get $msg))";
    assert_eq!(run(body, &mut host(0), b"abc"), Ok(b"cba".to_vec()));
    let code = query(IMPORTS, body);
    let result = try_call(&engine(false), &code, &mut host(0), b"abc", 1_000).expect("a result");
    assert_eq!(result, CallResult { fuel_used: 1_000, outcome: Err(CallFault::OutOfFuel) });
}

#[test]
fn a_broken_store_is_no_result() {
    let code = query(IMPORTS, "(call $read (local.get $msg))");
    let mut host = TestHost { broken: true, ..TestHost::default() };
    let error = try_call(&engine(true), &code, &mut host, b"k", FUEL).expect_err("no result");
    assert_eq!(error.0, "the store is broken");
}

#[test]
fn batches_must_add_up() {
    let body = "(call $number (call $batch (local.get $msg) (local.get $msg) (local.get $msg)))";
    // No section: an empty batch is valid.
    assert_eq!(run(body, &mut host(0), b""), Ok(vec![0; 4]));
    // One empty section each: no signature.
    assert_eq!(run(body, &mut host(0), &[0; 4]), Ok(vec![4, 0, 0, 0]));
    assert_eq!(run(body, &mut host(0), &[0, 0, 0, 9]), Err(CallFault::BadSections));
    assert_eq!(run(body, &mut host(0), &[1]), Err(CallFault::BadSections));
}
