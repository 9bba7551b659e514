//! The messages that commands send, and the arguments that they are made of.

use super::super::super::encoded;
use super::super::super::exit::Failure;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2, MsgMigrateContract, MsgStoreCode,
};
use eyre::Result;
use flate2::Compression;
use flate2::read::GzEncoder;
use prost::{Message, Name};
use std::io::Read as _;
use std::path::Path;
use std::str::FromStr;
use weft_wasm::engine::MAX_CODE_SIZE;

/// Decimals of a whole token.
const DECIMALS: usize = 18;
/// Most bytes of a salt.
const SALT_BYTES_MAX: usize = 64;
/// What a compiled contract begins with.
const WASM: &[u8] = b"\0asm";
/// What gzip begins with.
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];

/// How much of the chain's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    units: u128,
    /// Where the argument named one.
    denom: Option<String>,
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
        let (number, denom) = text.split_at(end);
        let decimals = if denom.is_empty() { DECIMALS } else { 0 };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let broken = !(digits(part) && denom.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if broken || (whole.is_empty() && part.is_empty()) {
            return Err("it is no amount, like 1.5 (whole tokens) or 1500awei".into());
        }
        if part.len() > decimals {
            let most = if denom.is_empty() { "more than 18 decimals" } else { "a unit and decimals" };
            return Err(format!("it has {most}, and there is nothing less than one unit"));
        }
        let units = format!("{whole}{part:0<decimals$}").parse();
        let units = units.map_err(|_| "it does not fit 128 bits of the least unit".to_owned())?;
        Ok(Self { units, denom: Some(denom.to_owned()).filter(|denom| !denom.is_empty()) })
    }
}

impl Amount {
    /// In the chain's denomination.
    pub(super) fn coin(&self, denom: &str) -> Result<Coin, Failure> {
        match &self.denom {
            Some(other) if other != denom => Err(Failure::Usage(format!(
                "the amount is in {other}, and this chain's token is {denom}; tokens of contracts are sent by execute"
            ))),
            _ => Ok(Coin { denom: denom.to_owned(), amount: self.units.to_string() }),
        }
    }
}

/// What decides an address beside code and creator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Salt(Vec<u8>);

impl FromStr for Salt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = match text.strip_prefix("0x") {
            Some(digits) => hex::decode(digits).map_err(|error| format!("it is not hex: {error}"))?,
            None => text.as_bytes().to_vec(),
        };
        match bytes.len() {
            1..=SALT_BYTES_MAX => Ok(Self(bytes)),
            length => Err(format!("it has {length} bytes; give 1 to {SALT_BYTES_MAX}")),
        }
    }
}

/// A contract's message: JSON as an argument, or what stands in the file that `@FILE` names.
pub(super) fn json(argument: &str) -> Result<Vec<u8>, Failure> {
    let text = encoded::text(argument)?;
    match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        Ok(_) => Ok(text.into_bytes()),
        Err(error) => Err(Failure::Usage(format!(
            "MSG is no JSON ({error}): give what the contract expects, like '{{\"balance\":{{}}}}', or @FILE"
        ))),
    }
}

/// A contract's code out of a file, packed with gzip.
pub(super) fn code(path: &Path) -> Result<Vec<u8>, Failure> {
    let fail = |what: String| Failure::File(format!("the contract {} {what}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| fail(format!("can't be read: {error}")))?;
    let (mut bytes, max) = (Vec::new(), u64::try_from(MAX_CODE_SIZE).unwrap_or(u64::MAX));
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| fail(format!("can't be read: {error}")))?;
    if bytes.len() > MAX_CODE_SIZE {
        return Err(fail(format!(
            "has more than {MAX_CODE_SIZE} bytes, which is the most: compile it with `cosmwasm/optimizer`"
        )));
    }
    if bytes.starts_with(GZIP) {
        return Ok(bytes);
    }
    if !bytes.starts_with(WASM) {
        return Err(fail("is neither a Wasm module nor one in gzip".into()));
    }
    let mut packed = Vec::new();
    let done = GzEncoder::new(bytes.as_slice(), Compression::best()).read_to_end(&mut packed);
    done.map(|_| packed).map_err(|error| fail(format!("can't be packed: {error}")))
}

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}.{}", M::PACKAGE, M::NAME), value: message.encode_to_vec() }
}

pub(super) fn transfer(from: &str, to: String, amount: &Amount, denom: &str) -> Result<Any> {
    let amount = vec![amount.coin(denom)?];
    Ok(any(&MsgSend { from_address: from.to_owned(), to_address: to, amount }))
}

