//! One celestia-node: its connection, and the calls that we make.

use super::errors::{self, Fault};
use super::{CelestiaConfig, EndpointConfig};
use crate::layer::{DaError, Fee};
use celestia_rpc::TxConfig;
use celestia_types::namespace_data::NamespaceData;
use celestia_types::state::{AccAddress, Address};
use celestia_types::{Blob, ExtendedHeader};
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::{ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::core::params::ArrayParams;
use jsonrpsee::http_client::{HeaderMap, HeaderValue, HttpClient, HttpClientBuilder};
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::{PingConfig, WsClient, WsClientBuilder};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use weft_types::Namespace;

/// Most bytes of a request. A blob of 8 MiB is 10.7 MiB in base64; celestia-node takes 16 MiB.
const REQUEST_BYTES_MAX: u32 = 16 << 20;

/// Most bytes of an answer. The whole data of the largest square, 512 shares wide, in base64 with its proofs is 180 MiB.
const RESPONSE_BYTES_MAX: u32 = 256 << 20;

/// A failed call.
#[derive(Debug)]
pub(super) struct CallError {
    pub(super) fault: Fault,
    pub(super) text: String,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What an endpoint says of one height. Nothing of it is verified.
pub(super) struct Answer {
    pub(super) header: ExtendedHeader,
    pub(super) batch: NamespaceData,
    pub(super) forced: NamespaceData,
}

pub(super) struct Endpoint {
    /// Scheme, host and port: what may be shown. Paths, queries and user names can hold tokens.
    pub(super) name: String,
    url: String,
    headers: HeaderMap,
    websocket: bool,
    call_timeout: Duration,
    submit_timeout: Duration,
    connection: Mutex<Option<Arc<Connection>>>,
}

// celestia-rpc's own client takes no request above 10 MiB, which is less than the largest blob in base64.
enum Connection {
    Http(HttpClient),
    Ws(WsClient),
}

impl Endpoint {
    pub(super) fn new(endpoint: &EndpointConfig, config: &CelestiaConfig) -> Result<Self, DaError> {
        let url = url::Url::parse(&endpoint.url)
            .map_err(|error| DaError::Stop(format!("a Celestia endpoint is not a URL: {error}")))?;
        let name = format!("{}://{}", url.scheme(), host_and_port(&url));
        let websocket = match url.scheme() {
            "http" | "https" => false,
            "ws" | "wss" => true,
            other => {
                return Err(DaError::Stop(format!(
                    "Celestia endpoint {name}: {other} is none of http, https, ws and wss"
                )));
            }
        };
        let mut headers = HeaderMap::new();
        if let Some(token) = &endpoint.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                DaError::Stop(format!("the token of {name} has characters that no header may have"))
            })?;
            value.set_sensitive(true);
            headers.insert("authorization", value);
        }
        Ok(Self {
            name,
            url: endpoint.url.clone(),
            headers,
            websocket,
            call_timeout: config.call_timeout,
            submit_timeout: config.submit_timeout,
            connection: Mutex::new(None),
        })
    }

    /// Whether it can push new headers.
    pub(super) fn pushes(&self) -> bool {
        self.websocket
    }

    async fn connection(&self) -> Result<Arc<Connection>, ClientError> {
        let mut slot = self.connection.lock().await;
        match &*slot {
            Some(connection) if connection.is_alive() => return Ok(Arc::clone(connection)),
            _ => {}
        }
        // Each call has its own shorter bound; this one only must not cut them.
        let longest = self.submit_timeout.max(self.call_timeout).saturating_add(Duration::from_secs(5));
        let connection = Arc::new(if self.websocket {
            let client = WsClientBuilder::default()
                .max_request_size(REQUEST_BYTES_MAX)
                .max_response_size(RESPONSE_BYTES_MAX)
                .set_headers(self.headers.clone())
                .enable_ws_ping(PingConfig::default())
                .request_timeout(longest)
                .connection_timeout(self.call_timeout)
                .build(&self.url)
                .await?;
            Connection::Ws(client)
        } else {
            let client = HttpClientBuilder::default()
                .max_request_size(REQUEST_BYTES_MAX)
                .max_response_size(RESPONSE_BYTES_MAX)
                .set_headers(self.headers.clone())
                .request_timeout(longest)
                .connect_timeout(self.call_timeout)
                .build(&self.url)?;
            Connection::Http(client)
        });
        *slot = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Leaves the connection; the next call makes a new one.
    pub(super) async fn disconnect(&self) {
        *self.connection.lock().await = None;
    }

    async fn request<R: DeserializeOwned + Send>(
        &self,
        method: &str,
        params: ArrayParams,
        timeout: Duration,
    ) -> Result<R, ClientError> {
        let call = async {
            match &*self.connection().await? {
                Connection::Http(client) => client.request(method, params).await,
                Connection::Ws(client) => client.request(method, params).await,
            }
        };
        let result = tokio::time::timeout(timeout, call).await.unwrap_or(Err(ClientError::RequestTimeout));
        if self.websocket && matches!(result, Err(ClientError::RequestTimeout)) {
            // A connection that swallowed one request may swallow all.
            self.disconnect().await;
        }
        result
    }

    async fn read<R: DeserializeOwned + Send>(
        &self,
        method: &str,
        params: ArrayParams,
    ) -> Result<R, CallError> {
        self.request(method, params, self.call_timeout).await.map_err(|error| CallError {
            fault: errors::reading(&error),
            text: format!("{}: {method}: {error}", self.name),
        })
    }

    /// The newest header that it can serve in full.
    pub(super) async fn local_head(&self) -> Result<ExtendedHeader, CallError> {
        self.read("header.LocalHead", rpc_params![]).await
    }

    /// The header at a height. The height after the head is waited for by the endpoint.
    pub(super) async fn header(&self, height: u64) -> Result<ExtendedHeader, CallError> {
        self.read("header.GetByHeight", rpc_params![height]).await
    }

    /// New headers as they come; gaps are possible.
    pub(super) async fn subscribe(&self) -> Result<Subscription<ExtendedHeader>, CallError> {
        let call = async {
            match &*self.connection().await? {
                Connection::Http(_) => Err(ClientError::HttpNotImplemented),
                Connection::Ws(client) => {
                    client.subscribe("header.Subscribe", rpc_params![], "header.Unsubscribe").await
                }
            }
        };
        let result =
            tokio::time::timeout(self.call_timeout, call).await.unwrap_or(Err(ClientError::RequestTimeout));
        result.map_err(|error| CallError {
            fault: errors::reading(&error),
            text: format!("{}: header.Subscribe: {error}", self.name),
        })
    }

    async fn namespace_data(&self, height: u64, namespace: &Namespace) -> Result<NamespaceData, CallError> {
        let namespace = celestia_types::nmt::Namespace::from_raw(namespace.as_bytes())
            .expect("a weft namespace is one of Celestia's");
        let rows: Option<NamespaceData> =
            self.read("share.GetNamespaceData", rpc_params![height, namespace]).await?;
        // Go has two ways to say "no rows".
        Ok(rows.unwrap_or_else(|| NamespaceData::new(Vec::new())))
    }

    /// Header and namespace data of a height, asked for at the same time.
    pub(super) async fn answer(
        &self,
        height: u64,
        batch: &Namespace,
        forced: &Namespace,
    ) -> Result<Answer, CallError> {
        // The header first: for a height that is not there yet, the node waits on this call alone.
        let header = self.header(height).await?;
        let (batch, forced) =
            tokio::try_join!(self.namespace_data(height, batch), self.namespace_data(height, forced))?;
        Ok(Answer { header, batch, forced })
    }

    /// The account that the node posts with.
    pub(super) async fn account(&self) -> Result<AccAddress, CallError> {
        match self.read("state.AccountAddress", rpc_params![]).await? {
            Address::AccAddress(address) => Ok(address),
            other => Err(CallError {
                fault: Fault::Retry,
                text: format!("{}: state.AccountAddress gave {other}, which is no account", self.name),
            }),
        }
    }

    /// What that account has, in utia; `None` where the answer has another form.
    pub(super) async fn balance(&self) -> Result<Option<u64>, CallError> {
        let balance: serde_json::Value = self.read("state.Balance", rpc_params![]).await?;
        let amount = &balance["amount"];
        Ok(amount.as_u64().or_else(|| amount.as_str()?.parse().ok()))
    }

    /// Posts blobs in one transaction of `account`; gives the height that the node claims.
    pub(super) async fn submit(&self, blobs: &[Blob], account: AccAddress, fee: Fee) -> Result<u64, DaError> {
        let mut config =
            TxConfig::default().with_signer_address(account).with_max_gas_price(fee.ceiling.utia());
        if let Some(price) = fee.price {
            config = config.with_gas_price(price.min(fee.ceiling).utia());
        }
        let result = self.request("blob.Submit", rpc_params![blobs, config], self.submit_timeout).await;
        result.map_err(|error| {
            let text = format!("{}: blob.Submit: {error}", self.name);
            errors::submission_error(errors::submitting(&error), &text, &account.to_string(), &self.name)
        })
    }
}

impl Connection {
    fn is_alive(&self) -> bool {
        match self {
            Self::Http(_) => true,
            Self::Ws(client) => client.is_connected(),
        }
    }
}

fn host_and_port(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
