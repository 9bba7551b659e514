//! [`Dialect`]: what differs between the JSON-RPC servers of this node, which share listener, gate and limits.

use super::errors::{self, Fault};
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::types::SubscriptionId;
use std::sync::atomic::{AtomicU64, Ordering};

/// Words, codes and ids as the clients of one server know them.
#[derive(Debug)]
pub(super) struct Dialect {
    /// What metrics call the server.
    pub(super) name: &'static str,
    /// There is no method of that name.
    pub(super) no_method: fn(&str) -> Fault,
    /// The method of that name needs a websocket.
    pub(super) no_websocket: fn(&str) -> Fault,
    /// A limit of the server was met, as the sentence says.
    pub(super) limit: fn(&str) -> Fault,
    /// The time of a call, in milliseconds, ran out.
    pub(super) timeout: fn(u64) -> Fault,
    /// What ending a subscription that is not there answers; `None`: false.
    pub(super) no_subscription: Option<fn() -> Fault>,
    /// How subscriptions are numbered.
    pub(super) ids: fn() -> Box<dyn IdProvider>,
    /// The headers that pages of other origins may send.
    pub(super) headers: &'static str,
    /// What a plain GET of a path answers, if anything.
    pub(super) page: fn(&str) -> Option<&'static str>,
}

/// Ethereum's, as geth speaks it.
pub(super) static ETH: Dialect = Dialect {
    name: "eth",
    no_method: errors::no_method,
    no_websocket: |_| Fault::owned(errors::NO_METHOD, "notifications not supported", None::<()>),
    limit: |sentence| errors::limit(sentence),
    timeout: errors::timeout,
    no_subscription: None,
    ids: || Box::new(HexIds),
    headers: "content-type",
    page: |_| None,
};

/// Subscription ids in hex, as geth's.
#[derive(Debug)]
struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        format!("{:#x}", rand::random::<u128>()).into()
    }
}

/// Subscription ids that count up from 0, as Solana's.
#[derive(Debug, Default)]
pub(super) struct CountedIds(AtomicU64);

impl IdProvider for CountedIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        self.0.fetch_add(1, Ordering::Relaxed).into()
    }
}
