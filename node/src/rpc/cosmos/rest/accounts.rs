//! Paths of accounts: the module auth.

use super::super::api::Cosmos;
use super::super::errors::{Fault, grpc};
use super::super::shapes::base64;
use super::shapes::{bytes_of, page};
use super::{Asked, fault};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::auth::v1beta1 as auth;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use prost::Message;
use serde_json::{Value, json};

fn query(name: &str) -> String {
    format!("/cosmos.auth.v1beta1.Query/{name}")
}

impl Cosmos {
    pub(super) fn rest_auth(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            ["accounts"] => {
                let request = auth::QueryAccountsRequest { pagination: asked.page()? };
                let answer: auth::QueryAccountsResponse =
                    self.rest_ask(asked.at, &query("Accounts"), &request)?;
                let accounts: Vec<_> = answer.accounts.iter().map(account).collect();
                Ok(json!({ "accounts": accounts, "pagination": page(answer.pagination) }))
            }
            ["accounts", address] => {
                let request = auth::QueryAccountRequest { address: (*address).to_owned() };
                let answer: auth::QueryAccountResponse =
                    self.rest_ask(asked.at, &query("Account"), &request)?;
                Ok(json!({ "account": account(&answer.account.unwrap_or_default()) }))
            }
            ["account_info", address] => {
                let request = auth::QueryAccountInfoRequest { address: (*address).to_owned() };
                let answer: auth::QueryAccountInfoResponse =
                    self.rest_ask(asked.at, &query("AccountInfo"), &request)?;
                Ok(json!({ "info": base_account(answer.info.unwrap_or_default()) }))
            }
            ["address_by_id", _] => {
                let account_id = asked.number("account_id")?;
                let request = auth::QueryAccountAddressByIdRequest { account_id, ..Default::default() };
                let answer: auth::QueryAccountAddressByIdResponse =
                    self.rest_ask(asked.at, &query("AccountAddressByID"), &request)?;
                Ok(json!({ "account_address": answer.account_address }))
            }
            ["params"] => self.auth_params(asked),
            ["module_accounts"] => {
                let request = auth::QueryModuleAccountsRequest {};
                let answer: auth::QueryModuleAccountsResponse =
                    self.rest_ask(asked.at, &query("ModuleAccounts"), &request)?;
                Ok(json!({ "accounts": answer.accounts.iter().map(account).collect::<Vec<_>>() }))
            }
            ["module_accounts", name] => {
                let request = auth::QueryModuleAccountByNameRequest { name: (*name).to_owned() };
                let answer: auth::QueryModuleAccountByNameResponse =
                    self.rest_ask(asked.at, &query("ModuleAccountByName"), &request)?;
                Ok(json!({ "account": answer.account.as_ref().map(account) }))
            }
            ["bech32"] => {
                let answer: auth::Bech32PrefixResponse =
                    self.rest_ask(asked.at, &query("Bech32Prefix"), &auth::Bech32PrefixRequest {})?;
                Ok(json!({ "bech32_prefix": answer.bech32_prefix }))
            }
            ["bech32", either] => self.other_form(either, asked),
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }

    /// An address for its bytes, or its bytes for an address. The SDK has one path for both, where its gateway takes all
    /// for bytes; but an address is no base64, which has a multiple of four characters.
    fn other_form(&self, either: &str, asked: &Asked<'_>) -> Result<Value, Fault> {
        let is_address =
            either.strip_prefix(weft_wasm::address::PREFIX).is_some_and(|it| it.starts_with('1'));
        if is_address && bytes_of(either).is_err() {
            let request = auth::AddressStringToBytesRequest { address_string: either.to_owned() };
            let answer: auth::AddressStringToBytesResponse =
                self.rest_ask(asked.at, &query("AddressStringToBytes"), &request)?;
            return Ok(json!({ "address_bytes": base64(answer.address_bytes) }));
        }
        let request = auth::AddressBytesToStringRequest { address_bytes: bytes_of(either)? };
        let answer: auth::AddressBytesToStringResponse =
            self.rest_ask(asked.at, &query("AddressBytesToString"), &request)?;
        Ok(json!({ "address_string": answer.address_string }))
    }

    fn auth_params(&self, asked: &Asked<'_>) -> Result<Value, Fault> {
        let answer: auth::QueryParamsResponse =
            self.rest_ask(asked.at, &query("Params"), &auth::QueryParamsRequest {})?;
        let params = answer.params.unwrap_or_default();
        Ok(json!({ "params": {
            "max_memo_characters": params.max_memo_characters.to_string(),
            "tx_sig_limit": params.tx_sig_limit.to_string(),
            "tx_size_cost_per_byte": params.tx_size_cost_per_byte.to_string(),
            "sig_verify_cost_ed25519": params.sig_verify_cost_ed25519.to_string(),
            "sig_verify_cost_secp256k1": params.sig_verify_cost_secp256k1.to_string(),
        } }))
    }
}

/// An account of the one kind that there is, with the name of its kind.
fn account(any: &Any) -> Value {
    let mut shown = base_account(auth::BaseAccount::decode(any.value.as_slice()).unwrap_or_default());
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("@type".into(), any.type_url.clone().into());
    }
    shown
}

fn base_account(account: auth::BaseAccount) -> Value {
    let key = account.pub_key.map(|any| {
        let key = PubKey::decode(any.value.as_slice()).unwrap_or_default();
        json!({ "@type": any.type_url, "key": base64(key.key) })
    });
    json!({
        "address": account.address,
        "pub_key": key,
        "account_number": account.account_number.to_string(),
        "sequence": account.sequence.to_string(),
    })
}
