//! [`Fault`]: why a message, a query or a whole transaction failed, with the codespace and code that clients of
//! Cosmos chains know it by.
//!
//! Invariants, as negatives:
//! - The sentence never reaches a hash, nor a contract, besides where a contract wrote all of it itself
//!   ([`Seen::Contract`]) or the keeper did ([`Seen::System`]). A contract sees codespace and code.

use weft_state::ReadError;

/// The codespace of errors that belong to no module.
pub const SDK: &str = "sdk";
/// The codespace of the wasm module.
pub const WASM: &str = "wasm";
/// The codespace of an error that was never registered; its code is 1.
pub const UNDEFINED: &str = "undefined";
/// The codespace of the bank module.
pub const BANK: &str = "bank";

/// What code 10 of [`SDK`] is registered with.
pub(crate) const INVALID_COINS: &str = "invalid coins";

/// How much of an error a contract may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seen {
    /// Codespace and code.
    #[default]
    Code,
    /// The sentence too: a contract gave it.
    Contract,
    /// What the contract's standard library calls a system error, where it comes of a query.
    System(SystemFault),
}

/// Errors of queries that contracts know by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemFault {
    /// No contract has that address.
    NoSuchContract(String),
    /// No code has that id.
    NoSuchCode(u64),
    /// The chain has no such query.
    Unsupported(String),
    /// The request is no query that is known.
    Unknown,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An error that clients and contracts know by its code.
    #[error("{log}")]
    Abci {
        /// Whose code it is.
        codespace: &'static str,
        /// Never 0.
        code: u32,
        /// For people.
        log: String,
        /// What a contract may see of it.
        seen: Seen,
    },
    /// The gas ran out. It ends everything up to the submessage or query that the limit was set for.
    #[error("out of gas in location: {at}: out of gas")]
    OutOfGas {
        /// What could not be paid any more.
        at: &'static str,
    },
    /// The store failed: the block is abandoned.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Fault {
    /// A registered error.
    #[must_use]
    pub fn new(codespace: &'static str, code: u32, log: impl Into<String>) -> Self {
        Self::Abci { codespace, code, log: log.into(), seen: Seen::Code }
    }

    /// An error of [`SDK`], with the text that it is registered with after `what`.
    #[must_use]
    pub fn sdk(code: u32, what: impl AsRef<str>) -> Self {
        Self::new(SDK, code, described(what.as_ref(), sdk_text(code)))
    }

    /// An error of [`WASM`], with the text that it is registered with after `what`.
    #[must_use]
    pub fn wasm(code: u32, what: impl AsRef<str>) -> Self {
        Self::new(WASM, code, described(what.as_ref(), wasm_text(code)))
    }

    /// An error of [`WASM`] whose sentence a contract wrote.
    #[must_use]
    pub fn contract(code: u32, what: impl AsRef<str>) -> Self {
        let log = described(what.as_ref(), wasm_text(code));
        Self::Abci { codespace: WASM, code, log, seen: Seen::Contract }
    }

    /// An error without a code of its own.
    #[must_use]
    pub fn undefined(log: impl Into<String>) -> Self {
        Self::new(UNDEFINED, 1, log)
    }

    /// No contract has that address.
    #[must_use]
    pub fn no_such_contract(address: &str) -> Self {
        let log = described(&format!("address {address}"), wasm_text(22));
        let seen = Seen::System(SystemFault::NoSuchContract(address.to_owned()));
        Self::Abci { codespace: WASM, code: 22, log, seen }
    }

    /// No code has that id.
    #[must_use]
    pub fn no_such_code(id: u64) -> Self {
        let log = described(&format!("code id {id}"), wasm_text(28));
        Self::Abci { codespace: WASM, code: 28, log, seen: Seen::System(SystemFault::NoSuchCode(id)) }
    }

    /// A query that the chain does not answer. Clients see it as an error without a code.
    #[must_use]
    pub fn unsupported(kind: impl Into<String>) -> Self {
        let kind = kind.into();
        let log = format!("unsupported request: {kind}");
        Self::Abci { codespace: UNDEFINED, code: 1, log, seen: Seen::System(SystemFault::Unsupported(kind)) }
    }

    /// The error seen from one level up, where it is told as part of `what`: a contract sees no more than its code.
    #[must_use]
    pub fn wrap(self, what: &str) -> Self {
        match self {
            Self::Abci { codespace, code, log, seen } => {
                let seen = if seen == Seen::Contract { Seen::Code } else { seen };
                Self::Abci { codespace, code, log: described(what, &log), seen }
            }
            other => other,
        }
    }

    /// Codespace and code, as a transaction's result has them.
    #[must_use]
    pub fn code(&self) -> (&'static str, u32) {
        match self {
            Self::Abci { codespace, code, .. } => (codespace, *code),
            Self::OutOfGas { .. } => (SDK, 11),
            Self::Read(_) => (UNDEFINED, 1),
        }
    }

    /// What a contract is told of the failure of its own submessage.
    #[must_use]
    pub fn redacted(&self) -> String {
        match self {
            Self::Abci { log, seen: Seen::Contract, .. } => log.clone(),
            other => {
                let (codespace, code) = other.code();
                format!("codespace: {codespace}, code: {code}")
            }
        }
    }
}

