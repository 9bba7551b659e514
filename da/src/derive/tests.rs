//! Derivation, rule by rule, and whatever happens at once.

use super::*;
use crate::batch::{Batch, SequencedBlock, encode, encode_based};
use crate::blob::Blob;
use crate::signature::SequencerKey;
use proptest::prelude::*;
use weft_types::{Bytes, Height, Namespace, VmId};

mod vectors;

const SIGNER: [u8; 20] = [1; 20];

fn key(number: u8) -> SequencerKey {
    SequencerKey::from_bytes([number; 32]).expect("a key")
}

fn params(sequencers: &[u8]) -> DerivationParams {
    DerivationParams {
        genesis_hash: B256::repeat_byte(9),
        chain_id: 7,
        batch_namespace: Namespace::new_v0(*b"weft-batch").expect("a namespace"),
        forced_namespace: Namespace::new_v0(*b"weft-force").expect("a namespace"),
        da_start: DaHeight(100),
        genesis_time_ms: 1_000_000,
        sequencers: sequencers.iter().map(|number| key(*number).address()).collect(),
        hybrid: false,
        forced_window: 5,
        failover_window: 10,
        origin_window: 20,
        max_drift_ms: 3_000,
        block_bytes_max: 4_000,
        forced_bytes_max: 1_000,
    }
}

fn tx(number: u8) -> Transaction {
    Transaction { vm: VmId::EVM, payload: Bytes::from(vec![number; 20]) }
}

fn blobs(data: Vec<Bytes>) -> Vec<Blob> {
    let blob = |(index, data)| Blob { index, share_version: 1, signer: Some(SIGNER), data };
    (0u32..).zip(data).map(blob).collect()
}

/// A chain under test: derives height after height.
struct Bench {
    params: DerivationParams,
    state: DerivationState,
    blocks: Vec<Landed>,
    discarded: Vec<&'static str>,
}

impl Bench {
    fn new(params: DerivationParams) -> Self {
        let state = DerivationState::genesis(&params);
        Self { params, state, blocks: Vec::new(), discarded: Vec::new() }
    }

    /// Celestia's next block, one second after the last.
    fn da(&self, batch: Vec<Bytes>, forced: Vec<Bytes>) -> VerifiedDaBlock {
        let height = self.state.last_da().0.next();
        let hash = hash::sha256("test", &[&height.0.to_be_bytes()]);
        let time = 1_000_000 + (height.0 - 99) * 1000;
        VerifiedDaBlock::without_proof(height, hash, time, blobs(batch), blobs(forced))
    }

    fn step(&mut self, batch: Vec<Bytes>, forced: Vec<Bytes>) -> Vec<Landed> {
        let da = self.da(batch, forced);
        let derivation = derive(&self.params, self.state.clone(), &da);
        self.state = derivation.state;
        let stored = DerivationState::from_bytes(&self.state.to_bytes()).expect("it was stored");
        assert_eq!((&stored, stored.hash()), (&self.state, self.state.hash()));
        self.discarded = derivation.discarded.iter().map(|one| one.reason.name()).collect();
        for one in &derivation.discarded {
            assert!(!one.reason.to_string().is_empty());
        }
        self.blocks.extend(derivation.blocks.clone());
        derivation.blocks
    }

    fn idle(&mut self, heights: u64) {
        for _ in 0..heights {
            self.step(vec![], vec![]);
        }
    }

    /// A batch on top of the tip by a sequencer, with one block for each (timestamp, origin, transactions).
    fn batch(&self, sequencer: u8, blocks: &[(u64, u64, &[Transaction])]) -> Batch {
        let (key, tip) = (key(sequencer), self.state.tip());
        Batch {
            chain_id: self.params.chain_id,
            sequencer: key.address(),
            batch_no: self.state.next_batch_no(key.address()),
            first_height: tip.height.next(),
            prev_order_hash: tip.order_hash,
            blocks: blocks
                .iter()
                .map(|(time, origin, own)| SequencedBlock::new(*time, DaHeight(*origin), *own))
                .collect(),
        }
    }

    /// One block by a sequencer with this transaction, at the tip's time and the last height's origin.
    fn one(&self, sequencer: u8, number: u8) -> Bytes {
        let (time, origin) = (self.state.tip().timestamp_ms, self.state.last_da().0.0);
        signed(sequencer, self.batch(sequencer, &[(time, origin, &[tx(number)])]))
    }

    fn numbers(landed: &[Landed]) -> Vec<Vec<u8>> {
        let number = |ordered: &OrderedTransaction| ordered.transaction.payload[0];
        landed.iter().map(|one| one.block.transactions.iter().map(number).collect()).collect()
    }
}

