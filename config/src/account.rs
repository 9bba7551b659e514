//! [`ListedAccount`]: an account as the users of its machine write it.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use weft_types::{AccountId, Address};

/// What a Wasm user's address begins with, before the `1`.
const PREFIX: &str = "weft";

/// An account in a list: an EVM address in hex, a Solana key in base58, or a Wasm user's address in bech32. Keys whose
/// base58 begins like such an address, one in forty million, can't be listed.
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
        // One that is mistyped may read as base58: what begins like an address is one or nothing.
        let beginning = text.get(..=PREFIX.len()).unwrap_or_default();
        if beginning.eq_ignore_ascii_case(&format!("{PREFIX}1")) {
            let user = wasm_user(text).ok_or_else(|| format!("{text:?} is no user's address in bech32"))?;
            return Ok(Self(AccountId::from_cosmos(user)));
        }
        let mut key = [0; 32];
        match bs58::decode(text).onto(&mut key) {
            Ok(32) => AccountId::from_key(key).map(Self).map_err(|error| format!("{text:?}: {error}")),
            _ => Err(format!(
                "{text:?} is neither an EVM address in hex, nor a Solana key in base58, nor a user's address in bech32"
            )),
        }
    }
}

/// The 20 bytes of an address in its one form: lower case.
fn wasm_user(text: &str) -> Option<[u8; 20]> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    let known = checked.hrp().as_str() == PREFIX && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    checked.validate_segwit_padding().ok()?;
    let bytes: Vec<u8> = checked.byte_iter().take(21).collect();
    bytes.try_into().ok().filter(|_| known)
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
        if let Some(address) = self.0.as_evm() {
            return address.fmt(f);
        }
        match self.0.as_cosmos() {
            Some(user) => {
                let text = bech32::encode::<Bech32>(Hrp::parse_unchecked(PREFIX), &user);
                f.write_str(&text.map_err(|_| fmt::Error)?)
            }
            None => f.write_str(&bs58::encode(self.0.0).into_string()),
        }
    }
}
