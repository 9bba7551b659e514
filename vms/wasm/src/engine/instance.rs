//! One call on one fresh instance.

use std::ptr::NonNull;

use wasmtime::{
    AsContextMut, Caller, InstancePre, Memory, PoolConcurrencyLimitError, ResourceLimiter, Store, TypedFunc,
    Val, ValType,
};
use weft_state::ReadError;

use super::check::STACK_HEIGHT_EXPORT;
use super::config::{HOST_STACK, NATIVE_STACK};
use super::fault::{Stop, fault_of, machine};
use super::host::{Host, HostFault};
use super::iterators::Iterators;
use super::limits::{MAX_CALL_DEPTH, MAX_MEMORY_PAGES, PAGE_SIZE};
use super::memory::{read_region, spend, write_region};
use super::{Call, CallFault, CallResult, costs};

/// The host of a call, without the lifetime that wasmtime cannot take.
struct HostPointer(NonNull<dyn Host>);

/// What an instance has besides its memory.
pub(super) struct State {
    host: HostPointer,
    pub(super) memory: Option<Memory>,
    allocate: Option<TypedFunc<u32, u32>>,
    pub(super) readonly: bool,
    pub(super) iterators: Iterators,
    /// What an import stopped the call with, where it is no trap.
    stopped: Option<Stop>,
    depth: u32,
    /// What the memory had at the start.
    first_pages: u64,
    growth: Growth,
}

/// Watches over the growth of the memory.
#[derive(Default)]
struct Growth {
    /// Set where this machine could not give memory that the contract may have.
    failed: bool,
}

impl State {
    /// Keeps what stops the call and gives wasmtime an error to unwind with.
    pub(super) fn stop(&mut self, stop: Stop) -> wasmtime::Error {
        match stop {
            Stop::Wasm(error) => error,
            other => {
                self.stopped = Some(other);
                wasmtime::Error::msg("the call was stopped")
            }
        }
    }

    /// Asks the host and takes what it used off the fuel.
    pub(super) fn ask<T>(
        env: &mut Caller<'_, Self>,
        question: impl FnOnce(&mut dyn Host, u64) -> Result<(u64, T), HostFault>,
    ) -> Result<T, Stop> {
        let fuel = env.get_fuel()?;
        let answer = question(env.data_mut().host(), fuel);
        if matches!(answer, Err(HostFault::OutOfFuel)) {
            env.set_fuel(0)?;
        }
        let (used, answer) = answer?;
        spend(env, used)?;
        Ok(answer)
    }

    #[allow(unsafe_code)]
    fn host(&mut self) -> &mut dyn Host {
        // SAFETY: `run` makes the pointer from a reference that it holds exclusively, and drops the store, which
        // alone holds this state, before it returns; the state never leaves the store. The reference made here
        // ends with the borrow of the state, so no two are alive at once: the closures of `ask` take the host
        // alone and cannot reach the state.
        unsafe { self.host.0.as_mut() }
    }

    /// Memory of the contract's own allocator, from an import.
    pub(super) fn allocate(env: &mut Caller<'_, Self>, length: u32) -> Result<u32, Stop> {
        let allocate = env.data().allocate.clone().ok_or(Stop::Fault(CallFault::MissingEntry("allocate")))?;
        enter(env, |env| allocate.call(env, length)).and_then(some_address)
    }
}

fn some_address(pointer: u32) -> Result<u32, Stop> {
    if pointer == 0 { Err(Stop::Fault(CallFault::ZeroAddress)) } else { Ok(pointer) }
}

/// Calls the contract, within the depth.
fn enter<S: AsContextMut<Data = State>, T>(
    store: &mut S,
    call: impl FnOnce(&mut S) -> Result<T, wasmtime::Error>,
) -> Result<T, Stop> {
    let mut context = store.as_context_mut();
    let state = context.data_mut();
    if state.depth >= MAX_CALL_DEPTH {
        return Err(Stop::Fault(CallFault::CallDepth));
    }
    state.depth = state.depth.saturating_add(1);
    let result = call(store);
    let mut context = store.as_context_mut();
    let state = context.data_mut();
    state.depth = state.depth.saturating_sub(1);
    result.map_err(Stop::Wasm)
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= (MAX_MEMORY_PAGES as usize).saturating_mul(PAGE_SIZE))
    }

    /// The contract must not see that this machine has no memory left.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.failed = true;
        Err(error)
    }

    /// A table has its size from the start.
    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

/// Runs `call`; `None` where the pool has no instance left.
pub(super) fn run(
    module: &InstancePre<State>,
    call: &Call<'_>,
    host: &mut dyn Host,
) -> Result<Option<CallResult>, ReadError> {
    // The stack below is either enough for the contract's frames and the host's, or a new one is taken.
    let needed = NATIVE_STACK.saturating_add(HOST_STACK);
    stacker::maybe_grow(needed, needed.saturating_add(HOST_STACK), || run_here(module, call, host))
}

