//! [`Transaction`]: a payload and the machine that owns it. The payload stays opaque outside its machine.

use crate::{B256, Bytes, DecodeError, hash, limits};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which machine owns a transaction, a key or a receipt.
///
/// 0 is the host itself (ledger, block hashes) and never owns a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VmId(pub u8);

impl VmId {
    /// The host: what belongs to no machine.
    pub const HOST: Self = Self(0);
    /// Ethereum's machine.
    pub const EVM: Self = Self(1);
    /// Solana's machine.
    pub const SBF: Self = Self(2);
    /// CosmWasm's machine.
    pub const WASM: Self = Self(3);
    /// The toy machine of the conformance suite; never in a real genesis.
    pub const TOY: Self = Self(0xfe);

    /// The name that scripts and genesis files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::HOST => "host",
            Self::EVM => "evm",
            Self::SBF => "sbf",
            Self::WASM => "wasm",
            Self::TOY => "toy",
            _ => "unknown",
        }
    }
}

impl fmt::Display for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            "unknown" => write!(f, "vm {}", self.0),
            name => f.write_str(name),
        }
    }
}

/// A transaction in the form that its machine's own tools make, tagged with that machine.
///
/// Canonical bytes: `vm u8 | payload`, as EIP-2718 envelopes do it: injective with no length to get wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transaction {
    /// The machine that owns the payload.
    pub vm: VmId,
    /// The machine's native bytes, e.g. an EIP-2718 envelope. Never empty.
    pub payload: Bytes,
}

impl Transaction {
    /// `vm | payload`.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        [&[self.vm.0][..], &self.payload].concat().into()
    }

    /// Length of [`Self::to_bytes`].
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.payload.len().saturating_add(1)
    }

    /// Reads `vm | payload`.
    ///
    /// # Errors
    /// More than [`limits::TRANSACTION_BYTES_MAX`], nothing after the machine byte, or the host as machine.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (vm, payload) = split(bytes)?;
        Ok(Self { vm, payload: Bytes::copy_from_slice(payload) })
    }

    /// As [`Self::from_bytes`], without a copy: the payload shares the bytes that it was read from.
    ///
    /// # Errors
    /// The same.
    pub fn from_shared(bytes: &Bytes) -> Result<Self, DecodeError> {
        let (vm, _) = split(bytes)?;
        Ok(Self { vm, payload: bytes.slice(1..) })
    }

    /// `sha256("weft/tx" | vm | payload)`: names the bytes, whatever its machine calls the transaction.
    #[must_use]
    pub fn content_hash(&self) -> B256 {
        hash::sha256("weft/tx", &[&[self.vm.0], &self.payload])
    }
}

fn split(bytes: &[u8]) -> Result<(VmId, &[u8]), DecodeError> {
    if bytes.len() > limits::TRANSACTION_BYTES_MAX {
        return Err(DecodeError::TooLong { got: bytes.len(), max: limits::TRANSACTION_BYTES_MAX });
    }
    match bytes {
        [] | [_] => Err(DecodeError::Empty("transaction")),
        [0, ..] => Err(DecodeError::Malformed("machine 0 owns no transactions".into())),
        [vm, payload @ ..] => Ok((VmId(*vm), payload)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let tx = Transaction { vm: VmId::EVM, payload: Bytes::from_static(&[2, 3]) };
        assert_eq!(Transaction::from_bytes(&tx.to_bytes()), Ok(tx));
    }

    #[test]
    fn empty_host_and_oversized_are_refused() {
        assert!(Transaction::from_bytes(&[]).is_err());
        assert!(Transaction::from_bytes(&[1]).is_err());
        assert!(Transaction::from_bytes(&[0, 1]).is_err());
        assert!(Transaction::from_bytes(&vec![1; limits::TRANSACTION_BYTES_MAX + 1]).is_err());
    }
}
