//! JSON-RPC over HTTP, as bytes on the wire: what the node says is what the test sees.

use serde_json::{Value, json};
use std::time::Duration;

/// A node's JSON-RPC endpoint.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: String,
    client: reqwest::Client,
}

/// The node answered with an error object.
#[derive(Clone, Debug)]
pub struct RpcFault {
    /// JSON-RPC's code.
    pub code: i64,
    /// The sentence.
    pub message: String,
    /// What else it says; null where nothing.
    pub data: Value,
}

impl Rpc {
    /// An endpoint by its URL.
    ///
    /// # Panics
    /// Where no HTTP client can be made.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("an HTTP client");
        Self { url: url.into(), client }
    }

    /// The endpoint's URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Posts a body as it is.
    ///
    /// # Errors
    /// Where the connection fails or the answer is no JSON.
    pub async fn post(&self, body: &Value) -> Result<Value, reqwest::Error> {
        self.client.post(&self.url).json(body).send().await?.json().await
    }

    /// Posts bytes that need not be JSON.
    ///
    /// # Errors
    /// Where the connection fails or the answer is no JSON.
    pub async fn post_bytes(&self, body: Vec<u8>) -> Result<Value, reqwest::Error> {
        let request = self.client.post(&self.url).header("content-type", "application/json");
        request.body(body).send().await?.json().await
    }

    /// One call; `Err` of the outer result where the node could not be reached.
    ///
    /// # Errors
    /// Where the connection fails or the answer is no JSON.
    pub async fn try_call(
        &self,
        method: &str,
        params: Value,
    ) -> Result<Result<Value, RpcFault>, reqwest::Error> {
        let answer =
            self.post(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).await?;
        Ok(match answer.get("error") {
            None => Ok(answer.get("result").cloned().unwrap_or(Value::Null)),
            Some(error) => Err(RpcFault {
                code: error["code"].as_i64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
                data: error["data"].clone(),
            }),
        })
    }

    /// One call that must succeed.
    ///
    /// # Panics
    /// Where it does not.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        match self.try_call(method, params.clone()).await {
            Ok(Ok(result)) => result,
            Ok(Err(fault)) => panic!("{method} {params}: {fault:?}"),
            Err(error) => panic!("{method} at {}: {error}", self.url),
        }
    }

    /// One call that must be refused by the node.
    ///
    /// # Panics
    /// Where it succeeds or the node can't be reached.
    pub async fn refused(&self, method: &str, params: Value) -> RpcFault {
        match self.try_call(method, params.clone()).await {
            Ok(Ok(result)) => panic!("{method} {params} should have been refused, gave {result}"),
            Ok(Err(fault)) => fault,
            Err(error) => panic!("{method} at {}: {error}", self.url),
        }
    }

    /// `weft_status`, or `None` where the node does not answer.
    pub async fn status(&self) -> Option<Value> {
        self.try_call("weft_status", json!([])).await.ok()?.ok()
    }

    /// The newest height, soft or not.
    pub async fn tip(&self) -> Option<u64> {
        self.status().await?["tip"]["height"].as_u64()
    }

    /// The newest height that was derived from Celestia.
    pub async fn included(&self) -> Option<u64> {
        self.status().await?["da_included"]["height"].as_u64()
    }

    /// `weft_getBlock` at a height.
    pub async fn block(&self, height: u64) -> Value {
        self.call("weft_getBlock", json!([height])).await
    }

    /// Sends raw transactions in one JSON-RPC batch; gives what the node said of each, in order.
    ///
    /// # Errors
    /// Where the connection fails.
    pub async fn send_raw(
        &self,
        transactions: &[String],
    ) -> Result<Vec<Result<String, String>>, reqwest::Error> {
        let batch: Vec<Value> = transactions
            .iter()
            .enumerate()
            .map(|(id, raw)| json!({"jsonrpc": "2.0", "id": id, "method": "eth_sendRawTransaction", "params": [raw]}))
            .collect();
        let mut answers: Vec<Value> = match self.post(&Value::Array(batch)).await? {
            Value::Array(answers) => answers,
            other => return Ok(vec![Err(other.to_string())]),
        };
        answers.sort_by_key(|answer| answer["id"].as_u64());
        Ok(answers
            .iter()
            .map(|answer| match answer["result"].as_str() {
                Some(hash) => Ok(hash.to_owned()),
                None => Err(answer["error"]["message"].to_string()),
            })
            .collect())
    }
}
