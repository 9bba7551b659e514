//! [`CelestiaLayer`]: Celestia through the JSON-RPC of celestia-nodes that nobody trusts.
//!
//! ```text
//! heads (push or poll) ──> fetch ahead, any order ──> verify in order ──> VerifiedDaBlock
//!                             endpoint │ pool             │
//!                  fails, lags, pruned ┘ <── lied ────────┘     another endpoint is asked for the same height
//! ```
//! In: an [`Anchor`] to begin at, blobs to post. Out: verified blocks in order; receipts that are only hints.
//!
//! Invariants, as negatives:
//! - No height is skipped: each is asked for until it verifies.
//! - No call is without a timeout, no answer without a bound, and no more than `fetch_ahead` heights are held.
//! - No failing, lying or vanished endpoint ends the stream. It ends only where a person must act
//!   ([`DaError::Stop`]), e.g. where no endpoint keeps a height any more.
//! - No token is shown: an endpoint's name is its scheme, host and port.
//! - Nothing relies on a transaction's priority: celestia-rpc 1.3 sends `priority` where the node reads `tx_priority`.

mod endpoint;
pub mod errors;
mod fetch;
mod follow;
mod pool;
#[cfg(test)]
mod tests;

use crate::blob::NewBlob;
use crate::layer::{Anchor, DaError, DaHead, DaLayer, DaReceipt, Fee, LayerStatus};
use crate::verify::{Evidence, VerifiedDaBlock, header};
use async_trait::async_trait;
use backon::ExponentialBuilder;
use celestia_types::ExtendedHeader;
use endpoint::Endpoint;
use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use pool::Pool;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use weft_types::{DaHeight, DerivationParams};

/// The shortest wait after all endpoints failed; doubles from there.
const RETRY_MIN: Duration = Duration::from_millis(100);
/// The longest wait after all endpoints failed.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// One celestia-node.
#[derive(Clone)]
pub struct EndpointConfig {
    /// Its JSON-RPC: http, https, ws or wss.
    pub url: String,
    /// Its bearer token. Posting needs one with write permission unless the node asks for none.
    pub token: Option<String>,
}

impl fmt::Debug for EndpointConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Providers put tokens in paths, too.
        f.debug_struct("EndpointConfig").finish_non_exhaustive()
    }
}

/// What is believed without proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyMode {
    /// Nothing but the anchor.
    #[default]
    Full,
    /// The endpoint: for one's own node behind one's own door. Said in the log and in the status.
    TrustedEndpoint,
}

/// What an operator chooses of Celestia.
#[derive(Clone, Debug)]
pub struct CelestiaConfig {
    /// In order of preference; at least one. With two or more, a second one also witnesses each new header.
    pub endpoints: Vec<EndpointConfig>,
    /// Celestia's chain id, where genesis names it: all headers must have it.
    pub chain_id: Option<String>,
    /// What is believed without proof.
    pub verify: VerifyMode,
    /// Most heights that are fetched ahead of the one that is verified, 1 at least. Each may take as much memory
    /// as Celestia's block size.
    pub fetch_ahead: usize,
    /// How long to wait before asking again for a height that is not there yet. Where the node waits by
    /// itself, as celestia-node does for the next height, it is hardly used.
    pub poll_interval: Duration,
    /// The longest that a reading call may take.
    pub call_timeout: Duration,
    /// The longest that a submission may take: the node answers when the transaction is in a block.
    pub submit_timeout: Duration,
    /// How long no new header may come before other endpoints are asked whether they have one.
    pub stale_after: Duration,
    /// How long an endpoint is put aside whose data did not verify.
    pub liar_aside: Duration,
    /// Where to keep two valid headers of one height, as JSON. `None` keeps them in the log alone, by hash.
    pub evidence_dir: Option<PathBuf>,
}

impl CelestiaConfig {
    /// What suits Celestia's mainnet, with these endpoints.
    #[must_use]
    pub fn new(endpoints: Vec<EndpointConfig>) -> Self {
        Self {
            endpoints,
            chain_id: None,
            verify: VerifyMode::Full,
            fetch_ahead: 16,
            poll_interval: Duration::from_millis(500),
            call_timeout: Duration::from_secs(30),
            submit_timeout: Duration::from_secs(120),
            stale_after: Duration::from_secs(30),
            liar_aside: Duration::from_secs(60),
            evidence_dir: None,
        }
    }
}

