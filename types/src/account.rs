//! [`AccountId`]: the one identity under all machines, and the injective maps into it (design 03).

use crate::{Address, B256};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The last 12 bytes of an EVM address seen as an account.
pub const TAG_EVM: [u8; 12] = *b"weft/evm/acc";
/// The last 12 bytes of a Cosmos user key's hash seen as an account.
pub const TAG_COSMOS: [u8; 12] = *b"weft/cos/acc";

/// 32 bytes that name one account on all machines. Balances, and nothing else, are kept by it directly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub B256);

/// 32 bytes that end in a tag name a tagged account and can't be taken as a key or a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these 32 bytes end in a tag that is kept for accounts of 20 bytes")]
pub struct ReservedTag;

impl AccountId {
    /// `address | TAG_EVM`.
    #[must_use]
    pub fn from_evm(address: Address) -> Self {
        Self::tagged(address.0.0, TAG_EVM)
    }

    /// `hash160 | TAG_COSMOS`.
    #[must_use]
    pub fn from_cosmos(hash160: [u8; 20]) -> Self {
        Self::tagged(hash160, TAG_COSMOS)
    }

    /// A Solana key or program, or a Wasm contract: its own 32 bytes.
    ///
    /// # Errors
    /// [`ReservedTag`] for the one in 2^95 that would collide with a tagged account.
    pub fn from_key(key: [u8; 32]) -> Result<Self, ReservedTag> {
        let id = Self(B256::new(key));
        if id.ends_with(TAG_EVM) || id.ends_with(TAG_COSMOS) { Err(ReservedTag) } else { Ok(id) }
    }

    /// The EVM address, where this is an EVM account.
    #[must_use]
    pub fn as_evm(&self) -> Option<Address> {
        self.ends_with(TAG_EVM).then(|| Address::from_slice(&self.0[..20]))
    }

    /// The hash of the Cosmos key, where this is a Cosmos user.
    #[must_use]
    pub fn as_cosmos(&self) -> Option<[u8; 20]> {
        self.ends_with(TAG_COSMOS).then(|| Address::from_slice(&self.0[..20]).into_array())
    }

    fn tagged(bytes: [u8; 20], tag: [u8; 12]) -> Self {
        let mut id = [0; 32];
        id[..20].copy_from_slice(&bytes);
        id[20..].copy_from_slice(&tag);
        Self(B256::new(id))
    }

    fn ends_with(&self, tag: [u8; 12]) -> bool {
        self.0[20..] == tag
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_are_injective() {
        let address = Address::repeat_byte(7);
        let evm = AccountId::from_evm(address);
        let cosmos = AccountId::from_cosmos(address.into_array());
        assert_ne!(evm, cosmos);
        assert_eq!(evm.as_evm(), Some(address));
        assert_eq!(evm.as_cosmos(), None);
        assert_eq!(cosmos.as_cosmos(), Some(address.into_array()));
        assert_eq!(AccountId::from_key(evm.0.0), Err(ReservedTag));
        assert_eq!(AccountId::from_key(cosmos.0.0), Err(ReservedTag));
        assert!(AccountId::from_key([7; 32]).is_ok());
    }
}
