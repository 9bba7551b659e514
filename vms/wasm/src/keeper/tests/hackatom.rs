//! The contract that CosmWasm's own tests use, with the chain around it.

use super::world::{World, attributes, coins, kinds, read, user};
use crate::keeper::addresses::Address;
use cargo_metadata::MetadataCommand;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgInstantiateContract, MsgInstantiateContractResponse, MsgMigrateContract,
};
use serde_json::json;

/// cargo knows where it keeps the crate that the contract is in.
fn code() -> Vec<u8> {
    let metadata = MetadataCommand::new().exec().expect("cargo metadata");
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "cosmwasm-vm");
    let manifest = package.expect("a dependency").manifest_path.clone();
    let path = manifest.parent().expect("a folder").join("testdata/hackatom.wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn new(code_id: u64, msg: &serde_json::Value) -> MsgInstantiateContract {
    MsgInstantiateContract {
        sender: user(1).text,
        admin: user(1).text,
        code_id,
        label: "hackatom".to_owned(),
        msg: msg.to_string().into_bytes(),
        funds: coins(100),
    }
}

#[test]
fn an_escrow_is_released_by_its_verifier() {
    let mut world = World::new();
    let (id, stored) = world.store(&code());
    assert_eq!(kinds(&stored.events), ["message", "store_code"]);
    // Addresses are checked by the chain, and what failed leaves no money behind.
    let broken = json!({"verifier": "nobody", "beneficiary": user(3).text});
    let fault = world.try_run(&user(1), &new(id, &broken)).expect_err("no address");
    assert_eq!(fault.code(), ("wasm", 4), "{fault}");
    assert_eq!(world.balance(&user(1)), 1_000);

    let msg = json!({"verifier": user(2).text, "beneficiary": user(3).text});
    let outcome = world.try_run(&user(1), &new(id, &msg)).expect("made");
    let made = ["message", "coin_spent", "coin_received", "transfer", "instantiate", "wasm"];
    assert_eq!(kinds(&outcome.events), made);
    let response: MsgInstantiateContractResponse = read(&outcome.response);
    let contract = Address::parse(&response.address).expect("an address");
    assert_eq!(
        attributes(&outcome.events[5]),
        [("_contract_address", &*contract.text), ("Let the", "hacking begin")]
    );
    let verifier = world.smart(&contract, &json!({"verifier": {}})).expect("an answer");
    assert_eq!(verifier, json!({"verifier": user(2).text}));
    let fault = world.smart(&contract, &json!({"unheard_of": {}})).expect_err("no such query");
    assert_eq!(fault.code(), ("wasm", 9), "{fault}");

    let release = json!({"release": {"denom": "awei"}});
    let fault = world.execute(&user(3), &contract, &release, Vec::new()).expect_err("not the verifier");
    assert_eq!(fault.code(), ("wasm", 5));
    assert!(fault.to_string().ends_with(": execute wasm contract failed"), "{fault}");
    let (events, data) = world.execute(&user(2), &contract, &release, coins(7)).expect("released");
    let sent = ["coin_spent", "coin_received", "transfer"];
    assert_eq!(kinds(&events[1..4]), sent, "what came with the message");
    assert_eq!(kinds(&events[4..6]), ["execute", "wasm"]);
    assert_eq!(events[5].get("destination"), Some(&*user(3).text));
    let [.., spent, received, moved] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!([&spent.kind, &received.kind, &moved.kind], sent, "what the contract sent");
    assert_eq!(moved.get("amount"), Some("107awei"));
    assert_eq!(data, [0xf0, 0x0b, 0xaa]);
    assert_eq!((world.balance(&contract), world.balance(&user(3))), (0, 1_107));
}

#[test]
fn a_state_of_the_same_version_stays_and_endless_calls_end() {
    let mut world = World::new();
    let (id, _) = world.store(&code());
    let msg = json!({"verifier": user(2).text, "beneficiary": user(3).text});
    let outcome = world.try_run(&user(1), &new(id, &msg)).expect("made");
    let response: MsgInstantiateContractResponse = read(&outcome.response);
    let contract = Address::parse(&response.address).expect("an address");
    let (newer, _) = world.store(&code());
    let migrate = |sender: u8| MsgMigrateContract {
        sender: user(sender).text,
        contract: contract.text.clone(),
        code_id: newer,
        msg: json!({"verifier": user(4).text}).to_string().into_bytes(),
    };
    let fault = world.try_run(&user(2), &migrate(2)).expect_err("not the admin");
    assert_eq!(fault.to_string(), "can not migrate: unauthorized");
    let outcome = world.try_run(&user(1), &migrate(1)).expect("migrated");
    assert_eq!(kinds(&outcome.events), ["message", "migrate"]);
    // Both codes say that their state is of version 420: the new one is not asked.
    let verifier = world.smart(&contract, &json!({"verifier": {}})).expect("an answer");
    assert_eq!(verifier, json!({"verifier": user(2).text}));
    let panics = json!({"panic": {}});
    let fault = world.execute(&user(1), &contract, &panics, coins(5)).expect_err("it panics");
    assert_eq!(fault.code(), ("wasm", 29), "{fault}");
    for endless in ["cpu_loop", "storage_loop", "memory_loop", "message_loop"] {
        let msg = json!({endless: {}});
        let fault = world.execute(&user(1), &contract, &msg, Vec::new()).expect_err("it never ends");
        let ends = [("sdk", 11), ("wasm", 29), ("wasm", 30)];
        assert!(ends.contains(&fault.code()), "{endless}: {fault}");
        assert!(world.gas_used <= super::world::GAS);
    }
    assert_eq!(world.balance(&contract), 100);
}
