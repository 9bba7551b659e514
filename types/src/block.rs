//! Blocks on their way from derivation to execution.

use crate::{Address, B256, DaHeight, Height, Transaction, hash};

/// A transaction at its place in a derived block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedTransaction {
    /// What is to be executed.
    pub transaction: Transaction,
    /// It came through the forced namespace, not through a sequencer.
    pub forced: bool,
}

/// What derivation makes of Celestia's data: ordered transactions at one height, not yet executed.
///
/// A sequencer makes the same value for a soft block before Celestia has it; nothing in it depends on
/// where the batch lands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DerivedBlock {
    /// The tip's height plus one.
    pub height: Height,
    /// Unix milliseconds; never below the parent's.
    pub timestamp_ms: u64,
    /// The Celestia height up to which forced transactions are in.
    pub origin: DaHeight,
    /// Hash of Celestia's header at `origin`.
    pub origin_hash: B256,
    /// The block's order hash, which covers the parent's (see [`hash::order_hash`]).
    pub order_hash: B256,
    /// Who ordered the block; `None` where derivation did (overdue and based blocks).
    pub sequencer: Option<Address>,
    /// All of its transactions, in order.
    pub transactions: Vec<OrderedTransaction>,
}

impl DerivedBlock {
    /// The Merkle root over the canonical bytes of all transactions, which the order hash covers.
    #[must_use]
    pub fn ordered_root<'a>(transactions: impl IntoIterator<Item = &'a Transaction>) -> B256 {
        let leaves: Vec<_> = transactions.into_iter().map(Transaction::to_bytes).collect();
        hash::merkle_root(&leaves)
    }

    /// What the header carries as `derivation_hash`: the block's place in Celestia's history.
    ///
    /// `sha256("weft/derivation" | height | timestamp_ms | origin | origin_hash | order_hash)`. The leader,
    /// the forced queue and pending chunks are left out, since they depend on where the batch lands and a
    /// soft block must keep its hash when it does (docs/adr/0002).
    #[must_use]
    pub fn derivation_hash(&self) -> B256 {
        let numbers =
            [self.height.0.to_be_bytes(), self.timestamp_ms.to_be_bytes(), self.origin.0.to_be_bytes()]
                .concat();
        hash::sha256("weft/derivation", &[&numbers, self.origin_hash.as_slice(), self.order_hash.as_slice()])
    }

    /// `sha256("weft/randao" | origin_hash | height)`.
    #[must_use]
    pub fn prevrandao(&self) -> B256 {
        hash::sha256("weft/randao", &[self.origin_hash.as_slice(), &self.height.0.to_be_bytes()])
    }
}

/// What a sequencer signs when it makes a soft block: `(chain_id, height, order_hash)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftPromise {
    /// The chain.
    pub chain_id: u64,
    /// The block's height.
    pub height: Height,
    /// The block's order hash.
    pub order_hash: B256,
}

impl SoftPromise {
    /// `sha256("weft/soft" | chain_id | height | order_hash)`: the digest that is signed.
    #[must_use]
    pub fn digest(&self) -> B256 {
        let numbers = [self.chain_id.to_be_bytes(), self.height.0.to_be_bytes()].concat();
        hash::sha256("weft/soft", &[&numbers, self.order_hash.as_slice()])
    }
}
