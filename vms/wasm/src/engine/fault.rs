//! What ends a call: the contract's doing, the store's or this machine's.
//!
//! A trap of wasmtime's becomes a fault only where it is the same on every machine; all others abandon the block.

use wasmtime::Trap;
use weft_state::ReadError;

use super::host::HostFault;
use super::limits::MAX_STACK_HEIGHT;

/// Why a call has no result. The same on every machine; a text in it is the contract's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The fuel is used up, in the contract or in what it asked of the host.
    #[error("out of gas")]
    OutOfFuel,
    /// The contract ran into an instruction that says it must not get there; Rust's panics end so.
    #[error("wasm `unreachable` instruction executed")]
    Unreachable,
    /// Another trap; all of the fuel is used.
    #[error("wasm trap: {0}")]
    Trap(TrapKind),
    /// Calls nested too deep, by the metered height of the stack.
    #[error("call stack exhausted")]
    StackHeight,
    /// The contract called `abort` with this text.
    #[error("aborted: {0}")]
    Aborted(String),
    /// The contract does not export this entry point, or not with such arguments.
    #[error("Missing export {0}")]
    MissingEntry(&'static str),
    /// A pointer that leads to no region.
    #[error("the pointer does not lead to a region")]
    BadPointer,
    /// A region that lies about itself or outside of the memory.
    #[error("the region is not valid: {0}")]
    BadRegion(&'static str),
    /// A region longer than the import takes.
    #[error("the region is too long: {length}, limit {limit}")]
    RegionTooLong {
        /// What it says.
        length: u32,
        /// What is taken.
        limit: u32,
    },
    /// A region that cannot hold what the host has to write.
    #[error("the region is too small: {capacity}, required {required}")]
    RegionTooSmall {
        /// What it says.
        capacity: u32,
        /// What is needed.
        required: u32,
    },
    /// Sections of a batch that do not add up.
    #[error("the sections are not valid")]
    BadSections,
    /// Neither ascending nor descending.
    #[error("invalid iteration order: {0}")]
    BadOrder(i32),
    /// An iterator that this call did not open.
    #[error("iterator {0} does not exist")]
    NoIterator(u32),
    /// Too many open iterators, or too long bounds of them.
    #[error("too many iterators")]
    TooManyIterators,
    /// The contract's allocator gave no memory.
    #[error("the contract's allocator gave address zero")]
    ZeroAddress,
    /// A write in a call that must not write.
    #[error("write access denied: the call is read-only")]
    ReadOnly,
    /// An import called the contract, which called an import that calls the contract.
    #[error("max call depth exceeded")]
    CallDepth,
}

/// The traps of Wasm other than `unreachable`, running out of fuel and a stack too high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrapKind {
    /// A load or store outside of the memory.
    #[error("out of bounds memory access")]
    MemoryOutOfBounds,
    /// An indirect call beyond the table.
    #[error("undefined element: out of bounds table access")]
    TableOutOfBounds,
    /// An indirect call through an empty element.
    #[error("uninitialized element")]
    IndirectCallToNull,
    /// An indirect call of a function of another type.
    #[error("indirect call type mismatch")]
    BadSignature,
    /// The smallest integer divided by minus one.
    #[error("integer overflow")]
    IntegerOverflow,
    /// A division by zero.
    #[error("integer divide by zero")]
    DivisionByZero,
    /// A float that fits no integer.
    #[error("invalid conversion to integer")]
    BadConversion,
}

/// What ends a call before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The contract's doing: the call's result.
    Fault(CallFault),
    /// The store's or this machine's: there is no result.
    Read(ReadError),
    /// wasmtime's: a trap, which is told apart later, or an error of this machine.
    Wasm(wasmtime::Error),
}

impl From<wasmtime::Error> for Stop {
    fn from(error: wasmtime::Error) -> Self {
        Self::Wasm(error)
    }
}

impl From<HostFault> for Stop {
    fn from(fault: HostFault) -> Self {
        match fault {
            HostFault::OutOfFuel => Self::Fault(CallFault::OutOfFuel),
            HostFault::Read(error) => Self::Read(error),
        }
    }
}

/// The fault that a trap is; `height` is what the metered stack had.
pub(super) fn fault_of(error: &wasmtime::Error, height: Option<u32>) -> Result<CallFault, ReadError> {
    let trap = error.downcast_ref::<Trap>().ok_or_else(|| machine(error))?;
    Ok(match trap {
        Trap::OutOfFuel => CallFault::OutOfFuel,
        Trap::UnreachableCodeReached if height.is_some_and(|height| height > MAX_STACK_HEIGHT) => {
            CallFault::StackHeight
        }
        Trap::UnreachableCodeReached => CallFault::Unreachable,
        Trap::MemoryOutOfBounds => CallFault::Trap(TrapKind::MemoryOutOfBounds),
        Trap::TableOutOfBounds => CallFault::Trap(TrapKind::TableOutOfBounds),
        Trap::IndirectCallToNull => CallFault::Trap(TrapKind::IndirectCallToNull),
        Trap::BadSignature => CallFault::Trap(TrapKind::BadSignature),
        Trap::IntegerOverflow => CallFault::Trap(TrapKind::IntegerOverflow),
        Trap::IntegerDivisionByZero => CallFault::Trap(TrapKind::DivisionByZero),
        Trap::BadConversionToInteger => CallFault::Trap(TrapKind::BadConversion),
        // The native stack among them: it must never end before the metered one.
        _ => return Err(machine(error)),
    })
}

/// This machine's failure.
pub(super) fn machine(error: &wasmtime::Error) -> ReadError {
    ReadError(format!("a contract could not be run: {error:#}"))
}
