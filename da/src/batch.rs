//! Batches: consecutive blocks that a sequencer posts, signed (docs/spec/02-batch.md).
//!
//! ```text
//! Batch ──rlp──> canonical form ──sha256, sign──> SignedBatch ──columns, zstd──> wire form ──> blobs (chunks)
//! ```
//! The canonical form is what is hashed and signed; the wire form is what is paid for on Celestia, and the
//! canonical form is rebuilt from it exactly.
//!
//! - No length is believed: sizes are checked before decompression, and decompression stops at the bound.
//! - No trailing byte and no second RLP form of a batch is taken.

mod columns;
mod evm_fields;
mod streams;
mod wire;

use crate::signature::{self, SIGNATURE_BYTES, SequencerKey};
use alloy_rlp::{Decodable, Encodable, Header};
use weft_types::limits::{BATCH_BLOCKS_MAX, BATCH_BYTES_MAX, BLOCK_TRANSACTIONS_MAX};
use weft_types::{Address, B256, Bytes, DaHeight, DecodeError, Height, Transaction, hash};

pub use wire::{
    BASED_MAGIC, CHUNK_MAGIC, Chunk, Decoded, EncodeError, MAGIC, VERSION, WireError, commitment, decode,
    decode_batch, encode, encode_based, recut,
};

/// Most transactions of all blocks of a batch together.
pub const BATCH_TRANSACTIONS_MAX: usize = 250_000;

/// A block as its sequencer posts it: order, and nothing that executing gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequencedBlock {
    /// Unix milliseconds.
    pub timestamp_ms: u64,
    /// The Celestia height up to which forced transactions come before the block's own.
    pub origin: DaHeight,
    /// The block's own transactions as [`Transaction::to_bytes`], without the forced ones.
    pub transactions: Vec<Bytes>,
}

impl SequencedBlock {
    /// A block of these transactions.
    #[must_use]
    pub fn new<'a>(
        timestamp_ms: u64,
        origin: DaHeight,
        transactions: impl IntoIterator<Item = &'a Transaction>,
    ) -> Self {
        let transactions = transactions.into_iter().map(Transaction::to_bytes).collect();
        Self { timestamp_ms, origin, transactions }
    }
}

/// Consecutive blocks of one sequencer, not yet signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The rollup's chain id.
    pub chain_id: u64,
    /// Who signs.
    pub sequencer: Address,
    /// The sequencer's own count of its batches; see [`crate::derive::DerivationState::next_batch_no`].
    pub batch_no: u64,
    /// Height of the first block.
    pub first_height: Height,
    /// Order hash of the block before the first.
    pub prev_order_hash: B256,
    /// At least one, at most [`BATCH_BLOCKS_MAX`].
    pub blocks: Vec<SequencedBlock>,
}

/// A batch with its signature, which need not be valid: see [`Self::signer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBatch {
    /// What is signed.
    pub batch: Batch,
    /// Over [`Batch::digest`].
    pub signature: [u8; SIGNATURE_BYTES],
}

impl Batch {
    /// `sha256("weft/batch" | rlp of all fields)`: what is signed.
    #[must_use]
    pub fn digest(&self) -> B256 {
        let mut fields = Vec::with_capacity(self.fields_length() + 9);
        Header { list: true, payload_length: self.fields_length() }.encode(&mut fields);
        self.encode_fields(&mut fields);
        hash::sha256("weft/batch", &[&fields])
    }

    /// Signs it.
    #[must_use]
    pub fn sign(self, key: &SequencerKey) -> SignedBatch {
        let signature = key.sign(self.digest());
        SignedBatch { batch: self, signature }
    }

    fn fields_length(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(SequencedBlock::length).sum();
        self.chain_id.length()
            + self.sequencer.length()
            + self.batch_no.length()
            + self.first_height.length()
            + self.prev_order_hash.length()
            + list_length(blocks)
    }

    fn encode_fields(&self, out: &mut Vec<u8>) {
        self.chain_id.encode(out);
        self.sequencer.encode(out);
        self.batch_no.encode(out);
        self.first_height.encode(out);
        self.prev_order_hash.encode(out);
        let payload_length = self.blocks.iter().map(SequencedBlock::length).sum();
        Header { list: true, payload_length }.encode(out);
        for block in &self.blocks {
            block.encode(out);
        }
    }
}

