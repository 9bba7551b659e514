//! Codec 1: a batch as columns, fields of one kind together, compressed (docs/spec/02-batch.md, "Columns").
//!
//! Ethereum transactions are split into their RLP fields, call data into its words; everything else is carried
//! whole. The decoder rebuilds every transaction byte for byte, and the canonical form from that.

use super::evm_fields::{Kind, dictionary, fields_of, join, split};
use super::streams::{Input, low_byte, malformed, pack, put_varint, unpack};
use super::{BATCH_TRANSACTIONS_MAX, Batch, SequencedBlock, SignedBatch, check_count};
use crate::signature::SIGNATURE_BYTES;
use alloy_primitives::U256;
use std::collections::BTreeMap;
use weft_types::limits::{BATCH_BLOCKS_MAX, BATCH_BYTES_MAX, BLOCK_TRANSACTIONS_MAX};
use weft_types::{Address, B256, Bytes, DaHeight, DecodeError, Height, VmId};

/// How many times larger than its wire form a batch may be, past [`EXPANSION_FREE`]. It bounds the work that
/// someone can cause with the bytes that they paid for; what compresses better is posted plain.
const EXPANSION_MAX: usize = 64;
/// Bytes that any batch may have, however small its wire form is.
const EXPANSION_FREE: usize = 16 << 10;
/// Bytes that the columns may have beyond the canonical form.
const COLUMNS_SLACK: usize = 4096;

/// The streams, in their order on the wire.
mod stream {
    use super::dictionary;

    pub(super) const HEAD: usize = 0;
    pub(super) const TIMES: usize = 1;
    pub(super) const ORIGINS: usize = 2;
    pub(super) const COUNTS: usize = 3;
    pub(super) const SHAPES: usize = 4;
    pub(super) const RAW_LENGTHS: usize = 5;
    pub(super) const RAW: usize = 6;
    pub(super) const SIGNATURES: usize = 7;
    pub(super) const PARITIES: usize = 8;
    /// Two streams: low byte, the rest.
    pub(super) const NONCES: usize = 9;
    pub(super) const TAGS: usize = 11;
    pub(super) const REST: usize = 12;
    /// Four streams each: exponent, length, first byte, other bytes.
    pub(super) const VALUES: usize = 13;
    pub(super) const AMOUNTS: usize = 17;
    /// Three streams for each dictionary: low byte of the index, the rest of it, new entries.
    pub(super) const DICTIONARIES: usize = 21;
    pub(super) const COUNT: usize = DICTIONARIES + 3 * dictionary::COUNT;
}

/// A transaction that is carried whole: its canonical bytes with the machine.
const SHAPE_WHOLE: u8 = 0xff;
/// The word of an address: 12 zero bytes, and not so small that it is likely an amount.
const TAG_ADDRESS: u8 = 0;
const TAG_AMOUNT: u8 = 1;
const TAG_WORD: u8 = 2;
const WORD: usize = 32;
/// Most fields of a shape.
const FIELDS_MAX: usize = 13;
const SELECTOR: usize = 4;
/// Call data up to this length is split into words; longer is code or a blob more often than arguments.
const SPLIT_DATA_MAX: usize = SELECTOR + 64 * WORD;

/// The body of codec 1; `None` where the batch does not lend itself to it (it then goes plain).
pub(super) fn encode(signed: &SignedBatch) -> Option<Vec<u8>> {
    let canonical_len = signed.canonical_len();
    let mut writer = Writer::default();
    writer.batch(signed)?;
    let total: usize = writer.streams.iter().map(Vec::len).sum();
    if total > canonical_len {
        return None;
    }
    let mut body = Vec::new();
    put_varint(&mut body, u64::try_from(canonical_len).ok()?);
    body.extend_from_slice(&pack(&writer.streams, &[stream::SIGNATURES])?);
    (canonical_len <= expansion_bound(body.len())).then_some(body)
}