fn signed(sequencer: u8, batch: Batch) -> Bytes {
    encode(batch, &key(sequencer), 1 << 20).expect("it fits").remove(0)
}

#[test]
fn a_batch_lands_and_its_copies_do_not() {
    let mut chain = Bench::new(params(&[1]));
    let batch = chain.one(1, 5);
    let landed = chain.step(vec![batch.clone(), batch.clone()], vec![]);
    assert_eq!(Bench::numbers(&landed), [[5]]);
    assert_eq!(chain.discarded, ["already_landed"]);
    let block = &landed[0].block;
    assert_eq!((block.height, block.origin), (Height(1), DaHeight(99)));
    assert_eq!(block.sequencer, Some(key(1).address()));
    assert!(chain.step(vec![batch], vec![]).is_empty());
    assert_eq!(chain.discarded, ["already_landed"]);
    assert_eq!(chain.state.next_batch_no(key(1).address()), 1);
}

#[test]
fn every_rule_of_a_batch_has_its_reason() {
    let mut chain = Bench::new(params(&[1, 2]));
    let honest = chain.batch(1, &[(1_000_000, 99, &[tx(1)])]);
    let other = |change: &dyn Fn(&mut Batch)| {
        let mut batch = honest.clone();
        change(&mut batch);
        signed(1, batch)
    };
    let cases = [
        (other(&|batch| batch.chain_id = 8), "chain_id"),
        (other(&|batch| batch.sequencer = key(2).address()), "not_authorised"),
        (other(&|batch| batch.sequencer = key(3).address()), "not_authorised"),
        (signed(2, honest.clone()), "signature"),
        (other(&|batch| batch.blocks.clear()), "no_blocks"),
        (other(&|batch| batch.first_height = Height(2)), "first_height"),
        (other(&|batch| batch.prev_order_hash = B256::ZERO), "prev_order_hash"),
        (other(&|batch| batch.blocks[0].timestamp_ms = 999_999), "timestamp_behind"),
        (other(&|batch| batch.blocks[0].timestamp_ms = 1_004_001), "timestamp_ahead"),
        (other(&|batch| batch.blocks[0].origin = DaHeight(98)), "origin_behind"),
        (other(&|batch| batch.blocks[0].origin = DaHeight(101)), "origin_ahead"),
        (other(&|batch| batch.blocks[0].transactions.push(Bytes::from_static(&[0, 1]))), "transaction"),
        (other(&|batch| batch.blocks[0].transactions.push(vec![1; 4_000].into())), "block_too_large"),
        (encode_based(&[tx(1)]), "not_based"),
        (Bytes::from_static(b"spam"), "unknown_magic"),
        (Bytes::from_static(b"WEFT\x09\x00"), "unknown_version"),
        (Bytes::from_static(b"WEFT\x01\x09"), "unknown_codec"),
        (Bytes::from_static(b"WEFT\x01\x00\xc0"), "malformed"),
    ];
    for (blob, reason) in cases {
        let da = chain.da(vec![blob], vec![]);
        let derivation = derive(&chain.params, chain.state.clone(), &da);
        assert!(derivation.blocks.is_empty(), "{reason}");
        assert_eq!(derivation.discarded.len(), 1, "{reason}");
        assert_eq!(derivation.discarded[0].reason.name(), reason);
        println!("{reason}: {}", derivation.discarded[0].reason);
    }
    chain.idle(25);
    let late = signed(1, chain.batch(1, &[(1_000_000, 99, &[])]));
    assert!(chain.step(vec![late], vec![]).is_empty());
    assert_eq!(chain.discarded, ["origin_too_old"]);
}

#[test]
fn the_first_bad_block_discards_itself_and_the_rest() {
    let mut chain = Bench::new(params(&[1]));
    let blocks: [(u64, u64, &[Transaction]); 3] =
        [(1_000_000, 99, &[tx(1)]), (999_000, 99, &[tx(2)]), (1_000_000, 99, &[tx(3)])];
    let batch = signed(1, chain.batch(1, &blocks));
    assert_eq!(Bench::numbers(&chain.step(vec![batch], vec![])), [[1]]);
    assert_eq!(chain.discarded, ["timestamp_behind"]);
    assert_eq!(chain.state.next_batch_no(key(1).address()), 1);
    let next = chain.one(1, 4);
    assert_eq!(Bench::numbers(&chain.step(vec![next], vec![])), [[4]]);
}

