//! What a request must show before it is read: a host name that is ours, an origin that may ask. And the
//! answers that need no JSON-RPC.

use super::dialect::Dialect;
use super::limits::RpcConfig;
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use jsonrpsee::server::{HttpBody, HttpResponse};
use std::net::IpAddr;

/// Browsers repeat a preflight after this many seconds.
const PREFLIGHT_SECONDS: &str = "600";

/// Whether the `Host` header names us. Pages of foreign names that resolve to us (DNS rebinding) do not.
pub(super) fn host_allowed(config: &RpcConfig, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || config.hosts.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(name))
}

/// The origin that the answer may be shown to: `Ok(None)` where none is named.
pub(super) fn origin_allowed(
    config: &RpcConfig,
    headers: &HeaderMap,
) -> Result<Option<HeaderValue>, HeaderValue> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(None) };
    let allowed = |one: &String| one == "*" || one.as_bytes() == origin.as_bytes();
    if config.cors.iter().any(allowed) { Ok(Some(origin.clone())) } else { Err(origin.clone()) }
}

/// Lets a page of `origin` read the answer.
pub(super) fn show_to(origin: Option<HeaderValue>, response: &mut HttpResponse) {
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(VARY, HeaderValue::from_static("origin"));
    }
}

/// The answer to a browser's preflight, before [`show_to`].
pub(super) fn preflight<B>(request: &Request<B>, dialect: &Dialect) -> Option<HttpResponse> {
    (request.method() == http::Method::OPTIONS).then(|| {
        let mut response = plain(StatusCode::NO_CONTENT, "");
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(dialect.headers));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
        response
    })
}

/// The answer to a plain GET, such as a load balancer's question whether the node is well.
pub(super) fn page<B>(request: &Request<B>, dialect: &Dialect) -> Option<HttpResponse> {
    let text = (request.method() == http::Method::GET).then(|| (dialect.page)(request.uri().path()))?;
    text.map(|text| plain(StatusCode::OK, text))
}

/// An answer that is a JSON-RPC error without an id, after which the connection is closed.
pub(super) fn refused(status: StatusCode, code: i32, message: &str) -> HttpResponse {
    let body = serde_json::json!({
        "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message }
    });
    let mut response = plain(status, &body.to_string());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// An answer in plain text.
pub(super) fn plain(status: StatusCode, text: &str) -> HttpResponse {
    let body = HttpBody::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn foreign_names_are_refused_unless_allowed() {
        let mut config = RpcConfig::default();
        for ours in ["localhost", "LOCALHOST:8545", "127.0.0.1:8545", "[::1]:8545", "10.1.2.3"] {
            assert!(host_allowed(&config, &headers(HOST, ours)), "{ours}");
        }
        assert!(host_allowed(&config, &HeaderMap::new()));
        for foreign in ["evil.example:8545", "localhost.evil.example", "[evil]:1", ""] {
            assert!(!host_allowed(&config, &headers(HOST, foreign)), "{foreign}");
        }
        config.hosts = vec!["node.example".into()];
        assert!(host_allowed(&config, &headers(HOST, "node.example:443")));
        config.hosts = vec!["*".into()];
        assert!(host_allowed(&config, &headers(HOST, "evil.example")));
    }

    #[test]
    fn origins_are_refused_unless_allowed() {
        let mut config = RpcConfig::default();
        let page = headers(ORIGIN, "https://app.example");
        assert_eq!(origin_allowed(&config, &HeaderMap::new()), Ok(None));
        assert!(origin_allowed(&config, &page).is_err());
        config.cors = vec!["https://app.example".into()];
        assert!(origin_allowed(&config, &page).unwrap().is_some());
        assert!(origin_allowed(&config, &headers(ORIGIN, "https://app.example.evil")).is_err());
        config.cors = vec!["*".into()];
        assert!(origin_allowed(&config, &headers(ORIGIN, "null")).is_ok());
    }
}
