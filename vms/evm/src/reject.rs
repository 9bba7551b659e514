//! revm's reasons why a transaction is invalid as [`Reject`], in geth's words where clients match on them.

use alloy_primitives::U256;
use revm::context::{BlockEnv, TxEnv};
use revm::context_interface::result::InvalidTransaction;
use weft_vm::{Reject, RejectKind};

/// The reject for `invalid`, which revm gave for `tx` in `block`.
pub(crate) fn reject(invalid: &InvalidTransaction, tx: &TxEnv, block: &BlockEnv) -> Reject {
    use InvalidTransaction as I;
    let sender = tx.caller;
    let (kind, message) = match invalid {
        I::NonceTooLow { tx, state } => {
            (RejectKind::Stale, format!("nonce too low: address {sender}, tx: {tx} state: {state}"))
        }
        I::NonceTooHigh { tx, state } => {
            (RejectKind::NonceGap, format!("nonce too high: address {sender}, tx: {tx} state: {state}"))
        }
        I::NonceOverflowInTransaction => {
            (RejectKind::Invalid, format!("nonce has max value: address {sender}, nonce: {}", tx.nonce))
        }
        I::LackOfFundForMaxFee { fee, balance } => {
            (RejectKind::InsufficientFunds, insufficient_funds(sender, **balance, **fee))
        }
        I::OverflowPaymentInTransaction => (
            RejectKind::InsufficientFunds,
            format!(
                "insufficient funds for gas * price + value: address {sender} required balance exceeds 256 bits"
            ),
        ),
        I::GasPriceLessThanBasefee => (
            RejectKind::Underpriced,
            format!(
                "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {}, baseFee: {}",
                tx.gas_price, block.basefee
            ),
        ),
        I::PriorityFeeGreaterThanMaxFee => (
            RejectKind::Invalid,
            format!(
                "max priority fee per gas higher than max fee per gas: address {sender}, \
                 maxPriorityFeePerGas: {}, maxFeePerGas: {}",
                tx.gas_priority_fee.unwrap_or_default(),
                tx.gas_price
            ),
        ),
        I::CallerGasLimitMoreThanBlock => (
            RejectKind::GasLimit,
            format!("exceeds block gas limit: gas {}, limit {}", tx.gas_limit, block.gas_limit),
        ),
        I::TxGasLimitGreaterThanCap { gas_limit, cap } => {
            (RejectKind::GasLimit, format!("transaction gas limit too high (cap: {cap}, tx: {gas_limit})"))
        }
        I::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            (RejectKind::GasLimit, format!("intrinsic gas too low: have {gas_limit}, want {initial_gas}"))
        }
        I::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => (
            RejectKind::GasLimit,
            format!("insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}"),
        ),
        I::RejectCallerWithCode => (RejectKind::Invalid, format!("sender not an eoa: address {sender}")),
        I::CreateInitCodeSizeLimit => {
            (RejectKind::Invalid, format!("max initcode size exceeded: code size {}", tx.data.len()))
        }
        I::InvalidChainId | I::MissingChainId => {
            (RejectKind::WrongChain, "invalid chain id for signer".to_owned())
        }
        I::EmptyAuthorizationList => {
            (RejectKind::Invalid, "EIP-7702 transaction with empty auth list".to_owned())
        }
        I::Eip7702NotSupported | I::Eip4844NotSupported | I::Eip1559NotSupported | I::Eip2930NotSupported => {
            (RejectKind::Unsupported, format!("transaction type not supported: {invalid}"))
        }
        other => (RejectKind::Invalid, other.to_string()),
    };
    Reject::new(kind, message)
}

fn insufficient_funds(sender: alloy_primitives::Address, have: U256, want: U256) -> String {
    format!("insufficient funds for gas * price + value: address {sender} have {have} want {want}")
}
