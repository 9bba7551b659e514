//! Blocks, transactions and events as CometBFT's JSON shows them.

use super::api::{Cosmos, number, transactions};
use super::errors::Fault;
use super::query::Tags;
use crate::chain::{BlockRecord, TransactionRecord, wasm_detail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use weft_types::{B256, hash};
use weft_wasm::{Detail, Event};

const MS_PER_DAY: u64 = 86_400_000;
/// CometBFT's version of the block protocol.
pub(super) const BLOCK_PROTOCOL: &str = "11";

/// Bytes as CometBFT's `HexBytes`.
pub(super) fn hex_upper(bytes: impl AsRef<[u8]>) -> String {
    hex::encode_upper(bytes)
}

pub(super) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Bytes, or null where there are none.
fn base64_or_null(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { base64(bytes).into() }
}

/// Unix milliseconds as RFC 3339.
pub(super) fn time(ms: u64) -> String {
    let (days, rest) = (ms / MS_PER_DAY, ms % MS_PER_DAY);
    // Days since the first of March of year 0, in eras of 400 years.
    let day = days.saturating_add(719_468);
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year.saturating_add(era.saturating_mul(400)).saturating_add(next);
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    let part = match rest % 1_000 {
        0 => String::new(),
        ms => format!(".{ms:03}").trim_end_matches('0').to_owned(),
    };
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}{part}Z")
}

/// What a transaction left, in words; of one whose details were left out, what the receipt still says.
pub(super) fn detail(record: &TransactionRecord) -> Detail {
    wasm_detail(record).unwrap_or_else(|| {
        let failed = !record.receipt.status.is_success();
        Detail {
            code: u32::from(failed),
            codespace: if failed { "undefined".into() } else { String::new() },
            log: "the details were left out: the block had more than is kept".into(),
            gas_used: record.receipt.gas_used,
            cut: true,
            ..Detail::default()
        }
    })
}

pub(super) fn event(event: &Event) -> Value {
    let attributes = event.attributes.iter();
    let attributes = attributes.map(|(key, value)| json!({ "key": key, "value": value, "index": true }));
    json!({ "type": event.kind, "attributes": attributes.collect::<Vec<_>>() })
}

/// `ExecTxResult`.
pub(super) fn tx_result(detail: &Detail) -> Value {
    json!({
        "code": detail.code,
        "data": base64_or_null(&detail.data),
        "log": detail.log,
        "info": "",
        "gas_wanted": detail.gas_wanted.to_string(),
        "gas_used": detail.gas_used.to_string(),
        "events": detail.events.iter().map(event).collect::<Vec<_>>(),
        "codespace": detail.codespace,
    })
}

/// `ResultTx`.
pub(super) fn result_tx(block: &BlockRecord, at: usize, record: &TransactionRecord) -> Value {
    json!({
        "hash": hex_upper(record.id),
        "height": block.header.height.0.to_string(),
        "index": number(block, at),
        "tx_result": tx_result(&detail(record)),
        "tx": base64(&record.transaction.payload),
    })
}

/// What subscribers and searches match a transaction by.
pub(super) fn tags(block: &BlockRecord, record: &TransactionRecord, detail: &Detail) -> Tags {
    let mut tags = Tags::new();
    for event in &detail.events {
        for (key, value) in &event.attributes {
            tags.entry(format!("{}.{key}", event.kind)).or_default().push(value.clone());
        }
    }
    tags.insert("tm.event".into(), vec!["Tx".into()]);
    tags.insert("tx.hash".into(), vec![hex_upper(record.id)]);
    tags.insert("tx.height".into(), vec![block.header.height.0.to_string()]);
    tags
}

/// `BlockID`. There are no parts: the block itself stands for its only one.
pub(super) fn block_id(hash: B256) -> Value {
    json!({ "hash": hex_upper(hash), "parts": { "total": 1, "hash": hex_upper(hash) } })
}

