//! What comes over HTTP: a POST of JSON-RPC, a GET of a method, REST paths, and the beginning of a websocket.

use super::super::clients::Client;
use super::super::edge;
use super::super::server::{Answer, Door, read_body};
use super::api::Cosmos;
use super::args::Args;
use super::errors::{self, DIALECT};
use super::jsonrpc;
use super::methods::Method;
use super::{rest, websocket};
use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_METHODS, CONTENT_TYPE, HeaderValue};
use http::{Method as Verb, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use jsonrpsee::server::{HttpBody, HttpResponse, ws};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Most bytes of a websocket's message, where the operator allows no less: each may hold one that is not complete.
const MESSAGE_BYTES_MAX: u32 = 4 << 20;

/// All connections' own.
pub(super) struct Server {
    pub(super) door: Door,
    pub(super) cosmos: Arc<Cosmos>,
    /// Websockets that may be open at the same time.
    pub(super) websockets: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
}

impl Answer for Server {
    fn door(&self) -> &Door {
        &self.door
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>, client: Arc<Client>) -> HttpResponse {
        let _busy = self.door.clients.busy(&client);
        if !edge::host_allowed(&self.door.config, request.headers()) {
            return edge::plain(StatusCode::FORBIDDEN, "invalid host specified\n");
        }
        let websocket = ws::is_upgrade_request(&request);
        let origin = match edge::origin_allowed(&self.door.config, request.headers()) {
            Ok(origin) => origin,
            // Browsers let a page open a websocket anywhere, so that here we must refuse; an HTTP answer they hide.
            Err(_) if websocket => return edge::plain(StatusCode::FORBIDDEN, "origin not allowed\n"),
            Err(_) => None,
        };
        let mut response = match edge::preflight(&request, &DIALECT) {
            Some(mut response) => {
                let verbs = HeaderValue::from_static("GET, POST");
                response.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, verbs);
                response
            }
            None if websocket => self.upgrade(request, client).await,
            None => self.serve(request, &client).await,
        };
        edge::show_to(origin, &mut response);
        response
    }
}

impl Server {
    async fn serve(&self, request: Request<Incoming>, client: &Client) -> HttpResponse {
        let Ok(_place) = client.in_flight.try_acquire() else {
            let sentence = "too many calls in flight on this connection; wait for answers";
            return edge::refused(StatusCode::TOO_MANY_REQUESTS, errors::SERVER, sentence);
        };
        let request = match read_body(request, &self.door).await {
            Ok(request) => request,
            Err(response) => return response,
        };
        let (parts, body) = request.into_parts();
        let body = whole(body).await;
        let path = parts.uri.path();
        if rest::PREFIXES.iter().any(|prefix| path.starts_with(prefix)) {
            return rest::answer(&self.cosmos, client, &parts, &body).await;
        }
        match parts.method {
            Verb::POST => json_response(StatusCode::OK, jsonrpc::run_all(&self.cosmos, client, &body).await),
            Verb::GET => self.uri(client, path, parts.uri.query().unwrap_or_default()).await,
            _ => edge::plain(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST\n"),
        }
    }

    /// `/method?name=value`.
    async fn uri(&self, client: &Client, path: &str, query: &str) -> HttpResponse {
        let name = path.trim_matches('/');
        if name.is_empty() {
            let lines = Method::list().map(|(name, params)| {
                let params: Vec<String> = params.iter().map(|param| format!("{param}=_")).collect();
                format!("/{name}{}{}\n", if params.is_empty() { "" } else { "?" }, params.join("&"))
            });
            return edge::plain(StatusCode::OK, &lines.collect::<String>());
        }
        let Some(method) = Method::find(name) else {
            return edge::plain(StatusCode::NOT_FOUND, "404 page not found\n");
        };
        let result = method.call(&self.cosmos, client, Args::uri(query)).await;
        let status = if result.is_ok() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
        // CometBFT's id of what has none.
        json_response(status, jsonrpc::answer(&json!(-1), result))
    }

    async fn upgrade(&self, request: Request<Incoming>, client: Arc<Client>) -> HttpResponse {
        if request.uri().path() != "/websocket" {
            return edge::plain(StatusCode::NOT_FOUND, "the websocket is at /websocket\n");
        }
        let Ok(place) = Arc::clone(&self.websockets).try_acquire_owned() else {
            return edge::plain(StatusCode::TOO_MANY_REQUESTS, "too many websockets; try again later\n");
        };
        let (mut parts, _) = request.into_parts();
        let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => upgrade,
            Err(error) => return edge::plain(StatusCode::BAD_REQUEST, &format!("{error}\n")),
        };
        let max = self.cosmos.config.body_bytes.min(MESSAGE_BYTES_MAX);
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let (cosmos, stop) = (Arc::clone(&self.cosmos), self.stop.clone());
        let clients = Arc::clone(&self.door.clients);
        let upgrade = upgrade.max_message_size(max).max_frame_size(max);
        let response = upgrade.on_upgrade(move |socket| async move {
            let _place = place;
            // A websocket is of use while it says nothing.
            let _busy = clients.busy(&client);
            stop.run_until_cancelled(websocket::serve(socket, cosmos, Arc::clone(&client))).await;
        });
        response.map(HttpBody::new)
    }
}

async fn whole(body: Full<Bytes>) -> Bytes {
    body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()
}

/// JSON that was written already.
pub(super) fn json_response(status: StatusCode, body: String) -> HttpResponse {
    let mut response = HttpResponse::new(HttpBody::new(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
