//! The listener: accepts connections, holds each to its limits, and hands what remains to jsonrpsee, or to another
//! [`Answer`].
//!
//! ```text
//! accept ─ place ─ headers in time ─ host, origin ─ body in time and size ─ Dispatch ─ method
//! └──────── Door ────────────────┘
//! ```
//! All tasks of the server are spawned here; [`Running`] stops them.

use super::clients::{Client, Clients, Place};
use super::dialect::Dialect;
use super::dispatch::Dispatch;
use super::edge;
use super::errors;
use super::gate::Gate;
use super::io::Paced;
use super::limits::RpcConfig;
use bytes::{Bytes, BytesMut};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use jsonrpsee::Methods;
use jsonrpsee::core::BoxError;
use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{
    BatchRequestConfig, HttpResponse, PingConfig, Server, ServerConfig, ServerConfigBuilder, ServerHandle,
    StopHandle, TowerServiceBuilder, stop_channel, ws,
};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tower::layer::util::Identity;

/// How long accepting rests after an error such as "too many open files".
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long open connections get to finish when the server stops.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// Most bytes of one request's headers.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// Bodies up to this size are read at once; larger ones wait for one of [`LARGE_BODIES`] places.
const SMALL_BODY: usize = 256 << 10;
/// Large bodies that are in memory at the same time.
const LARGE_BODIES: usize = 16;
/// Most bytes of a refused body that are taken in and thrown away, so that the client reads why.
const DISCARD_BYTES_MAX: usize = 256 << 20;
/// Most bytes of a websocket message: each websocket may hold one that is not complete.
const MESSAGE_BYTES_MAX: u32 = 4 << 20;
/// A websocket is asked for a sign of life this often...
const PING_EVERY: Duration = Duration::from_secs(30);
/// ...and closed when there was none for so long.
const PING_SILENCE: Duration = Duration::from_secs(75);
/// Answers and notifications that wait for a slow websocket.
const MESSAGE_QUEUE: u32 = 512;

type JsonRpc = TowerServiceBuilder<Identity, Identity>;

/// What all connections pass through, whoever answers them.
pub(super) struct Door {
    /// What the operator allows.
    pub(super) config: Arc<RpcConfig>,
    /// Whose words are spoken.
    pub(super) dialect: &'static Dialect,
    /// The connections.
    pub(super) clients: Arc<Clients>,
    large_bodies: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl Door {
    /// A door whose tasks are among `tasks`.
    pub(super) fn new(config: Arc<RpcConfig>, dialect: &'static Dialect, tasks: TaskTracker) -> Self {
        Self {
            clients: Arc::new(Clients::new(
                config.connections.max(1),
                config.slots_per_connection.max(1),
                config.in_flight.max(1),
            )),
            large_bodies: Arc::new(Semaphore::new(LARGE_BODIES)),
            config,
            dialect,
            tasks,
        }
    }
}

/// Who answers the requests of a [`Door`].
pub(super) trait Answer: Send + Sync + 'static {
    /// Through which they come.
    fn door(&self) -> &Door;

    /// Answers one HTTP request, or turns the connection into a websocket.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: Arc<Client>,
    ) -> impl Future<Output = HttpResponse> + Send;
}

/// What all connections share.
struct Shared {
    door: Door,
    methods: Methods,
    gate: Arc<Gate>,
    http: JsonRpc,
    websocket: JsonRpc,
    stop_handle: StopHandle,
}

impl Answer for Shared {
    fn door(&self) -> &Door {
        &self.door
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, client: Arc<Client>) -> HttpResponse {
        answer(request, self, client).await
    }
}

/// A server that runs until it is told to stop.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) stop: CancellationToken,
    /// jsonrpsee's own.
    pub(super) websockets: Option<ServerHandle>,
    pub(super) tasks: TaskTracker,
}

impl Running {
    /// Stops accepting, lets calls finish for a short while, and closes.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        if let Some(websockets) = self.websockets {
            let _ = websockets.stop();
        }
        self.tasks.close();
        if tokio::time::timeout(STOP_GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("RPC connections were still open when the server stopped");
        }
    }
}

