//! Paths of accounts and of their money: the modules auth and bank.

use super::super::api::Cosmos;
use super::super::errors::{Fault, grpc};
use super::super::shapes::base64;
use super::shapes::{coin, coins, page};
use super::{Asked, fault};
use cosmos_sdk_proto::cosmos::auth::v1beta1 as auth;
use cosmos_sdk_proto::cosmos::bank::v1beta1 as bank;
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use prost::Message;
use serde_json::{Value, json};

impl Cosmos {
    pub(super) fn rest_auth(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            ["accounts", address] => {
                let request = auth::QueryAccountRequest { address: (*address).to_owned() };
                let answer: auth::QueryAccountResponse =
                    self.rest_ask(asked.at, "/cosmos.auth.v1beta1.Query/Account", &request)?;
                let any = answer.account.unwrap_or_default();
                let account = auth::BaseAccount::decode(any.value.as_slice()).unwrap_or_default();
                let key = account.pub_key.map(|any| {
                    let key = PubKey::decode(any.value.as_slice()).unwrap_or_default();
                    json!({ "@type": any.type_url, "key": base64(key.key) })
                });
                Ok(json!({ "account": {
                    "@type": any.type_url,
                    "address": account.address,
                    "pub_key": key,
                    "account_number": account.account_number.to_string(),
                    "sequence": account.sequence.to_string(),
                } }))
            }
            ["bech32"] => Ok(json!({ "bech32_prefix": weft_wasm::address::PREFIX })),
            ["params"] => {
                let answer: auth::QueryParamsResponse = self.rest_ask(
                    asked.at,
                    "/cosmos.auth.v1beta1.Query/Params",
                    &auth::QueryParamsRequest {},
                )?;
                let params = answer.params.unwrap_or_default();
                Ok(json!({ "params": {
                    "max_memo_characters": params.max_memo_characters.to_string(),
                    "tx_sig_limit": params.tx_sig_limit.to_string(),
                    "tx_size_cost_per_byte": params.tx_size_cost_per_byte.to_string(),
                    "sig_verify_cost_ed25519": params.sig_verify_cost_ed25519.to_string(),
                    "sig_verify_cost_secp256k1": params.sig_verify_cost_secp256k1.to_string(),
                } }))
            }
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }

    pub(super) fn rest_bank(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        let ask_balance = |address: &str, denom: String| -> Result<Value, Fault> {
            let request = bank::QueryBalanceRequest { address: address.to_owned(), denom };
            let answer: bank::QueryBalanceResponse =
                self.rest_ask(asked.at, "/cosmos.bank.v1beta1.Query/Balance", &request)?;
            Ok(json!({ "balance": answer.balance.as_ref().map(coin) }))
        };
        match path {
            ["balances", address, "by_denom"] => {
                ask_balance(address, asked.param("denom").unwrap_or_default())
            }
            ["balances" | "spendable_balances", address] => {
                let address = (*address).to_owned();
                let request = bank::QueryAllBalancesRequest {
                    address,
                    pagination: asked.page()?,
                    ..bank::QueryAllBalancesRequest::default()
                };
                let answer: bank::QueryAllBalancesResponse =
                    self.rest_ask(asked.at, "/cosmos.bank.v1beta1.Query/AllBalances", &request)?;
                Ok(json!({ "balances": coins(&answer.balances), "pagination": page(answer.pagination) }))
            }
            ["supply"] => {
                let request = bank::QueryTotalSupplyRequest { pagination: asked.page()? };
                let answer: bank::QueryTotalSupplyResponse =
                    self.rest_ask(asked.at, "/cosmos.bank.v1beta1.Query/TotalSupply", &request)?;
                Ok(json!({ "supply": coins(&answer.supply), "pagination": page(answer.pagination) }))
            }
            ["supply", "by_denom"] => {
                let request = bank::QuerySupplyOfRequest { denom: asked.param("denom").unwrap_or_default() };
                let answer: bank::QuerySupplyOfResponse =
                    self.rest_ask(asked.at, "/cosmos.bank.v1beta1.Query/SupplyOf", &request)?;
                Ok(json!({ "amount": answer.amount.as_ref().map(coin) }))
            }
            ["denoms_metadata"] => Ok(json!({ "metadatas": [], "pagination": page(None) })),
            ["params"] => Ok(json!({ "params": { "send_enabled": [], "default_send_enabled": true } })),
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }
}
