//! Paths of money: the module bank.

use super::super::api::Cosmos;
use super::super::errors::{Fault, grpc};
use super::shapes::{coin, coins, page};
use super::{Asked, fault};
use cosmos_sdk_proto::cosmos::bank::v1beta1 as bank;
use serde_json::{Value, json};

fn query(name: &str) -> String {
    format!("/cosmos.bank.v1beta1.Query/{name}")
}

impl Cosmos {
    pub(super) fn rest_bank(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            ["balances", address] => {
                let request = bank::QueryAllBalancesRequest {
                    address: (*address).to_owned(),
                    pagination: asked.page()?,
                    ..bank::QueryAllBalancesRequest::default()
                };
                let answer: bank::QueryAllBalancesResponse =
                    self.rest_ask(asked.at, &query("AllBalances"), &request)?;
                Ok(json!({ "balances": coins(&answer.balances), "pagination": page(answer.pagination) }))
            }
            ["balances", address, "by_denom"] => {
                let (address, denom) = ((*address).to_owned(), asked.text("denom"));
                let request = bank::QueryBalanceRequest { address, denom };
                let answer: bank::QueryBalanceResponse =
                    self.rest_ask(asked.at, &query("Balance"), &request)?;
                Ok(json!({ "balance": answer.balance.as_ref().map(coin) }))
            }
            ["spendable_balances", address] => {
                let (address, pagination) = ((*address).to_owned(), asked.page()?);
                let request = bank::QuerySpendableBalancesRequest { address, pagination };
                let answer: bank::QuerySpendableBalancesResponse =
                    self.rest_ask(asked.at, &query("SpendableBalances"), &request)?;
                Ok(json!({ "balances": coins(&answer.balances), "pagination": page(answer.pagination) }))
            }
            ["spendable_balances", address, "by_denom"] => {
                let (address, denom) = ((*address).to_owned(), asked.text("denom"));
                let request = bank::QuerySpendableBalanceByDenomRequest { address, denom };
                let answer: bank::QuerySpendableBalanceByDenomResponse =
                    self.rest_ask(asked.at, &query("SpendableBalanceByDenom"), &request)?;
                Ok(json!({ "balance": answer.balance.as_ref().map(coin) }))
            }
            ["supply"] => {
                let request = bank::QueryTotalSupplyRequest { pagination: asked.page()? };
                let answer: bank::QueryTotalSupplyResponse =
                    self.rest_ask(asked.at, &query("TotalSupply"), &request)?;
                Ok(json!({ "supply": coins(&answer.supply), "pagination": page(answer.pagination) }))
            }
            ["supply", "by_denom"] => {
                let request = bank::QuerySupplyOfRequest { denom: asked.text("denom") };
                let answer: bank::QuerySupplyOfResponse =
                    self.rest_ask(asked.at, &query("SupplyOf"), &request)?;
                Ok(json!({ "amount": answer.amount.as_ref().map(coin) }))
            }
            _ => self.rest_denoms(path, asked),
        }
    }

    /// Paths of denominations, which may have slashes in their names.
    fn rest_denoms(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            ["denom_owners", denom @ ..] if !denom.is_empty() => {
                self.owners("DenomOwners", denom.join("/"), asked)
            }
            ["denom_owners_by_query"] => self.owners("DenomOwnersByQuery", asked.text("denom"), asked),
            ["denoms_metadata"] => {
                let request = bank::QueryDenomsMetadataRequest { pagination: asked.page()? };
                let answer: bank::QueryDenomsMetadataResponse =
                    self.rest_ask(asked.at, &query("DenomsMetadata"), &request)?;
                // No denomination has any.
                Ok(json!({ "metadatas": [], "pagination": page(answer.pagination) }))
            }
            ["denoms_metadata", denom @ ..] => self.metadata("DenomMetadata", denom.join("/"), asked),
            ["denoms_metadata_by_query_string"] => {
                self.metadata("DenomMetadataByQueryString", asked.text("denom"), asked)
            }
            ["send_enabled"] => {
                let (denoms, pagination) = (asked.texts("denoms"), asked.page()?);
                let request = bank::QuerySendEnabledRequest { denoms, pagination };
                let answer: bank::QuerySendEnabledResponse =
                    self.rest_ask(asked.at, &query("SendEnabled"), &request)?;
                let entries = answer.send_enabled.iter();
                let entries = entries.map(|one| json!({ "denom": one.denom, "enabled": one.enabled }));
                let pagination = answer.pagination.map(|pagination| page(Some(pagination)));
                Ok(json!({ "send_enabled": entries.collect::<Vec<_>>(), "pagination": pagination }))
            }
            ["params"] => {
                let answer: bank::QueryParamsResponse =
                    self.rest_ask(asked.at, &query("Params"), &bank::QueryParamsRequest {})?;
                let enabled = answer.params.unwrap_or_default().default_send_enabled;
                Ok(json!({ "params": { "send_enabled": [], "default_send_enabled": enabled } }))
            }
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }

    fn owners(&self, method: &str, denom: String, asked: &Asked<'_>) -> Result<Value, Fault> {
        // Both methods have the same messages.
        let request = bank::QueryDenomOwnersRequest { denom, pagination: asked.page()? };
        let answer: bank::QueryDenomOwnersResponse = self.rest_ask(asked.at, &query(method), &request)?;
        let owners = answer.denom_owners.iter();
        let owners = owners
            .map(|owner| json!({ "address": owner.address, "balance": owner.balance.as_ref().map(coin) }));
        let owners: Vec<_> = owners.collect();
        Ok(json!({ "denom_owners": owners, "pagination": page(answer.pagination) }))
    }

    fn metadata(&self, method: &str, denom: String, asked: &Asked<'_>) -> Result<Value, Fault> {
        // Both methods have the same messages, and no denomination has any of it: this is an error.
        let request = bank::QueryDenomMetadataRequest { denom };
        let _: bank::QueryDenomMetadataResponse = self.rest_ask(asked.at, &query(method), &request)?;
        Ok(json!({ "metadata": null }))
    }
}
