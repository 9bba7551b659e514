//! [`Syncer`]: verified Celestia blocks in, derived and executed blocks out, in order, none skipped.
//!
//! Heights that are ready at once are derived together and committed together, so that catching up does not wait for
//! the disk at each; at the head every height is a commit of its own.

use crate::chain::{Applied, Chain, ChainError, DaStep, DaTip, DiscardedEntry};
use crate::sequencer::{Sequencer, SequencerError};
use arc_swap::ArcSwap;
use futures::StreamExt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;
use weft_da::derive::{Derivation, DerivationState, Discarded, DiscardedFrom, derive};
use weft_da::layer::{Anchor, DaError, DaLayer};
use weft_da::publisher::{Publisher, Seen, blob_hash};
use weft_da::verify::VerifiedDaBlock;
use weft_types::{B256, DecodeError, DerivationParams};

/// Most Celestia heights in one commit.
const STEP_HEIGHTS_MAX: usize = 64;
/// Bytes of blobs after which a commit takes no further height.
const STEP_BYTES_MAX: usize = 32 << 20;
/// Most characters that are kept of the sentence that says why something was discarded.
const MESSAGE_CHARS_MAX: usize = 500;

/// Why the syncer stopped. Whatever can be tried again was tried inside.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Celestia: what a person must mend.
    #[error(transparent)]
    Da(#[from] DaError),
    /// The chain or its store.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The sequencer.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// The derivation state in the store does not parse.
    #[error(
        "the derivation state in the store is damaged: {0}; run `weft rollback`, or delete the store and let it be derived again"
    )]
    Derivation(DecodeError),
    /// The stream ended without an error.
    #[error("Celestia's stream of blocks ended")]
    Ended,
}

/// See the module.
pub struct Syncer {
    chain: Arc<Chain>,
    params: DerivationParams,
    state: Arc<DerivationState>,
    layer: Arc<dyn DaLayer>,
    sequencer: Option<Arc<Sequencer>>,
    publisher: Option<Publisher>,
    /// Told the last Celestia height that was taken in.
    progress: Arc<ArcSwap<Progress>>,
    ticks: tokio::sync::watch::Sender<DaTip>,
}

/// How far the node has read Celestia.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The last height that was derived.
    pub da: DaTip,
    /// Whether that was the newest that is known.
    pub synced: bool,
}

/// The derivation state that `chain`'s store holds.
///
/// # Errors
/// [`SyncError::Derivation`].
pub fn load_state(chain: &Chain) -> Result<DerivationState, SyncError> {
    let state = DerivationState::from_bytes(&chain.derivation()).map_err(SyncError::Derivation)?;
    let checkpoint = &chain.genesis().celestia.da_checkpoint;
    let (height, hash, _) = state.last_da();
    // Before the first height, derivation knows no header yet, and genesis vouches for one.
    let hash = if height == checkpoint.height { checkpoint.hash } else { hash };
    chain.resume_at(DaTip { height, hash });
    Ok(state)
}

impl Syncer {
    /// A syncer that goes on where `state` stands.
    #[must_use]
    pub fn new(
        chain: Arc<Chain>,
        state: Arc<DerivationState>,
        layer: Arc<dyn DaLayer>,
        sequencer: Option<Arc<Sequencer>>,
        publisher: Option<Publisher>,
    ) -> Self {
        let params = chain.genesis().derivation_params();
        let da = chain.da();
        Self {
            progress: Arc::new(ArcSwap::from_pointee(Progress { da, synced: false })),
            ticks: tokio::sync::watch::channel(da).0,
            chain,
            params,
            state,
            layer,
            sequencer,
            publisher,
        }
    }

    /// How far it is, for `weft_status`.
    #[must_use]
    pub fn progress(&self) -> Arc<ArcSwap<Progress>> {
        Arc::clone(&self.progress)
    }

    /// Changes with every Celestia height that was taken in.
    #[must_use]
    pub fn ticks(&self) -> tokio::sync::watch::Receiver<DaTip> {
        self.ticks.subscribe()
    }

