//! wasmtime as every machine of the network must have it, and what of it a node may choose.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmFeatures,
};

use super::limits::{MAX_MEMORY_PAGES, MAX_TABLE_ELEMENTS, PAGE_SIZE};
use super::{EngineError, costs};

/// The native stack that a contract's own frames may take: 64 bytes for each unit of the metered height, so that
/// the metered limit always comes first. Only what is used of it is ever memory.
pub(super) const NATIVE_STACK: usize = 64 * 1024 * 1024;
/// What the host's own functions have below a contract's frames, to the next call of a contract.
pub(super) const HOST_STACK: usize = 4 * 1024 * 1024;

/// Instances that the pool has room for: those of eleven nested queries on each of three threads. More are mapped
/// one by one.
const POOL_INSTANCES: u32 = 32;
/// Address space of a memory: what it may grow to.
const RESERVATION: u64 = MAX_MEMORY_PAGES as u64 * PAGE_SIZE as u64;
/// Memories that wait in the pool with what their module's memory begins with, which is up to 32 MiB.
const WARM_SLOTS: u32 = 16;
/// What an instance takes besides its memory and table: the check bounds functions and globals.
const MAX_INSTANCE_SIZE: usize = 8 * 1024 * 1024;
/// Memory of an instance that stays with the pool when it is given back and is cleared, rather than being mapped
/// again.
const KEEP_RESIDENT: usize = 128 * 1024;

/// Where memories and tables come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allocation {
    /// From addresses that are reserved at start.
    Pool,
    /// Each is mapped for its call.
    OnDemand,
}

/// wasmtime, set up.
pub(super) fn engine(allocation: Allocation) -> Result<Engine, EngineError> {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .operator_cost(costs::OPERATORS)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .max_wasm_stack(NATIVE_STACK)
        // Not used, but wasmtime wants it to be no less.
        .async_stack_size(NATIVE_STACK.saturating_add(HOST_STACK))
        // The code checks bounds itself. Where the memory's protection did it, every call would change that twice, for its
        // growth and back, and interrupt the other cores each time: that takes longer than the checks.
        .signals_based_traps(false)
        .memory_reservation(RESERVATION)
        .memory_reservation_for_growth(0)
        .memory_guard_size(0)
        .memory_may_move(false)
        // Traps are told apart by their kind; nobody reads where they came from.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        .generate_address_map(false)
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(features(), true)
        .allocation_strategy(match allocation {
            Allocation::Pool => InstanceAllocationStrategy::Pooling(pool()),
            Allocation::OnDemand => InstanceAllocationStrategy::OnDemand,
        });
    Engine::new(&config).map_err(|error| EngineError(format!("{error:#}")))
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(POOL_INSTANCES)
        .total_memories(POOL_INSTANCES)
        .total_tables(POOL_INSTANCES)
        .max_memories_per_module(1)
        .max_tables_per_module(1)
        .table_elements(MAX_TABLE_ELEMENTS as usize)
        .max_memory_size(MAX_MEMORY_PAGES as usize * PAGE_SIZE)
        .max_core_instance_size(MAX_INSTANCE_SIZE)
        .max_unused_warm_slots(WARM_SLOTS)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(MAX_TABLE_ELEMENTS as usize * size_of::<usize>())
        // Contracts use few pages, a mebibyte up: without it those below would be cleared.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// What the check admits.
const fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
        .union(WasmFeatures::SIGN_EXTENSION)
        .union(WasmFeatures::MULTI_VALUE)
        .union(WasmFeatures::FLOATS)
        .union(WasmFeatures::REFERENCE_TYPES)
}
