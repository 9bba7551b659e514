//! [`ListedAccount`]: an account as the users of its machine write it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use weft_types::{AccountId, Address};

/// An account in a list: an EVM address in hex, or a Solana key in base58.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListedAccount(pub AccountId);

impl FromStr for ListedAccount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // 40 hex digits are never 32 bytes in base58, so each text has one meaning.
        if let Ok(address) = text.parse::<Address>() {
            return Ok(Self(AccountId::from_evm(address)));
        }
        let mut key = [0; 32];
        match bs58::decode(text).onto(&mut key) {
            Ok(32) => AccountId::from_key(key).map(Self).map_err(|error| format!("{text:?}: {error}")),
            _ => Err(format!("{text:?} is neither an EVM address in hex nor a Solana key in base58")),
        }
    }
}

impl TryFrom<String> for ListedAccount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ListedAccount> for String {
    fn from(account: ListedAccount) -> Self {
        account.to_string()
    }
}

impl fmt::Display for ListedAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_evm() {
            Some(address) => address.fmt(f),
            None => f.write_str(&bs58::encode(self.0.0).into_string()),
        }
    }
}
