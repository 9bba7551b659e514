//! What contracts ask the chain and how it answers, in JSON.

use super::json::Binary;
use crate::fault::SystemFault;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Request {
    pub(super) bank: Option<BankQuery>,
    pub(super) custom: Option<Box<RawValue>>,
    pub(super) ibc: Option<Box<RawValue>>,
    pub(super) staking: Option<Box<RawValue>>,
    pub(super) distribution: Option<Box<RawValue>>,
    pub(super) stargate: Option<Box<RawValue>>,
    pub(super) grpc: Option<Box<RawValue>>,
    pub(super) wasm: Option<WasmQuery>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct BankQuery {
    pub(super) supply: Option<Denom>,
    pub(super) balance: Option<AddressDenom>,
    pub(super) all_balances: Option<AddressDenom>,
    pub(super) denom_metadata: Option<Denom>,
    pub(super) all_denom_metadata: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Denom {
    pub(super) denom: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct AddressDenom {
    pub(super) address: String,
    pub(super) denom: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WasmQuery {
    pub(super) smart: Option<Smart>,
    pub(super) raw: Option<Raw>,
    pub(super) contract_info: Option<OfContract>,
    pub(super) code_info: Option<OfCode>,
    pub(super) raw_range: Option<RawRange>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Smart {
    pub(super) contract_addr: String,
    pub(super) msg: Binary,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    pub(super) contract_addr: String,
    pub(super) key: Binary,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct OfContract {
    pub(super) contract_addr: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct OfCode {
    pub(super) code_id: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRange {
    pub(super) contract_addr: String,
    pub(super) start: Option<Binary>,
    pub(super) end: Option<Binary>,
    pub(super) limit: u16,
    pub(super) order: String,
}

#[derive(Serialize)]
pub(super) struct Amount<T> {
    pub(super) amount: T,
}

#[derive(Serialize)]
pub(super) struct NoMetadata {
    pub(super) metadata: [(); 0],
}

#[derive(Serialize)]
pub(super) struct ContractInfo {
    pub(super) code_id: u64,
    pub(super) creator: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) admin: String,
    pub(super) pinned: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) ibc_port: String,
    pub(super) ibc2_port: String,
}

#[derive(Serialize)]
pub(super) struct CodeInfo {
    pub(super) code_id: u64,
    pub(super) creator: String,
    pub(super) checksum: String,
}

#[derive(Serialize)]
pub(super) struct RangeResponse {
    pub(super) data: Vec<(Binary, Binary)>,
    pub(super) next_key: Option<Binary>,
}

/// `SystemResult<ContractResult<Binary>>` as contracts read it.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SystemResult {
    Ok(QueryResult),
    Error(SystemError),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum QueryResult {
    Ok(Binary),
    Error(String),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SystemError {
    InvalidRequest { error: String, request: Binary },
    NoSuchContract { addr: String },
    NoSuchCode { code_id: u64 },
    Unknown {},
    UnsupportedRequest { kind: String },
}

impl From<SystemFault> for SystemError {
    fn from(fault: SystemFault) -> Self {
        match fault {
            SystemFault::NoSuchContract(addr) => Self::NoSuchContract { addr },
            SystemFault::NoSuchCode(code_id) => Self::NoSuchCode { code_id },
            SystemFault::Unsupported(kind) => Self::UnsupportedRequest { kind },
            SystemFault::Unknown => Self::Unknown {},
        }
    }
}
