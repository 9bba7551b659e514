//! Byte streams side by side, one per column, and how they are packed: what is small or even stands together
//! in one zstd frame with the trained dictionary, what is large in a frame of its own, what does not compress
//! as it is.

use weft_types::DecodeError;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

/// Trained by `batch::tests::train` on transfers and empty blocks. Frozen: a
/// change of one byte is another codec.
const DICTIONARY: &[u8] = include_bytes!("dictionary-1.zstd");

/// Below this a stream goes into the common frame, where a frame of its own costs more than it saves.
const OWN_FRAME_MIN: usize = 128;
/// A stream that shrinks below this is even enough for the common frame.
const EVEN_MAX: usize = 40;
/// Above this compression takes too long at the highest level.
const SLOW_LEVEL_MAX: usize = 256 << 10;

const INLINE: u64 = 0;
const FRAME: u64 = 1;
const RAW: u64 = 2;

/// Packs the streams: `varint length of the common part | varint length of its frame | frame | other streams`.
/// The common part begins with a table: per stream a varint `length << 2 | method`, and for a frame of its own
/// a varint with the frame's length.
pub(super) fn pack(streams: &[Vec<u8>], raw: &[usize]) -> Option<Vec<u8>> {
    let (mut table, mut inline, mut outside) = (Vec::new(), Vec::new(), Vec::new());
    for (number, stream) in streams.iter().enumerate() {
        let entry = |method: u64| Some((u64::try_from(stream.len()).ok()? << 2) | method);
        if raw.contains(&number) {
            put_varint(&mut table, entry(RAW)?);
            outside.extend_from_slice(stream);
            continue;
        }
        let frame = if stream.len() < OWN_FRAME_MIN { None } else { Some(compress(stream, &[])?) };
        match frame {
            Some(frame) if frame.len() >= stream.len() => {
                put_varint(&mut table, entry(RAW)?);
                outside.extend_from_slice(stream);
            }
            Some(frame) if frame.len() > EVEN_MAX => {
                put_varint(&mut table, entry(FRAME)?);
                put_varint(&mut table, u64::try_from(frame.len()).ok()?);
                outside.extend_from_slice(&frame);
            }
            _ => {
                put_varint(&mut table, entry(INLINE)?);
                inline.extend_from_slice(stream);
            }
        }
    }
    table.extend_from_slice(&inline);
    let frame = compress(&table, DICTIONARY)?;
    let mut out = Vec::with_capacity(frame.len() + outside.len() + 8);
    put_varint(&mut out, u64::try_from(table.len()).ok()?);
    put_varint(&mut out, u64::try_from(frame.len()).ok()?);
    out.extend_from_slice(&frame);
    out.extend_from_slice(&outside);
    Some(out)
}

/// The common part of packed streams, for training.
#[cfg(test)]
pub(super) fn common_part(packed: &[u8]) -> Vec<u8> {
    let mut input = Input(packed);
    let length = input.size("common", usize::MAX).expect("packed");
    let frame = input.size("frame", usize::MAX).expect("packed");
    decompress(input.take(frame).expect("packed"), length, DICTIONARY).expect("packed")
}

/// Unpacks `count` streams of together at most `max` bytes, the table included.
pub(super) fn unpack(packed: &[u8], count: usize, max: usize) -> Result<Vec<Vec<u8>>, DecodeError> {
    let mut input = Input(packed);
    let common_length = input.size("the common part's length", max)?;
    let frame_length = input.size("the common frame's length", packed.len())?;
    let common = decompress(input.take(frame_length)?, common_length, DICTIONARY)?;
    let mut left = max - common_length;
    let mut table = Input(&common);
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = table.varint()?;
        let length = usize::try_from(entry >> 2).map_err(|_| malformed("a stream's length"))?;
        let frame_length =
            if entry & 3 == FRAME { table.size("a frame's length", packed.len())? } else { 0 };
        entries.push((entry & 3, length, frame_length));
    }
    let mut streams = Vec::with_capacity(count);
    for (method, length, frame_length) in entries {
        if method == INLINE {
            streams.push(table.take(length)?.to_vec());
            continue;
        }
        left = left.checked_sub(length).ok_or_else(|| malformed("streams past the declared size"))?;
        streams.push(match method {
            RAW => input.take(length)?.to_vec(),
            FRAME => decompress(input.take(frame_length)?, length, &[])?,
            _ => return Err(malformed("a stream's method")),
        });
    }
    table.end()?;
    input.end()?;
    Ok(streams)
}

fn compress(bytes: &[u8], dictionary: &[u8]) -> Option<Vec<u8>> {
    let level = if bytes.len() <= SLOW_LEVEL_MAX { 19 } else { 9 };
    let mut compressor = Compressor::with_dictionary(level, dictionary).ok()?;
    // Sizes stand in the table, and there is one dictionary per codec.
    compressor.set_parameter(CParameter::ContentSizeFlag(false)).ok()?;
    compressor.set_parameter(CParameter::DictIdFlag(false)).ok()?;
    compressor.compress(bytes).ok()
}

/// Decompresses what must give exactly `length` bytes, which the caller has checked against a bound.
fn decompress(frame: &[u8], length: usize, dictionary: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let error = |error: std::io::Error| DecodeError::Malformed(format!("zstd: {error}"));
    let bytes = Decompressor::with_dictionary(dictionary)
        .and_then(|mut decompressor| decompressor.decompress(frame, length))
        .map_err(error)?;
    if bytes.len() == length { Ok(bytes) } else { Err(malformed("a frame of another size than declared")) }
}

pub(super) fn malformed(what: &str) -> DecodeError {
    DecodeError::Malformed(what.to_owned())
}

/// Appends LEB128.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

/// The low 8 bits; with the continuation bit to be set by the caller.
pub(super) fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Bytes that are read from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| malformed("a stream ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits {
                return Err(malformed("a number of more than 64 bits"));
            }
            value |= shifted;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(malformed("a number of more than 64 bits"))
    }

    /// A varint that counts bytes or items, at most `max`.
    pub(super) fn size(&mut self, what: &str, max: usize) -> Result<usize, DecodeError> {
        let value = self.varint()?;
        usize::try_from(value)
            .ok()
            .filter(|size| *size <= max)
            .ok_or_else(|| DecodeError::Malformed(format!("{what} is {value}, at most {max} allowed")))
    }

    pub(super) fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.0.len())) }
    }
}
