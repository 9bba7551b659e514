//! Valid modules of every shape as contracts: as `wasm_code`, further in.
#![no_main]

mod wasm;

use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::{Corpus, fuzz_target};
use std::sync::LazyLock;
use wasm_smith::{Config, Module};

/// What every contract exports, and the entry points.
const EXPORTS: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "allocate") (param i32) (result i32) unreachable)
    (func (export "deallocate") (param i32))
    (func (export "interface_version_8"))
    (func (export "instantiate") (param i32 i32 i32) (result i32) unreachable)
    (func (export "execute") (param i32 i32 i32) (result i32) unreachable)
    (func (export "migrate") (param i32 i32) (result i32) unreachable)
    (func (export "query") (param i32 i32) (result i32) unreachable)
    (func (export "reply") (param i32 i32) (result i32) unreachable)
    (func (export "sudo") (param i32 i32) (result i32) unreachable))"#;

/// What contracts may import, of each kind of signature.
const IMPORTS: &str = r#"(module
    (import "env" "abort" (func (param i32)))
    (import "env" "addr_validate" (func (param i32) (result i32)))
    (import "env" "addr_humanize" (func (param i32 i32) (result i32)))
    (import "env" "db_read" (func (param i32) (result i32)))
    (import "env" "db_write" (func (param i32 i32)))
    (import "env" "db_remove" (func (param i32)))
    (import "env" "db_scan" (func (param i32 i32 i32) (result i32)))
    (import "env" "db_next" (func (param i32) (result i32)))
    (import "env" "db_next_key" (func (param i32) (result i32)))
    (import "env" "debug" (func (param i32)))
    (import "env" "query_chain" (func (param i32) (result i32)))
    (import "env" "secp256k1_recover_pubkey" (func (param i32 i32 i32) (result i64))))"#;

static CONFIG: LazyLock<Config> = LazyLock::new(|| Config {
    exports: Some(wat::parse_str(EXPORTS).expect("valid text")),
    available_imports: Some(wat::parse_str(IMPORTS).expect("valid text")),
    // The exported one.
    min_memories: 0,
    max_memories: 0,
    memory_max_size_required: false,
    max_memory32_bytes: 32 << 20,
    max_tables: 1,
    table_max_size_required: true,
    max_table_elements: 2_500,
    allow_start_export: false,
    bulk_memory_enabled: false,
    exceptions_enabled: false,
    gc_enabled: false,
    memory64_enabled: false,
    multi_value_enabled: false,
    reference_types_enabled: false,
    relaxed_simd_enabled: false,
    simd_enabled: false,
    tail_call_enabled: false,
    threads_enabled: false,
    custom_page_sizes_enabled: false,
    wide_arithmetic_enabled: false,
    extended_const_enabled: false,
    ..Config::default()
});

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(module) = Module::new(CONFIG.clone(), &mut Unstructured::new(bytes)) else {
        return Corpus::Reject;
    };
    if wasm::run(&module.to_bytes()) { Corpus::Keep } else { Corpus::Reject }
});
