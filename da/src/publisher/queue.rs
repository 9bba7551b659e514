//! What waits to be posted, as a state machine without I/O: what to send next, and what a derived Celestia block
//! settles.

use super::store::Attempt;
use super::{
    Backlog, PreparedBatch, PublisherConfig, PublisherError, PublisherEvent, PublisherStatus, Seen, blob_hash,
};
use crate::layer::{Fee, GasPrice};
use std::collections::{HashSet, VecDeque};
use weft_types::{B256, Bytes, DaHeight, Height, limits};

/// Most blobs in one transaction.
const TRANSACTION_BLOBS_MAX: usize = 256;

/// How often a batch that was in its right place may be discarded before it is dropped. More than once, since
/// a chunk can be pushed out by others, or a clock be ahead.
const DISCARDS_MAX: u32 = 3;

struct WaitingBlob {
    hash: B256,
    sent: bool,
    /// Where derivation saw it last; `None` where it must be sent (again).
    seen: Option<DaHeight>,
}

struct Waiting {
    batch: PreparedBatch,
    blobs: Vec<WaitingBlob>,
    discards: u32,
    reason: Option<String>,
}

impl Waiting {
    fn new(batch: PreparedBatch) -> Self {
        let blob = |data: &Bytes| WaitingBlob { hash: blob_hash(data), sent: false, seen: None };
        let blobs = batch.blobs.iter().map(blob).collect();
        Self { batch, blobs, discards: 0, reason: None }
    }
}

/// What was sent, and until where to look for it.
struct Outstanding {
    blobs: HashSet<B256>,
    /// Celestia's head before it was sent.
    head: DaHeight,
    /// The Celestia height by which it counts as lost; `None` until the head after the outcome is known.
    until: Option<DaHeight>,
}

/// One transaction's worth of blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Submission {
    pub(super) blobs: Vec<Bytes>,
    pub(super) hashes: Vec<B256>,
    pub(super) fee: Fee,
    /// Some of it was sent before.
    pub(super) again: bool,
}

impl Submission {
    pub(super) fn bytes(&self) -> usize {
        self.blobs.iter().map(Bytes::len).sum()
    }
}

/// What the loop does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing before the queue changes.
    Wait,
    /// Ask for Celestia's head, so that it is known how long to look for what was sent.
    FindHead,
    /// Send.
    Send(Submission),
}

pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    outstanding: Option<Outstanding>,
    /// The last Celestia height that was derived; `None` before the first word of derivation.
    derived: Option<DaHeight>,
    transaction_bytes: usize,
    status: PublisherStatus,
}

impl Queue {
    pub(super) fn new(
        batches: Vec<PreparedBatch>,
        attempt: Option<Attempt>,
        transaction_bytes: usize,
    ) -> Self {
        let mut queue = Self {
            waiting: VecDeque::new(),
            outstanding: None,
            derived: None,
            transaction_bytes,
            status: PublisherStatus::default(),
        };
        batches.into_iter().for_each(|batch| queue.push(batch));
        if let Some(attempt) = attempt {
            queue.begin(attempt);
        }
        queue
    }

