//! Tests of reading, writing and validating.

use crate::*;
use std::collections::BTreeSet;
use weft_types::hash::sha256;

/// A change that breaks one rule.
type Break = fn(&mut Genesis);

fn sample() -> Genesis {
    Genesis::devnet(Devnet {
        timestamp_ms: 1_760_000_000_000,
        celestia_chain_id: "weft-local".into(),
        checkpoint: (DaHeight(7), B256::repeat_byte(7)),
        sequencers: vec![Address::repeat_byte(0x11), Address::repeat_byte(0x22)],
        accounts: (1..=10).map(|byte| AccountId::from_evm(Address::repeat_byte(byte))).collect(),
    })
}

/// A genesis that uses every field.
fn full() -> Genesis {
    let mut genesis = sample();
    // Not the devnet's, which may name newer rules: the encoding is frozen by these.
    genesis.machines.retain(|machine| machine.vm == VmId::EVM);
    genesis.machines.push(Machine::new(VmId::SBF, "agave-3.1", GasRate { numerator: 3, denominator: 1 }));
    genesis.upgrades.push(Upgrade {
        da_height: DaHeight(1_000),
        machines: vec![Machine::new(VmId::EVM, "amsterdam", GasRate::ONE)],
    });
    let mut contract = Account::funded(AccountId::from_evm(Address::repeat_byte(0xcc)), U256::from(5));
    contract.nonce = 1;
    contract.code = Bytes::from_static(&[0x60, 0x00]);
    contract.storage.insert(B256::with_last_byte(1), B256::with_last_byte(2));
    genesis.accounts.push(contract);
    genesis.accounts.push(Account::funded(AccountId(B256::repeat_byte(0x33)), U256::from(6)));
    genesis
}

#[test]
fn json_and_toml_and_commented_toml_are_one_genesis() {
    for genesis in [sample(), full()] {
        genesis.validate().expect("consistent");
        let json = Genesis::from_json(&genesis.to_json()).expect("its own JSON");
        let commented = Genesis::from_toml(&genesis.to_commented_toml()).expect("its own commented TOML");
        let plain = Genesis::from_toml(&toml::to_string(&genesis).expect("TOML")).expect("plain TOML");
        assert_eq!([&json, &commented, &plain], [&genesis; 3]);
        assert_eq!(json.hash(), commented.hash());
    }
}

#[test]
fn every_field_of_the_commented_file_has_a_comment() {
    let text = full().to_commented_toml();
    let mut previous = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        let is_field = line.contains(" = ") && !line.starts_with(['#', ' ', '"']);
        assert!(!is_field || previous.starts_with('#'), "no comment above {line:?}");
        previous = line;
    }
    // Every key of the JSON stands in the TOML, so no field was forgotten there.
    let json: serde_json::Value = serde_json::from_str(&full().to_json()).expect("JSON");
    let mut keys = BTreeSet::new();
    collect_keys(&json, &mut keys);
    for key in keys.iter().filter(|key| !key.starts_with("0x")) {
        let written = text.contains(&format!("{key} = ")) || text.contains(&format!("{key}]"));
        assert!(written, "{key} is missing in the commented file");
    }
}

fn collect_keys(value: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                keys.insert(key.clone());
                collect_keys(value, keys);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| collect_keys(value, keys)),
        _ => {}
    }
}

#[test]
fn the_hash_is_that_of_the_documented_encoding() {
    // Frozen: a change of it is a change of every chain's identity.
    let genesis = full();
    let canonical = include_str!("../../tests/vectors/genesis/canonical.json").trim_end();
    assert_eq!(serde_json::to_string(&genesis).expect("JSON"), canonical);
    assert_eq!(genesis.hash(), sha256("weft/genesis", &[canonical.as_bytes()]));
    let hash = include_str!("../../tests/vectors/genesis/hash.txt").trim_end();
    assert_eq!(genesis.hash().to_string(), hash);
}

