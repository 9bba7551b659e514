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

pub(super) fn contract(info: &wasm::ContractInfo) -> Value {
    let created = info.created.as_ref().map(
        |at| json!({ "block_height": at.block_height.to_string(), "tx_index": at.tx_index.to_string() }),
    );
    json!({
        "code_id": info.code_id.to_string(),
        "creator": info.creator,
        "admin": info.admin,
        "label": info.label,
        "created": created,
        "ibc_port_id": info.ibc_port_id,
        "extension": null,
    })
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

/// wasmd's own names of who may, which are not those of protobuf.
pub(super) fn access(config: &wasm::AccessConfig) -> Value {
    let name = match wasm::AccessType::try_from(config.permission).unwrap_or_default() {
        wasm::AccessType::Unspecified => "Unspecified",
        wasm::AccessType::Nobody => "Nobody",
        wasm::AccessType::Everybody => "Everybody",
        wasm::AccessType::AnyOfAddresses => "AnyOfAddresses",
    };
    json!({ "permission": name, "addresses": config.addresses })
}
