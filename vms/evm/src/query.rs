//! [`EvmQuery`]: a read-only call in the machine's own encoding.

use crate::engine::Engine;
use crate::{halt, refused};
use alloy_primitives::{Address, U256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use revm::context::TxEnv;
use revm::context_interface::result::ExecutionResult;
use revm::primitives::TxKind;
use weft_state::{Journal, ReadError};
use weft_types::codec::decode_exact;
use weft_types::limits::TRANSACTION_BYTES_MAX;
use weft_types::{Bytes, Status};
use weft_vm::Outcome;

/// What [`weft_vm::Vm::query`] takes for the EVM, as RLP: a call that nobody pays for.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct EvmQuery {
    /// Who calls, as CALLER gives it.
    pub from: Address,
    /// The contract.
    pub to: Address,
    /// Its call data.
    pub data: alloy_primitives::Bytes,
}

/// A query that can't be run ends as one that was reverted, with the sentence as its output.
pub(crate) fn run(
    engine: &Engine<'_>,
    journal: &mut Journal<'_>,
    query: &[u8],
    gas: u64,
) -> Result<Outcome, ReadError> {
    let query: EvmQuery = match decode_exact(query, TRANSACTION_BYTES_MAX) {
        Ok(query) => query,
        Err(error) => return Ok(failed(&format!("not an EVM query: {error}"))),
    };
    let tx = TxEnv {
        caller: query.from,
        kind: TxKind::Call(query.to),
        data: query.data,
        gas_limit: gas,
        gas_price: 0,
        chain_id: None,
        ..TxEnv::default()
    };
    let mut cfg = engine.cfg.clone();
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.disable_base_fee = true;
    cfg.disable_block_gas_limit = true;
    cfg.tx_gas_limit_cap = Some(u64::MAX);
    let engine = Engine { codes: engine.codes, cfg, block: engine.block.clone(), env: engine.env };
    let (result, _) = match engine.run(journal, tx.clone()) {
        Ok(done) => done,
        Err(error) => return refused(error, &tx, &engine).map(|reject| failed(&reject.message)),
    };
    let gas_used = result.tx_gas_used();
    let (status, output) = match result {
        ExecutionResult::Success { output, .. } => (Status::Success, output.into_data().0),
        ExecutionResult::Revert { output, .. } => (Status::Reverted, output.0),
        ExecutionResult::Halt { reason, .. } => (Status::Halted(halt::code(&reason)), Bytes::new()),
    };
    Ok(Outcome { status, gas_used, fee: U256::ZERO, output, detail: Bytes::new() })
}

fn failed(why: &str) -> Outcome {
    Outcome {
        status: Status::Reverted,
        gas_used: 0,
        fee: U256::ZERO,
        output: Bytes::copy_from_slice(why.as_bytes()),
        detail: Bytes::new(),
    }
}
