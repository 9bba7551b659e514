//! What the wasm module keeps: records of codes, contracts and their history, borsh-encoded.

use borsh::{BorshDeserialize, BorshSerialize};
use cosmos_sdk_proto::cosmwasm::wasm::v1::{AccessConfig, AccessType};
use weft_state::ReadError;
use weft_types::Bytes;

/// Who may make contracts of a code. The numbers are those of the protobuf enum `AccessType`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Access {
    /// 1 nobody, 3 everybody, 4 the addresses.
    pub permission: i32,
    /// As they were given.
    pub addresses: Vec<String>,
}

impl Access {
    /// The default.
    #[must_use]
    pub fn everybody() -> Self {
        Self { permission: AccessType::Everybody as i32, addresses: Vec::new() }
    }

    /// Whether `actor` may.
    #[must_use]
    pub fn allows(&self, actor: &str) -> bool {
        match AccessType::try_from(self.permission) {
            Ok(AccessType::Everybody) => true,
            Ok(AccessType::AnyOfAddresses) => self.addresses.iter().any(|address| address == actor),
            Ok(AccessType::Nobody | AccessType::Unspecified) | Err(_) => false,
        }
    }

    /// As clients see it.
    #[must_use]
    pub fn to_proto(&self) -> AccessConfig {
        AccessConfig { permission: self.permission, addresses: self.addresses.clone() }
    }
}

impl From<AccessConfig> for Access {
    /// As it was given: addresses that say nothing are kept too.
    fn from(config: AccessConfig) -> Self {
        Self { permission: config.permission, addresses: config.addresses }
    }
}

/// A code that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Code {
    /// SHA-256 of its bytes.
    pub checksum: [u8; 32],
    /// Who uploaded it.
    pub creator: String,
    /// Who may make contracts of it.
    pub access: Access,
    /// Whether it exports all entry points of IBC.
    pub has_ibc: bool,
    /// The version of its state, where it says one.
    pub migrate_version: Option<u64>,
}

/// Where a block and a transaction stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Position {
    /// Height of the block.
    pub height: u64,
    /// Index of the transaction in it.
    pub index: u64,
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Contract {
    /// Its code now.
    pub code_id: u64,
    /// Who made it.
    pub creator: String,
    /// Who may migrate it; empty where nobody may.
    pub admin: String,
    /// For people.
    pub label: String,
    /// When it was made.
    pub created: Position,
    /// Its port, where its code has the entry points of IBC. No channel leads there.
    pub ibc_port: String,
}

/// A step in the history of a contract.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct History {
    /// 1 made, 2 migrated: the numbers of the protobuf enum.
    pub operation: i32,
    /// The code since.
    pub code_id: u64,
    /// When.
    pub updated: Position,
    /// The message that it was made or migrated with.
    pub msg: Vec<u8>,
}

pub(super) fn encode(record: &impl BorshSerialize) -> Result<Bytes, ReadError> {
    let bytes =
        borsh::to_vec(record).map_err(|error| ReadError(format!("a record can't be written: {error}")))?;
    Ok(bytes.into())
}

pub(super) fn decode<T: BorshDeserialize>(bytes: &[u8], what: &str) -> Result<T, ReadError> {
    T::try_from_slice(bytes).map_err(|error| ReadError(format!("the record of {what} is broken: {error}")))
}
