//! [`SignLog`]: every soft block that the sequencer made, on disk before anyone hears of it.
//!
//! It is what makes "nothing lost, no height signed twice" true across a kill at any instruction: after a
//! restart the same blocks are executed again, and a height that was promised is never promised again.
//!
//! ```text
//! record = length u32 BE | sha256 of the payload | payload (RLP: kind, height, block)
//! ```
//! Only appended to, fsync'd record by record; written anew (beside, then renamed) when most of it has landed.
//! A torn last record is cut off: nobody was told of it. Any other damage stops the node.

use alloy_rlp::{RlpDecodable, RlpEncodable};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use weft_da::signature::{SIGNATURE_BYTES, SequencerKey};
use weft_types::codec::decode_exact;
use weft_types::{
    Address, B256, DaHeight, DecodeError, DerivedBlock, Height, OrderedTransaction, SoftPromise, Transaction,
    hash, limits,
};

/// Most bytes of one record: a full block with its framing.
const RECORD_BYTES_MAX: usize = 2 * limits::BLOCK_BYTES_MAX;
/// The log is written anew when it has more than this many bytes, most of which have landed.
const REWRITE_BYTES: u64 = 8 << 20;
const FRAME_BYTES: usize = 4 + 32;

/// A soft block and the promise that was given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBlock {
    /// The block as it was ordered.
    pub block: DerivedBlock,
    /// The signature over [`SoftPromise::digest`]. `None` where the height had been promised before and that
    /// block was voided by derivation: a height is promised once.
    pub promise: Option<[u8; SIGNATURE_BYTES]>,
}

