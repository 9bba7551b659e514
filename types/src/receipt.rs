//! [`Receipt`]: what a transaction did. Codes, never text.

use crate::{AccountId, B256, U256, VmId};
use alloy_primitives::Bytes as AlloyBytes;
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};

/// How a transaction that is in a block ended. All three pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It did what it should.
    Success,
    /// The contract undid it and may have said why in its output.
    Reverted,
    /// The machine stopped it; the code is the machine's own and frozen by its documentation.
    Halted(u16),
}

impl Status {
    /// Its one number in a receipt: 1 success, 0 reverted, 2 + code halted.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Success => 1,
            Self::Reverted => 0,
            Self::Halted(code) => u32::from(code).saturating_add(2),
        }
    }

    /// Whether the transaction had its effect.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Success
    }

    /// The word that RPC and logs use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Reverted => "reverted",
            Self::Halted(_) => "halted",
        }
    }
}

impl Encodable for Status {
    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        self.code().encode(out);
    }

    fn length(&self) -> usize {
        self.code().length()
    }
}

impl Decodable for Status {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        match u32::decode(buf)? {
            0 => Ok(Self::Reverted),
            1 => Ok(Self::Success),
            halted => u16::try_from(halted.saturating_sub(2))
                .map(Self::Halted)
                .map_err(|_| alloy_rlp::Error::Custom("status code out of range")),
        }
    }
}

/// Something a contract said. For the EVM exactly its log; other machines put their native event in `data`.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Log {
    /// The contract.
    pub account: B256,
    /// At most [`crate::limits::LOG_TOPICS_MAX`].
    pub topics: Vec<B256>,
    /// Opaque to everyone but the machine's own clients.
    pub data: AlloyBytes,
}

impl Log {
    /// The contract as an account.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        AccountId(self.account)
    }
}

/// What executing one transaction gave. Its RLP is a leaf under the header's `receipts_root`.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Receipt {
    /// The machine's number.
    pub vm: u8,
    /// The machine's id of the transaction as 32 bytes (the EVM: the transaction hash).
    pub id: B256,
    /// How it ended.
    pub status: Status,
    /// In the one gas unit.
    pub gas_used: u64,
    /// All that the payer paid for the transaction itself, in wei.
    pub fee: U256,
    /// Sha-256 of the return bytes.
    pub output_hash: B256,
    /// In the order of emission; empty unless it succeeded.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// The machine that the transaction belongs to.
    #[must_use]
    pub fn vm(&self) -> VmId {
        VmId(self.vm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode_exact;

    #[test]
    fn receipts_round_trip_with_every_status() {
        for status in [Status::Success, Status::Reverted, Status::Halted(0), Status::Halted(u16::MAX)] {
            let receipt = Receipt {
                vm: 1,
                id: B256::repeat_byte(1),
                status,
                gas_used: 21_000,
                fee: U256::from(5),
                output_hash: B256::ZERO,
                logs: vec![Log {
                    account: B256::ZERO,
                    topics: vec![B256::ZERO],
                    data: AlloyBytes::from(vec![1]),
                }],
            };
            assert_eq!(decode_exact::<Receipt>(&alloy_rlp::encode(&receipt), 4096), Ok(receipt));
        }
    }
}
