//! [`Tasks`]: every task of a node is spawned here. Each has a name, ends by one token, and ends the node where it
//! fails.

use crate::chain::{Chain, ChainError, DaTip};
use crate::metrics;
use crate::node::NodeError;
use crate::sequencer::Sequencer;
use crate::status::Observed;
use crate::syncer::{Syncer, now_ms};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use weft_da::layer::LayerStatus;
use weft_da::publisher::{Publisher, PublisherEvent};
use weft_types::Height;

/// How long tasks may take to end before they are left behind. All that counts is on disk before.
const STOP_MAX: Duration = Duration::from_secs(5);
/// How often a node looks whether waiting still helps.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// How often in a row it must not.
const WATCH_TIMES: u32 = 6;
/// Celestia heights between two prunings.
const PRUNE_EVERY: u64 = 16;

type Outcome = Result<(), NodeError>;

/// See the module.
pub struct Tasks {
    set: JoinSet<(&'static str, Outcome)>,
    stop: CancellationToken,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { set: JoinSet::new(), stop: CancellationToken::new() }
    }

    fn spawn(&mut self, name: &'static str, work: impl Future<Output = Outcome> + Send + 'static) {
        self.set.spawn(async move { (name, work.await) });
    }

    /// As [`Self::spawn`], for work that simply ends with the token.
    fn spawn_until_stop(&mut self, name: &'static str, work: impl Future<Output = Outcome> + Send + 'static) {
        let stop = self.stop.clone();
        self.spawn(name, async move { stop.run_until_cancelled(work).await.unwrap_or(Ok(())) });
    }

    /// Follows Celestia.
    pub fn sync(&mut self, syncer: Syncer) {
        let stop = self.stop.clone();
        self.spawn("sync", async move { Ok(syncer.run(stop).await?) });
    }

    /// Makes blocks, posts them, and reacts to batches that were dropped.
    pub fn sequence(
        &mut self,
        sequencer: Arc<Sequencer>,
        publisher: Publisher,
        ticks: watch::Receiver<DaTip>,
    ) {
        let stop = self.stop.clone();
        self.spawn("build", build(Arc::clone(&sequencer), stop));
        self.spawn_until_stop("batch", batch(Arc::clone(&sequencer), ticks));
        self.spawn_until_stop("batch events", events(sequencer, publisher.clone()));
        let stop = self.stop.clone();
        self.spawn("publish", async move {
            publisher.run(stop).await;
            Ok(())
        });
    }

    /// Serves metrics.
    pub fn metrics(&mut self, listener: TcpListener, observed: Observed) {
        let stop = self.stop.clone();
        self.spawn("metrics", async move { Ok(metrics::serve(listener, observed, stop).await?) });
    }

    /// Forgets the state of old blocks.
    pub fn prune(&mut self, chain: Arc<Chain>, blocks: u64, ticks: watch::Receiver<DaTip>) {
        self.spawn_until_stop("prune", prune(chain, blocks, ticks));
    }

    /// Ends the node where waiting will not help.
    pub fn watch(&mut self, observed: Observed, ticks: watch::Receiver<DaTip>) {
        self.spawn_until_stop("watch", watch(observed, ticks));
    }

    /// The first failure of a task.
    pub async fn failed(&mut self) -> NodeError {
        while let Some(ended) = self.set.join_next().await {
            match ended {
                Ok((_, Ok(()))) => {}
                Ok((name, Err(error))) => {
                    tracing::error!(task = name, %error, "task failed");
                    return error;
                }
                Err(_) => return NodeError::Panicked("of a node"),
            }
        }
        // All have ended because they were told to.
        std::future::pending().await
    }

    /// Tells all to end, and waits for them within bounds.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_MAX, all).await.is_err() {
            tracing::warn!("some tasks did not end in time and are left behind");
        }
    }
}

