//! [`News`]: what a block has for subscribers, as JSON that is written once for all of them.

use super::api::{Cosmos, number, transactions};
use super::errors::Fault;
use super::query::{Query, Tags};
use super::shapes::{base64, block_id, detail, tags, tx_result};
use crate::chain::BlockRecord;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use weft_types::B256;

/// Blocks whose news are kept for subscribers that are not so fast.
const BLOCKS: usize = 4;
/// Bytes of a notification besides its parts.
const FRAME_BYTES: usize = 128;

/// One event.
pub(super) struct Told {
    kind: &'static str,
    /// What queries are held against.
    tags: Tags,
    value: String,
    /// The tags that clients see.
    shown: String,
}

impl Told {
    fn new(kind: &'static str, value: &Value, tags: Tags, shown: &Tags) -> Arc<Self> {
        Arc::new(Self { kind, tags, value: value.to_string(), shown: json!(shown).to_string() })
    }
}

/// The events of a block in CometBFT's order: the block, its header, and its transactions.
pub(super) struct News(Vec<Arc<Told>>);

impl News {
    fn new(cosmos: &Cosmos, block: &Arc<BlockRecord>) -> Result<Self, Fault> {
        let height = block.header.height.0.to_string();
        let results = json!({
            "events": [],
            "tx_results": cosmos.results(block),
            "validator_updates": [],
            "app_hash": base64(block.header.state_root),
        });
        let whole = json!({
            "block": cosmos.block_value(block)?,
            "block_id": block_id(block.hash),
            "result_finalize_block": results,
        });
        let header = json!({ "header": cosmos.header(block)? });
        let mut events = Vec::new();
        for (kind, value) in [("NewBlock", whole), ("NewBlockHeader", header)] {
            let shown = Tags::from([("tm.event".to_owned(), vec![kind.to_owned()])]);
            let mut tags = shown.clone();
            tags.insert("block.height".to_owned(), vec![height.clone()]);
            events.push(Told::new(kind, &value, tags, &shown));
        }
        for (at, record) in transactions(block) {
            let detail = detail(record);
            let value = json!({ "TxResult": {
                "height": height,
                "index": number(block, at),
                "tx": base64(&record.transaction.payload),
                "result": tx_result(&detail),
            } });
            let tags = tags(block, record, &detail);
            let shown = tags.clone();
            events.push(Told::new("Tx", &value, tags, &shown));
        }
        Ok(Self(events))
    }

    /// Those that `query` matches.
    pub(super) fn matching(&self, query: &Query) -> impl Iterator<Item = &Arc<Told>> {
        self.0.iter().filter(|told| query.matches(&told.tags))
    }
}

/// An event on its way to one subscriber. It becomes text when it is sent.
pub(super) struct Notification {
    pub(super) told: Arc<Told>,
    /// The id of the request that began the subscription, as JSON.
    pub(super) id: Arc<str>,
    /// Its query, as JSON.
    pub(super) query: Arc<str>,
}

impl Notification {
    pub(super) fn len(&self) -> usize {
        let parts = [&self.told.value, &self.told.shown].map(String::len);
        let parts = parts.into_iter().chain([self.id.len(), self.query.len()]);
        parts.fold(FRAME_BYTES, usize::saturating_add)
    }

    pub(super) fn text(&self) -> String {
        let Told { kind, value, shown, .. } = &*self.told;
        let data = format!(r#"{{"type":"tendermint/event/{kind}","value":{value}}}"#);
        let (id, query) = (&self.id, &self.query);
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"query":{query},"data":{data},"events":{shown}}}}}"#
        )
    }
}

type Entry = (B256, Arc<OnceLock<Option<Arc<News>>>>);

/// The news of the newest blocks.
#[derive(Default)]
pub(super) struct Newest(Mutex<VecDeque<Entry>>);

impl Newest {
    /// Those of `block`. Whoever asks first makes them, and the others wait: not for async threads. `None` where they
    /// can't be made, which the log says.
    pub(super) fn of(&self, cosmos: &Cosmos, block: &Arc<BlockRecord>) -> Option<Arc<News>> {
        let place = {
            let mut kept = self.0.lock();
            let found = kept.iter().find(|(hash, _)| *hash == block.hash).map(|(_, place)| Arc::clone(place));
            found.unwrap_or_else(|| {
                let place = Arc::default();
                kept.push_back((block.hash, Arc::clone(&place)));
                if kept.len() > BLOCKS {
                    kept.pop_front();
                }
                place
            })
        };
        let made = place.get_or_init(|| {
            let news = News::new(cosmos, block);
            news.inspect_err(|fault| tracing::error!(%fault, "subscribers can't be told of a block"))
                .ok()
                .map(Arc::new)
        });
        made.clone()
    }
}
