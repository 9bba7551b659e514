//! Paths of codes and contracts: the module wasm.

use super::super::api::Cosmos;
use super::super::errors::{Fault, grpc};
use super::super::shapes::{base64, hex_upper};
use super::shapes::{access, access_name, bytes_of, code, json_of, page, position};
use super::{Asked, fault, invalid};
use cosmos_sdk_proto::cosmwasm::wasm::v1 as wasm;
use serde_json::{Value, json};
use weft_wasm::keeper::proto;

fn query(name: &str) -> String {
    format!("/cosmwasm.wasm.v1.Query/{name}")
}

fn id(text: &str) -> Result<u64, Fault> {
    text.parse().map_err(|_| invalid(format!("{text:?} is no code id")))
}

impl Cosmos {
    pub(super) fn rest_wasm(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            ["contract", address, rest @ ..] => self.rest_contract((*address).to_owned(), rest, asked),
            ["contracts", "creator", address] => {
                let request = wasm::QueryContractsByCreatorRequest {
                    creator_address: (*address).to_owned(),
                    pagination: asked.page()?,
                };
                let answer: wasm::QueryContractsByCreatorResponse =
                    self.rest_ask(asked.at, &query("ContractsByCreator"), &request)?;
                let contracts = answer.contract_addresses;
                Ok(json!({ "contract_addresses": contracts, "pagination": page(answer.pagination) }))
            }
            ["build_address"] => {
                let request = wasm::QueryBuildAddressRequest {
                    code_hash: asked.text("code_hash"),
                    creator_address: asked.text("creator_address"),
                    salt: asked.text("salt"),
                    init_args: bytes_of(&asked.text("init_args"))?,
                };
                let answer: wasm::QueryBuildAddressResponse =
                    self.rest_ask(asked.at, &query("BuildAddress"), &request)?;
                Ok(json!({ "address": answer.address }))
            }
            ["wasm-limits-config"] => {
                let answer: proto::QueryWasmLimitsConfigResponse =
                    self.rest_ask(asked.at, &query("WasmLimitsConfig"), &wasm::QueryParamsRequest {})?;
                Ok(json!({ "config": answer.config }))
            }
            _ => self.rest_codes(path, asked),
        }
    }

    fn rest_codes(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            ["code"] => {
                let request = wasm::QueryCodesRequest { pagination: asked.page()? };
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
            ["code", code_id, "contracts"] => {
                let (code_id, pagination) = (id(code_id)?, asked.page()?);
                let request = wasm::QueryContractsByCodeRequest { code_id, pagination };
                let answer: wasm::QueryContractsByCodeResponse =
                    self.rest_ask(asked.at, &query("ContractsByCode"), &request)?;
                Ok(json!({ "contracts": answer.contracts, "pagination": page(answer.pagination) }))
            }
            ["code-info", code_id] => {
                let request = proto::QueryCodeInfoRequest { code_id: id(code_id)? };
                let info: proto::QueryCodeInfoResponse =
                    self.rest_ask(asked.at, &query("CodeInfo"), &request)?;
                Ok(json!({
                    "code_id": info.code_id.to_string(),
                    "creator": info.creator,
                    "checksum": hex_upper(&info.checksum),
                    "instantiate_permission": info.instantiate_permission.as_ref().map(access),
                }))
            }
            ["codes", "pinned"] => {
                let request = wasm::QueryPinnedCodesRequest { pagination: asked.page()? };
                let answer: wasm::QueryPinnedCodesResponse =
                    self.rest_ask(asked.at, &query("PinnedCodes"), &request)?;
                let ids: Vec<_> = answer.code_ids.iter().map(u64::to_string).collect();
                Ok(json!({ "code_ids": ids, "pagination": page(answer.pagination) }))
            }
            ["codes", "params"] => {
                let answer: wasm::QueryParamsResponse =
                    self.rest_ask(asked.at, &query("Params"), &wasm::QueryParamsRequest {})?;
                let params = answer.params.unwrap_or_default();
                Ok(json!({ "params": {
                    "code_upload_access": params.code_upload_access.as_ref().map(access),
                    "instantiate_default_permission": access_name(params.instantiate_default_permission),
                } }))
            }
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }

    /// What `path` below a contract asks of it.
    fn rest_contract(&self, address: String, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            [] => self.contract_info(address, asked),
            ["history"] => self.contract_history(address, asked),
            ["state"] => {
                let request = wasm::QueryAllContractStateRequest { address, pagination: asked.page()? };
                let answer: wasm::QueryAllContractStateResponse =
                    self.rest_ask(asked.at, &query("AllContractState"), &request)?;
                let models = answer.models.iter();
                let models = models
                    .map(|model| json!({ "key": hex_upper(&model.key), "value": base64(&model.value) }));
                let models: Vec<_> = models.collect();
                Ok(json!({ "models": models, "pagination": page(answer.pagination) }))
            }
            ["smart", data] => {
                let request = wasm::QuerySmartContractStateRequest { address, query_data: bytes_of(data)? };
                let answer: wasm::QuerySmartContractStateResponse =
                    self.rest_ask(asked.at, &query("SmartContractState"), &request)?;
                Ok(json!({ "data": json_of(&answer.data) }))
            }
            ["raw", data] => {
                let request = wasm::QueryRawContractStateRequest { address, query_data: bytes_of(data)? };
                let answer: wasm::QueryRawContractStateResponse =
                    self.rest_ask(asked.at, &query("RawContractState"), &request)?;
                let data = if answer.data.is_empty() { Value::Null } else { base64(answer.data).into() };
                Ok(json!({ "data": data }))
            }
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }

    fn contract_info(&self, address: String, asked: &Asked<'_>) -> Result<Value, Fault> {
        let request = wasm::QueryContractInfoRequest { address };
        let answer: proto::QueryContractInfoResponse =
            self.rest_ask(asked.at, &query("ContractInfo"), &request)?;
        let info = answer.contract_info.map(|info| {
            json!({
                "code_id": info.code_id.to_string(),
                "creator": info.creator,
                "admin": info.admin,
                "label": info.label,
                "created": info.created.as_ref().map(position),
                "ibc_port_id": info.ibc_port_id,
                "extension": null,
                "ibc2_port_id": info.ibc2_port_id,
            })
        });
        Ok(json!({ "address": answer.address, "contract_info": info }))
    }

    fn contract_history(&self, address: String, asked: &Asked<'_>) -> Result<Value, Fault> {
        let request = wasm::QueryContractHistoryRequest { address, pagination: asked.page()? };
        let answer: wasm::QueryContractHistoryResponse =
            self.rest_ask(asked.at, &query("ContractHistory"), &request)?;
        let entries = answer.entries.iter().map(|entry| {
            let kind = wasm::ContractCodeHistoryOperationType::try_from(entry.operation);
            json!({
                "operation": kind.unwrap_or_default().as_str_name(),
                "code_id": entry.code_id.to_string(),
                "updated": entry.updated.as_ref().map(position),
                "msg": json_of(&entry.msg),
            })
        });
        let entries: Vec<_> = entries.collect();
        Ok(json!({ "entries": entries, "pagination": page(answer.pagination) }))
    }
}
