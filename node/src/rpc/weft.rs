//! `weft_*`: the chain as it is, with its place on Celestia.

use super::api::{Api, chain_fault};
use super::args::Args;
use super::errors::Fault;
use super::limits::DISCARDED_PAGE_MAX;
use super::status::NodeStatus;
use crate::chain::BlockRecord;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use serde::Deserialize;
use serde_json::{Value, json};
use weft_types::DaHeight;

/// Entries that `weft_discarded` gives where it is not told how many.
const DISCARDED_PAGE: usize = 100;

/// A height as a JSON number or as Ethereum spells it, or a hash.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Which {
    Height(u64),
    Id(BlockId),
}

/// The argument of `weft_discarded`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Page {
    from: Option<DaHeight>,
    to: Option<DaHeight>,
    limit: Option<usize>,
}

impl Api {
    /// The node at a glance.
    pub(super) fn weft_status(&self, _: &Args) -> Result<Value, Fault> {
        let (tip, included) = (self.chain.tip(), self.chain.included());
        let NodeStatus { celestia, sequencer } = (self.status)();
        let derived = self.chain.da().height;
        let celestia = celestia.map_or_else(
            || json!({ "head": null, "endpoint": null, "verified": false, "derived": derived }),
            |celestia| json!(celestia),
        );
        Ok(json!({
            "chain_id": self.chain.genesis().chain_id,
            "genesis_hash": self.chain.router().genesis_hash(),
            "tip": place(&tip),
            "da_included": with(place(&included), "da_height", json!(included.da_height)),
            "celestia": celestia,
            "sequencer": sequencer,
            "discarded": *self.chain.discarded_counts(),
        }))
    }

    /// One block with the transactions of all machines; `null` where there is none.
    pub(super) fn weft_get_block(&self, args: &Args) -> Result<Option<Value>, Fault> {
        let id = match args.required(0)? {
            Which::Height(height) => BlockId::Number(BlockNumberOrTag::Number(height)),
            Which::Id(id) => id,
        };
        Ok(self.block(id)?.map(|block| block_json(&block)))
    }

    /// One transaction of any machine by its id, with the block that holds it; `null` where there is none.
    pub(super) fn weft_get_transaction(&self, args: &Args) -> Result<Option<Value>, Fault> {
        let id: B256 = args.required(0)?;
        let Some((block, place)) = self.find(id)? else { return Ok(None) };
        let found = transactions(&block).nth(place);
        Ok(found.map(|found| {
            let found = with(found, "height", json!(block.header.height));
            let found = with(found, "block_hash", json!(block.hash));
            let found = with(found, "block_status", json!(block.status()));
            with(found, "da_height", json!(block.da_height))
        }))
    }

    /// What derivation skipped, newest first.
    pub(super) fn weft_discarded(&self, args: &Args) -> Result<Value, Fault> {
        let Page { from, to, limit } = args.optional(0)?.unwrap_or_default();
        let limit = limit.unwrap_or(DISCARDED_PAGE).min(DISCARDED_PAGE_MAX);
        // The store is read newest first; a range further back is looked for among the newest entries.
        let scanned = if from.is_some() || to.is_some() { DISCARDED_PAGE_MAX } else { limit };
        let entries = self.chain.discarded(scanned).map_err(chain_fault)?;
        let entries: Vec<Value> = entries
            .into_iter()
            .filter(|entry| from.is_none_or(|from| entry.da_height >= from))
            .filter(|entry| to.is_none_or(|to| entry.da_height <= to))
            .take(limit)
            .map(|entry| {
                json!({
                    "da_height": entry.da_height,
                    "namespace": entry.namespace,
                    "blob_index": entry.blob_index,
                    "reason": entry.reason,
                    "message": entry.message,
                })
            })
            .collect();
        Ok(json!(entries))
    }
}

fn place(block: &BlockRecord) -> Value {
    json!({ "height": block.header.height, "hash": block.hash, "state_root": block.header.state_root })
}

/// The header, whether Celestia has the block and where, and its transactions.
pub(super) fn block_json(block: &BlockRecord) -> Value {
    let header = json!(block.header);
    let header = with(header, "hash", json!(block.hash));
    let header = with(header, "sequencer", json!(block.sequencer));
    let header = with(header, "status", json!(block.status()));
    let header = with(header, "da_height", json!(block.da_height));
    with(header, "transactions", Value::Array(transactions(block).collect()))
}

fn transactions(block: &BlockRecord) -> impl Iterator<Item = Value> {
    block.transactions.iter().enumerate().map(|(index, record)| {
        json!({
            "index": index,
            "vm": record.transaction.vm.name(),
            "id": record.id,
            "status": record.receipt.status.name(),
            "gas_used": record.receipt.gas_used,
            "forced": record.forced,
        })
    })
}

/// The object with one more field.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
    object
}
