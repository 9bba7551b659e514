//! Blobs out of a square, as celestia-node's blob service gives them.

use super::chain::Block;
use celestia_types::nmt::Namespace;
use celestia_types::{Blob, Share};

/// See [`Block::blobs`].
pub(crate) fn in_square(block: &Block, namespace: Namespace) -> Vec<Blob> {
    let width = u64::from(block.header().dah.square_width());
    let mut shares: Vec<(u64, Share)> = Vec::new();
    let side = width / 2;
    let contains = |row: u16| block.header().dah.row_contains(row, namespace).unwrap_or(false);
    for row in (0..u16::try_from(side).unwrap_or(0)).filter(|row| contains(*row)) {
        let of_row = (0..u16::try_from(side).unwrap_or(0)).filter_map(|column| {
            let share = block.eds().share(row, column).ok().filter(|share| share.namespace() == namespace)?;
            Some((u64::from(row) * width + u64::from(column), share.clone()))
        });
        shares.extend(of_row);
    }
    let mut blobs = Vec::new();
    let mut at = 0;
    while at < shares.len() {
        let start = &shares[at].1;
        // Padding, and what continues nothing.
        let Some(length) = start.sequence_length().filter(|length| *length > 0) else {
            at += 1;
            continue;
        };
        let first = start.payload().map_or(0, <[u8]>::len) as u64;
        let rest = u64::from(length).saturating_sub(first).div_ceil(482);
        let end = usize::try_from(rest).unwrap_or(usize::MAX).saturating_add(at + 1);
        let blob =
            shares.get(at..end).and_then(|run| Blob::reconstruct(run.iter().map(|(_, share)| share)).ok());
        match blob {
            Some(mut blob) => {
                blob.index = Some(shares[at].0);
                blobs.push(blob);
                at = end;
            }
            None => at += 1,
        }
    }
    blobs
}
