//! [`Router::build_block`]: a sequencer's block, executed while it is put together.

use crate::run::Derived;
use crate::{ApplyError, BlockTemplate, ExecutedBlock, Router, with_stack};
use weft_state::{NodeRead, StateRead};
use weft_types::{DerivedBlock, Header, OrderedTransaction, Transaction, hash, limits};
use weft_vm::{BlockPhase, Checked, Reject};

/// Candidates in a row that do not fit into what is left of a block before it is closed.
pub const MISFITS_MAX: usize = 64;

/// A transaction of the mempool.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// As its sender made it.
    pub transaction: Transaction,
    /// What [`Router::check`] gave for it.
    pub checked: Checked,
}

/// Where a block stops, below what genesis allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildLimits {
    /// Bytes of all transactions, forced ones too; at most genesis' `block_bytes`.
    pub bytes: usize,
    /// Count of all transactions, forced ones too; at most [`limits::BLOCK_TRANSACTIONS_MAX`].
    pub transactions: usize,
}

impl BuildLimits {
    /// All that the chain of `router` allows.
    #[must_use]
    pub fn of(router: &Router) -> Self {
        let bytes = router.genesis().derivation_params().block_bytes_max;
        Self { bytes, transactions: limits::BLOCK_TRANSACTIONS_MAX }
    }
}

/// A candidate that the state refused: drop it, or keep it where its kind says it may pass later.
#[derive(Clone, Debug)]
pub struct RejectedCandidate {
    /// As it was pulled.
    pub candidate: Candidate,
    /// Why.
    pub reject: Reject,
}

/// A block that a sequencer made. `block` applied to the same state gives `executed` again.
#[derive(Clone, Debug)]
pub struct Built {
    /// What is to be signed and posted.
    pub block: DerivedBlock,
    /// What executing it gave. Its `rejected` holds forced transactions only.
    pub executed: ExecutedBlock,
    /// Candidates that were refused and are not in the block.
    pub rejected: Vec<RejectedCandidate>,
    /// Candidates that were pulled and did not fit: still good for the next block.
    pub unfit: Vec<Candidate>,
}

impl Router {
    /// Makes the block of `template` on top of `parent`: all of `forced`, in order, then `candidates` until
    /// they end, the limits are reached, or [`MISFITS_MAX`] in a row do not fit. The caller ends the block
    /// by its deadline by answering `None`: there is no clock in here.
    ///
    /// `forced` must be the queue's entries in (parent's origin, template's origin], as derivation will put
    /// them in front. They are in the block even where they are rejected.
    ///
    /// # Errors
    /// As [`Router::apply_block`].
    // The one call of the sequencer; a struct of its arguments would be taken apart at once.
    #[allow(clippy::too_many_arguments)]
    pub fn build_block(
        &self,
        state: &dyn StateRead,
        nodes: &dyn NodeRead,
        parent: &Header,
        template: &BlockTemplate,
        forced: Vec<Transaction>,
        candidates: &mut dyn FnMut() -> Option<Candidate>,
        limits: BuildLimits,
    ) -> Result<Built, ApplyError> {
        with_stack(|| {
            let mut run = self.open(state, parent, template)?;
            let mut ordered: Vec<OrderedTransaction> = forced
                .into_iter()
                .map(|transaction| OrderedTransaction { transaction, forced: true })
                .collect();
            let checks = self.check_all(&ordered);
            let refused = run.all(&ordered, |index| &checks[index])?;
            let mut bytes: usize = ordered.iter().map(|entry| entry.transaction.encoded_len()).sum();
            let (mut rejected, mut unfit) = (Vec::new(), Vec::new());
            let mut misfits = 0;
            while ordered.len() < limits.transactions && misfits < MISFITS_MAX {
                let Some(candidate) = candidates() else { break };
                let after = bytes.saturating_add(candidate.transaction.encoded_len());
                if after > limits.bytes || candidate.checked.gas_limit > run.gas_left() {
                    // What no block can hold would come back for ever; as a reject it leaves the pool.
                    misfits += 1;
                    match self.never_fits(&candidate) {
                        Some(reject) => rejected.push(RejectedCandidate { candidate, reject }),
                        None => unfit.push(candidate),
                    }
                    continue;
                }
                misfits = 0;
                match run.transaction(&candidate.transaction, &candidate.checked)? {
                    Ok(()) => {
                        bytes = after;
                        ordered
                            .push(OrderedTransaction { transaction: candidate.transaction, forced: false });
                    }
                    Err(reject) => rejected.push(RejectedCandidate { candidate, reject }),
                }
            }
            run.hooks(BlockPhase::End)?;
            let block = self.seal(parent, template, ordered);
            let derived = Derived { order_hash: block.order_hash, derivation_hash: block.derivation_hash() };
            let executed = ExecutedBlock { rejected: refused, ..run.finish(nodes, &derived)? };
            Ok(Built { block, executed, rejected, unfit })
        })
    }

    /// Why an empty block could not hold `candidate` either.
    fn never_fits(&self, candidate: &Candidate) -> Option<Reject> {
        let (asked, most) = (candidate.checked.gas_limit, self.genesis.limits.block_gas);
        let gas = (asked > most).then(|| format!("it may use {asked} gas, a block has {most}"));
        let length = candidate.transaction.encoded_len();
        let room = BuildLimits::of(self).bytes;
        let bytes = (length > room).then(|| format!("it has {length} bytes, a block has room for {room}"));
        gas.or(bytes).map(|message| Reject::new(weft_vm::RejectKind::GasLimit, message))
    }

    fn seal(
        &self,
        parent: &Header,
        template: &BlockTemplate,
        transactions: Vec<OrderedTransaction>,
    ) -> DerivedBlock {
        let root = DerivedBlock::ordered_root(transactions.iter().map(|entry| &entry.transaction));
        DerivedBlock {
            height: template.height,
            timestamp_ms: template.timestamp_ms,
            origin: template.origin,
            origin_hash: template.origin_hash,
            order_hash: hash::order_hash(
                parent.order_hash,
                template.height.0,
                template.timestamp_ms,
                template.origin.0,
                root,
            ),
            sequencer: template.sequencer,
            transactions,
        }
    }
}