/// Errors, sorted by what the caller does.
#[derive(Debug, thiserror::Error)]
pub enum SignLogError {
    /// A bug or a second writer: the block is not made.
    #[error("height {height} is already signed with order hash {signed}; refusing to sign {asked}")]
    AlreadySigned {
        /// The height.
        height: Height,
        /// What stands in the log.
        signed: B256,
        /// What was asked for.
        asked: B256,
    },
    /// Blocks are signed in order, each on the one before.
    #[error("the next height to sign is {expected}, not {got}")]
    OutOfOrder {
        /// The height after the last.
        expected: Height,
        /// The height asked for.
        got: Height,
    },
    /// The file can't be trusted: signing on would risk a second block at a height.
    #[error(
        "the sequencer's log {path} is damaged at byte {at}: {what}. Restore it from a backup; with none, start this sequencer with a new key"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// The disk failed; the block is not made.
    #[error("the sequencer's log {path} could not be written or read: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// See the module.
#[derive(Debug)]
pub struct SignLog {
    path: PathBuf,
    file: File,
    bytes: u64,
    live: BTreeMap<Height, SignedBlock>,
    live_bytes: u64,
    /// The highest height that was ever promised.
    promised: Height,
}

impl SignLog {
    /// Opens or makes the log at `path`.
    ///
    /// # Errors
    /// [`SignLogError::Damaged`], [`SignLogError::Io`].
    pub fn open(path: &Path) -> Result<Self, SignLogError> {
        let io = |source| SignLogError::Io { path: path.to_owned(), source };
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io(error)),
        };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(io)?;
        let mut log = Self {
            path: path.to_owned(),
            file,
            bytes: 0,
            live: BTreeMap::new(),
            live_bytes: 0,
            promised: Height(0),
        };
        log.replay(&content)?;
        if log.bytes < content.len() as u64 {
            tracing::warn!(path = %path.display(), at = log.bytes, "cut a torn record off the sequencer's log");
            log.file.set_len(log.bytes).map_err(io)?;
            log.file.sync_all().map_err(io)?;
        }
        log.file.seek(SeekFrom::Start(log.bytes)).map_err(io)?;
        Ok(log)
    }

    /// Blocks that were made and have neither landed nor been voided, ascending.
    pub fn blocks(&self) -> impl Iterator<Item = &SignedBlock> {
        self.live.values()
    }

    /// The block at `height`, while it has not landed.
    #[must_use]
    pub fn block(&self, height: Height) -> Option<&SignedBlock> {
        self.live.get(&height)
    }

    /// The highest height that was ever promised.
    #[must_use]
    pub fn promised(&self) -> Height {
        self.promised
    }

    /// Signs `block` and returns once it is on disk. The same block again gives the same promise.
    ///
    /// # Errors
    /// All of [`SignLogError`]'s.
    pub fn sign(
        &mut self,
        key: &SequencerKey,
        chain_id: u64,
        block: &DerivedBlock,
    ) -> Result<SignedBlock, SignLogError> {
        if let Some(signed) = self.live.get(&block.height) {
            return if signed.block == *block {
                Ok(signed.clone())
            } else {
                Err(SignLogError::AlreadySigned {
                    height: block.height,
                    signed: signed.block.order_hash,
                    asked: block.order_hash,
                })
            };
        }
        if let Some((last, _)) = self.live.last_key_value()
            && block.height != last.next()
        {
            return Err(SignLogError::OutOfOrder { expected: last.next(), got: block.height });
        }
        let promise = (block.height > self.promised).then(|| {
            let promise = SoftPromise { chain_id, height: block.height, order_hash: block.order_hash };
            key.sign(promise.digest())
        });
        let signed = SignedBlock { block: block.clone(), promise };
        self.append(&Record::block(&signed))?;
        self.insert(signed.clone());
        Ok(signed)
    }

    /// Derivation has seen all blocks up to `height`: they need not be kept.
    ///
    /// # Errors
    /// [`SignLogError::Io`].
    pub fn landed(&mut self, height: Height) -> Result<(), SignLogError> {
        let rest = self.live.split_off(&height.next());
        let gone = std::mem::replace(&mut self.live, rest);
        self.live_bytes = self.live_bytes.saturating_sub(gone.values().map(block_bytes).sum());
        if self.bytes > REWRITE_BYTES && self.bytes / 2 > self.live_bytes {
            self.rewrite()?;
        }
        Ok(())
    }

    /// Blocks from `height` on can't land any more. Their promises stay remembered. Returns them.
    ///
    /// # Errors
    /// [`SignLogError::Io`].
    pub fn void(&mut self, height: Height) -> Result<Vec<SignedBlock>, SignLogError> {
        if self.live.range(height..).next().is_none() {
            return Ok(Vec::new());
        }
        self.append(&Record { kind: KIND_VOID, height, block: StoredBlock::default() })?;
        Ok(self.cut(height))
    }

    fn cut(&mut self, height: Height) -> Vec<SignedBlock> {
        let gone = self.live.split_off(&height);
        self.live_bytes = self.live_bytes.saturating_sub(gone.values().map(block_bytes).sum());
        gone.into_values().collect()
    }

    fn insert(&mut self, signed: SignedBlock) {
        if signed.promise.is_some() {
            self.promised = self.promised.max(signed.block.height);
        }
        self.live_bytes = self.live_bytes.saturating_add(block_bytes(&signed));
        self.live.insert(signed.block.height, signed);
    }

    fn replay(&mut self, content: &[u8]) -> Result<(), SignLogError> {
        let mut rest = content;
        while let Some((record, length)) = self.next_record(rest)? {
            match record.kind {
                KIND_BLOCK => {
                    let signed = record.block.into_signed().map_err(|error| self.damaged(error))?;
                    // A block at a height that stands there already was written after what preceded it was voided
                    // by landing another way; the newer one counts.
                    drop(self.cut(signed.block.height));
                    self.insert(signed);
                }
                KIND_VOID => drop(self.cut(record.height)),
                KIND_PROMISED => self.promised = self.promised.max(record.height),
                kind => {
                    return Err(
                        self.damaged(format!("a record of kind {kind}, which this version does not know"))
                    );
                }
            }
            self.bytes = self.bytes.saturating_add(length as u64);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }

    /// The first record of `rest` and its length; `None` at the end or where the last record is torn.
    fn next_record(&self, rest: &[u8]) -> Result<Option<(Record, usize)>, SignLogError> {
        let Some((length, after)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some((digest, after)) = after.split_first_chunk::<32>() else { return Ok(None) };
        let Some(payload) = after.get(..length) else { return Ok(None) };
        if record_digest(payload) != B256::from(*digest) {
            // Only the record that was being written when the machine died may be wrong.
            return if after.len() == length {
                Ok(None)
            } else {
                Err(self.damaged("a record's digest is wrong"))
            };
        }
        let record = decode_exact(payload, RECORD_BYTES_MAX).map_err(|error| self.damaged(error))?;
        Ok(Some((record, FRAME_BYTES.saturating_add(length))))
    }

    fn append(&mut self, record: &Record) -> Result<(), SignLogError> {
        let frame = frame(record);
        let written = self.file.write_all(&frame).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // What was half written must not stand before the next record.
            let _ = self.file.set_len(self.bytes).and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)));
            return Err(SignLogError::Io { path: self.path.clone(), source });
        }
        self.bytes = self.bytes.saturating_add(frame.len() as u64);
        Ok(())
    }

    /// Writes what is still needed to a new file and puts it in the old one's place.
    fn rewrite(&mut self) -> Result<(), SignLogError> {
        let mut content =
            frame(&Record { kind: KIND_PROMISED, height: self.promised, block: StoredBlock::default() });
        for signed in self.live.values() {
            content.extend(frame(&Record::block(signed)));
        }
        self.replace_file(&content).map_err(|source| SignLogError::Io { path: self.path.clone(), source })?;
        self.bytes = content.len() as u64;
        Ok(())
    }

    fn replace_file(&mut self, content: &[u8]) -> std::io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.file = file;
        Ok(())
    }

    fn damaged(&self, what: impl ToString) -> SignLogError {
        SignLogError::Damaged { path: self.path.clone(), at: self.bytes, what: what.to_string() }
    }
}

