//! Any blob decodes or is refused, and what decodes has one canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weft_da::batch::{Decoded, SignedBatch, decode};
use weft_types::Bytes;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Decoded::Batch(batch)) = decode(&Bytes::copy_from_slice(bytes)) {
        let canonical = Bytes::from(batch.to_canonical());
        assert_eq!(SignedBatch::from_canonical(&canonical), Ok(batch));
    }
});