impl SignedBatch {
    /// Who signed it; `None` where nobody did.
    #[must_use]
    pub fn signer(&self) -> Option<Address> {
        signature::recover(self.batch.digest(), &self.signature)
    }

    /// The canonical form: RLP of the batch's fields and the signature.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let payload_length = self.batch.fields_length() + self.signature.length();
        let mut out = Vec::with_capacity(list_length(payload_length));
        Header { list: true, payload_length }.encode(&mut out);
        self.batch.encode_fields(&mut out);
        self.signature.encode(&mut out);
        out
    }

    /// Length of [`Self::to_canonical`].
    #[must_use]
    pub fn canonical_len(&self) -> usize {
        list_length(self.batch.fields_length() + self.signature.length())
    }

    /// Reads the canonical form. Transactions share the bytes that they were read from.
    ///
    /// # Errors
    /// Too long, not canonical RLP of a batch, a count past its limit, trailing bytes.
    pub fn from_canonical(bytes: &Bytes) -> Result<Self, DecodeError> {
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(DecodeError::TooLong { got: bytes.len(), max: BATCH_BYTES_MAX });
        }
        let mut rest: &[u8] = bytes;
        let mut fields = Header::decode_bytes(&mut rest, true)?;
        if !rest.is_empty() {
            return Err(DecodeError::Trailing(rest.len()));
        }
        let fields = &mut fields;
        let batch = Batch {
            chain_id: u64::decode(fields)?,
            sequencer: Address::decode(fields)?,
            batch_no: u64::decode(fields)?,
            first_height: Height::decode(fields)?,
            prev_order_hash: B256::decode(fields)?,
            blocks: decode_blocks(bytes, fields)?,
        };
        let signature = <[u8; SIGNATURE_BYTES]>::decode(fields)?;
        if !fields.is_empty() {
            return Err(DecodeError::Trailing(fields.len()));
        }
        Ok(Self { batch, signature })
    }
}

impl SequencedBlock {
    fn transactions_length(&self) -> usize {
        self.transactions.iter().map(|bytes| bytes[..].length()).sum()
    }

    fn payload_length(&self) -> usize {
        self.timestamp_ms.length() + self.origin.length() + list_length(self.transactions_length())
    }

    fn length(&self) -> usize {
        list_length(self.payload_length())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        Header { list: true, payload_length: self.payload_length() }.encode(out);
        self.timestamp_ms.encode(out);
        self.origin.encode(out);
        Header { list: true, payload_length: self.transactions_length() }.encode(out);
        for bytes in &self.transactions {
            bytes[..].encode(out);
        }
    }
}

fn list_length(payload: usize) -> usize {
    payload + alloy_rlp::length_of_length(payload)
}

fn decode_blocks(whole: &Bytes, fields: &mut &[u8]) -> Result<Vec<SequencedBlock>, DecodeError> {
    let mut list = Header::decode_bytes(fields, true)?;
    let mut blocks = Vec::new();
    let mut left = BATCH_TRANSACTIONS_MAX;
    while !list.is_empty() {
        check_count("blocks of a batch", blocks.len() + 1, BATCH_BLOCKS_MAX)?;
        let mut block = Header::decode_bytes(&mut list, true)?;
        let (timestamp_ms, origin) = (u64::decode(&mut block)?, DaHeight::decode(&mut block)?);
        let transactions = decode_transactions(whole, &mut block, left)?;
        if !block.is_empty() {
            return Err(DecodeError::Trailing(block.len()));
        }
        left -= transactions.len();
        blocks.push(SequencedBlock { timestamp_ms, origin, transactions });
    }
    Ok(blocks)
}

/// A list of byte strings, at most `max` and at most as many as a block may have.
fn decode_transactions(whole: &Bytes, fields: &mut &[u8], max: usize) -> Result<Vec<Bytes>, DecodeError> {
    let mut list = Header::decode_bytes(fields, true)?;
    let mut transactions = Vec::new();
    while !list.is_empty() {
        check_count("transactions of a block", transactions.len() + 1, max.min(BLOCK_TRANSACTIONS_MAX))?;
        transactions.push(whole.slice_ref(Header::decode_bytes(&mut list, false)?));
    }
    Ok(transactions)
}

fn check_count(field: &'static str, got: usize, max: usize) -> Result<(), DecodeError> {
    if got <= max {
        return Ok(());
    }
    let wide = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Err(DecodeError::OutOfRange { field, got: wide(got), max: wide(max) })
}

#[cfg(test)]
mod tests;
