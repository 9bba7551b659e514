//! Replies: what a contract hears of its submessage.

use super::Keeper;
use super::addresses::Address;
use super::events;
use super::json::{Attribute, Binary, ContractEvent, to_json};
use super::told::{MsgResponse, Reply, SubMsgResponse, SubMsgResult};
use crate::engine::Entry;
use crate::event::Event;
use crate::fault::Fault;
use crate::gas;
use cosmos_sdk_proto::Any;

/// A submessage that succeeded.
pub(super) struct Done {
    /// Those that the contract hears of.
    pub(super) events: Vec<Event>,
    /// `None` where the message had none.
    pub(super) response: Option<Any>,
}

impl Keeper<'_, '_> {
    /// Tells a contract what became of its submessage; the data that it sets for its own message.
    pub(super) fn reply(
        &mut self,
        address: &Address,
        id: u64,
        result: Result<Done, Fault>,
        payload: Binary,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let (_, code) = self.instance(address)?;
        let result = match result {
            Ok(done) => SubMsgResult::Ok(response(done)),
            Err(fault) => SubMsgResult::Err(fault.redacted()),
        };
        self.gas.charge(gas::INSTANCE, "loading CosmWasm module: reply")?;
        if let SubMsgResult::Ok(response) = &result {
            self.gas.charge(events::cost(&[], &response.events), "events of a reply")?;
        }
        let reply = to_json(&Reply { gas_used: 0, id, result, payload });
        self.gas.charge_each(0, gas::JSON_BYTE, reply.len(), "reply")?;
        let env = self.env_json(address);
        let result = self.call(address, &code, Entry::Reply, &[&env, &reply], false)?;
        let response = self.response(&result, 5)?;
        self.emit(Event::new("reply").with("_contract_address", address.text.clone()));
        self.respond(address, response).map_err(|fault| fault.wrap("dispatch"))
    }
}

fn response(done: Done) -> SubMsgResponse {
    let attribute = |(key, value)| Attribute { key, value };
    let event = |event: Event| ContractEvent {
        kind: event.kind,
        attributes: event.attributes.into_iter().map(attribute).collect(),
    };
    let data = done.response.as_ref().map(|any| Binary(any.value.clone())).unwrap_or_default();
    let message = |any: Any| MsgResponse { type_url: any.type_url, value: Binary(any.value) };
    SubMsgResponse {
        events: done.events.into_iter().map(event).collect(),
        data,
        msg_responses: done.response.into_iter().map(message).collect(),
    }
}
