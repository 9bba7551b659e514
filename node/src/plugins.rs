//! The machines of this node: the one place that names them. A new one is a crate and a line here.

use std::path::PathBuf;
use std::sync::Arc;
use weft_evm::{EvmConfig, EvmVm, GenesisAccount};
use weft_genesis::Genesis;
use weft_sbf::{SbfConfig, SbfVm};
use weft_types::VmId;
use weft_vm::Vm;
use weft_wasm::{WasmConfig, WasmVm};

/// A machine that genesis names and this program can't run as it is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// Genesis lists a machine that this program does not have.
    #[error("genesis lists the machine {0}, which this version does not have: run a version that has it")]
    Unknown(VmId),
    /// The machine refuses its entry in genesis.
    #[error("genesis' entry of machine {vm}: {why}")]
    Refused {
        /// The machine.
        vm: VmId,
        /// Its sentence.
        why: String,
    },
}

/// The machines of a chain: all of them for the router, and each by its own type for the RPC that its users bring.
#[derive(Clone, Default)]
pub struct Machines {
    /// In the order of their numbers.
    pub all: Vec<Arc<dyn Vm>>,
    /// Ethereum's.
    pub evm: Option<Arc<EvmVm>>,
    /// Solana's.
    pub sbf: Option<Arc<SbfVm>>,
    /// CosmWasm's.
    pub wasm: Option<Arc<WasmVm>>,
}

/// What a node chooses for its machines. None of it changes a result.
#[derive(Clone, Debug, Default)]
pub struct Local {
    /// Where compiled contracts are kept between runs; `None` keeps them in memory alone. Whoever can write there can
    /// run code in this process.
    pub modules: Option<PathBuf>,
    /// Whether instances of contracts come from a pool whose address space is taken at start.
    pub pooling: bool,
}

/// The machines that genesis lists, made from its entries, for a use that keeps nothing.
///
/// # Errors
/// [`PluginError`].
pub fn machines(genesis: &Genesis) -> Result<Machines, PluginError> {
    machines_with(genesis, Local::default())
}

/// The machines that genesis lists, made from its entries.
///
/// # Errors
/// [`PluginError`].
pub fn machines_with(genesis: &Genesis, local: Local) -> Result<Machines, PluginError> {
    let mut machines = Machines::default();
    for vm in genesis.vms() {
        match vm {
            VmId::EVM => {
                let evm = evm(genesis)?;
                machines.all.push(Arc::clone(&evm) as Arc<dyn Vm>);
                machines.evm = Some(evm);
            }
            VmId::SBF => {
                let sbf = sbf(genesis)?;
                machines.all.push(Arc::clone(&sbf) as Arc<dyn Vm>);
                machines.sbf = Some(sbf);
            }
            VmId::WASM => {
                let wasm = wasm(genesis, local.clone())?;
                machines.all.push(Arc::clone(&wasm) as Arc<dyn Vm>);
                machines.wasm = Some(wasm);
            }
            other => return Err(PluginError::Unknown(other)),
        }
    }
    Ok(machines)
}

fn evm(genesis: &Genesis) -> Result<Arc<EvmVm>, PluginError> {
    let schedule = genesis.schedule(VmId::EVM).into_iter();
    let alloc = genesis.accounts.iter().filter(|account| account.has_evm_state()).filter_map(|account| {
        let storage = account.storage.iter().map(|(slot, value)| ((*slot).into(), (*value).into())).collect();
        let kept = GenesisAccount { nonce: account.nonce, code: account.code.clone().into(), storage };
        Some((account.address.as_evm()?, kept))
    });
    let config = EvmConfig {
        chain_id: genesis.chain_id,
        specs: schedule.map(|(from, machine)| (from, machine.spec.clone())).collect(),
        alloc: alloc.collect(),
    };
    let refused = |error: weft_evm::SpecError| PluginError::Refused { vm: VmId::EVM, why: error.to_string() };
    Ok(Arc::new(EvmVm::new(config).map_err(refused)?))
}

fn sbf(genesis: &Genesis) -> Result<Arc<SbfVm>, PluginError> {
    let schedule = genesis.schedule(VmId::SBF).into_iter();
    let config = SbfConfig {
        specs: schedule.map(|(from, machine)| (from, machine.spec.clone(), machine.gas_rate)).collect(),
        jit: true,
    };
    let refused = |error: weft_sbf::SpecError| PluginError::Refused { vm: VmId::SBF, why: error.to_string() };
    Ok(Arc::new(SbfVm::new(config).map_err(refused)?))
}

fn wasm(genesis: &Genesis, local: Local) -> Result<Arc<WasmVm>, PluginError> {
    let schedule = genesis.schedule(VmId::WASM).into_iter();
    let specs = schedule
        .map(|(from, machine)| (from, machine.spec.clone(), machine.gas_rate, machine.capabilities.clone()));
    let config = WasmConfig {
        specs: specs.collect(),
        chain_id: weft_wasm::chain_id(genesis.chain_id),
        denom: genesis.token.denom.clone(),
        bech32_prefix: genesis.bech32_prefix.clone(),
        cache_dir: local.modules,
        pooling: local.pooling,
    };
    let refused =
        |error: weft_wasm::SpecError| PluginError::Refused { vm: VmId::WASM, why: error.to_string() };
    Ok(Arc::new(WasmVm::new(config).map_err(refused)?))
}