#[test]
fn unknown_keys_and_wrong_forms_are_refused_with_their_name() {
    let cases = [
        ("\"chain_id\": 31337", "\"chain_id\": 31337, \"colour\": 1", "colour"),
        ("\"decimals\": 18", "\"decimals\": 18, \"colour\": 1", "colour"),
        ("\"vm\": \"evm\"", "\"vm\": \"jvm\"", "jvm"),
        ("\"balance\": \"10000", "\"balance\": \"-10000", "decimal"),
        ("\"numerator\": 1", "\"numerator\": 1, \"x\": 2", "x"),
        ("\"0x0101010101010101010101010101010101010101\"", "\"0x01\"", "20 bytes"),
    ];
    let json = sample().to_json();
    for (from, to, named) in cases {
        let broken = json.replacen(from, to, 1);
        assert_ne!(json, broken, "{from} not found");
        let error = Genesis::from_json(&broken).expect_err(to).to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn every_inconsistency_names_its_field() {
    let cases: [(&str, Break); 35] = [
        ("chain_id", |g| g.chain_id = 0),
        ("chain_id", |g| g.chain_id = u64::MAX),
        ("network", |g| g.network = "My Net".into()),
        ("timestamp_ms", |g| g.timestamp_ms = 1_760_000_000),
        ("bech32_prefix", |g| g.bech32_prefix = String::new()),
        ("token.symbol", |g| g.token.symbol = "W$".into()),
        ("token.decimals", |g| g.token.decimals = 6),
        ("token.denom", |g| g.token.denom = "1x".into()),
        ("celestia.chain_id", |g| g.celestia.chain_id = String::new()),
        ("celestia.da_start", |g| g.celestia.da_start = DaHeight(1)),
        ("celestia.da_checkpoint.height", |g| g.celestia.da_checkpoint.height = DaHeight(8)),
        ("celestia.da_checkpoint.hash", |g| g.celestia.da_checkpoint.hash = B256::ZERO),
        ("namespaces.forced", |g| g.namespaces.forced = g.namespaces.batch),
        ("namespaces.claim", |g| g.namespaces.claim = g.namespaces.batch),
        ("sequencing.sequencers[1]", |g| g.sequencing.sequencers[1] = g.sequencing.sequencers[0].clone()),
        ("sequencing.hybrid", |g| {
            g.sequencing.sequencers.clear();
            g.sequencing.hybrid = true;
        }),
        ("sequencing.forced_window", |g| g.sequencing.forced_window = 0),
        ("sequencing.failover_window", |g| g.sequencing.failover_window = 0),
        ("sequencing.origin_window", |g| g.sequencing.origin_window = 0),
        ("sequencing.max_drift_ms", |g| g.sequencing.max_drift_ms = u64::MAX),
        ("limits.block_bytes", |g| g.limits.block_bytes = u64::MAX),
        ("limits.block_gas", |g| g.limits.block_gas = 20_999),
        ("limits.forced_bytes", |g| g.limits.forced_bytes = g.limits.block_bytes + 1),
        ("fees.base_fee_initial", |g| g.fees.base_fee_initial = 1),
        ("fees.elasticity", |g| g.fees.elasticity = 0),
        ("base_to_treasury_bp", |g| g.fees.base_to_treasury_bp = 9_999),
        ("machines", |g| g.machines.clear()),
        ("machines[0].gas_rate", |g| g.machines[0].gas_rate.denominator = 0),
        ("machines[0].capabilities", |g| g.machines[0].capabilities = vec!["iterator".into()]),
        ("machines[2].capabilities[0]", |g| g.machines[2].capabilities[0] = "Staking".into()),
        ("machines[2].capabilities[1]", |g| g.machines[2].capabilities[1] = "cosmwasm_1_1".into()),
        ("upgrades[0].da_height", |g| {
            g.upgrades.push(Upgrade { da_height: DaHeight(8), machines: g.machines.clone() });
        }),
        ("accounts[1].address", |g| g.accounts[1].address = g.accounts[0].address),
        ("accounts[0].address", |g| {
            g.accounts[0].address = AccountId(B256::repeat_byte(9));
            g.accounts[0].nonce = 1;
        }),
        ("accounts[].balance", |g| g.accounts[0].balance = U256::from(1u128 << 95)),
    ];
    for (field, change) in cases {
        let mut genesis = sample();
        change(&mut genesis);
        let error = genesis.validate().expect_err(field).to_string();
        assert!(error.contains(field), "{error:?} does not name {field}");
    }
}

#[test]
fn supply_is_bounded_by_lamports_exactly() {
    let mut genesis = sample();
    let max = U256::from(u64::MAX) * U256::from(WEI_PER_LAMPORT) + U256::from(WEI_PER_LAMPORT - 1);
    genesis.accounts.truncate(1);
    genesis.accounts[0].balance = max;
    genesis.validate().expect("2^64 lamports less one wei");
    genesis.accounts[0].balance = max + U256::from(1);
    assert!(genesis.validate().is_err());
    genesis.accounts[0].balance = U256::MAX;
    assert!(genesis.validate().expect_err("too much").to_string().contains("lamports"));
}

#[test]
fn files_are_read_by_their_extension() {
    let dir = tempfile::tempdir().expect("a folder");
    let genesis = sample();
    let json = dir.path().join("genesis.json");
    let toml = dir.path().join("genesis.toml");
    let other = dir.path().join("genesis.yaml");
    std::fs::write(&json, genesis.to_json()).expect("written");
    std::fs::write(&toml, genesis.to_commented_toml()).expect("written");
    std::fs::write(&other, "").expect("written");
    assert_eq!(Genesis::from_path(&json).expect("JSON"), genesis);
    assert_eq!(Genesis::from_path(&toml).expect("TOML"), genesis);
    assert!(matches!(Genesis::from_path(&other), Err(GenesisError::Extension(_))));
    assert!(matches!(Genesis::from_path(&dir.path().join("none.json")), Err(GenesisError::Io { .. })));
    std::fs::write(&json, "{").expect("written");
    let error = Genesis::from_path(&json).expect_err("no JSON").to_string();
    assert!(error.contains("genesis.json") && error.contains("line 1"), "{error}");
}

#[test]
fn the_schedule_of_a_machine_ascends() {
    let genesis = full();
    assert_eq!(genesis.vms(), [VmId::EVM, VmId::SBF]);
    let evm: Vec<_> = genesis
        .schedule(VmId::EVM)
        .into_iter()
        .map(|(from, machine)| (from.0, machine.spec.as_str()))
        .collect();
    assert_eq!(evm, [(0, "osaka"), (1_000, "amsterdam")]);
}
