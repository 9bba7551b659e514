//! Squares and answers against those of the real network (the fixtures).

use super::{MAX_SIDE, Piece, SquareBuilder, fixture};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use celestia_types::blob::RawBlob;
use celestia_types::{Blob, DataAvailabilityHeader};
use serde_json::Value;

/// Fields of a protobuf message: number and bytes; a varint as its eight bytes.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let value = match key & 7 {
            0 => varint(&mut bytes).to_be_bytes().to_vec(),
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                value.to_vec()
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, value));
    }
    fields
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

fn blob(bytes: &[u8]) -> Blob {
    let mut raw = RawBlob::default();
    for (field, value) in fields(bytes) {
        let number = || u32::try_from(u64::from_be_bytes(value.clone().try_into().unwrap())).unwrap();
        match field {
            1 => raw.namespace_id = value,
            2 => raw.data = value,
            3 => raw.share_version = number(),
            4 => raw.namespace_version = number(),
            5 => raw.signer = value,
            other => panic!("field {other} of a blob"),
        }
    }
    Blob::from_raw(raw).unwrap()
}

/// Puts the transactions of a block into a square: those with blobs are BlobTx messages.
fn root(txs: &Value, side: Option<u64>) -> String {
    let mut builder = SquareBuilder::new(MAX_SIDE);
    for tx in txs.as_array().unwrap() {
        let tx = BASE64_STANDARD.decode(tx.as_str().unwrap()).unwrap();
        let parts = if tx.ends_with(b"\x1a\x04BLOB") { fields(&tx) } else { Vec::new() };
        if parts.is_empty() {
            assert!(builder.push_tx(tx));
            continue;
        }
        let inner: Bytes = parts.iter().find(|(field, _)| *field == 1).unwrap().1.clone().into();
        let blobs = parts.iter().filter(|(field, _)| *field == 2);
        let pieces: Vec<Piece> = blobs.map(|(_, bytes)| Piece::from_blob(&blob(bytes)).unwrap()).collect();
        assert!(builder.push_blobs(&inner, &pieces));
    }
    let square = builder.finish();
    assert!(side.is_none_or(|side| square.side as u64 == side));
    DataAvailabilityHeader::from_eds(&square.extend()).hash().to_string()
}

#[test]
fn a_whole_mainnet_block_has_its_data_root() {
    let Some(text) = fixture("celestia/mainnet_block_10126899.json") else { return };
    let block: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(root(&block["txs"], block["square_size"].as_u64()), block["data_hash"].as_str().unwrap());
}

#[test]
fn mainnet_block_408_has_its_data_root() {
    let Some(text) = fixture("celestia/mainnet_block_408.json") else { return };
    let block: Value = serde_json::from_str(&text).unwrap();
    let block = block.pointer("/result/block").or_else(|| block.get("block")).unwrap_or(&block);
    let data = &block["data"];
    let side = data["square_size"].as_str().unwrap().parse().ok();
    let root = hex::decode(root(&data["txs"], side)).unwrap();
    assert_eq!(BASE64_STANDARD.encode(root), data["hash"].as_str().unwrap());
}

#[test]
fn transactions_without_blobs_have_their_data_roots() {
    for height in [1_035, 2_800_000, 8_016_382] {
        let Some(text) = fixture(&format!("celestia/tx_square_{height}.json")) else { return };
        let block: Value = serde_json::from_str(&text).unwrap();
        // The side in the file is that of the block before its blobs were taken out.
        assert_eq!(root(&block["txs"], None), block["main_net_dah"].as_str().unwrap(), "{height}");
    }
}
