//! Contracts: making and calling them.

use super::addresses::{self, Address};
use super::coin::Coins;
use super::host::ContractHost;
use super::json::{Binary, to_json};
use super::messages::{ContractResult, Response};
use super::record::{self, Code, Contract, History, Position};
use super::sdk::respond;
use super::told::{BlockInfo, ContractAddress, Env, Info, TransactionInfo};
use super::{Keeper, keys};
use crate::engine::{Call, CallFault, Entry};
use crate::event::Event;
use crate::fault::Fault;
use crate::gas;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    ContractCodeHistoryOperationType, MsgExecuteContract, MsgExecuteContractResponse, MsgInstantiateContract,
    MsgInstantiateContract2, MsgInstantiateContract2Response, MsgInstantiateContractResponse,
    MsgStoreAndInstantiateContract, MsgStoreAndInstantiateContractResponse,
};
use serde::de::DeserializeOwned;
use weft_types::Bytes;

/// Most bytes of the payload of a submessage.
const PAYLOAD_MAX: usize = 128 << 10;
const NANOS_PER_MS: u128 = 1_000_000;

/// What a contract is made of.
pub(super) struct NewContract<'a> {
    pub(super) code_id: u64,
    pub(super) creator: Address,
    pub(super) admin: &'a str,
    pub(super) msg: &'a [u8],
    pub(super) label: &'a str,
    pub(super) funds: Coins,
    /// `None` for an address by the counter; else the salt, and whether the message is part of the address.
    pub(super) salt: Option<(&'a [u8], bool)>,
}

impl Keeper<'_, '_> {
    pub(super) fn instantiate_classic(&mut self, msg: MsgInstantiateContract) -> Result<Any, Fault> {
        let (address, data) = self.instantiate(NewContract {
            code_id: msg.code_id,
            creator: Address::parse_as(&msg.sender, "sender")?,
            admin: &msg.admin,
            msg: &msg.msg,
            label: &msg.label,
            funds: Coins::from_proto(&msg.funds)?,
            salt: None,
        })?;
        Ok(respond(&MsgInstantiateContractResponse { address: address.text, data }))
    }

    pub(super) fn instantiate_predictable(&mut self, msg: MsgInstantiateContract2) -> Result<Any, Fault> {
        let (address, data) = self.instantiate(NewContract {
            code_id: msg.code_id,
            creator: Address::parse_as(&msg.sender, "sender")?,
            admin: &msg.admin,
            msg: &msg.msg,
            label: &msg.label,
            funds: Coins::from_proto(&msg.funds)?,
            salt: Some((&msg.salt, msg.fix_msg)),
        })?;
        Ok(respond(&MsgInstantiateContract2Response { address: address.text, data }))
    }

    pub(super) fn store_and_instantiate(
        &mut self,
        msg: MsgStoreAndInstantiateContract,
    ) -> Result<Any, Fault> {
        let creator = Address::parse_as(&msg.authority, "authority")?;
        let stored = self.store(&creator, &msg.wasm_byte_code, msg.instantiate_permission)?;
        let (address, data) = self.instantiate(NewContract {
            code_id: stored.id,
            creator,
            admin: &msg.admin,
            msg: &msg.msg,
            label: &msg.label,
            funds: Coins::from_proto(&msg.funds)?,
            salt: None,
        })?;
        Ok(respond(&MsgStoreAndInstantiateContractResponse { address: address.text, data }))
    }

