//! The form of messages: what can be told of one without the state. Errors and their order are those of other chains.

use super::CODE_MAX;
use super::addresses::{Address, SALT_MAX};
use super::coin::Coins;
use super::json::is_json;
use super::sdk::Message;
use crate::fault::Fault;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgStoreAndInstantiateContract, Params,
};
use std::collections::BTreeSet;

/// Most bytes of a label.
const LABEL_MAX: usize = 128;
/// Most addresses of an access config.
const ADDRESSES_MAX: usize = 50;
/// Most bytes of addresses, and most addresses, of an access config that is not about addresses. Ours.
const UNUSED_BYTES_MAX: usize = 4 << 10;
/// Most codes that are pinned or unpinned at once.
const CODE_IDS_MAX: usize = 50;

impl Message {
    /// Checks the form.
    ///
    /// # Errors
    /// [`Fault`]: the message can never succeed.
    pub fn validate(&self) -> Result<(), Fault> {
        match self {
            // The rest of these is checked when they run, as others do.
            Self::Send(msg) => Coins::from_proto(&msg.amount).map(drop),
            Self::MultiSend(msg) => {
                let inputs = msg.inputs.iter().map(|input| &input.coins);
                let mut all = inputs.chain(msg.outputs.iter().map(|output| &output.coins));
                all.try_for_each(|coins| Coins::from_proto(coins).map(drop))
            }
            Self::StoreCode(msg) => {
                Address::parse(&msg.sender)?;
                code(&msg.wasm_byte_code)?;
                permission(msg.instantiate_permission.as_ref())
            }
            Self::Instantiate(msg) => {
                Address::parse_as(&msg.sender, "sender")?;
                code_id(msg.code_id)?;
                label(&msg.label)?;
                funds(&msg.funds)?;
                admin(&msg.admin)?;
                payload(&msg.msg)
            }
            Self::Instantiate2(msg) => {
                Address::parse_as(&msg.sender, "sender")?;
                code_id(msg.code_id)?;
                label(&msg.label)?;
                funds(&msg.funds)?;
                admin(&msg.admin)?;
                payload(&msg.msg)?;
                salt(&msg.salt).map_err(|fault| fault.wrap("salt"))
            }
            Self::Execute(msg) => {
                Address::parse_as(&msg.sender, "sender")?;
                Address::parse_as(&msg.contract, "contract")?;
                funds(&msg.funds)?;
                payload(&msg.msg)
            }
            Self::Migrate(msg) => {
                code_id(msg.code_id)?;
                Address::parse_as(&msg.sender, "sender")?;
                Address::parse_as(&msg.contract, "contract")?;
                payload(&msg.msg)
            }
            Self::UpdateAdmin(msg) => {
                Address::parse_as(&msg.sender, "sender")?;
                Address::parse_as(&msg.contract, "contract")?;
                Address::parse_as(&msg.new_admin, "new admin")?;
                if msg.sender.eq_ignore_ascii_case(&msg.new_admin) {
                    return Err(Fault::wasm(14, "new admin is the same as the old"));
                }
                Ok(())
            }
            Self::ClearAdmin(msg) => {
                Address::parse_as(&msg.sender, "sender")?;
                Address::parse_as(&msg.contract, "contract").map(drop)
            }
            Self::UpdateLabel(msg) => {
                Address::parse_as(&msg.sender, "sender")?;
                label(&msg.new_label)?;
                Address::parse_as(&msg.contract, "contract").map(drop)
            }
            Self::UpdateInstantiateConfig(msg) => {
                Address::parse(&msg.sender)?;
                code_id(msg.code_id)?;
                match &msg.new_instantiate_permission {
                    None => Err(Fault::sdk(18, "instantiate permission is required")),
                    some => permission(some.as_ref()),
                }
            }
            Self::StoreAndInstantiate(msg) => {
                Address::parse_as(&msg.authority, "authority")?;
                label(&msg.label)?;
                funds(&msg.funds)?;
                admin(&msg.admin)?;
                verification(msg).map_err(|fault| fault.wrap("code verification info"))?;
                payload(&msg.msg)?;
                code(&msg.wasm_byte_code)?;
                permission(msg.instantiate_permission.as_ref())
            }
            Self::StoreAndMigrate(msg) => {
                Address::parse_as(&msg.authority, "authority")?;
                Address::parse_as(&msg.contract, "contract")?;
                payload(&msg.msg)?;
                code(&msg.wasm_byte_code)?;
                permission(msg.instantiate_permission.as_ref())
            }
            Self::OfAuthority { authority, form, .. } => {
                Address::parse_as(authority, "authority")?;
                form.clone()
            }
        }
    }
}