fn run_here(
    module: &InstancePre<State>,
    call: &Call<'_>,
    host: &mut dyn Host,
) -> Result<Option<CallResult>, ReadError> {
    let state = State {
        host: erase(host),
        memory: None,
        allocate: None,
        readonly: call.readonly,
        iterators: Iterators::default(),
        stopped: None,
        depth: 0,
        first_pages: 0,
        growth: Growth::default(),
    };
    let mut store = Store::new(module.module().engine(), state);
    store.limiter(|state| &mut state.growth);
    let started = store
        .set_fuel(call.fuel)
        .map_err(|error| machine(&error))
        .map(|()| module.instantiate(&mut store))?;
    let instance = match started {
        Ok(instance) => instance,
        Err(error) if error.is::<PoolConcurrencyLimitError>() => return Ok(None),
        Err(error) => {
            // Elements and data may lie outside of the table and the memory: a trap like any other.
            let fault = fault_of(&error, None)?;
            return Ok(Some(CallResult { fuel_used: call.fuel, outcome: Err(fault) }));
        }
    };
    let result = call_entry(&mut store, &instance, call);
    let outcome = match result {
        Ok(bytes) => Ok(bytes),
        Err(stop) => Err(fault(&mut store, &instance, stop)?),
    };
    finish(&mut store, call.fuel, outcome).map(Some)
}

#[allow(unsafe_code)]
fn erase(host: &mut dyn Host) -> HostPointer {
    let pointer: NonNull<dyn Host + '_> = NonNull::from(host);
    // SAFETY: only the lifetime changes; `State::host` says why the pointer is never used beyond it.
    HostPointer(unsafe {
        std::mem::transmute::<NonNull<dyn Host + '_>, NonNull<dyn Host + 'static>>(pointer)
    })
}

fn call_entry(
    store: &mut Store<State>,
    instance: &wasmtime::Instance,
    call: &Call<'_>,
) -> Result<Vec<u8>, Stop> {
    let name = call.entry.name();
    let missing = |name| Stop::Fault(CallFault::MissingEntry(name));
    let memory = instance.get_memory(&mut *store, "memory").ok_or_else(|| missing("memory"))?;
    let allocate =
        instance.get_typed_func::<u32, u32>(&mut *store, "allocate").map_err(|_| missing("allocate"))?;
    let deallocate =
        instance.get_typed_func::<u32, ()>(&mut *store, "deallocate").map_err(|_| missing("deallocate"))?;
    let first_pages = memory.size(&*store);
    let state = store.data_mut();
    state.memory = Some(memory);
    state.allocate = Some(allocate.clone());
    state.first_pages = first_pages;

    let entry = instance.get_func(&mut *store, name).ok_or_else(|| missing(name))?;
    let kind = entry.ty(&*store);
    let takes = kind.params().len();
    // Contracts before CosmWasm 2.2 take no migrate info.
    let args = match call.entry {
        super::Entry::Migrate => call.args.get(..takes.min(call.args.len())).unwrap_or_default(),
        _ => call.args,
    };
    let fits = takes == args.len()
        && kind.params().all(|param| matches!(param, ValType::I32))
        && kind.results().len() == 1
        && kind.results().all(|result| matches!(result, ValType::I32));
    if !fits {
        return Err(missing(name));
    }
    let mut pointers = Vec::with_capacity(args.len());
    for arg in args {
        let length = u32::try_from(arg.len()).unwrap_or(u32::MAX);
        let pointer = enter(store, |store| allocate.call(store, length)).and_then(some_address)?;
        write_region(store, pointer, arg)?;
        pointers.push(Val::I32(pointer.cast_signed()));
    }
    let mut results = [Val::I32(0)];
    enter(store, |store| entry.call(store, &pointers, &mut results))?;
    let [result] = results;
    let pointer = result.i32().unwrap_or_default().cast_unsigned();
    let limit = u32::try_from(call.entry.max_result()).unwrap_or(u32::MAX);
    let bytes = read_region(store, pointer, limit)?;
    enter(store, |store| deallocate.call(store, pointer))?;
    Ok(bytes)
}

/// What a stop is to the caller.
fn fault(
    store: &mut Store<State>,
    instance: &wasmtime::Instance,
    stop: Stop,
) -> Result<CallFault, ReadError> {
    // An import that stopped is seen as an error of the contract's function first.
    match store.data_mut().stopped.take().unwrap_or(stop) {
        Stop::Fault(fault) => Ok(fault),
        Stop::Read(error) => Err(error),
        Stop::Wasm(error) => {
            if store.data().growth.failed {
                return Err(machine(&error));
            }
            let height = instance
                .get_global(&mut *store, STACK_HEIGHT_EXPORT)
                .and_then(|global| global.get(&mut *store).i32())
                .map(i32::cast_unsigned);
            fault_of(&error, height)
        }
    }
}

/// The fuel that a call used in the end.
fn finish(
    store: &mut Store<State>,
    fuel: u64,
    outcome: Result<Vec<u8>, CallFault>,
) -> Result<CallResult, ReadError> {
    let left = store.get_fuel().map_err(|error| machine(&error))?;
    let used = fuel.saturating_sub(left);
    let pages = store.data().memory.map_or(0, |memory| memory.size(&*store));
    let grown = pages.saturating_sub(store.data().first_pages).saturating_mul(costs::GROWN_PAGE);
    let used = used.saturating_add(grown);
    // An overdrawn count shows as nothing left, so the last unit cannot be spent.
    if used >= fuel {
        return Ok(CallResult { fuel_used: fuel, outcome: Err(CallFault::OutOfFuel) });
    }
    let fuel_used = match outcome {
        // Compiled code writes its count down where it calls, not where it traps.
        Err(CallFault::OutOfFuel | CallFault::Trap(_)) => fuel,
        _ => used,
    };
    Ok(CallResult { fuel_used, outcome })
}
