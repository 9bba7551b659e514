//! Contracts from their making to their last admin.

use super::world::{World, attributes, echo, kinds, read, user};
use crate::keeper::addresses::{Address, predictable};
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    AccessConfig, AccessType, MsgClearAdmin, MsgInstantiateContract, MsgInstantiateContract2,
    MsgInstantiateContract2Response, MsgMigrateContract, MsgPinCodes, MsgSudoContract, MsgUpdateAdmin,
    MsgUpdateContractLabel, MsgUpdateInstantiateConfig,
};
use serde_json::json;
use sha2::{Digest, Sha256};

#[test]
fn an_address_can_be_told_beforehand() {
    let mut world = World::new();
    let (id, _) = world.store(&echo());
    let msg = MsgInstantiateContract2 {
        sender: user(1).text,
        admin: String::new(),
        code_id: id,
        label: "echo".to_owned(),
        msg: b"{}".to_vec(),
        funds: Vec::new(),
        salt: b"salt".to_vec(),
        fix_msg: false,
    };
    let outcome = world.try_run(&user(1), &msg).expect("made");
    let response: MsgInstantiateContract2Response = read(&outcome.response);
    let checksum: [u8; 32] = Sha256::digest(echo()).into();
    let told = |msg: &[u8]| crate::address::encode(&predictable(&checksum, &user(1).bytes, b"salt", msg));
    assert_eq!(response.address, told(b""));
    assert_eq!(world.try_run(&user(1), &msg).expect_err("taken").code(), ("wasm", 15));
    let fixed = MsgInstantiateContract2 { fix_msg: true, ..msg };
    let outcome = world.try_run(&user(1), &fixed).expect("made");
    let response: MsgInstantiateContract2Response = read(&outcome.response);
    assert_eq!(response.address, told(b"{}"));
}

#[test]
fn only_the_admin_changes_a_contract() {
    let mut world = World::new();
    let contract = world.echo(&json!({}));
    let (newer, _) = world.store(&echo());
    let migrate = |sender: &Address, code_id| MsgMigrateContract {
        sender: sender.text.clone(),
        contract: contract.text.clone(),
        code_id,
        msg: br#"{"ok":{"attributes":[{"key":"moved","value":"1"}]}}"#.to_vec(),
    };
    let fault = world.try_run(&user(2), &migrate(&user(2), newer)).expect_err("not the admin");
    assert_eq!(fault.code(), ("sdk", 4));
    assert_eq!(world.try_run(&user(1), &migrate(&user(1), 9)).expect_err("no code").code(), ("sdk", 18));
    let outcome = world.try_run(&user(1), &migrate(&user(1), newer)).expect("migrated");
    assert_eq!(kinds(&outcome.events), ["message", "migrate", "wasm"]);
    assert_eq!(attributes(&outcome.events[1]), [("code_id", "2"), ("_contract_address", &*contract.text)]);

    let update =
        MsgUpdateAdmin { sender: user(1).text, new_admin: user(2).text, contract: contract.text.clone() };
    let outcome = world.try_run(&user(1), &update).expect("handed over");
    assert_eq!(kinds(&outcome.events), ["message", "update_contract_admin"]);
    assert_eq!(outcome.events[1].get("new_admin_address"), Some(&*user(2).text));
    let label = |new_label: &str| MsgUpdateContractLabel {
        sender: user(2).text,
        new_label: new_label.to_owned(),
        contract: contract.text.clone(),
    };
    let outcome = world.try_run(&user(2), &label("renamed")).expect("renamed");
    assert_eq!(outcome.events[1].get("new_label"), Some("renamed"));
    assert_eq!(world.try_run(&user(2), &label("")).expect_err("no label").code(), ("wasm", 12));
    let clear = MsgClearAdmin { sender: user(2).text, contract: contract.text.clone() };
    let outcome = world.try_run(&user(2), &clear).expect("cleared");
    assert_eq!(outcome.events[1].get("new_admin_address"), Some(""));
    assert_eq!(world.try_run(&user(2), &clear).expect_err("nobody's").code(), ("sdk", 4));
}

#[test]
fn a_code_says_who_may_make_contracts_of_it() {
    let mut world = World::new();
    let (id, _) = world.store(&echo());
    let only = AccessConfig { permission: AccessType::AnyOfAddresses as i32, addresses: vec![user(2).text] };
    let update = MsgUpdateInstantiateConfig {
        sender: user(1).text,
        code_id: id,
        new_instantiate_permission: Some(only),
    };
    let outcome = world.try_run(&user(1), &update).expect("its creator");
    let expected =
        [("code_permission", "AnyOfAddresses"), ("code_id", "1"), ("authorized_addresses", &*user(2).text)];
    assert_eq!(attributes(&outcome.events[1]), expected);
    let new = |seed| MsgInstantiateContract {
        sender: user(seed).text,
        code_id: id,
        label: "echo".to_owned(),
        msg: b"{}".to_vec(),
        ..Default::default()
    };
    assert_eq!(world.try_run(&user(1), &new(1)).expect_err("not listed").code(), ("sdk", 4));
    assert!(world.try_run(&user(2), &new(2)).is_ok());
    let other = MsgUpdateInstantiateConfig { sender: user(2).text, ..update };
    assert_eq!(world.try_run(&user(2), &other).expect_err("not its creator").code(), ("sdk", 4));
}

#[test]
fn nobody_has_the_authority() {
    let mut world = World::new();
    let contract = world.echo(&json!({}));
    let pin = MsgPinCodes { authority: user(1).text, code_ids: vec![1] };
    assert_eq!(world.try_run(&user(1), &pin).expect_err("nobody").code(), ("wasm", 14));
    let sudo = MsgSudoContract { authority: user(1).text, contract: contract.text, msg: b"{}".to_vec() };
    assert_eq!(world.try_run(&user(1), &sudo).expect_err("nobody").code(), ("wasm", 14));
}
