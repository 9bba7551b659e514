//! Random calls of CW20 and CW721 in both engines.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::both::Both;
use crate::files::{address, fixture};

const CALLS: usize = 400;

struct Dice {
    random: ChaCha8Rng,
    people: Vec<String>,
}

impl Dice {
    fn new(seed: u64) -> Self {
        let people = ["alice", "bob", "carol", "dave"].iter().map(|name| address(name)).collect();
        Self { random: ChaCha8Rng::seed_from_u64(seed), people }
    }

    fn person(&mut self) -> String {
        match self.random.random_range(0..12) {
            // Not an address, one of another chain, and one in capitals.
            0 => "nobody".to_owned(),
            1 => "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6".to_owned(),
            2 => self.people[0].to_uppercase(),
            _ => self.known(),
        }
    }

    fn known(&mut self) -> String {
        let index = self.random.random_range(0..self.people.len());
        self.people[index].clone()
    }

    fn amount(&mut self) -> String {
        match self.random.random_range(0..8) {
            0 => "0".to_owned(),
            1 => u128::MAX.to_string(),
            2 => "not a number".to_owned(),
            _ => self.random.random_range(1u32..400).to_string(),
        }
    }

    fn expires(&mut self) -> Value {
        match self.random.random_range(0..4) {
            0 => json!({ "at_height": self.random.random_range(0..200) }),
            1 => json!({ "at_time": "50000000000" }),
            2 => json!({ "never": {} }),
            _ => Value::Null,
        }
    }

    fn token(&mut self) -> String {
        format!("token-{}", self.random.random_range(0..12))
    }
}

fn cw20_message(dice: &mut Dice) -> Value {
    let (person, owner, amount) = (dice.person(), dice.person(), dice.amount());
    match dice.random.random_range(0..12) {
        0..3 => json!({ "transfer": { "recipient": person, "amount": amount } }),
        3 => json!({ "burn": { "amount": amount } }),
        4 => json!({ "send": { "contract": person, "amount": amount, "msg": "e30=" } }),
        5 => {
            let expires = dice.expires();
            json!({ "increase_allowance": { "spender": person, "amount": amount, "expires": expires } })
        }
        6 => {
            let expires = dice.expires();
            json!({ "decrease_allowance": { "spender": person, "amount": amount, "expires": expires } })
        }
        7 => json!({ "transfer_from": { "owner": owner, "recipient": person, "amount": amount } }),
        8 => json!({ "burn_from": { "owner": owner, "amount": amount } }),
        9 => json!({ "send_from": { "owner": owner, "contract": person, "amount": amount, "msg": "" } }),
        10 => json!({ "mint": { "recipient": person, "amount": amount } }),
        _ => json!({ "update_marketing": { "project": "weft", "description": null, "marketing": person } }),
    }
}

fn cw20_query(dice: &mut Dice) -> Value {
    let (person, other) = (dice.person(), dice.person());
    match dice.random.random_range(0..7) {
        0 => json!({ "balance": { "address": person } }),
        1 => json!({ "token_info": {} }),
        2 => json!({ "minter": {} }),
        3 => json!({ "allowance": { "owner": person, "spender": other } }),
        4 => json!({ "all_allowances": { "owner": person, "start_after": null, "limit": 2 } }),
        5 => json!({ "all_accounts": { "start_after": other, "limit": 30 } }),
        _ => json!({ "marketing_info": {} }),
    }
}

#[test]
fn cw20_base() {
    let Some(code) = fixture("cw20_base.wasm") else { return };
    let mut both = Both::new(code);
    let mut dice = Dice::new(20);
    let (minter, holder) = (dice.people[0].clone(), dice.people[1].clone());
    let msg = json!({
        "name": "Weft token", "symbol": "WEFT", "decimals": 6,
        "initial_balances": [
            { "address": minter, "amount": "1000" },
            { "address": holder, "amount": "500" },
        ],
        "mint": { "minter": minter, "cap": "5000" },
        "marketing": { "project": "p", "description": "d", "marketing": minter, "logo": null },
    });
    both.instantiate(&minter, &msg.to_string()).expect("no fault");
    for _ in 0..CALLS {
        let sender = dice.known();
        let _ = both.execute(&sender, &cw20_message(&mut dice).to_string());
        let _ = both.query(&cw20_query(&mut dice).to_string());
    }
    let _ = both.migrate(&minter, "{}");
    both.report();
}

fn cw721_message(dice: &mut Dice) -> Value {
    let (person, token) = (dice.person(), dice.token());
    match dice.random.random_range(0..10) {
        0..4 => json!({
            "mint": { "token_id": token, "owner": person, "token_uri": null, "extension": null }
        }),
        4 => json!({ "transfer_nft": { "recipient": person, "token_id": token } }),
        5 => json!({ "send_nft": { "contract": person, "token_id": token, "msg": "e30=" } }),
        6 => {
            let expires = dice.expires();
            json!({ "approve": { "spender": person, "token_id": token, "expires": expires } })
        }
        7 => json!({ "revoke": { "spender": person, "token_id": token } }),
        8 => {
            let expires = dice.expires();
            json!({ "approve_all": { "operator": person, "expires": expires } })
        }
        _ => json!({ "burn": { "token_id": token } }),
    }
}

fn cw721_query(dice: &mut Dice) -> Value {
    let (person, token) = (dice.person(), dice.token());
    match dice.random.random_range(0..8) {
        0 => json!({ "owner_of": { "token_id": token, "include_expired": true } }),
        1 => json!({ "num_tokens": {} }),
        2 => json!({ "nft_info": { "token_id": token } }),
        3 => json!({ "all_nft_info": { "token_id": token, "include_expired": null } }),
        4 => json!({ "tokens": { "owner": person, "start_after": null, "limit": 3 } }),
        5 => json!({ "all_tokens": { "start_after": token, "limit": null } }),
        6 => json!({ "approvals": { "token_id": token, "include_expired": false } }),
        _ => json!({
            "all_operators": { "owner": person, "include_expired": true, "start_after": null, "limit": null }
        }),
    }
}

#[test]
fn cw721_base() {
    let Some(code) = fixture("cw721_base.wasm") else { return };
    let mut both = Both::new(code);
    let mut dice = Dice::new(721);
    let minter = dice.people[0].clone();
    let msg = json!({ "name": "Weft tokens", "symbol": "WFT", "minter": minter });
    both.instantiate(&minter, &msg.to_string()).expect("no fault");
    for _ in 0..CALLS {
        let sender = if dice.random.random() { minter.clone() } else { dice.known() };
        let _ = both.execute(&sender, &cw721_message(&mut dice).to_string());
        let _ = both.query(&cw721_query(&mut dice).to_string());
    }
    both.report();
}
