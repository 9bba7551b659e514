//! `weft verify-blobs`.

use super::celestia::shown;
use super::exit::Failure;
use clap::Args;
use eyre::Result;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HeaderMap, HeaderValue, HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;
use weft_da::verify_blobs::{INPUT_BYTES_MAX, verify_blobs};
use weft_types::Namespace;

/// Longest wait for one answer of Celestia.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Verify namespaces of a Celestia block with no node at all: the header, the proofs, and that nothing is missing.
///
/// Prints a line of JSON a blob: label, index, share version, signer, length, sha256. Anything that fails: exit 1 and one
/// sentence that says what failed where. That the header is Celestia's own is for you to know, by its hash.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["file", "celestia"]))]
pub(crate) struct VerifyBlobs {
    /// {header, namespaces: {label: {namespace, get_namespace_data}}} as a celestia-node gives them; - reads stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Ask this Celestia node instead
    #[arg(long, value_name = "URL", requires_all = ["height", "namespace"])]
    celestia: Option<String>,
    /// Its token
    #[arg(long, value_name = "TOKEN", env = "WEFT_CELESTIA_TOKEN", hide_env_values = true)]
    celestia_token: Option<String>,
    /// The Celestia height
    #[arg(long, value_name = "HEIGHT")]
    height: Option<u64>,
    /// A namespace, 29 bytes in hex; may be repeated. It is its own label
    #[arg(long, value_name = "HEX")]
    namespace: Vec<Namespace>,
}

impl VerifyBlobs {
    pub(crate) async fn run(self) -> Result<()> {
        let text = match (&self.file, &self.celestia, self.height) {
            (Some(file), ..) => read(file)?,
            (None, Some(url), Some(height)) => {
                ask(url, self.celestia_token.as_deref(), height, &self.namespace).await?
            }
            _ => {
                return Err(
                    Failure::File("give --file, or --celestia with --height and --namespace".into()).into()
                );
            }
        };
        // A large square takes a while to hash, on a thread of its own.
        let lines = tokio::task::spawn_blocking(move || verify_blobs(&text)).await??;
        for line in lines {
            say!("{}", serde_json::to_string(&line)?);
        }
        Ok(())
    }
}

fn read(path: &PathBuf) -> Result<String> {
    let fail = |error: std::io::Error| Failure::File(format!("{} can't be read: {error}", path.display()));
    let source: Box<dyn std::io::Read> = match path.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(std::fs::File::open(path).map_err(fail)?),
    };
    let (mut text, bound) = (String::new(), u64::try_from(INPUT_BYTES_MAX).unwrap_or(u64::MAX));
    // One more than is taken, so that a longer one shows as such.
    source.take(bound.saturating_add(1)).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

/// What the file form holds, from a Celestia node.
async fn ask(url: &str, token: Option<&str>, height: u64, namespaces: &[Namespace]) -> Result<String> {
    let client = client(url, token)?;
    let header = call(&client, url, "header.GetByHeight", rpc_params![height]).await?;
    let mut answers = Map::new();
    for namespace in namespaces {
        use base64::Engine;
        let name = base64::engine::general_purpose::STANDARD.encode(namespace.as_bytes());
        let data = call(&client, url, "share.GetNamespaceData", rpc_params![height, &name]).await?;
        answers.insert(namespace.to_string(), json!({ "namespace": name, "get_namespace_data": data }));
    }
    Ok(json!({ "header": header, "namespaces": answers }).to_string())
}

fn client(url: &str, token: Option<&str>) -> Result<HttpClient> {
    // Reading a block needs no push, and a node serves both on one port.
    let http = url.replacen("ws://", "http://", 1).replacen("wss://", "https://", 1);
    let mut headers = HeaderMap::new();
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Failure::File("the token has characters that no header may have".into()))?;
        headers.insert(http::header::AUTHORIZATION, value);
    }
    let bound = u32::try_from(INPUT_BYTES_MAX).unwrap_or(u32::MAX);
    let built = HttpClientBuilder::default()
        .set_headers(headers)
        .request_timeout(ANSWER_MAX)
        .max_response_size(bound)
        .build(http);
    Ok(built.map_err(|error| {
        Failure::Unreachable(format!("Celestia at {} can't be asked: {error}", shown(url)))
    })?)
}

async fn call(client: &HttpClient, url: &str, method: &str, params: ArrayParams) -> Result<Value> {
    client.request(method, params).await.map_err(|error| {
        let what = format!("Celestia at {} does not answer {method}: {error}", shown(url));
        Failure::Unreachable(what).into()
    })
}
