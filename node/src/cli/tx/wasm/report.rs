//! What became of a transaction, for people and for scripts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgExecuteContractResponse, MsgInstantiateContract2Response, MsgInstantiateContractResponse,
    MsgMigrateContractResponse, MsgStoreCodeResponse,
};
use prost::{Message, Name};
use serde_json::{Map, Value, json};
use weft_wasm::CosmosTx;

/// A landed transaction.
pub(super) struct Report<'a> {
    transaction: &'a CosmosTx,
    /// `ResultTx`.
    landed: &'a Value,
}

impl<'a> Report<'a> {
    pub(super) fn new(transaction: &'a CosmosTx, landed: &'a Value) -> Self {
        Self { transaction, landed }
    }

    fn result(&self, name: &str) -> &Value {
        &self.landed["tx_result"][name]
    }

    fn text(&self, name: &str) -> &str {
        self.result(name).as_str().unwrap_or_default()
    }

    /// Why it failed; `None` where it did not.
    pub(super) fn failure(&self) -> Option<String> {
        if self.result("code") == 0 {
            return None;
        }
        Some(format!("{} ({} {})", self.text("log"), self.text("codespace"), self.result("code")))
    }

    /// What each message gave.
    fn results(&self) -> Vec<Value> {
        let data = BASE64_STANDARD.decode(self.text("data")).unwrap_or_default();
        let responses = TxMsgData::decode(data.as_slice()).unwrap_or_default().msg_responses;
        responses.iter().map(shown).collect()
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "hash": self.landed["hash"],
            "height": self.landed["height"],
            "code": self.result("code"),
            "codespace": self.result("codespace"),
            "log": self.result("log"),
            "gas_wanted": self.result("gas_wanted"),
            "gas_used": self.result("gas_used"),
            "fee": self.transaction.fee.to_string(),
            "results": self.results(),
            "events": self.result("events"),
        })
    }

    pub(super) fn print(&self, denom: &str) {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        say!("transaction  {}", text(&self.landed["hash"]));
        say!("block        {}", text(&self.landed["height"]));
        say!("status       {}", if self.failure().is_none() { "success" } else { "failed" });
        say!("gas          {} of {}", self.text("gas_used"), self.text("gas_wanted"));
        say!("fee          {}{denom}", self.transaction.fee);
        for result in self.results() {
            for (name, value) in result.as_object().into_iter().flatten() {
                say!(
                    "{:<12} {}",
                    name.replace('_', " "),
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                );
            }
        }
        for event in self.result("events").as_array().into_iter().flatten() {
            let kind = event["type"].as_str().unwrap_or_default();
            // What contracts say; the rest is in the JSON.
            if kind == "wasm" || kind.starts_with("wasm-") {
                say!("{kind:<12} {}", attributes(event));
            }
        }
    }
}

fn attributes(event: &Value) -> String {
    let attributes = event["attributes"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = attributes.map(|one| format!("{}={}", text(&one["key"]), text(&one["value"])));
    pairs.collect::<Vec<_>>().join(" ")
}

/// A response as an object of what it says; empty where it says nothing.
fn shown(response: &Any) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    let base64 = |data: &[u8]| Value::from(BASE64_STANDARD.encode(data));
    if let Some(stored) = read::<MsgStoreCodeResponse>(response) {
        put("code_id", stored.code_id.into());
        put("checksum", hex::encode(stored.checksum).into());
    } else if let Some((address, data)) = made(response) {
        put("contract", address.into());
        put("data", base64(&data));
    } else if let Some(data) = data(response) {
        put("data", base64(&data));
    }
    fields.retain(|_, value| *value != "");
    fields.into()
}

fn made(response: &Any) -> Option<(String, Vec<u8>)> {
    let first = read::<MsgInstantiateContractResponse>(response).map(|made| (made.address, made.data));
    first.or_else(|| read::<MsgInstantiateContract2Response>(response).map(|made| (made.address, made.data)))
}

fn data(response: &Any) -> Option<Vec<u8>> {
    let executed = read::<MsgExecuteContractResponse>(response).map(|executed| executed.data);
    executed.or_else(|| read::<MsgMigrateContractResponse>(response).map(|migrated| migrated.data))
}

fn read<M: Message + Name + Default>(response: &Any) -> Option<M> {
    let named = response.type_url.strip_prefix('/')?.strip_prefix(M::PACKAGE)?.strip_prefix('.')?;
    (named == M::NAME).then(|| M::decode(response.value.as_slice()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response<M: Message + Name>(message: &M) -> Any {
        Any { type_url: format!("/{}.{}", M::PACKAGE, M::NAME), value: message.encode_to_vec() }
    }

    #[test]
    fn responses_show_what_they_say() {
        let stored = MsgStoreCodeResponse { code_id: 7, checksum: vec![0xab; 2] };
        assert_eq!(shown(&response(&stored)), json!({ "code_id": 7, "checksum": "abab" }));
        let made = MsgInstantiateContractResponse { address: "weft1x".into(), data: Vec::new() };
        assert_eq!(shown(&response(&made)), json!({ "contract": "weft1x" }));
        let made = MsgInstantiateContract2Response { address: "weft1y".into(), data: vec![1] };
        assert_eq!(shown(&response(&made)), json!({ "contract": "weft1y", "data": "AQ==" }));
        let executed = MsgExecuteContractResponse { data: b"ok".to_vec() };
        assert_eq!(shown(&response(&executed)), json!({ "data": "b2s=" }));
        let sent = Any { type_url: "/cosmos.bank.v1beta1.MsgSendResponse".into(), value: Vec::new() };
        assert_eq!(shown(&sent), json!({}));
        // Another message of the same shape.
        let other = Any { type_url: "/other.MsgExecuteContractResponse".into(), ..response(&executed) };
        assert_eq!(shown(&other), json!({}));
    }

    #[test]
    fn events_read_as_pairs() {
        let event = json!({ "type": "wasm", "attributes": [
            { "key": "action", "value": "mint", "index": true },
            { "key": "to", "value": "weft1x", "index": true },
        ] });
        assert_eq!(attributes(&event), "action=mint to=weft1x");
    }
}
