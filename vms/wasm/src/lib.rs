//! The CosmWasm machine: contracts on wasmtime, with the modules wasm and bank around them as wasmd has them, behind the
//! [`Vm`] trait and on the one journal.
//!
//! ```text
//! payload ─ transaction, sign ─> CosmosTx ─ execute: fee, sequence ─> Keeper: messages ─> Engine: contracts
//!                                                     │                     │                    │ storage, queries
//!                                                     └──────> Journal <────┴────────────────────┘
//! RPC ─ query, simulate ─> the same over a journal that is thrown away
//! ```
//! In: `TxRaw` as Keplr and CosmJS make it. Out: accounts under [`key`], records of the modules under [`keeper::keys`],
//! balances in the ledger.
//!
//! Invariants, as negatives:
//! - No balance is kept here: the ledger has them all.
//! - No signature depends on the state: `check` verifies all of them (see [`auth`] for account numbers).
//! - No text of an error reaches a hash, and no cache changes a result.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

pub mod address;
pub mod auth;
pub mod code;
pub mod detail;
pub mod engine;
pub mod event;
mod execute;
pub mod fault;
pub mod gas;
pub mod keeper;
pub mod key;
mod query;
mod sign;
mod simulate;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod transaction;

pub use detail::Detail;
pub use event::Event;
pub use fault::Fault;
pub use sign::{address_of, direct_digest};
pub use simulate::{SIMULATE_PATH, SIMULATION_GAS_MAX, Simulation};
pub use spec::{CAPABILITIES, NEWEST_SPEC, SpecError};
pub use transaction::CosmosTx;

use detail::WrittenEvents;
use engine::{Engine, EngineConfig};
use gas::GasMeter;
use spec::Schedule;
use std::path::PathBuf;
use std::sync::Arc;
use weft_state::{Journal, ReadError};
use weft_types::{B256, Bytes, DaHeight, GasRate, Status, U256, VmId};
use weft_vm::{BlockEnv, Checked, Execution, Outcome, Reject, Vm};

/// What genesis says of the machine, and what a node chooses.
#[derive(Clone, Debug)]
pub struct WasmConfig {
    /// Rule sets by name, with the gas of a unit of fuel and what contracts may require, ascending by the Celestia
    /// height from which each holds.
    pub specs: Vec<(DaHeight, String, GasRate, Vec<String>)>,
    /// What transactions are signed for.
    pub chain_id: String,
    /// The base denomination, one wei.
    pub denom: String,
    /// What addresses start with; [`address::PREFIX`] is the one that this version has.
    pub bech32_prefix: String,
    /// Where compiled contracts are kept between runs. Changes no result.
    pub cache_dir: Option<PathBuf>,
    /// Whether instances come from a pool. Changes no result.
    pub pooling: bool,
}

/// What transactions of the chain with that number are signed for.
#[must_use]
pub fn chain_id(number: u64) -> String {
    format!("weft-{number}")
}

/// The machine. One serves all blocks and all threads.
pub struct WasmVm {
    schedule: Schedule,
    chain_id: String,
    denom: String,
    engine: Engine,
}

impl WasmVm {
    /// The machine that genesis describes.
    ///
    /// # Errors
    /// [`SpecError`]: the list of rule sets can't be used, or wasmtime can't start here.
    pub fn new(config: WasmConfig) -> Result<Self, SpecError> {
        let WasmConfig { specs, chain_id, denom, bech32_prefix, cache_dir, pooling } = config;
        if bech32_prefix != address::PREFIX {
            return Err(SpecError::Prefix(bech32_prefix));
        }
        let schedule = Schedule::new(specs, &chain_id, &denom)?;
        let engine = Engine::new(EngineConfig { cache_dir, pooling })
            .map_err(|error| SpecError::Engine(error.to_string()))?;
        Ok(Self { schedule, chain_id, denom, engine })
    }

    /// What transactions are signed for.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// The base denomination, one wei.
    #[must_use]
    pub fn denom(&self) -> &str {
        &self.denom
    }

    /// `path | 0 | request`, where path and request are those of an ABCI query, gives its response.
    fn answer(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        let mut parts = query.splitn(2, |byte| *byte == 0);
        let path = parts.next().and_then(|path| std::str::from_utf8(path).ok());
        let (Some(path), Some(data)) = (path, parts.next()) else {
            return Ok(answered(Status::Reverted, 0, Bytes::new()));
        };
        let mut meter = GasMeter::new(gas);
        let result = self.route(journal, env, &mut meter, path, data);
        let used = meter.used();
        match result {
            Ok(response) => Ok(answered(Status::Success, used, response.into())),
            Err(Fault::Read(error)) => Err(error),
            Err(fault) => Ok(answered(code::status(&fault), used, code::output(&fault))),
        }
    }
}

fn answered(status: Status, gas_used: u64, output: Bytes) -> Outcome {
    Outcome { status, gas_used, fee: U256::ZERO, output, detail: Bytes::new() }
}

/// What a check leaves for the execution.
struct CheckedTx {
    tx: CosmosTx,
    /// What taking fee and signatures shows.
    events: WrittenEvents,
}

fn checked_tx(checked: &Checked) -> &CheckedTx {
    checked.decoded.downcast_ref().expect("a Wasm transaction was checked by the Wasm machine")
}

/// The machine's own form of a checked transaction.
///
/// # Panics
/// Where `checked` is another machine's.
#[must_use]
pub fn decoded(checked: &Checked) -> &CosmosTx {
    &checked_tx(checked).tx
}

impl Vm for WasmVm {
    fn id(&self) -> VmId {
        VmId::WASM
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        let tx = self.check_raw(payload).map_err(|fault| code::reject(&fault))?;
        let events = self.ante_events(&tx);
        Ok(Checked {
            vm: VmId::WASM,
            id: B256::new(tx.hash),
            sender: tx.payer().id,
            gas_limit: tx.gas_limit,
            decoded: Arc::new(CheckedTx { tx, events }),
        })
    }

    fn execute(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError> {
        weft_vm::kept_if_executed(journal, |journal| self.execute_inner(journal, block, checked_tx(checked)))
    }

    fn query(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        weft_vm::never_kept(journal, |journal| self.answer(journal, block, query, gas))
    }
}