fn code(bytes: &[u8]) -> Result<(), Fault> {
    if bytes.is_empty() {
        return Err(Fault::sdk(18, "code bytes is required: empty"));
    }
    if bytes.len() > CODE_MAX {
        let text = format!("code bytes cannot be longer than {CODE_MAX} bytes: exceeds limit");
        return Err(Fault::sdk(18, text));
    }
    Ok(())
}

fn code_id(id: u64) -> Result<(), Fault> {
    if id == 0 { Err(Fault::sdk(18, "code id is required")) } else { Ok(()) }
}

fn funds(coins: &[Coin]) -> Result<(), Fault> {
    Coins::from_proto(coins)?.validate().map_err(|fault| fault.wrap("funds"))
}

fn admin(address: &str) -> Result<(), Fault> {
    if address.is_empty() { Ok(()) } else { Address::parse_as(address, "admin").map(drop) }
}

fn payload(msg: &[u8]) -> Result<(), Fault> {
    json(msg).map_err(|fault| fault.wrap("payload msg"))
}

/// A message to a contract is JSON.
pub(super) fn json(msg: &[u8]) -> Result<(), Fault> {
    if is_json(msg) { Ok(()) } else { Err(Fault::wasm(14, "")) }
}

pub(super) fn salt(salt: &[u8]) -> Result<(), Fault> {
    match salt.len() {
        0 => Err(Fault::wasm(12, "is required")),
        1..=SALT_MAX => Ok(()),
        _ => Err(Fault::wasm(13, format!("cannot be longer than {SALT_MAX} characters"))),
    }
}

fn label(label: &str) -> Result<(), Fault> {
    let fault = if label.is_empty() {
        Fault::wasm(12, "is required")
    } else if label.len() > LABEL_MAX {
        Fault::wasm(13, format!("cannot be longer than {LABEL_MAX} characters"))
    } else if label.trim() != label {
        Fault::wasm(14, "label must not start/end with whitespaces")
    } else if !label.chars().all(printable) {
        Fault::wasm(14, "label must have printable characters only")
    } else {
        return Ok(());
    };
    Err(fault.wrap("label"))
}

/// Letters, marks, numbers, punctuation, symbols and the plain space: neither control, nor other spaces, nor what has
/// no shape or is for private use.
fn printable(character: char) -> bool {
    let shapeless = matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}' | '\u{f0000}'..);
    character == ' ' || !(character.is_control() || character.is_whitespace() || shapeless)
}

fn permission(config: Option<&AccessConfig>) -> Result<(), Fault> {
    let Some(config) = config else { return Ok(()) };
    access(config).map_err(|fault| fault.wrap("instantiate permission"))
}

/// What says where a code comes from is whole or not there. Nothing here follows it.
fn verification(msg: &MsgStoreAndInstantiateContract) -> Result<(), Fault> {
    let MsgStoreAndInstantiateContract { source, builder, code_hash, .. } = msg;
    let parts = [
        (source.is_empty(), "source is required"),
        (builder.is_empty(), "builder is required"),
        (code_hash.is_empty(), "code hash is required"),
    ];
    if parts.iter().all(|(missing, _)| *missing) {
        return Ok(());
    }
    let missing = parts.iter().find(|(missing, _)| *missing);
    missing.map_or(Ok(()), |(_, text)| Err(Fault::undefined(*text)))
}

