//! Amounts of denominations, with the rules that other chains hold them to.

use super::json::JsonCoin;
use crate::fault::{Fault, INVALID_COINS, SDK};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use std::collections::BTreeMap;
use std::fmt;
use weft_types::U256;

/// Most characters of a denomination.
const DENOM_MAX: usize = 128;
/// Most digits of an amount: more don't fit 256 bits.
const DIGITS_MAX: usize = 78;

/// An amount of a denomination. Below zero it is never valid, but it is told apart from what can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coin {
    pub(super) denom: String,
    pub(super) amount: U256,
    negative: bool,
}

impl Coin {
    pub(super) fn new(denom: &str, amount: U256) -> Self {
        Self { denom: denom.to_owned(), amount, negative: false }
    }

    /// `None` where the amount is no whole number of up to 256 bits.
    fn read(denom: &str, amount: &str) -> Option<Self> {
        let (negative, digits) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let digits = digits.trim_start_matches('0');
        let all_digits = amount.bytes().skip(usize::from(negative)).all(|byte| byte.is_ascii_digit());
        if amount.len() <= usize::from(negative) || !all_digits || digits.len() > DIGITS_MAX {
            return None;
        }
        let amount = if digits.is_empty() { U256::ZERO } else { U256::from_str_radix(digits, 10).ok()? };
        Some(Self { denom: denom.to_owned(), amount, negative: negative && !amount.is_zero() })
    }

    fn positive(&self) -> bool {
        !self.negative && !self.amount.is_zero()
    }

    pub(super) fn to_json(&self) -> JsonCoin {
        JsonCoin { denom: self.denom.clone(), amount: self.amount.to_string() }
    }

    pub(super) fn to_proto(&self) -> ProtoCoin {
        ProtoCoin { denom: self.denom.clone(), amount: self.amount.to_string() }
    }
}

impl fmt::Display for Coin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{}{}", self.amount, self.denom)
    }
}

/// Several coins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coins(pub(super) Vec<Coin>);

impl Coins {
    /// Coins of a message, as they were sent.
    pub(super) fn from_proto(coins: &[ProtoCoin]) -> Result<Self, Fault> {
        let read = |coin: &ProtoCoin| {
            Coin::read(&coin.denom, &coin.amount)
                .ok_or_else(|| Fault::sdk(2, format!("invalid amount of {}", coin.denom)))
        };
        coins.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Coins of a contract's message: added up by denomination, sorted, none of zero.
    pub(super) fn from_contract(coins: &[JsonCoin]) -> Result<Self, Fault> {
        let mut sum = BTreeMap::new();
        for coin in coins {
            let read = Coin::read(&coin.denom, &coin.amount)
                .ok_or_else(|| Fault::sdk(10, format!("{}{}", coin.amount, coin.denom)))?;
            if !is_denom(&read.denom) {
                return Err(Fault::undefined(format!("invalid denom: {}", read.denom)));
            }
            if read.negative {
                return Err(Fault::undefined(format!("negative coin amount: -{}", read.amount)));
            }
            add(&mut sum, &read)?;
        }
        Ok(Self::from_sum(sum))
    }

    /// All of these together, sorted.
    pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Self>) -> Result<Self, Fault> {
        let mut sum = BTreeMap::new();
        for coin in all.flat_map(|coins| &coins.0) {
            add(&mut sum, coin)?;
        }
        Ok(Self::from_sum(sum))
    }

    fn from_sum(sum: BTreeMap<String, U256>) -> Self {
        let positive = sum.into_iter().filter(|(_, amount)| !amount.is_zero());
        Self(positive.map(|(denom, amount)| Coin { denom, amount, negative: false }).collect())
    }

    /// Whether each denomination is well formed, stands once and in order, with more than zero of it.
    ///
    /// # Errors
    /// An error without a code, as other chains have it.
    pub(super) fn validate(&self) -> Result<(), Fault> {
        let mut before: Option<&str> = None;
        for coin in &self.0 {
            let denom = coin.denom.as_str();
            let fault = match before {
                _ if !is_denom(denom) => format!("invalid denom: {denom}"),
                Some(low) if denom < low => format!("denomination {denom} is not sorted"),
                Some(low) if denom == low => format!("duplicate denomination {denom}"),
                Some(_) if !coin.positive() => format!("coin {denom} amount is not positive"),
                None if !coin.positive() => format!("coin {coin} amount is not positive"),
                _ => {
                    before = Some(denom);
                    continue;
                }
            };
            return Err(Fault::undefined(fault));
        }
        Ok(())
    }