/// What a server is made of besides its listeners.
pub(super) struct Parts {
    /// What the operator allows.
    pub(super) config: Arc<RpcConfig>,
    /// Whose words it speaks.
    pub(super) dialect: &'static Dialect,
    /// What it answers.
    pub(super) methods: Methods,
    /// Who may call, and when.
    pub(super) gate: Gate,
    /// Where its tasks are.
    pub(super) tasks: TaskTracker,
    /// Ends all of it.
    pub(super) stop: CancellationToken,
}

/// Serves one set of methods, within one set of limits, on all `listeners`; each has a token that ends it alone.
pub(super) fn start(listeners: Vec<(TcpListener, CancellationToken)>, parts: Parts) -> Running {
    let Parts { config, dialect, methods, gate, tasks, stop } = parts;
    let (stop_handle, websockets) = stop_channel();
    let shared = Arc::new(Shared {
        http: builder(server_config(&config, dialect).http_only().max_connections(u32::MAX >> 4)),
        websocket: builder(
            server_config(&config, dialect)
                .ws_only()
                .max_connections(config.websockets)
                .max_request_body_size(config.body_bytes.min(MESSAGE_BYTES_MAX)),
        ),
        gate: Arc::new(gate),
        door: Door::new(config, dialect, tasks.clone()),
        methods,
        stop_handle,
    });
    for (listener, stop) in listeners {
        tasks.spawn(accept(listener, shared.clone(), stop));
    }
    Running { stop, websockets: Some(websockets), tasks }
}

fn server_config(config: &RpcConfig, dialect: &Dialect) -> ServerConfigBuilder {
    ServerConfig::builder()
        .max_request_body_size(config.body_bytes)
        .max_response_body_size(config.response_bytes)
        .max_subscriptions_per_connection(config.subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(config.batch))
        .set_message_buffer_capacity(MESSAGE_QUEUE)
        .set_id_provider((dialect.ids)())
        .enable_ws_ping(
            PingConfig::new().ping_interval(PING_EVERY).inactive_limit(PING_SILENCE).max_failures(1),
        )
}

fn builder(config: ServerConfigBuilder) -> JsonRpc {
    Server::builder().set_config(config.build()).to_service_builder()
}

/// Takes connections until `stop`.
pub(super) async fn accept<A: Answer>(listener: TcpListener, shared: Arc<A>, stop: CancellationToken) {
    let door = shared.door();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (socket, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "RPC could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match door.clients.admit(address.ip()) {
            Some(place) => {
                let name = door.dialect.name;
                metrics::gauge!("weft_rpc_connections", "server" => name).set(count(door.clients.count()));
                door.tasks.spawn(connection(socket, address, place, shared.clone(), stop.clone()));
            }
            None => {
                metrics::counter!("weft_rpc_connections_refused").increment(1);
                drop(socket);
            }
        }
    }
}

