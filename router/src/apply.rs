//! Genesis and derived blocks: [`Router::genesis_block`], [`Router::apply_block`].

use crate::checks::Checks;
use crate::run::{Derived, Run};
use crate::{ApplyError, BlockTemplate, ExecutedBlock, Router, next_base_fee, with_stack};
use rayon::prelude::*;
use weft_state::{EmptyState, NodeRead, ReadError, StateRead};
use weft_types::{AccountId, B256, Bytes, DerivedBlock, Header, Height, OrderedTransaction, VmId, hash};
use weft_vm::{BlockEnv, BlockPhase, Checked, FeeSplit, Reject};

/// A tree without nodes: what genesis is written to.
struct NoNodes;

impl NodeRead for NoNodes {
    fn node(&self, _id: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(None)
    }
}

impl Router {
    /// What transactions see as the block that `template` opens on top of `parent`.
    #[must_use]
    pub fn env(&self, parent: &Header, template: &BlockTemplate) -> BlockEnv {
        let base_fee = next_base_fee(&self.genesis, parent);
        self.env_with(parent.hash(), template, base_fee)
    }

    fn env_with(&self, parent_hash: B256, template: &BlockTemplate, base_fee: u64) -> BlockEnv {
        let fees = &self.genesis.fees;
        BlockEnv {
            chain_id: self.genesis.chain_id,
            height: template.height,
            origin: template.origin,
            parent_hash,
            timestamp_ms: template.timestamp_ms,
            prevrandao: hash::sha256(
                "weft/randao",
                &[template.origin_hash.as_slice(), &template.height.0.to_be_bytes()],
            ),
            gas_limit: self.genesis.limits.block_gas,
            base_fee,
            fee_recipient: template.sequencer.map_or(fees.treasury, AccountId::from_evm),
            fees: FeeSplit {
                treasury: fees.treasury,
                base_to_recipient_bp: fees.base_to_sequencer_bp,
                base_to_treasury_bp: fees.base_to_treasury_bp,
            },
        }
    }

    /// Block 0: the balances of genesis, then what each machine adds. Its order hash and derivation hash are
    /// the hash of genesis, so that no two chains share a block.
    ///
    /// # Errors
    /// [`ApplyError::GenesisSupply`] where genesis was not validated; a machine's fault.
    pub fn genesis_block(&self) -> Result<ExecutedBlock, ApplyError> {
        let checkpoint = &self.genesis.celestia.da_checkpoint;
        let template = BlockTemplate {
            height: Height(0),
            timestamp_ms: self.genesis.timestamp_ms,
            origin: checkpoint.height,
            origin_hash: checkpoint.hash,
            sequencer: None,
        };
        let env = self.env_with(B256::ZERO, &template, self.genesis.fees.base_fee_initial);
        let mut run = Run::new(self, env, &EmptyState);
        let supply = self.genesis.supply().ok_or(ApplyError::GenesisSupply)?;
        run.journal().mint(supply)?;
        for account in &self.genesis.accounts {
            // The sum fits, so each does.
            run.journal().set_balance(account.address, account.balance)?;
        }
        run.end_transaction(VmId::HOST, B256::ZERO)?;
        run.hooks(BlockPhase::Genesis)?;
        let hash = self.genesis_hash;
        run.finish(&NoNodes, &Derived { order_hash: hash, derivation_hash: hash })
    }

    /// The stateless check of all transactions of a block on all cores; results in the block's order.
    #[must_use]
    pub fn check_all(&self, transactions: &[OrderedTransaction]) -> Vec<Result<Checked, Reject>> {
        transactions.par_iter().map(|ordered| self.check(&ordered.transaction)).collect()
    }

    /// Executes a derived block on the state after `parent`. Pure: nothing is written. Transactions are checked on the
    /// other cores while those before them run.
    ///
    /// # Errors
    /// [`ApplyError`]; never for what a transaction does.
    pub fn apply_block(
        &self,
        state: &dyn StateRead,
        nodes: &dyn NodeRead,
        parent: &Header,
        block: &DerivedBlock,
    ) -> Result<ExecutedBlock, ApplyError> {
        let checks = Checks::new(self, &block.transactions);
        rayon::in_place_scope(|scope| {
            checks.begin(scope);
            self.apply_with(state, nodes, parent, block, |index| checks.get(index))
        })
    }

    /// As [`Self::apply_block`], with the checks made ahead by [`Self::check_all`].
    ///
    /// # Errors
    /// As [`Self::apply_block`].
    ///
    /// # Panics
    /// Where `checks` are not those of this block's transactions, one each.
    pub fn apply_checked(
        &self,
        state: &dyn StateRead,
        nodes: &dyn NodeRead,
        parent: &Header,
        block: &DerivedBlock,
        checks: &[Result<Checked, Reject>],
    ) -> Result<ExecutedBlock, ApplyError> {
        assert_eq!(checks.len(), block.transactions.len(), "each transaction has its check");
        self.apply_with(state, nodes, parent, block, |index| &checks[index])
    }

    fn apply_with<'c>(
        &self,
        state: &dyn StateRead,
        nodes: &dyn NodeRead,
        parent: &Header,
        block: &DerivedBlock,
        check: impl FnMut(usize) -> &'c Result<Checked, Reject>,
    ) -> Result<ExecutedBlock, ApplyError> {
        let template = BlockTemplate::from(block);
        with_stack(|| {
            let mut run = self.open(state, parent, &template)?;
            let rejected = run.all(&block.transactions, check)?;
            run.hooks(BlockPhase::End)?;
            let derived = Derived { order_hash: block.order_hash, derivation_hash: block.derivation_hash() };
            let executed = run.finish(nodes, &derived)?;
            Ok(ExecutedBlock { rejected, ..executed })
        })
    }

    /// Opens the block of `template` and runs what comes before its first transaction.
    pub(crate) fn open<'a>(
        &'a self,
        state: &'a dyn StateRead,
        parent: &Header,
        template: &BlockTemplate,
    ) -> Result<Run<'a>, ApplyError> {
        if template.height != parent.height.next() || template.timestamp_ms < parent.timestamp_ms {
            return Err(ApplyError::NotNext {
                height: template.height,
                timestamp_ms: template.timestamp_ms,
                parent: parent.height,
                parent_ms: parent.timestamp_ms,
            });
        }
        let mut run = Run::new(self, self.env(parent, template), state);
        run.begin()?;
        Ok(run)
    }
}
