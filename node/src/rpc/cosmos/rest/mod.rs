//! REST: the paths that Keplr and front ends fetch, answered by the same queries as `abci_query`, in the JSON of the SDK's
//! gateway: names with underscores, 64-bit numbers as texts, bytes in base64, and no field left out.
//!
//! `x-cosmos-block-height` names a height, as there. A path that this chain has nothing behind answers with an empty list,
//! where wallets ask for it without need ([`node`] has them all); any other is not implemented.

mod accounts;
mod bank;
mod messages;
mod node;
mod shapes;
mod told;
mod txs;
mod wasm;

use super::super::clients::Client;
use super::super::gate::Class;
use super::api::Cosmos;
use super::errors::{self, Fault, grpc};
use super::http::json_response;
use super::methods::in_turn;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::PageRequest;
use http::{Method as Verb, StatusCode, request};
use jsonrpsee::server::HttpResponse;
use prost::Message;
use serde_json::{Value, json};
use shapes::bytes_of;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use told::told;
use txs::{PostedTx, posted};
use url::form_urlencoded;
use weft_types::Height;

/// What its paths begin with.
pub(super) const PREFIXES: [&str; 4] = ["/cosmos/", "/cosmwasm/", "/feemarket/", "/ibc/"];
/// The classes of all paths, by the name that metrics use.
const READS: &str = "rest";

/// For the gate.
pub(super) fn classes() -> HashMap<&'static str, Class> {
    HashMap::from([(READS, Class::Call)])
}

/// The status of HTTP for a code of gRPC, as the gateway has it.
fn status(code: i32) -> StatusCode {
    match code {
        grpc::INVALID => StatusCode::BAD_REQUEST,
        grpc::NOT_FOUND => StatusCode::NOT_FOUND,
        grpc::EXHAUSTED => StatusCode::TOO_MANY_REQUESTS,
        grpc::UNIMPLEMENTED => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn fault(code: i32, message: impl Into<String>) -> Fault {
    Fault::owned(code, message, None::<()>)
}

fn invalid(message: impl Into<String>) -> Fault {
    fault(grpc::INVALID, message)
}

/// Answers a request of one of these paths.
pub(super) async fn answer(
    cosmos: &Arc<Cosmos>,
    client: &Client,
    parts: &request::Parts,
    body: &[u8],
) -> HttpResponse {
    let result = match cosmos.gate.enter(client, Class::Call).await {
        Err(refused) => Err(fault(grpc::EXHAUSTED, refused.message())),
        Ok(turn) => run(cosmos, turn, parts, body).await,
    };
    match result {
        Ok(body) => json_response(StatusCode::OK, body),
        Err(fault) => {
            // What is not a code of gRPC comes from below.
            let code = if fault.code() < 0 { grpc::INTERNAL } else { fault.code() };
            let message = errors::why(&fault);
            let body = json!({ "code": code, "message": message, "details": [] });
            json_response(status(code), body.to_string())
        }
    }
}

async fn run<T: Send + 'static>(
    cosmos: &Arc<Cosmos>,
    turn: T,
    parts: &request::Parts,
    body: &[u8],
) -> Result<String, Fault> {
    let path: Vec<String> = parts.uri.path().trim_matches('/').split('/').take(16).map(unescaped).collect();
    let named: Vec<&str> = path.iter().map(String::as_str).collect();
    if parts.method == Verb::POST {
        return match named.as_slice() {
            ["cosmos", "tx", "v1beta1", "txs"] => {
                cosmos.rest_broadcast(body).await.map(|value| value.to_string())
            }
            ["cosmos", "tx", "v1beta1", "simulate"] => {
                let request: PostedTx = posted(body)?;
                let done = in_turn(cosmos, turn, move |cosmos, _| cosmos.rest_simulate(&request.bytes()?));
                done.await.map(|raw| raw.get().to_owned())
            }
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        };
    }
    let header = parts.headers.get("x-cosmos-block-height").and_then(|value| value.to_str().ok());
    let height = match header.filter(|text| !text.is_empty()) {
        Some(text) => Some(text.parse::<i64>().map_err(|_| invalid(format!("{text:?} is no height")))?),
        None => None,
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let done = in_turn(cosmos, turn, move |cosmos, stop| {
        let named: Vec<&str> = path.iter().map(String::as_str).collect();
        let at = cosmos.block_at(height).map_err(|error| invalid(errors::why(&error)))?.header.height;
        cosmos.rest_get(&named, &Asked { at, query: &query, stop })
    });
    done.await.map(|raw| raw.get().to_owned())
}

/// A segment of a path, with its percent signs resolved.
fn unescaped(segment: &str) -> String {
    // A form's value, but that only percent signs mean something in it.
    let pair = format!("={}", segment.replace('+', "%2B").replace('&', "%26"));
    let value = form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    value.unwrap_or_default()
}

/// What a GET asks besides its path.
struct Asked<'a> {
    at: Height,
    query: &'a str,
    stop: &'a AtomicBool,
}

impl Asked<'_> {
    fn param(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The text of that name; empty where there is none.
    fn text(&self, name: &str) -> String {
        self.param(name).unwrap_or_default()
    }

    /// All texts of that name.
    fn texts(&self, name: &str) -> Vec<String> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    }

    fn number(&self, name: &str) -> Result<u64, Fault> {
        let Some(text) = self.param(name) else { return Ok(0) };
        text.parse().map_err(|_| invalid(format!("{name}: {text:?} is no number")))
    }

    fn page(&self) -> Result<Option<PageRequest>, Fault> {
        let is = |name: &str| self.param(name).is_some_and(|text| text == "true");
        Ok(Some(PageRequest {
            key: self.param("pagination.key").map(|key| bytes_of(&key)).transpose()?.unwrap_or_default(),
            offset: self.number("pagination.offset")?,
            limit: self.number("pagination.limit")?,
            count_total: is("pagination.count_total"),
            reverse: is("pagination.reverse"),
        }))
    }
}

