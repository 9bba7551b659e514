//! One run over a block: hooks, transactions in order through one journal, and the header at the end.

use crate::{ApplyError, BLOCK_DETAIL_BYTES_MAX, BLOCK_HASHES, ExecutedBlock, ExecutedTransaction};
use crate::{MachineFault, Rejected, Router};
use rayon::prelude::*;
use weft_state::{Journal, NodeRead, StateRead, TransactionEffects, key};
use weft_types::{B256, Bloom, Bytes, Header, Log, OrderedTransaction, Receipt, Transaction, VmId, hash};
use weft_vm::{BlockEnv, BlockPhase, Checked, DETAIL_BYTES_MAX, Execution, Outcome, Reject, RejectKind};

/// The part of a header that comes from derivation and not from execution.
pub(crate) struct Derived {
    pub(crate) order_hash: B256,
    pub(crate) derivation_hash: B256,
}

/// A block while it runs.
pub(crate) struct Run<'a> {
    router: &'a Router,
    env: BlockEnv,
    journal: Journal<'a>,
    transactions: Vec<ExecutedTransaction>,
    gas_used: u64,
    /// Bytes that details may still have, of [`BLOCK_DETAIL_BYTES_MAX`].
    detail_left: usize,
    logs_bloom: Bloom,
}

impl<'a> Run<'a> {
    /// Opens the block `env` over `state`; hooks are the caller's.
    pub(crate) fn new(router: &'a Router, env: BlockEnv, state: &'a dyn StateRead) -> Self {
        let journal = Journal::new(state);
        let (detail_left, logs_bloom) = (BLOCK_DETAIL_BYTES_MAX, Bloom::ZERO);
        Self { router, env, journal, transactions: Vec::new(), gas_used: 0, detail_left, logs_bloom }
    }

    /// Gas that the block has left.
    pub(crate) fn gas_left(&self) -> u64 {
        self.env.gas_limit.saturating_sub(self.gas_used)
    }

    /// Keeps the hash of the block before this one, drops the one that falls out of the ring, and lets each
    /// machine begin.
    pub(crate) fn begin(&mut self) -> Result<(), ApplyError> {
        if let Some(parent) = self.env.height.prev() {
            self.journal
                .set(key::block_hash(parent), Bytes::copy_from_slice(self.env.parent_hash.as_slice()));
            if let Some(old) = parent.0.checked_sub(BLOCK_HASHES) {
                self.journal.remove(key::block_hash(old.into()));
            }
        }
        self.hooks(BlockPhase::Begin)
    }

    /// Calls the hook of every active machine, ascending by id. Their logs belong to no receipt and are not
    /// kept, like those of Ethereum's system calls.
    pub(crate) fn hooks(&mut self, phase: BlockPhase) -> Result<(), ApplyError> {
        for (id, vm) in self.router.registry.active(self.env.origin) {
            vm.on_block(&mut self.journal, &self.env, phase)?;
            self.end_transaction(id, B256::ZERO)?;
        }
        Ok(())
    }

