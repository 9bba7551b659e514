//! Pieces of answers that several paths share.

use super::super::errors::Fault;
use super::super::shapes::{base64, hex_upper};
use super::invalid;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageResponse;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1 as wasm;
use serde_json::{Value, json};

pub(super) fn bytes_of(text: &str) -> Result<Vec<u8>, Fault> {
    let decoded = BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text));
    decoded.map_err(|error| invalid(format!("illegal base64 data: {error}")))
}

pub(super) fn coin(coin: &Coin) -> Value {
    json!({ "denom": coin.denom, "amount": coin.amount })
}

pub(super) fn coins(list: &[Coin]) -> Vec<Value> {
    list.iter().map(coin).collect()
}

pub(super) fn page(page: Option<PageResponse>) -> Value {
    let page = page.unwrap_or_default();
    let next = if page.next_key.is_empty() { Value::Null } else { base64(page.next_key).into() };
    json!({ "next_key": next, "total": page.total.to_string() })
}

/// JSON that a contract wrote, or its text.
pub(super) fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| base64(bytes).into())
}

pub(super) fn position(at: &wasm::AbsoluteTxPosition) -> Value {
    json!({ "block_height": at.block_height.to_string(), "tx_index": at.tx_index.to_string() })
}

pub(super) fn code(info: &wasm::CodeInfoResponse) -> Value {
    let permission = info.instantiate_permission.as_ref().map(access);
    json!({
        "code_id": info.code_id.to_string(),
        "creator": info.creator,
        "data_hash": hex_upper(&info.data_hash),
        "instantiate_permission": permission,
    })
}

pub(super) fn access(config: &wasm::AccessConfig) -> Value {
    json!({ "permission": access_name(config.permission), "addresses": config.addresses })
}

/// wasmd's own names of who may, which are not those of protobuf.
pub(super) fn access_name(permission: i32) -> &'static str {
    match wasm::AccessType::try_from(permission).unwrap_or_default() {
        wasm::AccessType::Unspecified => "Unspecified",
        wasm::AccessType::Nobody => "Nobody",
        wasm::AccessType::Everybody => "Everybody",
        wasm::AccessType::AnyOfAddresses => "AnyOfAddresses",
    }
}
