//! REST: the paths that Keplr and front ends fetch, answered by the same queries as `abci_query`, in the JSON of the SDK's
//! gateway: names with underscores, 64-bit numbers as texts, bytes in base64, and no field left out.
//!
//! `x-cosmos-block-height` names a height, as there. A path that this chain has nothing behind answers with an empty list,
//! where wallets ask for it without need ([`node`] has them all); any other is not implemented.

mod accounts;
mod messages;
mod node;
mod shapes;
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
use txs::{PostedTx, posted};
use url::form_urlencoded;
use weft_types::Height;

/// What its paths begin with.
pub(super) const PREFIXES: [&str; 4] = ["/cosmos/", "/cosmwasm/", "/feemarket/", "/ibc/"];
/// The classes of all paths, by the name that metrics use.
const READS: &str = "rest";
/// What the machine says of a path that it does not know.
const UNKNOWN_PATH: &str = "unknown query path";

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

/// A query's error as the gateway tells it, which hears of it before it becomes an ABCI code: by its gRPC code, and without
/// the words that come with that of ABCI.
fn told(refused: &weft_wasm::Fault) -> Fault {
    let text = refused.to_string();
    let (code, end) = match refused.code() {
        ("sdk", 6) if text == UNKNOWN_PATH => return fault(grpc::UNIMPLEMENTED, "Not Implemented"),
        ("sdk", 6) => (grpc::UNKNOWN, ": unknown request"),
        ("sdk", 18) => (grpc::INVALID, ": invalid request"),
        ("sdk", 22 | 38) => (grpc::NOT_FOUND, ": not found"),
        _ => (grpc::UNKNOWN, ""),
    };
    let text = text.strip_suffix(end).unwrap_or(&text);
    let text = match text.split_once(" desc = ") {
        Some((start, text)) if start.starts_with("rpc error: code = ") => text,
        _ => text,
    };
    fault(code, text)
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
    let pair = format!("{}=", segment.replace('+', "%2B"));
    let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name.into_owned());
    name.unwrap_or_default()
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
        assert_eq!(unescaped("a+b"), "a+b");
        assert_eq!(bytes_of("-_8=").unwrap(), bytes_of("+/8=").unwrap());
        assert!(bytes_of("!").is_err());
    }

    #[test]
    fn errors_are_told_without_the_words_of_abci() {
        let cases = [
            ("sdk", 6, "unknown query path", (12, "Not Implemented")),
            (
                "sdk",
                6,
                "no: query wasm contract failed: unknown request",
                (2, "no: query wasm contract failed"),
            ),
            ("sdk", 18, "rpc error: code = InvalidArgument desc = no: invalid request", (3, "no")),
            (
                "sdk",
                22,
                "rpc error: code = NotFound desc = account x not found: not found",
                (5, "account x not found"),
            ),
            ("wasm", 22, "no such contract", (2, "no such contract")),
        ];
        for (codespace, code, text, expected) in cases {
            let fault = told(&weft_wasm::Fault::new(codespace, code, text));
            assert_eq!((fault.code(), fault.message()), expected, "{text}");
        }
    }

    #[test]
    fn codes_have_the_gateways_status() {
        assert_eq!(status(grpc::NOT_FOUND), StatusCode::NOT_FOUND);
        assert_eq!(status(grpc::UNIMPLEMENTED), StatusCode::NOT_IMPLEMENTED);
        assert_eq!(page(None), json!({ "next_key": null, "total": "0" }));
    }
}
