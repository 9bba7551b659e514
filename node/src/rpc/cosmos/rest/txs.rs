//! Paths of transactions: sending, simulating, looking up.

use super::super::api::Cosmos;
use super::super::errors::{self, Fault, grpc};
use super::super::query::Query;
use super::super::search::Place;
use super::super::shapes::{base64, detail, event, hex_upper, time};
use super::shapes::{bytes_of, coins};
use super::{Asked, fault, invalid, messages};
use cosmos_sdk_proto::cosmos::crypto::secp256k1::PubKey;
use cosmos_sdk_proto::cosmos::tx::v1beta1 as tx;
use prost::Message;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

/// Entries of a page that names no number, and most of one that does.
const PAGE: usize = 30;
const PAGE_MAX: usize = 100;

#[derive(Deserialize)]
pub(super) struct PostedTx {
    #[serde(default)]
    tx_bytes: String,
}

impl PostedTx {
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Fault> {
        if self.tx_bytes.is_empty() {
            return Err(invalid("invalid empty tx"));
        }
        bytes_of(&self.tx_bytes)
    }
}

pub(super) fn posted<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))
}

impl Cosmos {
    pub(super) async fn rest_broadcast(&self, body: &[u8]) -> Result<Value, Fault> {
        let sent = self.submit(posted::<PostedTx>(body)?.bytes()?).await?;
        let (code, codespace, log) = match &sent.refused {
            Some(error) => (error.code, error.codespace.as_str(), error.log.as_str()),
            None => (0, "", ""),
        };
        Ok(json!({ "tx_response": {
            "height": "0",
            "txhash": hex_upper(sent.hash),
            "codespace": codespace,
            "code": code,
            "data": "",
            "raw_log": log,
            "logs": [],
            "info": "",
            "gas_wanted": "0",
            "gas_used": "0",
            "tx": null,
            "timestamp": "",
            "events": [],
        } }))
    }

    pub(super) fn rest_simulate(&self, tx_bytes: &[u8]) -> Result<Value, Fault> {
        #[allow(deprecated)]
        let request = tx::SimulateRequest { tx: None, tx_bytes: tx_bytes.to_vec() };
        let at = self.chain.tip().header.height;
        let answer: tx::SimulateResponse = self.rest_ask(at, weft_wasm::SIMULATE_PATH, &request)?;
        let (gas, result) = (answer.gas_info.unwrap_or_default(), answer.result.unwrap_or_default());
        let events = result.events.iter().map(|event| {
            let attributes = event.attributes.iter();
            let attributes = attributes
                .map(|attribute| json!({ "key": attribute.key, "value": attribute.value, "index": true }));
            json!({ "type": event.r#type, "attributes": attributes.collect::<Vec<_>>() })
        });
        Ok(json!({
            "gas_info": { "gas_wanted": gas.gas_wanted.to_string(), "gas_used": gas.gas_used.to_string() },
            "result": { "data": "", "log": result.log, "events": events.collect::<Vec<_>>() },
        }))
    }

    pub(super) fn rest_tx(&self, hash: &str) -> Result<Value, Fault> {
        let bytes = hex::decode(hash).map_err(|error| invalid(error.to_string()))?;
        let missing = || fault(grpc::NOT_FOUND, format!("tx not found: {}", hex_upper(&bytes)));
        let (block, at) = self.find(&bytes)?.ok_or_else(missing)?;
        let response = self.tx_response((block.header.height, at))?.ok_or_else(missing)?;
        Ok(json!({ "tx": response["tx"], "tx_response": response }))
    }

    /// Transactions by events: `query`, or `events` that all hold.
    pub(super) fn rest_txs(&self, asked: &Asked<'_>) -> Result<Value, Fault> {
        let pairs = form_urlencoded::parse(asked.query.as_bytes());
        let all = pairs.filter(|(name, _)| name == "events").map(|(_, value)| value.into_owned());
        let text = match asked.param("query") {
            Some(query) => query,
            None => all.collect::<Vec<_>>().join(" AND "),
        };
        if text.is_empty() {
            return Err(invalid("query cannot be empty"));
        }
        let query = Query::parse(&text).map_err(|error| invalid(errors::why(&error)))?;
        let mut places = self.places(&query, asked.stop)?;
        if asked.param("order_by").is_some_and(|order| order == "ORDER_BY_DESC" || order == "2") {
            places.reverse();
        }
        let limit = match usize::try_from(asked.number("limit")?).unwrap_or(PAGE_MAX) {
            0 => PAGE,
            limit => limit.min(PAGE_MAX),
        };
        let number = usize::try_from(asked.number("page")?).unwrap_or(usize::MAX).max(1);
        let start = number.saturating_sub(1).saturating_mul(limit);
        let (mut txs, mut responses) = (Vec::new(), Vec::new());
        for place in places.iter().skip(start).take(limit) {
            let Some(response) = self.tx_response(*place)? else { continue };
            txs.push(response["tx"].clone());
            responses.push(response);
        }
        let total = places.len().to_string();
        Ok(json!({ "txs": txs, "tx_responses": responses, "pagination": null, "total": total }))
    }

    /// `TxResponse`.
    fn tx_response(&self, (height, at): Place) -> Result<Option<Value>, Fault> {
        let Some(block) = self.block(height)? else { return Ok(None) };
        let Some(record) = block.transactions.get(at) else { return Ok(None) };
        let detail = detail(record);
        Ok(Some(json!({
            "height": height.0.to_string(),
            "txhash": hex_upper(record.id),
            "codespace": detail.codespace,
            "code": detail.code,
            "data": hex_upper(&detail.data),
            "raw_log": detail.log,
            "logs": [],
            "info": "",
            "gas_wanted": detail.gas_wanted.to_string(),
            "gas_used": detail.gas_used.to_string(),
            "tx": shown_tx(&record.transaction.payload),
            "timestamp": time(block.header.timestamp_ms),
            "events": detail.events.iter().map(event).collect::<Vec<_>>(),
        })))
    }
}

/// A transaction as JSON.
pub(super) fn shown_tx(raw: &[u8]) -> Value {
    let raw = tx::TxRaw::decode(raw).unwrap_or_default();
    let body = tx::TxBody::decode(raw.body_bytes.as_slice()).unwrap_or_default();
    let auth = tx::AuthInfo::decode(raw.auth_info_bytes.as_slice()).unwrap_or_default();
    let messages = body.messages.iter().map(messages::shown);
    let signers = auth.signer_infos.iter().map(|signer| {
        let key = signer.public_key.as_ref().map(|any| {
            let key = PubKey::decode(any.value.as_slice()).unwrap_or_default();
            json!({ "@type": any.type_url, "key": base64(key.key) })
        });
        json!({ "public_key": key, "sequence": signer.sequence.to_string() })
    });
    let fee = auth.fee.clone().unwrap_or_default();
    json!({
        "@type": "/cosmos.tx.v1beta1.Tx",
        "body": {
            "messages": messages.collect::<Vec<_>>(),
            "memo": body.memo,
            "timeout_height": body.timeout_height.to_string(),
            "extension_options": [],
            "non_critical_extension_options": [],
        },
        "auth_info": {
            "signer_infos": signers.collect::<Vec<_>>(),
            "fee": {
                "amount": coins(&fee.amount),
                "gas_limit": fee.gas_limit.to_string(),
                "payer": fee.payer,
                "granter": fee.granter,
            },
        },
        "signatures": raw.signatures.iter().map(base64).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_transaction_show_an_empty_one() {
        assert_eq!(shown_tx(b"nope")["signatures"], json!([]));
    }
}
