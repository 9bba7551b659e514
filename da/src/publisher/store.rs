//! The publisher's files: one for each batch that waits, and one for the last attempt.
//!
//! `magic "WEFTPUB1" | sha256 of the rest | RLP`. A file is written beside its place, synced, renamed, and
//! the folder synced, so that a file is there in full or not at all.

use super::{PreparedBatch, PublisherError};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use weft_types::{B256, DaHeight};

const MAGIC: &[u8; 8] = b"WEFTPUB1";
const ATTEMPT: &str = "attempt";

/// What was about to be sent: written before it is.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct Attempt {
    /// Hash of each blob.
    pub(super) blobs: Vec<B256>,
    /// Celestia's head before it was sent.
    pub(super) head: DaHeight,
}

pub(super) struct Store {
    dir: PathBuf,
}

impl Store {
    /// Opens the folder and reads what waits in it, in the order of batch numbers.
    pub(super) fn open(dir: &Path) -> Result<(Self, Vec<PreparedBatch>, Option<Attempt>), PublisherError> {
        let disk = |source| PublisherError::Disk { path: dir.display().to_string(), source };
        fs::create_dir_all(dir).map_err(disk)?;
        let mut batches: Vec<PreparedBatch> = Vec::new();
        for entry in fs::read_dir(dir).map_err(disk)? {
            let path = entry.map_err(disk)?.path();
            if path.extension().is_some_and(|extension| extension == "batch") {
                batches.push(read(&path)?);
            }
        }
        batches.sort_by_key(|batch| batch.batch_no);
        let attempt = dir.join(ATTEMPT);
        let attempt = if attempt.exists() { Some(read(&attempt)?) } else { None };
        Ok((Self { dir: dir.to_owned() }, batches, attempt))
    }

    /// Writes a batch; durable when it returns.
    pub(super) fn put(&self, batch: &PreparedBatch) -> Result<(), PublisherError> {
        self.write(&batch_file(batch.batch_no), batch)
    }

    /// Removes a batch. Not synced: one that comes back after a crash is found settled again.
    pub(super) fn delete(&self, batch_no: u64) -> Result<(), PublisherError> {
        self.remove(&batch_file(batch_no))
    }

    /// Writes what is about to be sent; durable when it returns.
    pub(super) fn put_attempt(&self, attempt: &Attempt) -> Result<(), PublisherError> {
        self.write(ATTEMPT, attempt)
    }

    /// Forgets the last attempt.
    pub(super) fn delete_attempt(&self) -> Result<(), PublisherError> {
        self.remove(ATTEMPT)
    }

    fn write(&self, name: &str, value: &impl Encodable) -> Result<(), PublisherError> {
        let path = self.dir.join(name);
        let body = alloy_rlp::encode(value);
        let beside = self.dir.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(MAGIC)?;
            file.write_all(&Sha256::digest(&body))?;
            file.write_all(&body)?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.dir)?.sync_all()
        };
        write().map_err(|source| PublisherError::Disk { path: path.display().to_string(), source })
    }

    fn remove(&self, name: &str) -> Result<(), PublisherError> {
        let path = self.dir.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(PublisherError::Disk { path: path.display().to_string(), source })
            }
            _ => Ok(()),
        }
    }
}

fn batch_file(batch_no: u64) -> String {
    format!("{batch_no:020}.batch")
}

fn read<T: Decodable>(path: &Path) -> Result<T, PublisherError> {
    let bytes =
        fs::read(path).map_err(|source| PublisherError::Disk { path: path.display().to_string(), source })?;
    decode(&bytes).ok_or_else(|| PublisherError::Damaged(path.display().to_string()))
}

fn decode<T: Decodable>(bytes: &[u8]) -> Option<T> {
    let (sum, mut body) = bytes.strip_prefix(MAGIC)?.split_at_checked(32)?;
    if sum != &Sha256::digest(body)[..] {
        return None;
    }
    let value = T::decode(&mut body).ok()?;
    body.is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_types::{Bytes, Height};

    fn batch(batch_no: u64) -> PreparedBatch {
        PreparedBatch {
            batch_no,
            first_height: Height(1),
            last_height: Height(2),
            prev_order_hash: B256::ZERO,
            order_hash: B256::repeat_byte(7),
            blobs: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        }
    }

    #[test]
    fn what_is_put_is_there_after_reopening_and_half_a_file_is_not_taken() {
        let dir = tempfile::tempdir().expect("a folder");
        let (store, batches, attempt) = Store::open(dir.path()).expect("opens");
        assert!(batches.is_empty() && attempt.is_none());
        let attempt = Attempt { blobs: vec![B256::repeat_byte(1)], head: DaHeight(5) };
        store.put(&batch(11)).expect("writes");
        store.put(&batch(2)).expect("writes");
        store.put_attempt(&attempt).expect("writes");
        // What a crash in the middle of a write leaves behind.
        fs::write(dir.path().join("00000000000000000003.batch.new"), b"WEFT").expect("writes");
        let (store, batches, read) = Store::open(dir.path()).expect("opens");
        assert_eq!((batches, read), (vec![batch(2), batch(11)], Some(attempt)));
        store.delete(2).expect("deletes");
        store.delete(2).expect("twice is fine");
        store.delete_attempt().expect("deletes");
        let (_, batches, attempt) = Store::open(dir.path()).expect("opens");
        assert_eq!((batches, attempt), (vec![batch(11)], None));
    }

    #[test]
    fn a_flipped_bit_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let (store, ..) = Store::open(dir.path()).expect("opens");
        store.put(&batch(1)).expect("writes");
        let path = dir.path().join(batch_file(1));
        let mut bytes = fs::read(&path).expect("reads");
        *bytes.last_mut().expect("bytes") ^= 1;
        fs::write(&path, bytes).expect("writes");
        assert!(
            matches!(Store::open(dir.path()), Err(PublisherError::Damaged(at)) if at.contains("00001.batch"))
        );
    }
}
