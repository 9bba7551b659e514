//! What the log holds of a block, as bytes.
//!
//! A *record* has a fixed size, so that a height is found by multiplication and no index grows in memory. A
//! *body* is there only for a block with transactions: its DAH, its transactions, and all accounts after it.
//! A block is made again from both, to the bit: signatures are deterministic.

use super::consensus::HeaderParts;
use super::square::Piece;
use alloy_primitives::FixedBytes;
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
use bytes::Bytes;
use celestia_types::DataAvailabilityHeader;
use celestia_types::nmt::{NamespacedHash, NamespacedHashExt};
use sha2::{Digest, Sha256};
use tendermint::Time;

/// Bytes of a record: checksum 8, height 8, seconds 8, nanoseconds 4, five hashes, the part set's, the body's
/// place 8, length 4 and checksum 8, the height of the newest body 8.
pub(crate) const RECORD_BYTES: usize = 8 + 8 + 8 + 4 + 6 * 32 + 8 + 4 + 8 + 8;
/// Bytes of a namespaced hash.
const ROOT_BYTES: usize = 90;

/// A block's entry in the log of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) parts: HeaderParts,
    /// The header's own hash: what a block made again is checked against.
    pub(crate) hash: [u8; 32],
    pub(crate) body: BodyPlace,
    /// Height of the newest block with a body up to this one; 0 where there is none.
    pub(crate) state_height: u64,
}

/// Where a body lies. A length of 0: the block has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BodyPlace {
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) checksum: [u8; 8],
}

/// The first eight bytes of a sha256.
pub(crate) fn checksum(bytes: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    [a, b, c, d, e, f, g, h]
}

impl Record {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let parts = &self.parts;
        let (last, last_parts) = parts.last_block.unwrap_or_default();
        let seconds = parts.time.unix_timestamp();
        let nanos = u32::try_from(parts.time.unix_timestamp_nanos().rem_euclid(1_000_000_000)).unwrap_or(0);
        let mut out = vec![0; 8];
        out.extend(parts.height.to_be_bytes());
        out.extend(seconds.to_be_bytes());
        out.extend(nanos.to_be_bytes());
        for hash in
            [last, last_parts, parts.last_commit_hash, parts.app_hash, parts.last_results_hash, self.hash]
        {
            out.extend(hash);
        }
        out.extend(self.body.offset.to_be_bytes());
        out.extend(self.body.len.to_be_bytes());
        out.extend(self.body.checksum);
        out.extend(self.state_height.to_be_bytes());
        let sum = checksum(&out[8..]);
        out[..8].copy_from_slice(&sum);
        out
    }

    /// None where the bytes are torn or changed.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != RECORD_BYTES || checksum(&bytes[8..]) != bytes[..8] {
            return None;
        }
        let mut rest = &bytes[8..];
        let height = u64::from_be_bytes(take(&mut rest)?);
        let seconds = i64::from_be_bytes(take(&mut rest)?);
        let nanos = u32::from_be_bytes(take(&mut rest)?);
        let last = (take(&mut rest)?, take(&mut rest)?);
        let parts = HeaderParts {
            height,
            time: Time::from_unix_timestamp(seconds, nanos).ok()?,
            last_block: (height > 1).then_some(last),
            last_commit_hash: take(&mut rest)?,
            app_hash: take(&mut rest)?,
            last_results_hash: take(&mut rest)?,
        };
        let hash = take(&mut rest)?;
        let body = BodyPlace {
            offset: u64::from_be_bytes(take(&mut rest)?),
            len: u32::from_be_bytes(take(&mut rest)?),
            checksum: take(&mut rest)?,
        };
        Some(Self { parts, hash, body, state_height: u64::from_be_bytes(take(&mut rest)?) })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}

/// What an account has after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct AccountState {
    pub(crate) address: FixedBytes<20>,
    pub(crate) balance: u64,
    pub(crate) sequence: u64,
}

/// A transaction in a block, in the order in which it went into the square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BodyTx {
    /// The signed transaction; empty where nobody pays.
    pub(crate) tx: Bytes,
    pub(crate) gas: u64,
    pub(crate) pieces: Vec<Piece>,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) dah: DataAvailabilityHeader,
    pub(crate) accounts: Vec<AccountState>,
    pub(crate) txs: Vec<BodyTx>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct WireBody {
    roots: Bytes,
    accounts: Vec<AccountState>,
    txs: Vec<WireTx>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct WireTx {
    tx: Bytes,
    gas: u64,
    pieces: Vec<Bytes>,
}

impl Body {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let roots = self.dah.row_roots().iter().chain(self.dah.column_roots());
        let tx = |tx: &BodyTx| WireTx {
            tx: tx.tx.clone(),
            gas: tx.gas,
            pieces: tx.pieces.iter().map(|piece| piece.shares().clone()).collect(),
        };
        let wire = WireBody {
            roots: roots.flat_map(NamespacedHashExt::to_vec).collect::<Vec<u8>>().into(),
            accounts: self.accounts.clone(),
            txs: self.txs.iter().map(tx).collect(),
        };
        let mut out = Vec::with_capacity(wire.length());
        wire.encode(&mut out);
        out
    }

    /// None where the bytes are no body.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let wire = WireBody::decode(&mut bytes).ok()?;
        let mut roots: Vec<NamespacedHash> =
            wire.roots.chunks(ROOT_BYTES).map(NamespacedHash::from_raw).collect::<Result<_, _>>().ok()?;
        let columns = roots.split_off(roots.len() / 2);
        let tx = |tx: WireTx| {
            let pieces =
                tx.pieces.into_iter().map(|shares| Piece::from_shares(shares).ok()).collect::<Option<_>>()?;
            Some(BodyTx { tx: tx.tx, gas: tx.gas, pieces })
        };
        Some(Self {
            dah: DataAvailabilityHeader::new(roots, columns).ok()?,
            accounts: wire.accounts,
            txs: wire.txs.into_iter().map(tx).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> Record {
        Record {
            parts: HeaderParts {
                height: 9,
                time: Time::from_unix_timestamp(1_700_000_000, 123_456_789).expect("a time"),
                last_block: Some(([1; 32], [2; 32])),
                last_commit_hash: [3; 32],
                app_hash: [4; 32],
                last_results_hash: [5; 32],
            },
            hash: [6; 32],
            body: BodyPlace { offset: 1 << 40, len: 77, checksum: [8; 8] },
            state_height: 9,
        }
    }

    #[test]
    fn a_record_comes_back_and_a_changed_one_does_not() {
        let bytes = record().encode();
        assert_eq!(bytes.len(), RECORD_BYTES);
        assert_eq!(Record::decode(&bytes), Some(record()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Record::decode(&changed), None, "byte {at}");
        }
        assert_eq!(Record::decode(&bytes[1..]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_body_or_none(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Body::decode(&bytes);
        }
    }
}