    /// Follows Celestia until `stop`.
    ///
    /// # Errors
    /// [`SyncError`]: the node must stop.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), SyncError> {
        let DaTip { height, hash } = self.chain.da();
        let mut ready = self.layer.blocks(Anchor { height, hash }).ready_chunks(STEP_HEIGHTS_MAX);
        loop {
            let chunk = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                chunk = ready.next() => chunk.ok_or(SyncError::Ended)?,
            };
            let (mut blocks, mut bytes) = (Vec::new(), 0usize);
            for item in chunk {
                let block = match item {
                    Ok(block) => block,
                    Err(error) => {
                        self.take_in(blocks).await?;
                        return Err(error.into());
                    }
                };
                bytes = bytes.saturating_add(blob_bytes(&block));
                blocks.push(block);
                if bytes > STEP_BYTES_MAX {
                    self = self.take_in(std::mem::take(&mut blocks)).await?;
                    bytes = 0;
                }
            }
            self = self.take_in(blocks).await?;
        }
    }

    /// Derives, executes and commits off the async threads.
    async fn take_in(self, blocks: Vec<VerifiedDaBlock>) -> Result<Self, SyncError> {
        if blocks.is_empty() {
            return Ok(self);
        }
        let done = tokio::task::spawn_blocking(move || self.take_in_now(blocks)).await;
        // A panic in there is a broken invariant, and ends the node as any other would.
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    fn take_in_now(mut self, blocks: Vec<VerifiedDaBlock>) -> Result<Self, SyncError> {
        let (mut steps, mut seen) = (Vec::with_capacity(blocks.len()), Vec::new());
        let mut state = DerivationState::clone(&self.state);
        for block in &blocks {
            let span = tracing::debug_span!("derive", da_height = %block.height());
            let _entered = span.enter();
            let derivation = derive(&self.params, state, block);
            if self.publisher.is_some() {
                seen.push(seen_of(block, &derivation));
            }
            state = derivation.state.clone();
            steps.push(step(block, derivation));
        }
        self.state = Arc::new(state);
        let head = self.layer.status().head;
        let synced = blocks.last().is_some_and(|last| last.height() >= head);
        let discarded: Vec<DiscardedEntry> = steps.iter().flat_map(|step| step.discarded.clone()).collect();
        let applied = match &self.sequencer {
            Some(sequencer) => sequencer.apply_derived(steps, Arc::clone(&self.state), synced)?,
            None => self.chain.apply_derived(steps)?,
        };
        if let Some(publisher) = &self.publisher {
            seen.iter().for_each(|seen| publisher.tell(seen));
        }
        self.report(&applied, &discarded, synced);
        Ok(self)
    }

    fn report(&self, applied: &Applied, discarded: &[DiscardedEntry], synced: bool) {
        let da = self.chain.da();
        self.progress.store(Arc::new(Progress { da, synced }));
        self.ticks.send_replace(da);
        for entry in discarded {
            metrics::counter!("weft_discarded_total", "reason" => entry.reason.clone()).increment(1);
            tracing::debug!(da_height = %entry.da_height, namespace = entry.namespace, blob = entry.blob_index,
                reason = entry.reason, "discarded: {}", entry.message);
        }
        for kind in &applied.rejected {
            metrics::counter!("weft_rejected_total", "kind" => *kind).increment(1);
        }
        let now = now_ms();
        for record in &applied.included {
            let waited = now.saturating_sub(record.header.timestamp_ms);
            if synced {
                metrics::histogram!("weft_da_inclusion_seconds").record(waited as f64 / 1e3);
            }
            tracing::debug!(height = %record.header.height, root = %record.header.state_root, "included");
        }
    }
}

/// Derives consecutive Celestia heights: the state after them, and what each gives for [`Chain::apply_derived`].
#[must_use]
pub fn derive_steps(
    params: &DerivationParams,
    mut state: DerivationState,
    blocks: &[VerifiedDaBlock],
) -> (DerivationState, Vec<DaStep>) {
    let mut steps = Vec::with_capacity(blocks.len());
    for block in blocks {
        let derivation = derive(params, state, block);
        state = derivation.state.clone();
        steps.push(step(block, derivation));
    }
    (state, steps)
}

fn step(block: &VerifiedDaBlock, derivation: Derivation) -> DaStep {
    DaStep {
        da_height: block.height(),
        da_hash: block.hash(),
        blocks: derivation.blocks.into_iter().map(|landed| landed.block).collect(),
        discarded: derivation.discarded.iter().map(entry).collect(),
        derivation: derivation.state.to_bytes().into(),
    }
}

/// What the publisher must know of a Celestia block.
fn seen_of(block: &VerifiedDaBlock, derivation: &Derivation) -> Seen {
    let blobs: Vec<(u32, B256)> =
        block.batch_blobs().iter().map(|blob| (blob.index, blob_hash(&blob.data))).collect();
    let tip = derivation.state.tip();
    let discarded = derivation.discarded.iter().filter(|d| d.namespace == DiscardedFrom::Batch);
    Seen {
        da_height: block.height(),
        blocks: derivation.blocks.iter().map(|l| (l.block.height, l.block.order_hash)).collect(),
        tip: (tip.height, tip.order_hash),
        discarded: discarded
            .filter_map(|discarded| {
                let (_, hash) = blobs.iter().find(|(index, _)| *index == discarded.blob_index)?;
                Some((*hash, discarded.reason.to_string()))
            })
            .collect(),
        blobs: blobs.into_iter().map(|(_, hash)| hash).collect(),
    }
}

fn entry(discarded: &Discarded) -> DiscardedEntry {
    DiscardedEntry {
        da_height: discarded.da_height,
        namespace: match discarded.namespace {
            DiscardedFrom::Batch => "batch".into(),
            DiscardedFrom::Forced => "forced".into(),
        },
        blob_index: discarded.blob_index,
        reason: discarded.reason.name().into(),
        message: discarded.reason.to_string().chars().take(MESSAGE_CHARS_MAX).collect(),
    }
}

fn blob_bytes(block: &VerifiedDaBlock) -> usize {
    block.batch_blobs().iter().chain(block.forced_blobs()).map(|blob| blob.data.len()).sum()
}

/// Unix milliseconds.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
