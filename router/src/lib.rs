//! The state transition: a derived block and the state before it give a header, receipts and a change set.
//!
//! ```text
//! DerivedBlock ─┬─ check (parallel) ─> Checked ─ execute in order (journal) ─> receipts
//!               └─ rejected, with its reason            └─> ChangeSet ─ Tree::update ─> state root
//! ```
//!
//! In: genesis, the machines, a derived block or the candidates of a sequencer. Out: [`ExecutedBlock`].
//!
//! Invariants, as negatives:
//! - Not a function of anything but its arguments: no clock, no config, no thread order.
//! - Never trusts the sequencer: it fixed order, not results.
//! - Never names a concrete machine, and never sees Celestia.
//! - No rejected transaction leaves anything, and none that is executed changes the sum of balances but by
//!   what it minted and burnt.
//! - No message between machines is lost: until they are delivered, one in the outbox stops the block.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

mod apply;
mod build;
mod checks;
mod executed;
mod fees;
mod registry;
mod run;
#[cfg(test)]
mod tests;

pub use build::{BuildLimits, Built, Candidate, MISFITS_MAX, RejectedCandidate};
pub use executed::{
    ApplyError, BLOCK_DETAIL_BYTES_MAX, BlockTemplate, ExecutedBlock, ExecutedTransaction, MachineFault,
    Rejected,
};
pub use fees::next_base_fee;
pub use registry::RegistryError;

use registry::Registry;
use std::sync::Arc;
use weft_genesis::Genesis;
use weft_state::Tree;
use weft_types::{B256, DaHeight, Transaction, VmId};
use weft_vm::{Checked, Reject, RejectKind, Vm};

/// How many of our own block hashes the state holds, as many as the EVM's `BLOCKHASH` reaches.
pub const BLOCK_HASHES: u64 = 256;

/// The stack of a block's execution. Machines whose programs nest need much of it, and make it for each call where it is
/// not there; one that a block makes once stays mapped for all its transactions. Only what is used of it is ever memory.
const BLOCK_STACK: usize = 192 << 20;

/// Runs a block's execution with at least half of [`BLOCK_STACK`]. Changes no result.
fn with_stack<T>(execution: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(BLOCK_STACK / 2, BLOCK_STACK, execution)
}

/// The state transition of one chain: its genesis, its machines and its tree. Cheap to share in an [`Arc`].
pub struct Router {
    genesis: Arc<Genesis>,
    genesis_hash: B256,
    registry: Registry,
    tree: Arc<dyn Tree>,
}

impl Router {
    /// A router for the chain of `genesis`. `vms` are the machines that genesis lists, in any order.
    ///
    /// # Errors
    /// [`RegistryError`]: a machine that genesis lists is missing, or one is there that it does not list.
    pub fn new(
        genesis: Arc<Genesis>,
        vms: Vec<Arc<dyn Vm>>,
        tree: Arc<dyn Tree>,
    ) -> Result<Self, RegistryError> {
        let registry = Registry::new(&genesis, vms)?;
        Ok(Self { genesis_hash: genesis.hash(), genesis, registry, tree })
    }

    /// The chain's genesis.
    #[must_use]
    pub fn genesis(&self) -> &Arc<Genesis> {
        &self.genesis
    }

    /// Its hash, computed once.
    #[must_use]
    pub fn genesis_hash(&self) -> B256 {
        self.genesis_hash
    }

    /// The tree that state roots are made with.
    #[must_use]
    pub fn tree(&self) -> &Arc<dyn Tree> {
        &self.tree
    }

    /// The machine `vm`, whether or not it is active yet.
    #[must_use]
    pub fn vm(&self, vm: VmId) -> Option<&Arc<dyn Vm>> {
        self.registry.get(vm)
    }

    /// Whether blocks with that origin take transactions of `vm`.
    #[must_use]
    pub fn is_active(&self, vm: VmId, origin: DaHeight) -> bool {
        self.registry.is_active(vm, origin)
    }

    /// The stateless check of a transaction: by its machine, from any thread, the same for the same bytes.
    ///
    /// # Errors
    /// [`Reject`]: it can never execute on this chain.
    pub fn check(&self, transaction: &Transaction) -> Result<Checked, Reject> {
        let Some(vm) = self.vm(transaction.vm) else {
            let message = format!("this chain has no machine {}", transaction.vm);
            return Err(Reject::new(RejectKind::Unsupported, message));
        };
        vm.check(&transaction.payload)
    }
}
