//! Reading and writing the memory of a contract through regions, with the checks of CosmWasm.
//!
//! A region is twelve bytes: offset, capacity and length of a piece of memory, each a little-endian `u32`. The
//! contract makes them, so nothing in one is believed.

use wasmtime::{AsContext, AsContextMut, Memory};

use super::CallFault;
use super::costs::{self, Cost};
use super::fault::Stop;
use super::instance::State;

const REGION: usize = 12;

struct Region {
    offset: u32,
    capacity: u32,
    length: u32,
}

/// Takes `cost` for `items` off the fuel.
pub(super) fn charge(
    store: &mut impl AsContextMut<Data = State>,
    cost: Cost,
    items: usize,
) -> Result<(), Stop> {
    spend(store, cost.of(items))
}

/// Takes `amount` off the fuel, or all of it and stops.
pub(super) fn spend(store: &mut impl AsContextMut<Data = State>, amount: u64) -> Result<(), Stop> {
    let mut store = store.as_context_mut();
    let left = store.get_fuel()?;
    store.set_fuel(left.saturating_sub(amount))?;
    // Compiled code looks at its fuel where it enters functions and loops, and may have overdrawn it by then: it
    // shows as nothing left.
    if amount >= left { Err(Stop::Fault(CallFault::OutOfFuel)) } else { Ok(()) }
}

/// The bytes of the region at `pointer`.
pub(super) fn read_region(
    store: &mut impl AsContextMut<Data = State>,
    pointer: u32,
    limit: u32,
) -> Result<Vec<u8>, Stop> {
    let region = region(&*store, pointer)?;
    charge(store, costs::READ_REGION, region.length as usize)?;
    if region.length > limit {
        return Err(Stop::Fault(CallFault::RegionTooLong { length: region.length, limit }));
    }
    let start = region.offset as usize;
    // `region` has seen to it that the sum is no more than 32 bits.
    let end = start.saturating_add(region.length as usize);
    let memory = memory(store.as_context().data())?;
    let bytes = memory.data(&*store).get(start..end).ok_or(OUTSIDE)?;
    Ok(bytes.to_vec())
}

/// The bytes of the region at `pointer`, none where there is none.
pub(super) fn read_optional_region(
    store: &mut impl AsContextMut<Data = State>,
    pointer: u32,
    limit: u32,
) -> Result<Option<Vec<u8>>, Stop> {
    if pointer == 0 { Ok(None) } else { read_region(store, pointer, limit).map(Some) }
}

/// Puts `bytes` into the region at `pointer`, which the contract has made large enough.
pub(super) fn write_region(
    store: &mut impl AsContextMut<Data = State>,
    pointer: u32,
    bytes: &[u8],
) -> Result<(), Stop> {
    let region = region(&*store, pointer)?;
    charge(store, costs::WRITE_REGION, bytes.len())?;
    let required = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if required > region.capacity {
        return Err(Stop::Fault(CallFault::RegionTooSmall { capacity: region.capacity, required }));
    }
    let memory = memory(store.as_context().data())?;
    let all = memory.data_mut(&mut *store);
    let start = region.offset as usize;
    all.get_mut(start..start.saturating_add(bytes.len())).ok_or(OUTSIDE)?.copy_from_slice(bytes);
    // The length is the last of the three.
    let length = (pointer as usize).saturating_add(REGION - 4);
    all.get_mut(length..length.saturating_add(4))
        .ok_or(Stop::Fault(CallFault::BadPointer))?
        .copy_from_slice(&required.to_le_bytes());
    Ok(())
}

const OUTSIDE: Stop = Stop::Fault(CallFault::BadRegion("outside of the memory"));

fn region(store: &impl AsContext<Data = State>, pointer: u32) -> Result<Region, Stop> {
    let memory = memory(store.as_context().data())?;
    let start = pointer as usize;
    let bytes: [u8; REGION] = memory
        .data(store)
        .get(start..start.saturating_add(REGION))
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(Stop::Fault(CallFault::BadPointer))?;
    let [o0, o1, o2, o3, c0, c1, c2, c3, l0, l1, l2, l3] = bytes;
    let region = Region {
        offset: u32::from_le_bytes([o0, o1, o2, o3]),
        capacity: u32::from_le_bytes([c0, c1, c2, c3]),
        length: u32::from_le_bytes([l0, l1, l2, l3]),
    };
    let refuse = |why| Err(Stop::Fault(CallFault::BadRegion(why)));
    if region.offset == 0 {
        return refuse("zero offset");
    }
    if region.length > region.capacity {
        return refuse("length exceeds capacity");
    }
    if region.capacity > u32::MAX - region.offset {
        return refuse("out of range");
    }
    Ok(region)
}

fn memory(state: &State) -> Result<Memory, Stop> {
    state.memory.ok_or(Stop::Fault(CallFault::BadPointer))
}