/// The Merkle root of the hashes of the block's Wasm transactions, as CometBFT makes it.
fn data_hash(block: &BlockRecord) -> B256 {
    let hashes = transactions(block).map(|(_, record)| Sha256::digest(&record.transaction.payload));
    hash::merkle_root(&hashes.collect::<Vec<_>>())
}

impl Cosmos {
    /// `Header`: what our chain has under CometBFT's names. What it has not is the root of nothing.
    pub(super) fn header(&self, block: &Arc<BlockRecord>) -> Result<Value, Fault> {
        let parent = self.parent(block)?;
        let nothing = hex_upper(hash::merkle_root::<&[u8]>(&[]));
        let validators = hex_upper(hash::merkle_root(&[self.sequencer.as_slice()]));
        let proposer = block.sequencer.unwrap_or(self.sequencer);
        Ok(json!({
            "version": { "block": BLOCK_PROTOCOL },
            "chain_id": self.wasm.chain_id(),
            "height": block.header.height.0.to_string(),
            "time": time(block.header.timestamp_ms),
            "last_block_id": block_id(parent.hash),
            "last_commit_hash": nothing,
            "data_hash": hex_upper(data_hash(block)),
            "validators_hash": validators,
            "next_validators_hash": validators,
            "consensus_hash": nothing,
            // That of the state before the block, as CometBFT has it.
            "app_hash": hex_upper(parent.header.state_root),
            "last_results_hash": hex_upper(parent.header.receipts_root),
            "evidence_hash": nothing,
            "proposer_address": hex_upper(proposer),
        }))
    }

    /// `Commit`. Its signatures are not CometBFT's, so that it shows none.
    pub(super) fn commit_of(&self, block: &BlockRecord) -> Value {
        json!({
            "height": block.header.height.0.to_string(),
            "round": 0,
            "block_id": block_id(block.hash),
            "signatures": [],
        })
    }

    /// `Block`.
    pub(super) fn block_value(&self, block: &Arc<BlockRecord>) -> Result<Value, Fault> {
        let txs = transactions(block).map(|(_, record)| base64(&record.transaction.payload));
        Ok(json!({
            "header": self.header(block)?,
            "data": { "txs": txs.collect::<Vec<_>>() },
            "evidence": { "evidence": [] },
            "last_commit": self.commit_of(&*self.parent(block)?),
        }))
    }

    /// `ResultBlock`.
    pub(super) fn result_block(&self, block: &Arc<BlockRecord>) -> Result<Value, Fault> {
        Ok(json!({ "block_id": block_id(block.hash), "block": self.block_value(block)? }))
    }

    /// The results of a block's Wasm transactions.
    pub(super) fn results(&self, block: &BlockRecord) -> Vec<Value> {
        transactions(block).map(|(_, record)| tx_result(&detail(record))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc3339() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(951_827_696_789), "2000-02-29T12:34:56.789Z");
        assert_eq!(time(1_709_251_199_500), "2024-02-29T23:59:59.5Z");
        assert_eq!(time(4_107_542_400_000), "2100-03-01T00:00:00Z");
        assert_eq!(time(1_735_689_600_010), "2025-01-01T00:00:00.01Z");
    }

    #[test]
    fn results_have_cometbfts_shape() {
        let detail = Detail {
            events: vec![Event::new("wasm").with("action", "mint")],
            data: vec![1, 2, 3],
            gas_wanted: 7,
            gas_used: 5,
            ..Detail::default()
        };
        let shown = tx_result(&detail);
        assert_eq!(shown["data"], "AQID");
        assert_eq!((&shown["gas_wanted"], &shown["gas_used"]), (&json!("7"), &json!("5")));
        let attribute = json!({ "key": "action", "value": "mint", "index": true });
        assert_eq!(shown["events"], json!([{ "type": "wasm", "attributes": [attribute] }]));
        assert_eq!(tx_result(&Detail::default())["data"], Value::Null);
    }
}
