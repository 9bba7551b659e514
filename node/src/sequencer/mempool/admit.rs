//! The rules that need neither the pool nor the state: bytes, signatures, gas, price, and whom the operator serves.

use super::error::PoolError;
use super::pool::PooledEvm;
use super::pooled::Pooled;
use super::sbf::PooledSbf;
use super::{Mempool, TRANSACTION_BYTES_MAX};
use alloy_consensus::Transaction as _;
use std::sync::Arc;
use std::time::Instant;
use weft_types::{AccountId, Transaction, U256, VmId};
use weft_vm::{Checked, Reject, RejectKind};

impl Mempool {
    /// Checks `transaction` and holds it against those rules.
    pub(super) fn prepare(&self, transaction: Transaction) -> Result<Pooled, PoolError> {
        let got = transaction.encoded_len();
        if got > TRANSACTION_BYTES_MAX {
            return Err(PoolError::Oversized { max: TRANSACTION_BYTES_MAX, got });
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

    fn refuse_denied(&self, senders: impl IntoIterator<Item = AccountId>) -> Result<(), PoolError> {
        let denied = senders.into_iter().any(|sender| self.config.deny.contains(&sender));
        if denied { Err(PoolError::Denied) } else { Ok(()) }
    }
}
