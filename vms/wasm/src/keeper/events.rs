//! Events of contracts, with the checks that keep a contract from passing for the chain.

use super::Keeper;
use super::addresses::Address;
use super::json::{Attribute, ContractEvent};
use super::messages::Response;
use crate::event::Event;
use crate::fault::Fault;
use crate::gas;

/// What keys of attributes of the chain's own begin with.
const RESERVED: char = '_';
/// A custom event's type is longer than this.
const KIND_MIN: usize = 2;

impl Keeper<'_, '_> {
    /// Does what a contract answered: emits its events, then runs its messages. What the message's data is then.
    pub(super) fn respond(
        &mut self,
        address: &Address,
        response: Response,
    ) -> Result<Option<Vec<u8>>, Fault> {
        self.gas.charge(cost(&response.attributes, &response.events), "custom contract event attributes")?;
        if !response.attributes.is_empty() {
            let event = event("wasm", &response.attributes, address)?;
            self.emit(event);
        }
        let custom = response.events.iter().map(|event| custom_event(event, address));
        for event in custom.collect::<Result<Vec<_>, _>>()? {
            self.emit(event);
        }
        if self.depth >= super::DEPTH_MAX {
            return Err(Fault::wasm(30, ""));
        }
        self.depth = self.depth.saturating_add(1);
        let data = self.dispatch(address, response.messages);
        self.depth = self.depth.saturating_sub(1);
        Ok(data?.or(response.data.map(|data| data.0)))
    }
}

fn custom_event(custom: &ContractEvent, address: &Address) -> Result<Event, Fault> {
    let kind = custom.kind.trim();
    if kind.len() <= KIND_MIN {
        return Err(Fault::wasm(21, format!("Event type too short: '{kind}'")));
    }
    event(&format!("wasm-{kind}"), &custom.attributes, address)
}

fn event(kind: &str, attributes: &[Attribute], address: &Address) -> Result<Event, Fault> {
    let mut event = Event::new(kind).with("_contract_address", address.text.clone());
    for Attribute { key, value } in attributes {
        let key = key.trim();
        if key.is_empty() {
            return Err(Fault::wasm(21, format!("Empty attribute key. Value: {value}")));
        }
        if key.starts_with(RESERVED) {
            let text = format!("Attribute key starts with reserved prefix {RESERVED}: '{key}'");
            return Err(Fault::wasm(21, text));
        }
        event = event.with(key, value.trim());
    }
    Ok(event)
}

/// What events cost; some bytes of attributes are free, over all of them.
pub(super) fn cost(attributes: &[Attribute], events: &[ContractEvent]) -> u64 {
    let mut free = gas::FREE_EVENT_BYTES;
    let mut of = |attributes: &[Attribute]| -> u64 {
        let bytes = |attribute: &Attribute| attribute.key.len().saturating_add(attribute.value.len());
        let bytes = attributes.iter().map(bytes).fold(0, usize::saturating_add);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let paid = bytes.saturating_sub(free);
        free = free.saturating_sub(bytes);
        gas::cost(paid.saturating_mul(gas::EVENT_BYTE), gas::ATTRIBUTE, attributes.len())
    };
    let mut total = of(attributes);
    for event in events {
        let own = gas::cost(gas::EVENT, gas::EVENT_BYTE, event.kind.len());
        total = total.saturating_add(own).saturating_add(of(&event.attributes));
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(key: &str, value: &str) -> Attribute {
        Attribute { key: key.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn attributes_are_trimmed_and_checked() {
        let address = Address::of(&[7; 32]).expect("an address");
        let good = event("wasm", &[attribute(" action ", " go\n"), attribute("empty", "")], &address);
        let good = good.expect("good");
        assert_eq!(good.attributes[0], ("_contract_address".to_owned(), address.text.clone()));
        assert_eq!(good.attributes[1], ("action".to_owned(), "go".to_owned()));
        for key in ["", "  ", "_x", " _x"] {
            let refused = event("wasm", &[attribute(key, "v")], &address).expect_err("refused");
            assert_eq!(refused.code(), ("wasm", 21), "{key:?}");
        }
        let short = ContractEvent { kind: " ab ".to_owned(), attributes: Vec::new() };
        assert_eq!(custom_event(&short, &address).expect_err("short").code(), ("wasm", 21));
        let long = ContractEvent { kind: "abc".to_owned(), attributes: Vec::new() };
        assert_eq!(custom_event(&long, &address).expect("long").kind, "wasm-abc");
    }

    #[test]
    fn the_first_bytes_of_attributes_are_free() {
        assert_eq!(cost(&[attribute("key", "value")], &[]), gas::ATTRIBUTE);
        assert_eq!(cost(&[attribute("k", &"v".repeat(149))], &[]), gas::ATTRIBUTE + 50);
        let event =
            ContractEvent { kind: "abc".to_owned(), attributes: vec![attribute("k", &"v".repeat(50))] };
        assert_eq!(
            cost(&[attribute("k", &"v".repeat(79))], &[event]),
            2 * gas::ATTRIBUTE + gas::EVENT + 3 + 31
        );
    }
}
