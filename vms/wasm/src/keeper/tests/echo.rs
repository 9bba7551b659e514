//! What a contract's answer becomes: events in their order, data, money.

use super::world::{World, attributes, coins, echo, kinds, read, user};
use crate::keeper::addresses::classic;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgInstantiateContract, MsgInstantiateContractResponse, MsgStoreCode,
};
use serde_json::json;
use std::io::Write;

#[test]
fn events_stand_in_the_order_of_other_chains() {
    let mut world = World::new();
    let (id, outcome) = world.store(&echo());
    assert_eq!(id, 1);
    assert_eq!(kinds(&outcome.events), ["message", "store_code"]);
    let message = attributes(&outcome.events[0]);
    let sender = user(1).text;
    assert_eq!(
        message,
        [("action", "/cosmwasm.wasm.v1.MsgStoreCode"), ("sender", &*sender), ("module", "wasm")]
    );
    let stored: Vec<_> = outcome.events[1].attributes.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(stored, ["code_checksum", "code_id"]);

    let new = MsgInstantiateContract {
        sender: sender.clone(),
        code_id: 1,
        label: "echo".to_owned(),
        msg: b"{}".to_vec(),
        funds: coins(5),
        ..Default::default()
    };
    let outcome = world.try_run(&user(1), &new).expect("made");
    assert_eq!(kinds(&outcome.events), ["message", "coin_spent", "coin_received", "transfer", "instantiate"]);
    let response: MsgInstantiateContractResponse = read(&outcome.response);
    assert_eq!(response.address, crate::address::encode(&classic(1, 1)));
    let address = crate::keeper::addresses::Address::parse(&response.address).expect("an address");
    assert_eq!(world.balance(&address), 5);
    assert_eq!(attributes(&outcome.events[4]), [("_contract_address", &*response.address), ("code_id", "1")]);

    let answer = json!({"ok": {
        "attributes": [{"key": "z", "value": " 1 "}, {"key": "a", "value": "2"}],
        "events": [{"type": "minted", "attributes": [{"key": "by", "value": "me"}]}],
        "data": "AQI=",
    }});
    let (events, data) = world.execute(&user(2), &address, &answer, coins(7)).expect("it runs");
    let expected = ["message", "coin_spent", "coin_received", "transfer", "execute", "wasm", "wasm-minted"];
    assert_eq!(kinds(&events), expected);
    assert_eq!(attributes(&events[5]), [("_contract_address", &*response.address), ("z", "1"), ("a", "2")]);
    assert_eq!(attributes(&events[6]), [("_contract_address", &*response.address), ("by", "me")]);
    assert_eq!(data, [1, 2]);
    assert_eq!((world.balance(&user(2)), world.balance(&address)), (993, 12));
}

#[test]
fn a_message_that_fails_leaves_nothing_but_its_gas() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    let cases = [
        (json!({"error": "Unauthorized"}), ("wasm", 5)),
        (json!({"ok": {"attributes": [{"key": "_x", "value": ""}]}}), ("wasm", 21)),
        (json!({"ok": {"events": [{"type": " a ", "attributes": []}]}}), ("wasm", 21)),
        (json!({"ok": {"messages": [{"id": 1, "msg": {}, "reply_on": "never"}]}}), ("wasm", 20)),
        (json!({"ok": {"messages": [{"id": 1, "msg": {}}]}}), ("wasm", 14)),
        (json!({"neither": {}}), ("wasm", 29)),
        (json!({"ok": {"messages": 5}}), ("wasm", 29)),
    ];
    for (answer, code) in cases {
        let fault = world.execute(&user(2), &contract, &answer, coins(5)).expect_err("it fails");
        assert_eq!(fault.code(), code, "{answer}");
        assert_eq!((world.balance(&user(2)), world.balance(&contract)), (1_000, 0), "{answer}");
        assert!(world.gas_used > 5_000);
    }
    let fault =
        world.execute(&user(2), &contract, &json!({"error": "No"}), Vec::new()).expect_err("it fails");
    assert_eq!(fault.to_string(), "No: execute wasm contract failed");
    let nobody = user(3);
    let fault = world.execute(&user(2), &nobody, &json!({}), Vec::new()).expect_err("no contract");
    assert_eq!(fault.code(), ("wasm", 22));
    let fault = world.execute(&user(2), &contract, &json!({"ok": {}}), coins(1_001)).expect_err("too much");
    assert_eq!(fault.code(), ("sdk", 5));
    assert_eq!(fault.to_string(), "spendable balance 1000awei is smaller than 1001awei: insufficient funds");
}