pub(super) fn store(sender: &str, code: Vec<u8>) -> Any {
    let sender = sender.to_owned();
    any(&MsgStoreCode { sender, wasm_byte_code: code, instantiate_permission: None })
}

/// What a new contract is made of, besides its message.
pub(super) struct Made {
    pub(super) code: u64,
    pub(super) label: String,
    /// Empty: nobody.
    pub(super) admin: String,
    pub(super) salt: Option<Salt>,
}

impl Made {
    pub(super) fn message(self, sender: &str, msg: Vec<u8>, funds: Vec<Coin>) -> Result<Any> {
        let Self { code: code_id, label, admin, salt } = self;
        let sender = sender.to_owned();
        Ok(match salt {
            None => any(&MsgInstantiateContract { sender, admin, code_id, label, msg, funds }),
            Some(Salt(salt)) => {
                let fix_msg = false;
                any(&MsgInstantiateContract2 { sender, admin, code_id, label, msg, funds, salt, fix_msg })
            }
        })
    }
}

pub(super) fn execute(sender: &str, contract: String, msg: Vec<u8>, funds: Vec<Coin>) -> Any {
    any(&MsgExecuteContract { sender: sender.to_owned(), contract, msg, funds })
}

pub(super) fn migrate(sender: &str, contract: String, code_id: u64, msg: Vec<u8>) -> Any {
    any(&MsgMigrateContract { sender: sender.to_owned(), contract, code_id, msg })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;

    #[test]
    fn amounts_are_least_units_exactly_or_refused() {
        for (text, units) in [
            ("1.5", 1_500_000_000_000_000_000),
            ("0.000000000000000001", 1),
            ("7", 7_000_000_000_000_000_000),
            ("1500awei", 1_500),
            ("340282366920938463463374607431768211455awei", u128::MAX),
        ] {
            let amount: Amount = text.parse().expect(text);
            assert_eq!(amount.units, units, "{text}");
            assert_eq!(amount.coin("awei").expect(text).amount, units.to_string());
        }
        let wrong = ["", ".", "-1", "1e3", "1,5", "1.5awei", "awei", "1.5.5", " 1", "1 awei", "1a-b"];
        for text in wrong {
            let amount =
                text.parse::<Amount>().and_then(|amount| amount.coin("awei").map_err(|e| e.to_string()));
            assert!(amount.is_err(), "{text:?}");
        }
        let too_fine = "0.0000000000000000001".parse::<Amount>().expect_err("19 decimals");
        assert!(too_fine.contains("18 decimals"), "{too_fine}");
        assert!("340282366920938463463374607431768211456awei".parse::<Amount>().is_err());
        let other: Amount = "5uatom".parse().expect("an amount");
        assert!(other.coin("awei").expect_err("another token").to_string().contains("uatom"));
    }

    #[test]
    fn salts_are_text_or_hex() {
        assert_eq!("salt".parse(), Ok(Salt(b"salt".to_vec())));
        assert_eq!("0x00ff".parse(), Ok(Salt(vec![0, 255])));
        for wrong in ["", "0x", "0x0", &"s".repeat(65)] {
            assert!(wrong.parse::<Salt>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn messages_are_json() {
        assert_eq!(json(" {\"a\": 1}\n").expect("JSON"), b"{\"a\": 1}");
        for wrong in ["", "{a: 1}", "{} {}"] {
            assert!(json(wrong).expect_err("no JSON").to_string().contains("MSG is no JSON"), "{wrong:?}");
        }
    }

    #[test]
    fn code_is_packed_unless_it_is_already() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let write = |content: &[u8]| std::fs::write(file.path(), content).expect("a write");
        let module = [WASM, &[1, 0, 0, 0], &[0; 1_000]].concat();
        write(&module);
        let packed = code(file.path()).expect("a module");
        assert!(packed.starts_with(GZIP) && packed.len() < module.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).expect("gzip");
        assert_eq!(unpacked, module);
        write(&packed);
        assert_eq!(code(file.path()).expect("packed"), packed);
        write(b"#!/bin/sh");
        assert!(code(file.path()).expect_err("no module").to_string().contains("neither"));
        write(&[WASM, &vec![0; MAX_CODE_SIZE]].concat());
        assert!(code(file.path()).expect_err("too long").to_string().contains("optimizer"));
    }
}
