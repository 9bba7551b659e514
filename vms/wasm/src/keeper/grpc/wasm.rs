//! Methods of the wasm module's query service.

use super::super::addresses::{Address, predictable};
use super::super::page::invalid;
use super::super::queries::ibc2_port;
use super::super::record::{self, Access, Code, History, Position};
use super::super::validate::{json, salt};
use super::super::{Keeper, keys, proto};
use super::{read, unknown_path, write};
use crate::fault::Fault;
use crate::gas;
use cosmos_sdk_proto::cosmwasm::wasm::v1 as wasm;

/// The limits of the static checks of codes that differ from the defaults of CosmWasm, as JSON: none does.
const LIMITS: &str = "{}";

impl Keeper<'_, '_> {
    pub(super) fn query_wasm_method(&mut self, method: &str, data: &[u8]) -> Result<Vec<u8>, Fault> {
        match method {
            "SmartContractState" => {
                let request: wasm::QuerySmartContractStateRequest = read(data)?;
                json(&request.query_data).map_err(|_| invalid("invalid query data"))?;
                let address = Address::parse(&request.address)?;
                let data = self.query_smart(&address, &request.query_data)?;
                write(&wasm::QuerySmartContractStateResponse { data })
            }
            "RawContractState" => {
                let request: wasm::QueryRawContractStateRequest = read(data)?;
                let address = self.existing(&request.address)?;
                let data = self.query_raw(&address, &request.query_data)?;
                write(&wasm::QueryRawContractStateResponse { data })
            }
            "ContractInfo" => {
                let request: wasm::QueryContractInfoRequest = read(data)?;
                self.contract_info(&request.address)
            }
            "Code" => {
                let request: wasm::QueryCodeRequest = read(data)?;
                let code = self.code_of(request.code_id)?;
                let code_info = Some(code_info(request.code_id, &code));
                let bytes = self.code_bytes(&code.checksum)?;
                self.gas.charge_each(gas::READ, gas::READ_BYTE, bytes.len(), "code query")?;
                write(&wasm::QueryCodeResponse { code_info, data: bytes.to_vec() })
            }
            "CodeInfo" => {
                let proto::QueryCodeInfoRequest { code_id } = read(data)?;
                let Code { checksum, creator, access, .. } = self.code_of(code_id)?;
                let instantiate_permission = Some(access.to_proto());
                let checksum = checksum.to_vec();
                write(&proto::QueryCodeInfoResponse { code_id, creator, checksum, instantiate_permission })
            }
            "Codes" => {
                let request: wasm::QueryCodesRequest = read(data)?;
                let page = self.page(&keys::whole(keys::CODE), request.pagination)?;
                let code_infos = page.entries.iter().map(|(key, value)| {
                    let id = u64::from_be_bytes(key.as_slice().try_into().unwrap_or_default());
                    Ok(code_info(id, &record::decode(value, "a code")?))
                });
                let code_infos = code_infos.collect::<Result<_, Fault>>()?;
                write(&wasm::QueryCodesResponse { code_infos, pagination: Some(page.response) })
            }
            "ContractsByCode" => {
                let request: wasm::QueryContractsByCodeRequest = read(data)?;
                if request.code_id == 0 {
                    return Err(Fault::wasm(14, "code id"));
                }
                let page = self.page(&keys::by_code(request.code_id), request.pagination)?;
                let contracts = listed(&page.entries)?;
                write(&wasm::QueryContractsByCodeResponse { contracts, pagination: Some(page.response) })
            }
            "ContractsByCreator" => {
                let request: wasm::QueryContractsByCreatorRequest = read(data)?;
                let creator = Address::parse(&request.creator_address)?;
                let page = self.page(&keys::by_creator(creator.id), request.pagination)?;
                let contract_addresses = listed(&page.entries)?;
                write(&wasm::QueryContractsByCreatorResponse {
                    contract_addresses,
                    pagination: Some(page.response),
                })
            }
            "ContractHistory" => {
                let request: wasm::QueryContractHistoryRequest = read(data)?;
                let address = Address::parse(&request.address)?;
                let page = self.page(&keys::history_of(address.id), request.pagination)?;
                let entries = page.entries.iter().map(|(_, value)| {
                    let History { operation, code_id, updated, msg } =
                        record::decode(value, "a contract's history")?;
                    let updated = Some(position(updated));
                    Ok(wasm::ContractCodeHistoryEntry { operation, code_id, updated, msg })
                });
                let entries = entries.collect::<Result<_, Fault>>()?;
                write(&wasm::QueryContractHistoryResponse { entries, pagination: Some(page.response) })
            }
            "AllContractState" => {
                let request: wasm::QueryAllContractStateRequest = read(data)?;
                let address = self.existing(&request.address)?;
                let page = self.page(&keys::storage(address.id, &[]), request.pagination)?;
                let model =
                    |(key, value): (Vec<u8>, weft_types::Bytes)| wasm::Model { key, value: value.to_vec() };
                let models = page.entries.into_iter().map(model).collect();
                write(&wasm::QueryAllContractStateResponse { models, pagination: Some(page.response) })
            }
            "PinnedCodes" => {
                let request: wasm::QueryPinnedCodesRequest = read(data)?;
                if request.pagination.as_ref().is_some_and(|page| page.offset != 0 || page.count_total) {
                    return Err(invalid("offset and count queries not supported"));
                }
                let pagination = Some(Default::default());
                write(&wasm::QueryPinnedCodesResponse { code_ids: Vec::new(), pagination })
            }
            "Params" => {
                let everybody = Access::everybody().to_proto();
                let instantiate_default_permission = everybody.permission;
                let code_upload_access = Some(everybody);
                let params = Some(wasm::Params { code_upload_access, instantiate_default_permission });
                write(&wasm::QueryParamsResponse { params })
            }
            "BuildAddress" => build_address(&read(data)?),
            "WasmLimitsConfig" => write(&proto::QueryWasmLimitsConfigResponse { config: LIMITS.to_owned() }),
            _ => Err(unknown_path()),
        }
    }