const KIND_BLOCK: u8 = 1;
const KIND_VOID: u8 = 2;
const KIND_PROMISED: u8 = 3;

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct Record {
    kind: u8,
    height: Height,
    block: StoredBlock,
}

#[derive(Debug, Default, RlpEncodable, RlpDecodable)]
struct StoredBlock {
    height: Height,
    timestamp_ms: u64,
    origin: DaHeight,
    origin_hash: B256,
    order_hash: B256,
    sequencer: Address,
    transactions: Vec<StoredTransaction>,
    promise: alloy_primitives::Bytes,
}

#[derive(Debug, RlpEncodable, RlpDecodable)]
struct StoredTransaction {
    bytes: alloy_primitives::Bytes,
    forced: bool,
}

impl Record {
    fn block(signed: &SignedBlock) -> Self {
        let SignedBlock { block, promise } = signed;
        let transactions = block.transactions.iter();
        let stored = StoredBlock {
            height: block.height,
            timestamp_ms: block.timestamp_ms,
            origin: block.origin,
            origin_hash: block.origin_hash,
            order_hash: block.order_hash,
            sequencer: block.sequencer.unwrap_or_default(),
            transactions: transactions
                .map(|ordered| StoredTransaction {
                    bytes: ordered.transaction.to_bytes().into(),
                    forced: ordered.forced,
                })
                .collect(),
            promise: promise.map_or_else(Vec::new, |bytes| bytes.to_vec()).into(),
        };
        Self { kind: KIND_BLOCK, height: block.height, block: stored }
    }
}

impl StoredBlock {
    fn into_signed(self) -> Result<SignedBlock, DecodeError> {
        let transactions: Result<Vec<_>, DecodeError> = self
            .transactions
            .into_iter()
            .map(|stored| {
                let transaction = Transaction::from_bytes(&stored.bytes)?;
                Ok(OrderedTransaction { transaction, forced: stored.forced })
            })
            .collect();
        let promise = match self.promise.len() {
            0 => None,
            _ => Some(self.promise[..].try_into().map_err(|_| DecodeError::Malformed("a promise".into()))?),
        };
        let block = DerivedBlock {
            height: self.height,
            timestamp_ms: self.timestamp_ms,
            origin: self.origin,
            origin_hash: self.origin_hash,
            order_hash: self.order_hash,
            sequencer: Some(self.sequencer),
            transactions: transactions?,
        };
        Ok(SignedBlock { block, promise })
    }
}

fn frame(record: &Record) -> Vec<u8> {
    let payload = alloy_rlp::encode(record);
    let length = u32::try_from(payload.len()).expect("a record is bounded by a block's bytes");
    [&length.to_be_bytes()[..], record_digest(&payload).as_slice(), &payload].concat()
}

fn record_digest(payload: &[u8]) -> B256 {
    hash::sha256("weft/signlog", &[payload])
}

fn block_bytes(signed: &SignedBlock) -> u64 {
    let transactions = signed.block.transactions.iter();
    // 200 stands for the framing and the fields of a block, 10 for those of a transaction.
    transactions.map(|ordered| ordered.transaction.encoded_len() as u64 + 10).sum::<u64>() + 200
}

