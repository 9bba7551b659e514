//! Round trips, limits, and what a transfer costs on Celestia.

use super::wire::WireError;
use super::*;
use crate::shares::{SHARE_BYTES, shares_needed};
use alloy_primitives::U256;
use alloy_rlp::Encodable;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use weft_types::VmId;

fn key() -> SequencerKey {
    SequencerKey::from_bytes([7; 32]).expect("a key")
}

fn batch_of(blocks: Vec<SequencedBlock>) -> Batch {
    Batch {
        chain_id: 31_337,
        sequencer: key().address(),
        batch_no: 3,
        first_height: Height(9),
        prev_order_hash: B256::repeat_byte(4),
        blocks,
    }
}

fn round_trip(batch: &Batch, max_blob_bytes: usize) -> Vec<Bytes> {
    let blobs = encode(batch.clone(), &key(), max_blob_bytes).expect("it fits");
    let signed = match &blobs[..] {
        [one] => match decode(one).expect("a batch") {
            Decoded::Batch(signed) => signed,
            other => panic!("{other:?}"),
        },
        many => {
            let parts: Vec<Bytes> = many
                .iter()
                .zip(0u16..)
                .map(|(blob, index)| match decode(blob).expect("a chunk") {
                    Decoded::Chunk(chunk) => {
                        assert_eq!((chunk.index, usize::from(chunk.count)), (index, many.len()));
                        assert!(blob.len() <= max_blob_bytes);
                        chunk.bytes
                    }
                    other => panic!("{other:?}"),
                })
                .collect();
            decode_batch(&parts.concat().into()).expect("a batch")
        }
    };
    assert_eq!(&signed.batch, batch);
    assert_eq!(signed.signer(), Some(key().address()));
    assert_eq!(SignedBatch::from_canonical(&signed.to_canonical().into()), Ok(signed.clone()));
    assert_eq!(signed.canonical_len(), signed.to_canonical().len());
    blobs
}

/// The canonical bytes of a transaction of EIP-1559 with these fields, signed by nobody.
fn dynamic_fee(rng: &mut StdRng, nonce: u64, to: Address, value: U256, data: &[u8]) -> Bytes {
    let mut fields = Vec::new();
    31_337u64.encode(&mut fields);
    nonce.encode(&mut fields);
    1_000_000_000u64.encode(&mut fields);
    3_000_000_000u64.encode(&mut fields);
    51_234u64.encode(&mut fields);
    to.encode(&mut fields);
    value.encode(&mut fields);
    data.encode(&mut fields);
    fields.push(0xc0);
    u64::from(rng.random::<bool>()).encode(&mut fields);
    U256::from_be_bytes(random_word(rng)).encode(&mut fields);
    U256::from_be_bytes(random_word(rng)).encode(&mut fields);
    let mut out = vec![VmId::EVM.0, 2];
    Header { list: true, payload_length: fields.len() }.encode(&mut out);
    out.extend_from_slice(&fields);
    out.into()
}

fn random_word(rng: &mut StdRng) -> [u8; 32] {
    let mut word = [0; 32];
    rng.fill_bytes(&mut word);
    word
}

/// `count` ERC-20 transfers of `senders` senders to `recipients` recipients, in random order, of amounts with
/// up to six digits after the point of eighteen.
fn transfers(seed: u64, count: usize, senders: usize, recipients: usize) -> Vec<Bytes> {
    let mut rng = StdRng::seed_from_u64(seed);
    let token = Address::from_slice(&random_word(&mut rng)[12..]);
    let recipients: Vec<[u8; 32]> = (0..recipients).map(|_| random_word(&mut rng)).collect();
    let mut nonces = vec![0u64; senders];
    let one = |_| {
        let sender = rng.random_range(0..senders);
        let nonce = nonces[sender];
        nonces[sender] += 1;
        let recipient = recipients[rng.random_range(0..recipients.len())];
        let amount = U256::from(rng.random_range(1u64..10_000_000_000)) * U256::from(1_000_000_000_000u64);
        let mut data = vec![0xa9, 0x05, 0x9c, 0xbb];
        data.extend_from_slice(&[0; 12]);
        data.extend_from_slice(&recipient[12..]);
        data.extend_from_slice(&amount.to_be_bytes::<32>());
        dynamic_fee(&mut rng, nonce, token, U256::ZERO, &data)
    };
    (0..count).map(one).collect()
}

fn block(timestamp_ms: u64, origin: u64, transactions: Vec<Bytes>) -> SequencedBlock {
    SequencedBlock { timestamp_ms, origin: DaHeight(origin), transactions }
}

/// What these blobs take of Celestia's square.
fn bytes_on_celestia(blobs: &[Bytes]) -> usize {
    blobs.iter().map(|blob| shares_needed(blob.len(), 1).expect("version 1") * SHARE_BYTES).sum()
}