#[test]
fn forced_transactions_come_first_in_the_block_whose_origin_covers_them() {
    let mut chain = Bench::new(params(&[1]));
    chain.step(vec![], vec![tx(1).to_bytes(), Bytes::from_static(&[0]), tx(2).to_bytes()]);
    assert_eq!(chain.discarded, ["forced_malformed"]);
    chain.step(vec![], vec![tx(3).to_bytes()]);
    assert_eq!(chain.state.forced_between(DaHeight(99), DaHeight(100)), [tx(1), tx(2)]);
    assert_eq!(chain.state.forced_between(DaHeight(100), DaHeight(101)), [tx(3)]);
    let blocks: [(u64, u64, &[Transaction]); 2] = [(1_000_000, 100, &[tx(8)]), (1_000_000, 101, &[])];
    let batch = signed(1, chain.batch(1, &blocks));
    let landed = chain.step(vec![batch], vec![]);
    assert_eq!(Bench::numbers(&landed), [vec![1, 2, 8], vec![3]]);
    assert!(landed[0].block.transactions[1].forced && !landed[0].block.transactions[2].forced);
    assert_eq!(chain.state.forced_queued(), 0);
}

#[test]
fn a_censoring_sequencer_loses() {
    let mut chain = Bench::new(params(&[1]));
    chain.step(vec![], vec![tx(9).to_bytes()]);
    // It posts at every height and never moves its origin past the forced transaction's.
    for _ in 0..5 {
        let batch = signed(1, chain.batch(1, &[(1_000_000, 99, &[tx(1)])]));
        assert_eq!(Bench::numbers(&chain.step(vec![batch], vec![])), [[1]]);
    }
    let soft = signed(1, chain.batch(1, &[(1_000_000, 99, &[tx(1)])]));
    let landed = chain.step(vec![soft], vec![]);
    assert_eq!(Bench::numbers(&landed), [[1], [9]]);
    let own = &landed[1].block;
    assert_eq!((own.sequencer, own.origin, own.timestamp_ms), (None, DaHeight(106), 1_007_000));
    let stale = signed(1, chain.batch(1, &[(1_007_000, 99, &[])]));
    assert!(chain.step(vec![stale], vec![]).is_empty());
    assert_eq!(chain.discarded, ["origin_behind"]);
}

#[test]
fn derivations_own_block_never_goes_back_in_time() {
    let mut chain = Bench::new(params(&[1]));
    chain.step(vec![], vec![tx(9).to_bytes()]);
    chain.idle(5);
    let ahead = signed(1, chain.batch(1, &[(1_010_000, 99, &[])]));
    let landed = chain.step(vec![ahead], vec![]);
    assert_eq!(landed[1].block.timestamp_ms, 1_010_000);
}

#[test]
fn forced_bytes_past_the_bound_wait_in_order() {
    let mut chain = Bench::new(params(&[1]));
    let all: Vec<Bytes> = (0..100).map(|number| tx(number).to_bytes()).collect();
    let huge = Transaction { vm: VmId::EVM, payload: vec![1; 1_000].into() };
    chain.step(vec![], [all, vec![huge.to_bytes()]].concat());
    assert_eq!(chain.discarded, ["forced_too_large"]);
    // 47 of 21 bytes fit 1,000.
    assert_eq!(chain.state.forced_between(DaHeight(99), DaHeight(100)).len(), 47);
    chain.step(vec![], vec![tx(200).to_bytes()]);
    chain.idle(1);
    let last = chain.state.forced_between(DaHeight(101), DaHeight(102));
    assert_eq!(last.iter().map(|one| one.payload[0]).collect::<Vec<_>>(), [94, 95, 96, 97, 98, 99, 200]);
    chain.idle(3);
    let landed = Bench::numbers(&chain.step(vec![], vec![]));
    let expected: Vec<u8> = (0..100).chain([200]).collect();
    assert_eq!(landed.concat(), expected);
}

#[test]
fn more_overdue_than_a_block_holds_makes_several() {
    let mut params = params(&[1]);
    params.block_bytes_max = 1_000;
    let mut chain = Bench::new(params);
    chain.step(vec![], (0..100).map(|number| tx(number).to_bytes()).collect());
    chain.idle(5);
    let landed = chain.step(vec![], vec![]);
    assert_eq!(landed.iter().map(|one| one.block.transactions.len()).collect::<Vec<_>>(), [47, 47, 6]);
    assert!(landed.iter().all(|one| one.block.origin == DaHeight(106)));
}

