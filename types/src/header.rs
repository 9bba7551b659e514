//! [`Header`]: what executing a derived block gives (design 03).

use crate::{B256, Bloom, DaHeight, Height};
use alloy_primitives::keccak256;
use alloy_rlp::{RlpDecodable, RlpEncodable};
use serde::{Deserialize, Serialize};

/// The version that this code writes.
pub const HEADER_VERSION: u64 = 1;

/// A block's header. Its hash is `keccak256` of its RLP, in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable, Serialize, Deserialize)]
pub struct Header {
    /// Height of the block; genesis is 0.
    pub height: Height,
    /// Hash of the header before this one; zero in genesis.
    pub parent: B256,
    /// Unix milliseconds.
    pub timestamp_ms: u64,
    /// The Celestia height up to which forced transactions are in.
    pub origin: DaHeight,
    /// See [`crate::hash::order_hash`].
    pub order_hash: B256,
    /// See [`crate::DerivedBlock::derivation_hash`].
    pub derivation_hash: B256,
    /// Merkle root over the canonical bytes of the transactions that were executed.
    pub transactions_root: B256,
    /// Merkle root over the RLP of the receipts.
    pub receipts_root: B256,
    /// Merkle root over the messages between machines; the root of nothing until there are any.
    pub messages_root: B256,
    /// Root of the state tree after the block.
    pub state_root: B256,
    /// Gas used by all transactions.
    pub gas_used: u64,
    /// The EVM's base fee in wei per gas.
    pub base_fee: u64,
    /// Ethereum's bloom filter over the logs of EVM transactions.
    pub logs_bloom: Bloom,
    /// [`HEADER_VERSION`].
    pub version: u64,
}

impl Header {
    /// `keccak256(rlp(self))`.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(alloy_rlp::encode(self))
    }
}
