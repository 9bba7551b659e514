//! The original data square: which share stands where. Follows go-square, builder.go, whose rules are consensus.
//!
//! ```text
//! [transactions][PFBs with the places of their blobs][reserved padding][blob][padding][blob]..[tail padding]
//! ```
//! Blobs stand in the order of their namespaces, and within a namespace in the order of their transactions. Each
//! starts at a multiple of its subtree width, so that its commitment is made of nodes of the row trees. The side
//! is that of the worst case (all padding that could be needed), not of what the layout took in the end.

use super::compact;
use super::wire::{self, Message};
use bytes::Bytes;
use celestia_types::consts::appconsts::{SHARE_SIZE, SUBTREE_ROOT_THRESHOLD};
use celestia_types::nmt::{NS_SIZE, Namespace};
use celestia_types::{Blob, ExtendedDataSquare};

/// The side that app v9's governance allows: 256 x 256 shares, 32 MiB.
pub const MAX_SIDE: usize = 256;
/// What a place counts for while the real one is not known: the largest one, for its length as a varint.
const WORST_PLACE: u32 = 512 * 512;

/// Whole shares of one namespace that must stand together: a blob, or what a test calls one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    namespace: Namespace,
    shares: Bytes,
}

/// Bytes that are not whole shares of one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not whole shares of 512 bytes of one user namespace")]
pub struct NotShares;

impl Piece {
    /// A piece of raw shares, whatever they hold behind their namespace.
    ///
    /// # Errors
    /// [`NotShares`]: none, not a multiple of 512 bytes, mixed or reserved namespaces.
    pub fn from_shares(shares: Bytes) -> Result<Self, NotShares> {
        let first = shares.get(..NS_SIZE).ok_or(NotShares)?;
        let namespace = Namespace::from_raw(first).map_err(|_| NotShares)?;
        let whole = shares.len().is_multiple_of(SHARE_SIZE);
        // An info byte is any byte: version in seven bits, start in one.
        if !whole
            || namespace.is_reserved()
            || shares.chunks(SHARE_SIZE).any(|share| !share.starts_with(first))
        {
            return Err(NotShares);
        }
        Ok(Self { namespace, shares })
    }

    /// The shares of a blob.
    ///
    /// # Errors
    /// [`NotShares`] where the blob is empty, its share version is unknown, or its namespace is reserved.
    pub fn from_blob(blob: &Blob) -> Result<Self, NotShares> {
        let shares = blob.to_shares().map_err(|_| NotShares)?;
        Self::from_shares(shares.iter().flat_map(|share| *share.data()).collect::<Vec<u8>>().into())
    }

    /// Its shares, one after the other.
    #[must_use]
    pub fn shares(&self) -> &Bytes {
        &self.shares
    }

    /// How many shares it takes, padding before it not counted.
    #[must_use]
    pub fn share_count(&self) -> usize {
        self.shares.len() / SHARE_SIZE
    }
}

/// A square of `side` x `side` shares of 512 bytes, row by row.
#[derive(Debug)]
pub struct Square {
    /// All shares.
    pub shares: Vec<Vec<u8>>,
    /// Shares of a row: a power of two.
    pub side: usize,
}

impl Square {
    /// Erasure codes it.
    ///
    /// # Panics
    /// Never: a square of the builder has a power-of-two side and sorted namespaces.
    #[must_use]
    pub fn extend(self) -> ExtendedDataSquare {
        ExtendedDataSquare::from_ods(self.shares)
            .expect("the builder's squares are sorted and of power-of-two side")
    }
}

struct Element {
    piece: Piece,
    /// Which PFB it belongs to, and which of its blobs it is; none for what no transaction pays for.
    paid_by: Option<(usize, usize)>,
}

struct Pfb {
    tx: Bytes,
    places: Vec<u32>,
}

impl Pfb {
    /// go-square's IndexWrapper.
    fn encode(&self) -> Vec<u8> {
        Message::new().bytes(1, &self.tx).packed(2, &self.places).bytes(3, "INDX").finish()
    }

    fn encoded_len(&self) -> usize {
        let places: usize = self.places.iter().map(|place| wire::varint_len(u64::from(*place))).sum();
        let tx = 1 + compact::delimited_len(self.tx.len());
        tx + if places == 0 { 0 } else { 1 + compact::delimited_len(places) } + 6
    }
}