struct Inner {
    config: CelestiaConfig,
    params: DerivationParams,
    pool: Pool,
    /// The newest height that an endpoint spoke of.
    head: AtomicU64,
    /// The last header that was verified.
    tip: Mutex<Option<Arc<ExtendedHeader>>>,
    alarm: Mutex<Option<String>>,
}

/// Celestia. Cheap to clone; all clones share connections and what is known of the endpoints.
#[derive(Clone)]
pub struct CelestiaLayer(Arc<Inner>);

impl CelestiaLayer {
    /// A layer over these endpoints, for the namespaces of `params`. Connections are made when they are first needed,
    /// and again whenever they are lost, so that a node starts also while Celestia is away.
    ///
    /// # Errors
    /// [`DaError::Stop`] where there is no endpoint, or one is not a URL that we speak.
    pub fn connect(config: CelestiaConfig, params: DerivationParams) -> Result<Self, DaError> {
        if config.endpoints.is_empty() {
            return Err(DaError::Stop(
                "no Celestia endpoint is configured: add one under da.endpoints".into(),
            ));
        }
        let endpoints: Result<Vec<_>, _> =
            config.endpoints.iter().map(|endpoint| Endpoint::new(endpoint, &config)).collect();
        let pool = Pool::new(endpoints?, config.liar_aside);
        if config.verify == VerifyMode::TrustedEndpoint {
            tracing::warn!(
                endpoint = pool.name(0),
                "da.verify is trusted-endpoint: what Celestia's endpoint says is believed without proof"
            );
        }
        let (head, tip, alarm) = (AtomicU64::new(0), Mutex::new(None), Mutex::new(None));
        Ok(Self(Arc::new(Inner { config, params, pool, head, tip, alarm })))
    }

    /// Whether the account that posts has anything to pay with, as far as the endpoint says: for a clear word to a
    /// sequencer's operator at the start. An endpoint that does not tell is no fault.
    ///
    /// # Errors
    /// [`DaError::Stop`] where the account is empty.
    pub async fn check_funds(&self) -> Result<(), DaError> {
        for index in self.0.pool.order() {
            let endpoint = self.0.pool.get(index);
            let (Ok(account), Ok(balance)) = (endpoint.account().await, endpoint.balance().await) else {
                continue;
            };
            if balance == Some(0) {
                let (account, name) = (account.to_string(), self.0.pool.name(index));
                return Err(errors::submission_error(
                    errors::Fault::Unfunded,
                    "its balance is 0",
                    &account,
                    name,
                ));
            }
            return Ok(());
        }
        Ok(())
    }

    /// The id of the chain that the first answering endpoint is on, which nobody has verified yet: for a clear word
    /// to the operator before anything is read.
    ///
    /// # Errors
    /// [`DaError::Retry`] where no endpoint answers.
    pub async fn network(&self) -> Result<String, DaError> {
        let mut failures = Vec::new();
        for index in self.0.pool.order() {
            match self.0.pool.get(index).local_head().await {
                Ok(head) => return Ok(head.chain_id().as_str().to_owned()),
                Err(error) => failures.push(error.text),
            }
        }
        Err(DaError::Retry(format!("no Celestia endpoint gives its head: {}", failures.join("; "))))
    }
}

#[async_trait]
impl DaLayer for CelestiaLayer {
    async fn head(&self) -> Result<DaHead, DaError> {
        let mut failures = Vec::new();
        for index in self.0.pool.order() {
            match self.0.head_of(index).await {
                Ok(head) => return Ok(head),
                Err(why) => {
                    self.0.pool.failed(index, &why);
                    failures.push(why);
                }
            }
        }
        Err(DaError::Retry(format!("no Celestia endpoint gives its head: {}", failures.join("; "))))
    }

