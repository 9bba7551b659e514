//! The contract's storage: single entries and iterators.

use super::{Env, give};
use crate::engine::fault::Stop;
use crate::engine::host::Pair;
use crate::engine::instance::State;
use crate::engine::memory::{read_optional_region, read_region};
use crate::engine::{CallFault, limits};

const ASCENDING: i32 = 1;
const DESCENDING: i32 = 2;

pub(super) fn read(env: Env<'_, '_>, key: u32) -> Result<u32, Stop> {
    let key = read_region(env, key, limits::MAX_DB_KEY)?;
    match State::ask(env, |host, fuel| host.get(&key, fuel))? {
        Some(value) => give(env, &value),
        None => Ok(0),
    }
}

pub(super) fn write(env: Env<'_, '_>, key: u32, value: u32) -> Result<(), Stop> {
    writable(env)?;
    let key = read_region(env, key, limits::MAX_DB_KEY)?;
    let value = read_region(env, value, limits::MAX_DB_VALUE)?;
    env.data_mut().iterators.forget();
    State::ask(env, |host, fuel| Ok((host.set(&key, &value, fuel)?, ())))
}

pub(super) fn remove(env: Env<'_, '_>, key: u32) -> Result<(), Stop> {
    writable(env)?;
    let key = read_region(env, key, limits::MAX_DB_KEY)?;
    env.data_mut().iterators.forget();
    State::ask(env, |host, fuel| Ok((host.remove(&key, fuel)?, ())))
}

fn writable(env: Env<'_, '_>) -> Result<(), Stop> {
    if env.data().readonly { Err(Stop::Fault(CallFault::ReadOnly)) } else { Ok(()) }
}

pub(super) fn scan(env: Env<'_, '_>, start: u32, end: u32, order: u32) -> Result<u32, Stop> {
    let start = read_optional_region(env, start, limits::MAX_DB_KEY)?;
    let end = read_optional_region(env, end, limits::MAX_DB_KEY)?;
    let descending = match order.cast_signed() {
        ASCENDING => false,
        DESCENDING => true,
        other => return Err(Stop::Fault(CallFault::BadOrder(other))),
    };
    env.data_mut()
        .iterators
        .open(start.unwrap_or_default(), end, descending)
        .ok_or(Stop::Fault(CallFault::TooManyIterators))
}

/// Key and value as two sections; an empty key says that there is no more.
pub(super) fn next(env: Env<'_, '_>, iterator: u32) -> Result<u32, Stop> {
    let (key, value) = advance(env, iterator)?.unwrap_or_default();
    let mut sections = Vec::with_capacity(key.len().saturating_add(value.len()).saturating_add(8));
    for section in [&key[..], &value[..]] {
        // Both are far shorter than 32 bits can say.
        let length = u32::try_from(section.len()).unwrap_or(u32::MAX);
        sections.extend_from_slice(section);
        sections.extend_from_slice(&length.to_be_bytes());
    }
    give(env, &sections)
}

pub(super) fn next_key(env: Env<'_, '_>, iterator: u32) -> Result<u32, Stop> {
    match advance(env, iterator)? {
        Some((key, _)) => give(env, &key),
        None => Ok(0),
    }
}

pub(super) fn next_value(env: Env<'_, '_>, iterator: u32) -> Result<u32, Stop> {
    match advance(env, iterator)? {
        Some((_, value)) => give(env, &value),
        None => Ok(0),
    }
}

fn advance(env: Env<'_, '_>, number: u32) -> Result<Option<Pair>, Stop> {
    // Out of the state while the host, which is in it too, works for them.
    let mut iterators = std::mem::take(&mut env.data_mut().iterators);
    let answer = State::ask(env, |host, fuel| {
        let answer = iterators.next(number, host, fuel)?;
        Ok(answer.map_or((0, None), |(used, pair)| (used, Some(pair))))
    });
    let too_large = iterators.too_large();
    env.data_mut().iterators = iterators;
    let pair = answer?.ok_or(Stop::Fault(CallFault::NoIterator(number)))?;
    if too_large { Err(Stop::Fault(CallFault::TooManyIterators)) } else { Ok(pair) }
}
