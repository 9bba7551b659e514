//! The check of a contract at upload, with the rules of CosmWasm's own virtual machine.
//!
//! Stricter than it in what it finds out only when a contract runs: the names and types that the host relies on
//! (`memory`, `allocate`, `deallocate`), a start function, the number of globals. Its text is for people and
//! never reaches a hash.

mod body;
mod error;
mod module;

use std::collections::BTreeSet;

use wasmparser::{ExternalKind, TypeRef, ValType, WasmFeatures};

pub use error::CodeError;
use module::{Module, parse};

use super::imports::IMPORTS;
use super::limits;

/// What of Wasm is admitted: the first version and what compilers have emitted by default since. Of reference
/// types only the encoding, none of the instructions.
pub(super) const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::REFERENCE_TYPES);

/// The export that the instrumentation adds.
pub(super) const STACK_HEIGHT_EXPORT: &str = "__weft_stack_height";

const INTERFACE_PREFIX: &str = "interface_version_";
/// The marker before there were interface versions.
const OLD_INTERFACE_PREFIX: &str = "cosmwasm_vm_version_";
const INTERFACE: &str = "interface_version_8";
const REQUIRES_PREFIX: &str = "requires_";
const MIGRATE_VERSION_SECTION: &str = "cw_migrate_version";

const ENTRY_POINTS: [&str; 18] = [
    "execute",
    "ibc2_packet_ack",
    "ibc2_packet_receive",
    "ibc2_packet_send",
    "ibc2_packet_timeout",
    "ibc_channel_close",
    "ibc_channel_connect",
    "ibc_channel_open",
    "ibc_destination_callback",
    "ibc_packet_ack",
    "ibc_packet_receive",
    "ibc_packet_timeout",
    "ibc_source_callback",
    "instantiate",
    "migrate",
    "query",
    "reply",
    "sudo",
];

/// All that a contract needs to be one that speaks IBC.
const IBC_ENTRY_POINTS: [&str; 6] = [
    "ibc_channel_open",
    "ibc_channel_connect",
    "ibc_channel_close",
    "ibc_packet_receive",
    "ibc_packet_ack",
    "ibc_packet_timeout",
];

/// What the check found out about a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeReport {
    /// What the contract says it needs of the chain.
    pub required_capabilities: BTreeSet<String>,
    /// Whether it has a `migrate`.
    pub has_migrate: bool,
    /// Whether it has all of IBC's entry points.
    pub has_ibc_entry_points: bool,
    /// The version of its state, which tells whether `migrate` must run.
    pub migrate_version: Option<u64>,
    /// The entry points that it exports.
    pub entry_points: BTreeSet<String>,
    /// What compiling it takes beside what its size says: its branches, each as often as values that it may carry,
    /// 64 for each instruction whose NaN is made canonical, and 512 for each function.
    pub work: usize,
}

/// Everything about `code` short of compiling it.
pub(super) fn check(code: &[u8], capabilities: &BTreeSet<String>) -> Result<CodeReport, CodeError> {
    if code.len() > limits::MAX_CODE_SIZE {
        return Err(CodeError::Size(code.len()));
    }
    let mut module = parse(code)?;
    check_table(&module)?;
    check_memory(&module)?;
    check_interface(&module)?;
    check_exports(&module)?;
    check_imports(&module)?;
    let required = required_capabilities(&module);
    let missing: Vec<_> = required.difference(capabilities).map(|name| format!("\"{name}\"")).collect();
    if !missing.is_empty() {
        return Err(CodeError::Capabilities(missing.join(", ")));
    }
    check_counts(&module)?;
    if module.starts {
        return Err(CodeError::Start);
    }
    let work = body::validate(std::mem::take(&mut module.bodies))?;

    let entry_points: BTreeSet<_> =
        module.functions_exported().filter(|name| ENTRY_POINTS.contains(name)).map(str::to_owned).collect();
    Ok(CodeReport {
        required_capabilities: required,
        has_migrate: entry_points.contains("migrate"),
        has_ibc_entry_points: IBC_ENTRY_POINTS.iter().all(|name| entry_points.contains(*name)),
        migrate_version: module.migrate_version,
        entry_points,
        work,
    })
}

fn check_table(module: &Module<'_>) -> Result<(), CodeError> {
    let refuse = |text: &str| Err(CodeError::Table(text.to_owned()));
    match module.tables.as_slice() {
        [] => Ok(()),
        [table] => match table.maximum {
            None => refuse("Wasm contract must not have unbound table section"),
            Some(maximum) if maximum > u64::from(limits::MAX_TABLE_ELEMENTS) => {
                refuse("Wasm contract's first table section has a too large max limit")
            }
            Some(_) => Ok(()),
        },
        _ => refuse("Wasm contract must not have more than 1 table section"),
    }
}