    fn instantiate(&mut self, new: NewContract<'_>) -> Result<(Address, Vec<u8>), Fault> {
        let code = self.code(new.code_id)?.ok_or_else(|| Fault::no_such_code(new.code_id))?;
        self.gas.charge(gas::INSTANCE, "loading CosmWasm module: instantiate")?;
        if !code.access.allows(&new.creator.text) {
            return Err(Fault::sdk(4, "can not instantiate"));
        }
        let address = self.new_address(&new, &code)?;
        if self.contract_record(&address)?.is_some() {
            let text =
                "contract address already exists, try a different combination of creator, checksum and salt";
            return Err(Fault::wasm(15, text));
        }
        if !new.funds.is_zero() {
            self.transfer(&new.creator, &address, &new.funds)?;
        }
        let (env, info) = (self.env_json(&address), info_json(&new.creator, &new.funds));
        let result = self.call(&address, &code, Entry::Instantiate, &[&env, &info, new.msg], false)?;
        let response = self.response(&result, 4)?;

        let created = self.position();
        let admin =
            if new.admin.is_empty() { String::new() } else { Address::parse_as(new.admin, "admin")?.text };
        let contract = Contract {
            code_id: new.code_id,
            creator: new.creator.text.clone(),
            admin,
            label: new.label.to_owned(),
            created,
            ibc_port: ibc_port(&code, &address),
        };
        // It is there before what it sends off, which may call it back.
        self.charge_records(4)?;
        self.list(keys::by_code(new.code_id), created, &address);
        self.list(keys::by_creator(new.creator.id), created, &address);
        let entry = History {
            operation: ContractCodeHistoryOperationType::Init as i32,
            code_id: new.code_id,
            updated: created,
            msg: new.msg.to_vec(),
        };
        self.gas.charge_each(0, gas::WRITE_BYTE, new.msg.len(), "contract history")?;
        self.journal.set(keys::history(address.id, 1), record::encode(&entry)?);
        self.set_contract(&address, &contract)?;
        let event = Event::new("instantiate")
            .with("_contract_address", address.text.clone())
            .with("code_id", new.code_id.to_string());
        self.emit(event);
        let data = self.respond(&address, response).map_err(|fault| fault.wrap("dispatch"))?;
        Ok((address, data.unwrap_or_default()))
    }

    fn new_address(&mut self, new: &NewContract<'_>, code: &Code) -> Result<Address, Fault> {
        let bytes = match new.salt {
            None => {
                let instance = self.next(keys::next_instance())?;
                addresses::classic(new.code_id, instance)
            }
            Some((salt, fix_msg)) => {
                let msg = if fix_msg { new.msg } else { &[] };
                addresses::predictable(&code.checksum, &new.creator.bytes, salt, msg)
            }
        };
        Address::of(&bytes)
    }

    pub(super) fn execute_message(&mut self, msg: MsgExecuteContract) -> Result<Any, Fault> {
        let sender = Address::parse_as(&msg.sender, "sender")?;
        let address = Address::parse_as(&msg.contract, "contract")?;
        let funds = Coins::from_proto(&msg.funds)?;
        let (_, code) = self.instance(&address)?;
        self.gas.charge(gas::INSTANCE, "loading CosmWasm module: execute")?;
        if !funds.is_zero() {
            self.transfer(&sender, &address, &funds)?;
        }
        let (env, info) = (self.env_json(&address), info_json(&sender, &funds));
        let result = self.call(&address, &code, Entry::Execute, &[&env, &info, &msg.msg], false)?;
        let response = self.response(&result, 5)?;
        self.emit(Event::new("execute").with("_contract_address", address.text.clone()));
        let data = self.respond(&address, response)?.unwrap_or_default();
        Ok(respond(&MsgExecuteContractResponse { data }))
    }

    /// A contract and its code.
    pub(super) fn instance(&mut self, address: &Address) -> Result<(Contract, Code), Fault> {
        let contract =
            self.contract_record(address)?.ok_or_else(|| Fault::no_such_contract(&address.text))?;
        let code = self.code(contract.code_id)?.ok_or_else(|| Fault::no_such_code(contract.code_id))?;
        Ok((contract, code))
    }

    /// Calls an entry point; what the contract wrote, still undecoded.
    pub(super) fn call(
        &mut self,
        address: &Address,
        code: &Code,
        entry: Entry,
        args: &[&[u8]],
        readonly: bool,
    ) -> Result<Vec<u8>, Fault> {
        let rate = self.rules.rate;
        // Read by every call, whether or not the engine has the module: what a call reads is the same everywhere.
        let bytes = self.code_bytes(&code.checksum)?;
        self.gas.charge_each(0, gas::LOAD_100_BYTES, bytes.len() / 100, "loading CosmWasm module")?;
        let fuel = self.gas.fuel_left(rate);
        let call = Call { code_hash: code.checksum, code: &bytes, entry, args, fuel, readonly };
        let engine = self.engine;
        let result = engine.call(call, &mut ContractHost::new(self, address))?;
        if result.outcome == Err(CallFault::OutOfFuel) {
            return Err(self.gas.exhaust("Wasm engine function execution"));
        }
        self.gas.charge_fuel(rate, result.fuel_used)?;
        result.outcome.map_err(|fault| Fault::wasm(29, fault.to_string()))
    }