#[test]
fn a_transfer_costs_at_most_80_bytes_on_celestia() {
    for (count, blocks) in [(1000, 1), (1000, 10), (5000, 20)] {
        let all = transfers(1, count, 50, 200);
        let blocks: Vec<_> = all
            .chunks(count / blocks)
            .zip(0u64..)
            .map(|(part, n)| block(1_700_000_000_000 + n * 1000, 100 + n / 6, part.to_vec()))
            .collect();
        let plain: usize = all.iter().map(Bytes::len).sum();
        let blobs = round_trip(&batch_of(blocks.clone()), 7 << 20);
        let bytes = bytes_on_celestia(&blobs);
        let each = bytes as f64 / count as f64;
        println!(
            "{count} transfers in {} blocks: {each:.1} bytes each on Celestia, {:.1} in the blob, {:.1} plain",
            blocks.len(),
            blobs[0].len() as f64 / count as f64,
            plain as f64 / count as f64
        );
        assert!(each <= 80.0, "{each} bytes a transfer");
    }
}

#[test]
fn batches_of_every_kind_come_back() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut odd = transfers(2, 3, 2, 2);
    odd.push(dynamic_fee(&mut rng, u64::MAX, Address::ZERO, U256::MAX, &[1, 2, 3]));
    odd.push(dynamic_fee(&mut rng, 0, Address::ZERO, U256::from(10).pow(U256::from(77)), &[9; 40_000]));
    odd.push(Bytes::from_static(&[2, 1, 1, 1]));
    odd.push(Bytes::from_static(&[1]));
    odd.push(Bytes::new());
    odd.push(Bytes::from_static(&[1, 0xc1, 0x00]));
    round_trip(&batch_of(vec![]), 1 << 20);
    round_trip(&batch_of(vec![block(5, 7, vec![])]), 1 << 20);
    round_trip(&batch_of(vec![block(u64::MAX, 0, odd.clone()), block(0, u64::MAX, odd)]), 1 << 20);
    let idle: Vec<_> =
        (0..BATCH_BLOCKS_MAX).map(|n| block(n.try_into().expect("small"), 1, vec![])).collect();
    round_trip(&batch_of(idle), 1 << 20);
}

#[test]
fn a_small_batch_is_small() {
    let one = round_trip(&batch_of(vec![block(1_700_000_000_000, 100, transfers(3, 1, 1, 1))]), 1 << 20);
    let idle: Vec<_> = (0..60).map(|n| block(1_700_000_000_000 + n * 100, 100 + n / 26, vec![])).collect();
    let idle = round_trip(&batch_of(idle), 1 << 20);
    println!("one transfer: {} bytes; 60 empty blocks: {} bytes", one[0].len(), idle[0].len());
    assert!(one[0].len() < 330 && idle[0].len() < 260);
}

#[test]
fn what_does_not_fit_a_blob_goes_in_chunks() {
    let batch = batch_of(vec![block(1, 1, transfers(4, 400, 5, 5))]);
    for max_blob_bytes in [300, 1000, 9_999, 20_000] {
        assert!(round_trip(&batch, max_blob_bytes).len() > 1);
    }
    let error = encode(batch, &key(), 64).expect_err("too many chunks");
    assert!(matches!(error, EncodeError::TooManyChunks { .. }), "{error}");
}

#[test]
fn a_batch_that_says_more_than_its_bytes_may_give_is_refused_before_it_is_read() {
    let mut body = Vec::new();
    super::streams::put_varint(&mut body, 60 << 20);
    let wire: Bytes = [&MAGIC[..], &[VERSION, 1], &body, &[0; 100]].concat().into();
    let error = decode(&wire).expect_err("refused").to_string();
    assert!(error.contains("the batch's size"), "{error}");
}

#[test]
fn versions_codecs_and_trailing_bytes_are_refused() {
    let wire = round_trip(&batch_of(vec![block(1, 1, transfers(5, 2, 1, 1))]), 1 << 20).remove(0);
    let with = |at: usize, byte: u8| {
        let mut changed = wire.to_vec();
        changed[at] = byte;
        decode(&changed.into())
    };
    assert_eq!(with(0, b'X'), Err(WireError::Magic));
    assert_eq!(with(4, 2), Err(WireError::Version(2)));
    assert_eq!(with(5, 2), Err(WireError::Codec(2)));
    assert!(decode(&[&wire[..], &[0]].concat().into()).is_err());
    let plain = [&MAGIC[..], &[VERSION, 0], &decode_batch(&wire).expect("a batch").to_canonical()].concat();
    assert_eq!(decode_batch(&plain.clone().into()), decode_batch(&wire));
    assert!(matches!(
        decode(&[&plain[..], &[0]].concat().into()),
        Err(WireError::Body(DecodeError::Trailing(1)))
    ));
}