/// Serves one connection to its end.
async fn connection<A: Answer>(
    socket: TcpStream,
    address: SocketAddr,
    place: Place,
    shared: Arc<A>,
    stop: CancellationToken,
) {
    let _ = socket.set_nodelay(true);
    let client = place.client.clone();
    let io = TokioIo::new(Paced::new(socket, body_timeout(&shared.door().config)));
    let service = hyper::service::service_fn(|request| {
        let (shared, client) = (shared.clone(), client.clone());
        async move { Ok::<_, Infallible>(shared.answer(request, client).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(shared.door().config.header_timeout_ms))
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(io, service)
        .with_upgrades();
    let mut served = std::pin::pin!(served);
    let result = tokio::select! {
        result = served.as_mut() => result,
        () = client.evicted.cancelled() => return,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::time::timeout(STOP_GRACE, served).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        tracing::debug!(%address, %error, "an RPC connection ended early");
    }
    drop(place);
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>, client: Arc<Client>) -> HttpResponse {
    let door = &shared.door;
    let _busy = door.clients.busy(&client);
    if !edge::host_allowed(&door.config, request.headers()) {
        return edge::plain(StatusCode::FORBIDDEN, "invalid host specified\n");
    }
    let websocket = ws::is_upgrade_request(&request);
    let origin = match edge::origin_allowed(&door.config, request.headers()) {
        Ok(origin) => origin,
        // Browsers let a page open a websocket anywhere, so that here we must refuse; an HTTP answer they hide.
        Err(_) if websocket => return edge::plain(StatusCode::FORBIDDEN, "origin not allowed\n"),
        Err(_) => None,
    };
    let plain = edge::preflight(&request, door.dialect).or_else(|| edge::page(&request, door.dialect));
    let mut response = if let Some(response) = plain {
        response
    } else if websocket {
        call(&shared.websocket, &shared, client, true, request).await
    } else {
        match read_body(request, door).await {
            Ok(request) => call(&shared.http, &shared, client, false, request).await,
            Err(response) => response,
        }
    };
    edge::show_to(origin, &mut response);
    response
}

/// Hands the request to jsonrpsee, with the rules of this connection around its methods.
async fn call<B>(
    builder: &JsonRpc,
    shared: &Shared,
    client: Arc<Client>,
    websocket: bool,
    request: Request<B>,
) -> HttpResponse
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let config = &shared.door.config;
    let (gate, batch_concurrency) = (shared.gate.clone(), config.batch_concurrency.max(1));
    let response_bytes = usize::try_from(config.response_bytes).unwrap_or(usize::MAX);
    let dialect = shared.door.dialect;
    let rules = RpcServiceBuilder::new().layer_fn(move |inner| Dispatch {
        inner,
        dialect,
        gate: gate.clone(),
        client: client.clone(),
        websocket,
        batch_concurrency,
        response_bytes,
    });
    let mut service =
        builder.clone().set_rpc_middleware(rules).build(shared.methods.clone(), shared.stop_handle.clone());
    match service.call(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::warn!(%error, "RPC could not answer");
            edge::refused(StatusCode::INTERNAL_SERVER_ERROR, errors::INTERNAL, "internal error")
        }
    }
}

/// Takes in the whole body within size and time.
///
/// # Errors
/// The answer that says why not.
pub(super) async fn read_body(
    request: Request<Incoming>,
    shared: &Door,
) -> Result<Request<Full<Bytes>>, HttpResponse> {
    let max = usize::try_from(shared.config.body_bytes).unwrap_or(usize::MAX);
    let (parts, body) = request.into_parts();
    let declared = body.size_hint().upper().and_then(|length| usize::try_from(length).ok());
    if declared.is_some_and(|length| length > max) {
        shared.tasks.spawn(discard(body, body_timeout(&shared.config)));
        return Err(too_large(max));
    }
    match tokio::time::timeout(body_timeout(&shared.config), collect(body, max, &shared.large_bodies)).await {
        Ok(Ok(body)) => Ok(Request::from_parts(parts, Full::new(body))),
        Ok(Err(BodyFault::TooLarge(rest))) => {
            shared.tasks.spawn(discard(rest, body_timeout(&shared.config)));
            Err(too_large(max))
        }
        Ok(Err(BodyFault::Broken)) => {
            Err(edge::refused(StatusCode::BAD_REQUEST, -32_700, "the body broke off"))
        }
        Err(_) => {
            Err(edge::refused(StatusCode::REQUEST_TIMEOUT, errors::LIMIT, "the body took too long to arrive"))
        }
    }
}

enum BodyFault {
    TooLarge(Incoming),
    Broken,
}

/// The body's bytes. What grows past [`SMALL_BODY`] waits for one of the `large` places.
async fn collect(mut body: Incoming, max: usize, large: &Semaphore) -> Result<Bytes, BodyFault> {
    let mut bytes = BytesMut::new();
    let mut place = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        let length = bytes.len().saturating_add(data.len());
        if length > max {
            return Err(BodyFault::TooLarge(body));
        }
        if length > SMALL_BODY && place.is_none() {
            place = large.acquire().await.ok();
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn too_large(max: usize) -> HttpResponse {
    let message = format!("content length too large: at most {max} bytes");
    edge::refused(StatusCode::PAYLOAD_TOO_LARGE, -32_600, &message)
}

/// Throws away a body that was refused: a client that is cut off while it sends may never read the refusal.
async fn discard(mut body: Incoming, patience: Duration) {
    let mut left = DISCARD_BYTES_MAX;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(length) else { return };
            left = rest;
        }
    };
    let _ = tokio::time::timeout(patience, all).await;
}

/// For a request's body to arrive, and for a client to take in what is sent to it.
fn body_timeout(config: &RpcConfig) -> Duration {
    Duration::from_millis(config.body_timeout_ms)
}

/// A count as metrics take it.
fn count(value: usize) -> f64 {
    u32::try_from(value).map_or(f64::INFINITY, f64::from)
}