    /// Reads what an entry point gave; `failed` is the code of the contract's own error.
    pub(super) fn result<T: DeserializeOwned>(&mut self, json: &[u8], failed: u32) -> Result<T, Fault> {
        // Before it is read: what is read takes memory by the objects.
        let objects = json.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
        let bytes = gas::cost(0, gas::JSON_BYTE, json.len());
        self.gas.charge_each(bytes, gas::JSON_OBJECT, objects, "contract result")?;
        let result: ContractResult<T> = serde_json::from_slice(json)
            .map_err(|error| Fault::wasm(29, format!("the contract's result can't be read: {error}")))?;
        match (result.ok, result.error) {
            (_, Some(error)) if !error.is_empty() => Err(Fault::contract(failed, error)),
            (Some(ok), _) => Ok(ok),
            (None, _) => Err(Fault::wasm(29, "the contract's result is neither ok nor error")),
        }
    }

    /// [`Self::result`] of what may send messages.
    pub(super) fn response(&mut self, json: &[u8], failed: u32) -> Result<Response, Fault> {
        let response: Response = self.result(json, failed)?;
        for (index, message) in response.messages.iter().enumerate() {
            // Nobody can read a message that is two.
            if message.msg.any.is_some() && message.msg.stargate.is_some() {
                let text = "invalid CosmosMsg: both 'any' and 'stargate' fields are set";
                return Err(Fault::wasm(29, text));
            }
            let payload = message.payload.as_ref().map_or(0, |payload| payload.0.len());
            if payload > PAYLOAD_MAX {
                let text = format!(
                    "reply contains submessage at index {index} with payload larger than {PAYLOAD_MAX} bytes: \
                     {payload} bytes"
                );
                return Err(Fault::wasm(29, text));
            }
        }
        Ok(response)
    }

    /// JSON of the first argument of every entry point.
    pub(super) fn env_json(&self, address: &Address) -> Vec<u8> {
        let nanos = u128::from(self.env.timestamp_ms).saturating_mul(NANOS_PER_MS);
        let transaction =
            self.tx.map(|tx| TransactionInfo { index: tx.index, hash: Binary(tx.hash.to_vec()) });
        to_json(&Env {
            block: BlockInfo {
                height: self.env.height.0,
                time: nanos.to_string(),
                chain_id: &self.rules.chain_id,
            },
            transaction,
            contract: ContractAddress { address: &address.text },
        })
    }

    /// The record of a contract.
    pub(super) fn contract_record(&mut self, address: &Address) -> Result<Option<Contract>, Fault> {
        self.charge_records(1)?;
        let found = self.journal.get(&keys::contract(address.id))?;
        Ok(found.map(|bytes| record::decode(&bytes, "a contract")).transpose()?)
    }

    pub(super) fn set_contract(&mut self, address: &Address, contract: &Contract) -> Result<(), Fault> {
        self.journal.set(keys::contract(address.id), record::encode(contract)?);
        Ok(())
    }

    pub(super) fn list(&mut self, prefix: weft_state::Key, position: Position, address: &Address) {
        let key = keys::listed(prefix, position.height, position.index, address.id);
        self.journal.set(key, Bytes::from_static(&[1]));
    }

    pub(super) fn charge_records(&mut self, count: usize) -> Result<(), Fault> {
        self.gas.charge_each(0, gas::RECORD, count, "contract info")
    }
}

fn info_json(sender: &Address, funds: &Coins) -> Vec<u8> {
    to_json(&Info { sender: &sender.text, funds: funds.to_json() })
}

/// The port of a contract whose code speaks IBC.
pub(super) fn ibc_port(code: &Code, address: &Address) -> String {
    if code.has_ibc { format!("wasm.{}", address.text) } else { String::new() }
}