    fn blocks(&self, anchor: Anchor) -> BoxStream<'static, Result<VerifiedDaBlock, DaError>> {
        follow::blocks(Arc::clone(&self.0), anchor).boxed()
    }

    async fn submit(&self, blobs: Vec<NewBlob>, fee: Fee) -> Result<DaReceipt, DaError> {
        let blobs: Arc<[NewBlob]> = blobs.into();
        let (mut denials, mut failures) = (Vec::new(), Vec::new());
        for index in self.0.pool.order() {
            let endpoint = self.0.pool.get(index);
            // Asked each time: it also shows that the endpoint is there before anything is sent.
            let account = match endpoint.account().await {
                Ok(account) => account,
                Err(error) => {
                    self.0.pool.failed(index, &error.text);
                    failures.push(error.text);
                    continue;
                }
            };
            let signed = sign(Arc::clone(&blobs), account).await?;
            match endpoint.submit(&signed, account, fee).await {
                Ok(height) => return Ok(DaReceipt { height: DaHeight(height) }),
                // Reading endpoints among others that post are no fault.
                Err(DaError::Stop(why)) => denials.push(why),
                Err(error) => return Err(error),
            }
        }
        match denials.is_empty() {
            true => {
                Err(DaError::Retry(format!("no Celestia endpoint takes blobs now: {}", failures.join("; "))))
            }
            false => Err(DaError::Stop(denials.join("; "))),
        }
    }

    fn status(&self) -> LayerStatus {
        let inner = &self.0;
        LayerStatus {
            head: DaHeight(inner.head.load(Ordering::Relaxed)),
            endpoint: inner.pool.name(inner.pool.first()).to_owned(),
            verified: inner.config.verify == VerifyMode::Full,
            endpoints: inner.pool.status(),
            alarm: inner.alarm.lock().clone(),
        }
    }
}

/// Blobs of share version 1, with their commitments. Hashing megabytes does not belong on an async thread.
async fn sign(
    blobs: Arc<[NewBlob]>,
    account: celestia_types::state::AccAddress,
) -> Result<Vec<celestia_types::Blob>, DaError> {
    let sign = move || {
        let one = |blob: &NewBlob| {
            let namespace = celestia_types::nmt::Namespace::from_raw(blob.namespace.as_bytes())?;
            celestia_types::Blob::new(namespace, blob.data.to_vec(), Some(account))
        };
        blobs.iter().map(one).collect::<Result<Vec<_>, _>>()
    };
    let signed = tokio::task::spawn_blocking(sign).await.expect("hashing does not panic");
    signed.map_err(|error| DaError::Stop(format!("Celestia has no place for such a blob: {error}")))
}

impl Inner {
    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(RETRY_MIN)
            .with_max_delay(RETRY_MAX)
            .without_max_times()
            .with_jitter()
    }

    /// An endpoint's newest header, valid in itself and, where we stand somewhere, not against what we know.
    async fn head_of(&self, index: usize) -> Result<DaHead, String> {
        let head = self.pool.get(index).local_head().await.map_err(|error| error.text)?;
        if self.config.verify == VerifyMode::Full {
            header::check(&head).map_err(|error| error.to_string())?;
            let tip = self.tip.lock().clone();
            // A head far ahead could be made up, and would make the publisher look for its blobs for ever.
            if let Some(tip) = tip.filter(|tip| tip.height() < head.height()) {
                tip.verify(&head).map_err(|error| {
                    format!("its head at height {} does not follow from ours: {error}", head.height())
                })?;
            }
        }
        self.pool.answered(index);
        self.note_head(head.height());
        let time_ms = header::time_ms(&head).map_err(|error| error.to_string())?;
        Ok(DaHead { height: DaHeight(head.height()), hash: header::hash(&head), time_ms })
    }

    fn note_head(&self, height: u64) {
        self.head.fetch_max(height, Ordering::Relaxed);
    }

    fn raise_alarm(&self, what: String) {
        let mut alarm = self.alarm.lock();
        if alarm.is_none() {
            tracing::error!(alarm = what, "Celestia needs an operator, unless it comes back by itself");
        }
        *alarm = Some(what);
    }

    fn clear_alarm(&self) {
        if self.alarm.lock().take().is_some() {
            tracing::info!("Celestia answers again");
        }
    }

    /// Keeps two valid headers of one height, and says what an operator must know.
    fn equivocation(&self, evidence: &Evidence, from: &str) -> DaError {
        let height = evidence.first.height();
        let (first, second) = (evidence.first.hash(), evidence.second.hash());
        let kept = self.config.evidence_dir.as_ref().map_or_else(
            || "no evidence folder is configured".to_owned(),
            |dir| {
                keep_evidence(dir, evidence)
                    .unwrap_or_else(|error| format!("they could not be kept: {error}"))
            },
        );
        DaError::Stop(format!(
            "Celestia's validators signed two headers at height {height}, {first} and {second} (the latter from {from}); {kept}. \
             Find out which one the network follows before you start again"
        ))
    }
}

fn keep_evidence(dir: &std::path::Path, evidence: &Evidence) -> std::io::Result<String> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join(format!("equivocation-{}.json", evidence.first.height()));
    std::fs::write(&path, serde_json::to_vec_pretty(&[&evidence.first, &evidence.second])?)?;
    Ok(format!("both are kept in {}", path.display()))
}
