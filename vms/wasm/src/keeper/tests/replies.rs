//! Submessages: their order, what is undone, and what a contract hears.

use super::world::{GAS, World, attributes, base64, coins, kinds, user};
use crate::keeper::addresses::Address;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use prost::Message as _;
use serde_json::{Value, json};

fn send(to: &Address, amount: u64) -> Value {
    json!({"bank": {"send": {"to_address": to.text,
        "amount": [{"denom": "awei", "amount": amount.to_string()}]}}})
}

fn execute(contract: &Address, msg: &Value) -> Value {
    json!({"wasm": {"execute": {"contract_addr": contract.text, "msg": base64(msg), "funds": []}}})
}

fn sub(msg: Value, reply_on: &str) -> Value {
    json!({"id": 7, "msg": msg, "payload": "cGF5", "gas_limit": null, "reply_on": reply_on})
}

fn messages(all: &[Value]) -> Value {
    json!({"ok": {"messages": all, "attributes": [], "events": [], "data": "b3du"}})
}

fn heard(world: &mut World, contract: &Address) -> Value {
    serde_json::from_slice(&world.raw(contract, b"reply")).expect("JSON")
}

#[test]
fn a_contract_hears_of_its_message_to_a_contract() {
    let mut world = World::new();
    let answer = json!({"ok": {"attributes": [{"key": "heard", "value": "yes"}], "data": "bmV3"}});
    let contract = world.echo(&answer);
    let other = world.echo(&json!({"ok": {}}));
    let inner = json!({"ok": {"attributes": [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}],
        "data": "aW4="}});
    let outer = messages(&[sub(execute(&other, &inner), "always")]);
    let (events, data) = world.execute(&user(1), &contract, &outer, Vec::new()).expect("it runs");
    assert_eq!(kinds(&events), ["message", "execute", "execute", "wasm", "reply", "wasm"]);
    // Sorted by key, in the transaction as well.
    let sorted = [("_contract_address", &*other.text), ("a", "2"), ("b", "1")];
    assert_eq!(attributes(&events[3]), sorted);
    assert_eq!(attributes(&events[5]), [("_contract_address", &*contract.text), ("heard", "yes")]);
    assert_eq!(data, b"new");
    let reply = heard(&mut world, &contract);
    assert_eq!((&reply["id"], &reply["payload"], &reply["gas_used"]), (&json!(7), &json!("cGF5"), &json!(0)));
    let ok = &reply["result"]["ok"];
    assert_eq!(ok["events"].as_array().map(Vec::len), Some(2));
    assert_eq!(ok["msg_responses"][0]["type_url"], "/cosmwasm.wasm.v1.MsgExecuteContractResponse");
    assert_eq!(ok["data"], ok["msg_responses"][0]["value"]);
}

#[test]
fn data_stays_where_no_reply_sets_it() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {"data": null}}));
    let outer = messages(&[sub(send(&user(2), 1), "success")]);
    let (events, data) = world.execute(&user(1), &contract, &outer, coins(5)).expect("it runs");
    assert_eq!(data, b"own");
    let sent = ["execute", "coin_spent", "coin_received", "transfer", "reply"];
    assert_eq!(kinds(&events)[4..], sent);
    // Of messages that are not to contracts it hears no events.
    let ok = &heard(&mut world, &contract)["result"]["ok"];
    assert_eq!(ok["events"], json!([]));
    assert_eq!(
        ok["msg_responses"],
        json!([{"type_url": "/cosmos.bank.v1beta1.MsgSendResponse", "value": ""}])
    );
    let contract = world.echo(&json!({"ok": {"data": ""}}));
    let (_, data) = world.execute(&user(1), &contract, &outer, coins(5)).expect("it runs");
    assert_eq!(data, b"");
}

#[test]
fn what_fails_is_undone_and_told_by_its_code() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    let other = world.echo(&json!({"ok": {}}));
    let (before, sent) = (world.balance(&user(2)), send(&user(2), 3));
    // The first message of the submessage succeeds, its second does not: both are undone.
    let both = messages(&[sub(sent.clone(), "never"), sub(send(&user(2), 1_000), "never")]);
    world.execute(&user(1), &other, &messages(&[]), coins(10)).expect("it has money");
    let cases = [
        (execute(&other, &both), "codespace: sdk, code: 5"),
        (send(&user(2), 50), "codespace: sdk, code: 5"),
        (execute(&other, &json!({"error": "No way"})), "No way: execute wasm contract failed"),
        (execute(&user(3), &json!({})), "codespace: wasm, code: 22"),
        (json!({"staking": {"delegate": {}}}), "codespace: sdk, code: 6"),
        (json!({"gov": {"vote": {}}}), "codespace: sdk, code: 6"),
        (json!({"ibc": {"close_channel": {}}}), "codespace: sdk, code: 6"),
        (json!({"ibc": {"send_packet": {}}}), "codespace: wasm, code: 17"),
        (json!({"custom": {}}), "codespace: wasm, code: 20"),
        (json!({"unheard_of": {}}), "codespace: wasm, code: 20"),
        (json!({"any": {"type_url": "/cosmos.gov.v1.MsgVote", "value": ""}}), "codespace: wasm, code: 10"),
        (json!({"bank": {"burn": {"amount": []}}}), "codespace: wasm, code: 12"),
    ];
    for (msg, expected) in cases {
        for reply_on in ["error", "always"] {
            let outer = messages(&[sub(msg.clone(), reply_on), sub(sent.clone(), "error")]);
            let (events, _) =
                world.execute(&user(1), &contract, &outer, coins(3)).expect("the error is heard");
            let expected_kinds = ["execute", "reply", "coin_spent", "coin_received", "transfer"];
            assert_eq!(kinds(&events)[4..], expected_kinds, "{msg}");
            assert_eq!(heard(&mut world, &contract)["result"], json!({"error": expected}), "{msg}");
        }
        let outer = messages(&[sub(msg.clone(), "never")]);
        assert!(world.execute(&user(1), &contract, &outer, coins(3)).is_err(), "{msg}");
    }
    assert_eq!(world.balance(&user(2)), before + 3 * 2 * 12);
    assert_eq!((world.balance(&contract), world.balance(&other)), (0, 10));
}

