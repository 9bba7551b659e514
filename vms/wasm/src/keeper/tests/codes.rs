//! Codes and contracts in one message, who may use a code, and migrations between versions of a state.

use super::world::{World, attributes, echo, kinds, read, user};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::gas::{CODE_BYTE, CODE_WORK, RECORD, cost};
use crate::keeper::addresses::Address;
use crate::keeper::sdk::respond;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgInstantiateContract, MsgMigrateContract, MsgPinCodes,
    MsgStoreAndInstantiateContract, MsgStoreAndInstantiateContractResponse, MsgStoreAndMigrateContract,
    MsgStoreAndMigrateContractResponse, MsgStoreCode, MsgStoreCodeResponse, MsgUpdateInstantiateConfig,
    QueryContractHistoryRequest, QueryContractHistoryResponse, QueryContractsByCodeRequest,
    QueryContractsByCodeResponse,
};
use prost::Message as _;
use serde_json::json;
use sha2::{Digest, Sha256};

fn store_and_instantiate() -> MsgStoreAndInstantiateContract {
    MsgStoreAndInstantiateContract {
        authority: user(1).text,
        wasm_byte_code: echo(),
        admin: user(1).text,
        label: "echo".to_owned(),
        msg: b"{}".to_vec(),
        funds: super::world::coins(5),
        ..Default::default()
    }
}

/// The echo contract whose state has that version.
fn versioned(version: u64) -> Vec<u8> {
    let mut code = echo();
    let (name, text) = ("cw_migrate_version", version.to_string());
    let length = |length: usize| u8::try_from(length).expect("short");
    code.extend_from_slice(&[0, length(1 + name.len() + text.len()), length(name.len())]);
    code.extend_from_slice(name.as_bytes());
    code.extend_from_slice(text.as_bytes());
    code
}

fn history(world: &mut World, contract: &Address) -> Vec<(i32, u64)> {
    let request = QueryContractHistoryRequest { address: contract.text.clone(), pagination: None };
    let path = "/cosmwasm.wasm.v1.Query/ContractHistory";
    let answer = world.with(super::world::GAS, |keeper| keeper.query(path, &request.encode_to_vec()));
    let answer = QueryContractHistoryResponse::decode(answer.expect("a list").as_slice()).expect("its form");
    answer.entries.iter().map(|entry| (entry.operation, entry.code_id)).collect()
}

fn contracts_of(world: &mut World, code_id: u64) -> Vec<String> {
    let request = QueryContractsByCodeRequest { code_id, pagination: None };
    let path = "/cosmwasm.wasm.v1.Query/ContractsByCode";
    let answer = world.with(super::world::GAS, |keeper| keeper.query(path, &request.encode_to_vec()));
    QueryContractsByCodeResponse::decode(answer.expect("a list").as_slice()).expect("its form").contracts
}

/// Its size and what it takes to compile, each before it is done.
#[test]
fn an_upload_is_paid_before_it_is_compiled() {
    let mut world = World::new();
    let code = echo();
    world.store(&code);
    let (all, work) = (world.gas_used, Engine::inspect(&code, &world.rules.capabilities).expect("good").work);
    let bytes = cost(RECORD, CODE_BYTE, code.len());
    assert!(work > 0);
    // And the next id, and the record of the code.
    assert_eq!(all, cost(bytes, CODE_WORK, work) + 2 * RECORD);
    let msg = MsgStoreCode { sender: user(1).text, wasm_byte_code: code, instantiate_permission: None };
    let msg = respond(&msg);
    for (gas, wanted) in [(bytes - 1, "store code"), (cost(bytes, CODE_WORK, work) - 1, "compile code")] {
        let result = world.with(gas, |keeper| keeper.handle(&user(1).text, &msg));
        assert_eq!(result.expect_err("too little"), Fault::OutOfGas { at: wanted });
    }
}