/// The form of parameters of the wasm module.
pub(super) fn params(params: Option<&Params>) -> Result<(), Fault> {
    let params = params.cloned().unwrap_or_default();
    let default = AccessConfig { permission: params.instantiate_default_permission, ..Default::default() };
    // What addresses it would be for is told when a code is stored.
    if default.permission != AccessType::AnyOfAddresses as i32 {
        access(&default).map_err(|fault| fault.wrap("instantiate default permission"))?;
    }
    access(&params.code_upload_access.unwrap_or_default()).map_err(|fault| fault.wrap("upload access"))
}

/// The form of a privileged call.
pub(super) fn sudo(contract: &str, msg: &[u8]) -> Result<(), Fault> {
    Address::parse_as(contract, "contract")?;
    payload(msg)
}

/// The form of a list of codes.
pub(super) fn code_ids(all: &[u64]) -> Result<(), Fault> {
    let text = match all.len() {
        0 => "empty code ids".to_owned(),
        1..=CODE_IDS_MAX if all.iter().collect::<BTreeSet<_>>().len() == all.len() => return Ok(()),
        1..=CODE_IDS_MAX => "duplicate code ids".to_owned(),
        _ => format!("total number of code ids is greater than {CODE_IDS_MAX}"),
    };
    Err(Fault::sdk(18, text))
}

fn access(config: &AccessConfig) -> Result<(), Fault> {
    match AccessType::try_from(config.permission) {
        Ok(AccessType::Unspecified) => Err(Fault::wasm(12, "type")),
        Ok(AccessType::Nobody | AccessType::Everybody) => {
            // They say nothing, and are kept with the code, which is read often.
            let bytes = config.addresses.iter().map(String::len).fold(0, usize::saturating_add);
            if bytes.max(config.addresses.len()) > UNUSED_BYTES_MAX {
                let text = format!("addresses that say nothing have more than {UNUSED_BYTES_MAX} bytes");
                return Err(Fault::wasm(13, text));
            }
            Ok(())
        }
        Ok(AccessType::AnyOfAddresses) => {
            addresses(&config.addresses).map_err(|fault| fault.wrap("addresses"))
        }
        Err(_) => Err(Fault::wasm(14, "unknown type: \"Unspecified\"")),
    }
}

/// The form of a list of addresses.
pub(super) fn addresses(all: &[String]) -> Result<(), Fault> {
    if all.is_empty() {
        return Err(Fault::wasm(12, "addresses"));
    }
    if all.len() > ADDRESSES_MAX {
        return Err(Fault::sdk(18, format!("total number of addresses is greater than {ADDRESSES_MAX}")));
    }
    let mut known = BTreeSet::new();
    for address in all {
        let parsed = Address::parse_as(address, &format!("address: {address}"))?;
        if !known.insert(parsed.bytes) {
            return Err(Fault::wasm(15, "duplicate addresses"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_printable() {
        assert!(label("my contract №1").is_ok());
        for (text, code) in [("", 12), (" a", 14), ("a\u{7}b", 14), ("a\u{200b}b", 14)] {
            assert_eq!(label(text).expect_err("refused").code(), ("wasm", code), "{text:?}");
        }
        assert_eq!(label(&"a".repeat(129)).expect_err("long").code(), ("wasm", 13));
    }

    #[test]
    fn json_is_one_value() {
        for good in ["{}", "[1]", " null ", "\"a\"", "1e5"] {
            assert!(json(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", "{", "{} {}", "nul"] {
            assert_eq!(json(bad.as_bytes()).expect_err("refused").code(), ("wasm", 14), "{bad}");
        }
    }
}
