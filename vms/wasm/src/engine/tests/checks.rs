//! What is refused at upload.

use std::path::PathBuf;

use cargo_metadata::MetadataCommand;

use super::*;
use crate::engine::limits;
use crate::engine::{CodeError, CodeReport};

fn check(code: &[u8], capabilities: &[&str]) -> Result<CodeReport, CodeError> {
    let capabilities = capabilities.iter().map(|name| (*name).to_owned()).collect();
    // Compiling is tested elsewhere.
    crate::engine::check::check(code, &capabilities)
}

fn refused(code: &[u8]) -> CodeError {
    check(code, &[]).expect_err("a refusal")
}

/// The contracts that cosmwasm-vm is tested with.
fn testdata() -> PathBuf {
    let metadata = MetadataCommand::new().exec().expect("cargo metadata");
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "cosmwasm-vm");
    let manifest = package.expect("a dependency").manifest_path.clone();
    manifest.parent().expect("a folder").join("testdata").into()
}

fn real(name: &str) -> Vec<u8> {
    std::fs::read(testdata().join(name)).expect("a contract")
}

const OFFERED: [&str; 10] = [
    "iterator",
    "staking",
    "stargate",
    "cosmwasm_1_1",
    "cosmwasm_1_2",
    "cosmwasm_1_3",
    "cosmwasm_1_4",
    "cosmwasm_2_0",
    "cosmwasm_2_1",
    "cosmwasm_2_2",
];

