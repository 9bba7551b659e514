//! [`Dispatch`]: what stands between a parsed call and its method. The dialect's errors, the [`Gate`], metrics, and
//! the calls of one batch side by side.

use super::clients::Client;
use super::dialect::Dialect;
use super::errors;
use super::gate::{Class, Gate};
use futures::StreamExt;
use jsonrpsee::core::middleware::{Batch, BatchEntry, BatchEntryErr, Notification, RpcServiceT};
use jsonrpsee::server::{BatchResponseBuilder, MethodResponse};
use jsonrpsee::types::Request;
use std::future::Future;
use std::sync::Arc;

/// The rules of one connection around the service that finds methods.
#[derive(Clone, Debug)]
pub(super) struct Dispatch<S> {
    pub(super) inner: S,
    pub(super) dialect: &'static Dialect,
    pub(super) gate: Arc<Gate>,
    pub(super) client: Arc<Client>,
    pub(super) websocket: bool,
    pub(super) batch_concurrency: usize,
    pub(super) response_bytes: usize,
}

impl<S> Dispatch<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    async fn run(self, request: Request<'_>) -> MethodResponse {
        let Some((name, class)) = self.gate.class(&request.method) else {
            metrics::counter!("weft_rpc_calls", "method" => "unknown").increment(1);
            return MethodResponse::error(request.id.clone(), (self.dialect.no_method)(&request.method));
        };
        if matches!(class, Class::Subscribe | Class::Unsubscribe) && !self.websocket {
            let fault = (self.dialect.no_websocket)(name);
            return MethodResponse::error(request.id, fault);
        }
        let _running = match self.gate.enter(&self.client, class).await {
            Ok(running) => running,
            Err(fault) => {
                metrics::counter!("weft_rpc_refused", "method" => name).increment(1);
                let limit = fault.code() == errors::LIMIT;
                let fault = if limit { (self.dialect.limit)(fault.message()) } else { fault };
                return MethodResponse::error(request.id, fault);
            }
        };
        metrics::counter!("weft_rpc_calls", "method" => name).increment(1);
        let id = request.id.clone().into_owned();
        let mut response = self.inner.call(request).await;
        if let Some(fault) = self.dialect.no_subscription
            && class == Class::Unsubscribe
            && !ended(&response)
        {
            response = MethodResponse::error(id, fault());
        }
        if response.is_error() {
            metrics::counter!("weft_rpc_errors", "method" => name).increment(1);
        }
        response
    }

    /// One entry of a batch; `None` for a notification, which has no answer.
    async fn run_entry(self, entry: Result<BatchEntry<'_>, BatchEntryErr<'_>>) -> Option<MethodResponse> {
        match entry {
            Ok(BatchEntry::Call(request)) => Some(self.run(request).await),
            Ok(BatchEntry::Notification(_)) => None,
            Err(error) => {
                let (error, id) = error.into_parts();
                Some(MethodResponse::error(id, error))
            }
        }
    }

    async fn run_batch(self, batch: Batch<'_>) -> MethodResponse {
        let mut responses = BatchResponseBuilder::new_with_limit(self.response_bytes);
        let entries: Vec<_> = batch.into_iter().map(|entry| self.clone().run_entry(entry)).collect();
        let mut answers = std::pin::pin!(futures::stream::iter(entries).buffered(self.batch_concurrency));
        let mut notified = false;
        while let Some(answer) = answers.next().await {
            match answer {
                Some(answer) => {
                    if let Err(too_large) = responses.append(answer) {
                        return too_large;
                    }
                }
                None => notified = true,
            }
        }
        if responses.is_empty() && notified {
            return MethodResponse::notification();
        }
        MethodResponse::from_batch(responses.finish())
    }

    fn too_many(&self) -> errors::Fault {
        (self.dialect.limit)("too many calls in flight on this connection; wait for answers")
    }
}

impl<S> RpcServiceT for Dispatch<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let client = this.client.clone();
            let Ok(_place) = client.in_flight.try_acquire() else {
                return MethodResponse::error(request.id, this.too_many());
            };
            this.run(request).await
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            let client = this.client.clone();
            let Ok(_place) = client.in_flight.try_acquire() else {
                return MethodResponse::error(jsonrpsee::types::Id::Null, this.too_many());
            };
            this.run_batch(batch).await
        }
    }

    fn notification<'a>(&self, n: Notification<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.inner.notification(n)
    }
}

/// Whether the call ended a subscription.
fn ended(response: &MethodResponse) -> bool {
    #[derive(serde::Deserialize)]
    struct Answer {
        result: Option<bool>,
    }
    let answer = serde_json::from_str::<Answer>(response.as_json().get());
    answer.is_ok_and(|answer| answer.result == Some(true))
}
