//! An RPC request as a transaction, with geth's defaults and geth's complaints.

use super::SimulateError;
use crate::transaction::recover_authority;
use alloy_primitives::TxKind;
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::TxEnv;
use revm::context_interface::either::Either;
use revm::context_interface::transaction::TransactionType;

/// The transaction, but for its nonce.
pub(super) fn tx_env(
    request: &TransactionRequest,
    chain_id: u64,
    gas_cap: u64,
) -> Result<TxEnv, SimulateError> {
    let refuse = |why: String| Err(SimulateError::Request(why));
    if let Some(have) = request.chain_id
        && have != chain_id
    {
        return refuse(format!("chainId does not match node's (have={have}, want={chain_id})"));
    }
    if request.blob_versioned_hashes.is_some() || request.max_fee_per_blob_gas.is_some() {
        return refuse("blob transactions (EIP-4844) are not supported".into());
    }
    let data = match (&request.input.input, &request.input.data) {
        (Some(input), Some(data)) if input != data => {
            return refuse(r#"both "data" and "input" are set and not equal"#.into());
        }
        (Some(bytes), _) | (None, Some(bytes)) => bytes.clone(),
        (None, None) => Default::default(),
    };
    let (gas_price, gas_priority_fee) = fees(request)?;
    let authorizations = request.authorization_list.as_deref().unwrap_or_default();
    let tx_type = if request.authorization_list.is_some() {
        TransactionType::Eip7702
    } else if gas_priority_fee.is_some() {
        TransactionType::Eip1559
    } else if request.access_list.is_some() {
        TransactionType::Eip2930
    } else {
        TransactionType::Legacy
    };
    Ok(TxEnv {
        tx_type: tx_type.into(),
        caller: request.from.unwrap_or_default(),
        gas_limit: request.gas.unwrap_or(gas_cap).min(gas_cap),
        gas_price,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data,
        nonce: 0,
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: authorizations.iter().map(|a| Either::Right(recover_authority(a))).collect(),
    })
}

/// The most per gas, and the tip where the request is of the kind that has one.
fn fees(request: &TransactionRequest) -> Result<(u128, Option<u128>), SimulateError> {
    let (cap, tip) = (request.max_fee_per_gas, request.max_priority_fee_per_gas);
    match (request.gas_price, cap, tip) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(SimulateError::Request(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified".into(),
        )),
        // An authorization list makes a transaction of a kind that has a tip.
        (price, None, None) => Ok((price.unwrap_or(0), request.authorization_list.as_ref().map(|_| 0))),
        (None, cap, tip) => {
            let (cap, tip) = (cap.unwrap_or(0), tip.unwrap_or(0));
            if cap != 0 && cap < tip {
                let why = format!("maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})");
                return Err(SimulateError::Request(why));
            }
            // Wallets ask for a tip alone; it is nothing that a call without a price could pay.
            Ok((cap, Some(tip.min(cap))))
        }
    }
}