/// The bytes of a soft block that must be posted: what back-pressure counts.
#[must_use]
pub fn posted_bytes(block: &DerivedBlock) -> u64 {
    let own = block.transactions.iter().filter(|ordered| !ordered.forced);
    own.map(|ordered| ordered.transaction.encoded_len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_types::VmId;

    fn key() -> SequencerKey {
        SequencerKey::from_bytes([7; 32]).expect("a key")
    }

    fn block(height: u64, salt: u8) -> DerivedBlock {
        DerivedBlock {
            height: Height(height),
            timestamp_ms: 1_000 + height,
            origin: DaHeight(3),
            origin_hash: B256::repeat_byte(1),
            order_hash: B256::repeat_byte(salt),
            sequencer: Some(key().address()),
            transactions: vec![OrderedTransaction {
                transaction: Transaction { vm: VmId::EVM, payload: vec![salt; 40].into() },
                forced: salt % 2 == 0,
            }],
        }
    }

    fn signer(block: &SignedBlock) -> Option<Address> {
        let promise =
            SoftPromise { chain_id: 9, height: block.block.height, order_hash: block.block.order_hash };
        weft_da::signature::recover(promise.digest(), &block.promise?)
    }

    #[test]
    fn blocks_survive_a_restart_and_a_height_is_signed_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("signed.log");
        let mut log = SignLog::open(&path).expect("opens");
        let first = log.sign(&key(), 9, &block(1, 1)).expect("signs");
        log.sign(&key(), 9, &block(2, 2)).expect("signs");
        assert_eq!(signer(&first), Some(key().address()));
        drop(log);
        let mut log = SignLog::open(&path).expect("opens again");
        assert_eq!(
            log.blocks().map(|signed| signed.block.clone()).collect::<Vec<_>>(),
            [block(1, 1), block(2, 2)]
        );
        assert_eq!(log.sign(&key(), 9, &block(1, 1)).expect("the same again"), first);
        assert!(matches!(log.sign(&key(), 9, &block(2, 5)), Err(SignLogError::AlreadySigned { .. })));
        assert!(matches!(log.sign(&key(), 9, &block(4, 4)), Err(SignLogError::OutOfOrder { .. })));
    }

    #[test]
    fn a_voided_height_is_not_promised_again_even_after_a_restart() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("signed.log");
        let mut log = SignLog::open(&path).expect("opens");
        for height in 1..=3 {
            log.sign(&key(), 9, &block(height, 1)).expect("signs");
        }
        assert_eq!(log.void(Height(2)).expect("voids").len(), 2);
        drop(log);
        let mut log = SignLog::open(&path).expect("opens again");
        assert_eq!(log.promised(), Height(3));
        for (height, promised) in [(2, false), (3, false), (4, true)] {
            let signed = log.sign(&key(), 9, &block(height, 6)).expect("makes the block");
            assert_eq!(signed.promise.is_some(), promised, "height {height}");
        }
    }

    #[test]
    fn a_torn_record_is_cut_off_and_other_damage_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("signed.log");
        let mut log = SignLog::open(&path).expect("opens");
        log.sign(&key(), 9, &block(1, 1)).expect("signs");
        log.sign(&key(), 9, &block(2, 2)).expect("signs");
        drop(log);
        let whole = std::fs::read(&path).expect("reads");
        for cut in 1..40 {
            std::fs::write(&path, &whole[..whole.len() - cut]).expect("writes");
            let mut log = SignLog::open(&path).expect("opens without the torn record");
            assert_eq!(log.blocks().count(), 1);
            log.sign(&key(), 9, &block(2, 3)).expect("goes on");
            drop(log);
            assert_eq!(SignLog::open(&path).expect("opens").blocks().count(), 2);
        }
        let mut damaged = whole.clone();
        damaged[60] ^= 1;
        std::fs::write(&path, &damaged).expect("writes");
        assert!(matches!(SignLog::open(&path), Err(SignLogError::Damaged { .. })));
    }

    #[test]
    fn what_has_landed_is_dropped_when_the_log_is_written_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("signed.log");
        let mut log = SignLog::open(&path).expect("opens");
        for height in 1..=4 {
            log.sign(&key(), 9, &block(height, 1)).expect("signs");
        }
        log.landed(Height(3)).expect("lands");
        log.rewrite().expect("writes anew");
        log.sign(&key(), 9, &block(5, 1)).expect("goes on");
        drop(log);
        let log = SignLog::open(&path).expect("opens");
        assert_eq!(log.blocks().map(|signed| signed.block.height.0).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(log.promised(), Height(5));
    }
}
