//! Paths of codes and contracts: the module wasm.

use super::super::api::Cosmos;
use super::super::errors::{Fault, grpc};
use super::super::shapes::{base64, hex_upper};
use super::shapes::{access, bytes_of, code, contract, json_of, page};
use super::{Asked, fault, invalid};
use cosmos_sdk_proto::cosmwasm::wasm::v1 as wasm;
use serde_json::{Value, json};

/// `cosmwasm.wasm.v1.QueryCodeInfoResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct CodeInfo {
    #[prost(uint64, tag = "1")]
    code_id: u64,
    #[prost(string, tag = "2")]
    creator: String,
    #[prost(bytes = "vec", tag = "3")]
    checksum: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    instantiate_permission: Option<wasm::AccessConfig>,
}

impl Cosmos {
    pub(super) fn rest_wasm(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        let id = |text: &str| text.parse::<u64>().map_err(|_| invalid(format!("{text:?} is no code id")));
        let pagination = asked.page()?;
        let query = |name: &str| format!("/cosmwasm.wasm.v1.Query/{name}");
        match path {
            ["code"] => {
                let request = wasm::QueryCodesRequest { pagination };
                let answer: wasm::QueryCodesResponse = self.rest_ask(asked.at, &query("Codes"), &request)?;
                let infos: Vec<_> = answer.code_infos.iter().map(code).collect();
                Ok(json!({ "code_infos": infos, "pagination": page(answer.pagination) }))
            }
            ["code", code_id] => {
                let request = wasm::QueryCodeRequest { code_id: id(code_id)? };
                let answer: wasm::QueryCodeResponse = self.rest_ask(asked.at, &query("Code"), &request)?;
                let info = answer.code_info.as_ref().map(code);
                Ok(json!({ "code_info": info, "data": base64(answer.data) }))
            }
            ["code-info", code_id] => {
                let request = wasm::QueryCodeRequest { code_id: id(code_id)? };
                let info: CodeInfo = self.rest_ask(asked.at, &query("CodeInfo"), &request)?;
                Ok(json!({
                    "code_id": info.code_id.to_string(),
                    "creator": info.creator,
                    "checksum": hex_upper(&info.checksum),
                    "instantiate_permission": info.instantiate_permission.as_ref().map(access),
                }))
            }
            ["contracts", "creator", address] => {
                let request = wasm::QueryContractsByCreatorRequest {
                    creator_address: (*address).to_owned(),
                    pagination,
                };
                let answer: wasm::QueryContractsByCreatorResponse =
                    self.rest_ask(asked.at, &query("ContractsByCreator"), &request)?;
                let contracts = answer.contract_addresses;
                Ok(json!({ "contract_addresses": contracts, "pagination": page(answer.pagination) }))
            }
            ["code", code_id, "contracts"] => {
                let request = wasm::QueryContractsByCodeRequest { code_id: id(code_id)?, pagination };
                let answer: wasm::QueryContractsByCodeResponse =
                    self.rest_ask(asked.at, &query("ContractsByCode"), &request)?;
                Ok(json!({ "contracts": answer.contracts, "pagination": page(answer.pagination) }))
            }
            ["contract", address] => {
                let request = wasm::QueryContractInfoRequest { address: (*address).to_owned() };
                let answer: wasm::QueryContractInfoResponse =
                    self.rest_ask(asked.at, &query("ContractInfo"), &request)?;
                let info = answer.contract_info.as_ref().map(contract);
                Ok(json!({ "address": answer.address, "contract_info": info }))
            }
            ["contract", address, "history"] => {
                let request =
                    wasm::QueryContractHistoryRequest { address: (*address).to_owned(), pagination };
                let answer: wasm::QueryContractHistoryResponse =
                    self.rest_ask(asked.at, &query("ContractHistory"), &request)?;
                let entries = answer.entries.iter().map(|entry| {
                    let kind = wasm::ContractCodeHistoryOperationType::try_from(entry.operation);
                    let updated = entry.updated.as_ref().map(|at| {
                        json!({ "block_height": at.block_height.to_string(), "tx_index": at.tx_index.to_string() })
                    });
                    json!({
                        "operation": kind.unwrap_or_default().as_str_name(),
                        "code_id": entry.code_id.to_string(),
                        "updated": updated,
                        "msg": json_of(&entry.msg),
                    })
                });
                let entries: Vec<_> = entries.collect();
                Ok(json!({ "entries": entries, "pagination": page(answer.pagination) }))
            }
            ["contract", address, "state"] => {
                let request =
                    wasm::QueryAllContractStateRequest { address: (*address).to_owned(), pagination };
                let answer: wasm::QueryAllContractStateResponse =
                    self.rest_ask(asked.at, &query("AllContractState"), &request)?;
                let models = answer.models.iter();
                let models = models
                    .map(|model| json!({ "key": hex_upper(&model.key), "value": base64(&model.value) }));
                let models: Vec<_> = models.collect();
                Ok(json!({ "models": models, "pagination": page(answer.pagination) }))
            }
            ["contract", address, "smart", data] => {
                let (address, query_data) = ((*address).to_owned(), bytes_of(data)?);
                let request = wasm::QuerySmartContractStateRequest { address, query_data };
                let answer: wasm::QuerySmartContractStateResponse =
                    self.rest_ask(asked.at, &query("SmartContractState"), &request)?;
                Ok(json!({ "data": json_of(&answer.data) }))
            }
            ["contract", address, "raw", data] => {
                let (address, query_data) = ((*address).to_owned(), bytes_of(data)?);
                let request = wasm::QueryRawContractStateRequest { address, query_data };
                let answer: wasm::QueryRawContractStateResponse =
                    self.rest_ask(asked.at, &query("RawContractState"), &request)?;
                let data = if answer.data.is_empty() { Value::Null } else { base64(answer.data).into() };
                Ok(json!({ "data": data }))
            }
            ["codes", "pinned"] => Ok(json!({ "code_ids": [], "pagination": page(None) })),
            ["codes", "params"] => Ok(json!({ "params": {
                "code_upload_access": { "permission": "Everybody", "addresses": [] },
                "instantiate_default_permission": "Everybody",
            } })),
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }
}
