//! What ends a call, and what it costs.

use super::*;
use crate::engine::{CallFault, TrapKind};

fn outcome(body: &str) -> Result<Vec<u8>, CallFault> {
    let code = query("", body);
    let pooled = call(&engine(true), &code, &mut TestHost::default(), b"hello");
    let mapped = call(&engine(false), &code, &mut TestHost::default(), b"hello");
    assert_eq!(pooled, mapped);
    assert!(pooled.fuel_used <= FUEL);
    pooled.outcome
}

#[test]
fn the_result_is_the_bytes_of_the_region() {
    assert_eq!(outcome("(local.get $msg)"), Ok(b"hello".to_vec()));
}

#[test]
fn an_endless_loop_uses_its_fuel() {
    let code = query("", "(loop (br 0)) (i32.const 0)");
    let result = call(&engine(false), &code, &mut TestHost::default(), b"");
    assert_eq!(result, CallResult { fuel_used: FUEL, outcome: Err(CallFault::OutOfFuel) });
}

#[test]
fn endless_recursion_ends_at_the_metered_height() {
    let thin = r#"(func $deep (param i32) (result i32)
        (i32.add (call $deep (local.get 0)) (i32.const 1)))
        (func (export "query") (param i32 i32) (result i32) (call $deep (i32.const 0)))"#;
    // A frame with many values that are alive over the call.
    let parameters = "i32 ".repeat(90);
    let arguments = (0..90).map(|n| format!("(local.get {n})")).collect::<String>();
    let adds = "i32.add ".repeat(90);
    let wide = format!(
        r#"(func $deep (param {parameters}) (result i32) {arguments} (call $deep {arguments}) {adds})
        (func (export "query") (param i32 i32) (result i32) (call $deep {zeros}))"#,
        zeros = "(i32.const 7)".repeat(90),
    );
    for body in [thin, &wide] {
        let code = contract("", body);
        let pooled = call(&engine(true), &code, &mut TestHost::default(), b"");
        let mapped = call(&engine(false), &code, &mut TestHost::default(), b"");
        assert_eq!(pooled, mapped);
        assert_eq!(pooled.outcome, Err(CallFault::StackHeight));
        assert!(pooled.fuel_used < FUEL);
    }
}

#[test]
fn values_used_far_apart_do_not_reach_the_native_stack() {
    // The compiler keeps what it would compute twice: many values over a call, with few locals and operands.
    let half: String = (0..2_000)
        .map(|n| {
            format!("(global.set $sink (i32.mul (i32.add (local.get 0) (i32.const {n})) (local.get 0)))")
        })
        .collect();
    let body = format!(
        r#"(global $sink (mut i32) (i32.const 0))
        (func $deep (param i32) {half} (call $deep (i32.add (local.get 0) (i32.const 1))) {half})
        (func (export "query") (param i32 i32) (result i32) (call $deep (i32.const 3)) (i32.const 0))"#
    );
    let code = contract("", &body);
    let result = call(&engine(false), &code, &mut TestHost::default(), b"");
    assert_eq!(result.outcome, Err(CallFault::StackHeight));
}

#[test]
fn values_carried_by_many_branches_do_not_reach_the_native_stack() {
    // As many loops over as many variables as the check admits: each may give each of them a place of its own.
    let loops: String = (0..2_800)
        .map(|n| {
            let (to, from) = (1 + n % 99, 1 + (n + 7) % 99);
            format!(
                "(loop (local.set {to} (i64.add (local.get {from}) (i64.const 1))) (br_if 0 (local.get 0)))"
            )
        })
        .collect();
    let sum: String = (1..100).map(|n| format!("(local.get {n}) i64.add ")).collect();
    let body = format!(
        r#"(global $sink (mut i64) (i64.const 0))
        (func $deep (param i32) (local {}) {loops} (call $deep (local.get 0))
            (global.set $sink (i64.const 0) {sum}))
        (func (export "query") (param i32 i32) (result i32) (call $deep (i32.const 0)) (i32.const 0))"#,
        "i64 ".repeat(99)
    );
    let code = contract("", &body);
    for pooling in [true, false] {
        let result = call(&engine(pooling), &code, &mut TestHost::default(), b"");
        assert_eq!(result.outcome, Err(CallFault::StackHeight));
    }
}

