//! The stream of blocks: new heads, heights fetched ahead, verification in order, and a witness for new headers.

use super::errors::Fault;
use super::fetch::Fetched;
use super::{Inner, VerifyMode};
use crate::layer::{Anchor, DaError};
use crate::verify::{VerifiedDaBlock, Verifier};
use async_stream::{stream, try_stream};
use backon::BackoffBuilder;
use celestia_types::ExtendedHeader;
use futures::future::join_all;
use futures::stream::FuturesOrdered;
use futures::{Stream, StreamExt};
use jsonrpsee::core::client::Subscription;
use std::sync::Arc;
use std::time::Instant;
use tokio_util::task::AbortOnDropHandle;

type Fetching = AbortOnDropHandle<Result<Fetched, DaError>>;
type Witnessing = AbortOnDropHandle<Result<(), DaError>>;

/// Verified blocks above the anchor, for ever.
pub(super) fn blocks(
    inner: Arc<Inner>,
    anchor: Anchor,
) -> impl Stream<Item = Result<VerifiedDaBlock, DaError>> + Send + 'static {
    try_stream! {
        let mut verifier = inner.begin(anchor).await?;
        let mut heads = Box::pin(heads(Arc::clone(&inner)));
        let mut ahead = Ahead { inner: Arc::clone(&inner), fetches: FuturesOrdered::new(), next: anchor.height.0 + 1, head: 0 };
        let mut witness: Option<Witnessing> = None;
        loop {
            ahead.fill();
            let step = tokio::select! {
                biased;
                Some(fetched) = ahead.fetches.next() => Step::Fetched(fetched.expect("fetching does not panic")),
                result = finish(&mut witness) => Step::Witnessed(result),
                head = heads.next() => Step::Head(head.unwrap_or_default()),
            };
            match step {
                Step::Head(height) => ahead.head = ahead.head.max(height),
                Step::Witnessed(result) => result?,
                Step::Fetched(fetched) => {
                    let (back, block) = inner.verified(verifier, fetched?).await?;
                    verifier = back;
                    if witness.is_none() && block.height().0 >= ahead.head {
                        witness = inner.witness(&verifier);
                    }
                    yield block;
                }
            }
        }
    }
}

enum Step {
    Head(u64),
    Fetched(Result<Fetched, DaError>),
    Witnessed(Result<(), DaError>),
}

/// Heights on their way, in order.
struct Ahead {
    inner: Arc<Inner>,
    fetches: FuturesOrdered<Fetching>,
    next: u64,
    head: u64,
}

impl Ahead {
    fn fill(&mut self) {
        while self.next <= self.head && self.fetches.len() < self.inner.config.fetch_ahead.max(1) {
            let fetch = Arc::clone(&self.inner).fetch(self.next);
            self.fetches.push_back(AbortOnDropHandle::new(tokio::spawn(fetch)));
            self.next += 1;
        }
    }
}

/// What the witness says; never, where there is none.
async fn finish(witness: &mut Option<Witnessing>) -> Result<(), DaError> {
    match witness {
        Some(handle) => {
            let result = handle.await.expect("a witness does not panic");
            *witness = None;
            result
        }
        None => std::future::pending().await,
    }
}

impl Inner {
    /// Asks another endpoint than the first for the header that was just verified, in the background.
    fn witness(self: &Arc<Self>, verifier: &Verifier) -> Option<Witnessing> {
        let index = *self.pool.order().get(1)?;
        if self.config.verify == VerifyMode::TrustedEndpoint {
            return None;
        }
        let (this, verifier) = (Arc::clone(self), verifier.clone());
        let ask = async move {
            match this.pool.get(index).header(verifier.headers().tip().height.0).await {
                Ok(header) => this.compare(&verifier, &[(index, header)]),
                // It lags or fails; it will witness another one.
                Err(_) => Ok(()),
            }
        };
        Some(AbortOnDropHandle::new(tokio::spawn(ask)))
    }