    /// The journal of the block.
    pub(crate) fn journal(&mut self) -> &mut Journal<'a> {
        &mut self.journal
    }

    /// Runs a block's transactions in order, each with its check by index, and returns those that were rejected.
    pub(crate) fn all<'c>(
        &mut self,
        transactions: &[OrderedTransaction],
        mut check: impl FnMut(usize) -> &'c Result<Checked, Reject>,
    ) -> Result<Vec<Rejected>, ApplyError> {
        let mut rejected = Vec::new();
        for (index, ordered) in transactions.iter().enumerate() {
            let result = match check(index) {
                Ok(checked) => self.transaction(&ordered.transaction, checked)?,
                Err(reject) => Err(reject.clone()),
            };
            if let Err(reject) = result {
                rejected.push(Rejected { index, transaction: ordered.transaction.clone(), reject });
            }
        }
        Ok(rejected)
    }

    /// Runs one transaction; a rejected one leaves nothing.
    pub(crate) fn transaction(
        &mut self,
        transaction: &Transaction,
        checked: &Checked,
    ) -> Result<Result<(), Reject>, ApplyError> {
        let vm = match self.router.vm(transaction.vm) {
            Some(vm) if self.router.is_active(transaction.vm, self.env.origin) => vm,
            _ => {
                let message =
                    format!("{} is not active at Celestia height {}", transaction.vm, self.env.origin);
                return Ok(Err(Reject::new(RejectKind::Unsupported, message)));
            }
        };
        if checked.gas_limit > self.gas_left() {
            let message =
                format!("it may use {} gas, the block has {} left", checked.gas_limit, self.gas_left());
            return Ok(Err(Reject::new(RejectKind::GasLimit, message)));
        }
        let checkpoint = self.journal.checkpoint();
        match vm.execute(&mut self.journal, &self.env, checked)? {
            Execution::Rejected(reject) => {
                self.journal.revert(checkpoint);
                Ok(Err(reject))
            }
            Execution::Executed(outcome) => {
                self.journal.commit(checkpoint);
                let effects = self.end_transaction(transaction.vm, checked.id)?;
                self.keep(transaction, checked, outcome, effects.logs)?;
                Ok(Ok(()))
            }
        }
    }

    fn keep(
        &mut self,
        transaction: &Transaction,
        checked: &Checked,
        outcome: Outcome,
        logs: Vec<Log>,
    ) -> Result<(), ApplyError> {
        if outcome.gas_used > checked.gas_limit {
            return Err(self.fault(transaction.vm, checked.id, MachineFault::Gas));
        }
        if !outcome.status.is_success() && !logs.is_empty() {
            return Err(self.fault(transaction.vm, checked.id, MachineFault::Logs));
        }
        // At most the gas limit of the block, which `transaction` held it against.
        self.gas_used = self.gas_used.saturating_add(outcome.gas_used);
        if transaction.vm == VmId::EVM {
            bloom(&mut self.logs_bloom, &logs);
        }
        let receipt = Receipt {
            vm: transaction.vm.0,
            id: checked.id,
            status: outcome.status,
            gas_used: outcome.gas_used,
            fee: outcome.fee,
            output_hash: hash::sha256("", &[&outcome.output]),
            logs,
        };
        let detail = self.kept_detail(outcome.detail);
        self.transactions.push(ExecutedTransaction {
            transaction: transaction.clone(),
            id: checked.id,
            sender: checked.sender,
            receipt,
            output: outcome.output,
            detail,
        });
        Ok(())
    }

    /// `detail`, or nothing where it passes the bound of a transaction or of the block.
    fn kept_detail(&mut self, detail: Bytes) -> Bytes {
        match self.detail_left.checked_sub(detail.len()) {
            Some(left) if detail.len() <= DETAIL_BYTES_MAX => {
                self.detail_left = left;
                detail
            }
            _ => Bytes::new(),
        }
    }

    /// Ends a transaction or a hook: the sum of balances holds and no message is lost.
    pub(crate) fn end_transaction(&mut self, vm: VmId, id: B256) -> Result<TransactionEffects, ApplyError> {
        let height = self.env.height;
        let effects = self.journal.end_transaction().map_err(|violation| ApplyError::Supply {
            height,
            vm,
            id,
            violation,
        })?;
        if effects.outbox.is_empty() { Ok(effects) } else { Err(self.fault(vm, id, MachineFault::Message)) }
    }

    fn fault(&self, vm: VmId, id: B256, fault: MachineFault) -> ApplyError {
        ApplyError::Machine { height: self.env.height, vm, id, fault }
    }

    /// Closes the block: roots, tree and header. `rejected` is left empty for the caller to fill.
    pub(crate) fn finish(self, nodes: &dyn NodeRead, derived: &Derived) -> Result<ExecutedBlock, ApplyError> {
        let changes = self.journal.into_changes()?;
        let (router, transactions) = (self.router, &self.transactions);
        let transactions_root = || {
            let bytes: Vec<Bytes> = transactions.par_iter().map(|done| done.transaction.to_bytes()).collect();
            hash::merkle_root(&bytes)
        };
        let receipts_root = || {
            let receipts = transactions.par_iter().map(|done| alloy_rlp::encode(&done.receipt));
            hash::merkle_root(&receipts.collect::<Vec<_>>())
        };
        // Three functions of what was executed, and none of another.
        let (tree, (transactions_root, receipts_root)) = rayon::join(
            || router.tree.update(nodes, self.env.height.0, &changes),
            || rayon::join(transactions_root, receipts_root),
        );
        let tree = tree?;
        let no_messages: [&[u8]; 0] = [];
        let header = Header {
            height: self.env.height,
            parent: self.env.parent_hash,
            timestamp_ms: self.env.timestamp_ms,
            origin: self.env.origin,
            order_hash: derived.order_hash,
            derivation_hash: derived.derivation_hash,
            transactions_root,
            receipts_root,
            messages_root: hash::merkle_root(&no_messages),
            state_root: tree.root,
            gas_used: self.gas_used,
            base_fee: self.env.base_fee,
            logs_bloom: self.logs_bloom,
            version: weft_types::header::HEADER_VERSION,
        };
        let (env, transactions) = (self.env, self.transactions);
        Ok(ExecutedBlock { header, env, transactions, rejected: Vec::new(), changes, tree })
    }
}

/// Ethereum's M3:2048 over the 20-byte address and the topics of each log.
fn bloom(bloom: &mut Bloom, logs: &[Log]) {
    for log in logs {
        if let Some(address) = log.account_id().as_evm() {
            bloom.accrue_raw_log(address, &log.topics);
        }
    }
}