#[test]
fn every_way_out_of_a_function_takes_its_height_off() {
    let body = r#"(func $early (param i32) (result i32)
            (block (loop (if (i32.and (local.get 0) (i32.const 1)) (then (return (i32.const 1))))
                (block (br_if 2 (i32.and (local.get 0) (i32.const 2))))
                (br_if 2 (i32.const 5) (i32.and (local.get 0) (i32.const 4))) drop
                (br_table 1 1 (i32.const 0))))
            (i32.const 2))
        (func $nothing (param i32) (if (local.get 0) (then (return))))
        (func (export "query") (param i32 i32) (result i32)
            (local $n i32)
            (loop
                (drop (call $early (local.get $n)))
                (call $nothing (i32.and (local.get $n) (i32.const 1)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get $n) (i32.const 200000))))
            (call $number (local.get $n)))"#;
    assert_eq!(number(&engine(false), &contract("", body), &mut TestHost::default()), 200_000);
}

#[test]
fn traps_are_told_apart_and_use_all_fuel() {
    assert_eq!(outcome("unreachable"), Err(CallFault::Unreachable));
    let traps = [
        ("(i32.div_u (i32.const 1) (i32.const 0))", TrapKind::DivisionByZero),
        ("(i32.div_s (i32.const 0x80000000) (i32.const -1))", TrapKind::IntegerOverflow),
        ("(i32.load (i32.const 0x7fffffff))", TrapKind::MemoryOutOfBounds),
        ("(i32.load offset=0xffffffff (i32.const -1))", TrapKind::MemoryOutOfBounds),
        ("(i32.trunc_f32_s (f32.const nan))", TrapKind::BadConversion),
    ];
    for (body, kind) in traps {
        let code = query("", body);
        let result = call(&engine(true), &code, &mut TestHost::default(), b"");
        assert_eq!(result, CallResult { fuel_used: FUEL, outcome: Err(CallFault::Trap(kind)) }, "{body}");
    }
}

#[test]
fn the_memory_grows_to_its_limit_and_pages_cost() {
    let code = query("", "(drop (memory.grow (i32.const 495))) (call $number (memory.grow (i32.const 1)))");
    assert_eq!(number(&engine(true), &code, &mut TestHost::default()), u32::MAX);
    let small = query("", "(drop (memory.grow (i32.const 1))) (local.get $msg)");
    let large = query("", "(drop (memory.grow (i32.const 101))) (local.get $msg)");
    let engine = engine(false);
    let small = call(&engine, &small, &mut TestHost::default(), b"").fuel_used;
    let large = call(&engine, &large, &mut TestHost::default(), b"").fuel_used;
    assert_eq!(large - small, 100 * (crate::engine::costs::GROWN_PAGE + 255));
}

#[test]
fn nan_is_canonical() {
    let code =
        query("", "(call $number (i32.reinterpret_f32 (f32.add (f32.const nan:0x123456) (f32.const 1))))");
    assert_eq!(number(&engine(false), &code, &mut TestHost::default()), 0x7fc0_0000);
}

#[test]
fn a_contract_ends_itself_with_its_words() {
    let code = query(
        r#"(import "env" "abort" (func $abort (param i32)))"#,
        "(call $abort (local.get $msg)) (i32.const 0)",
    );
    let result = call(&engine(false), &code, &mut TestHost::default(), b"no \xff way");
    assert_eq!(result.outcome, Err(CallFault::Aborted("no \u{fffd} way".to_owned())));
    assert!(result.fuel_used < FUEL);
}

#[test]
fn regions_that_lie_end_the_call() {
    let cases = [
        ("(i32.const 0x7ffffff0)", CallFault::BadPointer),
        ("(call $region (i32.const 0) (i32.const 1))", CallFault::BadRegion("zero offset")),
        (
            "(call $region (i32.const 0x7fffffff) (i32.const 1))",
            CallFault::BadRegion("outside of the memory"),
        ),
        ("(call $region (i32.const 2) (i32.const -1))", CallFault::BadRegion("out of range")),
    ];
    for (body, fault) in cases {
        assert_eq!(outcome(body), Err(fault), "{body}");
    }
}

