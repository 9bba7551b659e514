//! [`WasmVm::simulate`]: what a transaction would do and use, before anybody signs it.

use crate::detail::Detail;
use crate::execute::{index, raise_sequences};
use crate::fault::Fault;
use crate::transaction::{self, BYTE_GAS, CosmosTx, Keys, SIGNATURE_BYTES};
use crate::{WasmVm, code};
use weft_state::{Journal, ReadError};
use weft_vm::BlockEnv;

/// The query that simulates.
pub const SIMULATE_PATH: &str = "/cosmos.tx.v1beta1.Service/Simulate";
/// Most gas of a simulation, where the block's own limit is not lower. Uploads of what compilers make have less.
pub const SIMULATION_GAS_MAX: u64 = 150_000_000;
/// Bytes that a fee and its gas limit add to a transaction that has none yet.
const FEE_BYTES: u64 = 64;

/// What a simulation gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// As for an executed transaction; without events where it could not run at all.
    pub detail: Detail,
}

impl WasmVm {
    /// Runs `raw` in the block `env` and leaves the journal as it was. Signatures and keys may be
    /// anything, fee and gas limit are not looked at, sequences are.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn simulate(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        raw: &[u8],
    ) -> Result<Simulation, ReadError> {
        let mut tx = match transaction::decode_with(raw, &self.denom, Keys::Any) {
            Ok(tx) => tx,
            Err(fault) => return Ok(failed(&fault)),
        };
        count_what_is_missing(&mut tx);
        let checkpoint = journal.checkpoint();
        let result = self.simulate_inner(journal, env, &tx);
        journal.revert(checkpoint);
        result
    }

    fn simulate_inner(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        tx: &CosmosTx,
    ) -> Result<Simulation, ReadError> {
        if let Err(reject) = raise_sequences(journal, tx)? {
            let error = code::abci_error(&reject);
            let detail =
                Detail { code: error.code, codespace: error.codespace, log: error.log, ..Detail::default() };
            return Ok(Simulation { detail });
        }
        let limit = SIMULATION_GAS_MAX.min(env.gas_limit);
        let index = index(journal, env)?;
        let ran = self.run(journal, env, tx, limit, index)?;
        Ok(Simulation { detail: ran.parts(tx.gas_limit, &self.ante_events(tx)).detail() })
    }
}

/// Clients simulate before they know the fee and before they sign: what these will use counts already.
fn count_what_is_missing(tx: &mut CosmosTx) {
    let missing = tx.signatures.iter().map(|signature| SIGNATURE_BYTES.saturating_sub(signature.len()));
    let mut bytes = u64::try_from(missing.sum::<usize>()).unwrap_or(u64::MAX);
    if tx.fee.is_zero() || tx.gas_limit == 0 {
        bytes = bytes.saturating_add(FEE_BYTES);
    }
    tx.intrinsic_gas = tx.intrinsic_gas.saturating_add(bytes.saturating_mul(BYTE_GAS));
}

fn failed(fault: &Fault) -> Simulation {
    let (codespace, code) = fault.code();
    let detail =
        Detail { code, codespace: codespace.to_owned(), log: fault.to_string(), ..Detail::default() };
    Simulation { detail }
}
