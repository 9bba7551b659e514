//! Contracts that others wrote: tokens, and a multisig with messages back into the chain.

use super::world::{World, base64, coins, fixture, user};
use serde_json::json;

#[test]
fn a_token_is_sent_and_allowed() {
    let Some(code) = fixture("cw20_base.wasm") else { return };
    let mut world = World::new();
    let (id, _) = world.store(&code);
    let token = world.instantiate(
        id,
        &json!({"name": "Token", "symbol": "TOK", "decimals": 6, "initial_balances":
            [{"address": user(1).text, "amount": "1000"}]}),
    );
    let balance = |seed| json!({"balance": {"address": user(seed).text}});
    assert_eq!(world.smart(&token, &balance(1)).expect("a balance"), json!({"balance": "1000"}));
    let transfer = json!({"transfer": {"recipient": user(2).text, "amount": "300"}});
    let (events, _) = world.execute(&user(1), &token, &transfer, Vec::new()).expect("sent");
    assert_eq!(events[2].get("action"), Some("transfer"));
    assert_eq!(world.smart(&token, &balance(2)).expect("a balance"), json!({"balance": "300"}));
    let fault = world.execute(&user(3), &token, &transfer, Vec::new()).expect_err("it has none");
    assert_eq!(fault.code(), ("wasm", 5));
    let allow = json!({"increase_allowance": {"spender": user(3).text, "amount": "50"}});
    world.execute(&user(2), &token, &allow, Vec::new()).expect("allowed");
    let from = json!({"transfer_from": {"owner": user(2).text, "recipient": user(4).text, "amount": "50"}});
    world.execute(&user(3), &token, &from, Vec::new()).expect("taken");
    assert_eq!(world.smart(&token, &balance(4)).expect("a balance"), json!({"balance": "50"}));
    let accounts = json!({"all_accounts": {"limit": 10}});
    let accounts = world.smart(&token, &accounts).expect("a list");
    assert_eq!(accounts["accounts"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_multisig_pays_and_calls() {
    let (Some(cw3), Some(cw20)) = (fixture("cw3_fixed_multisig.wasm"), fixture("cw20_base.wasm")) else {
        return;
    };
    let mut world = World::new();
    let (cw3, _) = world.store(&cw3);
    let (cw20, _) = world.store(&cw20);
    let voter = |seed| json!({"addr": user(seed).text, "weight": 1});
    let multisig = world.instantiate(
        cw3,
        &json!({"voters": [voter(1), voter(2), voter(3)], "threshold": {"absolute_count": {"weight": 2}},
            "max_voting_period": {"height": 100}}),
    );
    let token = world.instantiate(
        cw20,
        &json!({"name": "Token", "symbol": "TOK", "decimals": 6, "initial_balances":
            [{"address": multisig.text, "amount": "77"}]}),
    );
    let transfer = json!({"transfer": {"recipient": user(5).text, "amount": "7"}});
    let pay = json!({"bank": {"send": {"to_address": user(5).text,
        "amount": [{"denom": "awei", "amount": "9"}]}}});
    let call =
        json!({"wasm": {"execute": {"contract_addr": token.text, "msg": base64(&transfer), "funds": []}}});
    let propose = json!({"propose": {"title": "t", "description": "d", "msgs": [pay, call], "latest": null}});
    world.execute(&user(1), &multisig, &propose, coins(20)).expect("proposed");
    let vote = json!({"vote": {"proposal_id": 1, "vote": "yes"}});
    world.execute(&user(2), &multisig, &vote, Vec::new()).expect("voted");
    let execute = json!({"execute": {"proposal_id": 1}});
    let (events, _) = world.execute(&user(4), &multisig, &execute, Vec::new()).expect("executed");
    assert!(events.iter().any(|event| event.kind == "transfer"));
    assert_eq!(world.balance(&user(5)), 1_009);
    let balance = json!({"balance": {"address": user(5).text}});
    assert_eq!(world.smart(&token, &balance).expect("a balance"), json!({"balance": "7"}));
    world.execute(&user(4), &multisig, &execute, Vec::new()).expect_err("only once");
}

#[test]
fn a_group_is_asked_by_a_contract() {
    let Some(cw4) = fixture("cw4_group.wasm") else { return };
    let mut world = World::new();
    let (cw4, _) = world.store(&cw4);
    let member = |seed: u8, weight: u64| json!({"addr": user(seed).text, "weight": weight});
    let group =
        world.instantiate(cw4, &json!({"admin": user(1).text, "members": [member(1, 3), member(2, 4)]}));
    let total = world.smart(&group, &json!({"total_weight": {}})).expect("a sum");
    assert_eq!(total["weight"], 7);
    let update = json!({"update_members": {"remove": [user(2).text], "add": [member(3, 9)]}});
    world.execute(&user(1), &group, &update, Vec::new()).expect("updated");
    let total = world.smart(&group, &json!({"total_weight": {}})).expect("a sum");
    assert_eq!(total["weight"], 12);
    assert_eq!(world.raw(&group, b"total"), b"12");
}
