//! [`Feed`]: what happened to the chain and the pool lately, for filters that are polled.
//!
//! It keeps names of blocks and not blocks, so that a slow poller costs nothing; a poller that comes too late
//! has to begin again.

use crate::chain::{BlockRecord, Chain, ChainEvent};
use crate::sequencer::mempool::{Mempool, Pooled};
use alloy_primitives::B256;
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use weft_types::Height;

/// Events that are remembered.
const EVENTS_MAX: usize = 65_536;

/// Something that a poller has to hear of.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A block came.
    Block {
        /// Its height.
        height: Height,
        /// Its hash: another block may stand at the height by now.
        hash: B256,
    },
    /// Blocks are void, ascending.
    Removed(Arc<[Arc<BlockRecord>]>),
    /// An EVM transaction came into the pool.
    Pending(B256),
}

/// The last events, numbered from the start of the program.
#[derive(Debug, Default)]
pub(super) struct Feed {
    blocks: Ring,
    pending: Ring,
}

#[derive(Debug, Default)]
struct Ring(RwLock<(u64, VecDeque<Change>)>);

/// The poller was away for longer than events are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLate;

impl Ring {
    fn push(&self, change: Change) {
        let mut ring = self.0.write();
        if ring.1.len() >= EVENTS_MAX {
            ring.1.pop_front();
            ring.0 = ring.0.saturating_add(1);
        }
        ring.1.push_back(change);
    }

    /// Forgets everything, so that every poller is too late.
    fn lose(&self) {
        let mut ring = self.0.write();
        let lost = u64::try_from(ring.1.len()).unwrap_or(u64::MAX).saturating_add(1);
        ring.0 = ring.0.saturating_add(lost);
        ring.1.clear();
    }

    fn next(&self) -> u64 {
        let ring = self.0.read();
        ring.0.saturating_add(u64::try_from(ring.1.len()).unwrap_or(u64::MAX))
    }

    fn since(&self, from: u64) -> Result<(Vec<Change>, u64), TooLate> {
        let next = self.next();
        let ring = self.0.read();
        let skip = from.checked_sub(ring.0).ok_or(TooLate)?;
        let skip = usize::try_from(skip).map_err(|_| TooLate)?;
        let wanted = usize::try_from(next.saturating_sub(from)).unwrap_or(usize::MAX);
        Ok((ring.1.iter().skip(skip).take(wanted).cloned().collect(), next))
    }
}

impl Feed {
    /// The number of the next event of the chain, and of the pool.
    pub(super) fn now(&self, pending: bool) -> u64 {
        if pending { self.pending.next() } else { self.blocks.next() }
    }

    /// Events of the chain, or of the pool, from number `from` on, and the number after them.
    pub(super) fn since(&self, pending: bool, from: u64) -> Result<(Vec<Change>, u64), TooLate> {
        if pending { self.pending.since(from) } else { self.blocks.since(from) }
    }

    /// Follows the chain until it is gone.
    pub(super) fn follow_chain(self: Arc<Self>, chain: &Chain) -> impl Future<Output = ()> + Send + 'static {
        let mut events = chain.subscribe();
        async move {
            loop {
                match events.recv().await {
                    Ok(ChainEvent::Block(block)) => {
                        self.blocks.push(Change::Block { height: block.header.height, hash: block.hash });
                    }
                    Ok(ChainEvent::Reverted { removed, .. }) => self.blocks.push(Change::Removed(removed)),
                    Ok(ChainEvent::Included { .. }) => {}
                    Err(RecvError::Lagged(_)) => self.blocks.lose(),
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    /// Follows the pool until it is gone.
    pub(super) fn follow_pool(self: Arc<Self>, pool: &Mempool) -> impl Future<Output = ()> + Send + 'static {
        let mut added = pool.subscribe();
        async move {
            loop {
                match added.recv().await {
                    Ok(Pooled::Evm(pooled)) => self.pending.push(Change::Pending(pooled.checked.id)),
                    Ok(Pooled::Sbf(_) | Pooled::Wasm(_)) => {}
                    // A poller of the pool misses some hashes, which it can't count on anyway.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pollers_get_what_came_since_and_late_ones_are_told() {
        let ring = Ring::default();
        let start = ring.next();
        for byte in 0..3 {
            ring.push(Change::Pending(B256::repeat_byte(byte)));
        }
        let (changes, next) = ring.since(start).unwrap();
        assert_eq!((changes.len(), next), (3, start + 3));
        assert_eq!(ring.since(next).unwrap().0.len(), 0);
        for _ in 0..EVENTS_MAX {
            ring.push(Change::Pending(B256::ZERO));
        }
        assert_eq!(ring.since(start).unwrap_err(), TooLate);
        assert_eq!(ring.since(next).unwrap().0.len(), EVENTS_MAX);
        ring.lose();
        assert_eq!(ring.since(next).unwrap_err(), TooLate);
        assert_eq!(ring.since(ring.next()).unwrap().0.len(), 0);
    }
}
