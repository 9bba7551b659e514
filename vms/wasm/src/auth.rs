//! Accounts: sequence and public key, and who exists.
//!
//! An account number is a function of the address ([`account_number`]): other chains count accounts as they appear, so
//! that a signature, which covers the number, can't be verified without the state, and an account that another machine
//! paid has none. Numbers guard against replay where accounts can be removed; here no account's sequence ever is.
//!
//! Invariants, as negatives:
//! - No sequence ever falls.
//! - No record is written but by a transaction that the account signed.

use crate::keeper::keys;
use crate::{address, key};
use borsh::{BorshDeserialize, BorshSerialize};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::auth::v1beta1::BaseAccount;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use prost::Message as _;
use weft_state::{Journal, ReadError};
use weft_types::AccountId;

/// The type of a public key in protobuf.
pub const PUBKEY_URL: &str = "/cosmos.crypto.secp256k1.PubKey";
/// The type of an account in protobuf.
pub const ACCOUNT_URL: &str = "/cosmos.auth.v1beta1.BaseAccount";

/// What is kept of an account that has signed.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Record {
    /// What its next transaction must have.
    pub sequence: u64,
    /// Compressed; `None` while it has signed nothing.
    pub pubkey: Option<[u8; 33]>,
}

/// The number of the account with that address: the first six bytes of `sha256("weft/wasm/account" | address)`, which
/// JavaScript can count.
#[must_use]
pub fn account_number(address: &[u8]) -> u64 {
    let hash = weft_types::hash::sha256("weft/wasm/account", &[address]);
    hash.0[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The record of `id`: of one that has signed nothing where there is none.
///
/// # Errors
/// [`ReadError`] where the store fails.
pub fn record(journal: &mut Journal<'_>, id: AccountId) -> Result<Record, ReadError> {
    match journal.get(&key::account(id))? {
        None => Ok(Record::default()),
        Some(bytes) => decode(&bytes),
    }
}

fn decode(bytes: &[u8]) -> Result<Record, ReadError> {
    Record::try_from_slice(bytes)
        .map_err(|error| ReadError(format!("the record of an account is broken: {error}")))
}

/// Writes the record of `id`.
///
/// # Errors
/// [`ReadError`] where it can't be encoded.
pub fn set_record(journal: &mut Journal<'_>, id: AccountId, record: &Record) -> Result<(), ReadError> {
    let bytes = borsh::to_vec(record)
        .map_err(|error| ReadError(format!("the record of an account can't be written: {error}")))?;
    journal.set(key::account(id), bytes.into());
    Ok(())
}

/// Whether clients see an account there: it has signed, has money, or is a contract.
///
/// # Errors
/// [`ReadError`] where the store fails.
pub fn exists(journal: &mut Journal<'_>, id: AccountId) -> Result<bool, ReadError> {
    Ok(journal.get(&key::account(id))?.is_some()
        || !journal.balance(id)?.is_zero()
        || journal.get(&keys::contract(id))?.is_some())
}

/// The account as clients see it; `None` where there is none.
///
/// # Errors
/// [`ReadError`] where the store fails.
pub fn base_account(journal: &mut Journal<'_>, id: AccountId) -> Result<Option<BaseAccount>, ReadError> {
    if !exists(journal, id)? {
        return Ok(None);
    }
    let record = record(journal, id)?;
    Ok(Some(to_proto(id, &record)))
}

fn to_proto(id: AccountId, record: &Record) -> BaseAccount {
    let bytes = address::from_account(id);
    let pub_key = record.pubkey.map(|key| pubkey_any(&key));
    BaseAccount {
        address: address::encode(&bytes),
        pub_key,
        account_number: account_number(&bytes),
        sequence: record.sequence,
    }
}

/// The account of a record that was found under [`key::accounts`], by what follows that.
///
/// # Errors
/// [`ReadError`] where either is broken.
pub fn listed(id: &[u8], record: &[u8]) -> Result<BaseAccount, ReadError> {
    let id = <[u8; 32]>::try_from(id).map_err(|_| ReadError("the key of an account is broken".to_owned()))?;
    Ok(to_proto(AccountId(id.into()), &decode(record)?))
}

/// A public key in protobuf.
#[must_use]
pub fn pubkey_any(key: &[u8; 33]) -> Any {
    Any { type_url: PUBKEY_URL.to_owned(), value: PubKey { key: key.to_vec() }.encode_to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_the_address_alone_and_fit_javascript() {
        let numbers: Vec<u64> = (0..=u8::MAX).map(|byte| account_number(&[byte; 20])).collect();
        assert!(numbers.iter().all(|number| *number < 1 << 48));
        let mut distinct = numbers.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), numbers.len());
        assert_eq!(account_number(&[0; 20]), numbers[0]);
    }
}
