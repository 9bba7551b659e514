//! Recent blockhashes, and which transactions named them: what makes a Solana transaction expire, and run only once.
//!
//! A blockhash is the hash of a block of our chain, and it is good by time: Solana's "block height" is a clock that
//! ticks every [`BLOCK_HEIGHT_MS`] of chain time, and a blockhash is good while that clock is at most
//! [`BLOCKHASH_HEIGHTS`] past the block that it names. So a client knows the last height exactly when it asks, however
//! fast blocks come (docs/adr/0007).
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
/// Block heights for which a blockhash is good: 90 seconds.
pub const BLOCKHASH_HEIGHTS: u64 = 225;
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
}

impl Newest {
    pub(crate) fn read(journal: &mut Journal<'_>) -> Result<Option<Self>, ReadError> {
        let Some(bytes) = journal.get(&key::newest())? else { return Ok(None) };
        let numbers: Option<Vec<u64>> =
            bytes.chunks(8).map(|chunk| Some(u64::from_be_bytes(chunk.try_into().ok()?))).collect();
        match numbers.as_deref() {
            Some(&[height, timestamp_ms, epoch, epoch_start_ms]) => {
                Ok(Some(Self { height, timestamp_ms, epoch, epoch_start_ms }))
            }
            _ => Err(damaged("the newest block")),
        }
    }

    fn write(self, journal: &mut Journal<'_>) {
        let numbers = [self.height, self.timestamp_ms, self.epoch, self.epoch_start_ms];
        journal.set(key::newest(), numbers.map(u64::to_be_bytes).concat().into());
    }
}

fn damaged(what: &str) -> ReadError {
    ReadError(format!("the SBF machine's record of {what} is damaged"))
}

/// Solana's block height at a time of our chain.
#[must_use]
pub fn block_height(genesis_ms: u64, timestamp_ms: u64) -> u64 {
    timestamp_ms.saturating_sub(genesis_ms) / BLOCK_HEIGHT_MS
}

/// Takes in the parent of the block that begins, and forgets what is too old.
pub(crate) fn begin(
    journal: &mut Journal<'_>,
    env: &BlockEnv,
    genesis_ms: u64,
    epoch: u64,
) -> Result<(), ReadError> {
    let newest = Newest::read(journal)?;
    if let (Some(parent), Some(newest)) = (env.height.prev(), newest) {
        let hash = env.parent_hash.0;
        let time = newest.timestamp_ms.to_be_bytes();
        journal.set(key::block(parent), [&hash[..], &time].concat().into());
        journal.set(key::blockhash(&hash), [parent.0.to_be_bytes(), time].concat().into());
    }
    let epoch_start_ms = match newest {
        Some(newest) if newest.epoch == epoch => newest.epoch_start_ms,
        _ => env.timestamp_ms,
    };
    Newest { height: env.height.0, timestamp_ms: env.timestamp_ms, epoch, epoch_start_ms }.write(journal);
    forget(journal, env, genesis_ms)
}

fn forget(journal: &mut Journal<'_>, env: &BlockEnv, genesis_ms: u64) -> Result<(), ReadError> {
    let kept = Height(env.height.0.saturating_sub(BLOCKS_KEPT));
    let old = journal.range(&key::block(Height(0)), &key::block(kept), FORGOTTEN_MAX)?;
    let now = block_height(genesis_ms, env.timestamp_ms);
    for (key, value) in old {
        let (hash, timestamp_ms) = block_value(&value)?;
        if is_good(now, block_height(genesis_ms, timestamp_ms)) {
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

fn is_good(now: u64, named: u64) -> bool {
    now.saturating_sub(named) <= BLOCKHASH_HEIGHTS
}

/// The block that `blockhash` names, where a transaction in the block `env` may name it.
pub(crate) fn named(
    journal: &mut Journal<'_>,
    env: &BlockEnv,
    genesis_ms: u64,
    blockhash: &Hash,
) -> Result<Option<Height>, ReadError> {
    let (height, timestamp_ms) = if blockhash.as_bytes() == env.parent_hash.as_slice() {
        // The parent is good before the block that follows it has begun, too: simulation runs there.
        let Some(parent) = env.height.prev() else { return Ok(None) };
        match Newest::read(journal)? {
            Some(newest) if newest.height == parent.0 => (parent, newest.timestamp_ms),
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
    let now = block_height(genesis_ms, env.timestamp_ms);
    Ok(is_good(now, block_height(genesis_ms, timestamp_ms)).then_some(height))
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
