//! [`DerivationState`]: what derivation carries from one Celestia height to the next.

use super::chunks::{Assembly, Chunks};
use super::forced::ForcedQueue;
use crate::verify::VerifiedDaBlock;
use alloy_rlp::{RlpDecodable, RlpEncodable};
use std::collections::VecDeque;
use weft_types::codec::decode_exact;
use weft_types::limits::{CHUNK_STORE_BYTES_MAX, FORCED_QUEUE_BYTES_MAX};
use weft_types::{Address, B256, Bytes, DaHeight, DecodeError, DerivationParams, Height, Transaction, hash};

/// The version of [`DerivationState::to_bytes`].
const STATE_VERSION: u8 = 1;

/// Bytes that a stored state may have: queue, chunks with their overhead, and the rest with room to spare.
const STATE_BYTES_MAX: usize = 2 * (CHUNK_STORE_BYTES_MAX + FORCED_QUEUE_BYTES_MAX);

/// The last block, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Tip {
    /// Its height; 0 before the first block.
    pub height: Height,
    /// Its time in Unix milliseconds; genesis' before the first block.
    pub timestamp_ms: u64,
    /// The Celestia height up to which forced transactions are in; the one before `da_start` at first.
    pub origin: DaHeight,
    /// Hash of Celestia's header there; zero at first.
    pub origin_hash: B256,
    /// See [`weft_types::hash::order_hash`]; the hash of genesis at first.
    pub order_hash: B256,
}

/// What derivation carries from one Celestia height to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivationState {
    tip: Tip,
    last_da: LastDa,
    /// In the order of genesis, each with the number that its next batch has at least.
    pub(super) sequencers: Vec<(Address, u64)>,
    /// Index of the leader in `sequencers`.
    pub(super) leader: usize,
    /// The height that the leader landed in last.
    pub(super) leader_landed: DaHeight,
    /// Hashes of Celestia's headers, the newest last, as many as an origin may lie back, and its own.
    origins: VecDeque<B256>,
    pub(super) forced: ForcedQueue,
    pub(super) chunks: Chunks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct LastDa {
    height: DaHeight,
    hash: B256,
    time_ms: u64,
}

impl DerivationState {
    /// The state before `da_start`.
    #[must_use]
    pub fn genesis(params: &DerivationParams) -> Self {
        let before = DaHeight(params.da_start.0.saturating_sub(1));
        Self {
            tip: Tip {
                height: Height(0),
                timestamp_ms: params.genesis_time_ms,
                origin: before,
                origin_hash: B256::ZERO,
                order_hash: params.genesis_hash,
            },
            last_da: LastDa { height: before, hash: B256::ZERO, time_ms: params.genesis_time_ms },
            sequencers: params.sequencers.iter().map(|address| (*address, 0)).collect(),
            leader: 0,
            leader_landed: before,
            origins: VecDeque::from([B256::ZERO]),
            forced: ForcedQueue::default(),
            chunks: Chunks::default(),
        }
    }

    /// The last block.
    #[must_use]
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// The last Celestia block that was derived: height, hash, time in Unix milliseconds. Before the first:
    /// the height before `da_start`, zero, genesis' time.
    #[must_use]
    pub fn last_da(&self) -> (DaHeight, B256, u64) {
        (self.last_da.height, self.last_da.hash, self.last_da.time_ms)
    }

    /// Who landed a batch last, at first the first of genesis; `None` on a based chain.
    #[must_use]
    pub fn leader(&self) -> Option<Address> {
        self.sequencers.get(self.leader).map(|(address, _)| *address)
    }

    /// The number that the next batch of a sequencer has at least; 0 for who is none.
    #[must_use]
    pub fn next_batch_no(&self, sequencer: Address) -> u64 {
        self.sequencers.iter().find(|(address, _)| *address == sequencer).map_or(0, |(_, next)| *next)
    }

    /// Hash of Celestia's header at a height that the origin of a block may still be.
    #[must_use]
    pub fn origin_hash(&self, height: DaHeight) -> Option<B256> {
        let back = self.last_da.height.0.checked_sub(height.0)?;
        let from_oldest = self.origins.len().checked_sub(1)?.checked_sub(usize::try_from(back).ok()?)?;
        self.origins.get(from_oldest).copied()
    }

    /// Forced transactions that are queued, due or waiting for a height with room.
    #[must_use]
    pub fn forced_queued(&self) -> usize {
        self.forced.due.len() + self.forced.waiting.len()
    }

    pub(super) fn enter(&mut self, params: &DerivationParams, da: &VerifiedDaBlock) {
        self.last_da = LastDa { height: da.height(), hash: da.hash(), time_ms: da.time_ms() };
        self.origins.push_back(da.hash());
        let keep = usize::try_from(params.origin_window).unwrap_or(usize::MAX).saturating_add(1);
        while self.origins.len() > keep {
            self.origins.pop_front();
        }
    }

