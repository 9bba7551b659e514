//! [`Pools`]: the machines' parts of the pool, behind one lock.

use super::error::PoolError;
use super::pool::{AccountState, Pool, PoolLimits, PoolStatus};
use super::pooled::Pooled;
use super::reads::Reads;
use super::sbf::SbfPool;
use super::wasm::WasmPool;
use std::sync::Arc;
use weft_types::{B256, VmId};

/// See the module.
pub(super) struct Pools {
    pub(super) evm: Pool,
    pub(super) sbf: SbfPool,
    pub(super) wasm: WasmPool,
    /// How often the chain moved on under it: what was read of the state before holds no more.
    pub(super) moves: u64,
}

impl Pools {
    /// Empty ones.
    pub(super) fn new(limits: PoolLimits) -> Self {
        let (evm, sbf, wasm) = (Pool::new(limits), SbfPool::new(limits), WasmPool::new(limits));
        Self { evm, sbf, wasm, moves: 0 }
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
        self.evm.len() == 0 && self.sbf.len() == 0 && self.wasm.len() == 0
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

    /// The chain moved on: by a block, or back.
    pub(super) fn moved(&mut self) {
        self.moves = self.moves.wrapping_add(1);
    }
}