fn expansion_bound(wire: usize) -> usize {
    wire.saturating_mul(EXPANSION_MAX).saturating_add(EXPANSION_FREE).min(BATCH_BYTES_MAX)
}

/// Reads the body of codec 1.
pub(super) fn decode(body: &Bytes) -> Result<SignedBatch, DecodeError> {
    let mut input = Input(body);
    let canonical_len = input.size("the batch's size", expansion_bound(body.len()))?;
    let streams = unpack(input.0, stream::COUNT, canonical_len.saturating_add(COLUMNS_SLACK))?;
    let mut reader = Reader {
        streams: streams.iter().map(|stream| Input(stream)).collect(),
        tables: vec![Vec::new(); dictionary::COUNT],
        parities: 0,
        left: canonical_len,
        scratch: Vec::new(),
    };
    let signed = reader.batch()?;
    if reader.parities % 8 != 0 {
        reader.streams[stream::PARITIES].byte()?;
    }
    for rest in &reader.streams {
        rest.end()?;
    }
    if signed.canonical_len() == canonical_len {
        Ok(signed)
    } else {
        Err(malformed("another size than declared"))
    }
}

#[derive(Default)]
struct Writer {
    streams: Vec<Vec<u8>>,
    entries: BTreeMap<(usize, Vec<u8>), u64>,
    counts: [u64; dictionary::COUNT],
    parities: usize,
}

impl Writer {
    fn batch(&mut self, signed: &SignedBatch) -> Option<()> {
        self.streams = vec![Vec::new(); stream::COUNT];
        let batch = &signed.batch;
        let head = &mut self.streams[stream::HEAD];
        put_varint(head, batch.chain_id);
        put_varint(head, batch.batch_no);
        put_varint(head, batch.first_height.0);
        put_varint(head, u64::try_from(batch.blocks.len()).ok()?);
        let fixed = &mut self.streams[stream::SIGNATURES];
        fixed.extend_from_slice(batch.sequencer.as_slice());
        fixed.extend_from_slice(batch.prev_order_hash.as_slice());
        fixed.extend_from_slice(&signed.signature);
        let (mut time, mut origin) = (0u64, 0u64);
        for block in &batch.blocks {
            put_varint(&mut self.streams[stream::TIMES], block.timestamp_ms.wrapping_sub(time));
            put_varint(&mut self.streams[stream::ORIGINS], block.origin.0.wrapping_sub(origin));
            (time, origin) = (block.timestamp_ms, block.origin.0);
            put_varint(&mut self.streams[stream::COUNTS], u64::try_from(block.transactions.len()).ok()?);
            for transaction in &block.transactions {
                self.transaction(transaction)?;
            }
        }
        Some(())
    }

    fn transaction(&mut self, bytes: &[u8]) -> Option<()> {
        let parts = match bytes.split_first() {
            Some((vm, payload)) if *vm == VmId::EVM.0 => split(payload),
            _ => None,
        };
        let Some((shape, fields)) = parts else {
            self.streams[stream::SHAPES].push(SHAPE_WHOLE);
            put_varint(&mut self.streams[stream::RAW_LENGTHS], u64::try_from(bytes.len()).ok()?);
            self.streams[stream::RAW].extend_from_slice(bytes);
            return Some(());
        };
        self.streams[stream::SHAPES].push(shape);
        for (kind, field) in fields_of(shape)?.iter().zip(fields) {
            self.field(*kind, field)?;
        }
        Some(())
    }

    fn field(&mut self, kind: Kind, field: &[u8]) -> Option<()> {
        match kind {
            Kind::Nonce => {
                let nonce = field.iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
                self.split_number(stream::NONCES, nonce);
            }
            Kind::Repeats(table) | Kind::List(table) => self.entry(table, field)?,
            Kind::Amount => self.amount(stream::VALUES, field),
            Kind::Data => self.data(field)?,
            Kind::Parity => self.parity(!field.is_empty()),
            Kind::Signature => {
                let fixed = &mut self.streams[stream::SIGNATURES];
                fixed.resize(fixed.len() + WORD - field.len(), 0);
                fixed.extend_from_slice(field);
            }
        }
        Some(())
    }

