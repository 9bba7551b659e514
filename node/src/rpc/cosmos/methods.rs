//! The methods: their names, their parameters in order, what each costs and what it runs.

use super::super::clients::Client;
use super::super::gate::Class;
use super::super::worker;
use super::api::Cosmos;
use super::args::Args;
use super::errors::{self, DIALECT, Fault};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

type Work = fn(&Cosmos, &Args) -> Result<Value, Fault>;
type Scan = fn(&Cosmos, &Args, &AtomicBool) -> Result<Value, Fault>;

#[derive(Clone, Copy)]
enum Run {
    Work(Work),
    Scan(Scan),
    Sync,
    Async,
    Commit,
}

/// One method.
pub(super) struct Method {
    name: &'static str,
    params: &'static [&'static str],
    class: Class,
    run: Run,
}

const SEARCH: &[&str] = &["query", "prove", "page", "per_page", "order_by"];

/// All methods but those of subscriptions, which need a websocket.
static METHODS: &[Method] = &[
    work("health", &[], Class::Quick, Cosmos::health),
    work("status", &[], Class::Quick, Cosmos::status_of),
    work("net_info", &[], Class::Quick, Cosmos::net_info),
    work("blockchain", &["minHeight", "maxHeight"], Class::Read, Cosmos::blockchain),
    work("genesis", &[], Class::Quick, Cosmos::genesis),
    work("block", &["height"], Class::Read, Cosmos::block_method),
    work("block_by_hash", &["hash"], Class::Read, Cosmos::block_by_hash),
    work("block_results", &["height"], Class::Read, Cosmos::block_results),
    work("header", &["height"], Class::Read, Cosmos::header_method),
    work("header_by_hash", &["hash"], Class::Read, Cosmos::header_by_hash),
    work("commit", &["height"], Class::Read, Cosmos::commit),
    work("validators", &["height", "page", "per_page"], Class::Quick, Cosmos::validators),
    work("consensus_params", &["height"], Class::Quick, Cosmos::consensus_params),
    work("unconfirmed_txs", &["limit"], Class::Read, Cosmos::unconfirmed),
    work("num_unconfirmed_txs", &[], Class::Quick, Cosmos::num_unconfirmed),
    work("tx", &["hash", "prove"], Class::Read, Cosmos::tx),
    Method { name: "tx_search", params: SEARCH, class: Class::Scan, run: Run::Scan(Cosmos::tx_search) },
    work("block_search", &["query", "page", "per_page", "order_by"], Class::Read, Cosmos::block_search),
    work("abci_info", &[], Class::Quick, Cosmos::abci_info),
    work("abci_query", &["path", "data", "height", "prove"], Class::Call, Cosmos::abci_query),
    Method { name: "broadcast_tx_sync", params: &["tx"], class: Class::Submit, run: Run::Sync },
    Method { name: "broadcast_tx_async", params: &["tx"], class: Class::Submit, run: Run::Async },
    Method { name: "broadcast_tx_commit", params: &["tx"], class: Class::Submit, run: Run::Commit },
];

const fn work(name: &'static str, params: &'static [&'static str], class: Class, run: Work) -> Method {
    Method { name, params, class, run: Run::Work(run) }
}

/// Classes by name, for the gate.
pub(super) fn classes() -> HashMap<&'static str, Class> {
    METHODS.iter().map(|method| (method.name, method.class)).collect()
}

impl Method {
    /// The method of that name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }

    /// All names, with those of their parameters.
    pub(super) fn list() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        METHODS.iter().map(|method| (method.name, method.params))
    }

    /// The parameters of a JSON-RPC call.
    ///
    /// # Errors
    /// Invalid params.
    pub(super) fn args(&self, params: Option<Value>) -> Result<Args, Fault> {
        Args::json(params, self.params)
    }

    /// Runs it for `client` when its turn has come.
    ///
    /// # Errors
    /// In CometBFT's words.
    pub(super) async fn call(
        &'static self,
        cosmos: &Arc<Cosmos>,
        client: &Client,
        args: Args,
    ) -> Result<Box<RawValue>, Fault> {
        let turn = cosmos.gate.enter(client, self.class).await;
        let turn = turn.map_err(|fault| errors::limit(fault.message()))?;
        let result = match self.run {
            Run::Work(work) => in_turn(cosmos, turn, move |cosmos, _| work(cosmos, &args)).await,
            Run::Scan(scan) => in_turn(cosmos, turn, move |cosmos, stop| scan(cosmos, &args, stop)).await,
            Run::Sync => raw(cosmos.broadcast_sync(args).await?),
            Run::Async => raw(cosmos.broadcast_async(args).await?),
            Run::Commit => raw(cosmos.broadcast_commit(args).await?),
        };
        if result.is_err() {
            metrics::counter!("weft_rpc_errors", "method" => self.name).increment(1);
        }
        result
    }
}

/// Runs `work` off the async threads; what lets it run is given back when it has ended, and not before.
pub(super) async fn in_turn<T: Send + 'static>(
    cosmos: &Arc<Cosmos>,
    turn: T,
    work: impl FnOnce(&Cosmos, &AtomicBool) -> Result<Value, Fault> + Send + 'static,
) -> Result<Box<RawValue>, Fault> {
    let (config, cosmos) = (Arc::clone(&cosmos.config), Arc::clone(cosmos));
    worker::run(&config, &DIALECT, move |stop| {
        let _turn = turn;
        work(&cosmos, stop)
    })
    .await
}

fn raw(value: Value) -> Result<Box<RawValue>, Fault> {
    to_raw_value(&value).map_err(|_| errors::internal("internal error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_one_name() {
        assert_eq!(classes().len(), METHODS.len());
        assert!(Method::find("abci_query").is_some() && Method::find("subscribe").is_none());
    }
}
