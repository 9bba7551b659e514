//! `header.*`.

use super::{Answer, Context, error, read};
use celestia_types::hash::Hash;
use celestia_types::{ExtendedHeader, SyncState};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::{PendingSubscriptionSink, RpcModule, SubscriptionMessage};
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// Headers in one answer (go-header's MaxRangeRequestSize).
const MAX_RANGE: u64 = 512;
const REGISTERED: &str = "each method is registered once";

/// Registers them.
pub(super) fn register(module: &mut RpcModule<Context>) {
    for name in ["header.NetworkHead", "header.LocalHead"] {
        let head = |_: jsonrpsee::types::Params<'_>, context: &Context, _: &jsonrpsee::Extensions| {
            Answer::Ok(context.chain.head().header().clone())
        };
        module.register_method(name, head).expect(REGISTERED);
    }
    module
        .register_async_method("header.Tail", |_, context, _| async move { by_height(&context, 1).await })
        .expect(REGISTERED);
    module
        .register_async_method("header.GetByHeight", |params, context, _| async move {
            let (height,): (u64,) = params.parse()?;
            by_height(&context, height).await
        })
        .expect(REGISTERED);
    module
        .register_async_method("header.GetByHash", |params, context, _| async move {
            let (hash,): (Hash,) = params.parse()?;
            let hash = super::super::consensus::sha256(hash);
            context
                .compute(move |chain| {
                    chain.block_by_hash(&hash).map(|block| block.header().clone()).map_err(error)
                })
                .await
        })
        .expect(REGISTERED);
    module
        .register_async_method("header.GetRangeByHeight", |params, context, _| async move {
            let (from, to): (ExtendedHeader, u64) = params.parse()?;
            range(&context, from, to).await
        })
        .expect(REGISTERED);
    module
        .register_async_method("header.WaitForHeight", |params, context, _| async move {
            let (height,): (u64,) = params.parse()?;
            context.wait_for(height).await?;
            by_height(&context, height).await
        })
        .expect(REGISTERED);
    module
        .register_method("header.SyncState", |_, context, _| Answer::Ok(sync_state(context)))
        .expect(REGISTERED);
    module.register_method("header.SyncWait", |_, _, _| Answer::Ok(())).expect(REGISTERED);
    module
        .register_subscription(
            "header.Subscribe",
            "header.Subscribe",
            "header.Unsubscribe",
            |_, pending, context, _| subscribe(pending, context),
        )
        .expect(REGISTERED);
}

async fn by_height(context: &Context, height: u64) -> Answer<ExtendedHeader> {
    context.on_block(height, |block| Ok(block.header().clone())).await
}

/// The headers between `from` and `to`, both left out.
async fn range(context: &Context, from: ExtendedHeader, to: u64) -> Answer<Vec<ExtendedHeader>> {
    let first = from.height().saturating_add(1);
    if to <= first {
        return Err(error(format!("header: invalid range: from {first} to {to}")));
    }
    if to - first > MAX_RANGE {
        return Err(error(format!("header: requested range exceeds MaxRangeRequestSize ({MAX_RANGE})")));
    }
    let headers = context.compute(move |chain| {
        (first..to)
            .map(|height| read(chain, height).map(|block| block.header().clone()))
            .collect::<Answer<Vec<_>>>()
    });
    let headers = headers.await?;
    // celestia-node checks that the answer continues what the caller has.
    if headers.first().is_some_and(|next| next.last_header_hash() != from.hash()) {
        return Err(error("header: verification failed: range does not continue the given header"));
    }
    Ok(headers)
}

fn sync_state(context: &Context) -> SyncState {
    let head = context.chain.head();
    let header = head.header();
    SyncState {
        id: 1,
        height: header.height(),
        from_height: 1,
        to_height: header.height(),
        from_hash: header.last_header_hash(),
        to_hash: header.hash(),
        start: header.time(),
        end: header.time(),
        error: None,
    }
}

/// Every header from the next one on, none left out.
async fn subscribe(pending: PendingSubscriptionSink, context: Arc<Context>) {
    let mut head = context.chain.watch();
    let mut next = *head.borrow_and_update() + 1;
    let Ok(sink) = pending.accept().await else { return };
    loop {
        tokio::select! {
            reached = head.wait_for(|head| *head >= next) => if reached.is_err() { return },
            () = context.stop.cancelled() => return,
            () = sink.closed() => return,
        }
        let height = next;
        let message = context.compute(move |chain| message(read(chain, height)?.header())).await;
        let Ok(message) = message else { return };
        if sink.send(SubscriptionMessage::from(message)).await.is_err() {
            return;
        }
        next += 1;
    }
}

/// The JSON of a notification.
pub(super) fn message(value: &impl serde::Serialize) -> Result<Box<RawValue>, ErrorObjectOwned> {
    to_raw_value(value).map_err(error)
}
