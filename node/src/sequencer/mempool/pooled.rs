//! [`Pooled`]: a transaction that waits, of whichever machine.

use super::pool::PooledEvm;
use super::sbf::PooledSbf;
use super::wasm::PooledWasm;
use std::sync::Arc;
use std::time::Instant;
use weft_router::Candidate;
use weft_types::{B256, Transaction};
use weft_vm::Checked;

/// A checked transaction that waits. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Pooled {
    /// The EVM's.
    Evm(Arc<PooledEvm>),
    /// SBF's.
    Sbf(Arc<PooledSbf>),
    /// Wasm's.
    Wasm(Arc<PooledWasm>),
}

impl Pooled {
    /// As it will be in a block.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        match self {
            Self::Evm(pooled) => &pooled.transaction,
            Self::Sbf(pooled) => &pooled.transaction,
            Self::Wasm(pooled) => &pooled.transaction,
        }
    }

    /// What its machine found.
    #[must_use]
    pub fn checked(&self) -> &Checked {
        match self {
            Self::Evm(pooled) => &pooled.checked,
            Self::Sbf(pooled) => &pooled.checked,
            Self::Wasm(pooled) => &pooled.checked,
        }
    }

    /// The machine's id of it.
    #[must_use]
    pub fn id(&self) -> B256 {
        self.checked().id
    }

    /// When it came in.
    #[must_use]
    pub fn received(&self) -> Instant {
        match self {
            Self::Evm(pooled) => pooled.received,
            Self::Sbf(pooled) => pooled.received,
            Self::Wasm(pooled) => pooled.received,
        }
    }

    /// As the builder of a block takes it.
    #[must_use]
    pub fn candidate(&self) -> Candidate {
        Candidate { transaction: self.transaction().clone(), checked: self.checked().clone() }
    }

    /// It, where it is the EVM's.
    #[must_use]
    pub fn into_evm(self) -> Option<Arc<PooledEvm>> {
        match self {
            Self::Evm(pooled) => Some(pooled),
            _ => None,
        }
    }

    /// It, where it is SBF's.
    #[must_use]
    pub fn into_sbf(self) -> Option<Arc<PooledSbf>> {
        match self {
            Self::Sbf(pooled) => Some(pooled),
            _ => None,
        }
    }

    /// It, where it is Wasm's.
    #[must_use]
    pub fn into_wasm(self) -> Option<Arc<PooledWasm>> {
        match self {
            Self::Wasm(pooled) => Some(pooled),
            _ => None,
        }
    }
}
