//! Recent blockhashes, and which transactions named them: what makes a Solana transaction expire, and run only once.
//!
//! A blockhash is the hash of a block of our chain, and it is good by time: Solana's "block height" is a clock that
//! ticks every [`BLOCK_HEIGHT_MS`] of chain time, and a blockhash is good while that clock is at most
//! [`BLOCKHASH_HEIGHTS`] past the block that it names. So a client knows the last height exactly when it asks, however
//! fast blocks come. A pause between two blocks counts [`PAUSE_MS_MAX`] at most, so that a chain that rests does not
//! let the blockhash grow old that everybody has (docs/adr/0007).
//!
//! The state keeps the last 512 blocks, which sysvars show, and all whose hash is still good; older ones go, a bounded
//! number at the start of each block, and with them what was processed under their hashes.

use crate::key;
use solana_hash::Hash;
use weft_state::{Journal, ReadError};
use weft_types::{Bytes, Height};
use weft_vm::BlockEnv;

/// Milliseconds of chain time for each of Solana's block heights: its own `DEFAULT_MS_PER_SLOT`.
pub const BLOCK_HEIGHT_MS: u64 = 400;
/// Block heights for which a blockhash is good: 120 seconds, or four pauses.
pub const BLOCKHASH_HEIGHTS: u64 = 300;
/// Milliseconds that the time between two blocks counts, at most.
pub const PAUSE_MS_MAX: u64 = 30_000;
/// Blocks that sysvars show, as `SlotHashes` has room for.
pub(crate) const BLOCKS_KEPT: u64 = 512;
/// Blocks that are forgotten at the start of one block, at most. One is added, so that the rest goes away.
const FORGOTTEN_MAX: usize = 4;
/// Buckets of what was processed under one blockhash.
const BUCKETS: usize = 256;
/// Bytes of a message hash that are kept. Who makes two of his own messages collide has one of them refused.
const NAME_BYTES: usize = 16;

/// The newest block that began, as the state has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) height: u64,
    pub(crate) timestamp_ms: u64,
    pub(crate) epoch: u64,
    pub(crate) epoch_start_ms: u64,
    /// Milliseconds that count for block heights, since genesis.
    pub(crate) clock_ms: u64,
}

impl Newest {
    pub(crate) fn read(journal: &mut Journal<'_>) -> Result<Option<Self>, ReadError> {
        let Some(bytes) = journal.get(&key::newest())? else { return Ok(None) };
        let numbers: Option<Vec<u64>> =
            bytes.chunks(8).map(|chunk| Some(u64::from_be_bytes(chunk.try_into().ok()?))).collect();
        match numbers.as_deref() {
            Some(&[height, timestamp_ms, epoch, epoch_start_ms, clock_ms]) => {
                Ok(Some(Self { height, timestamp_ms, epoch, epoch_start_ms, clock_ms }))
            }
            _ => Err(damaged("the newest block")),
        }
    }

    fn write(self, journal: &mut Journal<'_>) {
        let numbers = [self.height, self.timestamp_ms, self.epoch, self.epoch_start_ms, self.clock_ms];
        journal.set(key::newest(), numbers.map(u64::to_be_bytes).concat().into());
    }

    /// The clock in the block `env`, which is this one or the next.
    fn clock_at(&self, env: &BlockEnv) -> u64 {
        if env.height.0 == self.height {
            return self.clock_ms;
        }
        let pause = env.timestamp_ms.saturating_sub(self.timestamp_ms).min(PAUSE_MS_MAX);
        self.clock_ms.saturating_add(pause)
    }
}

fn damaged(what: &str) -> ReadError {
    ReadError(format!("the SBF machine's record of {what} is damaged"))
}

/// Solana's block height in the state's newest block, or in the block `env`, which is that one or the next.
pub(crate) fn block_height(journal: &mut Journal<'_>, env: Option<&BlockEnv>) -> Result<u64, ReadError> {
    let clock = |newest: Newest| env.map_or(newest.clock_ms, |env| newest.clock_at(env));
    Ok(Newest::read(journal)?.map_or(0, clock) / BLOCK_HEIGHT_MS)
}

/// Takes in the parent of the block that begins, and forgets what is too old.
pub(crate) fn begin(journal: &mut Journal<'_>, env: &BlockEnv, epoch: u64) -> Result<(), ReadError> {
    let newest = Newest::read(journal)?;
    if let (Some(parent), Some(newest)) = (env.height.prev(), newest) {
        let hash = env.parent_hash.0;
        let clock = newest.clock_ms.to_be_bytes();
        journal.set(key::block(parent), [&hash[..], &clock].concat().into());
        journal.set(key::blockhash(&hash), [parent.0.to_be_bytes(), clock].concat().into());
    }
    let epoch_start_ms = match newest {
        Some(newest) if newest.epoch == epoch => newest.epoch_start_ms,
        _ => env.timestamp_ms,
    };
    let clock_ms = newest.map_or(0, |newest| newest.clock_at(env));
    let (height, timestamp_ms) = (env.height.0, env.timestamp_ms);
    Newest { height, timestamp_ms, epoch, epoch_start_ms, clock_ms }.write(journal);
    forget(journal, env, clock_ms)
}

