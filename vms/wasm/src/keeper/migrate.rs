//! What a contract's admin may do: give it another code, another admin, another label.

use super::addresses::Address;
use super::contract::ibc_port;
use super::json::to_json;
use super::messages::Response;
use super::record::{self, Code, Contract, History};
use super::sdk::respond;
use super::told::MigrateInfo;
use super::{Keeper, keys};
use crate::engine::Entry;
use crate::event::Event;
use crate::fault::Fault;
use crate::gas;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    ContractCodeHistoryOperationType, MsgClearAdmin, MsgClearAdminResponse, MsgMigrateContract,
    MsgMigrateContractResponse, MsgStoreAndMigrateContract, MsgStoreAndMigrateContractResponse,
    MsgUpdateAdmin, MsgUpdateAdminResponse, MsgUpdateContractLabel, MsgUpdateContractLabelResponse,
};

impl Keeper<'_, '_> {
    pub(super) fn migrate_message(&mut self, msg: MsgMigrateContract) -> Result<Any, Fault> {
        let sender = Address::parse_as(&msg.sender, "sender")?;
        let address = Address::parse_as(&msg.contract, "contract")?;
        let data = self.migrate(&address, &sender, msg.code_id, &msg.msg)?;
        Ok(respond(&MsgMigrateContractResponse { data }))
    }

    pub(super) fn store_and_migrate(&mut self, msg: MsgStoreAndMigrateContract) -> Result<Any, Fault> {
        let sender = Address::parse_as(&msg.authority, "authority")?;
        let stored = self.store(&sender, &msg.wasm_byte_code, msg.instantiate_permission)?;
        let address = Address::parse_as(&msg.contract, "contract")?;
        let data = self.migrate(&address, &sender, stored.id, &msg.msg)?;
        let checksum = stored.checksum.to_vec();
        Ok(respond(&MsgStoreAndMigrateContractResponse { code_id: stored.id, checksum, data }))
    }

    fn migrate(
        &mut self,
        address: &Address,
        sender: &Address,
        code_id: u64,
        msg: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let mut contract = self.administered(address, sender, "can not migrate")?;
        let code = self.code(code_id)?.ok_or_else(|| Fault::sdk(18, "unknown code"))?;
        if !code.access.allows(&sender.text) {
            return Err(Fault::sdk(4, "to use new code"));
        }
        if !contract.ibc_port.is_empty() && !code.has_ibc {
            return Err(Fault::wasm(11, "requires ibc callbacks"));
        }
        if contract.ibc_port.is_empty() {
            contract.ibc_port = ibc_port(&code, address);
        }
        let old = self.code(contract.code_id)?.ok_or_else(|| Fault::no_such_code(contract.code_id))?;
        // Two codes that say the same version of the state have nothing to migrate.
        let same = code.migrate_version.is_some() && code.migrate_version == old.migrate_version;
        let response = if same { None } else { Some(self.call_migrate(address, sender, &code, &old, msg)?) };

        let last = self.last_history(address)?;
        self.charge_records(4)?;
        let listed = keys::by_code(last.1.code_id);
        let updated = last.1.updated;
        self.journal.remove(keys::listed(listed, updated.height, updated.index, address.id));
        let entry = History {
            operation: ContractCodeHistoryOperationType::Migrate as i32,
            code_id,
            updated: self.position(),
            msg: msg.to_vec(),
        };
        self.gas.charge_each(0, gas::WRITE_BYTE, msg.len(), "contract history")?;
        self.journal.set(keys::history(address.id, last.0.saturating_add(1)), record::encode(&entry)?);
        self.list(keys::by_code(code_id), entry.updated, address);
        contract.code_id = code_id;
        self.set_contract(address, &contract)?;
        let event = Event::new("migrate")
            .with("code_id", code_id.to_string())
            .with("_contract_address", address.text.clone());
        self.emit(event);
        let Some(response) = response else { return Ok(Vec::new()) };
        let data = self.respond(address, response).map_err(|fault| fault.wrap("dispatch"))?;
        Ok(data.unwrap_or_default())
    }

    fn call_migrate(
        &mut self,
        address: &Address,
        sender: &Address,
        code: &Code,
        old: &Code,
        msg: &[u8],
    ) -> Result<Response, Fault> {
        self.gas.charge(gas::INSTANCE, "loading CosmWasm module: migrate")?;
        let env = self.env_json(address);
        let info = to_json(&MigrateInfo { sender: &sender.text, old_migrate_version: old.migrate_version });
        let result = self.call(address, code, Entry::Migrate, &[&env, msg, &info], false)?;
        self.response(&result, 11)
    }

    /// The position and the entry of the newest step of a contract's history.
    fn last_history(&mut self, address: &Address) -> Result<(u64, History), Fault> {
        let prefix = keys::history_of(address.id);
        let newest = self.journal.range_back(&prefix, &keys::after(&prefix), 1)?.pop();
        let broken = || weft_state::ReadError(format!("no history for {}", address.text));
        let (key, value) = newest.ok_or_else(broken)?;
        let position = key.get(prefix.len()..).and_then(|bytes| bytes.try_into().ok()).ok_or_else(broken)?;
        Ok((u64::from_be_bytes(position), record::decode(&value, "a contract's history")?))
    }

    /// The record of a contract whose admin `sender` is.
    fn administered(
        &mut self,
        address: &Address,
        sender: &Address,
        otherwise: &str,
    ) -> Result<Contract, Fault> {
        let contract = self.contract_record(address)?.ok_or_else(|| Fault::sdk(18, "unknown contract"))?;
        if contract.admin.is_empty() || contract.admin != sender.text {
            return Err(Fault::sdk(4, otherwise));
        }
        Ok(contract)
    }

    pub(super) fn update_admin(&mut self, msg: &MsgUpdateAdmin) -> Result<Any, Fault> {
        let admin = Address::parse_as(&msg.new_admin, "new admin")?.text;
        self.set_admin(&msg.sender, &msg.contract, admin)?;
        Ok(respond(&MsgUpdateAdminResponse {}))
    }

    pub(super) fn clear_admin(&mut self, msg: &MsgClearAdmin) -> Result<Any, Fault> {
        self.set_admin(&msg.sender, &msg.contract, String::new())?;
        Ok(respond(&MsgClearAdminResponse {}))
    }

    fn set_admin(&mut self, sender: &str, contract: &str, admin: String) -> Result<(), Fault> {
        let sender = Address::parse_as(sender, "sender")?;
        let address = Address::parse_as(contract, "contract")?;
        let mut contract = self.administered(&address, &sender, "can not modify contract")?;
        contract.admin.clone_from(&admin);
        self.charge_records(1)?;
        self.set_contract(&address, &contract)?;
        let event = Event::new("update_contract_admin")
            .with("_contract_address", address.text)
            .with("new_admin_address", admin);
        self.emit(event);
        Ok(())
    }

    pub(super) fn update_label(&mut self, msg: &MsgUpdateContractLabel) -> Result<Any, Fault> {
        let sender = Address::parse_as(&msg.sender, "sender")?;
        let address = Address::parse_as(&msg.contract, "contract")?;
        let mut contract = self.administered(&address, &sender, "can not modify contract")?;
        contract.label.clone_from(&msg.new_label);
        self.charge_records(1)?;
        self.set_contract(&address, &contract)?;
        let event = Event::new("update_contract_label")
            .with("_contract_address", address.text)
            .with("new_label", msg.new_label.clone());
        self.emit(event);
        Ok(respond(&MsgUpdateContractLabelResponse {}))
    }
}