    /// Whether a batch may be pushed.
    pub(super) fn admit(
        &self,
        batch: &PreparedBatch,
        config: &PublisherConfig,
    ) -> Result<(), PublisherError> {
        if batch.blobs.is_empty() || batch.blobs.iter().any(Bytes::is_empty) {
            return Err(PublisherError::Empty(batch.batch_no));
        }
        let Backlog { batches, bytes, .. } = self.backlog();
        // One batch is taken whatever its size, so that a bound that is too small can't stop everything.
        if batches > 0
            && (batches >= config.batches_max || bytes.saturating_add(batch.bytes()) > config.bytes_max)
        {
            return Err(PublisherError::Full { batches, bytes });
        }
        match self.last() {
            Some(last) if batch.batch_no <= last.batch_no || batch.prev_order_hash != last.order_hash => {
                Err(PublisherError::OutOfOrder { batch_no: batch.batch_no, after: last.batch_no })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn push(&mut self, batch: PreparedBatch) {
        self.waiting.push_back(Waiting::new(batch));
    }

    pub(super) fn last(&self) -> Option<&PreparedBatch> {
        self.waiting.back().map(|waiting| &waiting.batch)
    }

    /// The last height of each batch that waits.
    pub(super) fn ends(&self) -> Vec<Height> {
        self.waiting.iter().map(|waiting| waiting.batch.last_height).collect()
    }

    pub(super) fn backlog(&self) -> Backlog {
        self.waiting.iter().fold(Backlog::default(), |sum, waiting| Backlog {
            blocks: sum.blocks.saturating_add(waiting.batch.blocks()),
            bytes: sum.bytes.saturating_add(waiting.batch.bytes()),
            batches: sum.batches.saturating_add(1),
        })
    }

    pub(super) fn status(&self) -> PublisherStatus {
        PublisherStatus { backlog: self.backlog(), ..self.status.clone() }
    }

    /// What to do now.
    pub(super) fn next(&mut self, ceiling: GasPrice) -> Next {
        let Some(derived) = self.derived else { return Next::Wait };
        match &self.outstanding {
            Some(Outstanding { blobs, .. }) if blobs.is_empty() => {}
            Some(Outstanding { until: None, .. }) => return Next::FindHead,
            Some(Outstanding { until: Some(until), .. }) if derived < *until => return Next::Wait,
            Some(Outstanding { blobs, until, .. }) => {
                let until = until.unwrap_or_default();
                tracing::warn!(blobs = blobs.len(), %until, "blobs did not land, and are sent again");
                // What is evicted from a mempool mostly paid too little, and nothing says so.
                self.raise(ceiling);
            }
            None => {}
        }
        self.outstanding = None;
        self.pick(ceiling).map_or(Next::Wait, Next::Send)
    }

    /// The blobs from the front on that derivation has not seen, up to the bounds of one transaction, and at least one.
    fn pick(&self, ceiling: GasPrice) -> Option<Submission> {
        let fee = Fee { price: self.status.price, ceiling };
        let mut picked = Submission { blobs: Vec::new(), hashes: Vec::new(), fee, again: false };
        let mut bytes = 0_usize;
        let unseen = self.waiting.iter().flat_map(|waiting| {
            waiting.blobs.iter().zip(&waiting.batch.blobs).filter(|(blob, _)| blob.seen.is_none())
        });
        for (blob, data) in unseen {
            bytes = bytes.saturating_add(data.len());
            let full = bytes > self.transaction_bytes || picked.blobs.len() == TRANSACTION_BLOBS_MAX;
            if full && !picked.blobs.is_empty() {
                break;
            }
            picked.blobs.push(data.clone());
            picked.hashes.push(blob.hash);
            picked.again |= blob.sent;
        }
        (!picked.blobs.is_empty()).then_some(picked)
    }

    /// Something is about to be sent, or was when the process ended.
    pub(super) fn begin(&mut self, attempt: Attempt) {
        for blob in self.waiting.iter_mut().flat_map(|waiting| &mut waiting.blobs) {
            blob.sent |= attempt.blobs.contains(&blob.hash);
        }
        let waits: HashSet<B256> = self.waiting.iter().flat_map(|w| &w.blobs).map(|b| b.hash).collect();
        let blobs = attempt.blobs.into_iter().filter(|hash| waits.contains(hash)).collect();
        self.outstanding = Some(Outstanding { blobs, head: attempt.head, until: None });
    }

    /// Looks for what was sent until derivation has passed `until`.
    pub(super) fn look_until(&mut self, head: DaHeight, blocks: u64) {
        if let Some(outstanding) = &mut self.outstanding {
            let from = head.max(outstanding.head);
            outstanding.until = Some(DaHeight(from.0.saturating_add(blocks)));
        }
    }

    /// What was sent certainly did not land.
    pub(super) fn not_sent(&mut self) {
        self.outstanding = None;
    }

    /// A transaction went out.
    pub(super) fn count_sent(&mut self, again: bool) {
        self.status.sent = self.status.sent.saturating_add(1);
        self.status.resent = self.status.resent.saturating_add(u64::from(again));
    }

    /// A transaction was taken: troubles are over, and prices and sizes go back step by step.
    pub(super) fn taken(&mut self, transaction_bytes_max: usize) {
        (self.status.trouble, self.status.alarm) = (None, None);
        self.status.price = self
            .status
            .price
            .map(|price| GasPrice(price.0 / 10 * 9))
            .filter(|price| *price > GasPrice::NODE_FLOOR);
        let grown = self.transaction_bytes.saturating_add(self.transaction_bytes / 8 + 1);
        self.transaction_bytes = grown.min(transaction_bytes_max);
    }

    pub(super) fn trouble(&mut self, what: String) {
        self.status.trouble = Some(what);
    }

    pub(super) fn alarm(&mut self, what: String) {
        self.status.alarm = Some(what);
    }

    /// Raises the price by half; `false` where it stood at the ceiling already.
    pub(super) fn raise(&mut self, ceiling: GasPrice) -> bool {
        let now = self.status.price.unwrap_or(GasPrice::NODE_FLOOR);
        let raised = GasPrice(now.0.saturating_add(now.0 / 2)).min(ceiling);
        let higher = self.status.price.is_none_or(|price| raised > price);
        self.status.price = Some(raised);
        higher
    }

    /// Makes transactions smaller than the one that was too large; `false` where that was one blob alone. With no
    /// lower bound, so that this ends at one blob whatever the chain takes.
    pub(super) fn split(&mut self, too_large: &Submission) -> bool {
        self.transaction_bytes = too_large.bytes() / 2;
        too_large.blobs.len() > 1
    }

    /// The batch that a blob is of.
    pub(super) fn holding(&self, blob: B256) -> Option<PreparedBatch> {
        let holds = |waiting: &&Waiting| waiting.blobs.iter().any(|b| b.hash == blob);
        self.waiting.iter().find(holds).map(|waiting| waiting.batch.clone())
    }

    /// Puts the same batch in other blobs in its place.
    pub(super) fn replace(&mut self, batch: PreparedBatch) {
        if let Some(waiting) = self.waiting.iter_mut().find(|w| w.batch.batch_no == batch.batch_no) {
            *waiting = Waiting::new(batch);
        }
    }

    /// Takes in what derivation made of a Celestia block; gives what it settles, in order.
    pub(super) fn seen(&mut self, seen: &Seen) -> Vec<PublisherEvent> {
        self.derived = Some(seen.da_height);
        let front = self.waiting.front().map(|waiting| waiting.batch.batch_no);
        self.mark(seen);
        let mut events = Vec::new();
        while let Some(waiting) = self.waiting.front() {
            match verdict(&waiting.batch, seen) {
                Verdict::Waits => break,
                Verdict::Included => {
                    let PreparedBatch { batch_no, last_height, .. } = waiting.batch;
                    self.status.included = Some(batch_no);
                    (self.status.trouble, self.status.alarm) = (None, None);
                    self.waiting.pop_front();
                    let da_height = seen.da_height;
                    events.push(PublisherEvent::Included { batch_no, last_height, da_height });
                }
                Verdict::Void(why) => self.drop_all(&why, &mut events),
            }
        }
        if let Some(why) = self.judge_complete(front) {
            self.drop_all(&why, &mut events);
        }
        self.forget_settled();
        events
    }

    /// Marks the blobs that lie in this Celestia block, and unmarks chunks that derivation no longer keeps.
    fn mark(&mut self, seen: &Seen) {
        let here: HashSet<B256> = seen.blobs.iter().copied().collect();
        for waiting in &mut self.waiting {
            for blob in &mut waiting.blobs {
                if here.contains(&blob.hash) {
                    blob.seen = Some(seen.da_height);
                } else if blob.seen.is_some_and(|at| seen.da_height.since(at) >= limits::CHUNK_HEIGHTS_MAX) {
                    blob.seen = None;
                }
                if let Some((_, reason)) = seen.discarded.iter().find(|(hash, _)| *hash == blob.hash) {
                    waiting.reason = Some(reason.clone());
                }
            }
        }
        if let Some(outstanding) = &mut self.outstanding {
            outstanding.blobs.retain(|hash| !here.contains(hash));
        }
    }

    /// Batches that lie on Celestia in full and yet do not wait for anything: derivation discarded them. They are to
    /// be sent again, unless the one that stood first was discarded too often: then gives why.
    fn judge_complete(&mut self, front: Option<u64>) -> Option<String> {
        let complete = |waiting: &&mut Waiting| waiting.blobs.iter().all(|blob| blob.seen.is_some());
        let mut hopeless = None;
        for waiting in self.waiting.iter_mut().filter(complete) {
            waiting.blobs.iter_mut().for_each(|blob| blob.seen = None);
            // One that did not stand first lies before its predecessor: someone copied it, or a block reordered it.
            if Some(waiting.batch.batch_no) != front {
                continue;
            }
            waiting.discards = waiting.discards.saturating_add(1);
            let reason = waiting.reason.clone().unwrap_or_else(|| "derivation gave no reason".into());
            tracing::warn!(batch_no = waiting.batch.batch_no, reason, "derivation discarded a batch");
            if waiting.discards >= DISCARDS_MAX {
                hopeless = Some(format!("derivation discarded it {DISCARDS_MAX} times: {reason}"));
            }
        }
        hopeless
    }

    /// Drops all that waits: each batch builds on the one before it.
    fn drop_all(&mut self, why: &str, events: &mut Vec<PublisherEvent>) {
        let mut why = why.to_owned();
        for Waiting { batch, .. } in self.waiting.drain(..) {
            let PreparedBatch { batch_no, first_height, last_height, .. } = batch;
            events.push(PublisherEvent::Dropped { batch_no, first_height, last_height, why });
            why = format!("it builds on batch {batch_no}, which was dropped");
        }
    }

    /// What is outstanding of batches that no longer wait need not be looked for.
    fn forget_settled(&mut self) {
        if let Some(outstanding) = &mut self.outstanding {
            let waits: HashSet<B256> = self.waiting.iter().flat_map(|w| &w.blobs).map(|b| b.hash).collect();
            outstanding.blobs.retain(|hash| waits.contains(hash));
        }
    }
}

enum Verdict {
    Waits,
    Included,
    Void(String),
}

/// What the chain says of the batch at the front. A batch is derived within one Celestia block, so a tip inside
/// of it is final for it.
fn verdict(batch: &PreparedBatch, seen: &Seen) -> Verdict {
    let (tip, tip_hash) = seen.tip;
    let at = |height: Height| seen.blocks.iter().find(|(h, _)| *h == height).map(|(_, hash)| *hash);
    let last = at(batch.last_height).or((tip == batch.last_height).then_some(tip_hash));
    if last == Some(batch.order_hash) {
        return Verdict::Included;
    }
    if tip >= batch.last_height {
        return Verdict::Void(format!("derivation has another block at height {}", batch.last_height));
    }
    if tip >= batch.first_height {
        return Verdict::Void(format!(
            "derivation's tip is {tip}, within its heights {} to {}: the rest of it was discarded, or other blocks took their place",
            batch.first_height, batch.last_height
        ));
    }
    if tip.next() == batch.first_height && tip_hash != batch.prev_order_hash {
        return Verdict::Void(format!("derivation has another block at height {tip}, which it builds on"));
    }
    Verdict::Waits
}
