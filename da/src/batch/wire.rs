//! The wire form: what stands in a blob. A batch, a chunk of one, or a list of transactions on a based chain.

use super::{SignedBatch, check_count, columns, decode_transactions};
use crate::batch::Batch;
use crate::signature::SequencerKey;
use alloy_rlp::{Encodable, Header};
use weft_types::limits::{BATCH_BYTES_MAX, CHUNKS_MAX};
use weft_types::{B256, Bytes, DecodeError, Transaction, hash};

/// What a blob with a batch begins with.
pub const MAGIC: &[u8; 4] = b"WEFT";
/// What a blob with a chunk begins with.
pub const CHUNK_MAGIC: &[u8; 4] = b"WEFC";
/// What a blob with a list of transactions begins with (based chains).
pub const BASED_MAGIC: &[u8; 4] = b"WEFB";
/// The version of all three.
pub const VERSION: u8 = 1;

const CODEC_PLAIN: u8 = 0;
const CODEC_COLUMNS: u8 = 1;
const MAGIC_BYTES: usize = 4;

/// Bytes of a chunk before its part of the batch: magic, commitment, index u16 BE, count u16 BE.
const CHUNK_HEADER_BYTES: usize = MAGIC_BYTES + 32 + 2 + 2;

/// What a blob of the batch namespace holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A whole batch.
    Batch(SignedBatch),
    /// A part of a batch's wire form.
    Chunk(Chunk),
    /// Transactions as [`Transaction::to_bytes`], each of which may still be none.
    Based(Vec<Bytes>),
}

/// A part of a batch's wire form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// See [`commitment`].
    pub commitment: B256,
    /// Which part, from 0.
    pub index: u16,
    /// How many parts, 2 to [`CHUNKS_MAX`].
    pub count: u16,
    /// Not empty.
    pub bytes: Bytes,
}

/// Why a blob holds nothing for us.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Neither a batch, nor a chunk, nor a list.
    #[error("it begins with none of WEFT, WEFC and WEFB")]
    Magic,
    /// Of another version.
    #[error("its version is {0} and this node knows version {VERSION}")]
    Version(u8),
    /// Of another codec.
    #[error("its codec is {0} and this node knows codecs 0 and 1")]
    Codec(u8),
    /// Its body is malformed.
    #[error(transparent)]
    Body(#[from] DecodeError),
}

/// Why a batch cannot be posted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Its canonical form is past the limit.
    #[error("the batch has {got} bytes, at most {BATCH_BYTES_MAX} are allowed: put fewer blocks in it")]
    TooLarge {
        /// Bytes of the canonical form.
        got: usize,
    },
    /// It does not fit into the most chunks of this size.
    #[error("the batch needs {chunks} blobs of {max_blob_bytes} bytes, at most {CHUNKS_MAX} are allowed")]
    TooManyChunks {
        /// Blobs needed.
        chunks: usize,
        /// The size given.
        max_blob_bytes: usize,
    },
}

/// `sha256("weft/wire" | wire form)`: what chunks of it are put together by.
#[must_use]
pub fn commitment(wire: &[u8]) -> B256 {
    hash::sha256("weft/wire", &[wire])
}

/// Signs a batch and gives the blobs to post, in order: one where it fits into `max_blob_bytes`, else chunks.
/// A column encoding is used where it is smaller than the canonical form and gives it back exactly.
///
/// # Errors
/// [`EncodeError`].
pub fn encode(batch: Batch, key: &SequencerKey, max_blob_bytes: usize) -> Result<Vec<Bytes>, EncodeError> {
    let signed = batch.sign(key);
    let canonical = signed.to_canonical();
    if canonical.len() > BATCH_BYTES_MAX {
        return Err(EncodeError::TooLarge { got: canonical.len() });
    }
    let prefix = |codec: u8| [&MAGIC[..], &[VERSION, codec]].concat();
    let packed = columns::encode(&signed)
        .filter(|body| body.len() < canonical.len())
        .map(|body| Bytes::from([prefix(CODEC_COLUMNS), body].concat()))
        .filter(|wire| decode_batch(wire).as_ref() == Ok(&signed));
    let wire = packed.unwrap_or_else(|| [prefix(CODEC_PLAIN), canonical].concat().into());
    if wire.len() <= max_blob_bytes {
        return Ok(vec![wire]);
    }
    split(&wire, max_blob_bytes)
}

