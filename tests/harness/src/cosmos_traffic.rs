//! Seeded random Cosmos traffic: money, contracts that come, change, call one another and fail, and a CW20 token.

use crate::contract::{self, cw20, echo};
use crate::cosmos::{self, COSMOS_ACCOUNTS, Signed, User, sign};
use crate::rpc::Rpc;
use crate::solana::{self, SOL_ACCOUNTS};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::Any;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use solana_signer::Signer;

/// Codes and contracts of one run, besides the token's.
const CODES_MAX: usize = 4;
const CONTRACTS_MAX: usize = 12;
/// Contracts that call one another in one transaction.
const DEPTH_MAX: u32 = 3;
/// Times that a transaction is looked for before it counts as lost.
const LOOKS_MAX: u32 = 100;
/// Keys that each contract has.
const KEYS: u32 = 40;

/// Gas of a transfer, of a call, and of what must run out of it.
const SEND_GAS: u64 = 200_000;
const CALL_GAS: u64 = 2_000_000;
const LITTLE_GAS: u64 = 60_000;
/// Gas of the token's upload.
const TOKEN_GAS: u64 = 80_000_000;

/// What a transaction makes that later ones use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Makes {
    Code,
    TokenCode,
    Contract,
    Token,
}

/// A transaction that was asked for, and whose result is looked for.
#[derive(Clone, Debug)]
struct Asked {
    hash: String,
    makes: Makes,
    looks: u32,
}

/// A stream of transactions of genesis' Cosmos accounts but the last; the same choices for the same seed and the same answers.
#[derive(Debug)]
pub struct CosmosTraffic {
    rng: ChaCha8Rng,
    users: Vec<User>,
    cw20: Option<Vec<u8>>,
    asked: Vec<Asked>,
    codes: Vec<u64>,
    contracts: Vec<String>,
    token_code: Option<u64>,
    token: Option<String>,
    sent: Vec<String>,
}

