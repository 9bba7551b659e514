//! Errors as Solana's validators give them: codes and sentences of agave 4.2's `rpc-client-api/src/custom_error.rs`,
//! which clients match on.

use super::super::dialect::{CountedIds, Dialect};
use super::super::errors::{INTERNAL, INVALID_PARAMS, NO_METHOD, internal};
use crate::chain::ChainError;
use serde_json::{Value, json};
use solana_rpc_client_types::response::RpcSimulateTransactionResult;
use solana_transaction_error::TransactionError;
use std::fmt::{Debug, Display};
use weft_state::{ReadError, StoreError};

pub(super) use super::super::errors::Fault;

/// Simulating before sending failed, or the pool refused; the data says how.
pub const PREFLIGHT: i32 = -32_002;
/// A signature is wrong.
pub const SIGNATURE: i32 = -32_003;
/// There is no such block, or not at that commitment.
pub const NO_BLOCK: i32 = -32_004;
/// The node is far behind.
pub const UNHEALTHY: i32 = -32_005;
/// There are no snapshots in Solana's form.
pub const NO_SNAPSHOT: i32 = -32_008;
/// The index does not go by this key.
pub const NO_INDEX: i32 = -32_010;
/// Looking through accounts was given up.
pub const SCAN: i32 = -32_012;
/// The client did not say that it understands transactions of this version.
pub const VERSION: i32 = -32_015;
/// The node does not have the slot yet that the client has seen.
pub const MIN_SLOT: i32 = -32_016;
/// A signature to begin or end at is not known.
pub const NO_SIGNATURE: i32 = -32_020;
/// The request can't be served.
pub const INVALID_REQUEST: i32 = -32_600;
/// Too much was asked for in too short a time: what public endpoints answer, and clients wait at.
pub const LIMIT: i32 = 429;

/// Words and ids of Solana's servers.
pub(in super::super) static DIALECT: Dialect = Dialect {
    name: "sol",
    no_method: |_| plain(NO_METHOD, "Method not found"),
    no_websocket: |_| plain(NO_METHOD, "Method not found"),
    limit: |sentence| plain(LIMIT, sentence),
    timeout: |milliseconds| plain(INTERNAL, format!("the call took longer than {milliseconds} ms")),
    no_subscription: Some(|| invalid_params("Invalid subscription id.")),
    ids: || Box::<CountedIds>::default(),
    headers: "content-type, solana-client",
    page: |path| (path == "/health").then_some("ok"),
};

/// An error without data.
pub(super) fn plain(code: i32, message: impl Into<String>) -> Fault {
    Fault::owned(code, message, None::<()>)
}

pub(super) fn invalid_params(message: impl Into<String>) -> Fault {
    plain(INVALID_PARAMS, message)
}

pub(super) fn invalid_request() -> Fault {
    plain(INVALID_REQUEST, "Invalid request")
}

/// A text that is no key, hash or signature: the fault by its name, and as data in words.
pub(super) fn invalid_param(fault: &(impl Debug + Display)) -> Fault {
    Fault::owned(INVALID_PARAMS, format!("Invalid param: {fault:?}"), Some(fault.to_string()))
}

pub(super) fn no_block(slot: u64) -> Fault {
    plain(NO_BLOCK, format!("Block not available for slot {slot}"))
}

pub(super) fn unsupported_version(version: u8) -> Fault {
    let message = format!(
        "Transaction version ({version}) is not supported by the requesting client. Please try the request again with \
         the following configuration parameter: \"maxSupportedTransactionVersion\": {version}"
    );
    plain(VERSION, message)
}

pub(super) fn min_slot(context_slot: u64) -> Fault {
    let data = json!({ "contextSlot": context_slot });
    Fault::owned(MIN_SLOT, "Minimum context slot has not been reached", Some(data))
}

pub(super) fn excluded(key: impl Display) -> Fault {
    let message =
        format!("{key} excluded from account secondary indexes; this RPC method unavailable for key");
    plain(NO_INDEX, message)
}

pub(super) fn scan(message: impl Into<String>) -> Fault {
    plain(SCAN, message)
}

pub(super) fn no_signature(signature: impl Display) -> Fault {
    plain(NO_SIGNATURE, format!("Transaction {signature} not found"))
}

pub(super) fn unhealthy() -> Fault {
    Fault::owned(UNHEALTHY, "Node is unhealthy", Some(json!({ "numSlotsBehind": Value::Null })))
}

pub(super) fn below_confirmed() -> Fault {
    invalid_params("Method does not support commitment below `confirmed`")
}

/// A transaction that would fail, or that the pool refused with Solana's own error.
pub(super) fn preflight(error: &TransactionError, result: RpcSimulateTransactionResult) -> Fault {
    let message = format!("Transaction simulation failed: {error}");
    Fault::owned(PREFLIGHT, message, Some(result))
}

pub(super) fn bad_signature() -> Fault {
    plain(SIGNATURE, "Transaction signature verification failure")
}

/// The state could not be read. Its words go to the log and not to the client.
pub(super) fn store(error: &ReadError) -> Fault {
    tracing::error!(%error, "RPC could not read the store");
    internal("the node could not read its store")
}

/// What was pruned is the client's concern; the rest goes to the log.
pub(super) fn chain(error: &ChainError) -> Fault {
    match error {
        ChainError::AboveTip { height, .. } => no_block(height.0),
        ChainError::Store(StoreError::NotKept { .. }) => {
            scan(format!("the state is not kept any more: {error}"))
        }
        error => {
            tracing::error!(%error, "RPC could not read the chain");
            internal("the node could not read its chain")
        }
    }
}

/// The answer to a call that was given up because nobody waits for it.
pub(super) fn stopped() -> Fault {
    internal("stopped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_pubkey::Pubkey;
    use std::str::FromStr;

    #[test]
    fn words_are_solanas() {
        let wrong = invalid_param(&Pubkey::from_str("bad").unwrap_err());
        assert_eq!((wrong.code(), wrong.message()), (-32_602, "Invalid param: WrongSize"));
        let version = unsupported_version(0);
        assert!(version.message().ends_with("parameter: \"maxSupportedTransactionVersion\": 0"));
        assert_eq!(min_slot(7).data().unwrap().get(), r#"{"contextSlot":7}"#);
        assert_eq!((DIALECT.no_method)("nope").message(), "Method not found");
    }
}