    /// [`Self::validate`], for what must move something.
    pub(super) fn validate_transfer(&self) -> Result<(), Fault> {
        if self.0.is_empty() || self.validate().is_err() {
            // The coins stand before the colon even where there are none.
            return Err(Fault::new(SDK, 10, format!("{self}: {INVALID_COINS}")));
        }
        Ok(())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|coin| coin.amount.is_zero())
    }

    pub(super) fn to_json(&self) -> Vec<JsonCoin> {
        self.0.iter().map(Coin::to_json).collect()
    }

    pub(super) fn to_proto(&self) -> Vec<ProtoCoin> {
        self.0.iter().map(Coin::to_proto).collect()
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, coin) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{coin}")?;
        }
        Ok(())
    }
}

fn add(sum: &mut BTreeMap<String, U256>, coin: &Coin) -> Result<(), Fault> {
    let known = sum.get(&coin.denom).copied().unwrap_or_default();
    let total =
        known.checked_add(coin.amount).ok_or_else(|| Fault::sdk(10, format!("{coin} is too much")))?;
    sum.insert(coin.denom.clone(), total);
    Ok(())
}

/// A letter, then 2 to 127 letters, digits and `/:._-`.
pub(super) fn is_denom(denom: &str) -> bool {
    let mut bytes = denom.bytes();
    (3..=DENOM_MAX).contains(&denom.len())
        && bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"/:._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(denom: &str, amount: &str) -> JsonCoin {
        JsonCoin { denom: denom.to_owned(), amount: amount.to_owned() }
    }

    #[test]
    fn coins_of_contracts_are_added_up_and_sorted() {
        let coins = [json("weft", "1"), json("awei", "2"), json("awei", "3"), json("gone", "0")];
        assert_eq!(Coins::from_contract(&coins).expect("coins").to_string(), "5awei,1weft");
        assert_eq!(Coins::from_contract(&[json("awei", "x")]).expect_err("no number").code(), ("sdk", 10));
        let negative = Coins::from_contract(&[json("awei", "-1")]).expect_err("negative");
        assert_eq!(negative, Fault::undefined("negative coin amount: -1"));
        assert_eq!(Coins::from_contract(&[json("a", "1")]).expect_err("short").code(), ("undefined", 1));
    }

    #[test]
    fn amounts_are_whole_numbers_of_256_bits() {
        assert!(Coin::read("awei", &U256::MAX.to_string()).is_some());
        for amount in ["", "-", "+1", "1.0", "1e3", " 1", "１", &"9".repeat(79), &"9".repeat(78)] {
            assert_eq!(Coin::read("awei", amount), None, "{amount}");
        }
        assert_eq!(Coin::read("awei", "-0"), Some(Coin::new("awei", U256::ZERO)));
    }

    #[test]
    fn order_and_repetition_are_checked() {
        let coins = |all: &[&str]| Coins(all.iter().map(|denom| Coin::new(denom, U256::from(1))).collect());
        assert!(coins(&["abc", "abd"]).validate().is_ok());
        assert!(coins(&["abd", "abc"]).validate().is_err());
        assert!(coins(&["abc", "abc"]).validate().is_err());
        let text = |all: &[&str]| coins(all).validate().expect_err("refused").to_string();
        assert_eq!(text(&["abd", "abc"]), "denomination abc is not sorted");
        assert_eq!(text(&["abc", "abc"]), "duplicate denomination abc");
        assert_eq!(text(&["a"]), "invalid denom: a");
        let zero = Coins(vec![Coin::new("awei", U256::ZERO)]);
        assert_eq!(zero.validate().expect_err("zero").to_string(), "coin 0awei amount is not positive");
        assert!(Coins::default().validate().is_ok() && Coins::default().validate_transfer().is_err());
    }
}