/// The same batch in smaller blobs: for a chain that turns out to take less in one. `blobs` are all that [`encode`]
/// gave; `None` where they are not.
///
/// # Errors
/// [`EncodeError::TooManyChunks`].
pub fn recut(blobs: &[Bytes], max_blob_bytes: usize) -> Option<Result<Vec<Bytes>, EncodeError>> {
    let wire = match blobs {
        [whole] if whole.starts_with(MAGIC) => whole.clone(),
        chunks => {
            let part = |blob: &Bytes| match decode(blob) {
                Ok(Decoded::Chunk(chunk)) => Some(chunk.bytes),
                _ => None,
            };
            Bytes::from(chunks.iter().map(part).collect::<Option<Vec<_>>>()?.concat())
        }
    };
    if wire.len() <= max_blob_bytes {
        return Some(Ok(vec![wire]));
    }
    Some(split(&wire, max_blob_bytes))
}

fn split(wire: &Bytes, max_blob_bytes: usize) -> Result<Vec<Bytes>, EncodeError> {
    let part = max_blob_bytes.saturating_sub(CHUNK_HEADER_BYTES).max(1);
    // Parts of about one size, so that the last is no stub.
    let part = wire.len().div_ceil(wire.len().div_ceil(part).max(2));
    let chunks = wire.len().div_ceil(part);
    let (Ok(count), true) = (u16::try_from(chunks), chunks <= CHUNKS_MAX) else {
        return Err(EncodeError::TooManyChunks { chunks, max_blob_bytes });
    };
    let commitment = commitment(wire);
    let blobs = wire.chunks(part).zip(0u16..).map(|(bytes, index)| {
        [&CHUNK_MAGIC[..], commitment.as_slice(), &index.to_be_bytes(), &count.to_be_bytes(), bytes]
            .concat()
            .into()
    });
    Ok(blobs.collect())
}

/// A blob for a based chain: transactions for the block of whichever Celestia height it lands in.
#[must_use]
pub fn encode_based<'a>(transactions: impl IntoIterator<Item = &'a Transaction>) -> Bytes {
    let all: Vec<Bytes> = transactions.into_iter().map(Transaction::to_bytes).collect();
    let payload_length = all.iter().map(|bytes| bytes[..].length()).sum();
    let mut out = [&BASED_MAGIC[..], &[VERSION]].concat();
    Header { list: true, payload_length }.encode(&mut out);
    for bytes in &all {
        bytes[..].encode(&mut out);
    }
    out.into()
}

/// Reads a blob of the batch namespace.
///
/// # Errors
/// [`WireError`].
pub fn decode(blob: &Bytes) -> Result<Decoded, WireError> {
    match blob.get(..MAGIC_BYTES) {
        Some(magic) if magic == MAGIC => decode_batch(blob).map(Decoded::Batch),
        Some(magic) if magic == CHUNK_MAGIC => Ok(Decoded::Chunk(decode_chunk(blob)?)),
        Some(magic) if magic == BASED_MAGIC => decode_based(blob).map(Decoded::Based),
        _ => Err(WireError::Magic),
    }
}

/// Reads a batch's wire form.
///
/// # Errors
/// [`WireError`].
pub fn decode_batch(wire: &Bytes) -> Result<SignedBatch, WireError> {
    if wire.get(..MAGIC_BYTES) != Some(MAGIC) {
        return Err(WireError::Magic);
    }
    let (version, codec) = match wire.get(MAGIC_BYTES..MAGIC_BYTES + 2) {
        Some([version, codec]) => (*version, *codec),
        _ => return Err(DecodeError::Empty("a batch").into()),
    };
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    let body = wire.slice(MAGIC_BYTES + 2..);
    match codec {
        CODEC_PLAIN => Ok(SignedBatch::from_canonical(&body)?),
        CODEC_COLUMNS => Ok(columns::decode(&body)?),
        other => Err(WireError::Codec(other)),
    }
}

fn decode_chunk(blob: &Bytes) -> Result<Chunk, DecodeError> {
    if blob.len() <= CHUNK_HEADER_BYTES {
        return Err(DecodeError::Empty("a chunk"));
    }
    let number = |at: usize| u16::from_be_bytes([blob[at], blob[at + 1]]);
    let (index, count) = (number(36), number(38));
    check_count("the chunks of a batch", usize::from(count), CHUNKS_MAX)?;
    if count < 2 || index >= count {
        return Err(DecodeError::Malformed(format!("chunk {index} of {count}")));
    }
    let commitment = B256::from_slice(&blob[MAGIC_BYTES..36]);
    Ok(Chunk { commitment, index, count, bytes: blob.slice(CHUNK_HEADER_BYTES..) })
}

fn decode_based(blob: &Bytes) -> Result<Vec<Bytes>, WireError> {
    let Some((&version, body)) = blob.get(MAGIC_BYTES..).and_then(<[u8]>::split_first) else {
        return Err(DecodeError::Empty("a list of transactions").into());
    };
    if version != VERSION {
        return Err(WireError::Version(version));
    }
    let mut rest = body;
    let list = decode_transactions(blob, &mut rest, usize::MAX)?;
    if rest.is_empty() { Ok(list) } else { Err(DecodeError::Trailing(rest.len()).into()) }
}
