//! A Celestia endpoint that lies: it passes everything on to a real one and changes one share on the way back.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The proxy; it stops when it is dropped.
#[derive(Debug)]
pub struct Liar {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Liar {
    /// Starts one in front of the HTTP endpoint `real`.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(real: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let app = Router::new().route("/", post(answer)).with_state((reqwest::Client::new(), real));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Self { address, task }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State((client, real)): State<(reqwest::Client, String)>, body: Bytes) -> Vec<u8> {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let sent = client.post(&real).header("content-type", "application/json").body(body).send().await;
    let Ok(answer) = sent else { return Vec::new() };
    let answer = answer.bytes().await.unwrap_or_default();
    if request["method"] != "share.GetNamespaceData" {
        return answer.to_vec();
    }
    let mut answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    tamper(&mut answer);
    serde_json::to_vec(&answer).unwrap_or_default()
}

/// Swaps two characters of the first share's data; leaves an answer without shares as it is.
fn tamper(answer: &mut Value) {
    let Some(Value::String(share)) = answer.pointer_mut("/result/0/shares/0") else { return };
    // Base64 of the payload, well behind namespace and header of the share.
    let at = 120;
    let replaced = if share.as_bytes().get(at) == Some(&b'A') { "B" } else { "A" };
    share.replace_range(at..=at, replaced);
}
