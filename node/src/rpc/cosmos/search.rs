//! `tx` and `tx_search`: transactions by hash, and by what they emitted.
//!
//! ```text
//! query ─┬─ tx.hash = 'x'        ─> one look
//!        ├─ type.key = 'text'    ─> places by the index, of all such conditions at once
//!        └─ none of them         ─> all Wasm transactions between the heights
//!           └─ what the index can't say (numbers, CONTAINS, EXISTS) is held against each that is left
//! ```

use super::api::Cosmos;
use super::args::Args;
use super::errors::{self, Fault};
use super::query::{Query, Test};
use super::shapes::{detail, hex_upper, result_tx, tags};
use crate::chain::{BlockRecord, EventHash};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use weft_types::{B256, Height};

/// Places that one query takes from the index for each of its conditions.
const PLACES_MAX: usize = 100_000;
/// Transactions whose events one query reads.
const READ_MAX: usize = 10_000;
/// Entries of a page: CometBFT's.
const PER_PAGE: usize = 30;
const PER_PAGE_MAX: usize = 100;

/// Which part of a list a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// From 1 on.
    number: usize,
    per_page: usize,
}

impl Page {
    /// The page that the arguments name, of a list of `total`.
    pub(super) fn new(args: &Args, total: usize) -> Result<Self, Fault> {
        let per_page = match args.number("per_page")?.map(usize::try_from) {
            None | Some(Ok(0) | Err(_)) => PER_PAGE,
            Some(Ok(per_page)) => per_page.min(PER_PAGE_MAX),
        };
        let Some(number) = args.number("page")? else { return Ok(Self { number: 1, per_page }) };
        let pages = total.div_ceil(per_page).max(1);
        match usize::try_from(number) {
            Ok(page) if (1..=pages).contains(&page) => Ok(Self { number: page, per_page }),
            _ => Err(errors::internal(format!("page should be within [1, {pages}] range, given {number}"))),
        }
    }

    /// Its entries among `total`.
    pub(super) fn range(self, total: usize) -> Range<usize> {
        let start = self.number.saturating_sub(1).saturating_mul(self.per_page).min(total);
        start..start.saturating_add(self.per_page).min(total)
    }
}

pub(super) fn order_is_descending(args: &Args, default: bool) -> Result<bool, Fault> {
    match args.text("order_by")?.as_deref() {
        None | Some("") => Ok(default),
        Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        Some(_) => Err(errors::internal("expected order_by to be either `asc` or `desc` or empty")),
    }
}

/// Where a transaction is.
pub(super) type Place = (Height, usize);

impl Cosmos {
    pub(super) fn tx(&self, args: &Args) -> Result<Value, Fault> {
        let hash = args.bytes("hash")?;
        if hash.is_empty() {
            return Err(errors::internal("transaction hash cannot be empty"));
        }
        refuse_proof(args)?;
        let (block, at) = self.find(&hash)?.ok_or_else(|| {
            let shown = hex_upper(hash.get(..32).unwrap_or(&hash));
            errors::internal(format!("tx ({shown}) not found"))
        })?;
        self.shown(&block, at)
    }

    /// The Wasm transaction of that hash, with its place in the block.
    pub(super) fn find(&self, hash: &[u8]) -> Result<Option<(Arc<BlockRecord>, usize)>, Fault> {
        let Ok(hash) = <[u8; 32]>::try_from(hash) else { return Ok(None) };
        let found = self.chain.transaction(B256::new(hash)).map_err(|error| errors::chain(&error))?;
        Ok(found.filter(|(block, at)| {
            block.transactions.get(*at).is_some_and(|record| record.transaction.vm == weft_types::VmId::WASM)
        }))
    }

    fn shown(&self, block: &BlockRecord, at: usize) -> Result<Value, Fault> {
        let record = block.transactions.get(at);
        let record = record.ok_or_else(|| errors::internal("the transaction is not there any more"))?;
        Ok(result_tx(block, at, record))
    }