/// Runs what blocks off the async threads.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, NodeError>
where
    T: Send + 'static,
    E: Send + 'static + Into<NodeError>,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn build(sequencer: Arc<Sequencer>, stop: CancellationToken) -> Outcome {
    let mut pace = tokio::time::interval(sequencer.block_time());
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Stopping between blocks: a block that is being made is finished first.
            () = stop.cancelled() => return Ok(()),
            _ = pace.tick() => {}
        }
        let maker = Arc::clone(&sequencer);
        if let Some(block) = blocking(move || maker.make_block(now_ms())).await? {
            tracing::debug!(height = %block.header.height, transactions = block.transactions.len(), "soft block");
        }
    }
}

/// Batches go out at most once a Celestia block: more would only cost more.
async fn batch(sequencer: Arc<Sequencer>, mut ticks: watch::Receiver<DaTip>) -> Outcome {
    let mut posted: Option<Instant> = None;
    while ticks.changed().await.is_ok() {
        if posted.is_none_or(|posted| posted.elapsed() >= sequencer.batch_time()) {
            posted = Some(Instant::now());
            sequencer.post().await?;
        }
    }
    Ok(())
}

async fn events(sequencer: Arc<Sequencer>, publisher: Publisher) -> Outcome {
    let mut events = publisher.subscribe();
    loop {
        match events.recv().await {
            Ok(PublisherEvent::Dropped { first_height, .. }) => {
                let sequencer = Arc::clone(&sequencer);
                blocking(move || sequencer.batch_dropped(first_height)).await?;
            }
            Ok(PublisherEvent::Included { .. }) => {}
            // What was lost shows again with the next batch.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

async fn prune(chain: Arc<Chain>, blocks: u64, mut ticks: watch::Receiver<DaTip>) -> Outcome {
    while ticks.changed().await.is_ok() {
        if !ticks.borrow_and_update().height.0.is_multiple_of(PRUNE_EVERY) {
            continue;
        }
        let chain = Arc::clone(&chain);
        let work = move || -> Result<(), ChainError> {
            let below = Height(chain.included().header.height.0.saturating_sub(blocks));
            while below > chain.store().oldest() && chain.store().prune(below)?.more {}
            Ok(())
        };
        blocking(work).await?;
    }
    Ok(())
}

/// Ends the node where waiting will not help: while every endpoint gives what does not verify and nothing else comes
/// (at any time), and where nothing could be posted since the start.
async fn watch(observed: Observed, ticks: watch::Receiver<DaTip>) -> Outcome {
    let count =
        |layer: &LayerStatus| layer.endpoints.iter().map(|endpoint| endpoint.lies).collect::<Vec<_>>();
    let (mut last, mut lies) = (ticks.borrow().height, count(&observed.layer.status()));
    let (mut lied, mut refused, mut posts) = (0, 0, observed.sequencer.is_some());
    let mut pace = tokio::time::interval(WATCH_EVERY);
    loop {
        pace.tick().await;
        let (height, layer) = (ticks.borrow().height, observed.layer.status());
        let counts = count(&layer);
        let all_lie = !counts.is_empty() && counts.iter().zip(&lies).all(|(now, before)| now > before);
        if height > last || !all_lie {
            lied = 0;
        } else {
            lied += 1;
        }
        if height > last {
            (last, lies) = (height, counts);
        }
        if lied >= WATCH_TIMES {
            let names: Vec<_> = layer.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
            let why = layer.endpoints.iter().find_map(|endpoint| endpoint.aside.clone());
            let why = layer.alarm.or(why).unwrap_or_default();
            return Err(NodeError::Lying(format!("{}: {why}", names.join(", "))));
        }
        let Some(sequencer) = observed.sequencer.as_ref().filter(|_| posts) else { continue };
        let publisher = sequencer.publisher_status();
        posts = publisher.included.is_none();
        refused = if publisher.alarm.is_some() { refused + 1 } else { 0 };
        if let Some(alarm) = publisher.alarm.filter(|_| posts && refused >= WATCH_TIMES) {
            return Err(NodeError::CannotPost(alarm));
        }
    }
}
