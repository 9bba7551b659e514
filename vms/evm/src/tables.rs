//! Reading the EVM's tables, over committed state or through a journal. Balances are the ledger's.

use crate::key;
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use weft_state::{Journal, Key, ReadError, StateRead};
use weft_types::{AccountId, Bytes};

/// An account as the EVM sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// keccak256 of the code; [`KECCAK256_EMPTY`] where there is none.
    pub code_hash: B256,
}

impl Account {
    /// Whether EIP-161 calls it empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }
}

/// What stands under [`key::account`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) nonce: u64,
    pub(crate) code_hash: B256,
}

impl Record {
    pub(crate) const EMPTY: Self = Self { nonce: 0, code_hash: KECCAK256_EMPTY };

    pub(crate) fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(40);
        bytes.extend_from_slice(&self.nonce.to_be_bytes());
        if self.code_hash != KECCAK256_EMPTY {
            bytes.extend_from_slice(self.code_hash.as_slice());
        }
        bytes.into()
    }

    fn decode(bytes: &[u8]) -> Result<Self, ReadError> {
        let broken = || ReadError(format!("an EVM account of {} bytes stands in the store", bytes.len()));
        let (nonce, hash) = bytes.split_first_chunk::<8>().ok_or_else(broken)?;
        let code_hash = match hash.len() {
            0 => KECCAK256_EMPTY,
            32 => B256::from_slice(hash),
            _ => return Err(broken()),
        };
        Ok(Self { nonce: u64::from_be_bytes(*nonce), code_hash })
    }
}

/// The two things that values are read from.
pub(crate) trait Get {
    fn value(&mut self, key: &Key) -> Result<Option<Bytes>, ReadError>;
}

impl Get for &dyn StateRead {
    fn value(&mut self, key: &Key) -> Result<Option<Bytes>, ReadError> {
        self.get(key)
    }
}

impl Get for Journal<'_> {
    fn value(&mut self, key: &Key) -> Result<Option<Bytes>, ReadError> {
        self.get(key)
    }
}

pub(crate) fn record(from: &mut impl Get, address: Address) -> Result<Option<Record>, ReadError> {
    from.value(&key::account(address))?.map(|bytes| Record::decode(&bytes)).transpose()
}

pub(crate) fn word(from: &mut impl Get, key: &Key) -> Result<U256, ReadError> {
    from.value(key)?.map_or(Ok(U256::ZERO), |bytes| {
        U256::try_from_be_slice(&bytes)
            .ok_or_else(|| ReadError(format!("a word of {} bytes stands in the store", bytes.len())))
    })
}

/// The account at `address`; an empty one where there is none.
///
/// # Errors
/// [`ReadError`] where the store fails or holds no account under its key.
pub fn account(state: &dyn StateRead, address: Address) -> Result<Account, ReadError> {
    let mut state = state;
    let record = record(&mut state, address)?.unwrap_or(Record::EMPTY);
    let balance = word(&mut state, &weft_state::key::ledger(AccountId::from_evm(address)))?;
    Ok(Account { nonce: record.nonce, balance, code_hash: record.code_hash })
}

/// The code at `address`; empty where there is none.
///
/// # Errors
/// [`ReadError`] where the store fails.
pub fn code(state: &dyn StateRead, address: Address) -> Result<Bytes, ReadError> {
    let mut source = state;
    let hash = record(&mut source, address)?.unwrap_or(Record::EMPTY).code_hash;
    code_by_hash(&mut source, hash)
}

pub(crate) fn code_by_hash(from: &mut impl Get, hash: B256) -> Result<Bytes, ReadError> {
    if hash == KECCAK256_EMPTY {
        return Ok(Bytes::new());
    }
    from.value(&key::code(hash))?
        .ok_or_else(|| ReadError(format!("the code {hash} of an EVM account is not in the store")))
}

/// One slot of the storage of `address`; zero where nothing was written.
///
/// # Errors
/// [`ReadError`] where the store fails.
pub fn storage(state: &dyn StateRead, address: Address, slot: U256) -> Result<U256, ReadError> {
    let mut state = state;
    word(&mut state, &key::storage(address, slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_and_others_are_refused() {
        for record in [Record::EMPTY, Record { nonce: 7, code_hash: B256::repeat_byte(1) }] {
            assert_eq!(Record::decode(&record.encode()), Ok(record));
        }
        for length in [0, 7, 9, 39, 41] {
            assert!(Record::decode(&vec![0; length]).is_err());
        }
    }
}
