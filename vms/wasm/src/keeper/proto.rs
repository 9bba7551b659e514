//! Protobuf messages of wasmd 0.61 that the generated ones lack, in whole or in a field.

use cosmos_sdk_proto::cosmwasm::wasm::v1::{AbsoluteTxPosition, AccessConfig};

/// `cosmwasm.wasm.v1.ContractInfo`, with the port of IBC's second version.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ContractInfo {
    /// Its code.
    #[prost(uint64, tag = "1")]
    pub code_id: u64,
    /// Who made it.
    #[prost(string, tag = "2")]
    pub creator: String,
    /// Who may migrate it.
    #[prost(string, tag = "3")]
    pub admin: String,
    /// For people.
    #[prost(string, tag = "4")]
    pub label: String,
    /// When it was made.
    #[prost(message, optional, tag = "5")]
    pub created: Option<AbsoluteTxPosition>,
    /// Its port.
    #[prost(string, tag = "6")]
    pub ibc_port_id: String,
    /// Its port in the second version.
    #[prost(string, tag = "8")]
    pub ibc2_port_id: String,
}

/// `cosmwasm.wasm.v1.QueryContractInfoResponse`, with [`ContractInfo`].
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryContractInfoResponse {
    /// The contract.
    #[prost(string, tag = "1")]
    pub address: String,
    /// What is known of it.
    #[prost(message, optional, tag = "2")]
    pub contract_info: Option<ContractInfo>,
}

/// `cosmwasm.wasm.v1.QueryCodeInfoRequest`
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryCodeInfoRequest {
    /// Which code.
    #[prost(uint64, tag = "1")]
    pub code_id: u64,
}

/// `cosmwasm.wasm.v1.QueryCodeInfoResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryCodeInfoResponse {
    /// Which code.
    #[prost(uint64, tag = "1")]
    pub code_id: u64,
    /// Who uploaded it.
    #[prost(string, tag = "2")]
    pub creator: String,
    /// SHA-256 of its bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub checksum: Vec<u8>,
    /// Who may make contracts of it.
    #[prost(message, optional, tag = "4")]
    pub instantiate_permission: Option<AccessConfig>,
}

/// `cosmwasm.wasm.v1.QueryWasmLimitsConfigResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct QueryWasmLimitsConfigResponse {
    /// JSON of the limits.
    #[prost(string, tag = "1")]
    pub config: String,
}