    /// The low byte in one stream, the rest in the next.
    fn split_number(&mut self, low: usize, number: u64) {
        self.streams[low].push(low_byte(number));
        put_varint(&mut self.streams[low + 1], number >> 8);
    }

    /// 0 and the bytes where they are new, else which of the earlier ones they are, from 1.
    fn entry(&mut self, table: usize, bytes: &[u8]) -> Option<()> {
        let base = stream::DICTIONARIES + 3 * table;
        if let Some(index) = self.entries.get(&(table, bytes.to_vec())).copied() {
            self.split_number(base, index);
            return Some(());
        }
        self.counts[table] += 1;
        self.entries.insert((table, bytes.to_vec()), self.counts[table]);
        self.split_number(base, 0);
        let new = &mut self.streams[base + 2];
        put_varint(new, u64::try_from(bytes.len()).ok()?);
        new.extend_from_slice(bytes);
        Some(())
    }

    /// A number as m * 10^e, since amounts are round in decimal.
    fn amount(&mut self, base: usize, bytes: &[u8]) {
        let (mut number, mut exponent) = (U256::from_be_slice(bytes), 0u8);
        let ten = U256::from(10);
        while !number.is_zero() {
            let (quotient, remainder) = number.div_rem(ten);
            if !remainder.is_zero() {
                break;
            }
            number = quotient;
            exponent += 1;
        }
        let mantissa = number.to_be_bytes_trimmed_vec();
        self.streams[base].push(exponent);
        self.streams[base + 1].push(u8::try_from(mantissa.len()).expect("a U256 has at most 32 bytes"));
        if let Some((first, rest)) = mantissa.split_first() {
            self.streams[base + 2].push(*first);
            self.streams[base + 3].extend_from_slice(rest);
        }
    }

    fn data(&mut self, data: &[u8]) -> Option<()> {
        self.entry(dictionary::LENGTH, &u32::try_from(data.len()).ok()?.to_be_bytes())?;
        if data.len() < SELECTOR || data.len() > SPLIT_DATA_MAX {
            self.streams[stream::REST].extend_from_slice(data);
            return Some(());
        }
        let (selector, arguments) = data.split_at(SELECTOR);
        self.entry(dictionary::SELECTOR, selector)?;
        let mut words = arguments.chunks_exact(WORD);
        for word in &mut words {
            let tag = match word {
                _ if word[..16] == [0; 16] => TAG_AMOUNT,
                _ if word[..12] == [0; 12] => TAG_ADDRESS,
                _ => TAG_WORD,
            };
            self.streams[stream::TAGS].push(tag);
            match tag {
                TAG_AMOUNT => self.amount(stream::AMOUNTS, word),
                TAG_ADDRESS => self.entry(dictionary::ADDRESS, &word[12..])?,
                _ => self.entry(dictionary::WORD, word)?,
            }
        }
        self.streams[stream::REST].extend_from_slice(words.remainder());
        Some(())
    }

    fn parity(&mut self, odd: bool) {
        let bit = self.parities % 8;
        if bit == 0 {
            self.streams[stream::PARITIES].push(0);
        }
        if let Some(last) = self.streams[stream::PARITIES].last_mut() {
            *last |= u8::from(odd) << bit;
        }
        self.parities += 1;
    }
}

struct Reader<'a> {
    streams: Vec<Input<'a>>,
    tables: Vec<Vec<&'a [u8]>>,
    parities: usize,
    /// Bytes that may still come out.
    left: usize,
    /// The fields of the transaction at hand, one after the other.
    scratch: Vec<u8>,
}

