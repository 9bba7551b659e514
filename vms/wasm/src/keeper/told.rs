//! What the chain says to contracts, in JSON: the arguments of entry points.

use super::json::{Binary, ContractEvent, JsonCoin};
use serde::Serialize;

/// The first argument of every entry point.
#[derive(Serialize)]
pub(super) struct Env<'a> {
    pub(super) block: BlockInfo<'a>,
    pub(super) transaction: Option<TransactionInfo>,
    pub(super) contract: ContractAddress<'a>,
}

#[derive(Serialize)]
pub(super) struct BlockInfo<'a> {
    pub(super) height: u64,
    /// Nanoseconds, as a string.
    pub(super) time: String,
    pub(super) chain_id: &'a str,
}

#[derive(Serialize)]
pub(super) struct TransactionInfo {
    pub(super) index: u32,
    pub(super) hash: Binary,
}

#[derive(Serialize)]
pub(super) struct ContractAddress<'a> {
    pub(super) address: &'a str,
}

/// The second argument of `instantiate` and `execute`.
#[derive(Serialize)]
pub(super) struct Info<'a> {
    pub(super) sender: &'a str,
    pub(super) funds: Vec<JsonCoin>,
}

/// The third argument of `migrate`.
#[derive(Serialize)]
pub(super) struct MigrateInfo<'a> {
    pub(super) sender: &'a str,
    pub(super) old_migrate_version: Option<u64>,
}

/// The second argument of `reply`.
#[derive(Serialize)]
pub(super) struct Reply {
    pub(super) gas_used: u64,
    pub(super) id: u64,
    pub(super) result: SubMsgResult,
    #[serde(skip_serializing_if = "empty")]
    pub(super) payload: Binary,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SubMsgResult {
    Ok(SubMsgResponse),
    #[serde(rename = "error")]
    Err(String),
}

#[derive(Serialize)]
pub(super) struct SubMsgResponse {
    pub(super) events: Vec<ContractEvent>,
    #[serde(skip_serializing_if = "empty")]
    pub(super) data: Binary,
    pub(super) msg_responses: Vec<MsgResponse>,
}

#[derive(Serialize)]
pub(super) struct MsgResponse {
    pub(super) type_url: String,
    pub(super) value: Binary,
}

fn empty(bytes: &Binary) -> bool {
    bytes.0.is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::json::to_json;
    use super::*;

    #[test]
    fn a_reply_reads_as_others_write_it() {
        let response =
            SubMsgResponse { events: Vec::new(), data: Binary::default(), msg_responses: Vec::new() };
        let reply =
            Reply { gas_used: 0, id: 1, result: SubMsgResult::Ok(response), payload: Binary(b"p".to_vec()) };
        let expected =
            r#"{"gas_used":0,"id":1,"result":{"ok":{"events":[],"msg_responses":[]}},"payload":"cA=="}"#;
        assert_eq!(String::from_utf8(to_json(&reply)).expect("text"), expected);
        let error = SubMsgResult::Err("codespace: sdk, code: 5".to_owned());
        assert_eq!(to_json(&error), br#"{"error":"codespace: sdk, code: 5"}"#);
    }
}
