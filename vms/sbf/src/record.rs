//! How an account stands in the state, apart from its balance.
//!
//! ```text
//! owner 32 | flags u8 | data_len u32 BE | data                  up to INLINE_BYTES_MAX bytes of data
//! owner 32 | flags u8 | data_len u32 BE | sha256 of the data    more: the data stands in pages of PAGE_BYTES
//! ```
//! A large account changes a page at a time, so that writing a program in pieces of a kilobyte does not put the whole
//! of it into every block; the hash names the content, so that caches need not read it again.
//!
//! An account that the system program owns, without data, has no record: it exists where the ledger gives it a lamport.

use sha2::{Digest, Sha256};
use solana_pubkey::Pubkey;
use weft_types::Bytes;

/// Most bytes of data that stand in the record itself.
pub const INLINE_BYTES_MAX: usize = 8 << 10;
/// Bytes of a page.
pub const PAGE_BYTES: usize = 32 << 10;
/// Most bytes of an account's data, as Solana's `MAX_PERMITTED_DATA_LENGTH`.
pub const DATA_BYTES_MAX: usize = 10 << 20;

const EXECUTABLE: u8 = 1;
const PAGED: u8 = 2;
/// Owner, flags and length.
const HEAD_BYTES: usize = 37;

/// A decoded record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// The program that may change the account.
    pub owner: Pubkey,
    /// Whether it is a program.
    pub executable: bool,
    /// Its data, or where it is.
    pub data: RecordData,
}

/// The data of an account as its record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// All of it.
    Inline(Bytes),
    /// In `len.div_ceil(PAGE_BYTES)` pages.
    Paged {
        /// Bytes.
        len: usize,
        /// Sha-256 of all of it.
        hash: [u8; 32],
    },
}

/// Reads a record; `None` where the bytes are none, which only a damaged store can hold.
#[must_use]
pub fn decode(bytes: &Bytes) -> Option<AccountRecord> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let owner = Pubkey::try_from(head.get(..32)?).ok()?;
    let flags = *head.get(32)?;
    let len = usize::try_from(u32::from_be_bytes(head.get(33..)?.try_into().ok()?)).ok()?;
    let data = if flags & PAGED == 0 {
        (rest.len() == len).then(|| RecordData::Inline(bytes.slice(HEAD_BYTES..)))?
    } else {
        RecordData::Paged { len, hash: rest.try_into().ok()? }
    };
    let known = flags & !(EXECUTABLE | PAGED) == 0 && len <= DATA_BYTES_MAX;
    known.then_some(AccountRecord { owner, executable: flags & EXECUTABLE != 0, data })
}

/// The record of an account with that `data`: all of it, or its name where it stands in pages.
#[must_use]
pub fn encode(owner: &Pubkey, executable: bool, data: &[u8]) -> Bytes {
    let paged = data.len() > INLINE_BYTES_MAX;
    let flags = if executable { EXECUTABLE } else { 0 } | if paged { PAGED } else { 0 };
    let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(HEAD_BYTES.saturating_add(data.len().min(INLINE_BYTES_MAX)));
    bytes.extend_from_slice(owner.as_ref());
    bytes.push(flags);
    bytes.extend_from_slice(&len.to_be_bytes());
    if paged {
        bytes.extend_from_slice(&hash(data));
    } else {
        bytes.extend_from_slice(data);
    }
    bytes.into()
}

/// The name of a content.
pub(crate) fn hash(data: &[u8]) -> [u8; 32] {
    Sha256::digest(data).into()
}

/// How many pages `len` bytes of data take; none where they stand in the record.
pub(crate) fn pages(len: usize) -> u32 {
    let pages = if len > INLINE_BYTES_MAX { len.div_ceil(PAGE_BYTES) } else { 0 };
    u32::try_from(pages).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_round_trip(len in 0usize..20_000, executable: bool, owner: [u8; 32]) {
            let data: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let owner = Pubkey::from(owner);
            let record = decode(&encode(&owner, executable, &data)).expect("a record");
            prop_assert_eq!((record.owner, record.executable), (owner, executable));
            match record.data {
                RecordData::Inline(inline) => prop_assert_eq!(&inline[..], &data[..]),
                RecordData::Paged { len: got, hash: name } => {
                    prop_assert!(len > INLINE_BYTES_MAX);
                    prop_assert_eq!((got, name), (len, hash(&data)));
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&Bytes::from(bytes));
        }
    }
}