impl Reader<'_> {
    fn batch(&mut self) -> Result<SignedBatch, DecodeError> {
        let head = &mut self.streams[stream::HEAD];
        let (chain_id, batch_no, first_height) = (head.varint()?, head.varint()?, Height(head.varint()?));
        let count = head.size("the blocks of a batch", BATCH_BLOCKS_MAX)?;
        let fixed = &mut self.streams[stream::SIGNATURES];
        let sequencer = Address::from_slice(fixed.take(20)?);
        let prev_order_hash = B256::from_slice(fixed.take(WORD)?);
        let signature: [u8; SIGNATURE_BYTES] =
            fixed.take(SIGNATURE_BYTES)?.try_into().map_err(|_| malformed("the signature"))?;
        let (mut time, mut origin, mut transactions) = (0u64, 0u64, 0);
        let mut blocks = Vec::new();
        for _ in 0..count {
            time = time.wrapping_add(self.streams[stream::TIMES].varint()?);
            origin = origin.wrapping_add(self.streams[stream::ORIGINS].varint()?);
            let block = self.block(time, DaHeight(origin))?;
            transactions += block.transactions.len();
            check_count("the transactions of a batch", transactions, BATCH_TRANSACTIONS_MAX)?;
            blocks.push(block);
        }
        let batch = Batch { chain_id, sequencer, batch_no, first_height, prev_order_hash, blocks };
        Ok(SignedBatch { batch, signature })
    }

    fn block(&mut self, timestamp_ms: u64, origin: DaHeight) -> Result<SequencedBlock, DecodeError> {
        let count =
            self.streams[stream::COUNTS].size("the transactions of a block", BLOCK_TRANSACTIONS_MAX)?;
        // All transactions of the block share one allocation.
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let before = bytes.len();
            self.transaction(&mut bytes)?;
            self.spend(bytes.len() - before)?;
            ends.push(bytes.len());
        }
        let bytes = Bytes::from(bytes);
        let mut start = 0;
        let transactions = ends.into_iter().map(|end| bytes.slice(std::mem::replace(&mut start, end)..end));
        Ok(SequencedBlock { timestamp_ms, origin, transactions: transactions.collect() })
    }

    fn spend(&mut self, bytes: usize) -> Result<(), DecodeError> {
        // Every transaction costs at least a byte, so that empty ones are bounded too.
        self.left =
            self.left.checked_sub(bytes.max(1)).ok_or_else(|| malformed("more bytes than declared"))?;
        Ok(())
    }

    fn transaction(&mut self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let shape = self.streams[stream::SHAPES].byte()?;
        if shape == SHAPE_WHOLE {
            let length = self.streams[stream::RAW_LENGTHS].size("a transaction's length", self.left)?;
            out.extend_from_slice(self.streams[stream::RAW].take(length)?);
            return Ok(());
        }
        let kinds = fields_of(shape).ok_or_else(|| malformed("a transaction of no known shape"))?;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let mut ends = [0; FIELDS_MAX];
        for (kind, end) in kinds.iter().zip(&mut ends) {
            self.field(*kind, &mut scratch)?;
            if scratch.len() > self.left {
                return Err(malformed("more bytes than declared"));
            }
            *end = scratch.len();
        }
        let mut fields = [&[][..]; FIELDS_MAX];
        let mut start = 0;
        for (field, end) in fields.iter_mut().zip(ends).take(kinds.len()) {
            *field = &scratch[start..end];
            start = end;
        }
        out.push(VmId::EVM.0);
        join(shape, &fields[..kinds.len()], out);
        self.scratch = scratch;
        Ok(())
    }

    fn field(&mut self, kind: Kind, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        match kind {
            Kind::Nonce => {
                out.extend_from_slice(trimmed(&self.split_number(stream::NONCES)?.to_be_bytes()));
            }
            Kind::Repeats(table) | Kind::List(table) => out.extend_from_slice(self.entry(table)?),
            Kind::Amount => {
                out.extend_from_slice(trimmed(&self.amount(stream::VALUES)?.to_be_bytes::<WORD>()));
            }
            Kind::Data => self.data(out)?,
            Kind::Parity => {
                if self.parity()? {
                    out.push(1);
                }
            }
            Kind::Signature => out.extend_from_slice(trimmed(self.streams[stream::SIGNATURES].take(WORD)?)),
        }
        Ok(())
    }

    fn split_number(&mut self, low: usize) -> Result<u64, DecodeError> {
        let byte = self.streams[low].byte()?;
        let high = self.streams[low + 1].varint()?;
        if high >> 56 != 0 {
            return Err(malformed("a number of more than 64 bits"));
        }
        Ok((high << 8) | u64::from(byte))
    }
}

