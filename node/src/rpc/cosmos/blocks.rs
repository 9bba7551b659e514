//! What is asked about blocks and the node: `status`, `block`, `block_results`, `blockchain`, `validators` and their like.

use super::super::limits::HEALTHY_HEIGHTS;
use super::api::{Cosmos, transactions};
use super::args::Args;
use super::errors::{self, Fault};
use super::query::Query;
use super::search::{Page, order_is_descending};
use super::shapes::{BLOCK_PROTOCOL, base64, block_id, hex_upper, time};
use serde_json::{Value, json};
use weft_types::{AccountId, B256, Height};

/// The release whose RPC this is: clients read it and decide by it how they speak.
const COMETBFT: &str = "0.38.19";
/// Headers that `blockchain` gives at once: CometBFT's.
const HEADERS_MAX: u64 = 20;
/// Transactions that `unconfirmed_txs` gives at most: CometBFT's.
const UNCONFIRMED_MAX: usize = 100;
/// Blocks that one `block_search` finds at most.
const BLOCKS_FOUND_MAX: u64 = 100_000;

impl Cosmos {
    pub(super) fn health(&self, _: &Args) -> Result<Value, Fault> {
        Ok(json!({}))
    }

    fn validator(&self) -> Value {
        // Clients read a key, and a sequencer signs with one of another kind: its account's id stands for it.
        let key = base64(AccountId::from_evm(self.sequencer).0);
        json!({
            "address": hex_upper(self.sequencer),
            "pub_key": { "type": "tendermint/PubKeyEd25519", "value": key },
            "voting_power": "1",
            "proposer_priority": "0",
        })
    }

    fn node_info(&self) -> Value {
        json!({
            "protocol_version": { "p2p": "8", "block": BLOCK_PROTOCOL, "app": "0" },
            "id": hex::encode(self.sequencer),
            "listen_addr": "none",
            "network": self.wasm.chain_id(),
            "version": COMETBFT,
            "channels": "",
            "moniker": "weft",
            "other": { "tx_index": "on", "rpc_address": "", "weft_version": env!("CARGO_PKG_VERSION") },
        })
    }

    pub(super) fn is_catching_up(&self) -> bool {
        let celestia = (self.status)().celestia;
        celestia.is_some_and(|celestia| celestia.head.0.saturating_sub(celestia.derived.0) > HEALTHY_HEIGHTS)
    }

    pub(super) fn status_of(&self, _: &Args) -> Result<Value, Fault> {
        let tip = self.chain.tip();
        let first = self.block(Height(1.min(tip.header.height.0)))?.unwrap_or_else(|| tip.clone());
        let (before_tip, before_first) = (self.parent(&tip)?, self.parent(&first)?);
        let mut validator = self.validator();
        if let Some(validator) = validator.as_object_mut() {
            validator.remove("proposer_priority");
        }
        Ok(json!({
            "node_info": self.node_info(),
            "sync_info": {
                "latest_block_hash": hex_upper(tip.hash),
                "latest_app_hash": hex_upper(before_tip.header.state_root),
                "latest_block_height": tip.header.height.0.to_string(),
                "latest_block_time": time(tip.header.timestamp_ms),
                "earliest_block_hash": hex_upper(first.hash),
                "earliest_app_hash": hex_upper(before_first.header.state_root),
                "earliest_block_height": first.header.height.0.to_string(),
                "earliest_block_time": time(first.header.timestamp_ms),
                "catching_up": self.is_catching_up(),
            },
            "validator_info": validator,
        }))
    }

    pub(super) fn net_info(&self, _: &Args) -> Result<Value, Fault> {
        Ok(json!({ "listening": false, "listeners": [], "n_peers": "0", "peers": [] }))
    }

    pub(super) fn block_method(&self, args: &Args) -> Result<Value, Fault> {
        self.result_block(&self.block_at(args.number("height")?)?)
    }

