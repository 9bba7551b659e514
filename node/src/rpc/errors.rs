//! Errors as geth gives them: its codes, and its sentences where clients look for them.

use alloy_primitives::{U256, hex};
use jsonrpsee::types::ErrorObjectOwned;
use weft_state::ReadError;

/// What a method answers when it can't answer.
pub type Fault = ErrorObjectOwned;

/// The call reverted; `data` holds the contract's bytes.
pub const REVERTED: i32 = 3;
/// Geth's code for everything else that the server finds wrong.
pub const SERVER: i32 = -32_000;
/// A limit of the server was met; asking for less helps.
pub const LIMIT: i32 = -32_005;
/// The arguments are wrong.
pub const INVALID_PARAMS: i32 = -32_602;
/// No such method.
pub const NO_METHOD: i32 = -32_601;
/// The node failed.
pub const INTERNAL: i32 = -32_603;

/// `Error(string)`.
const ERROR_SELECTOR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// `Panic(uint256)`.
const PANIC_SELECTOR: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
/// Most bytes of a revert's reason that are repeated in the message.
const REASON_BYTES_MAX: usize = 4_096;

/// An error with [`SERVER`]'s code.
pub fn server(message: impl Into<String>) -> Fault {
    Fault::owned(SERVER, message, None::<()>)
}

/// An error with [`LIMIT`]'s code.
pub fn limit(message: impl Into<String>) -> Fault {
    Fault::owned(LIMIT, message, None::<()>)
}

/// An error with [`INVALID_PARAMS`]'s code.
pub fn invalid_params(message: impl Into<String>) -> Fault {
    Fault::owned(INVALID_PARAMS, message, None::<()>)
}

/// An error with [`NO_METHOD`]'s code, in geth's words.
pub fn no_method(name: &str) -> Fault {
    // The name is the client's; it is repeated, so it is cut.
    let name: String = name.chars().take(64).collect();
    Fault::owned(NO_METHOD, format!("the method {name} does not exist/is not available"), None::<()>)
}

/// An error with [`INTERNAL`]'s code.
pub fn internal(message: impl Into<String>) -> Fault {
    Fault::owned(INTERNAL, message, None::<()>)
}

/// The store failed. Its words go to the log and not to the client.
pub fn store(error: &ReadError) -> Fault {
    tracing::error!(%error, "RPC could not read the store");
    internal("the node could not read its store")
}

/// The state, or the block, that was asked for is not there.
pub fn no_header() -> Fault {
    server("header not found")
}

/// The time for a call ran out: geth's words.
pub fn timeout(milliseconds: u64) -> Fault {
    let seconds = milliseconds / 1_000;
    let rest = milliseconds % 1_000;
    let text = if rest == 0 { format!("{seconds}s") } else { format!("{milliseconds}ms") };
    server(format!("execution aborted (timeout = {text})"))
}

/// Code 3 with the contract's bytes, and its reason where the bytes are Solidity's.
pub fn reverted(output: &[u8]) -> Fault {
    let message = match revert_reason(output) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_owned(),
    };
    Fault::owned(REVERTED, message, Some(hex::encode_prefixed(output)))
}

/// The text of Solidity's `Error(string)`, or geth's words for a `Panic(uint256)`.
pub fn revert_reason(output: &[u8]) -> Option<String> {
    let (selector, body) = output.split_first_chunk::<4>()?;
    match *selector {
        ERROR_SELECTOR => {
            let offset = word(body, 0)?;
            let length = word(body, offset)?;
            let start = offset.checked_add(32)?;
            let text = body.get(start..start.checked_add(length)?)?;
            let text = text.get(..REASON_BYTES_MAX).unwrap_or(text);
            Some(String::from_utf8_lossy(text).into_owned())
        }
        PANIC_SELECTOR => {
            let code = U256::from_be_slice(body.get(..32)?);
            Some(panic_reason(code).map_or_else(|| format!("unknown panic code: {code:#x}"), str::to_owned))
        }
        _ => None,
    }
}

/// The 32-byte word at `at`, where it is a length or an offset.
fn word(body: &[u8], at: usize) -> Option<usize> {
    usize::try_from(U256::from_be_slice(body.get(at..at.checked_add(32)?)?)).ok()
}

/// Geth's table (accounts/abi).
fn panic_reason(code: U256) -> Option<&'static str> {
    Some(match u64::try_from(code).ok()? {
        0x00 => "generic panic",
        0x01 => "assert(false)",
        0x11 => "arithmetic underflow or overflow",
        0x12 => "division or modulo by zero",
        0x21 => "enum overflow",
        0x22 => "invalid encoded storage byte array accessed",
        0x31 => "out-of-bounds array access; popping on an empty array",
        0x32 => "out-of-bounds access of an array or bytesN",
        0x41 => "out of memory",
        0x51 => "uninitialized function",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn solidity_reasons_are_read() {
        // revert("Not enough Ether provided."), from Solidity's documentation.
        let output = hex::decode(concat!(
            "08c379a0",
            "0000000000000000000000000000000000000000000000000000000000000020",
            "000000000000000000000000000000000000000000000000000000000000001a",
            "4e6f7420656e6f7567682045746865722070726f76696465642e000000000000"
        ))
        .unwrap();
        let fault = reverted(&output);
        assert_eq!((fault.code(), fault.message()), (3, "execution reverted: Not enough Ether provided."));
        assert_eq!(fault.data().unwrap().get(), format!("\"{}\"", hex::encode_prefixed(&output)));
    }

    #[test]
    fn panics_custom_errors_and_nothing() {
        let mut output = PANIC_SELECTOR.to_vec();
        output.extend(U256::from(0x11).to_be_bytes::<32>());
        assert_eq!(reverted(&output).message(), "execution reverted: arithmetic underflow or overflow");
        output[35] = 0x99;
        assert_eq!(reverted(&output).message(), "execution reverted: unknown panic code: 0x99");
        assert_eq!(reverted(&[1, 2, 3, 4, 5]).message(), "execution reverted");
        let empty = reverted(&[]);
        assert_eq!((empty.message(), empty.data().unwrap().get()), ("execution reverted", "\"0x\""));
    }

    #[test]
    fn timeouts_read_as_geths() {
        assert_eq!(timeout(5_000).message(), "execution aborted (timeout = 5s)");
        assert_eq!(timeout(250).message(), "execution aborted (timeout = 250ms)");
    }

    proptest! {
        #[test]
        fn any_output_has_an_error(mut output in proptest::collection::vec(any::<u8>(), 0..200), kind in 0..3) {
            if let Some(selector) = output.get_mut(..4) {
                match kind {
                    0 => selector.copy_from_slice(&ERROR_SELECTOR),
                    1 => selector.copy_from_slice(&PANIC_SELECTOR),
                    _ => {}
                }
            }
            prop_assert!(reverted(&output).message().starts_with("execution reverted"));
        }
    }
}
