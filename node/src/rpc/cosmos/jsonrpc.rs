//! JSON-RPC as CometBFT reads and writes it: requests alone or in an array, notifications without an answer, and an array
//! of one answer that is no array.

use super::super::clients::Client;
use super::api::Cosmos;
use super::errors::{self, Fault};
use super::methods::Method;
use futures::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

/// One request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Request {
    /// A number or a text; a notification has none.
    #[serde(default)]
    pub(super) id: Option<Value>,
    #[serde(default)]
    pub(super) method: String,
    #[serde(default)]
    pub(super) params: Option<Value>,
}

impl Request {
    /// The id, where it is one that CometBFT takes.
    pub(super) fn id(&self) -> Result<Option<&Value>, Fault> {
        match &self.id {
            None | Some(Value::Null) => Ok(None),
            Some(id @ (Value::Number(_) | Value::String(_))) => Ok(Some(id)),
            Some(_) => Err(errors::invalid_request("the id must be a string or a number")),
        }
    }
}

/// The requests of a body.
///
/// # Errors
/// It is no JSON, no request, or too many of them.
pub(super) fn requests(body: &[u8], max: usize) -> Result<Vec<Request>, Fault> {
    let parse = |error: serde_json::Error| errors::parse(format!("error unmarshalling request: {error}"));
    let is_batch = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !is_batch {
        return Ok(vec![serde_json::from_slice(body).map_err(parse)?]);
    }
    let entries: Vec<&RawValue> = serde_json::from_slice(body).map_err(parse)?;
    if entries.len() > max {
        return Err(errors::limit(format!("at most {max} calls in one batch")));
    }
    entries.into_iter().map(|entry| serde_json::from_str(entry.get()).map_err(parse)).collect()
}

/// An answer with its id.
pub(super) fn answer(id: &Value, result: Result<Box<RawValue>, Fault>) -> String {
    match result {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, result.get()),
        Err(fault) => json!({ "jsonrpc": "2.0", "id": id, "error": fault }).to_string(),
    }
}

/// Answers a request that needs no websocket; `None` for a notification.
pub(super) async fn run(cosmos: &Arc<Cosmos>, client: &Client, request: Request) -> Option<String> {
    let id = match request.id() {
        Ok(Some(id)) => id.clone(),
        Ok(None) => return None,
        Err(fault) => return Some(answer(&Value::Null, Err(fault))),
    };
    let result = match Method::find(&request.method) {
        None => Err(errors::no_method()),
        Some(method) => match method.args(request.params) {
            Ok(args) => method.call(cosmos, client, args).await,
            Err(fault) => Err(fault),
        },
    };
    Some(answer(&id, result))
}

/// Answers all requests of a body; empty where there is nothing to answer. They begin in their order, so that the pool
/// gets the transactions among them in that order, and run side by side.
pub(super) async fn run_all(cosmos: &Arc<Cosmos>, client: &Client, body: &[u8]) -> String {
    let (batch, bytes) = (cosmos.config.batch, cosmos.config.response_bytes);
    let max = |limit: u32| usize::try_from(limit).unwrap_or(usize::MAX);
    let requests = match requests(body, max(batch)) {
        Ok(requests) => requests,
        Err(fault) => return answer(&Value::Null, Err(fault)),
    };
    let running = requests.into_iter().map(|request| run(cosmos, client, request));
    let side_by_side = cosmos.config.batch_concurrency.max(1);
    let mut running = std::pin::pin!(futures::stream::iter(running).buffered(side_by_side));
    let (mut answers, mut length) = (Vec::new(), 0_usize);
    while let Some(one) = running.next().await {
        let Some(one) = one else { continue };
        length = length.saturating_add(one.len());
        if length > max(bytes) {
            let fault = errors::limit(format!("the answers are larger than {bytes} bytes; ask for less"));
            return answer(&Value::Null, Err(fault));
        }
        answers.push(one);
    }
    match answers.len() {
        0 | 1 => answers.pop().unwrap_or_default(),
        _ => format!("[{}]", answers.join(",")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_as_cometbft_reads_them() {
        let one = requests(br#" {"jsonrpc":"2.0","id":7,"method":"status"}"#, 3).unwrap();
        assert_eq!((one.len(), one[0].id().unwrap()), (1, Some(&json!(7))));
        let two = requests(br#"[{"id":"a","method":"x","params":[1]},{"method":"y"}]"#, 3).unwrap();
        assert_eq!((two.len(), two[1].id().unwrap()), (2, None));
        assert_eq!(requests(b"[{},{},{},{}]", 3).unwrap_err().code(), errors::SERVER);
        assert_eq!(requests(b"nope", 3).unwrap_err().code(), errors::PARSE);
        assert!(requests(br#"{"id":{}}"#, 3).unwrap()[0].id().is_err());
    }

    #[test]
    fn answers_name_their_id() {
        let raw = RawValue::from_string("{}".into()).unwrap();
        assert_eq!(answer(&json!("a"), Ok(raw)), r#"{"jsonrpc":"2.0","id":"a","result":{}}"#);
        let shown: Value = serde_json::from_str(&answer(&json!(1), Err(errors::internal("why")))).unwrap();
        assert_eq!(shown["error"], json!({ "code": -32603, "message": "Internal error", "data": "why" }));
    }
}