    pub(super) fn block_by_hash(&self, args: &Args) -> Result<Value, Fault> {
        let found = self.by_hash(args)?;
        // As CometBFT: not an error.
        let missing =
            json!({ "block_id": { "hash": "", "parts": { "total": 0, "hash": "" } }, "block": null });
        found.map_or(Ok(missing), |block| self.result_block(&block))
    }

    pub(super) fn header_by_hash(&self, args: &Args) -> Result<Value, Fault> {
        let header = self.by_hash(args)?.map(|block| self.header(&block)).transpose()?;
        Ok(json!({ "header": header }))
    }

    fn by_hash(&self, args: &Args) -> Result<Option<std::sync::Arc<crate::chain::BlockRecord>>, Fault> {
        let Ok(hash) = <[u8; 32]>::try_from(args.bytes("hash")?) else { return Ok(None) };
        self.chain.block_by_hash(B256::new(hash)).map_err(|error| errors::chain(&error))
    }

    pub(super) fn header_method(&self, args: &Args) -> Result<Value, Fault> {
        Ok(json!({ "header": self.header(&self.block_at(args.number("height")?)?)? }))
    }

    pub(super) fn commit(&self, args: &Args) -> Result<Value, Fault> {
        let block = self.block_at(args.number("height")?)?;
        Ok(json!({
            "signed_header": { "header": self.header(&block)?, "commit": self.commit_of(&block) },
            "canonical": !block.is_soft(),
        }))
    }

    pub(super) fn block_results(&self, args: &Args) -> Result<Value, Fault> {
        let block = self.block_at(args.number("height")?)?;
        let results = self.results(&block);
        Ok(json!({
            "height": block.header.height.0.to_string(),
            "txs_results": if results.is_empty() { Value::Null } else { results.into() },
            "finalize_block_events": null,
            "validator_updates": null,
            "consensus_param_updates": self.params(),
            "app_hash": base64(block.header.state_root),
        }))
    }

    /// `BlockMeta`.
    fn meta(&self, block: &std::sync::Arc<crate::chain::BlockRecord>) -> Result<Value, Fault> {
        let (mut count, mut size) = (0_usize, 0_usize);
        for (_, record) in transactions(block) {
            count = count.saturating_add(1);
            size = size.saturating_add(record.transaction.payload.len());
        }
        Ok(json!({
            "block_id": block_id(block.hash),
            "block_size": size.to_string(),
            "header": self.header(block)?,
            "num_txs": count.to_string(),
        }))
    }

    pub(super) fn blockchain(&self, args: &Args) -> Result<Value, Fault> {
        let tip = self.chain.tip().header.height;
        let (min, max) = (args.number("minHeight")?.unwrap_or(0), args.number("maxHeight")?.unwrap_or(0));
        let (Ok(min), Ok(max)) = (u64::try_from(min), u64::try_from(max)) else {
            return Err(errors::internal("heights must be non-negative"));
        };
        let max = if max == 0 { tip.0 } else { max.min(tip.0) };
        let min = min.max(1).max(max.saturating_sub(HEADERS_MAX - 1));
        if min > max {
            return Err(errors::internal(format!("min height {min} can't be greater than max height {max}")));
        }
        let mut metas = Vec::new();
        for height in (min..=max).rev() {
            if let Some(block) = self.block(Height(height))? {
                metas.push(self.meta(&block)?);
            }
        }
        Ok(json!({ "last_height": tip.0.to_string(), "block_metas": metas }))
    }

    pub(super) fn validators(&self, args: &Args) -> Result<Value, Fault> {
        let block = self.block_at(args.number("height")?)?;
        Page::new(args, 1)?;
        Ok(json!({
            "block_height": block.header.height.0.to_string(),
            "validators": [self.validator()],
            "count": "1",
            "total": "1",
        }))
    }

