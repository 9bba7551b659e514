//! One websocket: calls as over HTTP, and subscriptions, whose notifications have the id of the request that began them.
//!
//! ```text
//! reader ─ calls ──────> answers ──┐
//!        └ subscriptions           ├─ room ─> queue ─> writer
//! chain's blocks ─ follower ───────┘
//! ```
//! Invariants, as negatives:
//! - What waits for one client is bounded, and so are the large messages that are being written to all: see
//!   [`super::outgoing`].
//! - No block is turned into JSON more than once, however many subscribe.

use super::super::clients::Client;
use super::api::Cosmos;
use super::errors::{self, Fault};
use super::jsonrpc::{self, Request};
use super::news::Notification;
use super::outgoing::{Out, Outgoing, write};
use super::query::Query;
use crate::chain::{BlockRecord, ChainEvent};
use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt;
use futures::stream::SplitStream;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, Semaphore, broadcast};
use tokio::task::JoinSet;

/// Messages of one websocket that are answered at the same time.
const CALLS: usize = 16;
/// It is closed when it gave no sign of life for so long.
const PING_SILENCE: Duration = Duration::from_secs(75);

struct Subscription {
    query: Query,
    /// As JSON, both.
    text: Arc<str>,
    id: Arc<str>,
}

/// By query.
type Subscriptions = Arc<Mutex<BTreeMap<String, Arc<Subscription>>>>;

struct Connection {
    cosmos: Arc<Cosmos>,
    client: Arc<Client>,
    out: Out,
    subscriptions: Subscriptions,
    tasks: JoinSet<()>,
    calls: Arc<Semaphore>,
}

/// Serves it to its end.
pub(super) async fn serve(socket: WebSocket, cosmos: Arc<Cosmos>, client: Arc<Client>) {
    let (sink, stream) = socket.split();
    let (out, waiting) = Out::new();
    let (subscriptions, events) = (Subscriptions::default(), cosmos.chain.subscribe());
    let writing = Arc::clone(&cosmos.writing);
    let following = follow(Arc::clone(&cosmos), events, Arc::clone(&subscriptions), out.clone());
    let connection = Connection {
        client: Arc::clone(&client),
        cosmos,
        out,
        subscriptions,
        tasks: JoinSet::new(),
        calls: Arc::new(Semaphore::new(CALLS)),
    };
    tokio::select! {
        () = connection.read(stream) => {}
        () = write(sink, waiting, writing) => {}
        () = following => {}
        () = client.evicted.cancelled() => {}
    }
}