    /// No new header came for long. An endpoint that has one shows that this one lags: then it is put aside.
    async fn look_for_newer(&self, index: usize, known: u64) {
        let others = (0..self.pool.len()).filter(|other| *other != index);
        let asked = join_all(others.map(|other| async move {
            let head = self.pool.get(other).local_head().await.ok()?.height();
            (head > known).then_some((other, head))
        }));
        match asked.await.into_iter().flatten().next() {
            Some((other, head)) => {
                let other = self.pool.name(other);
                self.pool.failed(index, &format!("its head stays at {known} while {other} has {head}"));
            }
            None => tracing::info!(head = known, "no new Celestia header for a while, at any endpoint"),
        }
    }
}

/// The connection or subscription is to be made anew.
struct Anew;

impl Inner {
    /// The next header above `known`, pushed or polled; `None` where none came yet.
    async fn next_header(
        &self,
        index: usize,
        known: u64,
        subscription: Option<&mut Subscription<ExtendedHeader>>,
    ) -> Result<Option<ExtendedHeader>, Anew> {
        let endpoint = self.pool.get(index);
        let Some(subscription) = subscription else {
            return match endpoint.header(known + 1).await {
                Ok(header) => Ok(Some(header)),
                Err(error) => {
                    tokio::time::sleep(self.config.poll_interval).await;
                    if error.fault == Fault::NotYet { Ok(None) } else { Err(Anew) }
                }
            };
        };
        match tokio::time::timeout(self.config.stale_after, subscription.next()).await {
            Ok(Some(Ok(header))) => Ok(Some(header)),
            Ok(Some(Err(error))) => {
                self.pool.failed(index, &format!("it pushed what is no header: {error}"));
                tokio::time::sleep(self.config.poll_interval).await;
                Err(Anew)
            }
            Ok(None) => {
                // An endpoint may end every subscription at once; it is not to be stormed with new ones.
                endpoint.disconnect().await;
                tokio::time::sleep(self.config.poll_interval).await;
                Err(Anew)
            }
            Err(_) => Ok(None),
        }
    }
}

/// Heights of new heads, rising. They are hints: what is fetched for them is verified.
fn heads(inner: Arc<Inner>) -> impl Stream<Item = u64> + Send + 'static {
    stream! {
        let mut known = 0;
        let mut fresh = Instant::now();
        let mut delays = inner.backoff().build();
        loop {
            let index = inner.pool.first();
            let endpoint = Arc::clone(inner.pool.get(index));
            // Subscribed before the head is asked for, so that no height falls between.
            let subscription = if endpoint.pushes() { endpoint.subscribe().await.map(Some) } else { Ok(None) };
            let begun = match subscription {
                Ok(subscription) => endpoint.local_head().await.map(|head| (subscription, head)),
                Err(error) => Err(error),
            };
            let mut subscription = match begun {
                Ok((subscription, head)) => {
                    inner.pool.answered(index);
                    delays = inner.backoff().build();
                    if head.height() > known {
                        (known, fresh) = (head.height(), Instant::now());
                        inner.note_head(known);
                        yield known;
                    }
                    subscription
                }
                Err(error) => {
                    inner.pool.failed(index, &error.text);
                    tokio::time::sleep(delays.next().unwrap_or(super::RETRY_MAX)).await;
                    continue;
                }
            };
            loop {
                let Ok(next) = inner.next_header(index, known, subscription.as_mut()).await else { break };
                match next {
                    Some(header) if header.height() > known => {
                        (known, fresh) = (header.height(), Instant::now());
                        inner.note_head(known);
                        yield known;
                    }
                    _ => {}
                }
                if fresh.elapsed() >= inner.config.stale_after {
                    fresh = Instant::now();
                    inner.look_for_newer(index, known).await;
                    break;
                }
            }
        }
    }
}
