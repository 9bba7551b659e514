//! Golden vectors, shared with any other implementation: tests/vectors/derivation/*.json. Written anew only
//! where `WEFT_WRITE_VECTORS` is set, which is a change of the protocol.

use super::*;
use serde_json::{Value, json};
use std::path::Path;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/derivation");

/// A chain of one kind and what is posted to it.
struct Script {
    name: &'static str,
    bench: Bench,
    heights: Vec<(Vec<Bytes>, Vec<Bytes>)>,
}

impl Script {
    fn new(name: &'static str, params: DerivationParams) -> Self {
        Self { name, bench: Bench::new(params), heights: Vec::new() }
    }

    fn post(&mut self, batch: Vec<Bytes>, forced: Vec<Bytes>) {
        self.heights.push((batch.clone(), forced.clone()));
        self.bench.step(batch, forced);
    }

    fn idle(&mut self, heights: usize) {
        for _ in 0..heights {
            self.post(vec![], vec![]);
        }
    }
}

fn scripts() -> Vec<Script> {
    vec![sequenced(), forced(), failover(), chunked(), based(), hybrid()]
}

fn sequenced() -> Script {
    let mut script = Script::new("sequenced", params(&[1]));
    let blocks: [(u64, u64, &[Transaction]); 2] = [(1_000_500, 99, &[tx(1), tx(2)]), (1_001_000, 99, &[])];
    let batch = signed(1, script.bench.batch(1, &blocks));
    script.post(vec![Bytes::from_static(b"spam"), batch.clone(), batch], vec![]);
    let blocks: [(u64, u64, &[Transaction]); 2] = [(1_002_000, 100, &[tx(3)]), (1_000_000, 100, &[tx(4)])];
    let half = signed(1, script.bench.batch(1, &blocks));
    script.post(vec![half], vec![]);
    script.idle(1);
    script
}

fn forced() -> Script {
    let mut script = Script::new("forced", params(&[1]));
    script.post(vec![], vec![tx(1).to_bytes(), Bytes::from_static(&[0, 1]), tx(2).to_bytes()]);
    let batch = signed(1, script.bench.batch(1, &[(1_000_500, 100, &[tx(3)])]));
    script.post(vec![batch], vec![tx(4).to_bytes()]);
    script.post(vec![], (10..70).map(|number| tx(number).to_bytes()).collect());
    script.idle(5);
    script
}

fn failover() -> Script {
    let mut script = Script::new("failover", params(&[1, 2]));
    script.idle(9);
    let early = script.bench.one(2, 1);
    script.post(vec![early], vec![]);
    let second = script.bench.one(2, 2);
    script.post(vec![second], vec![]);
    let first = script.bench.one(1, 3);
    script.post(vec![first], vec![]);
    script
}

fn chunked() -> Script {
    let mut script = Script::new("chunked", params(&[1]));
    let own: Vec<Transaction> = (0..60).map(tx).collect();
    let chunks = encode(script.bench.batch(1, &[(1_000_000, 99, &own)]), &key(1), 100).expect("it fits");
    script.post(chunks[1..].to_vec(), vec![]);
    script.post(vec![chunks[1].clone(), Bytes::from_static(b"spam"), chunks[0].clone()], vec![]);
    script
}

fn based() -> Script {
    let mut script = Script::new("based", params(&[]));
    script.post(vec![encode_based(&[tx(1), tx(2)]), encode_based(&[tx(3)])], vec![tx(7).to_bytes()]);
    script.idle(1);
    script.post(vec![Bytes::from_static(b"WEFB\x01\xc3\x80\x01\x02")], vec![]);
    script.post(vec![], vec![tx(8).to_bytes()]);
    script
}

fn hybrid() -> Script {
    let mut params = params(&[1, 2]);
    params.hybrid = true;
    let mut script = Script::new("hybrid", params);
    script.idle(20);
    script.post(vec![encode_based(&[tx(1)])], vec![]);
    let batch = script.bench.one(2, 2);
    script.post(vec![encode_based(&[tx(3)]), batch], vec![]);
    script
}

/// The vector of a script: inputs and what they give.
fn vector(script: &Script) -> Value {
    let mut chain = Bench::new(script.bench.params.clone());
    let heights: Vec<Value> = script
        .heights
        .iter()
        .map(|(batch, forced)| {
            let da = chain.da(batch.clone(), forced.clone());
            let derivation = derive(&chain.params, chain.state.clone(), &da);
            chain.state = derivation.state;
            json!({
                "da": {
                    "height": da.height(), "hash": da.hash(), "time_ms": da.time_ms(),
                    "batch": da.batch_blobs().iter().map(blob_json).collect::<Vec<_>>(),
                    "forced": da.forced_blobs().iter().map(blob_json).collect::<Vec<_>>(),
                },
                "blocks": derivation.blocks.iter().map(block_json).collect::<Vec<_>>(),
                "discarded": derivation.discarded.iter().map(|one| json!({
                    "namespace": one.namespace.name(), "blob_index": one.blob_index,
                    "reason": one.reason.name(),
                })).collect::<Vec<_>>(),
                "state_hash": chain.state.hash(),
            })
        })
        .collect();
    let genesis_state = DerivationState::genesis(&chain.params).to_bytes();
    json!({
        "params": params_json(&chain.params),
        "genesis_state": hex::encode(genesis_state),
        "heights": heights,
        "final_state": hex::encode(chain.state.to_bytes()),
    })
}

fn params_json(params: &DerivationParams) -> Value {
    json!({
        "genesis_hash": params.genesis_hash, "chain_id": params.chain_id,
        "batch_namespace": params.batch_namespace, "forced_namespace": params.forced_namespace,
        "da_start": params.da_start, "genesis_time_ms": params.genesis_time_ms,
        "sequencers": params.sequencers, "hybrid": params.hybrid,
        "forced_window": params.forced_window, "failover_window": params.failover_window,
        "origin_window": params.origin_window, "max_drift_ms": params.max_drift_ms,
        "block_bytes_max": params.block_bytes_max, "forced_bytes_max": params.forced_bytes_max,
    })
}

fn blob_json(blob: &Blob) -> Value {
    json!({
        "index": blob.index, "share_version": blob.share_version,
        "signer": blob.signer.map(hex::encode), "data": hex::encode(&blob.data),
    })
}

fn block_json(landed: &Landed) -> Value {
    let block = &landed.block;
    let transactions = block.transactions.iter();
    json!({
        "height": block.height, "timestamp_ms": block.timestamp_ms, "origin": block.origin,
        "origin_hash": block.origin_hash, "order_hash": block.order_hash, "sequencer": block.sequencer,
        "derivation_hash": block.derivation_hash(), "da_height": landed.da_height,
        "transactions": transactions.map(|one| json!({
            "forced": one.forced, "bytes": hex::encode(one.transaction.to_bytes()),
        })).collect::<Vec<_>>(),
    })
}

#[test]
fn derivation_gives_what_the_vectors_say() {
    let write = std::env::var_os("WEFT_WRITE_VECTORS").is_some();
    for script in scripts() {
        let got = vector(&script);
        let path = Path::new(FOLDER).join(format!("{}.json", script.name));
        if write {
            std::fs::create_dir_all(FOLDER).expect("writable");
            let text = serde_json::to_string_pretty(&got).expect("json");
            std::fs::write(&path, text + "\n").expect("writable");
        }
        let text = std::fs::read_to_string(&path).expect("the vector");
        let expected: Value = serde_json::from_str(&text).expect("json");
        assert!(got == expected, "{} differs from its vector", script.name);
    }
}
