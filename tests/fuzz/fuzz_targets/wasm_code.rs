//! Any bytes as the code of a contract: the check says the same on every node, and what it admits is instrumented,
//! compiled and called in two engines that compile differently, with the same results.
#![no_main]

mod wasm;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|code: &[u8]| {
    wasm::run(code);
});
