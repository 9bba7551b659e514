//! The limits of contracts and of what they hand to the host: consensus constants. Those of CosmWasm's own
//! virtual machine, but for the ones that say otherwise.

/// The largest code, unpacked, in bytes.
pub const MAX_CODE_SIZE: usize = 800 * 1024;
/// The memory of an instance in pages of 64 KiB: 32 MiB.
pub(super) const MAX_MEMORY_PAGES: u32 = 512;
/// The bytes of a page.
pub(super) const PAGE_SIZE: usize = 64 * 1024;
/// The largest table in elements.
pub(super) const MAX_TABLE_ELEMENTS: u32 = 2_500;
/// The most imports.
pub(super) const MAX_IMPORTS: usize = 100;
/// The most functions.
pub(super) const MAX_FUNCTIONS: usize = 20_000;
/// The most parameters of a function.
pub(super) const MAX_PARAMS: usize = 100;
/// The most parameters of all functions together.
pub(super) const MAX_TOTAL_PARAMS: usize = 10_000;
/// The most results of a function; the instrumentation relies on it.
pub(super) const MAX_RESULTS: usize = 1;
/// The most locals of a function.
pub(super) const MAX_LOCALS: usize = 100;
/// The most locals of all functions together.
pub(super) const MAX_TOTAL_LOCALS: usize = 10_000;
/// The most globals. Ours: each takes room in every instance.
pub(super) const MAX_GLOBALS: usize = 10_000;
/// The most instructions of a function. Ours, with the next two: the work of compiling a function grows faster
/// than its size, and within these limits a mebibyte of code takes some seconds at worst. What compilers make of
/// contracts has half of the instructions and a third of the rest.
pub(super) const MAX_INSTRUCTIONS: usize = 65_536;
/// The most of branches times values that they may carry, of one function.
pub(super) const MAX_FLOW: usize = 600_000;
/// The same of all functions together.
pub(super) const MAX_TOTAL_FLOW: usize = 2_000_000;
/// What an instruction whose result may be a NaN counts for in the work of compiling, where a branch counts for each value
/// that it may carry: it becomes a comparison and a choice.
pub(super) const NAN_WORK: usize = 64;
/// And what a function counts for, however small.
pub(super) const FUNCTION_WORK: usize = 512;

/// The longest key of the storage.
pub(super) const MAX_DB_KEY: u32 = 64 * 1024;
/// The longest value.
pub(super) const MAX_DB_VALUE: u32 = 128 * 1024;
/// The longest address as bytes.
pub(super) const MAX_CANONICAL_ADDRESS: u32 = 64;
/// The longest address as text.
pub(super) const MAX_HUMAN_ADDRESS: u32 = 256;
/// The longest query.
pub(super) const MAX_QUERY: u32 = 64 * 1024;
/// The longest text of `debug`.
pub(super) const MAX_DEBUG: u32 = 2 * 1024 * 1024;
/// The longest text of `abort`.
pub(super) const MAX_ABORT: u32 = 2 * 1024 * 1024;
/// The longest message that Ed25519 signs here.
pub(super) const MAX_ED25519_MESSAGE: u32 = 128 * 1024;
/// The most signatures of a batch, by the lengths of its three lists.
pub(super) const MAX_ED25519_BATCH: u32 = 256;
/// The longest list of BLS12-381 points.
pub(super) const MAX_BLS_POINTS: u32 = 2 * 1024 * 1024;
/// The longest message that is hashed to BLS12-381.
pub(super) const MAX_BLS_MESSAGE: u32 = 5 * 1024 * 1024;
/// The longest domain separation tag of it.
pub(super) const MAX_BLS_DST: u32 = 5 * 1024;
/// The longest result of an entry point; the memory ends before.
pub(super) const MAX_RESULT: usize = 64 * 1024 * 1024;
/// How deep the contract and its imports may call one another: an entry point, and the allocator under it.
pub(super) const MAX_CALL_DEPTH: u32 = 2;

/// The most iterators of a call.
pub(super) const MAX_ITERATORS: usize = 32_768;
/// The bounds and positions of a call's iterators together, in bytes. Ours: it bounds what a call holds.
pub(super) const MAX_ITERATOR_BYTES: usize = 16 * 1024 * 1024;
/// The pairs that an iterator reads ahead at most; it starts with one and doubles.
pub(super) const MAX_ITERATOR_PAGE: usize = 32;
/// What all iterators of a call hold of pairs read ahead, in bytes; beyond it they forget and read again.
pub(super) const MAX_READ_AHEAD: usize = 4 * 1024 * 1024;

/// The height of the stack above which a call ends, in the units of `instrument`.
pub(super) const MAX_STACK_HEIGHT: u32 = 1 << 20;