    pub(super) fn set_tip(&mut self, tip: Tip) {
        self.tip = tip;
    }

    pub(super) fn batch_landed(&mut self, who: Address, batch_no: u64, at: DaHeight) {
        if let Some(position) = self.sequencers.iter().position(|(address, _)| *address == who) {
            self.sequencers[position].1 = batch_no.saturating_add(1);
            self.leader = position;
            self.leader_landed = at;
        }
    }

    /// Canonical bytes: `version u8 | rlp`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![STATE_VERSION];
        alloy_rlp::Encodable::encode(&Stored::from(self), &mut out);
        out
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// Of another version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes.split_first() {
            None => Err(DecodeError::Empty("derivation state")),
            Some((&STATE_VERSION, rest)) => decode_exact::<Stored>(rest, STATE_BYTES_MAX)?.into_state(),
            Some((version, _)) => Err(DecodeError::OutOfRange {
                field: "derivation state's version",
                got: u64::from(*version),
                max: u64::from(STATE_VERSION),
            }),
        }
    }

    /// `sha256("weft/derivation-state" | bytes)`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        hash::sha256("weft/derivation-state", &[&self.to_bytes()])
    }
}

#[derive(RlpEncodable, RlpDecodable)]
struct Stored {
    tip: Tip,
    last_da: LastDa,
    sequencers: Vec<StoredSequencer>,
    leader: u64,
    leader_landed: DaHeight,
    origins: Vec<B256>,
    due: Vec<StoredForced>,
    waiting: Vec<Bytes>,
    chunks: Vec<StoredAssembly>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredSequencer {
    address: Address,
    next_batch_no: u64,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredForced {
    height: DaHeight,
    transaction: Bytes,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredAssembly {
    signer: Bytes,
    commitment: B256,
    first_seen: DaHeight,
    count: u16,
    parts: Vec<StoredPart>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredPart {
    index: u16,
    bytes: Bytes,
}

impl From<&DerivationState> for Stored {
    fn from(state: &DerivationState) -> Self {
        let sequencers = state.sequencers.iter();
        let due = state.forced.due.iter();
        let chunks = state.chunks.iter();
        Self {
            tip: state.tip,
            last_da: state.last_da,
            sequencers: sequencers
                .map(|&(address, next_batch_no)| StoredSequencer { address, next_batch_no })
                .collect(),
            leader: u64::try_from(state.leader).expect("an index fits 64 bits"),
            leader_landed: state.leader_landed,
            origins: state.origins.iter().copied().collect(),
            due: due
                .map(|(height, transaction)| StoredForced {
                    height: *height,
                    transaction: transaction.to_bytes(),
                })
                .collect(),
            waiting: state.forced.waiting.iter().map(Transaction::to_bytes).collect(),
            chunks: chunks
                .map(|one| StoredAssembly {
                    signer: one.signer.clone(),
                    commitment: one.commitment,
                    first_seen: one.first_seen,
                    count: one.count,
                    parts: one
                        .parts
                        .iter()
                        .map(|(index, bytes)| StoredPart { index: *index, bytes: bytes.clone() })
                        .collect(),
                })
                .collect(),
        }
    }
}

impl Stored {
    fn into_state(self) -> Result<DerivationState, DecodeError> {
        let leader = usize::try_from(self.leader).ok();
        let leader = leader
            .filter(|leader| *leader < self.sequencers.len().max(1))
            .ok_or_else(|| DecodeError::Malformed("a leader that is no sequencer".into()))?;
        let due = self.due.into_iter();
        let due = due.map(|entry| Ok((entry.height, Transaction::from_bytes(&entry.transaction)?)));
        let waiting = self.waiting.iter().map(|bytes| Transaction::from_bytes(bytes));
        let chunks = self.chunks.into_iter().map(|one| Assembly {
            signer: one.signer,
            commitment: one.commitment,
            first_seen: one.first_seen,
            count: one.count,
            parts: one.parts.into_iter().map(|part| (part.index, part.bytes)).collect(),
        });
        Ok(DerivationState {
            tip: self.tip,
            last_da: self.last_da,
            sequencers: self.sequencers.into_iter().map(|one| (one.address, one.next_batch_no)).collect(),
            leader,
            leader_landed: self.leader_landed,
            origins: self.origins.into(),
            forced: ForcedQueue::from_parts(
                due.collect::<Result<_, DecodeError>>()?,
                waiting.collect::<Result<_, _>>()?,
            ),
            chunks: chunks.collect(),
        })
    }
}
