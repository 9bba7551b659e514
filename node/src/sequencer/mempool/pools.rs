//! [`Pools`]: the machines' parts of the pool, behind one lock.

use super::error::PoolError;
use super::pool::{AccountState, Pool, PoolLimits, PoolStatus};
use super::pooled::Pooled;
use super::reads::Reads;
use super::sbf::SbfPool;
use super::wasm::WasmPool;
use crate::chain::Head;
use solana_hash::Hash;
use std::sync::Arc;
use std::time::Instant;
use weft_types::{AccountId, Address, B256, VmId};

/// See the module.
pub(super) struct Pools {
    pub(super) evm: Pool,
    pub(super) sbf: SbfPool,
    pub(super) wasm: WasmPool,
    /// How often the chain moved on under it: what was read of the state before holds no more.
    pub(super) moves: u64,
    /// Where the chain stood, while it may go back and what waits has not yet: new ones are held against this.
    pub(super) held: Option<Head>,
    /// When it was last looked for what has waited too long.
    pub(super) swept: Instant,
}

/// What the state says something of, of all that waits.
pub(super) struct Named {
    pub(super) senders: Vec<Address>,
    pub(super) signers: Vec<AccountId>,
    pub(super) blockhashes: Vec<Hash>,
}

impl Pools {
    /// Empty ones.
    pub(super) fn new(limits: PoolLimits) -> Self {
        let (evm, sbf, wasm) = (Pool::new(limits), SbfPool::new(limits), WasmPool::new(limits));
        Self { evm, sbf, wasm, moves: 0, held: None, swept: Instant::now() }
    }

    /// Takes `pooled`, of which `reads` says what the state does, or says why not.
    pub(super) fn insert(&mut self, pooled: &Pooled, reads: &Reads) -> Result<(), PoolError> {
        match pooled {
            Pooled::Evm(evm) => {
                // Read for every sender of the group.
                let account = reads.accounts.get(&evm.sender).copied().unwrap_or(AccountState::NONE);
                self.evm.insert(Arc::clone(evm), account)
            }
            Pooled::Sbf(sbf) => {
                let unread = || Err(PoolError::State("a transaction was not looked up".into()));
                let state = reads.sbf.get(&sbf.checked.id).cloned().unwrap_or_else(unread)?;
                self.sbf.insert(Arc::clone(sbf), state)
            }
            Pooled::Wasm(wasm) => {
                let state = wasm.signers.iter().filter_map(|(account, _)| reads.wasm.get(account).copied());
                self.wasm.insert(Arc::clone(wasm), &state.collect::<Vec<_>>())
            }
        }
    }

    pub(super) fn get(&self, id: B256) -> Option<Pooled> {
        let sbf = || self.sbf.get(id).map(Pooled::Sbf);
        let wasm = || self.wasm.get(id).map(Pooled::Wasm);
        self.evm.get(id).map(Pooled::Evm).or_else(sbf).or_else(wasm)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much waits of one machine.
    pub(super) fn status(&self, vm: VmId) -> PoolStatus {
        match vm {
            VmId::EVM => self.evm.status(),
            VmId::SBF => self.sbf.status(),
            VmId::WASM => self.wasm.status(),
            _ => PoolStatus::default(),
        }
    }

    /// See [`Named`].
    pub(super) fn named(&self) -> Named {
        let (senders, blockhashes) = (self.evm.senders(), self.sbf.blockhashes());
        Named { senders, signers: self.wasm.signers(), blockhashes }
    }

    /// The chain went back. `back` stood in blocks that are void; `reads` says what the state does now of it and of all that
    /// is [`Named`]. Returns what was taken up of `back`.
    pub(super) fn went_back(&mut self, back: Vec<Pooled>, reads: &Reads) -> Vec<Pooled> {
        for (sender, account) in &reads.accounts {
            self.evm.set_nonce(*sender, account.nonce);
        }
        // Nothing else makes a blockhash bad before its time.
        let gone = reads.blockhashes.iter().filter(|(_, good)| !**good);
        gone.for_each(|(blockhash, _)| self.sbf.forget(blockhash));
        // Sequence numbers that come back stand before those that wait; what waits is taken up again behind them.
        let waiting = self.wasm.drain();
        let taken = back.into_iter().filter(|pooled| self.insert(pooled, reads).is_ok()).collect();
        for pooled in waiting {
            // One whose numbers the state now refuses has nothing to wait for.
            let _ = self.insert(&Pooled::Wasm(pooled), reads);
        }
        self.held = None;
        self.moved();
        taken
    }

    /// Takes out what came in before `oldest`, and says how much.
    pub(super) fn expire(&mut self, oldest: Instant) -> u64 {
        let before = self.len();
        self.evm.expire(oldest);
        self.sbf.expire_received(oldest);
        self.wasm.expire(oldest);
        u64::try_from(before.saturating_sub(self.len())).unwrap_or(u64::MAX)
    }

    fn len(&self) -> usize {
        self.evm.len().saturating_add(self.sbf.len()).saturating_add(self.wasm.len())
    }

    /// The chain moved on: by a block, or back.
    pub(super) fn moved(&mut self) {
        self.moves = self.moves.wrapping_add(1);
    }
}
