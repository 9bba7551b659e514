//! The append-only log: `records` and `bodies`, in a directory or in memory.
//!
//! A body is written before its record, and a record is one write: after a SIGKILL at any point the log is whole
//! up to some height, and what follows is cut off at the next start. Nothing is synced to the disk, so a power
//! cut may lose the newest blocks: it is a chain to develop against.

use super::LocalError;
use super::record::{BodyPlace, RECORD_BYTES, Record, checksum};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Before the records: a magic of 8 bytes and the hash of the chain id.
const HEAD_BYTES: usize = 40;
const MAGIC: &[u8; 8] = b"WEFTLC01";
/// How many records are read at once when a header is looked for by its hash.
const SCAN: u64 = 1_024;

/// Bytes that can be read at any place and appended to.
enum Medium {
    File(File),
    Memory(Vec<u8>),
}

impl Medium {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self::File(file))
    }

    fn len(&self) -> io::Result<u64> {
        match self {
            Self::File(file) => Ok(file.metadata()?.len()),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }

    fn read(&mut self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::File(file) => {
                let mut bytes = vec![0; len];
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
            Self::Memory(bytes) => {
                let range =
                    usize::try_from(offset).ok().and_then(|from| bytes.get(from..from.checked_add(len)?));
                range.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
        }
    }

    /// Writes at the end as the log knows it, over what a failed write may have left there.
    fn write(&mut self, offset: u64, more: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => {
                file.seek(SeekFrom::Start(offset))?;
                file.write_all(more)
            }
            Self::Memory(bytes) => {
                bytes.extend_from_slice(more);
                Ok(())
            }
        }
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.set_len(len),
            Self::Memory(bytes) => {
                bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
                Ok(())
            }
        }
    }
}

/// See the module.
pub(crate) struct Log {
    records: Medium,
    bodies: Medium,
    height: u64,
    bodies_len: u64,
}

impl Drop for Log {
    /// Lets the lock go by name. Closing the file is not enough while a process that is being spawned still holds
    /// a copy of its descriptor, and the next `open` of this process may come in that moment.
    fn drop(&mut self) {
        if let Medium::File(file) = &self.records
            && let Err(error) = file.unlock()
        {
            tracing::warn!(%error, "did not unlock the log");
        }
    }
}

impl Log {
    /// The log in `dir`, made where there is none, cut back to its last whole block; in memory without a `dir`.
    pub(crate) fn open(dir: Option<&Path>, chain_id: &str) -> Result<Self, LocalError> {
        let (records, bodies) = match dir {
            None => (Medium::Memory(Vec::new()), Medium::Memory(Vec::new())),
            Some(dir) => Self::open_dir(dir).map_err(|source| match source.kind() {
                io::ErrorKind::WouldBlock => LocalError::InUse(dir.to_owned()),
                _ => LocalError::Dir { dir: dir.to_owned(), source },
            })?,
        };
        let mut log = Self { records, bodies, height: 0, bodies_len: 0 };
        log.check_head(dir, chain_id)?;
        log.cut_torn_tail()?;
        Ok(log)
    }

