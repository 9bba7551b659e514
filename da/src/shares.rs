//! Shares to blobs: a total parser over the verified shares of one namespace, in their order.
//!
//! A share is 512 bytes: namespace 29 | info 1 (version << 1 | start) | in a sequence's first share: length u32 BE,
//! and the signer (20) in version 1 | data (celestia-app specs, "Shares"). Consensus makes malformed sequences
//! impossible while fewer than a third of the validators lie; the rules below hold for every input all the
//! same, since two nodes that differ here are a fork (docs/spec/01-blobs.md).
//!
//! - No input is refused and none panics: every list of shares gives a list of blobs.
//! - Nothing is allocated by a declared length: only shares that are there are copied.

use crate::blob::Blob;

/// Bytes of a share.
pub const SHARE_BYTES: usize = 512;

const INFO: usize = 29;
const LENGTH: usize = INFO + 1;
const AFTER_LENGTH: usize = LENGTH + 4;
const SIGNER_BYTES: usize = 20;

/// Data bytes of a share that continues a sequence.
const CONTINUATION_DATA: usize = SHARE_BYTES - LENGTH;

/// One share.
pub type RawShare = [u8; SHARE_BYTES];

/// All blobs of share versions 0 and 1 that the shares hold, in order. What is no whole sequence of such a
/// version (padding, orphans, torn sequences, version 2 and above) is skipped.
#[must_use]
pub fn parse(shares: &[&RawShare]) -> Vec<Blob> {
    let mut blobs = Vec::new();
    let mut at = 0;
    while let Some(first) = shares.get(at) {
        if !starts(first) || declared_length(first) == 0 {
            at += 1;
            continue;
        }
        match read_sequence(&shares[at..], at) {
            Some((blob, used)) => {
                blobs.push(blob);
                at += used;
            }
            None => at = next_start(shares, at + 1),
        }
    }
    blobs
}

/// Shares that a blob of `length` bytes takes; `None` for a version that has no meaning here.
#[must_use]
pub fn shares_needed(length: usize, version: u8) -> Option<usize> {
    let rest = length.saturating_sub(SHARE_BYTES - data_start(version)?);
    Some(1 + rest.div_ceil(CONTINUATION_DATA))
}

/// The sequence that `shares` begins with, and how many shares it takes; `None` where it is not whole.
fn read_sequence(shares: &[&RawShare], index: usize) -> Option<(Blob, usize)> {
    let (first, version) = (*shares.first()?, version(shares.first()?));
    let length = usize::try_from(declared_length(first)).ok()?;
    let data_start = data_start(version)?;
    let needed = shares_needed(length, version)?;
    let sequence = shares.get(..needed)?;
    let (_, continuations) = sequence.split_first()?;
    if continuations.iter().any(|share| starts(share) || self::version(share) != version) {
        return None;
    }
    // Bounded by the shares that are there: `needed` of them are.
    let mut data = Vec::with_capacity(needed * SHARE_BYTES);
    data.extend_from_slice(&first[data_start..]);
    for share in continuations {
        data.extend_from_slice(&share[LENGTH..]);
    }
    data.truncate(length);
    let signer =
        (version == 1).then(|| first[AFTER_LENGTH..AFTER_LENGTH + SIGNER_BYTES].try_into().ok()).flatten();
    let index = u32::try_from(index).ok()?;
    Some((Blob { index, share_version: version, signer, data: data.into() }, needed))
}

fn next_start(shares: &[&RawShare], from: usize) -> usize {
    shares[from..].iter().position(|share| starts(share)).map_or(shares.len(), |offset| from + offset)
}

fn starts(share: &RawShare) -> bool {
    share[INFO] & 1 == 1
}

fn version(share: &RawShare) -> u8 {
    share[INFO] >> 1
}

fn declared_length(share: &RawShare) -> u32 {
    u32::from_be_bytes([share[LENGTH], share[LENGTH + 1], share[LENGTH + 2], share[LENGTH + 3]])
}