#[test]
fn a_code_is_stored_and_used_in_one_message() {
    let mut world = World::new();
    let outcome = world.try_run(&user(1), &store_and_instantiate()).expect("stored and made");
    let expected = ["message", "store_code", "coin_spent", "coin_received", "transfer", "instantiate"];
    assert_eq!(kinds(&outcome.events), expected);
    assert_eq!(outcome.events[0].get("action"), Some("/cosmwasm.wasm.v1.MsgStoreAndInstantiateContract"));
    let response: MsgStoreAndInstantiateContractResponse = read(&outcome.response);
    let contract = Address::parse(&response.address).expect("an address");
    assert_eq!(world.balance(&contract), 5);

    let msg = br#"{"ok":{"attributes":[{"key":"moved","value":"1"}],"data":"AQ=="}}"#.to_vec();
    let migrate = MsgStoreAndMigrateContract {
        authority: user(1).text,
        wasm_byte_code: versioned(1),
        contract: contract.text.clone(),
        msg,
        ..Default::default()
    };
    let outcome = world.try_run(&user(1), &migrate).expect("stored and migrated");
    assert_eq!(kinds(&outcome.events), ["message", "store_code", "migrate", "wasm"]);
    let response: MsgStoreAndMigrateContractResponse = read(&outcome.response);
    assert_eq!((response.code_id, response.data), (2, vec![1]));
    assert_eq!(response.checksum, Sha256::digest(versioned(1)).to_vec());
    assert_eq!(history(&mut world, &contract), [(1, 1), (2, 2)]);
    assert_eq!((contracts_of(&mut world, 1), contracts_of(&mut world, 2)), (vec![], vec![contract.text]));

    let other = MsgStoreAndMigrateContract { authority: user(2).text, ..migrate };
    assert_eq!(world.try_run(&user(2), &other).expect_err("not the admin").code(), ("sdk", 4));
    // What was stored before that is undone.
    assert_eq!(world.store(&echo()).0, 3);
}

#[test]
fn what_is_said_of_a_code_is_whole() {
    let mut world = World::new();
    let whole = MsgStoreAndInstantiateContract {
        source: "https://example.com/code".to_owned(),
        builder: "cosmwasm/optimizer:0.17.0".to_owned(),
        code_hash: vec![1; 32],
        ..store_and_instantiate()
    };
    world.try_run(&user(1), &whole).expect("whole");
    let bends: [(fn(&mut MsgStoreAndInstantiateContract), &str); 3] = [
        (|msg| msg.source.clear(), "code verification info: source is required"),
        (|msg| msg.builder.clear(), "code verification info: builder is required"),
        (|msg| msg.code_hash.clear(), "code verification info: code hash is required"),
    ];
    for (bend, text) in bends {
        let mut msg = whole.clone();
        bend(&mut msg);
        let fault = world.try_run(&user(1), &msg).expect_err("torn");
        assert_eq!((fault.code(), fault.to_string().as_str()), (("undefined", 1), text));
    }
}

#[test]
fn equal_versions_have_nothing_to_migrate() {
    let mut world = World::new();
    let ids: Vec<u64> = [versioned(7), versioned(7), versioned(8), echo()]
        .iter()
        .enumerate()
        .map(|(index, code)| {
            let (id, _) = world.store(code);
            assert_eq!(id, index as u64 + 1);
            id
        })
        .collect();
    let contract = world.instantiate(ids[0], &json!({}));
    let mut migrate = |code_id: u64| {
        let msg = br#"{"ok":{"attributes":[{"key":"moved","value":"1"}]}}"#.to_vec();
        let msg = MsgMigrateContract { sender: user(1).text, contract: contract.text.clone(), code_id, msg };
        let outcome = world.try_run(&user(1), &msg).expect("migrated");
        kinds(&outcome.events).contains(&"wasm")
    };
    // From 7 to 7 nobody is asked; from 7 to 8, to a code without a version, and back, the new code is.
    assert_eq!([ids[1], ids[2], ids[3], ids[0]].map(&mut migrate), [false, true, true, true]);
    assert_eq!(history(&mut world, &contract), [(1, 1), (2, 2), (2, 3), (2, 4), (2, 1)]);
}

fn config(permission: AccessType, seeds: &[u8]) -> AccessConfig {
    let addresses = seeds.iter().map(|seed| user(*seed).text).collect();
    AccessConfig { permission: permission as i32, addresses }
}

