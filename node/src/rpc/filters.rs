//! Filters that are polled: `eth_newFilter` and its kin. Bounded in number, and gone when nobody asks.

use super::api::Api;
use super::args::Args;
use super::errors::{self, Fault, limit, server};
use super::feed::{Change, TooLate};
use super::logs::{checked, matching};
use crate::chain::BlockRecord;
use alloy_primitives::{B256, U128};
use alloy_rpc_types_eth::{Filter, FilterChanges, Log, Transaction};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
enum Kind {
    Blocks,
    Pending,
    Logs(Arc<Filter>),
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    /// The feed's next event for it.
    next: u64,
    asked: Instant,
}

/// All filters, by id.
#[derive(Debug)]
pub(super) struct Filters {
    max: usize,
    timeout: Duration,
    entries: Mutex<HashMap<U128, Entry>>,
}

impl Filters {
    /// Room for `max`; each goes when it was not asked about for `timeout`.
    pub(super) fn new(max: usize, timeout: Duration) -> Self {
        Self { max, timeout, entries: Mutex::default() }
    }

    fn add(&self, kind: Kind, next: u64, now: Instant) -> Result<U128, Fault> {
        let mut entries = self.entries.lock();
        if entries.len() >= self.max {
            entries.retain(|_, entry| now.saturating_duration_since(entry.asked) < self.timeout);
        }
        if entries.len() >= self.max {
            return Err(limit("too many filters; uninstall some, or subscribe by websocket"));
        }
        // Ids can't be guessed, so that nobody polls away another's changes.
        let id = U128::from(rand::random::<u128>());
        entries.insert(id, Entry { kind, next, asked: now });
        Ok(id)
    }

    /// The filter and its next event; asking keeps it alive.
    fn ask(&self, id: U128, now: Instant) -> Result<(Kind, u64), Fault> {
        let mut entries = self.entries.lock();
        let entry = entries.get_mut(&id).ok_or_else(not_found)?;
        if now.saturating_duration_since(entry.asked) >= self.timeout {
            entries.remove(&id);
            return Err(not_found());
        }
        entry.asked = now;
        Ok((entry.kind.clone(), entry.next))
    }

    fn advance(&self, id: U128, next: u64) {
        if let Some(entry) = self.entries.lock().get_mut(&id) {
            entry.next = next;
        }
    }

    fn remove(&self, id: U128) -> bool {
        self.entries.lock().remove(&id).is_some()
    }
}

fn not_found() -> Fault {
    server("filter not found")
}

impl Api {
    pub(super) fn new_filter(&self, args: &Args) -> Result<U128, Fault> {
        let filter = checked(args.required(0)?)?;
        self.filters.add(Kind::Logs(Arc::new(filter)), self.feed.now(false), Instant::now())
    }

    pub(super) fn new_block_filter(&self, _: &Args) -> Result<U128, Fault> {
        self.filters.add(Kind::Blocks, self.feed.now(false), Instant::now())
    }

    pub(super) fn new_pending_filter(&self, _: &Args) -> Result<U128, Fault> {
        self.filters.add(Kind::Pending, self.feed.now(true), Instant::now())
    }

    pub(super) fn uninstall_filter(&self, args: &Args) -> Result<bool, Fault> {
        Ok(self.filters.remove(args.required(0)?))
    }

    pub(super) fn filter_logs(&self, args: &Args, cancel: &AtomicBool) -> Result<Vec<Log>, Fault> {
        match self.filters.ask(args.required(0)?, Instant::now())? {
            (Kind::Logs(filter), _) => self.search(&filter, cancel),
            (Kind::Blocks | Kind::Pending, _) => Err(not_found()),
        }
    }

    pub(super) fn filter_changes(&self, args: &Args, _: &AtomicBool) -> Result<FilterChanges, Fault> {
        let id = args.required(0)?;
        let (kind, from) = self.filters.ask(id, Instant::now())?;
        let changes = self.feed.since(matches!(kind, Kind::Pending), from);
        let (changes, next) = changes.map_err(|TooLate| {
            self.filters.remove(id);
            not_found()
        })?;
        let changes = match kind {
            Kind::Pending | Kind::Blocks => FilterChanges::Hashes(names(&changes)),
            Kind::Logs(filter) => FilterChanges::<Transaction>::Logs(self.log_changes(&filter, &changes)?),
        };
        self.filters.advance(id, next);
        Ok(changes)
    }

    /// Logs of new blocks, and again, as removed, those of blocks that went.
    fn log_changes(&self, filter: &Filter, changes: &[Change]) -> Result<Vec<Log>, Fault> {
        let mut found = Vec::new();
        // Blocks that came and went between two polls: the client never heard of them.
        let mut unseen = HashSet::new();
        for change in changes {
            match change {
                Change::Block { height, hash } => match self.block_at(height.0)? {
                    Some(block) if block.hash == *hash => self.extend(&mut found, filter, &block, false)?,
                    _ => {
                        unseen.insert(*hash);
                    }
                },
                Change::Removed(blocks) => {
                    for block in blocks.iter().rev().filter(|block| !unseen.contains(&block.hash)) {
                        self.extend(&mut found, filter, block, true)?;
                    }
                }
                Change::Pending(_) => {}
            }
        }
        Ok(found)
    }

    fn extend(
        &self,
        found: &mut Vec<Log>,
        filter: &Filter,
        block: &BlockRecord,
        removed: bool,
    ) -> Result<(), Fault> {
        if !filter.matches_block_range(block.header.height.0) {
            return Ok(());
        }
        for log in matching(filter, block, removed) {
            if found.len() >= self.config.logs {
                return Err(errors::limit(format!("more than {} new logs", self.config.logs)));
            }
            found.push(log);
        }
        Ok(())
    }
}

fn names(changes: &[Change]) -> Vec<B256> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::Block { hash, .. } | Change::Pending(hash) => Some(*hash),
            Change::Removed(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_bounded_and_expire() {
        let filters = Filters::new(2, Duration::from_secs(60));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let first = filters.add(Kind::Blocks, 0, at(0)).unwrap();
        let second = filters.add(Kind::Pending, 5, at(0)).unwrap();
        assert_eq!(filters.add(Kind::Blocks, 0, at(1)).unwrap_err().code(), errors::LIMIT);
        assert_eq!(filters.ask(second, at(40)).unwrap().1, 5);
        assert_eq!(filters.ask(first, at(80)).unwrap_err().message(), "filter not found");
        filters.advance(second, 9);
        assert_eq!(filters.ask(second, at(90)).unwrap().1, 9);
        filters.add(Kind::Blocks, 0, at(100)).unwrap();
        assert!(filters.add(Kind::Blocks, 0, at(200)).is_ok(), "those that nobody asks about make room");
        assert!(!filters.remove(second));
    }
}
