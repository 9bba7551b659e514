//! The pool: sending into it, and looking at it.

use super::api::Api;
use super::args::Args;
use super::convert;
use super::errors::{self, Fault, server};
use crate::sequencer::mempool::{PoolError, PooledEvm};
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U64};
use alloy_rpc_types_eth::Transaction;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_types::VmId;

/// Transactions of all senders by nonce, in decimal as geth has it.
type BySender<T> = BTreeMap<Address, BTreeMap<String, T>>;

/// `txpool_content` and its kin.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Content<T> {
    pending: BySender<T>,
    queued: BySender<T>,
}

/// `txpool_status`.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Status {
    pending: U64,
    queued: U64,
}

impl Api {
    /// Takes a signed transaction and gives its hash once the pool has it.
    pub(super) async fn send_raw(&self, args: Args) -> Result<B256, Fault> {
        let payload = args.bytes(0)?;
        match &self.ingest {
            Some(ingest) => {
                let transaction = weft_types::Transaction { vm: VmId::EVM, payload: payload.0 };
                ingest.send(transaction).await.map_err(|error| refused(&error))
            }
            None => Err(server(
                "this node does not sequence: send the transaction to a sequencer, or post it to Celestia with \
                 `weft force`",
            )),
        }
    }

    /// The transaction with that hash, while it waits.
    pub(super) fn pooled(&self, hash: B256) -> Option<Transaction> {
        self.mempool.as_ref()?.get(hash)?.into_evm().map(|pooled| shown(&pooled))
    }

    pub(super) fn pool_status(&self, _: &Args) -> Result<Status, Fault> {
        let status = self.mempool.as_ref().map(|pool| pool.status(VmId::EVM)).unwrap_or_default();
        Ok(Status { pending: U64::from(status.pending), queued: U64::from(status.queued) })
    }

    pub(super) fn pool_content(&self, _: &Args) -> Result<Content<Transaction>, Fault> {
        Ok(self.content(|_| true, shown))
    }

    pub(super) fn pool_content_from(&self, args: &Args) -> Result<serde_json::Value, Fault> {
        let sender: Address = args.required(0)?;
        let content = self.content(|pooled| pooled.sender == sender, shown);
        let of = |mut all: BySender<Transaction>| all.remove(&sender).unwrap_or_default();
        Ok(serde_json::json!({ "pending": of(content.pending), "queued": of(content.queued) }))
    }

    pub(super) fn pool_inspect(&self, _: &Args) -> Result<Content<String>, Fault> {
        Ok(self.content(|_| true, summary))
    }

    fn content<T>(
        &self,
        wanted: impl Fn(&PooledEvm) -> bool,
        show: impl Fn(&Arc<PooledEvm>) -> T,
    ) -> Content<T> {
        let mut content = Content { pending: BTreeMap::new(), queued: BTreeMap::new() };
        let all = self.mempool.as_ref().map(|pool| pool.evm_content()).unwrap_or_default();
        for (pooled, executable) in all.into_iter().filter(|(pooled, _)| wanted(pooled)) {
            let side = if executable { &mut content.pending } else { &mut content.queued };
            side.entry(pooled.sender).or_default().insert(pooled.nonce.to_string(), show(&pooled));
        }
        content
    }
}

fn shown(pooled: &Arc<PooledEvm>) -> Transaction {
    convert::pending(weft_evm::decoded(&pooled.checked).envelope.clone(), pooled.sender)
}

/// As geth sums it up.
fn summary(pooled: &Arc<PooledEvm>) -> String {
    let envelope = &weft_evm::decoded(&pooled.checked).envelope;
    let to = envelope.to().map_or_else(|| "contract creation".to_owned(), |to| to.to_string());
    let (value, gas, price) = (envelope.value(), envelope.gas_limit(), envelope.max_fee_per_gas());
    format!("{to}: {value} wei + {gas} gas × {price} wei")
}

/// The pool's sentences are geth's, with its one code.
fn refused(error: &PoolError) -> Fault {
    match error {
        PoolError::State(reason) => {
            tracing::error!(%reason, "the pool could not read the state");
            errors::internal("the node could not read its state")
        }
        error => errors::server(error.to_string()),
    }
}
