//! How the pool follows the chain: a block takes out what it holds, and one that is void gives it back.

use super::pools::Named;
use super::reads::Reads;
use super::{Mempool, reads};
use crate::chain::{BlockRecord, ChainError, Head};
use rayon::prelude::*;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use weft_state::Journal;
use weft_types::{AccountId, Address, Transaction, VmId};

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

    /// Says that the chain may go back: until the answer is dropped, or [`Self::on_revert`] has taken up what stood in void
    /// blocks, what comes in is held against the chain as it stands now. Else a client that goes on meanwhile would be told
    /// that its next sequence number is wrong.
    #[must_use]
    pub fn hold(&self) -> Held<'_> {
        self.pools.lock().held = Some(self.chain.head());
        Held(self)
    }

    /// Takes up again what stood in blocks that are void, as far as it may still execute. All at once: nobody finds the
    /// pool without what waits, or what comes back behind it.
    ///
    /// # Errors
    /// [`ChainError`] where the state can't be read.
    pub fn on_revert(&self, removed: &[Arc<BlockRecord>]) -> Result<(), ChainError> {
        let transactions = removed.iter().flat_map(|block| block.transactions.iter());
        // Forced ones come back by derivation.
        let own = transactions.filter(|record| !record.forced).map(|record| record.transaction.clone());
        let own: Vec<Transaction> = own.collect();
        let count = own.len();
        let back: Vec<_> = own.into_par_iter().map(|transaction| self.prepare(transaction)).collect();
        let head = self.chain.head();
        // No blockhash is known: those that are were read of blocks that may be void.
        let mut reads = self.read(&head, &back, HashMap::new())?;
        let named = self.pools.lock().named();
        self.read_named(&head, named, &mut reads)?;
        let taken = {
            let mut pools = self.pools.lock();
            // Again, for the few that came in meanwhile.
            self.read_named(&head, pools.named(), &mut reads)?;
            pools.went_back(back.into_iter().flatten().collect(), &reads)
        };
        tracing::info!(count, taken = taken.len(), "transactions of void blocks are back in the pool");
        self.announce(taken);
        Ok(())
    }

    /// Adds to `reads` what the state of `head` says of what is named and not in it.
    fn read_named(&self, head: &Head, named: Named, reads: &mut Reads) -> Result<(), ChainError> {
        let senders = named.senders.into_iter().filter(|sender| !reads.accounts.contains_key(sender));
        let senders = reads::accounts(&*head.state, senders)?;
        reads.accounts.extend(senders);
        let signers = named.signers.into_iter().filter(|signer| !reads.wasm.contains_key(signer));
        let signers = reads::wasm(&*head.state, signers)?;
        reads.wasm.extend(signers);
        let Some(reader) = self.reader(head) else { return Ok(()) };
        for blockhash in named.blockhashes {
            if let Entry::Vacant(unread) = reads.blockhashes.entry(blockhash) {
                unread.insert(reader.last_height(&blockhash)?.is_some());
            }
        }
        Ok(())
    }

    /// Reads the nonces of these accounts again.
    fn refresh(&self, senders: impl IntoIterator<Item = Address>) -> Result<(), ChainError> {
        let accounts = reads::accounts(&*self.chain.head().state, senders)?;
        let mut pools = self.pools.lock();
        for (sender, account) in accounts {
            pools.evm.set_nonce(sender, account.nonce);
        }
        Ok(())
    }

    /// Reads the sequence numbers of these accounts again.
    fn refresh_sequences(&self, accounts: HashSet<AccountId>) -> Result<(), ChainError> {
        let states = reads::wasm(&*self.chain.head().state, accounts)?;
        let mut pools = self.pools.lock();
        for (account, state) in states {
            pools.wasm.set_sequence(account, state.sequence);
        }
        Ok(())
    }
}

/// See [`Mempool::hold`].
pub struct Held<'a>(&'a Mempool);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.pools.lock().held = None;
    }
}