#[test]
fn money_is_sent_to_one_and_to_many() {
    let mut world = World::new();
    let send = MsgSend { from_address: user(1).text, to_address: user(2).text, amount: coins(10) };
    let outcome = world.try_run(&user(1), &send).expect("sent");
    assert_eq!(kinds(&outcome.events), ["message", "coin_spent", "coin_received", "transfer", "message"]);
    assert_eq!(attributes(&outcome.events[4]), [("sender", &*user(1).text)]);
    let fault = world.try_run(&user(3), &send).expect_err("another's money");
    assert_eq!(fault.code(), ("sdk", 4));

    let output = |seed, amount| Output { address: user(seed).text, coins: coins(amount) };
    let input = Input { address: user(1).text, coins: coins(30) };
    let many = MsgMultiSend { inputs: vec![input.clone()], outputs: vec![output(2, 10), output(3, 20)] };
    let outcome = world.try_run(&user(1), &many).expect("sent");
    let expected =
        ["message", "message", "coin_spent", "coin_received", "transfer", "coin_received", "transfer"];
    assert_eq!(kinds(&outcome.events), expected);
    let balances: Vec<u64> = (1..4).map(|seed| world.balance(&user(seed))).collect();
    assert_eq!(balances, [960, 1_020, 1_020]);
    let uneven = MsgMultiSend { inputs: vec![input.clone()], outputs: vec![output(2, 10)] };
    assert_eq!(world.try_run(&user(1), &uneven).expect_err("uneven").code(), ("bank", 4));
    let several = MsgMultiSend { inputs: vec![input.clone(), input.clone()], outputs: vec![output(2, 60)] };
    assert_eq!(world.try_run(&user(1), &several).expect_err("two pay").code(), ("bank", 9));
    let nobody = MsgMultiSend { inputs: vec![input.clone()], outputs: Vec::new() };
    assert_eq!(world.try_run(&user(1), &nobody).expect_err("to nobody").code(), ("bank", 3));
    let other = cosmos_sdk_proto::cosmos::base::v1beta1::Coin { denom: "ucosm".into(), amount: "1".into() };
    let foreign = MsgSend { amount: vec![other], ..send.clone() };
    assert_eq!(world.try_run(&user(1), &foreign).expect_err("none of it").code(), ("sdk", 5));
    let nothing = MsgSend { amount: Vec::new(), ..send };
    let fault = world.try_run(&user(1), &nothing).expect_err("nothing");
    assert_eq!((fault.code(), fault.to_string().as_str()), (("sdk", 10), ": invalid coins"));
}

#[test]
fn accounts_of_modules_take_no_money() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    for module in ["wasm", "fee_collector"] {
        let to = crate::keeper::addresses::Address::of_module(module).expect("an address").text;
        let send = MsgSend { from_address: user(1).text, to_address: to.clone(), amount: coins(1) };
        let fault = world.try_run(&user(1), &send).expect_err("closed");
        assert_eq!(fault.to_string(), format!("{to} is not allowed to receive funds: unauthorized"));
        let output = Output { address: to.clone(), coins: coins(1) };
        let input = Input { address: user(1).text, coins: coins(1) };
        let many = MsgMultiSend { inputs: vec![input], outputs: vec![output] };
        assert_eq!(world.try_run(&user(1), &many).expect_err("closed").code(), ("sdk", 4));
        let pay = json!({"bank": {"send": {"to_address": to, "amount": [{"denom": "awei", "amount": "1"}]}}});
        let answer = json!({"ok": {"messages": [{"id": 1, "msg": pay, "reply_on": "never"}]}});
        let fault = world.execute(&user(1), &contract, &answer, coins(1)).expect_err("closed");
        assert_eq!(fault.code(), ("sdk", 4));
    }
    assert_eq!(world.balance(&user(1)), 1_000);
}

#[test]
fn packed_code_is_unpacked_within_a_bound() {
    let pack = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let mut world = World::new();
    let (_, plain) = world.store(&echo());
    let (id, packed) = world.store(&pack(&echo()));
    assert_eq!(id, 2);
    assert_eq!(plain.events[1].get("code_checksum"), packed.events[1].get("code_checksum"));
    let bomb = MsgStoreCode {
        sender: user(1).text,
        wasm_byte_code: pack(&vec![0; 100 << 20]),
        instantiate_permission: None,
    };
    let fault = world.try_run(&user(1), &bomb).expect_err("a bomb");
    assert_eq!(fault.code(), ("wasm", 2));
    let torn = MsgStoreCode { wasm_byte_code: vec![0x1f, 0x8b, 0x08, 1, 2], ..bomb };
    assert_eq!(world.try_run(&user(1), &torn).expect_err("torn").code(), ("wasm", 2));
}
