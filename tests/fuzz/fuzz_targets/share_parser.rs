//! Any shares give a list of blobs that fits them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use weft_da::shares::{RawShare, SHARE_BYTES, parse, shares_needed};

fuzz_target!(|bytes: &[u8]| {
    let shares: Vec<&RawShare> =
        bytes.chunks_exact(SHARE_BYTES).map(|chunk| chunk.try_into().expect("512 bytes")).collect();
    let mut end = 0;
    for blob in parse(&shares) {
        let index = usize::try_from(blob.index).expect("an index");
        assert!(index >= end, "blobs overlap");
        end = index + shares_needed(blob.data.len(), blob.share_version).expect("version 0 or 1");
        assert!(end <= shares.len(), "a blob past the end");
    }
});