/// Takes transactions as long as they fit.
pub struct SquareBuilder {
    capacity: usize,
    worst: usize,
    txs: Vec<Vec<u8>>,
    tx_bytes: usize,
    pfbs: Vec<Pfb>,
    pfb_bytes: usize,
    elements: Vec<Element>,
}

impl SquareBuilder {
    /// An empty square that may grow to `max_side`.
    #[must_use]
    pub fn new(max_side: usize) -> Self {
        Self {
            capacity: max_side * max_side,
            worst: 0,
            txs: Vec::new(),
            tx_bytes: 0,
            pfbs: Vec::new(),
            pfb_bytes: 0,
            elements: Vec::new(),
        }
    }

    /// Adds a transaction without blobs; false, and nothing changed, where it does not fit.
    pub fn push_tx(&mut self, tx: Vec<u8>) -> bool {
        let bytes = self.tx_bytes + compact::delimited_len(tx.len());
        let more = compact::shares_needed(bytes) - compact::shares_needed(self.tx_bytes);
        if self.worst + more > self.capacity {
            return false;
        }
        self.worst += more;
        self.tx_bytes = bytes;
        self.txs.push(tx);
        true
    }

    /// Adds a transaction that pays for blobs (or, with an empty `tx`, pieces that nobody pays for); false, and
    /// nothing changed, where it does not fit.
    pub fn push_blobs(&mut self, tx: &Bytes, pieces: &[Piece]) -> bool {
        let pfb = (!tx.is_empty()).then(|| Pfb { tx: tx.clone(), places: vec![WORST_PLACE; pieces.len()] });
        let bytes = self.pfb_bytes + pfb.as_ref().map_or(0, |pfb| compact::delimited_len(pfb.encoded_len()));
        let compact = compact::shares_needed(bytes) - compact::shares_needed(self.pfb_bytes);
        let blobs: usize =
            pieces.iter().map(|piece| piece.share_count() + subtree_width(piece.share_count()) - 1).sum();
        if self.worst + compact + blobs > self.capacity {
            return false;
        }
        self.worst += compact + blobs;
        self.pfb_bytes = bytes;
        for (index, piece) in pieces.iter().enumerate() {
            let paid_by = pfb.is_some().then_some((self.pfbs.len(), index));
            self.elements.push(Element { piece: piece.clone(), paid_by });
        }
        self.pfbs.extend(pfb);
        true
    }

    /// The square: one share of tail padding where nothing was added.
    #[must_use]
    pub fn finish(mut self) -> Square {
        let side = min_side(self.worst);
        self.elements.sort_by_key(|element| element.piece.namespace);
        let reserved = compact::shares_needed(self.tx_bytes) + compact::shares_needed(self.pfb_bytes);
        let mut cursor = reserved;
        let mut starts = Vec::with_capacity(self.elements.len());
        for element in &self.elements {
            cursor = cursor.next_multiple_of(subtree_width(element.piece.share_count()));
            if let Some((pfb, blob)) = element.paid_by {
                self.pfbs[pfb].places[blob] = u32::try_from(cursor).unwrap_or(WORST_PLACE);
            }
            starts.push(cursor);
            cursor += element.piece.share_count();
        }
        let mut shares = compact::split(Namespace::TRANSACTION, &self.txs);
        let pfbs: Vec<_> = self.pfbs.iter().map(Pfb::encode).collect();
        shares.extend(compact::split(Namespace::PAY_FOR_BLOB, &pfbs));
        // Real places are shorter than the worst ones: what that left over is reserved padding, too.
        let first = starts.first().copied().unwrap_or(reserved);
        shares.resize(first, padding(Namespace::PRIMARY_RESERVED_PADDING.as_bytes(), 0));
        for (element, start) in self.elements.iter().zip(starts) {
            if start > shares.len() {
                let before = shares.last().expect("something stands before a gap");
                let gap = padding(&before[..NS_SIZE], before[NS_SIZE] >> 1);
                shares.resize(start, gap);
            }
            shares.extend(element.piece.shares.chunks(SHARE_SIZE).map(<[u8]>::to_vec));
        }
        shares.resize(side * side, padding(Namespace::TAIL_PADDING.as_bytes(), 0));
        Square { shares, side }
    }
}

