//! Codes: their upload, and who may make contracts of them. And the small numbers that the wasm module counts by.

use super::addresses::Address;
use super::record::{self, Access, Code, Position};
use super::sdk::respond;
use super::{CODE_MAX, Keeper, keys};
use crate::engine::{CodeError, Engine};
use crate::event::Event;
use crate::fault::Fault;
use crate::gas;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgStoreCode, MsgStoreCodeResponse, MsgUpdateInstantiateConfig,
    MsgUpdateInstantiateConfigResponse,
};
use flate2::read::GzDecoder;
use std::io::Read;
use weft_state::{Key, ReadError};
use weft_types::Bytes;

/// What gzip begins with.
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];

/// A code that was found or stored.
pub(super) struct Stored {
    pub(super) id: u64,
    pub(super) checksum: [u8; 32],
}

impl Keeper<'_, '_> {
    pub(super) fn store_code(&mut self, msg: MsgStoreCode) -> Result<Any, Fault> {
        let sender = Address::parse_as(&msg.sender, "sender")?;
        let stored = self.store(&sender, &msg.wasm_byte_code, msg.instantiate_permission)?;
        Ok(respond(&MsgStoreCodeResponse { code_id: stored.id, checksum: stored.checksum.to_vec() }))
    }

    /// Checks and keeps `code`, under a new id even where the same is there already.
    pub(super) fn store(
        &mut self,
        creator: &Address,
        code: &[u8],
        permission: Option<AccessConfig>,
    ) -> Result<Stored, Fault> {
        let unpacked = self.unpack(code)?;
        let code = unpacked.as_deref().unwrap_or(code);
        self.gas.charge_each(gas::RECORD, gas::CODE_BYTE, code.len(), "store code")?;
        let refused = |error: CodeError| Fault::wasm(2, error.to_string());
        let report = Engine::inspect(code, &self.rules.capabilities).map_err(refused)?;
        // Paid before it is done: it may take a hundred times what the inspection did.
        self.gas.charge_each(0, gas::CODE_WORK, report.work, "compile code")?;
        let checksum = self.engine.compile(code).map_err(refused)?;
        let key = keys::bytes(&checksum);
        if self.journal.get(&key)?.is_none() {
            self.journal.set(key, Bytes::copy_from_slice(code));
        }
        let id = self.next(keys::next_code())?;
        let access = permission.map_or_else(Access::everybody, Access::from);
        let record = Code {
            checksum,
            creator: creator.text.clone(),
            access,
            has_ibc: report.has_ibc_entry_points,
            migrate_version: report.migrate_version,
        };
        self.set_code(id, &record)?;
        // Others mean to name what the code requires, too, and lose it.
        let event = Event::new("store_code")
            .with("code_checksum", hex::encode(checksum))
            .with("code_id", id.to_string());
        self.emit(event);
        Ok(Stored { id, checksum })
    }

    /// What `code` holds, where it is packed.
    fn unpack(&mut self, code: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if !code.starts_with(GZIP) {
            return Ok(None);
        }
        let hundreds = code.len() / 100;
        self.gas.charge_each(0, gas::UNPACK_100_BYTES, hundreds, "uncompress gzip bytecode")?;
        let broken = |why: &str| Fault::wasm(2, format!("uncompress wasm archive: {why}"));
        // Reaching the limit is refused, as others do, so that what is read tells whether there is more.
        let limit = u64::try_from(CODE_MAX).unwrap_or(u64::MAX);
        let mut unpacked = Vec::new();
        GzDecoder::new(code)
            .take(limit)
            .read_to_end(&mut unpacked)
            .map_err(|_| broken("not a gzip archive"))?;
        if unpacked.len() >= CODE_MAX {
            return Err(broken(&format!("max {CODE_MAX} bytes: exceeds limit")));
        }
        Ok(Some(unpacked))
    }

    pub(super) fn update_access(&mut self, msg: MsgUpdateInstantiateConfig) -> Result<Any, Fault> {
        let sender = Address::parse_as(&msg.sender, "sender")?;
        let config = msg
            .new_instantiate_permission
            .ok_or_else(|| Fault::sdk(18, "instantiate permission is required"))?;
        let mut code = self.code(msg.code_id)?.ok_or_else(|| Fault::no_such_code(msg.code_id))?;
        // Any config is a subset of the default of this chain, which is everybody.
        if code.creator != sender.text {
            return Err(Fault::sdk(4, "can not modify code access config"));
        }
        let mut event = Event::new("update_code_access_config")
            .with("code_permission", permission_name(config.permission))
            .with("code_id", msg.code_id.to_string());
        if !config.addresses.is_empty() && config.permission == AccessType::AnyOfAddresses as i32 {
            event = event.with("authorized_addresses", config.addresses.join(","));
        }
        code.access = config.into();
        self.set_code(msg.code_id, &code)?;
        self.emit(event);
        Ok(respond(&MsgUpdateInstantiateConfigResponse {}))
    }

    /// The record of a code.
    pub(super) fn code(&mut self, id: u64) -> Result<Option<Code>, Fault> {
        self.gas.charge(gas::RECORD, "read code info")?;
        let found = self.journal.get(&keys::code(id))?;
        Ok(found.map(|bytes| record::decode(&bytes, "a code")).transpose()?)
    }

    fn set_code(&mut self, id: u64, code: &Code) -> Result<(), Fault> {
        self.gas.charge(gas::RECORD, "write code info")?;
        self.journal.set(keys::code(id), record::encode(code)?);
        Ok(())
    }

    /// The bytes of a code that a record names.
    pub(super) fn code_bytes(&mut self, checksum: &[u8; 32]) -> Result<Bytes, ReadError> {
        let found = self.journal.get(&keys::bytes(checksum))?;
        found.ok_or_else(|| ReadError(format!("code {} is not in the store", hex::encode(checksum))))
    }

    /// The next number under `key`, from 1, which is taken.
    pub(super) fn next(&mut self, key: Key) -> Result<u64, Fault> {
        self.gas.charge(gas::RECORD, "sequence")?;
        let number = match self.journal.get(&key)? {
            None => 1,
            Some(bytes) => {
                let bytes = bytes.as_ref().try_into();
                u64::from_be_bytes(bytes.map_err(|_| ReadError("a sequence is not 8 bytes".to_owned()))?)
            }
        };
        let next = number.checked_add(1).ok_or_else(|| ReadError("a sequence is used up".to_owned()))?;
        self.journal.set(key, Bytes::copy_from_slice(&next.to_be_bytes()));
        Ok(number)
    }

    /// Where the transaction stands.
    pub(super) fn position(&self) -> Position {
        Position { height: self.env.height.0, index: self.tx.map_or(0, |tx| u64::from(tx.index)) }
    }
}

fn permission_name(permission: i32) -> &'static str {
    match AccessType::try_from(permission) {
        Ok(AccessType::Nobody) => "Nobody",
        Ok(AccessType::Everybody) => "Everybody",
        Ok(AccessType::AnyOfAddresses) => "AnyOfAddresses",
        Ok(AccessType::Unspecified) | Err(_) => "Unspecified",
    }
}