    fn contract_info(&mut self, address: &str) -> Result<Vec<u8>, Fault> {
        let address = Address::parse(address)?;
        let contract =
            self.contract_record(&address)?.ok_or_else(|| Fault::no_such_contract(&address.text))?;
        let contract_info = Some(proto::ContractInfo {
            code_id: contract.code_id,
            creator: contract.creator,
            admin: contract.admin,
            label: contract.label,
            created: Some(position(contract.created)),
            ibc_port_id: contract.ibc_port,
            ibc2_port_id: ibc2_port(&address),
        });
        write(&proto::QueryContractInfoResponse { address: address.text, contract_info })
    }

    /// The address of a contract that is there.
    fn existing(&mut self, address: &str) -> Result<Address, Fault> {
        let address = Address::parse(address)?;
        match self.contract_record(&address)? {
            Some(_) => Ok(address),
            None => Err(Fault::no_such_contract(&address.text)),
        }
    }

    fn code_of(&mut self, id: u64) -> Result<Code, Fault> {
        if id == 0 {
            return Err(Fault::wasm(14, "code id"));
        }
        self.code(id)?.ok_or_else(|| Fault::no_such_code(id))
    }
}

fn position(position: Position) -> wasm::AbsoluteTxPosition {
    wasm::AbsoluteTxPosition { block_height: position.height, tx_index: position.index }
}

fn code_info(code_id: u64, code: &Code) -> wasm::CodeInfoResponse {
    wasm::CodeInfoResponse {
        code_id,
        creator: code.creator.clone(),
        data_hash: code.checksum.to_vec(),
        instantiate_permission: Some(code.access.to_proto()),
    }
}

/// The contracts of a list: the last 32 bytes of each key.
fn listed(entries: &[(Vec<u8>, weft_types::Bytes)]) -> Result<Vec<String>, Fault> {
    let account = |(key, _): &(Vec<u8>, _)| Ok(Address::of(key.get(16..).unwrap_or_default())?.text);
    entries.iter().map(account).collect()
}

fn build_address(request: &wasm::QueryBuildAddressRequest) -> Result<Vec<u8>, Fault> {
    let checksum = hex::decode(&request.code_hash).map_err(|_| Fault::undefined("invalid code hash"))?;
    let checksum = <[u8; 32]>::try_from(checksum).map_err(|_| Fault::undefined("invalid checksum"))?;
    let creator = Address::parse(&request.creator_address)
        .map_err(|fault| Fault::undefined(format!("invalid creator address: {fault}")))?;
    let given = hex::decode(&request.salt).map_err(|_| Fault::undefined("invalid salt"))?;
    if given.is_empty() {
        return Err(invalid("empty salt"));
    }
    salt(&given)?;
    if !request.init_args.is_empty() {
        json(&request.init_args)?;
    }
    let address = Address::of(&predictable(&checksum, &creator.bytes, &given, &request.init_args))?.text;
    write(&wasm::QueryBuildAddressResponse { address })
}
