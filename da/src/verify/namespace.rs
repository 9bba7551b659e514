//! Completeness: that an answer holds all shares of a namespace and nothing else (docs/spec/01-blobs.md).
//!
//! Which rows of the square can hold a namespace follows from the row roots in the header: those whose range
//! covers it. The answer must have exactly these rows in order, each with a proof of presence or of absence
//! to that row's root. celestia-types and nmt-rs check the hashes and that the neighbours of the range lie
//! outside the namespace. Left out there and checked here: that the proof has the shape of a range in this
//! square's tree (nmt-rs takes an index that no square of this side has), lies in the data half of the row,
//! that shares carry the namespace's own bytes, and that presence and absence are not mixed.

use super::VerifyError;
use super::header::original_side;
use crate::blob::Blob;
use crate::shares::{self, RawShare};
use celestia_types::ExtendedHeader;
use celestia_types::namespace_data::NamespaceData;
use celestia_types::row_namespace_data::{RowNamespaceData, RowNamespaceDataId};
use weft_types::namespace::NAMESPACE_BYTES;
use weft_types::{DaHeight, Namespace};

/// The blobs of one namespace at one height, complete, and where they lie in the square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedNamespace {
    blobs: Vec<Blob>,
    rows: Vec<RowSpan>,
    extended_side: u32,
}

/// Where a row's shares of the namespace lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RowSpan {
    row: u32,
    first_column: u32,
    count: u32,
}

impl VerifiedNamespace {
    /// All blobs, in square order.
    #[must_use]
    pub fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    /// All blobs, in square order.
    #[must_use]
    pub fn into_blobs(self) -> Vec<Blob> {
        self.blobs
    }

    /// Where a blob of this namespace begins in the extended square, as celestia-node counts in a blob's
    /// `index`: row * side + column.
    #[must_use]
    pub fn square_index(&self, blob: &Blob) -> Option<u32> {
        let mut offset = blob.index;
        for span in &self.rows {
            if offset < span.count {
                return Some(span.row * self.extended_side + span.first_column + offset);
            }
            offset -= span.count;
        }
        None
    }
}

/// Verifies that `data` is all of `namespace` in the square of `header`, which must have been checked.
///
/// # Errors
/// [`VerifyError::Namespace`], [`VerifyError::Row`].
pub fn verify(
    header: &ExtendedHeader,
    namespace: Namespace,
    data: &NamespaceData,
) -> Result<VerifiedNamespace, VerifyError> {
    let height = DaHeight(header.height());
    let fail = |what: String| VerifyError::Namespace { height, namespace, what };
    let celestia = celestia_types::nmt::Namespace::from_raw(namespace.as_bytes())
        .map_err(|error| fail(error.to_string()))?;
    let side = original_side(&header.dah);
    let candidates = candidate_rows(header, celestia, side).map_err(fail)?;
    if data.rows().len() != candidates.len() {
        return Err(fail(format!(
            "the square's rows {candidates:?} can hold it, and the answer has {} rows",
            data.rows().len()
        )));
    }
    let absent = data.rows().iter().filter(|row| row.shares.is_empty()).count();
    if absent > 0 && candidates.len() > 1 {
        return Err(fail(format!("{absent} of {} rows have no share of it", candidates.len())));
    }
    let mut all: Vec<&RawShare> = Vec::new();
    let mut rows = Vec::with_capacity(candidates.len());
    for (row, &index) in data.rows().iter().zip(&candidates) {
        let span = verify_row(header, namespace, celestia, row, index, side)
            .map_err(|what| VerifyError::Row { height, namespace, row: index, what })?;
        rows.push(span);
        all.extend(row.shares.iter().map(|share| share.data()));
    }
    let extended_side = u32::from(header.dah.square_width());
    Ok(VerifiedNamespace { blobs: shares::parse(&all), rows, extended_side })
}

/// The blobs of an answer that nobody checked.
pub(super) fn parse_unverified(data: &NamespaceData) -> Vec<Blob> {
    let all: Vec<&RawShare> =
        data.rows().iter().flat_map(|row| row.shares.iter().map(|share| share.data())).collect();
    shares::parse(&all)
}

/// Rows of the data half whose root covers the namespace.
fn candidate_rows(
    header: &ExtendedHeader,
    namespace: celestia_types::nmt::Namespace,
    side: usize,
) -> Result<Vec<u16>, String> {
    let side = u16::try_from(side).map_err(|_| "the square is too large".to_owned())?;
    (0..side)
        .filter_map(|row| match header.dah.row_contains(row, namespace) {
            Ok(true) => Some(Ok(row)),
            Ok(false) => None,
            Err(error) => Some(Err(error.to_string())),
        })
        .collect()
}

fn verify_row(
    header: &ExtendedHeader,
    namespace: Namespace,
    celestia: celestia_types::nmt::Namespace,
    row: &RowNamespaceData,
    index: u16,
    side: usize,
) -> Result<RowSpan, String> {
    let proof = &row.proof;
    let (start, end) = (as_usize(proof.start_idx()), as_usize(proof.end_idx()));
    if start >= end || end > side {
        return Err(format!("the proof is for columns {start}..{end}, the data has columns 0..{side}"));
    }
    let expected = siblings(start, end, 2 * side);
    if proof.siblings().len() != expected {
        return Err(format!(
            "a proof for columns {start}..{end} has {expected} nodes in this square, this one has {}",
            proof.siblings().len()
        ));
    }
    if !proof.max_ns_ignored() {
        return Err("the proof does not ignore the parity namespace".into());
    }
    if row.shares.is_empty() {
        let is_leaf = proof.leaf().is_some_and(|leaf| leaf.min_namespace() == leaf.max_namespace());
        if !is_leaf || end - start != 1 {
            return Err("it has no share and no proof of absence by one leaf".into());
        }
    } else if row.shares.len() != end - start {
        return Err(format!("{} shares for columns {start}..{end}", row.shares.len()));
    }
    if let Some(position) =
        row.shares.iter().position(|share| share.data()[..NAMESPACE_BYTES] != namespace.as_bytes()[..])
    {
        return Err(format!("share {position} is of another namespace"));
    }
    let id = RowNamespaceDataId::new(celestia, index, header.height()).map_err(|error| error.to_string())?;
    row.verify(id, &header.dah).map_err(|error| error.to_string())?;
    let count = if row.shares.is_empty() { 0 } else { proof.end_idx() - proof.start_idx() };
    Ok(RowSpan { row: u32::from(index), first_column: proof.start_idx(), count })
}

/// Nodes of a range proof in a perfect tree of `leaves` leaves: one to the left for each set bit of the start,
/// one to the right for each clear bit of the last index.
fn siblings(start: usize, end: usize, leaves: usize) -> usize {
    let right = leaves.trailing_zeros() - (end - 1).count_ones();
    as_usize(start.count_ones()) + as_usize(right)
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).expect("a usize has at least 32 bits")
}