    pub(super) fn tx_search(&self, args: &Args, stop: &AtomicBool) -> Result<Value, Fault> {
        refuse_proof(args)?;
        let query = Query::parse(&args.text("query")?.unwrap_or_default())?;
        let descending = order_is_descending(args, false)?;
        let mut places = self.places(&query, stop)?;
        if descending {
            places.reverse();
        }
        let page = Page::new(args, places.len())?;
        let mut txs = Vec::new();
        for (height, at) in places.get(page.range(places.len())).unwrap_or_default() {
            if let Some(block) = self.block(*height)? {
                txs.push(self.shown(&block, *at)?);
            }
        }
        Ok(json!({ "txs": txs, "total_count": places.len().to_string() }))
    }

    /// Where the transactions are that `query` finds, ascending.
    pub(super) fn places(&self, query: &Query, stop: &AtomicBool) -> Result<Vec<Place>, Fault> {
        let (first, last) = query.heights("tx.height");
        if first > last {
            return Ok(Vec::new());
        }
        let (from, to) = ((Height(first), 0), (Height(last.saturating_add(1)), 0));
        let mut left: Option<BTreeSet<Place>> = None;
        let mut loose = false;
        for condition in &query.conditions {
            let found = match (condition.tag.as_str(), &condition.test) {
                ("tx.height", Test::Number(..)) => continue,
                ("tm.event", Test::Is(kind)) if kind == "Tx" => continue,
                ("tx.hash", Test::Is(hash)) => {
                    let hash = hex::decode(hash).unwrap_or_default();
                    let found = self.find(&hash)?.map(|(block, at)| (block.header.height, at));
                    found.into_iter().filter(|place| *place >= from && *place < to).collect()
                }
                (tag, Test::Is(value)) => match EventHash::new(tag, value) {
                    Some(event) => self.indexed(Some(&event), from, to)?,
                    None => {
                        loose = true;
                        continue;
                    }
                },
                _ => {
                    loose = true;
                    continue;
                }
            };
            left = Some(match left {
                Some(left) => left.intersection(&found).copied().collect(),
                None => found,
            });
        }
        let places = match left {
            Some(left) => left,
            None => self.indexed(None, from, to)?,
        };
        if loose { self.read(query, places, stop) } else { Ok(places.into_iter().collect()) }
    }

    fn indexed(&self, event: Option<&EventHash>, from: Place, to: Place) -> Result<BTreeSet<Place>, Fault> {
        let limit = PLACES_MAX.saturating_add(1);
        let found = self.chain.wasm_transactions(event, from, to, limit);
        let found = found.map_err(|error| errors::chain(&error))?;
        if found.len() > PLACES_MAX {
            return Err(errors::internal(format!(
                "more than {PLACES_MAX} transactions match; narrow the query by tx.height"
            )));
        }
        Ok(found.into_iter().collect())
    }

    /// Those of `places` whose events `query` matches.
    fn read(&self, query: &Query, places: BTreeSet<Place>, stop: &AtomicBool) -> Result<Vec<Place>, Fault> {
        if places.len() > READ_MAX {
            return Err(errors::internal(format!(
                "the query would read more than {READ_MAX} transactions; narrow it by tx.height or by an attribute's value"
            )));
        }
        let mut matching = Vec::new();
        for (height, at) in places {
            if stop.load(Ordering::Relaxed) {
                return Err(errors::internal("stopped"));
            }
            let Some(block) = self.block(height)? else { continue };
            let Some(record) = block.transactions.get(at) else { continue };
            if query.matches(&tags(&block, record, &detail(record))) {
                matching.push((height, at));
            }
        }
        Ok(matching)
    }
}

fn refuse_proof(args: &Args) -> Result<(), Fault> {
    if args.flag("prove")? {
        return Err(errors::internal("proofs of transactions are not supported; ask without prove"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cometbfts() {
        let page = |query: &str, total| Page::new(&Args::uri(query), total).map(|page| page.range(total));
        assert_eq!(page("", 45).unwrap(), 0..30);
        assert_eq!(page("page=2", 45).unwrap(), 30..45);
        assert_eq!(page("page=1&per_page=500", 450).unwrap(), 0..100);
        assert_eq!(page("page=1", 0).unwrap(), 0..0);
        let fault = page("page=3", 45).unwrap_err();
        assert_eq!(errors::why(&fault), "page should be within [1, 2] range, given 3");
        assert!(page("page=0", 45).is_err());
    }
}