    fn open_dir(dir: &Path) -> io::Result<(Medium, Medium)> {
        std::fs::create_dir_all(dir)?;
        let records = Medium::open(&dir.join("records"))?;
        if let Medium::File(file) = &records {
            file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => io::Error::from(io::ErrorKind::WouldBlock),
                TryLockError::Error(error) => error,
            })?;
        }
        Ok((records, Medium::open(&dir.join("bodies"))?))
    }

    fn check_head(&mut self, dir: Option<&Path>, chain_id: &str) -> Result<(), LocalError> {
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&Sha256::digest(chain_id));
        if self.records.len()? < HEAD_BYTES as u64 {
            self.records.truncate(0)?;
            self.records.write(0, &head)?;
        } else if self.records.read(0, HEAD_BYTES)? != head {
            let dir = dir.map(Path::to_owned).unwrap_or_default();
            return Err(LocalError::ForeignDir { dir, chain_id: chain_id.to_owned() });
        }
        Ok(())
    }

    fn cut_torn_tail(&mut self) -> Result<(), LocalError> {
        self.height = (self.records.len()? - HEAD_BYTES as u64) / RECORD_BYTES as u64;
        let written = self.height;
        while self.height > 0 {
            if let Some(record) = self.read_record(self.height)?
                && record.parts.height == self.height
                && self.read_body(&record.body)?.is_some()
            {
                self.bodies_len = record.body.offset + u64::from(record.body.len);
                break;
            }
            self.height -= 1;
        }
        if self.height < written {
            tracing::warn!(kept = self.height, dropped = written - self.height, "dropped a torn tail");
        }
        self.records.truncate(place(self.height + 1))?;
        self.bodies.truncate(self.bodies_len)?;
        Ok(())
    }

    /// The newest height; 0 for an empty log.
    pub(crate) fn height(&self) -> u64 {
        self.height
    }

    /// The record of a height in the log.
    pub(crate) fn record(&mut self, height: u64) -> Result<Record, LocalError> {
        self.read_record(height)?.ok_or(LocalError::Damaged { height })
    }

    /// The body of that record; none where the block is empty.
    pub(crate) fn body(&mut self, record: &Record) -> Result<Option<Vec<u8>>, LocalError> {
        let damaged = LocalError::Damaged { height: record.parts.height };
        let bytes = self.read_body(&record.body)?.ok_or(damaged)?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    /// Where the next body goes.
    pub(crate) fn place_body(&self, body: Option<&[u8]>) -> BodyPlace {
        let bytes = body.unwrap_or_default();
        let len = u32::try_from(bytes.len()).expect("a block is bounded far below 4 GiB");
        BodyPlace { offset: self.bodies_len, len, checksum: checksum(bytes) }
    }

    /// Appends a block, its body first.
    pub(crate) fn append(&mut self, record: &Record, body: Option<&[u8]>) -> Result<(), LocalError> {
        if let Some(body) = body {
            self.bodies.write(record.body.offset, body)?;
        }
        self.records.write(place(record.parts.height), &record.encode())?;
        self.bodies_len = record.body.offset + u64::from(record.body.len);
        self.height = record.parts.height;
        Ok(())
    }

    /// The height of the header with this hash, looked for from the newest on.
    pub(crate) fn find(&mut self, hash: &[u8; 32]) -> Result<Option<u64>, LocalError> {
        let mut to = self.height;
        while to > 0 {
            let from = to.saturating_sub(SCAN);
            let count = usize::try_from(to - from).unwrap_or(0);
            let bytes = self.records.read(place(from + 1), count * RECORD_BYTES)?;
            for bytes in bytes.chunks(RECORD_BYTES).rev() {
                if let Some(record) = Record::decode(bytes).filter(|record| record.hash == *hash) {
                    return Ok(Some(record.parts.height));
                }
            }
            to = from;
        }
        Ok(None)
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), LocalError> {
        for medium in [&self.bodies, &self.records] {
            if let Medium::File(file) = medium {
                file.sync_data()?;
            }
        }
        Ok(())
    }

    fn read_record(&mut self, height: u64) -> Result<Option<Record>, LocalError> {
        Ok(Record::decode(&self.records.read(place(height), RECORD_BYTES)?))
    }

    fn read_body(&mut self, place: &BodyPlace) -> Result<Option<Vec<u8>>, LocalError> {
        let end = place.offset.checked_add(u64::from(place.len));
        if end.is_none_or(|end| self.bodies.len().is_ok_and(|len| end > len)) {
            return Ok(None);
        }
        let bytes = self.bodies.read(place.offset, usize::try_from(place.len).unwrap_or(0))?;
        Ok((checksum(&bytes) == place.checksum).then_some(bytes))
    }
}

/// Where the record of a height begins.
fn place(height: u64) -> u64 {
    HEAD_BYTES as u64 + height.saturating_sub(1) * RECORD_BYTES as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_descriptor_does_not_keep_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::open(Some(dir.path()), "a").unwrap();
        let Medium::File(file) = &log.records else { panic!("not a file") };
        // What a fork has until it executes.
        let copy = file.try_clone().unwrap();
        assert!(matches!(Log::open(Some(dir.path()), "a"), Err(LocalError::InUse(_))));
        drop(log);
        Log::open(Some(dir.path()), "a").unwrap();
        drop(copy);
    }
}