#[test]
fn an_error_is_told_in_words_by_who_wrote_it_alone() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    let middle = world.echo(&json!({"error": "the reply fails"}));
    let last = world.echo(&json!({"ok": {}}));
    let no = json!({"error": "No"});
    // Through a contract that does not listen, the words pass; through a reply they don't.
    let through = execute(&middle, &messages(&[sub(execute(&last, &no), "never")]));
    let failed = execute(&middle, &messages(&[sub(execute(&last, &no), "error")]));
    for (msg, expected) in
        [(through, "No: execute wasm contract failed"), (failed, "codespace: wasm, code: 5")]
    {
        let outer = messages(&[sub(msg, "error")]);
        world.execute(&user(1), &contract, &outer, Vec::new()).expect("the error is heard");
        assert_eq!(heard(&mut world, &contract)["result"], json!({"error": expected}));
    }
}

#[test]
fn a_limit_on_gas_ends_the_submessage_alone() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    let other = world.echo(&json!({"ok": {}}));
    let mut limited = sub(execute(&other, &json!({"ok": {}})), "error");
    limited["gas_limit"] = json!(6_000);
    let outer = messages(&[limited.clone()]);
    world.execute(&user(1), &contract, &outer, Vec::new()).expect("the error is heard");
    assert_eq!(heard(&mut world, &contract)["result"], json!({"error": "codespace: sdk, code: 11"}));
    limited["gas_limit"] = json!(1_000_000);
    world.execute(&user(1), &contract, &messages(&[limited]), Vec::new()).expect("it is enough");
    // Without a limit of its own it takes the whole transaction with it.
    let used = world.gas_used;
    let outer = messages(&[sub(execute(&other, &json!({"ok": {}})), "error")]);
    let msg = cosmos_sdk_proto::cosmwasm::wasm::v1::MsgExecuteContract {
        sender: user(1).text,
        contract: contract.text.clone(),
        msg: outer.to_string().into_bytes(),
        funds: Vec::new(),
    };
    let msg = crate::keeper::sdk::respond(&msg);
    let fault =
        world.with(used - 3_000, |keeper| keeper.handle(&user(1).text, &msg)).expect_err("too little");
    assert_eq!(fault.code(), ("sdk", 11));
    assert_eq!(world.gas_used, used - 3_000);
}

#[test]
fn an_answer_of_many_objects_is_paid_before_it_is_read() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    let small = world.execute(&user(1), &contract, &json!({"ok": {"messages": []}}), Vec::new());
    assert_eq!(small.map(|(_, data)| data), Ok(Vec::new()));
    let few = world.gas_used;
    let many = vec![json!({"key": "k", "value": ""}); 10_000];
    world.execute(&user(1), &contract, &json!({"ok": {"attributes": many}}), Vec::new()).expect("it is paid");
    assert!(world.gas_used - few > 10_000 * (crate::gas::JSON_OBJECT + crate::gas::ATTRIBUTE));
}

#[test]
fn messages_nest_to_a_depth() {
    let mut world = World::new();
    let (id, _) = world.store(&super::world::echo());
    let contract = Address::of(&crate::keeper::addresses::classic(id, 1)).expect("an address");
    let again = messages(&[sub(json!({"bank": {"send": {"to_address": "", "amount": []}}}), "always")]);
    assert_eq!(world.instantiate(id, &again), contract);
    let fault = world.execute(&user(1), &contract, &again, Vec::new()).expect_err("without an end");
    assert_eq!(fault.code(), ("wasm", 30));
    assert!(world.gas_used < GAS);
}

#[test]
fn protobuf_messages_are_the_contracts_own() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    let any = |from: &Address| {
        use base64::Engine as _;
        let msg = MsgSend { from_address: from.text.clone(), to_address: user(2).text, amount: coins(4) };
        let value = base64::engine::general_purpose::STANDARD.encode(msg.encode_to_vec());
        json!({"stargate": {"type_url": "/cosmos.bank.v1beta1.MsgSend", "value": value}})
    };
    let outer = messages(&[sub(any(&contract), "never")]);
    world.execute(&user(1), &contract, &outer, coins(4)).expect("its own money");
    assert_eq!(world.balance(&user(2)), 1_004);
    let outer = messages(&[sub(any(&user(1)), "never")]);
    let fault = world.execute(&user(1), &contract, &outer, Vec::new()).expect_err("another's money");
    assert_eq!(fault.code(), ("sdk", 4));
}

#[test]
fn burning_lowers_the_supply() {
    let mut world = World::new();
    let contract = world.echo(&json!({"ok": {}}));
    let before = world.journal.supply().expect("memory");
    let burn = json!({"bank": {"burn": {"amount": [{"denom": "awei", "amount": "4"}]}}});
    let outer = messages(&[sub(burn, "never")]);
    let (events, _) = world.execute(&user(1), &contract, &outer, coins(5)).expect("burnt");
    let expected = ["coin_spent", "coin_received", "transfer", "coin_spent", "burn"];
    assert_eq!(kinds(&events)[5..], expected);
    assert_eq!(world.balance(&contract), 1);
    assert_eq!(world.journal.supply().expect("memory"), before - weft_types::U256::from(4));
    world.journal.end_transaction().expect("it is accounted for");
}