#[test]
fn lists_round_trip() {
    let transactions = vec![Transaction { vm: VmId::EVM, payload: Bytes::from_static(&[2, 3]) }];
    let blob = encode_based(&transactions);
    assert_eq!(decode(&blob), Ok(Decoded::Based(vec![transactions[0].to_bytes()])));
    assert!(decode(&[&blob[..], &[0]].concat().into()).is_err());
}

/// The bytes of one batch that were frozen when the codec was: they must be read for ever.
#[test]
fn the_frozen_batch_is_read_as_it_was_written() {
    let mut all = transfers(6, 20, 4, 6);
    all.push(Bytes::from_static(&[3, 1, 2, 3]));
    let batch = batch_of(vec![block(1_700_000_000_000, 100, all), block(1_700_000_000_250, 101, vec![])]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/batch/columns-1.hex");
    if std::env::var_os("WEFT_WRITE_VECTORS").is_some() {
        let wire = encode(batch.clone(), &key(), 1 << 20).expect("it fits").remove(0);
        std::fs::create_dir_all(std::path::Path::new(path).parent().expect("a folder")).expect("writable");
        std::fs::write(path, format!("{}\n", hex::encode(wire))).expect("writable");
    }
    let text = std::fs::read_to_string(path).expect("the vector");
    let wire = Bytes::from(hex::decode(text.trim()).expect("hex"));
    assert_eq!(wire[5], 1, "by columns");
    assert_eq!(decode_batch(&wire).expect("a batch").batch, batch);
}

/// Trains the dictionary. Run by hand, once per codec: `WEFT_TRAIN=path`.
#[test]
fn train() {
    let Some(path) = std::env::var_os("WEFT_TRAIN") else { return };
    let mut samples = Vec::new();
    for seed in 0..400u64 {
        let count = [0usize, 1, 2, 5, 20, 60][usize::try_from(seed % 6).expect("small")];
        let all = transfers(seed, count, 1 + count / 4, 1 + count / 3);
        let blocks = 1 + seed % 20;
        let blocks = (0..blocks)
            .map(|n| {
                let own = if n == 0 { all.clone() } else { Vec::new() };
                block(1_700_000_000_000 + seed * 7919 + n * 100, 100 + seed + n / 26, own)
            })
            .collect();
        let signed = batch_of(blocks).sign(&key());
        if let Some(body) = columns::encode(&signed) {
            let mut input = streams::Input(&body);
            input.varint().expect("the size");
            samples.push(streams::common_part(input.0));
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, 2048).expect("trained");
    println!("{} samples, {} bytes", samples.len(), dictionary.len());
    std::fs::write(path, dictionary).expect("writable");
}

fn any_transaction() -> impl Strategy<Value = Bytes> {
    let bytes = prop::collection::vec(any::<u8>(), 0..80).prop_map(Bytes::from);
    let evm = (any::<u64>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(
        |(seed, nonce, data)| {
            let mut rng = StdRng::seed_from_u64(seed);
            dynamic_fee(&mut rng, nonce % 300, Address::ZERO, U256::from(seed % 1000), &data)
        },
    );
    // Bytes that nearly are a transaction, as an attacker would send them.
    let mangled = (evm.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(bytes, at, byte)| {
        let mut bytes = bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        Bytes::from(bytes)
    });
    prop_oneof![bytes, evm, mangled]
}

proptest! {
    #[test]
    fn any_transactions_survive_both_codecs(
        blocks in prop::collection::vec(
            (any::<u64>(), any::<u64>(), prop::collection::vec(any_transaction(), 0..12)), 0..6),
    ) {
        let blocks = blocks.into_iter().map(|(time, origin, all)| block(time, origin, all)).collect();
        let signed = batch_of(blocks).sign(&key());
        prop_assert_eq!(SignedBatch::from_canonical(&signed.to_canonical().into()), Ok(signed.clone()));
        if let Some(body) = columns::encode(&signed) {
            prop_assert_eq!(columns::decode(&body.into()), Ok(signed));
        }
    }

    #[test]
    fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let magic: [&[u8]; 4] = [b"WEFT\x01\x00", b"WEFT\x01\x01", b"WEFC", b"WEFB\x01"];
        for prefix in [&[][..], magic[magic.len() - 1 - bytes.len() % 4]] {
            let _ = decode(&[prefix, &bytes].concat().into());
        }
    }

    #[test]
    fn a_damaged_batch_does_not_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let wire = encode(batch_of(vec![block(1, 1, transfers(8, 30, 3, 3))]), &key(), 1 << 20).expect("fits");
        let mut bytes = wire[0].to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes.into());
    }
}
