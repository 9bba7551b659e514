//! Addresses: bech32 of the 20 bytes of a user's key or the 32 bytes of a contract, and the account that each is.
//!
//! Invariants, as negatives:
//! - No two texts are one address: upper case, other prefixes and other lengths are refused.
//! - No address reaches an account that is tagged for another machine (design 03): not even a contract's 32 bytes.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use weft_types::AccountId;

/// What every address begins with, before the `1`.
pub const PREFIX: &str = "weft";
/// Bytes of a user's address: the hash of a key.
pub const USER_BYTES: usize = 20;
/// Bytes of a contract's address.
pub const CONTRACT_BYTES: usize = 32;
/// Most characters of an address: those of 32 bytes.
const TEXT_MAX: usize = PREFIX.len() + 1 + 52 + 6;

/// Why a text or bytes are no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not bech32 in lower case with its checksum.
    #[error("decoding bech32 failed")]
    Bech32,
    /// Of another chain.
    #[error("invalid Bech32 prefix; expected weft")]
    Prefix,
    /// Neither 20 nor 32 bytes.
    #[error("an address has 20 or 32 bytes, this one has {0}")]
    Length(usize),
    /// 32 bytes that are kept for accounts of another kind.
    #[error("these 32 bytes are kept for accounts of 20 bytes")]
    Reserved,
}

/// The text of `bytes`, whatever they are.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let prefix = Hrp::parse_unchecked(PREFIX);
    // Fails past bech32's 1,023 characters alone; no address is as long.
    bech32::encode::<Bech32>(prefix, bytes).unwrap_or_default()
}

/// The bytes of an address.
///
/// # Errors
/// [`AddressError`]: it is none, or not in its one form.
pub fn decode(text: &str) -> Result<Vec<u8>, AddressError> {
    if text.len() > TEXT_MAX || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(AddressError::Bech32);
    }
    let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| AddressError::Bech32)?;
    if checked.hrp().as_str() != PREFIX {
        return Err(AddressError::Prefix);
    }
    checked.validate_segwit_padding().map_err(|_| AddressError::Bech32)?;
    let bytes: Vec<u8> = checked.byte_iter().collect();
    if !matches!(bytes.len(), USER_BYTES | CONTRACT_BYTES) {
        return Err(AddressError::Length(bytes.len()));
    }
    Ok(bytes)
}

/// The account that an address' bytes are.
///
/// # Errors
/// [`AddressError`]: no account of this machine can have them.
pub fn account_id(bytes: &[u8]) -> Result<AccountId, AddressError> {
    if let Ok(user) = <[u8; USER_BYTES]>::try_from(bytes) {
        return Ok(AccountId::from_cosmos(user));
    }
    let contract = <[u8; CONTRACT_BYTES]>::try_from(bytes).map_err(|_| AddressError::Length(bytes.len()))?;
    AccountId::from_key(contract).map_err(|_| AddressError::Reserved)
}

/// The bytes by which contracts see an account: 20 of a Cosmos user, or all 32.
#[must_use]
pub fn from_account(id: AccountId) -> Vec<u8> {
    id.as_cosmos().map_or_else(|| id.0.to_vec(), |user| user.to_vec())
}

/// The account of a text.
///
/// # Errors
/// [`AddressError`].
pub fn parse(text: &str) -> Result<AccountId, AddressError> {
    account_id(&decode(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_types::Address;

    #[test]
    fn one_text_is_one_account() {
        for bytes in [vec![7; USER_BYTES], vec![0xff; CONTRACT_BYTES]] {
            let text = encode(&bytes);
            assert_eq!(decode(&text), Ok(bytes.clone()), "{text}");
            let id = account_id(&bytes).expect("an account");
            assert_eq!(from_account(id), bytes);
            assert_eq!(parse(&text), Ok(id));
            assert_eq!(decode(&text.to_uppercase()), Err(AddressError::Bech32));
            assert_eq!(decode(&format!("{text}q")), Err(AddressError::Bech32));
        }
        assert_eq!(encode(&[7; CONTRACT_BYTES]).len(), TEXT_MAX);
        assert_eq!(decode(&encode(&[7; 21])), Err(AddressError::Length(21)));
        assert_eq!(decode(""), Err(AddressError::Bech32));
        let other = bech32::encode::<Bech32>(Hrp::parse_unchecked("cosmos"), &[7; 20]).expect("short");
        assert_eq!(decode(&other), Err(AddressError::Prefix));
        let newer = bech32::encode::<bech32::Bech32m>(Hrp::parse_unchecked(PREFIX), &[7; 20]).expect("short");
        assert_eq!(decode(&newer), Err(AddressError::Bech32));
    }

    #[test]
    fn tagged_accounts_of_other_machines_have_no_address_of_32_bytes() {
        let evm = AccountId::from_evm(Address::repeat_byte(7));
        let user = AccountId::from_cosmos([7; 20]);
        assert_eq!(account_id(evm.0.as_slice()), Err(AddressError::Reserved));
        assert_eq!(account_id(user.0.as_slice()), Err(AddressError::Reserved));
    }
}
