//! What contracts say to the chain, in JSON.
//!
//! A variant that is not known leaves all variants unset, as other chains read it. So these are no enums.

use super::json::{Attribute, Binary, ContractEvent, JsonCoin, lenient};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What an entry point gave.
#[derive(Debug, Deserialize)]
pub(super) struct ContractResult<T> {
    pub(super) ok: Option<T>,
    pub(super) error: Option<String>,
}

/// A contract's answer to a message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Response {
    #[serde(deserialize_with = "lenient")]
    pub(super) messages: Vec<SubMsg>,
    pub(super) data: Option<Binary>,
    #[serde(deserialize_with = "lenient")]
    pub(super) attributes: Vec<Attribute>,
    #[serde(deserialize_with = "lenient")]
    pub(super) events: Vec<ContractEvent>,
}

/// When a contract hears of its submessage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReplyOn {
    Always,
    Error,
    Success,
    Never,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SubMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) id: u64,
    #[serde(deserialize_with = "lenient")]
    pub(super) msg: CosmosMsg,
    pub(super) payload: Option<Binary>,
    pub(super) gas_limit: Option<u64>,
    pub(super) reply_on: Option<ReplyOn>,
}

/// Boxed, so that a message of a few bytes does not take the room of all variants together.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CosmosMsg {
    pub(super) bank: Option<Box<BankMsg>>,
    pub(super) custom: Option<Box<RawValue>>,
    pub(super) distribution: Option<Box<RawValue>>,
    pub(super) gov: Option<Box<RawValue>>,
    pub(super) ibc: Option<Box<IbcMsg>>,
    pub(super) staking: Option<Box<RawValue>>,
    pub(super) any: Option<Box<AnyMsg>>,
    pub(super) stargate: Option<Box<AnyMsg>>,
    pub(super) wasm: Option<Box<WasmMsg>>,
    pub(super) ibc2: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BankMsg {
    pub(super) send: Option<SendMsg>,
    pub(super) burn: Option<BurnMsg>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SendMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) to_address: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) amount: Vec<JsonCoin>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct BurnMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) amount: Vec<JsonCoin>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IbcMsg {
    pub(super) send_packet: Option<Box<RawValue>>,
    pub(super) write_acknowledgement: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AnyMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) type_url: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) value: Binary,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WasmMsg {
    pub(super) execute: Option<ExecuteMsg>,
    pub(super) instantiate: Option<InstantiateMsg>,
    pub(super) instantiate2: Option<InstantiateMsg>,
    pub(super) migrate: Option<MigrateMsg>,
    pub(super) update_admin: Option<AdminMsg>,
    pub(super) clear_admin: Option<AdminMsg>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExecuteMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) contract_addr: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) msg: Binary,
    #[serde(deserialize_with = "lenient")]
    pub(super) funds: Vec<JsonCoin>,
}

/// Both forms; only `instantiate2` has a salt.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InstantiateMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) admin: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) code_id: u64,
    #[serde(deserialize_with = "lenient")]
    pub(super) msg: Binary,
    #[serde(deserialize_with = "lenient")]
    pub(super) funds: Vec<JsonCoin>,
    #[serde(deserialize_with = "lenient")]
    pub(super) label: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) salt: Binary,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MigrateMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) contract_addr: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) new_code_id: u64,
    #[serde(deserialize_with = "lenient")]
    pub(super) msg: Binary,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AdminMsg {
    #[serde(deserialize_with = "lenient")]
    pub(super) contract_addr: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) admin: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_variants_are_passed_over() {
        let json = r#"{"ok":{"messages":[{"id":7,"msg":{"bank":{"send":{"to_address":"a","amount":null}}},
            "gas_limit":null,"reply_on":"never","new":1},{"id":1,"msg":{"future":{}},"reply_on":"always"}],
            "attributes":[],"events":null,"data":"","later":{}}}"#;
        let result: ContractResult<Response> = serde_json::from_str(json).expect("it reads");
        let response = result.ok.expect("ok");
        assert_eq!(response.messages.len(), 2);
        assert_eq!(response.data, Some(Binary(Vec::new())));
        assert_eq!(response.messages[0].reply_on, Some(ReplyOn::Never));
        let variants = &response.messages[1].msg;
        assert!(variants.bank.is_none() && variants.wasm.is_none() && variants.any.is_none());
    }

    #[test]
    fn a_message_that_says_nothing_is_small() {
        assert!(size_of::<SubMsg>() <= 256, "{}", size_of::<SubMsg>());
    }
}
