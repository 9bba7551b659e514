//! Random trees of submessages, against [`Model`].

use super::model::Model;
use super::world::{World, base64, user};
use crate::keeper::addresses::Address;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(super) const CONTRACTS: usize = 4;
/// What each has at first.
const FUNDS: u64 = 20;
const DEPTH: u32 = 4;

/// What a contract is told to answer.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) fails: bool,
    pub(super) attributes: usize,
    pub(super) data: Option<u8>,
    pub(super) children: Vec<Child>,
}

#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) what: What,
    pub(super) reply_on: &'static str,
    /// Whether it has less gas than it needs.
    pub(super) starved: bool,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Call(usize, Box<Node>),
    Pay(u64),
    Burn(u64),
    Unknown,
}

fn child(what: BoxedStrategy<What>) -> impl Strategy<Value = Child> {
    let reply_on = prop::sample::select(vec!["always", "success", "error", "never"]);
    let starved = prop::bool::weighted(0.1);
    (what, reply_on, starved).prop_map(|(what, reply_on, starved)| Child { what, reply_on, starved })
}

fn node(depth: u32) -> BoxedStrategy<Node> {
    let simple = prop_oneof![
        (1..FUNDS + 5).prop_map(What::Pay),
        (1..FUNDS / 2).prop_map(What::Burn),
        Just(What::Unknown)
    ];
    let what = if depth == 0 {
        simple.boxed()
    } else {
        let call = (0..CONTRACTS, node(depth - 1)).prop_map(|(to, node)| What::Call(to, Box::new(node)));
        prop_oneof![2 => call, 1 => simple].boxed()
    };
    let children = prop::collection::vec(child(what), 0..4);
    let data = prop::option::of(any::<u8>());
    (prop::bool::weighted(0.15), 0..3_usize, data, children)
        .prop_map(|(fails, attributes, data, children)| Node { fails, attributes, data, children })
        .boxed()
}

/// What the contracts answer when they hear of a submessage: data, nothing, an error, a payment of 1.
fn reply_of(contract: usize) -> Value {
    match contract {
        0 => json!({"ok": {"data": "cmVwbHk=", "attributes": [{"key": "heard", "value": "yes"}]}}),
        1 => json!({"ok": {}}),
        2 => json!({"error": "deaf"}),
        _ => json!({"ok": {"messages": [sub(9, &pay(&user(2), 1), "never", false)]}}),
    }
}

fn pay(to: &Address, amount: u64) -> Value {
    json!({"bank": {"send": {"to_address": to.text, "amount": [coin(amount)]}}})
}

fn coin(amount: u64) -> Value {
    json!({"denom": "awei", "amount": amount.to_string()})
}

fn sub(id: usize, msg: &Value, reply_on: &str, starved: bool) -> Value {
    json!({"id": id, "msg": msg, "payload": "cGF5", "gas_limit": starved.then_some(1), "reply_on": reply_on})
}

impl Node {
    fn to_json(&self, contracts: &[Address]) -> Value {
        if self.fails {
            return json!({"error": "No"});
        }
        let attribute = |index: usize| json!({"key": format!("k{}", 9 - index), "value": index.to_string()});
        let attributes: Vec<Value> = (0..self.attributes).map(attribute).collect();
        let message = |(id, child): (usize, &Child)| {
            let msg = match &child.what {
                What::Call(to, node) => json!({"wasm": {"execute": {"contract_addr": contracts[*to].text,
                    "msg": base64(&node.to_json(contracts)), "funds": []}}}),
                What::Pay(amount) => pay(&user(2), *amount),
                What::Burn(amount) => json!({"bank": {"burn": {"amount": [coin(*amount)]}}}),
                What::Unknown => json!({"unheard_of": {}}),
            };
            sub(id, &msg, child.reply_on, child.starved)
        };
        let messages: Vec<Value> = self.children.iter().enumerate().map(message).collect();
        let data = self.data.map(|byte| STANDARD.encode([byte]));
        json!({"ok": {"messages": messages, "attributes": attributes, "data": data}})
    }
}

fn compare(node: &Node) {
    let mut world = World::new();
    let contracts: Vec<Address> = (0..CONTRACTS).map(|index| world.echo(&reply_of(index))).collect();
    for contract in &contracts {
        world.execute(&user(1), contract, &json!({"ok": {}}), super::world::coins(FUNDS)).expect("money");
    }
    let supply = world.journal.supply().expect("memory");
    let mut model = Model {
        contracts: &contracts,
        module: Address::of_module("wasm").expect("an address"),
        balances: [FUNDS; CONTRACTS],
        paid: 0,
        burnt: 0,
        heard: [const { Value::Null }; CONTRACTS],
    };
    let mut tried = model.clone();
    let expected = tried.execute(0, node);
    let given = world.execute(&user(1), &contracts[0], &node.to_json(&contracts), Vec::new());
    match (expected, given) {
        (Ok((expected, data)), Ok((given, got))) => {
            model = tried;
            assert_eq!(given[1..], expected);
            assert_eq!(got, data.unwrap_or_default());
        }
        (Err(expected), Err(fault)) => {
            assert_eq!(fault.code(), expected.code, "{fault}");
            if let Some(words) = expected.words {
                assert_eq!(fault.to_string(), words);
            }
        }
        (expected, given) => panic!("expected {expected:?}, got {given:?}"),
    }
    for (index, contract) in contracts.iter().enumerate() {
        assert_eq!(world.balance(contract), model.balances[index], "balance of {index}");
        let heard = world.raw(contract, b"reply");
        let heard =
            if heard.is_empty() { Value::Null } else { serde_json::from_slice(&heard).expect("JSON") };
        assert_eq!(heard, model.heard[index], "what {index} heard last");
    }
    assert_eq!(world.balance(&user(2)), 1_000 + model.paid);
    let burnt = weft_types::U256::from(model.burnt);
    assert_eq!(world.journal.supply().expect("memory"), supply - burnt);
    world.journal.end_transaction().expect("money is conserved");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn trees_of_submessages_do_what_the_model_does(node in node(DEPTH)) {
        compare(&node);
    }
}
