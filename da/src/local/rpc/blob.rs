//! `blob.*`.

use super::header::message;
use super::json::{self, BlobIn, BlobOut, Proof, TxConfig};
use super::{Answer, Block, Context, error, read};
use crate::local::ledger::{Landed, SubmitError};
use celestia_types::nmt::Namespace;
use celestia_types::{Blob, Commitment};
use jsonrpsee::{PendingSubscriptionSink, RpcModule, SubscriptionMessage};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Heights that a subscriber may lag behind before it is cut off, as in celestia-node.
const MAX_LAG: u64 = 16;
/// Namespaces in one call.
const MAX_NAMESPACES: usize = 256;
const REGISTERED: &str = "each method is registered once";
const NOT_FOUND: &str = "blob: not found";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AtHeight<'a> {
    blobs: Option<Vec<BlobOut>>,
    height: u64,
    header: &'a tendermint::block::Header,
}

/// Registers them.
pub(super) fn register(module: &mut RpcModule<Context>) {
    module
        .register_async_method("blob.Submit", |params, context, _| async move {
            let (blobs, config): (Vec<BlobIn>, Option<TxConfig>) = params.parse()?;
            submit(&context, blobs, config).await.map(|landed| landed.height)
        })
        .expect(REGISTERED);
    module
        .register_async_method("blob.Get", |params, context, _| async move {
            let (height, namespace, commitment): (u64, Namespace, Commitment) = params.parse()?;
            context.on_block(height, move |block| find(block, namespace, commitment).map(BlobOut::from)).await
        })
        .expect(REGISTERED);
    module
        .register_async_method("blob.GetAll", |params, context, _| async move {
            let (height, namespaces): (u64, Vec<Namespace>) = params.parse()?;
            if namespaces.len() > MAX_NAMESPACES {
                return Err(error("too many namespaces"));
            }
            context
                .on_block(height, move |block| {
                    Ok(json::blobs(namespaces.iter().flat_map(|namespace| block.blobs(*namespace)).collect()))
                })
                .await
        })
        .expect(REGISTERED);
    module
        .register_async_method("blob.GetProof", |params, context, _| async move {
            let (height, namespace, commitment): (u64, Namespace, Commitment) = params.parse()?;
            context.on_block(height, move |block| proofs(block, namespace, commitment)).await
        })
        .expect(REGISTERED);
    module
        .register_async_method("blob.Included", |params, context, _| async move {
            let (height, namespace, proof, commitment): (u64, Namespace, Value, Commitment) =
                params.parse()?;
            context.on_block(height, move |block| included(block, namespace, proof, commitment)).await
        })
        .expect(REGISTERED);
    module
        .register_subscription(
            "blob.Subscribe",
            "blob.Subscribe",
            "blob.Unsubscribe",
            |params, pending, context, _| {
                let namespace = params.parse::<(Namespace,)>();
                async move {
                    match namespace {
                        Ok((namespace,)) => subscribe(pending, context, namespace).await,
                        Err(invalid) => pending.reject(invalid).await,
                    }
                }
            },
        )
        .expect(REGISTERED);
}

/// Submits and waits for the block.
pub(super) async fn submit(
    context: &Context,
    blobs: Vec<BlobIn>,
    config: Option<TxConfig>,
) -> Answer<Landed> {
    let options = config.unwrap_or_default().into_options().map_err(error)?;
    let ticket = context
        .compute(move |chain| {
            let blobs =
                blobs.into_iter().map(BlobIn::into_blob).collect::<Result<Vec<Blob>, _>>().map_err(error)?;
            chain.submit(&blobs, &options).map_err(error)
        })
        .await?;
    tokio::select! {
        landed = ticket.landed() => landed.map_err(error),
        () = context.stop.cancelled() => Err(error(SubmitError::Stopped)),
    }
}

fn find(block: &Block, namespace: Namespace, commitment: Commitment) -> Answer<Blob> {
    block
        .blobs(namespace)
        .into_iter()
        .find(|blob| blob.commitment == commitment)
        .ok_or_else(|| error(NOT_FOUND))
}

/// The proofs of the namespace in the rows that the blob spans.
fn proofs(block: &Block, namespace: Namespace, commitment: Commitment) -> Answer<Vec<Proof>> {
    let blob = find(block, namespace, commitment)?;
    let width = u64::from(block.header().dah.square_width());
    let shares = blob.to_shares().map_err(error)?.len() as u64;
    let index = blob.index.unwrap_or(0);
    // The index counts parity shares, the shares of a blob stand in the original half of the rows.
    let first = index / width;
    let last = first + (index % width + shares - 1) / (width / 2);
    let contains = |row: &u64| {
        u16::try_from(*row).is_ok_and(|row| block.header().dah.row_contains(row, namespace).unwrap_or(false))
    };
    let data = block.namespace_data(namespace);
    let rows = (0..width / 2).filter(contains).zip(data.rows());
    Ok(rows.filter(|(row, _)| (first..=last).contains(row)).map(|(_, row)| Proof::from(&row.proof)).collect())
}

/// Whether `proof` is the blob's. celestia-rpc sends one row's proof, Go clients a list.
fn included(block: &Block, namespace: Namespace, proof: Value, commitment: Commitment) -> Answer<bool> {
    let given = if proof.is_array() { proof } else { Value::Array(vec![proof]) };
    let given: Vec<Proof> = serde_json::from_value(given).map_err(error)?;
    let Ok(ours) = proofs(block, namespace, commitment) else { return Ok(false) };
    if given == ours { Ok(true) } else { Err(error("blob: invalid proof")) }
}

/// Every height from the next one on, also those without blobs.
async fn subscribe(pending: PendingSubscriptionSink, context: Arc<Context>, namespace: Namespace) {
    let mut head = context.chain.watch();
    let mut next = *head.borrow_and_update() + 1;
    let Ok(sink) = pending.accept().await else { return };
    loop {
        let reached = tokio::select! {
            reached = head.wait_for(|head| *head >= next) => reached.map(|head| *head),
            () = context.stop.cancelled() => return,
            () = sink.closed() => return,
        };
        let Ok(reached) = reached else { return };
        if reached - next > MAX_LAG {
            tracing::debug!(height = next, "a blob subscriber lags behind and is cut off");
            return;
        }
        let height = next;
        let message = context.compute(move |chain| at_height(&*read(chain, height)?, namespace)).await;
        let Ok(message) = message else { return };
        if sink.send(SubscriptionMessage::from(message)).await.is_err() {
            return;
        }
        next += 1;
    }
}

fn at_height(block: &Block, namespace: Namespace) -> Answer<Box<serde_json::value::RawValue>> {
    let blobs = json::blobs(block.blobs(namespace));
    message(&AtHeight { blobs, height: block.height(), header: &block.header().header })
}