#[test]
fn entries_that_are_not_there_or_do_not_fit() {
    let engine = engine(false);
    let none = contract("", "");
    let other = contract("", r#"(func (export "query") (param i32 i64) (result i32) (i32.const 0))"#);
    for code in [none, other] {
        let result = call(&engine, &code, &mut TestHost::default(), b"");
        assert_eq!(result.outcome, Err(CallFault::MissingEntry("query")));
    }
}

#[test]
fn migrate_takes_two_arguments_or_three() {
    let engine = engine(false);
    for (params, last) in [("i32 i32", 1), ("i32 i32 i32", 2)] {
        let body = format!(r#"(func (export "migrate") (param {params}) (result i32) (local.get {last}))"#);
        let code = contract("", &body);
        engine.check(&code, &BTreeSet::new()).expect("admitted");
        let args: [&[u8]; 3] = [b"0", b"1", b"2"];
        let call = Call { entry: Entry::Migrate, ..query_of(&code, &args, FUEL) };
        let result = engine.call(call, &mut TestHost::default());
        assert_eq!(result.expect("a result").outcome, Ok(last.to_string().into_bytes()));
    }
}

#[test]
fn an_allocator_that_calls_the_host_ends_at_the_depth() {
    let code = calling_allocator();
    let result = call(&engine(false), &code, &mut TestHost::default(), b"abc");
    assert_eq!(result.outcome, Err(CallFault::CallDepth));
}

/// A contract whose allocator queries the chain.
fn calling_allocator() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "env" "query_chain" (func $query (param i32) (result i32)))
            (memory (export "memory") 17)
            (global $calls (mut i32) (i32.const 0))
            (func (export "interface_version_8"))
            (data (i32.const 64) "\60\00\00\00\04\00\00\00\00\00\00\00")
            (func (export "allocate") (param i32) (result i32)
                (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                ;; The third is the first that an import asks for.
                (if (i32.gt_u (global.get $calls) (i32.const 2))
                    (then (drop (call $query (i32.const 64)))))
                (i32.const 64))
            (func (export "deallocate") (param i32))
            (func (export "query") (param i32 i32) (result i32) (call $query (i32.const 64))))"#,
    )
    .expect("valid text")
}

#[test]
fn fuel_that_just_does_gives_the_same_result() {
    let code = query("", "(local.get $msg)");
    let engine = engine(false);
    let enough = call(&engine, &code, &mut TestHost::default(), b"abc");
    let run = |fuel| try_call(&engine, &code, &mut TestHost::default(), b"abc", fuel).expect("a result");
    assert_eq!(run(enough.fuel_used + 1), enough);
    // The last unit is never spent: compiled code does not tell it from none.
    let fuel_used = enough.fuel_used;
    assert_eq!(run(fuel_used), CallResult { fuel_used, outcome: Err(CallFault::OutOfFuel) });
    assert_eq!(run(0), CallResult { fuel_used: 0, outcome: Err(CallFault::OutOfFuel) });
    assert_eq!(run(u64::MAX), enough);
}

#[test]
fn instances_beyond_the_pool_are_mapped() {
    // Each query calls the contract again, deeper than the pool has instances.
    struct Nested<'a>(&'a Engine, &'a [u8], u32);
    impl Nested<'_> {
        fn deeper(&mut self, fuel: u64) -> (u64, Vec<u8>) {
            if self.2 == 0 {
                return (0, b"bottom".to_vec());
            }
            let mut next = Nested(self.0, self.1, self.2 - 1);
            let args: [&[u8]; 2] = [b"{}", b"{}"];
            let result = self.0.call(query_of(self.1, &args, fuel), &mut next).expect("a result");
            (result.fuel_used, result.outcome.expect("an answer"))
        }
    }
    impl Host for Nested<'_> {
        fn get(&mut self, _: &[u8], _: u64) -> Result<(u64, Option<Bytes>), HostFault> {
            Ok((0, None))
        }
        fn set(&mut self, _: &[u8], _: &[u8], _: u64) -> Result<u64, HostFault> {
            Ok(0)
        }
        fn remove(&mut self, _: &[u8], _: u64) -> Result<u64, HostFault> {
            Ok(0)
        }
        fn range(
            &mut self,
            _: &[u8],
            _: Option<&[u8]>,
            _: bool,
            _: usize,
            _: u64,
        ) -> Result<(u64, Vec<(Vec<u8>, Bytes)>), HostFault> {
            Ok((0, Vec::new()))
        }
        fn query(&mut self, _: &[u8], fuel: u64) -> Result<(u64, Vec<u8>), HostFault> {
            Ok(self.deeper(fuel))
        }
    }
    let code = query(
        r#"(import "env" "query_chain" (func $query (param i32) (result i32)))"#,
        "(call $query (local.get $msg))",
    );
    let run = |pooling| {
        let engine = engine(pooling);
        engine.check(&code, &BTreeSet::new()).expect("admitted");
        Nested(&engine, &code, 140).deeper(FUEL)
    };
    let pooled = run(true);
    assert_eq!(pooled.1, b"bottom");
    assert_eq!(pooled, run(false));
}