fn described(what: &str, text: &str) -> String {
    if what.is_empty() { text.to_owned() } else { format!("{what}: {text}") }
}

fn sdk_text(code: u32) -> &'static str {
    match code {
        2 => "tx parse error",
        3 => "invalid sequence",
        4 => "unauthorized",
        5 => "insufficient funds",
        6 => "unknown request",
        7 => "invalid address",
        8 => "invalid pubkey",
        9 => "unknown address",
        10 => INVALID_COINS,
        11 => "out of gas",
        12 => "memo too large",
        13 => "insufficient fee",
        14 => "maximum number of signatures exceeded",
        15 => "no signatures supplied",
        18 => "invalid request",
        19 => "tx already in mempool",
        20 => "mempool is full",
        21 => "tx too large",
        22 => "key not found",
        23 => "invalid account password",
        24 => "tx intended signer does not match the given signer",
        28 => "invalid chain-id",
        29 => "invalid type",
        30 => "tx timeout height",
        31 => "unknown extension options",
        32 => "incorrect account sequence",
        35 => "internal logic error",
        37 => "feature not supported",
        38 => "not found",
        41 => "invalid gas limit",
        _ => "error",
    }
}

fn wasm_text(code: u32) -> &'static str {
    match code {
        2 => "create wasm contract failed",
        3 => "contract account already exists",
        4 => "instantiate wasm contract failed",
        5 => "execute wasm contract failed",
        6 => "insufficient gas",
        8 => "not found",
        9 => "query wasm contract failed",
        10 => "invalid CosmosMsg from the contract",
        11 => "migrate wasm contract failed",
        12 => "empty",
        13 => "exceeds limit",
        14 => "invalid",
        15 => "duplicate",
        17 => "unsupported for this contract",
        20 => "unknown message from the contract",
        21 => "invalid event",
        22 => "no such contract",
        27 => "max query stack size exceeded",
        28 => "no such code",
        29 => "wasmvm error",
        30 => "max call depth exceeded",
        _ => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_sees_a_sentence_only_where_a_contract_wrote_it() {
        let own = Fault::contract(5, "Unauthorized");
        assert_eq!(own.redacted(), "Unauthorized: execute wasm contract failed");
        assert_eq!(own.wrap("dispatch").redacted(), "codespace: wasm, code: 5");
        assert_eq!(Fault::sdk(5, "1awei is smaller than 2awei").redacted(), "codespace: sdk, code: 5");
        assert_eq!(Fault::OutOfGas { at: "wasm contract" }.redacted(), "codespace: sdk, code: 11");
        assert_eq!(Fault::undefined("bech32").redacted(), "codespace: undefined, code: 1");
        assert_eq!(Fault::no_such_contract("weft1x").redacted(), "codespace: wasm, code: 22");
    }
}
