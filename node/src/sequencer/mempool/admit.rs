//! The rules that need neither the pool nor the state: bytes, signatures, gas, price, and whom the operator serves.

use super::error::PoolError;
use super::pool::PooledEvm;
use super::pooled::Pooled;
use super::sbf::PooledSbf;
use super::wasm::PooledWasm;
use super::{Mempool, TRANSACTION_BYTES_MAX, WASM_BYTES_MAX};
use alloy_consensus::Transaction as _;
use std::sync::Arc;
use std::time::Instant;
use weft_router::next_base_fee;
use weft_types::{AccountId, Transaction, U256, VmId};
use weft_vm::{Checked, Reject, RejectKind};

impl Mempool {
    /// Checks `transaction` and holds it against those rules.
    pub(super) fn prepare(&self, transaction: Transaction) -> Result<Pooled, PoolError> {
        let got = transaction.encoded_len();
        let max = if transaction.vm == VmId::WASM { WASM_BYTES_MAX } else { TRANSACTION_BYTES_MAX };
        if got > max {
            return Err(PoolError::Oversized { max, got });
        }
        let checked = self.chain.router().check(&transaction)?;
        self.admit(transaction, checked)
    }

    /// As [`Self::prepare`], for one that was checked.
    pub(super) fn admit(&self, transaction: Transaction, checked: Checked) -> Result<Pooled, PoolError> {
        let (max, got) = (self.chain.genesis().limits.block_gas, checked.gas_limit);
        if got > max {
            return Err(PoolError::GasLimit { max, got });
        }
        match transaction.vm {
            VmId::EVM => self.admit_evm(transaction, checked),
            VmId::SBF if self.sbf.is_some() => self.admit_sbf(transaction, checked),
            VmId::WASM if self.wasm => self.admit_wasm(transaction, checked),
            other => {
                let message = format!("this pool takes no transactions of {other}");
                Err(Reject::new(RejectKind::Unsupported, message).into())
            }
        }
    }

    fn admit_evm(&self, transaction: Transaction, checked: Checked) -> Result<Pooled, PoolError> {
        let evm = weft_evm::decoded(&checked);
        let min = u128::from(self.chain.genesis().fees.base_fee_min);
        let max_fee = evm.envelope.max_fee_per_gas();
        if max_fee < min {
            return Err(PoolError::Underpriced { min, got: max_fee });
        }
        self.refuse_denied([checked.sender])?;
        let fee = U256::from(max_fee).saturating_mul(U256::from(checked.gas_limit));
        Ok(Pooled::Evm(Arc::new(PooledEvm {
            sender: evm.sender,
            nonce: evm.envelope.nonce(),
            max_fee,
            max_priority: evm.envelope.max_priority_fee_per_gas().unwrap_or(max_fee),
            cost: fee.saturating_add(evm.envelope.value()),
            transaction,
            checked,
            received: Instant::now(),
        })))
    }

    fn admit_sbf(&self, transaction: Transaction, checked: Checked) -> Result<Pooled, PoolError> {
        // All who sign: whom this sequencer does not serve can have another pay.
        let versioned = &weft_sbf::decoded(&checked).versioned;
        let signers = versioned.message.static_account_keys().iter().take(versioned.signatures.len());
        self.refuse_denied(signers.map(weft_sbf::key::account_id))?;
        Ok(Pooled::Sbf(Arc::new(PooledSbf::new(transaction, checked))))
    }

    fn admit_wasm(&self, transaction: Transaction, checked: Checked) -> Result<Pooled, PoolError> {
        let decoded = weft_wasm::decoded(&checked);
        let fee = decoded.fee;
        let (genesis, gas) = (self.chain.genesis(), U256::from(checked.gas_limit));
        let tip = self.chain.tip();
        let (next, timeout) = (tip.header.height.next(), decoded.body.timeout_height);
        if timeout != 0 && next.0 > timeout {
            let text = format!("block height: {next}, timeout height: {timeout}");
            return Err(weft_wasm::code::reject(&weft_wasm::Fault::sdk(30, text)).into());
        }
        // Nothing can take its place later, so that one that can't go now would hold up its account's others.
        let needed = U256::from(next_base_fee(genesis, &tip.header)).saturating_mul(gas);
        if fee < needed {
            let denom = &genesis.token.denom;
            let text = format!("insufficient fees; got: {fee}{denom} required: {needed}{denom}");
            return Err(weft_wasm::code::reject(&weft_wasm::Fault::sdk(13, text)).into());
        }
        let price = fee.checked_div(gas).unwrap_or_default().saturating_to::<u128>();
        let signers = decoded.signers.iter().map(|signer| (signer.id, signer.sequence)).collect::<Vec<_>>();
        self.refuse_denied(signers.iter().map(|(account, _)| *account))?;
        let received = Instant::now();
        Ok(Pooled::Wasm(Arc::new(PooledWasm { signers, fee, price, transaction, checked, received })))
    }

    fn refuse_denied(&self, senders: impl IntoIterator<Item = AccountId>) -> Result<(), PoolError> {
        let denied = senders.into_iter().any(|sender| self.config.deny.contains(&sender));
        if denied { Err(PoolError::Denied) } else { Ok(()) }
    }
}
