//! What decodes encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weft_types::Transaction;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(transaction) = Transaction::from_bytes(bytes) {
        assert_eq!(&transaction.to_bytes()[..], bytes);
    }
});