fn forget(journal: &mut Journal<'_>, env: &BlockEnv, clock_ms: u64) -> Result<(), ReadError> {
    let kept = Height(env.height.0.saturating_sub(BLOCKS_KEPT));
    let old = journal.range(&key::block(Height(0)), &key::block(kept), FORGOTTEN_MAX)?;
    for (key, value) in old {
        let (hash, named_ms) = block_value(&value)?;
        if clock_ms / BLOCK_HEIGHT_MS <= last_height(named_ms) {
            break;
        }
        let height = key.last_chunk::<8>().copied().map(u64::from_be_bytes).map(Height);
        let height = height.ok_or_else(|| damaged("a block"))?;
        let processed =
            journal.range(&key::processed(height, 0), &key::processed(height.next(), 0), BUCKETS)?;
        processed.into_iter().for_each(|(key, _)| journal.remove(key));
        journal.remove(key::blockhash(&hash));
        journal.remove(key);
    }
    Ok(())
}

fn block_value(bytes: &[u8]) -> Result<([u8; 32], u64), ReadError> {
    let parts = || {
        let (hash, time) = bytes.split_first_chunk::<32>()?;
        Some((*hash, u64::from_be_bytes(time.try_into().ok()?)))
    };
    parts().ok_or_else(|| damaged("a block"))
}

/// The last block height in which the hash of a block with that clock is good.
fn last_height(named_ms: u64) -> u64 {
    (named_ms / BLOCK_HEIGHT_MS).saturating_add(BLOCKHASH_HEIGHTS)
}

/// A block whose hash a transaction may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) height: Height,
    /// The last block height in which it may.
    pub(crate) last_height: u64,
}

/// The block that `blockhash` names, where a transaction in the block `env` may name it.
pub(crate) fn named(
    journal: &mut Journal<'_>,
    env: &BlockEnv,
    blockhash: &Hash,
) -> Result<Option<Named>, ReadError> {
    let (height, named_ms) = if blockhash.as_bytes() == env.parent_hash.as_slice() {
        // The parent is good before the block that follows it has begun, too: simulation runs there.
        let Some(parent) = env.height.prev() else { return Ok(None) };
        match Newest::read(journal)? {
            Some(newest) if newest.height == parent.0 => (parent, newest.clock_ms),
            _ => match journal.get(&key::block(parent))? {
                Some(bytes) => (parent, block_value(&bytes)?.1),
                None => return Ok(None),
            },
        }
    } else {
        let Some(bytes) = journal.get(&key::blockhash(blockhash.as_bytes()))? else { return Ok(None) };
        let parts = || {
            let (height, time) = bytes.split_first_chunk::<8>()?;
            Some((Height(u64::from_be_bytes(*height)), u64::from_be_bytes(time.try_into().ok()?)))
        };
        parts().ok_or_else(|| damaged("a blockhash"))?
    };
    let named = Named { height, last_height: last_height(named_ms) };
    Ok((block_height(journal, Some(env))? <= named.last_height).then_some(named))
}

/// Hashes of up to [`BLOCKS_KEPT`] blocks before `env`, newest first.
pub(crate) fn recent(journal: &mut Journal<'_>, env: &BlockEnv) -> Result<Vec<(u64, Hash)>, ReadError> {
    let Some(parent) = env.height.prev() else { return Ok(Vec::new()) };
    let from = Height(env.height.0.saturating_sub(BLOCKS_KEPT));
    let limit = usize::try_from(BLOCKS_KEPT).unwrap_or(usize::MAX);
    let older = journal.range(&key::block(from), &key::block(parent), limit)?;
    let mut blocks = vec![(parent.0, Hash::new_from_array(env.parent_hash.0))];
    for (key, value) in older.into_iter().rev() {
        let height = key.last_chunk::<8>().copied().map(u64::from_be_bytes);
        blocks
            .push((height.ok_or_else(|| damaged("a block"))?, Hash::new_from_array(block_value(&value)?.0)));
    }
    Ok(blocks)
}

fn bucket(named: Height, message: &Hash) -> weft_state::Key {
    key::processed(named, message.as_bytes()[0])
}

/// Whether a transaction with that message, which named the blockhash of `named`, was in a block.
pub(crate) fn was_processed(
    journal: &mut Journal<'_>,
    named: Height,
    message: &Hash,
) -> Result<bool, ReadError> {
    let seen = journal.get(&bucket(named, message))?;
    let name = &message.as_bytes()[..NAME_BYTES];
    Ok(seen.is_some_and(|seen| seen.chunks(NAME_BYTES).any(|other| other == name)))
}

/// Writes down that it is in one now.
pub(crate) fn mark_processed(
    journal: &mut Journal<'_>,
    named: Height,
    message: &Hash,
) -> Result<(), ReadError> {
    let key = bucket(named, message);
    let seen = journal.get(&key)?.unwrap_or_default();
    let seen = [&seen[..], &message.as_bytes()[..NAME_BYTES]].concat();
    journal.set(key, Bytes::from(seen));
    Ok(())
}
