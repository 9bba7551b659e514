//! Four validators, and the headers that they sign.

use super::accounts;
use super::wire::Message;
use celestia_types::block::CommitExt as _;
use celestia_types::consts::version::BLOCK_PROTOCOL;
use celestia_types::hash::Hash;
use celestia_types::{DataAvailabilityHeader, ExtendedHeader, ValidatorSet};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};
use tendermint::block::header::{Header, Version};
use tendermint::block::{Commit, CommitSig, Height, Id, parts};
use tendermint::crypto::default::Sha256 as TendermintSha256;
use tendermint::validator::Info;
use tendermint::{AppHash, PublicKey, Signature, Time, account, chain, merkle};

/// The app version of every header.
pub const APP_VERSION: u64 = 9;
/// How many validators sign. Three of them are more than two thirds.
pub const VALIDATORS: usize = 4;
/// Power of each.
const POWER: u32 = 5_000;
/// Consensus parameters of app v9, of which the header has the hash: 32 MiB a block, gas without bound.
const MAX_BLOCK_BYTES: u64 = 32 * 1024 * 1024;
const MAX_BLOCK_GAS: i64 = -1;

/// What a header says that does not follow from the chain id and the data root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderParts {
    pub(crate) height: u64,
    pub(crate) time: Time,
    /// Hash of the header before and hash of its part set; none at height 1.
    pub(crate) last_block: Option<([u8; 32], [u8; 32])>,
    pub(crate) last_commit_hash: [u8; 32],
    pub(crate) app_hash: [u8; 32],
    pub(crate) last_results_hash: [u8; 32],
}

/// The validator set with its keys, which follow from the chain id.
pub(crate) struct Validators {
    chain_id: chain::Id,
    /// In the order of the set.
    keys: Vec<SigningKey>,
    infos: Vec<Info>,
}

impl Validators {
    pub(crate) fn new(chain_id: chain::Id) -> Self {
        let mut both: Vec<(Info, SigningKey)> = (0..VALIDATORS)
            .map(|index| {
                let seed = accounts::seed("validator", chain_id.as_str(), &index.to_string());
                let key = SigningKey::from_bytes(&seed);
                let public =
                    PublicKey::from_raw_ed25519(key.verifying_key().as_bytes()).expect("an ed25519 key");
                (Info::new(public, POWER.into()), key)
            })
            .collect();
        // Equal powers: the set orders them by address.
        both.sort_by_key(|(info, _)| info.address);
        let (infos, keys) = both.into_iter().unzip();
        Self { chain_id, keys, infos }
    }

    /// The one header with these parts and this data root. Signing is deterministic: the same at every call.
    pub(crate) fn header(&self, parts: &HeaderParts, dah: DataAvailabilityHeader) -> ExtendedHeader {
        let height = Height::try_from(parts.height).expect("heights stay below 2^63");
        let turn = usize::try_from(parts.height % VALIDATORS as u64).unwrap_or(0);
        let validator_set = ValidatorSet::new(self.infos.clone(), Some(self.infos[turn].clone()));
        let block_id =
            |(hash, part_set)| Id { hash: Hash::Sha256(hash), part_set_header: part_set_header(part_set) };
        let header = Header {
            version: Version { block: BLOCK_PROTOCOL, app: APP_VERSION },
            chain_id: self.chain_id.clone(),
            height,
            time: parts.time,
            last_block_id: parts.last_block.map(block_id),
            last_commit_hash: Some(Hash::Sha256(parts.last_commit_hash)),
            data_hash: Some(dah.hash()),
            validators_hash: validator_set.hash(),
            next_validators_hash: validator_set.hash(),
            consensus_hash: consensus_hash(),
            app_hash: AppHash::try_from(parts.app_hash.to_vec()).expect("32 bytes"),
            last_results_hash: Some(Hash::Sha256(parts.last_results_hash)),
            evidence_hash: Some(Hash::Sha256(Sha256::digest([]).into())),
            proposer_address: self.infos[turn].address,
        };
        let hash: [u8; 32] = sha256(header.hash());
        let commit = self.commit(height, parts.time, block_id((hash, part_set_hash(&hash))));
        ExtendedHeader { header, commit, validator_set, dah }
    }

    fn commit(&self, height: Height, timestamp: Time, block_id: Id) -> Commit {
        let vote = |validator_address: account::Id, signature| CommitSig::BlockIdFlagCommit {
            validator_address,
            timestamp,
            signature,
        };
        let mut commit = Commit {
            height,
            round: 0_u16.into(),
            block_id,
            signatures: self.infos.iter().map(|info| vote(info.address, None)).collect(),
        };
        for (index, (info, key)) in self.infos.iter().zip(&self.keys).enumerate() {
            let bytes = commit.vote_sign_bytes(&self.chain_id, index).expect("each validator has a vote");
            let signature = Signature::new(key.sign(&bytes).to_bytes()).expect("64 bytes");
            commit.signatures[index] = vote(info.address, signature);
        }
        commit
    }
}