impl<'a> Reader<'a> {
    fn entry(&mut self, table: usize) -> Result<&'a [u8], DecodeError> {
        let base = stream::DICTIONARIES + 3 * table;
        let index = self.split_number(base)?;
        let Some(index) = index.checked_sub(1) else {
            let new = &mut self.streams[base + 2];
            let length = new.size("an entry's length", new.0.len())?;
            let entry = new.take(length)?;
            self.tables[table].push(entry);
            return Ok(entry);
        };
        let known = usize::try_from(index).ok().and_then(|index| self.tables[table].get(index));
        known.copied().ok_or_else(|| malformed("an entry that is not there"))
    }

    fn amount(&mut self, base: usize) -> Result<U256, DecodeError> {
        let exponent = self.streams[base].byte()?;
        let length = usize::from(self.streams[base + 1].byte()?);
        let mut mantissa = [0; WORD];
        if length > WORD {
            return Err(malformed("an amount of more than 32 bytes"));
        }
        if length > 0 {
            mantissa[WORD - length] = self.streams[base + 2].byte()?;
            mantissa[WORD - length + 1..].copy_from_slice(self.streams[base + 3].take(length - 1)?);
        }
        U256::from(10)
            .checked_pow(U256::from(exponent))
            .and_then(|power| power.checked_mul(U256::from_be_bytes(mantissa)))
            .ok_or_else(|| malformed("an amount of more than 32 bytes"))
    }

    fn data(&mut self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let length: [u8; 4] =
            self.entry(dictionary::LENGTH)?.try_into().map_err(|_| malformed("a length of call data"))?;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| malformed("a length"))?;
        if length > self.left {
            return Err(malformed("more bytes than declared"));
        }
        if !(SELECTOR..=SPLIT_DATA_MAX).contains(&length) {
            out.extend_from_slice(self.streams[stream::REST].take(length)?);
            return Ok(());
        }
        let start = out.len();
        out.extend_from_slice(self.entry(dictionary::SELECTOR)?);
        for _ in 0..(length - SELECTOR) / WORD {
            match self.streams[stream::TAGS].byte()? {
                TAG_AMOUNT => out.extend_from_slice(&self.amount(stream::AMOUNTS)?.to_be_bytes::<WORD>()),
                TAG_ADDRESS => {
                    out.extend_from_slice(&[0; 12]);
                    out.extend_from_slice(self.entry(dictionary::ADDRESS)?);
                }
                TAG_WORD => out.extend_from_slice(self.entry(dictionary::WORD)?),
                _ => return Err(malformed("a word of no known kind")),
            }
        }
        // Entries of a wrong size show here: together the parts must be as long as the whole.
        let rest = (start + length).checked_sub(out.len()).filter(|rest| *rest < WORD);
        let rest = rest.ok_or_else(|| malformed("a word of another size"))?;
        out.extend_from_slice(self.streams[stream::REST].take(rest)?);
        Ok(())
    }

    fn parity(&mut self) -> Result<bool, DecodeError> {
        let bit = self.parities % 8;
        let stream = &mut self.streams[stream::PARITIES];
        let byte = *stream.0.first().ok_or_else(|| malformed("a stream ends early"))?;
        if bit == 7 {
            stream.byte()?;
        }
        self.parities += 1;
        Ok((byte >> bit) & 1 == 1)
    }
}

/// Without leading zero bytes, as RLP has integers.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}