#[test]
fn an_upload_says_who_may_use_it() {
    let mut world = World::new();
    let store = |permission| MsgStoreCode {
        sender: user(1).text,
        wasm_byte_code: echo(),
        instantiate_permission: permission,
    };
    let new = |seed, code_id| MsgInstantiateContract {
        sender: user(seed).text,
        code_id,
        label: "echo".to_owned(),
        msg: b"{}".to_vec(),
        ..Default::default()
    };
    let cases = [
        (None, [true, true]),
        (Some(config(AccessType::Everybody, &[])), [true, true]),
        (Some(config(AccessType::Nobody, &[])), [false, false]),
        (Some(config(AccessType::AnyOfAddresses, &[2, 3])), [false, true]),
    ];
    for (permission, allowed) in cases {
        let outcome = world.try_run(&user(1), &store(permission.clone())).expect("stored");
        let response: MsgStoreCodeResponse = read(&outcome.response);
        for (seed, allowed) in [1, 2].into_iter().zip(allowed) {
            let made = world.try_run(&user(seed), &new(seed, response.code_id));
            assert_eq!(made.is_ok(), allowed, "{permission:?} {seed}");
            if let Err(fault) = made {
                assert_eq!(fault.to_string(), "can not instantiate: unauthorized");
            }
        }
    }
    let unknown = AccessConfig { permission: 2, addresses: Vec::new() };
    let wrong = AccessConfig { permission: 4, addresses: vec!["weft1".to_owned()] };
    let many: Vec<u8> = (1..=51).collect();
    let cases = [
        (config(AccessType::Unspecified, &[]), ("wasm", 12), "instantiate permission: type: empty"),
        (unknown, ("wasm", 14), "instantiate permission: unknown type: \"Unspecified\": invalid"),
        (
            config(AccessType::AnyOfAddresses, &[]),
            ("wasm", 12),
            "instantiate permission: addresses: addresses: empty",
        ),
        (
            config(AccessType::AnyOfAddresses, &[2, 2]),
            ("wasm", 15),
            "instantiate permission: addresses: duplicate addresses: duplicate",
        ),
        (
            config(AccessType::AnyOfAddresses, &many),
            ("sdk", 18),
            "instantiate permission: addresses: total number of addresses is greater than 50: invalid request",
        ),
        (
            wrong,
            ("undefined", 1),
            "instantiate permission: addresses: address: weft1: decoding bech32 failed",
        ),
    ];
    // Addresses that say nothing are kept, but not any number of them.
    let loud = AccessConfig { addresses: vec!["x".repeat(4_097)], ..config(AccessType::Nobody, &[]) };
    assert_eq!(world.try_run(&user(1), &store(Some(loud))).expect_err("refused").code(), ("wasm", 13));
    world.try_run(&user(1), &store(Some(config(AccessType::Nobody, &[2])))).expect("stored");
    let access =
        world.with(super::world::GAS, |keeper| keeper.code(5)).expect("memory").expect("a code").access;
    assert_eq!(access.to_proto(), config(AccessType::Nobody, &[2]));
    for (permission, code, text) in cases {
        let fault = world.try_run(&user(1), &store(Some(permission))).expect_err("refused");
        assert_eq!(fault.code(), code, "{fault}");
        assert!(fault.to_string().starts_with(text), "{fault}");
    }
}

#[test]
fn the_creator_of_a_code_changes_who_may_use_it() {
    let mut world = World::new();
    let (id, _) = world.store(&echo());
    let update = |seed: u8, permission| MsgUpdateInstantiateConfig {
        sender: user(seed).text,
        code_id: id,
        new_instantiate_permission: permission,
    };
    let outcome =
        world.try_run(&user(1), &update(1, Some(config(AccessType::Nobody, &[])))).expect("changed");
    assert_eq!(kinds(&outcome.events), ["message", "update_code_access_config"]);
    assert_eq!(attributes(&outcome.events[1]), [("code_permission", "Nobody"), ("code_id", "1")]);
    let fault = world.try_run(&user(1), &update(1, None)).expect_err("nothing");
    assert_eq!(fault.to_string(), "instantiate permission is required: invalid request");
    let unknown =
        MsgUpdateInstantiateConfig { code_id: 9, ..update(1, Some(config(AccessType::Everybody, &[]))) };
    assert_eq!(world.try_run(&user(1), &unknown).expect_err("no code").code(), ("wasm", 28));
    // A new admin of a contract may not migrate it to a code that is not for them.
    let (other, _) = world.store(&versioned(3));
    let contract = world.instantiate(other, &json!({}));
    let msg = MsgMigrateContract {
        sender: user(1).text,
        contract: contract.text,
        code_id: id,
        msg: br#"{"ok":{}}"#.to_vec(),
    };
    let fault = world.try_run(&user(1), &msg).expect_err("nobody's code");
    assert_eq!(fault.to_string(), "to use new code: unauthorized");
}

#[test]
fn messages_of_the_authority_are_checked_before_they_are_refused() {
    let mut world = World::new();
    let pin = |code_ids| MsgPinCodes { authority: user(1).text, code_ids };
    let cases = [
        (pin(vec![]), ("sdk", 18)),
        (pin(vec![1, 1]), ("sdk", 18)),
        (pin((1..52).collect()), ("sdk", 18)),
        (pin((1..51).collect()), ("wasm", 14)),
    ];
    for (msg, code) in cases {
        assert_eq!(world.try_run(&user(1), &msg).expect_err("refused").code(), code);
    }
}
