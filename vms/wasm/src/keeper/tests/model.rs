//! The model of submessages: it copies the whole state for each, and keeps the copy or not.

use super::trees::{CONTRACTS, Child, Node, What};
use super::world::user;
use crate::event::Event;
use crate::keeper::addresses::Address;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cosmos_sdk_proto::cosmwasm::wasm::v1::MsgExecuteContractResponse;
use prost::Message as _;
use serde_json::{Value, json};

#[derive(Debug, PartialEq)]
pub(super) struct Failed {
    pub(super) code: (&'static str, u32),
    /// What a contract may read of it.
    pub(super) words: Option<&'static str>,
}

fn failed(space: &'static str, code: u32) -> Failed {
    Failed { code: (space, code), words: None }
}

/// Events, data, and the response of a message as its sender hears of it.
pub(super) type Done = (Vec<Event>, Option<Vec<u8>>);

#[derive(Clone)]
pub(super) struct Model<'a> {
    pub(super) contracts: &'a [Address],
    pub(super) module: Address,
    pub(super) balances: [u64; CONTRACTS],
    pub(super) paid: u64,
    pub(super) burnt: u64,
    pub(super) heard: [Value; CONTRACTS],
}

impl Model<'_> {
    fn text(&self, contract: usize) -> &str {
        &self.contracts[contract].text
    }

    pub(super) fn execute(&mut self, contract: usize, node: &Node) -> Result<Done, Failed> {
        if node.fails {
            return Err(Failed { code: ("wasm", 5), words: Some("No: execute wasm contract failed") });
        }
        let mut events = vec![Event::new("execute").with("_contract_address", self.text(contract))];
        if node.attributes > 0 {
            let mut event = Event::new("wasm").with("_contract_address", self.text(contract));
            for index in 0..node.attributes {
                event = event.with(format!("k{}", 9 - index), index.to_string());
            }
            events.push(event);
        }
        let mut data = node.data.map(|byte| vec![byte]);
        for (id, child) in node.children.iter().enumerate() {
            if let Some(set) = self.submessage(&mut events, contract, id, child)? {
                data = Some(set);
            }
        }
        Ok((events, data))
    }

    fn submessage(
        &mut self,
        events: &mut Vec<Event>,
        contract: usize,
        id: usize,
        child: &Child,
    ) -> Result<Option<Vec<u8>>, Failed> {
        let mut tried = self.clone();
        let result = tried.run(contract, child);
        if let Ok((emitted, _)) = &result {
            *self = tried;
            events.extend(emitted.iter().cloned());
        }
        match (child.reply_on, result) {
            ("never" | "success", Err(failed)) => Err(failed),
            ("never" | "error", Ok(_)) => Ok(None),
            (_, result) => {
                let is_call = matches!(child.what, What::Call(..));
                let told = match result {
                    Ok((emitted, response)) => ok(if is_call { &emitted } else { &[] }, response),
                    Err(Failed { words: Some(words), .. }) => json!({"error": words}),
                    Err(Failed { code: (space, code), .. }) => {
                        json!({"error": format!("codespace: {space}, code: {code}")})
                    }
                };
                let told = json!({"gas_used": 0, "id": id, "result": told, "payload": "cGF5"});
                self.reply(events, contract, told)
            }
        }
    }

    /// The message itself: its events, and its response where it has one.
    fn run(
        &mut self,
        contract: usize,
        child: &Child,
    ) -> Result<(Vec<Event>, Option<(&'static str, Vec<u8>)>), Failed> {
        if child.starved && !matches!(child.what, What::Unknown) {
            return Err(failed("sdk", 11));
        }
        match &child.what {
            What::Unknown => Err(failed("wasm", 20)),
            What::Call(to, node) => {
                let (mut events, data) = self.execute(*to, node)?;
                for event in &mut events {
                    event.attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
                let response = MsgExecuteContractResponse { data: data.unwrap_or_default() }.encode_to_vec();
                Ok((events, Some(("/cosmwasm.wasm.v1.MsgExecuteContractResponse", response))))
            }
            What::Pay(amount) => {
                let events = self.pay(contract, *amount)?;
                Ok((events, Some(("/cosmos.bank.v1beta1.MsgSendResponse", Vec::new()))))
            }
            What::Burn(amount) => {
                let module = self.module.text.clone();
                let mut events = self.leave(contract, &module, *amount)?;
                self.burnt += amount;
                let text = format!("{amount}awei");
                events.push(Event::new("coin_spent").with("spender", &*module).with("amount", &*text));
                events.push(Event::new("burn").with("burner", module).with("amount", text));
                Ok((events, None))
            }
        }
    }

    fn pay(&mut self, contract: usize, amount: u64) -> Result<Vec<Event>, Failed> {
        let events = self.leave(contract, &user(2).text, amount)?;
        self.paid += amount;
        Ok(events)
    }

    fn leave(&mut self, contract: usize, to: &str, amount: u64) -> Result<Vec<Event>, Failed> {
        let left = self.balances[contract].checked_sub(amount).ok_or_else(|| failed("sdk", 5))?;
        self.balances[contract] = left;
        let (from, amount) = (self.text(contract), format!("{amount}awei"));
        Ok(vec![
            Event::new("coin_spent").with("spender", from).with("amount", &*amount),
            Event::new("coin_received").with("receiver", to).with("amount", &*amount),
            Event::new("transfer").with("recipient", to).with("sender", from).with("amount", amount),
        ])
    }

    fn reply(
        &mut self,
        events: &mut Vec<Event>,
        contract: usize,
        told: Value,
    ) -> Result<Option<Vec<u8>>, Failed> {
        if contract == 2 {
            return Err(failed("wasm", 5));
        }
        self.heard[contract] = told;
        events.push(Event::new("reply").with("_contract_address", self.text(contract)));
        match contract {
            0 => {
                let event = Event::new("wasm").with("_contract_address", self.text(contract));
                events.push(event.with("heard", "yes"));
                Ok(Some(b"reply".to_vec()))
            }
            1 => Ok(None),
            _ => {
                events.extend(self.pay(contract, 1)?);
                Ok(None)
            }
        }
    }
}

fn ok(events: &[Event], response: Option<(&'static str, Vec<u8>)>) -> Value {
    let attribute = |(key, value): &(String, String)| json!({"key": key, "value": value});
    let event = |event: &Event| {
        let attributes: Vec<Value> = event.attributes.iter().map(attribute).collect();
        json!({"type": event.kind, "attributes": attributes})
    };
    let events: Vec<Value> = events.iter().map(event).collect();
    let data = response.as_ref().map(|(_, value)| STANDARD.encode(value)).filter(|data| !data.is_empty());
    let responses: Vec<Value> = response
        .iter()
        .map(|(url, value)| json!({"type_url": url, "value": STANDARD.encode(value)}))
        .collect();
    let mut told = json!({"events": events, "msg_responses": responses});
    if let Some(data) = data {
        told["data"] = json!(data);
    }
    json!({ "ok": told })
}