/// A share of padding: the start of a sequence of length 0.
fn padding(namespace: &[u8], share_version: u8) -> Vec<u8> {
    let mut share = namespace.to_vec();
    share.push(share_version << 1 | 1);
    share.resize(SHARE_SIZE, 0);
    share
}

/// The smallest power-of-two side whose square holds `shares`.
fn min_side(shares: usize) -> usize {
    let root = shares.isqrt();
    (if root * root < shares { root + 1 } else { root }).max(1).next_power_of_two()
}

/// How wide the subtrees are that a blob's commitment is made of (go-square, inclusion/commitment.go).
fn subtree_width(shares: usize) -> usize {
    let threshold = usize::try_from(SUBTREE_ROOT_THRESHOLD).expect("64");
    shares.div_ceil(threshold).next_power_of_two().min(min_side(shares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use celestia_types::DataAvailabilityHeader;
    use proptest::prelude::*;

    fn blob(namespace: u8, data: usize) -> Piece {
        let namespace = Namespace::new_v0(&[9, namespace]).expect("a namespace");
        Piece::from_blob(&Blob::new(namespace, vec![namespace.as_bytes()[28]; data], None).expect("a blob"))
            .expect("shares")
    }

    #[test]
    fn an_empty_square_has_the_well_known_root() {
        let dah = DataAvailabilityHeader::from_eds(&SquareBuilder::new(MAX_SIDE).finish().extend());
        let golden = "3D96B7D238E7E0456F6AF8E7CDF0A67BD6CF9C2089ECB559C659DCAA1F880353";
        assert_eq!(dah.hash().to_string(), golden);
    }

    #[test]
    fn widths_are_those_of_go_square() {
        for (shares, width) in [(1, 1), (2, 1), (64, 1), (65, 2), (128, 2), (129, 4), (256, 4), (8192, 128)] {
            assert_eq!(subtree_width(shares), width, "{shares}");
        }
        for (shares, side) in [(0, 1), (1, 1), (2, 2), (4, 2), (5, 4), (16, 4), (17, 8), (65_536, 256)] {
            assert_eq!(min_side(shares), side, "{shares}");
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut builder = SquareBuilder::new(2);
        assert!(builder.push_blobs(&Bytes::from_static(b"tx"), &[blob(1, 400)]));
        assert!(!builder.push_blobs(&Bytes::from_static(b"tx"), &[blob(2, 4_000)]));
        let square = builder.finish();
        assert_eq!(square.side, 2);
        assert_eq!(square.shares.iter().filter(|share| share[28] == 1).count(), 1);
        assert_eq!(square.shares.iter().filter(|share| share[28] == 2).count(), 0);
    }

    #[test]
    fn only_whole_shares_of_one_user_namespace_are_a_piece() {
        let good = blob(1, 1_000).shares;
        assert!(Piece::from_shares(good.clone()).is_ok());
        assert!(Piece::from_shares(Bytes::new()).is_err());
        assert!(Piece::from_shares(good.slice(..700)).is_err());
        let mixed = [&blob(1, 1).shares[..], &blob(2, 1).shares[..]].concat();
        assert!(Piece::from_shares(mixed.into()).is_err());
        assert!(Piece::from_shares(padding(Namespace::TAIL_PADDING.as_bytes(), 0).into()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn any_square_is_one_that_celestia_types_takes(
            txs in prop::collection::vec(
                (0_usize..700, prop::collection::vec((0_u8..6, 1_usize..70_000), 1..4)), 0..8),
        ) {
            let mut builder = SquareBuilder::new(32);
            for (tx, blobs) in txs {
                let pieces: Vec<_> = blobs.into_iter().map(|(namespace, data)| blob(namespace, data)).collect();
                builder.push_blobs(&vec![1; tx].into(), &pieces);
            }
            let square = builder.finish();
            prop_assert!(square.side.is_power_of_two() && square.side <= 32);
            let eds = ExtendedDataSquare::from_ods(square.shares);
            prop_assert!(eds.is_ok(), "{:?}", eds.err());
        }
    }
}