#[test]
fn real_contracts_are_admitted_and_reported() {
    let report = check(&real("hackatom.wasm"), &OFFERED).expect("admitted");
    assert!(report.has_migrate && !report.has_ibc_entry_points);
    assert_eq!(report.migrate_version, Some(420));
    let report = check(&real("ibc_reflect.wasm"), &OFFERED).expect("admitted");
    assert!(report.has_ibc_entry_points);
    assert!(report.required_capabilities.contains("stargate"));
    assert!(!report.required_capabilities.contains("staking"));
    assert!(report.entry_points.contains("ibc_packet_ack") && report.entry_points.contains("reply"));
    for name in ["cyberpunk.wasm", "floaty.wasm", "floaty_2.0.wasm", "hackatom_1.0.wasm", "hackatom_1.3.wasm"]
    {
        check(&real(name), &OFFERED).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn old_broken_and_demanding_contracts_are_refused() {
    for (name, version) in [
        ("hackatom_0.8.wasm", "cosmwasm_vm_version_1"),
        ("hackatom_0.10.wasm", "cosmwasm_vm_version_3"),
        ("hackatom_0.14.wasm", "interface_version_5"),
        ("hackatom_0.15.wasm", "interface_version_6"),
        ("hackatom_0.16.wasm", "interface_version_7"),
    ] {
        match refused(&real(name)) {
            CodeError::InterfaceVersion(found) => assert_eq!(found, version, "{name}"),
            other => panic!("{name}: {other}"),
        }
    }
    for name in ["hackatom_0.7.wasm", "corrupted.wasm"] {
        assert_eq!(refused(&real(name)), CodeError::NoInterfaceVersion, "{name}");
    }
    let error = check(&real("ibc2.wasm"), &OFFERED).expect_err("a refusal");
    assert!(matches!(&error, CodeError::Capabilities(names) if names.contains("\"ibc2\"")), "{error}");
    let error = check(&real("ibc_reflect.wasm"), &OFFERED[1..2]).expect_err("a refusal");
    assert!(
        matches!(&error, CodeError::Capabilities(names) if names.ends_with("\"iterator\", \"stargate\""))
    );
}

/// A contract with a function of this body, checked.
fn with_function(function: &str) -> CodeError {
    refused(&contract("", function))
}

#[test]
fn newer_features_are_refused() {
    for function in [
        "(func (drop (v128.const i32x4 0 0 0 0)))",
        "(func (drop (i32.atomic.load (i32.const 0))))",
        "(func (return_call 0))",
        "(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)))",
        "(tag $t) (func (throw $t))",
        "(type (struct (field i32)))",
        "(memory 1)",
        "(global externref (ref.null extern))",
        "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
    ] {
        assert!(matches!(with_function(function), CodeError::Invalid(_)), "{function}");
    }
    for function in [
        "(table 1 1 funcref) (func (drop (table.grow 0 (ref.null func) (i32.const 1))))",
        "(table 1 1 funcref) (func (drop (table.size 0)))",
        "(func (drop (ref.null func)))",
    ] {
        assert!(matches!(with_function(function), CodeError::ReferenceType(_)), "{function}");
    }
    let memory64 = wat::parse_str(r#"(module (memory i64 1))"#).expect("valid text");
    assert!(matches!(refused(&memory64), CodeError::Invalid(_)));
}

#[test]
fn counts_are_limited() {
    let too_many = |what, count, limit| CodeError::TooMany { what, count, limit };
    let functions = "(func)".repeat(limits::MAX_FUNCTIONS);
    // The template has five of its own.
    let of_template = 5;
    let count = limits::MAX_FUNCTIONS + of_template;
    assert_eq!(with_function(&functions), too_many("functions", count, limits::MAX_FUNCTIONS));
    let locals = format!("(func (local {}))", "i32 ".repeat(101));
    assert_eq!(with_function(&locals), too_many("locals of one function", 101, 100));
    let all = format!("(func (local {}))", "i32 ".repeat(100)).repeat(101);
    assert!(matches!(with_function(&all), CodeError::TooMany { what: "locals of all functions", .. }));
    let params = format!("(func (param {}))", "i32 ".repeat(101));
    assert_eq!(with_function(&params), too_many("parameters of one function", 101, 100));
    let all = format!("(func (param {}))", "i32 ".repeat(100)).repeat(101);
    assert!(matches!(with_function(&all), CodeError::TooMany { what: "parameters of all functions", .. }));
    let results = "(func (result i32 i32) (i32.const 0) (i32.const 0))";
    assert_eq!(with_function(results), too_many("results of one function", 2, 1));
    let globals = "(global i32 (i32.const 0))".repeat(limits::MAX_GLOBALS);
    assert!(matches!(with_function(&globals), CodeError::TooMany { what: "globals", .. }));
    let imports = r#"(import "env" "debug" (func (param i32)))"#.repeat(101);
    assert_eq!(refused(&contract(&imports, "")), too_many("imports", 101, 100));
    let size = limits::MAX_CODE_SIZE + 1;
    assert_eq!(refused(&vec![0; size]), CodeError::Size(size));
}

#[test]
fn imports_and_exports_must_be_the_hosts() {
    let import = |text: &str| refused(&contract(text, ""));
    assert_eq!(
        import(r#"(import "env" "db_drop" (func (param i32)))"#),
        CodeError::Import("env.db_drop".to_owned())
    );
    assert_eq!(
        import(r#"(import "other" "db_read" (func (param i32) (result i32)))"#),
        CodeError::Import("other.db_read".to_owned())
    );
    assert_eq!(
        import(r#"(import "env" "db_read" (func (param i64) (result i32)))"#),
        CodeError::ImportType("env.db_read".to_owned())
    );
    assert_eq!(
        import(r#"(import "env" "debug" (global i32))"#),
        CodeError::ImportKind("env.debug".to_owned())
    );
    assert_eq!(with_function("(func $start) (start $start)"), CodeError::Start);
    assert_eq!(with_function(r#"(func (export "__weft_stack_height"))"#), CodeError::ReservedExport);
    assert_eq!(with_function(r#"(func (export "interface_version_9"))"#), CodeError::ManyInterfaceVersions);
    let bare = |text: &str| refused(&wat::parse_str(text).expect("valid text"));
    assert_eq!(bare("(module (memory 1))"), CodeError::NoInterfaceVersion);
    assert_eq!(
        bare(r#"(module (memory 1) (func (export "interface_version_8")))"#),
        CodeError::MissingExport("allocate")
    );
    assert!(matches!(bare("(module)"), CodeError::Memory(_)));
    assert!(matches!(bare("(module (memory 513))"), CodeError::Memory(_)));
    assert!(matches!(bare("(module (memory 1 512))"), CodeError::Memory(_)));
    assert!(matches!(bare("(module (memory 1) (table 1 funcref))"), CodeError::Table(_)));
    assert!(matches!(bare("(module (memory 1) (table 1 2501 funcref))"), CodeError::Table(_)));
}

#[test]
fn every_import_that_is_admitted_is_defined() {
    let declared: String = crate::engine::imports::IMPORTS
        .iter()
        .map(|import| {
            let params = "i32 ".repeat(import.params);
            let result = match import.results {
                [] => String::new(),
                [wasmparser::ValType::I64] => "(result i64)".to_owned(),
                _ => "(result i32)".to_owned(),
            };
            format!(r#"(import "env" "{}" (func (param {params}) {result}))"#, import.name)
        })
        .collect();
    engine(false).check(&contract(&declared, ""), &BTreeSet::new()).expect("admitted, compiled and linked");
}

proptest::proptest! {
    /// Bytes from outside never panic, and what is admitted can be rewritten into a valid module.
    #[test]
    fn whatever_is_admitted_can_be_instrumented(
        changes in proptest::collection::vec((proptest::prelude::any::<usize>(), proptest::prelude::any::<u8>()), 0..4),
        cut in proptest::option::weighted(0.1, 0usize..400),
    ) {
        let mut code = query(
            r#"(import "env" "db_read" (func (param i32) (result i32)))"#,
            "(block (br_if 0 (local.get $env)) (return (local.get $msg))) (local.get $env)",
        );
        for (place, byte) in changes {
            let place = place % code.len();
            code[place] = byte;
        }
        code.truncate(cut.unwrap_or(code.len()));
        if check(&code, &[]).is_ok() {
            let rewritten = crate::engine::instrument::instrument(&code).expect("a rewritten module");
            wasmparser::Validator::new_with_features(crate::engine::check::FEATURES)
                .validate_all(&rewritten)
                .expect("a valid module");
        }
    }
}

/// What would take minutes to compile, and more memory than a node has to spare, is refused before.
#[test]
fn bombs_of_the_compiler_are_refused() {
    let locals = "i64 ".repeat(99);
    let carried = |branch: &str, count: usize| {
        let all: String = (0..count)
            .map(|n| {
                let (to, from) = (1 + n % 99, 1 + (n + 7) % 99);
                let set = format!("(local.set {to} (i64.add (local.get {from}) (i64.const 1)))");
                branch.replace("SET", &set)
            })
            .collect();
        format!("(func (param i32) (local {locals}) {all})")
    };
    let too_many = |function: &str| match with_function(function) {
        CodeError::TooMany { what, .. } => what,
        other => panic!("{other}"),
    };
    let flow = "branches times values of one function";
    assert_eq!(too_many(&carried("(loop SET (br_if 0 (local.get 0)))", 4_000)), flow);
    assert_eq!(too_many(&carried("(if (local.get 0) (then SET))", 7_000)), flow);
    let targets = "0 ".repeat(7_000);
    let table = format!("(block SET (br_table {targets} (local.get 0)))");
    assert_eq!(too_many(&carried(&table, 1)), flow);
    let some = carried("(loop SET (br_if 0 (local.get 0)))", 2_000);
    assert_eq!(too_many(&some.repeat(6)), "branches times values of all functions");
    let long = format!("(func (param i32) {})", "(drop (local.get 0))".repeat(40_000));
    assert_eq!(too_many(&long), "instructions of one function");
}

/// What is paid for beside the bytes: functions, branches by the values that they may carry, and NaNs.
#[test]
fn the_work_of_compiling_is_counted() {
    let work = |body: &str| check(&contract("", body), &[]).expect("admitted").work;
    let none = work("(func)");
    assert_eq!(none, work("") + limits::FUNCTION_WORK);
    // Two branches, each with two locals and a highest operand stack of one.
    let branches = "(func (param i32) (local i64) (block (br_if 0 (local.get 0))))";
    assert_eq!(work(branches), none + 2 * 3);
    let root = "(func (param f64) (result f64) (f64.sqrt (local.get 0)))";
    assert_eq!(work(root), none + limits::NAN_WORK);
    assert_eq!(work("(func (param f64) (result f64) (f64.neg (local.get 0)))"), none);
}
