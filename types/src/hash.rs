//! Hashes with a domain each, and the Merkle root that blocks use.

use alloy_primitives::B256;
use sha2::{Digest, Sha256};

/// `sha256(domain | parts...)`. Parts of variable length must carry their own length: see the callers.
#[must_use]
pub fn sha256(domain: &str, parts: &[&[u8]]) -> B256 {
    let mut hasher = Sha256::new();
    hasher.update(domain.as_bytes());
    for part in parts {
        hasher.update(part);
    }
    B256::new(hasher.finalize().into())
}

/// The Merkle root of RFC 6962 (sha256; leaf prefix 0, node prefix 1; split at the largest power of two
/// below the count). The root of no leaves is sha256 of nothing.
pub fn merkle_root<L: AsRef<[u8]>>(leaves: &[L]) -> B256 {
    let hashes: Vec<B256> = leaves
        .iter()
        .map(|leaf| B256::new(Sha256::new().chain_update([0]).chain_update(leaf.as_ref()).finalize().into()))
        .collect();
    fold(&hashes)
}

fn fold(hashes: &[B256]) -> B256 {
    match hashes {
        [] => B256::new(Sha256::digest([]).into()),
        [one] => *one,
        many => {
            let split = many.len().next_power_of_two() / 2;
            let (left, right) = many.split_at(split);
            let node = Sha256::new().chain_update([1]).chain_update(fold(left)).chain_update(fold(right));
            B256::new(node.finalize().into())
        }
    }
}

/// The order hash of a block (design 02): it commits to order and to nothing that executing gives.
///
/// `sha256("weft/order" | previous | height u64 BE | timestamp_ms u64 BE | origin u64 BE | root)`.
#[must_use]
pub fn order_hash(previous: B256, height: u64, timestamp_ms: u64, origin: u64, transactions: B256) -> B256 {
    let numbers = [height.to_be_bytes(), timestamp_ms.to_be_bytes(), origin.to_be_bytes()].concat();
    sha256("weft/order", &[previous.as_slice(), &numbers, transactions.as_slice()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;

    #[test]
    fn merkle_root_of_none_is_sha256_of_nothing() {
        let none: [&[u8]; 0] = [];
        assert_eq!(
            merkle_root(&none),
            b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
    }

    #[test]
    fn merkle_root_follows_rfc_6962() {
        // Certificate Transparency's own test vector for the leaves "", 00, 10.
        let leaves: [&[u8]; 3] = [&[], &[0x00], &[0x10]];
        assert_eq!(
            merkle_root(&leaves),
            b256!("aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")
        );
    }
}