impl Cosmos {
    /// Asks the machine, and reads its answer as `R`.
    fn rest_ask<R: Message + Default>(
        &self,
        at: Height,
        path: &str,
        request: &impl Message,
    ) -> Result<R, Fault> {
        let answer = self.ask(at, path, &request.encode_to_vec())?.map_err(|refused| told(&refused))?;
        R::decode(answer.as_slice()).map_err(|error| {
            tracing::error!(%error, path, "the machine's answer can't be read");
            errors::internal("internal error")
        })
    }

    fn rest_get(&self, path: &[&str], asked: &Asked<'_>) -> Result<Value, Fault> {
        match path {
            ["cosmos", "base", "tendermint", "v1beta1", rest @ ..] => self.rest_node(rest),
            ["cosmos", "auth", "v1beta1", rest @ ..] => self.rest_auth(rest, asked),
            ["cosmos", "bank", "v1beta1", rest @ ..] => self.rest_bank(rest, asked),
            ["cosmos", "tx", "v1beta1", "txs"] => self.rest_txs(asked),
            ["cosmos", "tx", "v1beta1", "txs", hash] => self.rest_tx(hash),
            ["cosmwasm", "wasm", "v1", rest @ ..] => self.rest_wasm(rest, asked),
            _ => self.rest_nothing(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shapes::page;
    use super::*;

    #[test]
    fn paths_and_bytes_are_read() {
        assert_eq!(unescaped("eyJhIjoxfQ%3D%3D"), "eyJhIjoxfQ==");
        assert_eq!(unescaped("eyJhIjoxfQ=="), "eyJhIjoxfQ==");
        assert_eq!(unescaped("a+b&c=d"), "a+b&c=d");
        assert_eq!(bytes_of("-_8=").unwrap(), bytes_of("+/8=").unwrap());
        assert!(bytes_of("!").is_err());
    }

    #[test]
    fn codes_have_the_gateways_status() {
        assert_eq!(status(grpc::NOT_FOUND), StatusCode::NOT_FOUND);
        assert_eq!(status(grpc::UNIMPLEMENTED), StatusCode::NOT_IMPLEMENTED);
        assert_eq!(page(None), json!({ "next_key": null, "total": "0" }));
    }
}
