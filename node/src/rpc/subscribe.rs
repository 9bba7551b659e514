//! `eth_subscribe` and `weft_subscribe`: events of the chain and the pool, pushed over a websocket.
//!
//! A subscriber that takes in less than happens is closed by the chain's own bound on events, so that it can't
//! make the node remember for it.

use super::api::Api;
use super::args::Args;
use super::convert;
use super::errors::{Fault, invalid_params};
use super::limits::SUBSCRIPTION_LAG_MAX;
use super::logs::{checked, matching};
use super::weft::block_json;
use crate::chain::ChainEvent;
use crate::sequencer::mempool::Pooled;
use alloy_primitives::B256;
use alloy_rpc_types_eth::Filter;
use jsonrpsee::core::server::{PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink};
use jsonrpsee::types::Params;
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

enum Kind {
    Heads,
    Logs(Box<Filter>),
    Pending {
        full: bool,
    },
    /// Accepted, since clients ask for it; this node answers from what it has and never says that it syncs.
    Syncing,
    /// Our own: blocks as `weft_getBlock` gives them, soft ones at once and again when Celestia has them.
    Blocks,
}

/// Serves one `eth_subscribe` call until its client leaves.
pub(super) async fn eth(params: Params<'static>, pending: PendingSubscriptionSink, api: Arc<Api>) {
    serve(Args::new(&params).and_then(|args| eth_kind(&args)), pending, api).await;
}

/// Serves one `weft_subscribe` call until its client leaves.
pub(super) async fn weft(params: Params<'static>, pending: PendingSubscriptionSink, api: Arc<Api>) {
    serve(Args::new(&params).and_then(|args| weft_kind(&args)), pending, api).await;
}

fn eth_kind(args: &Args) -> Result<Kind, Fault> {
    let name: String = args.required(0)?;
    match &*name {
        "newHeads" => Ok(Kind::Heads),
        "logs" => {
            let filter: Filter = args.optional(1)?.unwrap_or_default();
            Ok(Kind::Logs(Box::new(checked(filter)?)))
        }
        "newPendingTransactions" => Ok(Kind::Pending { full: args.optional(1)?.unwrap_or(false) }),
        "syncing" => Ok(Kind::Syncing),
        _ => Err(unknown(&name)),
    }
}

fn weft_kind(args: &Args) -> Result<Kind, Fault> {
    let name: String = args.required(0)?;
    if name == "blocks" { Ok(Kind::Blocks) } else { Err(unknown(&name)) }
}

fn unknown(name: &str) -> Fault {
    let name: String = name.chars().take(64).collect();
    invalid_params(format!("no \"{name}\" subscription"))
}

async fn serve(kind: Result<Kind, Fault>, pending: PendingSubscriptionSink, api: Arc<Api>) {
    let kind = match kind {
        Ok(kind) => kind,
        Err(fault) => return pending.reject(fault).await,
    };
    // Listening starts before the client knows its id, so that nothing falls in between.
    let events = api.chain.subscribe();
    let pool = api.mempool.as_ref().map(|pool| pool.subscribe());
    let Ok(sink) = pending.accept().await else { return };
    let ended = match kind {
        Kind::Pending { full } => match pool {
            Some(pool) => follow_pool(&sink, pool, full).await,
            None => Ended::Quiet,
        },
        Kind::Syncing => Ended::Quiet,
        kind => follow_chain(&sink, events, &kind, &api).await,
    };
    match ended {
        Ended::Quiet => sink.closed().await,
        Ended::Gone => {}
        Ended::Lagged => tracing::debug!("a subscriber fell behind and was closed"),
    }
}

/// Why a subscription gives nothing any more.
enum Ended {
    /// The client left.
    Gone,
    /// It took in less than happened.
    Lagged,
    /// Nothing will ever happen.
    Quiet,
}

async fn follow_chain(
    sink: &SubscriptionSink,
    mut events: tokio::sync::broadcast::Receiver<ChainEvent>,
    kind: &Kind,
    api: &Api,
) -> Ended {
    loop {
        let event = tokio::select! {
            () = sink.closed() => return Ended::Gone,
            event = events.recv() => event,
        };
        let sent = match event {
            Ok(event) => push(sink, &event, kind, api).await,
            Err(RecvError::Lagged(_)) => return Ended::Lagged,
            Err(RecvError::Closed) => return Ended::Gone,
        };
        if sent.is_err() {
            return Ended::Gone;
        }
        if events.len() > SUBSCRIPTION_LAG_MAX {
            return Ended::Lagged;
        }
    }
}

/// The client is gone.
struct Gone;

async fn push(sink: &SubscriptionSink, event: &ChainEvent, kind: &Kind, api: &Api) -> Result<(), Gone> {
    match (kind, event) {
        (Kind::Heads, ChainEvent::Block(block)) => send(sink, &api.shape.header(block)).await,
        (Kind::Logs(filter), ChainEvent::Block(block)) => {
            for log in matching(filter, block, false) {
                send(sink, &log).await?;
            }
            Ok(())
        }
        (Kind::Logs(filter), ChainEvent::Reverted { removed, .. }) => {
            for block in removed.iter().rev() {
                for log in matching(filter, block, true) {
                    send(sink, &log).await?;
                }
            }
            Ok(())
        }
        (Kind::Blocks, ChainEvent::Block(block)) => send(sink, &block_json(block)).await,
        (Kind::Blocks, ChainEvent::Included { up_to }) => {
            send(sink, &serde_json::json!({ "da_included": up_to })).await
        }
        (Kind::Blocks, ChainEvent::Reverted { to, .. }) => {
            send(sink, &serde_json::json!({ "reverted_to": to })).await
        }
        _ => Ok(()),
    }
}

async fn follow_pool(
    sink: &SubscriptionSink,
    mut added: tokio::sync::broadcast::Receiver<Pooled>,
    full: bool,
) -> Ended {
    loop {
        let pooled = tokio::select! {
            () = sink.closed() => return Ended::Gone,
            pooled = added.recv() => pooled,
        };
        let sent = match pooled {
            Ok(Pooled::Sbf(_) | Pooled::Wasm(_)) => Ok(()),
            Ok(Pooled::Evm(pooled)) if full => {
                let envelope = weft_evm::decoded(&pooled.checked).envelope.clone();
                send(sink, &convert::pending(envelope, pooled.sender)).await
            }
            Ok(Pooled::Evm(pooled)) => send::<B256>(sink, &pooled.checked.id).await,
            // Hashes of the pool are a hint; losing some is better than losing the subscription.
            Err(RecvError::Lagged(_)) => Ok(()),
            Err(RecvError::Closed) => return Ended::Gone,
        };
        if sent.is_err() {
            return Ended::Gone;
        }
    }
}

async fn send<T: Serialize>(sink: &SubscriptionSink, value: &T) -> Result<(), Gone> {
    let message = SubscriptionMessage::new(sink.method_name(), sink.subscription_id(), value);
    let Ok(message) = message else {
        tracing::error!("a notification could not be written as JSON");
        return Err(Gone);
    };
    sink.send(message).await.map_err(|_| Gone)
}
