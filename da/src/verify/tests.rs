//! Attacks on real headers and answers of a real node, one test each.

use super::header::{self, check};
use super::*;
use crate::fixtures::{self, Case};
use celestia_types::block::CommitExt;
use celestia_types::nmt::NamespaceProof;
use celestia_types::row_namespace_data::RowNamespaceData;
use celestia_types::{DataAvailabilityHeader, Share};
use ed25519_dalek::{Signer, SigningKey};
use nmt_rs::simple_merkle::proof::Proof;
use serde_json::Value;
use tendermint::block::CommitSig;
use tendermint::{PublicKey, Signature, account, validator};

type NmtProof = nmt_rs::nmt_proof::NamespaceProof<nmt_rs::NamespacedSha2Hasher<NAMESPACE>, NAMESPACE>;
const NAMESPACE: usize = 29;

fn header_of(case: &Case) -> ExtendedHeader {
    serde_json::from_value(case.json["header"].clone()).expect("a header")
}

fn answer(case: &Case, label: &str) -> (Namespace, Vec<RowNamespaceData>) {
    let entry = &case.json["namespaces"][label];
    let namespace: celestia_types::nmt::Namespace =
        serde_json::from_value(entry["namespace"].clone()).expect("a namespace");
    let rows = match &entry["get_namespace_data"] {
        Value::Null => Vec::new(),
        rows => serde_json::from_value(rows.clone()).expect("rows"),
    };
    let bytes = namespace.as_bytes().try_into().expect("29 bytes");
    (Namespace::from_bytes(bytes).expect("a user namespace"), rows)
}

/// Verifies a namespace of a case after `attack` on its rows; the honest answer must verify.
fn attack(name: &str, label: &str, attack: impl FnOnce(&mut Vec<RowNamespaceData>)) {
    let Some(case) = fixtures::case(name) else { return };
    let header = header_of(&case);
    let (namespace, honest) = answer(&case, label);
    let mut rows = honest.clone();
    namespace::verify(&header, namespace, &NamespaceData::new(honest.clone())).expect("the honest answer");
    attack(&mut rows);
    assert_ne!(rows, honest, "the attack changed nothing");
    let error = namespace::verify(&header, namespace, &NamespaceData::new(rows)).expect_err("refused");
    let sentence = error.to_string();
    assert!(sentence.contains(&format!("height {}", header.height())), "{sentence}");
    assert!(sentence.contains(&namespace.to_string()) && !sentence.contains('\n'), "{sentence}");
    println!("{sentence}");
}

fn reprove(row: &mut RowNamespaceData, start: u32, end: u32) {
    let proof = Proof { siblings: row.proof.siblings().to_vec(), range: start..end };
    row.proof = NamespaceProof::from(NmtProof::PresenceProof { proof, ignore_max_ns: true });
}

#[test]
fn a_share_dropped_from_the_end() {
    attack("rows_60k", "batch", |rows| {
        rows.last_mut().expect("rows").shares.pop();
    });
}

#[test]
fn a_share_dropped_with_the_range_made_to_fit() {
    attack("rows_60k", "batch", |rows| {
        let row = rows.last_mut().expect("rows");
        row.shares.pop();
        let (start, end) = (row.proof.start_idx(), row.proof.end_idx() - 1);
        reprove(row, start, end);
    });
}

#[test]
fn a_share_changed() {
    attack("two_namespaces", "batch", |rows| {
        let mut bytes = *rows[0].shares[1].data();
        bytes[300] ^= 1;
        rows[0].shares[1] = Share::from_raw(&bytes).expect("a share");
    });
}

#[test]
fn shares_swapped() {
    attack("edge_sizes_110", "batch", |rows| rows[0].shares.swap(0, 3));
}

#[test]
fn a_share_of_another_namespace() {
    attack("two_namespaces", "batch", |rows| {
        let mut bytes = *rows[0].shares[0].data();
        bytes[28] ^= 1;
        rows[0].shares[0] = Share::from_raw(&bytes).expect("a share");
    });
}