/// Where the data begins in a sequence's first share.
fn data_start(version: u8) -> Option<usize> {
    match version {
        0 => Some(AFTER_LENGTH),
        1 => Some(AFTER_LENGTH + SIGNER_BYTES),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use celestia_types::nmt::Namespace;
    use celestia_types::state::AccAddress;
    use proptest::prelude::*;

    const SIZES: [usize; 14] =
        [1, 2, 457, 458, 459, 477, 478, 479, 458 + 482, 459 + 482, 478 + 482, 479 + 482, 4096, 60_000];

    fn blob_shares(data: &[u8], signer: Option<[u8; 20]>) -> Vec<RawShare> {
        let namespace = Namespace::new_v0(b"weft").expect("a namespace");
        let signer = signer.map(|bytes| AccAddress::try_from(&bytes[..]).expect("20 bytes"));
        let blob = celestia_types::Blob::new(namespace, data.to_vec(), signer).expect("a blob");
        blob.to_shares().expect("shares").iter().map(|share| *share.data()).collect()
    }

    fn parse_owned(shares: &[RawShare]) -> Vec<Blob> {
        parse(&shares.iter().collect::<Vec<_>>())
    }

    fn padding() -> RawShare {
        let mut share = [0; SHARE_BYTES];
        share[INFO] = 1;
        share
    }

    #[test]
    fn blobs_of_celestia_types_come_back_at_every_boundary_size() {
        for size in SIZES {
            for signer in [None, Some([9; 20])] {
                let data: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).expect("small")).collect();
                let shares = blob_shares(&data, signer);
                let version = u8::from(signer.is_some());
                assert_eq!(shares_needed(size, version), Some(shares.len()), "size {size}");
                let expected = Blob { index: 0, share_version: version, signer, data: data.into() };
                assert_eq!(parse_owned(&shares), vec![expected], "size {size}");
            }
        }
    }

    #[test]
    fn padding_orphans_torn_sequences_and_foreign_versions_are_skipped() {
        let whole = blob_shares(&[5; 1000], Some([1; 20]));
        let mut fibre = whole.clone();
        for share in &mut fibre {
            share[INFO] = (2 << 1) | (share[INFO] & 1);
        }
        let mut mixed = whole.clone();
        mixed[1][INFO] = 0;
        let shares = [
            vec![padding()],
            vec![whole[2]],      // an orphan
            whole[..2].to_vec(), // torn by the next start
            fibre,
            mixed,
            vec![padding()],
            whole.clone(),
            whole[..1].to_vec(), // torn by the end
        ]
        .concat();
        let blobs = parse_owned(&shares);
        assert_eq!(blobs.len(), 1);
        assert_eq!((blobs[0].index, blobs[0].data.len()), (11, 1000));
    }

    #[test]
    fn a_declared_length_of_4_gib_allocates_nothing_and_hides_nothing_behind_it() {
        let mut liar = padding();
        liar[LENGTH..LENGTH + 4].copy_from_slice(&[0xff; 4]);
        let blobs = parse_owned(&[vec![liar], blob_shares(b"honest", None)].concat());
        assert_eq!(blobs.len(), 1);
        assert_eq!((blobs[0].index, &blobs[0].data[..]), (1, &b"honest"[..]));
    }

    /// Shares whose header bytes are likely to mean something.
    fn plausible_share() -> impl Strategy<Value = RawShare> {
        (0u8..8, prop_oneof![Just(0u32), 0u32..3000, any::<u32>()], any::<u8>()).prop_map(
            |(info, length, fill)| {
                let mut share = [fill; SHARE_BYTES];
                share[INFO] = info;
                share[LENGTH..LENGTH + 4].copy_from_slice(&length.to_be_bytes());
                share
            },
        )
    }

    proptest! {
        #[test]
        fn any_shares_give_blobs_in_order_that_fit_the_shares(shares in prop::collection::vec(plausible_share(), 0..40)) {
            let blobs = parse_owned(&shares);
            let mut end = 0;
            for blob in &blobs {
                let index = usize::try_from(blob.index).expect("small");
                prop_assert!(index >= end && blob.share_version <= 1);
                end = index + shares_needed(blob.data.len(), blob.share_version).expect("0 or 1");
                prop_assert!(end <= shares.len() && !blob.data.is_empty());
            }
        }

        #[test]
        fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
            let shares: Vec<RawShare> =
                bytes.chunks_exact(SHARE_BYTES).map(|chunk| chunk.try_into().expect("512")).collect();
            parse_owned(&shares);
        }

        #[test]
        fn a_blob_survives_junk_before_and_padding_after(
            junk in prop::collection::vec(plausible_share(), 0..6),
            data in prop::collection::vec(any::<u8>(), 1..3000),
            signed in any::<bool>(),
        ) {
            let whole = blob_shares(&data, signed.then_some([4; 20]));
            let blobs = parse_owned(&[junk, whole, vec![padding()]].concat());
            prop_assert!(blobs.iter().any(|blob| blob.data == data));
        }
    }
}
