//! The machines of a chain, and from which origin on each is active.

use std::collections::BTreeMap;
use std::sync::Arc;
use weft_genesis::Genesis;
use weft_types::{DaHeight, VmId};
use weft_vm::Vm;

/// Machines and genesis do not fit: this program can't run this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Genesis lists it, nobody brought it.
    #[error("genesis lists the machine {0}, which this program does not have: use a version that has it")]
    Missing(VmId),
    /// It was brought, but genesis does not list it.
    #[error("the machine {0} is not in genesis")]
    Unlisted(VmId),
    /// Two machines with one id.
    #[error("two machines have the id {0}")]
    Twice(VmId),
}

struct Entry {
    vm: Arc<dyn Vm>,
    active_from: DaHeight,
}

/// Machines by id, so that every walk over them has one order.
pub(crate) struct Registry(BTreeMap<VmId, Entry>);

impl Registry {
    pub(crate) fn new(genesis: &Genesis, vms: Vec<Arc<dyn Vm>>) -> Result<Self, RegistryError> {
        let mut entries = BTreeMap::new();
        for vm in vms {
            let id = vm.id();
            let schedule = genesis.schedule(id);
            let (active_from, _) = schedule.first().ok_or(RegistryError::Unlisted(id))?;
            let entry = Entry { vm, active_from: *active_from };
            if entries.insert(id, entry).is_some() {
                return Err(RegistryError::Twice(id));
            }
        }
        match genesis.vms().into_iter().find(|id| !entries.contains_key(id)) {
            Some(missing) => Err(RegistryError::Missing(missing)),
            None => Ok(Self(entries)),
        }
    }

    pub(crate) fn get(&self, id: VmId) -> Option<&Arc<dyn Vm>> {
        self.0.get(&id).map(|entry| &entry.vm)
    }

    pub(crate) fn is_active(&self, id: VmId, origin: DaHeight) -> bool {
        self.0.get(&id).is_some_and(|entry| entry.active_from <= origin)
    }

    /// Active machines, ascending by id.
    pub(crate) fn active(&self, origin: DaHeight) -> impl Iterator<Item = (VmId, &Arc<dyn Vm>)> {
        let active = move |entry: &&Entry| entry.active_from <= origin;
        self.0.values().filter(active).map(|entry| (entry.vm.id(), &entry.vm))
    }
}