#[test]
fn a_row_missing_in_the_middle_and_at_both_ends() {
    for index in [0, 1, 3] {
        attack("many_small", "batch", |rows| {
            rows.remove(index);
        });
    }
}

#[test]
fn all_rows_missing() {
    attack("one_v1", "batch", Vec::clear);
}

#[test]
fn rows_swapped() {
    attack("rows_60k", "batch", |rows| rows.swap(1, 2));
}

#[test]
fn a_row_twice() {
    attack("rows_60k", "batch", |rows| rows[2] = rows[1].clone());
}

#[test]
fn a_row_more() {
    attack("rows_60k", "batch", |rows| rows.push(rows[1].clone()));
}

#[test]
fn the_proof_of_another_row() {
    attack("rows_60k", "batch", |rows| rows[1].proof = rows[2].proof.clone());
}

#[test]
fn rows_of_another_block() {
    let Some(other) = fixtures::case("two_accounts_118") else { return };
    attack("two_accounts_117", "batch", |rows| *rows = answer(&other, "batch").1);
}

#[test]
fn a_shifted_start() {
    attack("two_accounts_117", "batch", |rows| {
        let (start, end) = (rows[0].proof.start_idx(), rows[0].proof.end_idx());
        reprove(&mut rows[0], start - 1, end - 1);
    });
}

/// In a tree of a size that no square has, another start needs the same nodes and gives the same root: nmt-rs
/// takes it, and the blob would be said to lie elsewhere.
#[test]
fn a_start_outside_the_square() {
    attack("one_v1", "batch", |rows| {
        assert_eq!((rows[0].proof.start_idx(), rows[0].proof.end_idx()), (1, 2));
        reprove(&mut rows[0], 2, 3);
    });
}

#[test]
fn absence_for_presence() {
    attack("one_v1", "batch", |rows| {
        let row = &mut rows[0];
        let leaf = row.proof.siblings().last().expect("a right neighbour").clone();
        let mut proof = row.proof.clone().into_inner();
        proof.convert_to_absence_proof(leaf);
        row.proof = proof.into();
        row.shares.clear();
    });
}

#[test]
fn nothing_for_presence() {
    attack("one_v1", "batch", |rows| rows[0].shares.clear());
}

#[test]
fn presence_for_absence() {
    let Some(case) = fixtures::case("one_v1") else { return };
    attack("one_v1", "absent", |rows| *rows = answer(&case, "batch").1);
}

#[test]
fn another_leaf_in_a_proof_of_absence() {
    attack("one_v1", "absent", |rows| {
        let Value::Object(mut proof) = serde_json::to_value(&rows[0].proof).expect("json") else { return };
        let nodes = proof["nodes"].as_array().expect("nodes").clone();
        proof.insert("leaf_hash".into(), nodes[1].clone());
        rows[0].proof = serde_json::from_value(Value::Object(proof)).expect("a proof");
    });
}

#[test]
fn a_proof_that_does_not_ignore_parity() {
    attack("one_v1", "batch", |rows| {
        let proof = Proof { siblings: rows[0].proof.siblings().to_vec(), range: 1..2 };
        rows[0].proof = NamespaceProof::from(NmtProof::PresenceProof { proof, ignore_max_ns: false });
    });
}

#[test]
fn proofs_with_nodes_missing_added_and_out_of_order() {
    type Change = fn(&mut Vec<Value>);
    let changes: [Change; 3] = [
        |nodes| nodes.truncate(1),
        |nodes| nodes.push(nodes[0].clone()),
        |nodes| {
            nodes.reverse();
        },
    ];
    for change in changes {
        attack("one_v1", "batch", |rows| {
            let mut proof = serde_json::to_value(&rows[0].proof).expect("json");
            change(proof["nodes"].as_array_mut().expect("nodes"));
            rows[0].proof = serde_json::from_value(proof).expect("a proof");
        });
    }
}