#[test]
fn a_silent_leader_is_replaced_by_the_next_and_so_on_round() {
    let mut chain = Bench::new(params(&[1, 2, 3]));
    assert_eq!(chain.state.leader(), Some(key(1).address()));
    // Heights 100 to 109 pass in silence: the second is authorised from 110 on.
    chain.idle(9);
    let early = chain.one(2, 1);
    assert!(chain.step(vec![early], vec![]).is_empty());
    assert_eq!(chain.discarded, ["not_authorised"]);
    let third = chain.one(3, 1);
    let second = chain.one(2, 2);
    assert_eq!(Bench::numbers(&chain.step(vec![third, second], vec![])), [[2]]);
    assert_eq!(chain.discarded, ["not_authorised"]);
    assert_eq!(chain.state.leader(), Some(key(2).address()));
    let first = chain.one(1, 1);
    assert!(chain.step(vec![first], vec![]).is_empty(), "the old leader has lost its turn");
    chain.idle(30);
    let first = chain.one(1, 3);
    assert_eq!(Bench::numbers(&chain.step(vec![first], vec![])), [[3]], "the round goes on past the end");
}

#[test]
fn chunks_make_a_batch_whatever_lies_between_them() {
    let mut chain = Bench::new(params(&[1]));
    let own: Vec<Transaction> = (0..60).map(tx).collect();
    let batch = chain.batch(1, &[(1_000_000, 99, &own)]);
    let chunks = encode(batch, &key(1), 100).expect("it fits");
    assert!(chunks.len() >= 3, "{}", chunks.len());
    let mut first = chunks[1..].to_vec();
    first.insert(1, Bytes::from_static(b"spam"));
    first.push(chunks[1].clone());
    assert!(chain.step(first, vec![]).is_empty());
    assert_eq!(chain.discarded, ["unknown_magic", "chunk_again"]);
    chain.idle(3);
    let landed = chain.step(vec![chunks[0].clone()], vec![]);
    assert_eq!(Bench::numbers(&landed), [(0..60).collect::<Vec<u8>>()]);
    // All of them once more: put together again, and discarded as a whole.
    assert!(chain.step(chunks, vec![]).is_empty());
    assert_eq!(chain.discarded, ["already_landed"]);
}

#[test]
fn nobody_spoils_anothers_chunks() {
    let mut chain = Bench::new(params(&[1]));
    let own: Vec<Transaction> = (0..60).map(tx).collect();
    let chunks = encode(chain.batch(1, &[(1_000_000, 99, &own)]), &key(1), 100).expect("it fits");
    let mut poison = chunks[0].to_vec();
    *poison.last_mut().expect("not empty") ^= 1;
    let mut da = chain.da([vec![poison.into()], chunks].concat(), vec![]);
    let mut blobs = da.batch_blobs().to_vec();
    blobs[0].signer = Some([2; 20]);
    da = VerifiedDaBlock::without_proof(da.height(), da.hash(), da.time_ms(), blobs, vec![]);
    assert_eq!(derive(&chain.params, chain.state.clone(), &da).blocks.len(), 1);
    chain.idle(1);
}

#[test]
fn chunks_that_lie_or_never_end_are_forgotten() {
    let mut chain = Bench::new(params(&[1]));
    let own: Vec<Transaction> = (0..60).map(tx).collect();
    let chunks = encode(chain.batch(1, &[(1_000_000, 99, &own)]), &key(1), 100).expect("it fits");
    let mut lie = chunks.clone();
    let mut bytes = lie[0].to_vec();
    *bytes.last_mut().expect("not empty") ^= 1;
    lie[0] = bytes.into();
    chain.step(lie, vec![]);
    assert_eq!(chain.discarded, ["chunk_commitment"]);
    let mut more = chunks[0].to_vec();
    more[39] += 1;
    chain.step(vec![chunks[0].clone(), more.into()], vec![]);
    assert_eq!(chain.discarded, ["chunk_count"]);
    let with_chunk = chain.state.to_bytes().len();
    chain.idle(weft_types::limits::CHUNK_HEIGHTS_MAX);
    assert!(chain.state.to_bytes().len() < with_chunk + 20 * 33 - 100);
}