/// Hash of a commit, which the next header holds.
pub(crate) fn commit_hash(commit: &Commit) -> [u8; 32] {
    let votes: Vec<Vec<u8>> = commit.signatures.iter().cloned().map(encode_vote).collect();
    merkle_root(&votes)
}

fn encode_vote(vote: CommitSig) -> Vec<u8> {
    let raw = tendermint_proto::v0_38::types::CommitSig::from(vote);
    let timestamp = raw.timestamp.unwrap_or_default();
    let time = Message::new()
        .uint(1, u64::try_from(timestamp.seconds).unwrap_or(0))
        .uint(2, u64::try_from(timestamp.nanos).unwrap_or(0));
    Message::new()
        .uint(1, u64::try_from(raw.block_id_flag).unwrap_or(0))
        .bytes(2, raw.validator_address)
        .element(3, time.finish())
        .bytes(4, raw.signature)
        .finish()
}

/// Hash of the results of a block's transactions, given the gas of each, which the next header holds.
pub(crate) fn results_hash(gas: &[u64]) -> [u8; 32] {
    let results: Vec<Vec<u8>> =
        gas.iter().map(|gas| Message::new().uint(5, *gas).uint(6, *gas).finish()).collect();
    merkle_root(&results)
}

/// The bytes of a hash.
pub(crate) fn sha256(hash: Hash) -> [u8; 32] {
    match hash {
        Hash::Sha256(bytes) => bytes,
        Hash::None => [0; 32],
    }
}

/// A block's part set belongs to the gossip between validators, of which there is none here: its hash is only
/// one that follows from the header's.
pub(crate) fn part_set_hash(header_hash: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update("weft/local-celestia/parts").chain_update(header_hash).finalize().into()
}

fn part_set_header(hash: [u8; 32]) -> parts::Header {
    parts::Header::new(1, Hash::Sha256(hash)).expect("one part with a hash")
}

fn consensus_hash() -> Hash {
    let params = Message::new().uint(1, MAX_BLOCK_BYTES).uint(2, MAX_BLOCK_GAS.cast_unsigned()).finish();
    Hash::Sha256(Sha256::digest(params).into())
}

fn merkle_root(leaves: &[Vec<u8>]) -> [u8; 32] {
    merkle::simple_hash_from_byte_vectors::<TendermintSha256>(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consensus_hash_is_that_of_a_real_chain() {
        // From shared/fixtures/celestia/devnet: celestia-appd v9.0.8.
        let golden = "3010BCE4084E97D799470DF8DE72F6983DD8AF1B7EB5050D29B7C541165DD1D6";
        assert_eq!(consensus_hash().to_string(), golden);
    }

    #[test]
    fn headers_validate_and_are_adjacent() {
        let validators = Validators::new("weft-local".parse().expect("an id"));
        let dah = DataAvailabilityHeader::from_eds(&celestia_types::ExtendedDataSquare::empty());
        let mut parts = HeaderParts {
            height: 1,
            time: Time::from_unix_timestamp(1_700_000_000, 0).expect("a time"),
            last_block: None,
            last_commit_hash: merkle_root(&[]),
            app_hash: [1; 32],
            last_results_hash: results_hash(&[]),
        };
        let mut last = validators.header(&parts, dah.clone());
        last.validate().expect("valid");
        for height in 2..8 {
            let hash = sha256(last.hash());
            parts = HeaderParts {
                height,
                time: parts.time.checked_add(std::time::Duration::from_nanos(1)).expect("a time"),
                last_block: Some((hash, part_set_hash(&hash))),
                last_commit_hash: commit_hash(&last.commit),
                ..parts
            };
            let next = validators.header(&parts, dah.clone());
            next.validate().expect("valid");
            last.verify_adjacent(&next).expect("adjacent");
            assert_eq!(next, validators.header(&parts, dah.clone()), "the same at every call");
            assert_eq!(next.header.last_block_id, Some(last.commit.block_id));
            last = next;
        }
    }

    #[test]
    fn commit_hashes_are_those_of_a_real_chain() {
        let Some(text) = crate::local::fixture("celestia/devnet/headers_range.json") else { return };
        let headers: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let list = headers.as_array().or_else(|| headers["headers"].as_array()).expect("a list of headers");
        let headers: Vec<ExtendedHeader> =
            list.iter().map(|header| serde_json::from_value(header.clone()).expect("a header")).collect();
        assert!(headers.len() > 1);
        for pair in headers.windows(2) {
            let said = pair[1].header.last_commit_hash.expect("a hash");
            assert_eq!(Hash::Sha256(commit_hash(&pair[0].commit)), said, "height {}", pair[0].height());
        }
    }
}