#[test]
fn a_vote_removed_leaves_too_little_power() {
    let Some(case) = fixtures::case("one_v1") else { return };
    let mut header = header_of(&case);
    check(&header).expect("the honest header");
    header.commit.signatures[0] = CommitSig::BlockIdFlagAbsent;
    let error = check(&header).expect_err("refused").to_string();
    assert!(error.contains("height 108"), "{error}");
}

/// Changes every leaf of a header's JSON, one at a time.
#[test]
fn every_field_of_the_header_changed() {
    let Some(case) = fixtures::case("two_accounts_117") else { return };
    let mut paths = Vec::new();
    leaves(&case.json["header"], &mut Vec::new(), &mut paths);
    assert!(paths.len() > 40, "{} fields", paths.len());
    let mut unauthenticated = Vec::new();
    for path in paths {
        let mut json = case.json["header"].clone();
        let field = path.iter().fold(&mut json, |value, key| match key.parse::<usize>() {
            Ok(index) if value.is_array() => &mut value[index],
            _ => &mut value[key.as_str()],
        });
        change(field);
        let refused = match serde_json::from_value::<ExtendedHeader>(json) {
            Err(_) => true,
            Ok(changed) => check(&changed).is_err(),
        };
        if !refused {
            unauthenticated.push(path.join("."));
        }
    }
    // Nobody signs the proposers' priorities, and nothing here reads them.
    unauthenticated.retain(|path| !path.ends_with("proposer_priority"));
    assert_eq!(unauthenticated, Vec::<String>::new());
}

fn leaves(value: &Value, at: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => return out.push(at.clone()),
    };
    for (key, child) in children {
        at.push(key);
        leaves(child, at, out);
        at.pop();
    }
}

/// Another value of the same form.
fn change(value: &mut Value) {
    *value = match &*value {
        Value::String(text) if text.contains('T') && text.ends_with('Z') && text.contains(':') => {
            let digit = text.rfind(|c: char| c.is_ascii_digit()).expect("a digit");
            let other = if &text[digit..=digit] == "1" { "2" } else { "1" };
            format!("{}{other}{}", &text[..digit], &text[digit + 1..]).into()
        }
        Value::String(text) if text.is_empty() => "x".into(),
        Value::String(text) => {
            let (at, first) = text.char_indices().nth(text.len() / 2).expect("not empty");
            let other = if first.is_ascii_digit() {
                if first == '1' { '2' } else { '1' }
            } else if first == 'A' {
                'B'
            } else {
                'A'
            };
            format!("{}{other}{}", &text[..at], &text[at + 1..]).into()
        }
        Value::Number(number) => (number.as_u64().expect("a count") + 1).into(),
        other => panic!("a field with {other}"),
    };
}

#[test]
fn bounds_on_the_square_and_the_version() {
    let Some(case) = fixtures::case("one_v1") else { return };
    let honest = header_of(&case);
    let root = honest.dah.row_root(0).expect("a row");
    for (rows, columns) in [(0, 0), (1, 1), (3, 3), (4, 8), (2048, 2048)] {
        let mut header = honest.clone();
        header.dah =
            DataAvailabilityHeader::new_unchecked(vec![root.clone(); rows], vec![root.clone(); columns]);
        let error = check(&header).expect_err("refused").to_string();
        assert!(error.contains("its square has"), "{error}");
    }
    for app in [0, header::APP_VERSION_MAX + 1] {
        let mut header = honest.clone();
        header.header.version.app = app;
        let error = check(&header).expect_err("refused").to_string();
        assert!(error.contains("app version"), "{error}");
    }
}

