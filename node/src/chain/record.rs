//! [`BlockRecord`]: an executed block as the node keeps it and as RPC reads it, with its stored form.

use alloy_rlp::{RlpDecodable, RlpEncodable};
use std::sync::Arc;
use weft_types::codec::decode_exact;
use weft_types::{
    AccountId, Address, B256, Bytes, DaHeight, DecodeError, DerivedBlock, Header, OrderedTransaction,
    Receipt, Transaction,
};

/// Most bytes of a stored record: a full block's transactions, receipts and logs, which gas bounds, and details, which
/// the router bounds. Only a damaged store can hold more.
const RECORD_BYTES_MAX: usize = 512 << 20;

/// A transaction that is in a block, with what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionRecord {
    /// What was executed.
    pub transaction: Transaction,
    /// The machine's id as 32 bytes; the EVM: the transaction hash.
    pub id: B256,
    /// Who paid.
    pub sender: AccountId,
    /// It came through the forced namespace.
    pub forced: bool,
    /// What it did.
    pub receipt: Receipt,
    /// What its machine's own RPC shows of it besides; see [`weft_vm::Outcome::detail`]. Empty where there is
    /// nothing of the kind, and where the bounds of its block left it out.
    pub detail: Bytes,
}

/// A block of the chain: header, transactions and where Celestia has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRecord {
    /// The header's hash.
    pub hash: B256,
    /// What executing gave.
    pub header: Header,
    /// Hash of Celestia's header at the block's origin; zero in genesis. With the header it gives the block's
    /// environment back (see [`Self::derived`]).
    pub origin_hash: B256,
    /// Who ordered it; `None` in genesis and where derivation did.
    pub sequencer: Option<Address>,
    /// The transactions that were executed, in order. Rejected ones are not among them.
    pub transactions: Arc<[TransactionRecord]>,
    /// The Celestia height at which it was derived; `None` while it is soft.
    pub da_height: Option<DaHeight>,
}

impl BlockRecord {
    /// Whether only a sequencer's promise stands behind it yet.
    #[must_use]
    pub fn is_soft(&self) -> bool {
        self.da_height.is_none()
    }

    /// The word that `weft_getBlock` uses: `soft` or `da_included`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.is_soft() { "soft" } else { "da_included" }
    }

    /// The same block, derived at `da_height`.
    #[must_use]
    pub fn included_at(&self, da_height: DaHeight) -> Self {
        Self { da_height: Some(da_height), ..self.clone() }
    }

    /// The block as it was before it was executed, without the transactions that were rejected: what tracing
    /// a transaction needs of those before it.
    #[must_use]
    pub fn derived(&self) -> DerivedBlock {
        let ordered = |record: &TransactionRecord| OrderedTransaction {
            transaction: record.transaction.clone(),
            forced: record.forced,
        };
        DerivedBlock {
            height: self.header.height,
            timestamp_ms: self.header.timestamp_ms,
            origin: self.header.origin,
            origin_hash: self.origin_hash,
            order_hash: self.header.order_hash,
            sequencer: self.sequencer,
            transactions: self.transactions.iter().map(ordered).collect(),
        }
    }

    /// The stored form; the hash is computed again on reading.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let transactions = self.transactions.iter().map(StoredTransaction::new).collect();
        let stored = Stored {
            header: self.header.clone(),
            origin_hash: self.origin_hash,
            sequencer: self.sequencer.map_or_else(Vec::new, |address| address.to_vec()).into(),
            // Heights on Celestia begin with 1, so that 0 is free to say "soft".
            da_height: self.da_height.unwrap_or_default(),
            transactions,
        };
        alloy_rlp::encode(stored).into()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`DecodeError`]: the store is damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let stored: Stored = decode_exact(bytes, RECORD_BYTES_MAX)?;
        let sequencer = match stored.sequencer.len() {
            0 => None,
            20 => Some(Address::from_slice(&stored.sequencer)),
            got => return Err(DecodeError::Malformed(format!("a sequencer of {got} bytes"))),
        };
        let transactions: Result<Vec<_>, _> =
            stored.transactions.into_iter().map(StoredTransaction::into_record).collect();
        Ok(Self {
            hash: stored.header.hash(),
            header: stored.header,
            origin_hash: stored.origin_hash,
            sequencer,
            transactions: transactions?.into(),
            da_height: (stored.da_height != DaHeight(0)).then_some(stored.da_height),
        })
    }
}

#[derive(RlpEncodable, RlpDecodable)]
struct Stored {
    header: Header,
    origin_hash: B256,
    sequencer: alloy_primitives::Bytes,
    da_height: DaHeight,
    transactions: Vec<StoredTransaction>,
}

#[derive(RlpEncodable, RlpDecodable)]
struct StoredTransaction {
    transaction: alloy_primitives::Bytes,
    sender: B256,
    forced: bool,
    receipt: Receipt,
    detail: alloy_primitives::Bytes,
}

impl StoredTransaction {
    fn new(record: &TransactionRecord) -> Self {
        Self {
            transaction: record.transaction.to_bytes().into(),
            sender: record.sender.0,
            forced: record.forced,
            receipt: record.receipt.clone(),
            detail: record.detail.clone().into(),
        }
    }

    fn into_record(self) -> Result<TransactionRecord, DecodeError> {
        Ok(TransactionRecord {
            transaction: Transaction::from_bytes(&self.transaction)?,
            id: self.receipt.id,
            sender: AccountId(self.sender),
            forced: self.forced,
            receipt: self.receipt,
            detail: self.detail.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_types::{Height, Status, U256, VmId};

    fn record() -> BlockRecord {
        let receipt = Receipt {
            vm: 1,
            id: B256::repeat_byte(9),
            status: Status::Halted(3),
            gas_used: 21_000,
            fee: U256::from(7),
            output_hash: B256::ZERO,
            logs: Vec::new(),
        };
        let transaction = TransactionRecord {
            transaction: Transaction { vm: VmId::EVM, payload: Bytes::from_static(&[2, 1]) },
            id: receipt.id,
            sender: AccountId::from_evm(Address::repeat_byte(3)),
            forced: true,
            receipt,
            detail: Bytes::from_static(b"what RPC shows"),
        };
        let header = Header { height: Height(4), ..Header::default() };
        BlockRecord {
            hash: header.hash(),
            header,
            origin_hash: B256::repeat_byte(8),
            sequencer: Some(Address::repeat_byte(5)),
            transactions: vec![transaction].into(),
            da_height: None,
        }
    }

    #[test]
    fn records_round_trip_soft_and_included() {
        let soft = record();
        assert_eq!(BlockRecord::from_bytes(&soft.to_bytes()), Ok(soft.clone()));
        let included = BlockRecord { sequencer: None, ..soft.included_at(DaHeight(12)) };
        assert_eq!(BlockRecord::from_bytes(&included.to_bytes()), Ok(included.clone()));
        assert_eq!((soft.status(), included.status()), ("soft", "da_included"));
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_an_error_and_never_a_panic(cut in 0usize..400, flip in 0usize..400) {
            let mut bytes = record().to_bytes().to_vec();
            let at = flip % bytes.len();
            bytes[at] ^= 0x55;
            bytes.truncate(bytes.len().saturating_sub(cut % 7));
            let _ = BlockRecord::from_bytes(&bytes);
        }
    }
}