#[test]
fn without_sequencers_anyone_posts_and_one_height_is_one_block() {
    let mut chain = Bench::new(params(&[]));
    let lists = vec![
        encode_based(&[tx(1), tx(2)]),
        Bytes::from_static(b"WEFB\x01\xc3\x80\x01\x02"),
        encode_based(&[tx(3)]),
        chain.one(1, 9),
    ];
    let landed = chain.step(lists, vec![tx(7).to_bytes()]);
    assert_eq!(Bench::numbers(&landed), [[7, 1, 2, 3]]);
    assert_eq!(chain.discarded, ["not_authorised", "transaction", "transaction", "transaction"]);
    assert_eq!((landed[0].block.origin, landed[0].block.sequencer), (DaHeight(100), None));
    assert_eq!(chain.state.leader(), None);
    assert!(chain.step(vec![], vec![]).is_empty(), "an empty height makes no block");
    let full = encode_based((0..200).map(tx).collect::<Vec<_>>().iter());
    assert_eq!(chain.step(vec![full], vec![])[0].block.transactions.len(), 190);
    assert_eq!(chain.discarded, ["based_block_full"]);
}

#[test]
fn a_hybrid_chain_is_based_while_all_its_sequencers_are_silent() {
    let mut params = params(&[1, 2]);
    params.hybrid = true;
    let mut chain = Bench::new(params);
    chain.idle(20);
    let list = encode_based(&[tx(1)]);
    assert_eq!(Bench::numbers(&chain.step(vec![list.clone()], vec![])), [[1]], "height 120");
    let batch = chain.one(2, 2);
    let landed = chain.step(vec![list.clone(), batch], vec![]);
    assert_eq!(Bench::numbers(&landed), [[2]], "a batch ends based rules, where it lands too");
    assert_eq!(chain.discarded, ["not_based"]);
    assert!(chain.step(vec![list], vec![]).is_empty());
}

#[test]
fn a_stored_state_that_is_damaged_is_refused() {
    let bytes = DerivationState::genesis(&params(&[1])).to_bytes();
    assert!(DerivationState::from_bytes(&[]).is_err());
    assert!(DerivationState::from_bytes(&[&[2], &bytes[1..]].concat()).is_err());
    assert!(DerivationState::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(DerivationState::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

fn any_blob() -> impl Strategy<Value = Bytes> {
    let tagged = (0usize..4, prop::collection::vec(any::<u8>(), 0..120)).prop_map(|(which, bytes)| {
        let prefix: [&[u8]; 4] = [b"WEFT\x01\x00", b"WEFT\x01\x01", b"WEFC", b"WEFB\x01"];
        Bytes::from([prefix[which], &bytes].concat())
    });
    prop_oneof![tagged, prop::collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_in_any_namespace_do_not_panic(
        heights in prop::collection::vec(
            (prop::collection::vec(any_blob(), 0..6), prop::collection::vec(any_blob(), 0..6)), 1..12),
        sequencers in prop::sample::select(vec![vec![], vec![1], vec![1, 2]]),
    ) {
        let mut chain = Bench::new(params(&sequencers));
        for (batch, forced) in heights {
            chain.step(batch, forced);
        }
    }

    #[test]
    fn the_same_blocks_whatever_spam_copies_and_chunks_lie_between(
        count in 1u8..8,
        chunked in prop::collection::vec(any::<bool>(), 8),
        spam in prop::collection::vec((any::<prop::sample::Index>(), any_blob()), 0..12),
        copies in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        // The batches, one after the other, and the chain that they give with nothing between.
        let mut plain = Bench::new(params(&[1]));
        let mut wire: Vec<Vec<Bytes>> = Vec::new();
        for number in 0..count {
            let batch = plain.batch(1, &[(1_000_000, 99, &[tx(number), tx(number)])]);
            let size = if chunked[usize::from(number)] { 90 } else { 1 << 20 };
            wire.push(encode(batch.clone(), &key(1), size).expect("it fits"));
            plain.step(vec![signed(1, batch)], vec![]);
        }
        let expected: Vec<_> = plain.blocks.iter().map(|one| one.block.order_hash).collect();
        let mut all = wire.concat();
        for copy in copies {
            // A copy after its original: the original's place is what counts.
            all.push(all[copy.index(all.len())].clone());
        }
        for (at, blob) in spam {
            all.insert(at.index(all.len() + 1), blob);
        }
        // Over one height, or over as many as there are blobs.
        for per_height in [all.len(), 1, 3] {
            let mut chain = Bench::new(params(&[1]));
            for part in all.chunks(per_height).take(18) {
                chain.step(part.to_vec(), vec![]);
            }
            let got: Vec<_> = chain.blocks.iter().map(|one| one.block.order_hash).collect();
            let reached = if all.len().div_ceil(per_height) <= 18 { expected.len() } else { got.len() };
            prop_assert_eq!(&got[..], &expected[..reached]);
        }
    }
}