/// A captured header as if these keys had signed it, each with power 1; `change` comes before they sign.
fn signed_by(keys: &[u8], change: impl FnOnce(&mut ExtendedHeader)) -> Option<ExtendedHeader> {
    let mut header = header_of(&fixtures::case("one_v1")?);
    let mut keys: Vec<SigningKey> = keys.iter().map(|key| SigningKey::from_bytes(&[*key; 32])).collect();
    let public = |key: &SigningKey| {
        PublicKey::from_raw_ed25519(key.verifying_key().as_bytes()).expect("an ed25519 key")
    };
    keys.sort_by_key(|key| account::Id::from(public(key)));
    let validators: Vec<_> = keys.iter().map(|key| validator::Info::new(public(key), 1u32.into())).collect();
    let proposer = validators[0].address;
    header.validator_set = validator::Set::with_proposer(validators, proposer).expect("a set");
    header.header.validators_hash = header.validator_set.hash();
    header.header.next_validators_hash = header.validator_set.hash();
    header.header.proposer_address = proposer;
    change(&mut header);
    header.commit.block_id.hash = header.header.hash();
    header.commit.signatures = header
        .validator_set
        .validators
        .iter()
        .map(|one| CommitSig::BlockIdFlagCommit {
            validator_address: one.address,
            timestamp: header.header.time,
            signature: Some(Signature::try_from(&[1; 64][..]).expect("64 bytes")),
        })
        .collect();
    for (index, key) in keys.iter().enumerate() {
        let bytes = header.commit.vote_sign_bytes(&header.header.chain_id, index).expect("a vote");
        if let CommitSig::BlockIdFlagCommit { signature, .. } = &mut header.commit.signatures[index] {
            *signature = Some(Signature::try_from(&key.sign(&bytes).to_bytes()[..]).expect("64 bytes"));
        }
    }
    Some(header)
}

#[test]
fn two_valid_headers_at_one_height_are_evidence() {
    let Some(first) = signed_by(&[1, 2, 3, 4], |_| ()) else { return };
    let second =
        signed_by(&[1, 2, 3, 4], |header| header.header.app_hash = vec![7; 32].try_into().expect("a hash"))
            .expect("the fixture is there");
    let strangers = signed_by(&[5, 6, 7, 8], |_| ()).expect("the fixture is there");
    let mut chain = HeaderChain::new(anchor(&first), None);
    chain.begin(&first).expect("the trusted one");
    chain.compare(&first).expect("the same");
    chain.compare(&strangers).expect("of other validators: says nothing");
    match chain.accept(&second) {
        Err(VerifyError::Equivocation(evidence)) => {
            assert_eq!((&evidence.first, &evidence.second), (&first, &second));
        }
        other => panic!("{other:?}"),
    }
    let next = |parent: &ExtendedHeader| {
        let (height, parent) = (parent.header.height.increment(), parent.clone());
        signed_by(&[1, 2, 3, 4], |header| {
            header.header.height = height;
            header.commit.height = height;
            header.header.time = (parent.time() + std::time::Duration::from_secs(1)).expect("a time");
            header.header.last_block_id = Some(parent.commit.block_id);
        })
        .expect("the fixture is there")
    };
    let error = chain.accept(&next(&second)).expect_err("on the other one").to_string();
    assert!(error.contains("its parent is"), "{error}");
    chain.accept(&next(&first)).expect("adjacent");
}

#[test]
fn more_than_two_thirds_of_the_power_must_have_signed() {
    let Some(honest) = signed_by(&[1, 2, 3, 4], |_| ()) else { return };
    check(&honest).expect("all of four");
    let mut three = honest.clone();
    three.commit.signatures[1] = CommitSig::BlockIdFlagAbsent;
    check(&three).expect("three of four");
    let mut two = three.clone();
    two.commit.signatures[2] = CommitSig::BlockIdFlagAbsent;
    check(&two).expect_err("two of four");
    let mut thirds = signed_by(&[1, 2, 3], |_| ()).expect("the fixture is there");
    thirds.commit.signatures[0] = CommitSig::BlockIdFlagAbsent;
    check(&thirds).expect_err("two of three are no more than two thirds");
}

