//! A query's error as the gateway tells it. The machine gives what ABCI shows of it, for `abci_query`; the gateway hears of
//! it before it becomes that: by its gRPC code, and with a registered error named by its codespace and code, where ABCI has
//! the words that it is registered with behind the sentence.

use super::super::errors::{Fault, grpc};
use super::fault;

/// What the machine says of a path that it does not know.
const UNKNOWN_PATH: &str = "unknown query path";

/// How ABCI's sentence ends for the registered errors that queries fail with, and how gRPC's begins. What a contract itself
/// answered with (code 9) is not among them: wasmd marks it as the same on every node, and so it is told as ABCI has it.
const REGISTERED: [(&str, &str); 9] = [
    ("empty", "codespace wasm code 12"),
    ("exceeds limit", "codespace wasm code 13"),
    ("invalid", "codespace wasm code 14"),
    ("no such contract", "codespace wasm code 22"),
    ("max query stack size exceeded", "codespace wasm code 27"),
    ("no such code", "codespace wasm code 28"),
    ("wasmvm error", "codespace wasm code 29"),
    ("out of gas", "codespace sdk code 11"),
    ("internal logic error", "codespace sdk code 35"),
];

/// See the module.
pub(super) fn told(refused: &weft_wasm::Fault) -> Fault {
    let text = refused.to_string();
    let (code, end) = match refused.code() {
        ("sdk", 6) if text == UNKNOWN_PATH => return fault(grpc::UNIMPLEMENTED, "Not Implemented"),
        ("sdk", 6) => (grpc::UNKNOWN, ": unknown request"),
        ("sdk", 18) => (grpc::INVALID, ": invalid request"),
        ("sdk", 22) => (grpc::NOT_FOUND, ": key not found"),
        ("sdk", 38) => (grpc::NOT_FOUND, ": not found"),
        _ => (grpc::UNKNOWN, ""),
    };
    let text = text.strip_suffix(end).unwrap_or(&text);
    match text.split_once(" desc = ") {
        Some((start, text)) if start.starts_with("rpc error: code = ") => fault(code, text),
        _ if code == grpc::UNKNOWN => fault(code, named(text)),
        _ => fault(code, text),
    }
}

/// The sentence of a registered error, by its name; any other as it is.
fn named(text: &str) -> String {
    let found = REGISTERED.iter().find_map(|(words, name)| {
        let what = text.strip_suffix(words)?;
        let what = if what.is_empty() { what } else { what.strip_suffix(": ")? };
        let colon = if what.is_empty() { "" } else { ": " };
        Some(format!("{name}: {words}{colon}{what}"))
    });
    found.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_as_the_gateway_tells_them() {
        let sdk = weft_wasm::Fault::sdk;
        let cases = [
            (weft_wasm::Fault::new("sdk", 6, "unknown query path"), (12, "Not Implemented")),
            (sdk(6, "no: query wasm contract failed"), (2, "no: query wasm contract failed")),
            (
                sdk(6, "address weft1x: no such contract"),
                (2, "codespace wasm code 22: no such contract: address weft1x"),
            ),
            (sdk(6, "code id: invalid"), (2, "codespace wasm code 14: invalid: code id")),
            (sdk(6, "no words of ours"), (2, "no words of ours")),
            (sdk(6, "not registered as invalid"), (2, "not registered as invalid")),
            (sdk(18, "rpc error: code = InvalidArgument desc = no"), (3, "no")),
            (sdk(22, "rpc error: code = NotFound desc = account x not found"), (5, "account x not found")),
            (sdk(6, "rpc error: code = Unknown desc = bad: empty"), (2, "bad: empty")),
        ];
        for (refused, expected) in cases {
            let fault = told(&refused);
            assert_eq!((fault.code(), fault.message()), expected, "{refused}");
        }
    }
}