fn check_memory(module: &Module<'_>) -> Result<(), CodeError> {
    let refuse = |text: String| Err(CodeError::Memory(text));
    let [memory] = module.memories.as_slice() else {
        return refuse("Wasm contract must contain exactly one memory".to_owned());
    };
    if memory.initial > u64::from(limits::MAX_MEMORY_PAGES) {
        let limit = limits::MAX_MEMORY_PAGES;
        return refuse(format!("Wasm contract memory's minimum must not exceed {limit} pages."));
    }
    if memory.maximum.is_some() {
        let text = "Wasm contract memory's maximum must be unset. The host will set it for you.";
        return refuse(text.to_owned());
    }
    Ok(())
}

fn check_interface(module: &Module<'_>) -> Result<(), CodeError> {
    let mut markers = module.functions_exported().filter(|name| name.starts_with(INTERFACE_PREFIX));
    match (markers.next(), markers.next()) {
        (Some(_), Some(_)) => Err(CodeError::ManyInterfaceVersions),
        (Some(INTERFACE), None) => Ok(()),
        (Some(other), None) => Err(CodeError::InterfaceVersion(other.to_owned())),
        (None, _) => match module.functions_exported().find(|name| name.starts_with(OLD_INTERFACE_PREFIX)) {
            Some(old) => Err(CodeError::InterfaceVersion(old.to_owned())),
            None => Err(CodeError::NoInterfaceVersion),
        },
    }
}

fn check_exports(module: &Module<'_>) -> Result<(), CodeError> {
    let has = |wanted: &str, params: &[ValType], results: &[ValType]| {
        module.exports.iter().any(|&(name, kind, index)| {
            name == wanted
                && kind == ExternalKind::Func
                && module.signature(index).is_some_and(|(p, r)| p == params && r == results)
        })
    };
    if !has("allocate", &[ValType::I32], &[ValType::I32]) {
        return Err(CodeError::MissingExport("allocate"));
    }
    if !has("deallocate", &[ValType::I32], &[]) {
        return Err(CodeError::MissingExport("deallocate"));
    }
    if !module.exports.iter().any(|&(name, kind, _)| name == "memory" && kind == ExternalKind::Memory) {
        return Err(CodeError::MissingExport("memory"));
    }
    if module.exports.iter().any(|&(name, ..)| name == STACK_HEIGHT_EXPORT) {
        return Err(CodeError::ReservedExport);
    }
    Ok(())
}

fn check_imports(module: &Module<'_>) -> Result<(), CodeError> {
    too_many("imports", module.imports.len(), limits::MAX_IMPORTS)?;
    for (name, kind) in &module.imports {
        let known = name
            .strip_prefix("env.")
            .and_then(|name| IMPORTS.iter().find(|import| import.name == name))
            .ok_or_else(|| CodeError::Import(name.clone()))?;
        let TypeRef::Func(kind) = kind else { return Err(CodeError::ImportKind(name.clone())) };
        let (params, results) =
            module.types.get(*kind as usize).ok_or_else(|| CodeError::ImportType(name.clone()))?;
        if params.len() != known.params
            || params.iter().any(|param| *param != ValType::I32)
            || results.as_slice() != known.results
        {
            return Err(CodeError::ImportType(name.clone()));
        }
    }
    Ok(())
}

fn required_capabilities(module: &Module<'_>) -> BTreeSet<String> {
    module
        .functions_exported()
        .filter_map(|name| name.strip_prefix(REQUIRES_PREFIX))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

fn check_counts(module: &Module<'_>) -> Result<(), CodeError> {
    let max_params = module.types.iter().map(|(params, _)| params.len()).max().unwrap_or(0);
    let max_results = module.types.iter().map(|(_, results)| results.len()).max().unwrap_or(0);
    too_many("functions", module.bodies.len(), limits::MAX_FUNCTIONS)?;
    too_many("parameters of one function", max_params, limits::MAX_PARAMS)?;
    too_many("results of one function", max_results, limits::MAX_RESULTS)?;
    too_many("parameters of all functions", module.total_params, limits::MAX_TOTAL_PARAMS)?;
    too_many("locals of one function", module.max_locals, limits::MAX_LOCALS)?;
    too_many("locals of all functions", module.total_locals, limits::MAX_TOTAL_LOCALS)?;
    too_many("globals", module.globals, limits::MAX_GLOBALS)
}

fn too_many(what: &'static str, count: usize, limit: usize) -> Result<(), CodeError> {
    if count > limit { Err(CodeError::TooMany { what, count, limit }) } else { Ok(()) }
}
