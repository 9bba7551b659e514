//! How the pool follows the chain: a block takes out what it holds, and one that is void gives it back.

use super::{Mempool, reads};
use crate::chain::{BlockRecord, ChainError};
use std::collections::HashSet;
use std::sync::Arc;
use weft_state::Journal;
use weft_types::{AccountId, Address, VmId};

impl Mempool {
    /// Moves on with a block that was added to the chain: what it took is out, and so is what expired.
    ///
    /// # Errors
    /// [`ChainError`] where the state can't be read.
    pub fn on_block(&self, block: &BlockRecord) -> Result<(), ChainError> {
        self.refresh(block.transactions.iter().filter_map(|transaction| transaction.sender.as_evm()))?;
        if let Some(vm) = &self.sbf {
            let state = self.chain.head().state;
            let height = vm.block_height(&mut Journal::new(&*state), None)?;
            let mut pools = self.pools.lock();
            let own = block.transactions.iter().filter(|record| record.transaction.vm == VmId::SBF);
            own.for_each(|record| pools.sbf.remove(record.id));
            // Those that are still good in a block of the same time stay.
            pools.sbf.expire(height);
        }
        let wasm = block.transactions.iter().filter(|record| record.transaction.vm == VmId::WASM);
        let mut signers: HashSet<AccountId> = wasm.clone().map(|record| record.sender).collect();
        {
            let mut pools = self.pools.lock();
            pools.moved();
            let executed: Vec<_> = wasm.filter_map(|record| pools.wasm.get(record.id)).collect();
            for pooled in executed {
                signers.extend(pooled.signers.iter().map(|(account, _)| *account));
                pools.wasm.executed(pooled.checked.id);
            }
        }
        self.refresh_sequences(signers)
    }

    /// Takes up again what stood in blocks that are void, as far as it may still execute.
    ///
    /// # Errors
    /// [`ChainError`] where the state can't be read.
    pub fn on_revert(&self, removed: &[Arc<BlockRecord>]) -> Result<(), ChainError> {
        let senders = self.pools.lock().evm.senders();
        self.refresh(senders)?;
        self.refresh_blockhashes()?;
        // Those that come back stand before those that wait; what waits is taken up again behind them.
        let waiting = {
            let mut pools = self.pools.lock();
            pools.moved();
            pools.wasm.drain()
        };
        let transactions = removed.iter().flat_map(|block| block.transactions.iter());
        // Forced ones come back by derivation.
        let own = transactions.filter(|record| !record.forced);
        let back: Vec<_> = own.map(|record| record.transaction.clone()).collect();
        let count = back.len();
        let back = back.into_iter().chain(waiting);
        let taken = self.add_many(back.collect()).into_iter().filter(Result::is_ok).count();
        tracing::info!(count, taken, "transactions of void blocks are back in the pool");
        Ok(())
    }

    /// Reads the nonces of these accounts again.
    fn refresh(&self, senders: impl IntoIterator<Item = Address>) -> Result<(), ChainError> {
        let accounts = reads::accounts(&self.chain, senders)?;
        let mut pools = self.pools.lock();
        for (sender, account) in accounts {
            pools.evm.set_nonce(sender, account.nonce);
        }
        Ok(())
    }

    /// Reads the sequence numbers of these accounts again.
    fn refresh_sequences(&self, accounts: HashSet<AccountId>) -> Result<(), ChainError> {
        let states = reads::wasm(&self.chain, accounts)?;
        let mut pools = self.pools.lock();
        for (account, state) in states {
            pools.wasm.set_sequence(account, state.sequence);
        }
        Ok(())
    }

    /// Drops what names blocks that are void: nothing else can make a blockhash bad before its time.
    fn refresh_blockhashes(&self) -> Result<(), ChainError> {
        let Some(reader) = self.reader() else { return Ok(()) };
        let blockhashes = self.pools.lock().sbf.blockhashes();
        for blockhash in blockhashes {
            if reader.last_height(&blockhash)?.is_none() {
                self.pools.lock().sbf.forget(&blockhash);
            }
        }
        Ok(())
    }
}
