//! How values stand in the file: one way to write each, so that the hash does not depend on the hand.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use weft_types::{AccountId, Address, B256, Bytes, U256, VmId};

fn decode_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    hex::decode(text.strip_prefix("0x").unwrap_or(&text))
        .map_err(|error| D::Error::custom(format_args!("{text:?} is not hex: {error}")))
}

fn sized<const N: usize, E: Error>(bytes: &[u8], what: &str) -> Result<[u8; N], E> {
    <[u8; N]>::try_from(bytes)
        .map_err(|_| E::custom(format_args!("{what} is {N} bytes in hex, got {}", bytes.len())))
}

/// 32 bytes in hex.
pub(crate) mod hash {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(hash: &B256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(hash)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<B256, D::Error> {
        Ok(B256::new(sized(&decode_hex(deserializer)?, "a hash")?))
    }
}

/// 20 bytes in hex. Lower case when written; the case of the checksum is not required when read.
pub(crate) mod address {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(address)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
        Ok(Address::new(sized(&decode_hex(deserializer)?, "an address")?))
    }
}

/// An EVM address, or 32 bytes of any account. An EVM account is always written as its 20 bytes.
pub(crate) mod account {
    use super::*;

    pub(crate) fn text(account: &AccountId) -> String {
        match account.as_evm() {
            Some(address) => format!("0x{}", hex::encode(address)),
            None => format!("0x{}", hex::encode(account.0)),
        }
    }

    pub(crate) fn serialize<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(account))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountId, D::Error> {
        let bytes = decode_hex(deserializer)?;
        match bytes.len() {
            20 => Ok(AccountId::from_evm(Address::from_slice(&bytes))),
            32 => Ok(AccountId(B256::from_slice(&bytes))),
            got => Err(D::Error::custom(format_args!(
                "an account is 20 bytes (EVM) or 32 bytes in hex, got {got} bytes"
            ))),
        }
    }
}

/// Wei as a decimal string: numbers of JSON and TOML do not hold 256 bits.
pub(crate) mod wei {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(wei: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(wei)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| U256::from_str_radix(&text, 10).ok()).flatten().ok_or_else(|| {
            D::Error::custom(format_args!("{text:?} is no amount: write wei as decimal digits in quotes"))
        })
    }
}

/// Bytes in hex.
pub(crate) mod bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(bytes)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        decode_hex(deserializer).map(Bytes::from)
    }
}

/// A machine by its name.
pub(crate) mod vm {
    use super::*;

    const NAMED: [VmId; 4] = [VmId::EVM, VmId::SBF, VmId::WASM, VmId::TOY];

    pub(crate) fn serialize<S: Serializer>(vm: &VmId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(vm.name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VmId, D::Error> {
        let name = String::deserialize(deserializer)?;
        NAMED
            .into_iter()
            .find(|vm| vm.name() == name)
            .ok_or_else(|| D::Error::custom(format_args!("{name:?} is no machine: one of evm, sbf, wasm")))
    }
}
