//! Errors as CometBFT gives them: few codes, whose sentence says what kind it is and whose data says why. For REST, the
//! codes of gRPC, as the SDK's gateway gives them.

use super::super::dialect::{CountedIds, Dialect};
use crate::chain::ChainError;
use weft_state::{ReadError, StoreError};
use weft_types::Height;

pub(super) use super::super::errors::{Fault, INTERNAL, INVALID_PARAMS, NO_METHOD};

/// The body is no JSON.
pub(super) const PARSE: i32 = -32_700;
/// It is JSON and no request.
pub(super) const INVALID_REQUEST: i32 = -32_600;
/// A limit of the server was met.
pub(super) const SERVER: i32 = -32_000;

/// Codes of gRPC, which REST answers with.
pub(super) mod grpc {
    /// An error that has none of these.
    pub(in super::super) const UNKNOWN: i32 = 2;
    /// The request is wrong.
    pub(in super::super) const INVALID: i32 = 3;
    /// What was asked for is not there.
    pub(in super::super) const NOT_FOUND: i32 = 5;
    /// Too much was asked for.
    pub(in super::super) const EXHAUSTED: i32 = 8;
    /// There is no such path.
    pub(in super::super) const UNIMPLEMENTED: i32 = 12;
    /// The node failed.
    pub(in super::super) const INTERNAL: i32 = 13;
}

/// Words of CometBFT's servers.
pub(in super::super) static DIALECT: Dialect = Dialect {
    name: "cosmos",
    no_method: |_| no_method(),
    no_websocket: |_| no_method(),
    limit: |sentence| plain(SERVER, "Server error", sentence),
    timeout: |milliseconds| internal(format!("the call took longer than {milliseconds} ms")),
    no_subscription: None,
    ids: || Box::<CountedIds>::default(),
    headers: "content-type, x-cosmos-block-height",
    page: |_| None,
};

fn plain(code: i32, message: &'static str, data: impl Into<String>) -> Fault {
    Fault::owned(code, message, Some(data.into()))
}

pub(super) fn no_method() -> Fault {
    Fault::owned(NO_METHOD, "Method not found", None::<()>)
}

pub(super) fn parse(why: impl Into<String>) -> Fault {
    plain(PARSE, "Parse error. Invalid JSON", why)
}

pub(super) fn invalid_request(why: impl Into<String>) -> Fault {
    plain(INVALID_REQUEST, "Invalid Request", why)
}

pub(super) fn invalid_params(why: impl Into<String>) -> Fault {
    plain(INVALID_PARAMS, "Invalid params", why)
}

/// What CometBFT answers wherever a method fails, whoever is to blame.
pub(super) fn internal(why: impl Into<String>) -> Fault {
    plain(INTERNAL, "Internal error", why)
}

/// A limit of the server was met.
pub(super) fn limit(why: impl Into<String>) -> Fault {
    plain(SERVER, "Server error", why)
}

/// Why, as it stands in an error of ours.
pub(super) fn why(fault: &Fault) -> String {
    let data = fault.data().and_then(|data| serde_json::from_str::<String>(data.get()).ok());
    data.unwrap_or_else(|| fault.message().to_owned())
}

/// No block has that height.
pub(super) fn height(got: i64, tip: Height) -> Fault {
    if got <= 0 {
        return internal(format!("height must be greater than 0, but got {got}"));
    }
    internal(format!("height {got} must be less than or equal to the current blockchain height {tip}"))
}

/// The state could not be read. Its words go to the log and not to the client.
pub(super) fn store(error: &ReadError) -> Fault {
    tracing::error!(%error, "RPC could not read the store");
    internal("the node could not read its store")
}

/// What was pruned is the client's concern; the rest goes to the log.
pub(super) fn chain(error: &ChainError) -> Fault {
    match error {
        ChainError::AboveTip { .. } => internal(error.to_string()),
        ChainError::Store(StoreError::NotKept { .. }) => {
            internal(format!("the state is not kept any more: {error}"))
        }
        error => {
            tracing::error!(%error, "RPC could not read the chain");
            internal("the node could not read its chain")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cometbfts() {
        let fault = height(9, Height(4));
        assert_eq!((fault.code(), fault.message()), (-32_603, "Internal error"));
        assert_eq!(why(&fault), "height 9 must be less than or equal to the current blockchain height 4");
        assert_eq!(why(&height(-1, Height(4))), "height must be greater than 0, but got -1");
        assert_eq!((DIALECT.no_method)("nope").message(), "Method not found");
    }
}