impl Connection {
    async fn read(mut self, mut stream: SplitStream<WebSocket>) {
        loop {
            let message = match tokio::time::timeout(PING_SILENCE, stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(_)) | None) | Err(_) => return,
            };
            // What has ended makes room.
            while self.tasks.try_join_next().is_some() {}
            match message {
                Message::Text(text) => self.hear(text.as_str().as_bytes()).await,
                Message::Binary(bytes) => self.hear(&bytes).await,
                // The answer to a Close goes out as the end is read; a client that gets none takes the connection for lost.
                Message::Close(_) | Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    async fn hear(&mut self, body: &[u8]) {
        let batch = usize::try_from(self.cosmos.config.batch).unwrap_or(usize::MAX);
        let requests = match jsonrpc::requests(body, batch) {
            Ok(requests) => requests,
            Err(fault) => {
                self.out.say(jsonrpc::answer(&Value::Null, Err(fault))).await;
                return;
            }
        };
        for request in requests {
            match request.method.as_str() {
                "subscribe" | "unsubscribe" | "unsubscribe_all" => {
                    let Ok(Some(id)) = request.id().map(|id| id.cloned()) else { continue };
                    self.subscription(&request, &id).await;
                }
                _ => {
                    let Ok(turn) = Arc::clone(&self.calls).acquire_owned().await else { return };
                    let (cosmos, client, out) =
                        (Arc::clone(&self.cosmos), Arc::clone(&self.client), self.out.clone());
                    let mut call = Box::pin(async move {
                        let _turn = turn;
                        if let Some(answer) = jsonrpc::run(&cosmos, &client, request).await {
                            out.say(answer).await;
                        }
                    });
                    // Its first step is taken here, so that the pool gets transactions in the order of the messages.
                    if futures::poll!(&mut call).is_pending() {
                        self.tasks.spawn(call);
                    }
                }
            }
        }
    }

    /// Begins or ends a subscription, and says so.
    async fn subscription(&self, request: &Request, id: &Value) {
        let mut subscriptions = self.subscriptions.lock().await;
        let changed = self.change(&mut subscriptions, request, id);
        let (begun, result) = match changed {
            Ok(begun) => (begun, RawValue::from_string("{}".into())),
            Err(fault) => {
                self.out.say(jsonrpc::answer(id, Err(fault))).await;
                return;
            }
        };
        // The client knows that it is subscribed before it hears of the first event, and misses none after that: the
        // follower waits for the lock.
        self.out.say(jsonrpc::answer(id, result.map_err(|_| errors::internal("internal error")))).await;
        if let Some((text, subscription)) = begun {
            subscriptions.insert(text, Arc::new(subscription));
        }
    }

    /// Ends what the request ends; gives what it begins.
    fn change(
        &self,
        subscriptions: &mut BTreeMap<String, Arc<Subscription>>,
        request: &Request,
        id: &Value,
    ) -> Result<Option<(String, Subscription)>, Fault> {
        if request.method == "unsubscribe_all" {
            subscriptions.clear();
            return Ok(None);
        }
        let args = super::args::Args::json(request.params.clone(), &["query"])?;
        let text = args.text("query")?.unwrap_or_default();
        if request.method == "unsubscribe" {
            let ended = subscriptions.remove(&text);
            return ended.map(|_| None).ok_or_else(|| errors::internal("subscription not found"));
        }
        let query = Query::parse(&text)?;
        if subscriptions.contains_key(&text) {
            return Err(errors::internal("already subscribed"));
        }
        let max = usize::try_from(self.cosmos.config.subscriptions).unwrap_or(usize::MAX);
        if subscriptions.len() >= max {
            return Err(errors::internal(format!("max_subscriptions_per_client {max} reached")));
        }
        let subscription =
            Subscription { query, text: json!(text).to_string().into(), id: id.to_string().into() };
        Ok(Some((text, subscription)))
    }
}

/// Tells of blocks, as long as anybody takes it in.
async fn follow(
    cosmos: Arc<Cosmos>,
    mut events: broadcast::Receiver<ChainEvent>,
    subscriptions: Subscriptions,
    out: Out,
) {
    loop {
        match events.recv().await {
            Ok(ChainEvent::Block(block)) => {
                let all: Vec<_> = subscriptions.lock().await.values().cloned().collect();
                if !all.is_empty() && !tell(&cosmos, &block, all, &out).await {
                    return;
                }
            }
            // CometBFT's blocks are final; a client that must know sees the block of the same height again.
            Ok(ChainEvent::Included { .. } | ChainEvent::Reverted { .. }) => {}
            Err(RecvError::Lagged(_)) => {
                let ended = std::mem::take(&mut *subscriptions.lock().await);
                for subscription in ended.into_values() {
                    let why =
                        "subscription was canceled (reason: client is not pulling messages fast enough)";
                    let id = serde_json::from_str(&subscription.id).unwrap_or_default();
                    if !out.say(jsonrpc::answer(&id, Err(errors::limit(why)))).await {
                        return;
                    }
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Tells the subscriptions what a block has for them; false where nobody takes it in any more.
async fn tell(
    cosmos: &Arc<Cosmos>,
    block: &Arc<BlockRecord>,
    subscriptions: Vec<Arc<Subscription>>,
    out: &Out,
) -> bool {
    let (cosmos, block) = (Arc::clone(cosmos), Arc::clone(block));
    let found = tokio::task::spawn_blocking(move || {
        let news = cosmos.newest.of(&cosmos, &block)?;
        let notify = |subscription: &Arc<Subscription>| {
            let (id, query) = (Arc::clone(&subscription.id), Arc::clone(&subscription.text));
            let told = news.matching(&subscription.query);
            let each = told.map(|told| Notification {
                told: Arc::clone(told),
                id: Arc::clone(&id),
                query: Arc::clone(&query),
            });
            each.collect::<Vec<_>>()
        };
        Some(subscriptions.iter().flat_map(notify).collect::<Vec<_>>())
    });
    let notifications = match found.await {
        Ok(found) => found.unwrap_or_default(),
        Err(error) => {
            tracing::error!(%error, "telling of a block panicked");
            return false;
        }
    };
    for notification in notifications {
        if !out.send(Outgoing::Event(notification)).await {
            return false;
        }
    }
    true
}
