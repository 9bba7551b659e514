//! What is refused at upload, with what and why; and that cosmwasm-vm refuses the same.

use std::collections::{BTreeMap, HashSet};

use cosmwasm_vm::WasmLimits;
use cosmwasm_vm::internals::{Logger, check_wasm};
use weft_wasm::engine::{Engine, EngineConfig};

use crate::files::{capabilities, testdata, testdata_names};
use crate::wat::contract;

struct Checks {
    engine: Engine,
    theirs: HashSet<String>,
}

impl Checks {
    fn new() -> Self {
        let engine = Engine::new(EngineConfig::default()).expect("an engine");
        Self { engine, theirs: capabilities().into_iter().collect() }
    }

    /// The text of the refusal; `None` where the code is admitted.
    fn ours(&self, code: &[u8]) -> Option<String> {
        self.engine.check(code, &capabilities()).err().map(|error| error.to_string())
    }

    fn refused_by_theirs(&self, code: &[u8]) -> bool {
        check_wasm(code, &self.theirs, &WasmLimits::default(), Logger::Off).is_err()
    }
}

/// Every contract that cosmwasm-vm is tested with: of each interface there was, broken and demanding ones.
#[test]
fn published_contracts() {
    let unknown = |version| Some(format!("Wasm contract has unknown {version} marker export"));
    let none = Some("Wasm contract missing a required marker export: interface_version_*".to_owned());
    let demanding = Some("Wasm contract requires unavailable capabilities: {\"ibc2\"}".to_owned());
    let refused = BTreeMap::from([
        ("corrupted.wasm", none.clone()),
        ("floaty_0.16.wasm", unknown("interface_version_6")),
        ("hackatom_0.7.wasm", none),
        ("hackatom_0.8.wasm", unknown("cosmwasm_vm_version_1")),
        ("hackatom_0.9.wasm", unknown("cosmwasm_vm_version_2")),
        ("hackatom_0.10.wasm", unknown("cosmwasm_vm_version_3")),
        ("hackatom_0.11.wasm", unknown("cosmwasm_vm_version_4")),
        ("hackatom_0.12.wasm", unknown("cosmwasm_vm_version_4")),
        ("hackatom_0.14.wasm", unknown("interface_version_5")),
        ("hackatom_0.15.wasm", unknown("interface_version_6")),
        ("hackatom_0.16.wasm", unknown("interface_version_7")),
        ("ibc2.wasm", demanding),
        ("ibc_reflect_0.14.wasm", unknown("interface_version_5")),
        ("ibc_reflect_0.15.wasm", unknown("interface_version_6")),
        ("ibc_reflect_0.16.wasm", unknown("interface_version_7")),
    ]);
    let checks = Checks::new();
    let names = testdata_names();
    let mut admitted = 0;
    for name in &names {
        let code = testdata(name);
        match (checks.ours(&code), refused.get(name.as_str()).cloned().flatten()) {
            (None, None) => admitted += 1,
            (Some(got), Some(wanted)) => assert!(got.starts_with(&wanted), "{name}: {got}"),
            (got, wanted) => panic!("{name}: {got:?}, not {wanted:?}"),
        }
        assert_eq!(checks.refused_by_theirs(&code), refused.contains_key(name.as_str()), "{name}");
    }
    assert_eq!((admitted, names.len()), (names.len() - refused.len(), admitted + refused.len()));
    assert!(admitted >= 10, "{names:?}");
}

#[test]
fn what_is_not_admitted_is_named() {
    let checks = Checks::new();
    let over = |count: usize, what: &str| what.repeat(count);
    let locals = over(101, "i32 ");
    let imports = over(101, r#"(import "env" "debug" (func (param i32)))"#);
    let cases = [
        ("", over(20_001, "(func)"), "functions, the limit is 20000"),
        ("", format!("(func (local {locals}))"), "101 locals of one function, the limit is 100"),
        ("", over(101, &format!("(func (local {}))", over(100, "i32 "))), "locals of all functions"),
        ("", format!("(func (param {locals}))"), "101 parameters of one function, the limit is 100"),
        ("", "(func (result i32 i32) (i32.const 0) (i32.const 0))".to_owned(), "results of one function"),
        (&imports, String::new(), "101 imports, the limit is 100"),
        (r#"(import "env" "db_drop" (func))"#, String::new(), "unsupported import: \"env.db_drop\""),
        (r#"(import "wasi" "fd_write" (func))"#, String::new(), "unsupported import: \"wasi.fd_write\""),
        ("", r#"(func (export "requires_ibc2"))"#.to_owned(), "unavailable capabilities: {\"ibc2\"}"),
        ("", "(func (drop (v128.const i32x4 0 0 0 0)))".to_owned(), "SIMD support is not enabled"),
        ("", "(func (drop (i32.atomic.load (i32.const 0))))".to_owned(), "threads support is not enabled"),
        ("", "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))".to_owned(), "bulk memory"),
        ("", "(func (return_call 0))".to_owned(), "tail calls support is not enabled"),
        ("", "(tag $t) (func (throw $t))".to_owned(), "exceptions"),
        ("", "(memory 1)".to_owned(), "multiple memories"),
        ("", "(table 1 funcref)".to_owned(), "must not have unbound table section"),
    ];
    for (imports, body, why) in cases {
        let code = contract(imports, &body);
        let got = checks.ours(&code);
        assert!(got.as_ref().is_some_and(|got| got.contains(why)), "{why}: {got:?}");
        assert!(checks.refused_by_theirs(&code), "{why}");
    }
    for (text, why) in [
        ("(module (memory i64 1))", "memory64"),
        ("(module (memory 1 2 shared))", "threads"),
        ("(module)", "must contain exactly one memory"),
        ("(module (memory 513))", "minimum must not exceed 512 pages"),
        ("(module (memory 1 512))", "maximum must be unset"),
    ] {
        let code = wat::parse_str(text).expect("valid text");
        let got = checks.ours(&code);
        assert!(got.as_ref().is_some_and(|got| got.contains(why)), "{text}: {got:?}");
        assert!(checks.refused_by_theirs(&code), "{text}");
    }
    // Where this chain refuses more: cosmwasm-vm would see it when the contract runs, or never.
    for (body, why) in [
        ("(func (drop (ref.null func)))", "Reference type operation detected: RefNull"),
        ("(func $start) (start $start)", "has a start function, which is not supported"),
        (r#"(func (export "__weft_stack_height"))"#, "exports the reserved name"),
    ] {
        let got = checks.ours(&contract("", body));
        assert!(got.as_ref().is_some_and(|got| got.contains(why)), "{body}: {got:?}");
    }
    let large = vec![0; weft_wasm::engine::MAX_CODE_SIZE + 1];
    assert_eq!(checks.ours(&large).as_deref(), Some("the code has 819201 bytes, the limit is 819200"));
}