#[test]
fn a_validator_that_votes_under_two_names_counts_once() {
    let Some(mut header) = signed_by(&[1, 2, 3, 4], |_| ()) else { return };
    for index in 1..4 {
        header.commit.signatures[index] = header.commit.signatures[0].clone();
    }
    check(&header).expect_err("one of four");
}

fn anchor(header: &ExtendedHeader) -> Anchor {
    Anchor { height: DaHeight(header.height()), hash: header::hash(header) }
}

#[test]
fn adjacent_headers_are_accepted_in_order_only() {
    let Some(headers) = fixtures::headers() else { return };
    let mut chain = HeaderChain::new(anchor(&headers[0]), None);
    chain.accept(&headers[1]).expect_err("the trusted header comes first");
    chain.begin(&headers[1]).expect_err("not the trusted one");
    chain.begin(&headers[0]).expect("the trusted one");
    chain.accept(&headers[2]).expect_err("a height skipped");
    for header in &headers[1..] {
        chain.accept(header).expect("adjacent");
        assert_eq!(chain.tip(), anchor(header));
    }
    chain.accept(&headers[1]).expect_err("an old one");
    let mut foreign = HeaderChain::new(anchor(&headers[0]), Some("celestia".into()));
    let error = foreign.begin(&headers[0]).expect_err("of another chain").to_string();
    assert!(error.contains("chain"), "{error}");
}

#[test]
fn a_changed_header_is_not_adjacent_and_no_evidence() {
    let Some(headers) = fixtures::headers() else { return };
    let mut chain = HeaderChain::new(anchor(&headers[0]), None);
    chain.begin(&headers[0]).expect("the trusted one");
    let mut changed = headers[1].clone();
    changed.header.time = headers[0].header.time;
    chain.accept(&changed).expect_err("its hash is another");
    chain.accept(&headers[1]).expect("adjacent");
    chain.compare(&changed).expect("not valid, so no evidence");
    chain.compare(&headers[1]).expect("the same");
}

#[test]
fn the_verifier_gives_blobs_and_stays_where_it_stood_after_a_lie() {
    let (Some(headers), Some(case)) = (fixtures::headers(), fixtures::case("one_v1")) else { return };
    let before = headers.iter().find(|header| header.height() == 107).expect("107");
    let params = params(&case);
    let mut verifier = Verifier::new(anchor(before), Some("private".into()), &params);
    verifier.begin(before).expect("the trusted one");
    let header = header_of(&case);
    let (batch, forced) =
        (NamespaceData::new(answer(&case, "batch").1), NamespaceData::new(answer(&case, "forced").1));
    let nothing = NamespaceData::new(Vec::new());
    verifier.verify(&header, &nothing, &forced).expect_err("withheld");
    assert_eq!(verifier.next_height(), DaHeight(108));
    let block = verifier.verify(&header, &batch, &forced).expect("the truth");
    assert_eq!((block.height(), block.hash()), (DaHeight(108), header::hash(&header)));
    assert_eq!(block.time_ms(), 1_795_436_318_671);
    assert_eq!((block.batch_blobs().len(), block.forced_blobs().len()), (1, 0));
    assert_eq!(verifier.next_height(), DaHeight(109));
    let mut trusting = Verifier::new(anchor(before), None, &params).trusting_endpoint();
    trusting.begin(before).expect("the height alone");
    assert!(trusting.verify(&header, &nothing, &forced).expect("believed").batch_blobs().is_empty());
}

fn params(case: &Case) -> DerivationParams {
    DerivationParams {
        genesis_hash: B256::ZERO,
        chain_id: 1,
        batch_namespace: answer(case, "batch").0,
        forced_namespace: answer(case, "forced").0,
        da_start: DaHeight(108),
        genesis_time_ms: 0,
        sequencers: Vec::new(),
        hybrid: false,
        forced_window: 1,
        failover_window: 1,
        origin_window: 1,
        max_drift_ms: 0,
        block_bytes_max: 1 << 20,
        forced_bytes_max: 1 << 20,
    }
}