impl CosmosTraffic {
    /// Traffic of genesis' Cosmos accounts but the last.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed ^ 0xc0_53_05),
            users: (0..COSMOS_ACCOUNTS - 1).map(User::devnet).collect(),
            cw20: cw20(),
            asked: Vec::new(),
            codes: Vec::new(),
            contracts: Vec::new(),
            token_code: None,
            token: None,
            sent: Vec::new(),
        }
    }

    /// Addresses of all who sign.
    pub fn addresses(&self) -> Vec<String> {
        self.users.iter().map(User::address).collect()
    }

    /// Addresses of contracts that are known to be there.
    pub fn contracts(&self) -> Vec<String> {
        self.contracts.iter().chain(&self.token).cloned().collect()
    }

    /// Hashes of all that was made.
    pub fn sent(&self) -> &[String] {
        &self.sent
    }

    /// The next `count` transactions, to be sent to `rpc` in this order.
    ///
    /// # Panics
    /// Where the node does not answer.
    pub async fn next(&mut self, rpc: &Rpc, count: usize) -> Vec<Signed> {
        self.learn(rpc).await;
        let made: Vec<Signed> = (0..count).map(|_| self.one()).collect();
        self.sent.extend(made.iter().map(|signed| signed.hash.clone()));
        made
    }

    /// Goes on from the sequences of the newest state, after a node lost what waited in it.
    ///
    /// # Panics
    /// Where the node does not answer.
    pub async fn resume(&mut self, rpc: &Rpc) {
        self.learn(rpc).await;
        self.asked.clear();
        for user in &mut self.users {
            user.sequence = cosmos::sequence(rpc, user).await;
        }
    }

    /// Reads what became of the transactions that make something.
    async fn learn(&mut self, rpc: &Rpc) {
        let hashes: Vec<String> = self.asked.iter().map(|asked| asked.hash.clone()).collect();
        let found = cosmos::transactions(rpc, &hashes).await;
        for (mut asked, found) in std::mem::take(&mut self.asked).into_iter().zip(found) {
            let result = &found["tx_result"];
            if found.is_null() {
                asked.looks += 1;
                if asked.looks < LOOKS_MAX {
                    self.asked.push(asked);
                }
                continue;
            }
            let code = || cosmos::attribute(&found, "store_code", "code_id").and_then(|id| id.parse().ok());
            let made = || cosmos::attribute(&found, "instantiate", "_contract_address");
            match asked.makes {
                Makes::TokenCode | Makes::Token => {
                    assert_eq!(result["code"], 0, "the token is not to be made: {result}");
                    self.token_code = self.token_code.or_else(code);
                    self.token = self.token.take().or_else(made);
                }
                Makes::Code => self.codes.extend(code()),
                Makes::Contract => self.contracts.extend(made()),
            }
        }
    }

    fn waits_for(&self, makes: Makes) -> usize {
        self.asked.iter().filter(|asked| asked.makes == makes).count()
    }

    fn one(&mut self) -> Signed {
        let index = self.rng.random_range(0..self.users.len());
        if let Some((makes, message, gas)) = self.make(index) {
            let signed = sign(&mut [&mut self.users[index]], vec![message], gas);
            self.asked.push(Asked { hash: signed.hash.clone(), makes, looks: 0 });
            return signed;
        }
        let (messages, gas) = match self.rng.random_range(0..20) {
            0 => return self.of_two(index),
            // The second message fails, and the first with it.
            1 => {
                let to = self.to();
                let too_much = contract::send(&self.users[index], &to, u128::MAX / 2);
                (vec![self.money(index), too_much], SEND_GAS)
            }
            2 => {
                let to: Vec<String> = (0..3).map(|_| self.to()).collect();
                (vec![contract::send_to_all(&self.users[index], &to, 7)], SEND_GAS)
            }
            3..=5 => (vec![self.money(index)], SEND_GAS),
            6..=9 if self.token.is_some() => (vec![self.tokens(index)], CALL_GAS),
            10 => (vec![self.call(index), self.call(index)], CALL_GAS),
            11 => (vec![self.call(index)], LITTLE_GAS),
            12 if !self.contracts.is_empty() => (vec![self.changed(index)], CALL_GAS),
            _ => (vec![self.call(index)], CALL_GAS),
        };
        sign(&mut [&mut self.users[index]], messages, gas)
    }

    /// What is still missing is made first, more of it now and then.
    fn make(&mut self, index: usize) -> Option<(Makes, Any, u64)> {
        let user = &self.users[index];
        if self.token.is_none() && self.waits_for(Makes::Token) == 0 && self.waits_for(Makes::TokenCode) == 0
        {
            match (self.token_code, &self.cw20) {
                (Some(id), _) => {
                    let balances: Vec<Value> = self
                        .users
                        .iter()
                        .map(|user| json!({ "address": user.address(), "amount": "1000000000" }))
                        .collect();
                    let msg = json!({ "name": "Suite", "symbol": "SUITE", "decimals": 6,
                        "initial_balances": balances, "mint": { "minter": user.address() } });
                    return Some((Makes::Token, contract::instantiate(user, id, &msg, 0), CALL_GAS));
                }
                (None, Some(code)) => {
                    return Some((Makes::TokenCode, contract::store(user, code.clone()), TOKEN_GAS));
                }
                (None, None) => {}
            }
        }
        let (codes, contracts) = (self.waits_for(Makes::Code), self.waits_for(Makes::Contract));
        let more = self.rng.random_range(0..20);
        if codes + self.codes.len() < CODES_MAX && (codes + self.codes.len() == 0 || more == 0) {
            let code = echo(&self.rng.random::<u64>().to_string());
            return Some((Makes::Code, contract::store(&self.users[index], code), CALL_GAS));
        }
        let wanted = contracts + self.contracts.len() < CONTRACTS_MAX;
        if !wanted || self.codes.is_empty() || (contracts + self.contracts.len() > 2 && more > 2) {
            return None;
        }
        let code = self.codes[self.rng.random_range(0..self.codes.len())];
        let (wei, salt) = (self.rng.random_range(0..1_000_000), self.rng.random());
        let user = &self.users[index];
        let message = if self.rng.random() {
            contract::instantiate(user, code, &json!({}), wei)
        } else {
            contract::instantiate2(user, code, &json!({}), salt)
        };
        Some((Makes::Contract, message, CALL_GAS))
    }

    /// Two sign, and both of their messages are done or neither is.
    fn of_two(&mut self, index: usize) -> Signed {
        let second = (index + 1) % self.users.len();
        let messages = vec![self.money(index), self.money(second)];
        let mut other = self.users[second].clone();
        let signed = sign(&mut [&mut self.users[index], &mut other], messages, 2 * SEND_GAS);
        self.users[second] = other;
        signed
    }

    /// Somebody of this traffic, of nobody's, or of Solana's, whose pubkey is an address here.
    fn to(&mut self) -> String {
        match self.rng.random_range(0..4) {
            0 => self.somebody(),
            1 => weft_wasm::address::encode(
                &solana::keypair(self.rng.random_range(0..SOL_ACCOUNTS)).pubkey().to_bytes(),
            ),
            _ => User::numbered(self.rng.random_range(0..100)).address(),
        }
    }

    fn somebody(&mut self) -> String {
        let index = self.rng.random_range(0..self.users.len());
        self.users[index].address()
    }

    fn money(&mut self, index: usize) -> Any {
        let (to, wei) = (self.to(), self.rng.random_range(1..1_000_000_000_000));
        contract::send(&self.users[index], &to, wei)
    }

    fn tokens(&mut self, index: usize) -> Any {
        let token = self.token.clone().unwrap_or_default();
        let (person, other) = (self.somebody(), self.somebody());
        // Now and then more than anybody has, or without an allowance.
        let amount =
            if self.rng.random_range(0..6) == 0 { u64::MAX } else { self.rng.random_range(1..1_000) };
        let amount = amount.to_string();
        let msg = match self.rng.random_range(0..6) {
            0 => json!({ "increase_allowance": { "spender": person, "amount": amount } }),
            1 => json!({ "transfer_from": { "owner": person, "recipient": other, "amount": amount } }),
            2 => json!({ "burn": { "amount": amount } }),
            _ => json!({ "transfer": { "recipient": person, "amount": amount } }),
        };
        contract::execute(&self.users[index], &token, &msg.to_string(), 0)
    }

    /// A call of a contract, or money where there is none yet.
    fn call(&mut self, index: usize) -> Any {
        let Some(contract) = self.contract() else { return self.money(index) };
        let (answer, wei) = (self.answer(DEPTH_MAX), self.rng.random_range(0..1_000));
        let before = match self.rng.random_range(0..40) {
            0 => " ",
            1 => "\t",
            2..=4 => "\r",
            5..=9 => "\n",
            _ => "",
        };
        let msg = format!("{before}{answer}");
        contract::execute(&self.users[index], &contract, &msg, wei)
    }

    fn contract(&mut self) -> Option<String> {
        let index = self.rng.random_range(0..self.contracts.len().max(1));
        self.contracts.get(index).cloned()
    }

    /// What a contract is told to answer; its last eight bytes are a key.
    fn answer(&mut self, depth: u32) -> String {
        let key = self.rng.random_range(0..KEYS);
        let result = match self.rng.random_range(0..12) {
            0 => r#""error":"as it was told""#.to_owned(),
            _ => format!(r#""ok":{}"#, self.response(depth)),
        };
        format!(r#"{{{result},"key":"{key:06}"}}"#)
    }

    fn response(&mut self, depth: u32) -> Value {
        let number: u32 = self.rng.random_range(0..1_000);
        let count = if depth == 0 { 0 } else { self.rng.random_range(0..3) };
        let messages: Vec<Value> = (0..count).map(|id| self.submessage(id, depth - 1)).collect();
        let data = self.rng.random::<bool>().then(|| BASE64_STANDARD.encode(number.to_be_bytes()));
        json!({
            "messages": messages,
            "attributes": [{ "key": "number", "value": number.to_string() }],
            "events": [{ "type": "told", "attributes": [{ "key": "depth", "value": depth.to_string() }] }],
            "data": data,
        })
    }

    fn submessage(&mut self, id: u64, depth: u32) -> Value {
        let message = match (self.rng.random_range(0..5), self.contract()) {
            (0, _) => {
                // More than it has, at times.
                let wei =
                    if self.rng.random_range(0..4) == 0 { u64::MAX } else { self.rng.random_range(1..50) };
                let amount = json!([{ "denom": cosmos::DENOM, "amount": wei.to_string() }]);
                json!({ "bank": { "send": { "to_address": self.to(), "amount": amount } } })
            }
            (1, _) if !self.codes.is_empty() => {
                let code = self.codes[self.rng.random_range(0..self.codes.len())];
                json!({ "wasm": { "instantiate": { "code_id": code, "msg": "e30=", "funds": [],
                    "label": "a contract's", "admin": null } } })
            }
            // What this chain has not.
            (2, _) => json!({ "gov": { "vote": { "proposal_id": 1, "option": "yes" } } }),
            (_, contract) => {
                let msg = BASE64_STANDARD.encode(self.answer(depth));
                let contract_addr = contract.unwrap_or_default();
                json!({ "wasm": { "execute": { "contract_addr": contract_addr, "msg": msg, "funds": [] } } })
            }
        };
        let reply_on = ["never", "always", "error", "success"][self.rng.random_range(0..4)];
        let gas_limit = (self.rng.random_range(0..4) == 0).then_some(100_000);
        json!({ "id": id, "msg": message, "gas_limit": gas_limit, "reply_on": reply_on })
    }

    /// Another code or another admin, which not everybody may give.
    fn changed(&mut self, index: usize) -> Any {
        let contract = self.contract().unwrap_or_default();
        if self.rng.random() {
            let code = self.codes[self.rng.random_range(0..self.codes.len())];
            return contract::migrate(&self.users[index], &contract, code);
        }
        // A message that gives it to its sender is refused before it is sent.
        let admin = (index + self.rng.random_range(1..self.users.len())) % self.users.len();
        contract::update_admin(&self.users[index], &contract, &self.users[admin])
    }
}
