//! Compact shares: the transactions of a reserved namespace, one after the other, each behind its length.
//!
//! Follows go-square, share/compact_shares.go: a share is namespace 29, info byte 1, in the first one the length
//! of the sequence 4, then 4 bytes that say where in this share the first unit starts (0: none does), then data.

use super::wire;
use celestia_types::consts::appconsts::{
    CONTINUATION_COMPACT_SHARE_CONTENT_SIZE as CONTINUATION, FIRST_COMPACT_SHARE_CONTENT_SIZE as FIRST,
    SHARE_SIZE,
};
use celestia_types::nmt::Namespace;

/// Bytes that a unit takes with its length before it.
pub(crate) fn delimited_len(unit: usize) -> usize {
    wire::varint_len(unit as u64) + unit
}

/// Shares that `bytes` of delimited units take.
pub(crate) fn shares_needed(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        _ if bytes <= FIRST => 1,
        _ => 1 + (bytes - FIRST).div_ceil(CONTINUATION),
    }
}

/// The shares of these units.
pub(crate) fn split(namespace: Namespace, units: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut data = Vec::new();
    let mut starts = Vec::with_capacity(units.len());
    for unit in units {
        starts.push(data.len());
        wire::varint(&mut data, unit.len() as u64);
        data.extend_from_slice(unit);
    }
    let mut starts = starts.into_iter().peekable();
    let mut shares = Vec::with_capacity(shares_needed(data.len()));
    let mut from = 0;
    while from < data.len() {
        let first = from == 0;
        let to = data.len().min(from + if first { FIRST } else { CONTINUATION });
        let mut share = Vec::with_capacity(SHARE_SIZE);
        share.extend_from_slice(namespace.as_bytes());
        share.push(u8::from(first));
        if first {
            share.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
        let content = share.len() + 4;
        let reserved = starts.peek().filter(|start| **start < to).map_or(0, |start| content + start - from);
        share.extend_from_slice(&u32::try_from(reserved).unwrap_or(0).to_be_bytes());
        share.extend_from_slice(&data[from..to]);
        share.resize(SHARE_SIZE, 0);
        shares.push(share);
        while starts.next_if(|start| *start < to).is_some() {}
        from = to;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_unit_starts_behind_the_head_of_the_first_share() {
        let shares = split(Namespace::PAY_FOR_BLOB, &[vec![7; 600], vec![8; 10]]);
        assert_eq!(shares.len(), 2);
        assert_eq!(&shares[0][29..38], &[1, 0, 0, 2, 0x65, 0, 0, 0, 38]);
        // 602 bytes of the first unit: 474 in the first share, 128 in the second behind its 34 bytes of head.
        assert_eq!(&shares[1][29..34], &[0, 0, 0, 0, 34 + 128]);
    }

    proptest! {
        #[test]
        fn as_many_shares_as_counted(lengths in prop::collection::vec(0_usize..2_000, 0..12)) {
            let units: Vec<_> = lengths.iter().map(|length| vec![1; *length]).collect();
            let bytes = lengths.iter().map(|length| delimited_len(*length)).sum();
            let shares = split(Namespace::TRANSACTION, &units);
            prop_assert_eq!(shares.len(), shares_needed(bytes));
            prop_assert!(shares.iter().all(|share| share.len() == SHARE_SIZE));
        }
    }
}