    fn params(&self) -> Value {
        let limits = &self.chain.genesis().limits;
        json!({
            "block": { "max_bytes": limits.block_bytes.to_string(), "max_gas": limits.block_gas.to_string() },
            "evidence": { "max_age_num_blocks": "0", "max_age_duration": "0", "max_bytes": "0" },
            "validator": { "pub_key_types": ["secp256k1"] },
            "version": {},
            "abci": { "vote_extensions_enable_height": "0" },
        })
    }

    pub(super) fn consensus_params(&self, args: &Args) -> Result<Value, Fault> {
        let block = self.block_at(args.number("height")?)?;
        Ok(json!({
            "block_height": block.header.height.0.to_string(),
            "consensus_params": self.params(),
        }))
    }

    /// What CometBFT's genesis says and ours knows; our own, whose hash names the chain, is `weft_genesisHash`'s.
    pub(super) fn genesis(&self, _: &Args) -> Result<Value, Fault> {
        let genesis = self.chain.genesis();
        Ok(json!({ "genesis": {
            "genesis_time": time(genesis.timestamp_ms),
            "chain_id": self.wasm.chain_id(),
            "initial_height": "1",
            "consensus_params": self.params(),
            "validators": [],
            "app_hash": "",
            "app_state": {},
        } }))
    }

    pub(super) fn num_unconfirmed(&self, _: &Args) -> Result<Value, Fault> {
        let (count, bytes) = self.waiting();
        let (count, bytes) = (count.to_string(), bytes.to_string());
        Ok(json!({ "n_txs": count, "total": count, "total_bytes": bytes, "txs": null }))
    }

    pub(super) fn unconfirmed(&self, args: &Args) -> Result<Value, Fault> {
        let limit = usize::try_from(args.number("limit")?.unwrap_or(30)).unwrap_or(30);
        let limit = if limit == 0 { 30 } else { limit.min(UNCONFIRMED_MAX) };
        let waiting = self.mempool.as_ref().map(|pool| pool.wasm_waiting(limit)).unwrap_or_default();
        let (count, bytes) = self.waiting();
        let txs: Vec<_> = waiting.iter().map(|pooled| base64(&pooled.transaction.payload)).collect();
        Ok(json!({
            "n_txs": txs.len().to_string(),
            "total": count.to_string(),
            "total_bytes": bytes.to_string(),
            "txs": txs,
        }))
    }

    fn waiting(&self) -> (usize, usize) {
        let status =
            self.mempool.as_ref().map(|pool| pool.status(weft_types::VmId::WASM)).unwrap_or_default();
        (status.pending, status.bytes)
    }

    /// Blocks emit no events here, so that heights are all that blocks are found by.
    pub(super) fn block_search(&self, args: &Args) -> Result<Value, Fault> {
        let query = Query::parse(&args.text("query")?.unwrap_or_default())?;
        let descending = order_is_descending(args, true)?;
        let others = query.conditions.iter().any(|condition| condition.tag != "block.height");
        let (first, last) = query.heights("block.height");
        let (first, last) = (first.max(1), last.min(self.chain.tip().header.height.0));
        let total = if others || first > last { 0 } else { last.saturating_sub(first).saturating_add(1) };
        if total > BLOCKS_FOUND_MAX {
            return Err(errors::internal(format!(
                "more than {BLOCKS_FOUND_MAX} blocks match; narrow the query by block.height"
            )));
        }
        let count = usize::try_from(total).unwrap_or(usize::MAX);
        let page = Page::new(args, count)?;
        let mut blocks = Vec::new();
        for at in page.range(count) {
            let at = u64::try_from(at).unwrap_or(u64::MAX);
            let height = if descending { last.saturating_sub(at) } else { first.saturating_add(at) };
            if let Some(block) = self.block(Height(height))? {
                blocks.push(self.result_block(&block)?);
            }
        }
        Ok(json!({ "blocks": blocks, "total_count": total.to_string() }))
    }
}
