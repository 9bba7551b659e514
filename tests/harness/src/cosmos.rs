//! Cosmos transactions of the accounts that a world's genesis funds: signed here, sent as clients do.

use crate::rpc::Rpc;
use crate::wallet::MNEMONIC;
use alloy_signer_local::MnemonicBuilder;
use alloy_signer_local::coins_bip39::English;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmos_sdk_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmos_sdk_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use prost::Message as _;
use secp256k1::{Message, SECP256K1, SecretKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use weft_types::AccountId;
use weft_wasm::{address, address_of, auth};

/// Accounts of Cosmos' that genesis funds: those that a devnet has too.
pub const COSMOS_ACCOUNTS: u32 = 10;
/// The base denomination.
pub const DENOM: &str = "awei";
/// Wei for each unit of gas: enough for all that the suites do.
const PRICE: u128 = 10_000_000_000;
/// Account numbers are of the address alone, so that only the chain's id is left to be known.
const CHAIN: u64 = crate::wallet::CHAIN_ID;

/// Cosmos' path of a mnemonic, as wallets derive keys.
#[must_use]
pub fn path(index: u32) -> String {
    format!("m/44'/118'/0'/0/{index}")
}

/// A key that counts its own sequence.
#[derive(Clone, Debug)]
pub struct User {
    secret: SecretKey,
    pubkey: [u8; 33],
    /// Of the next transaction.
    pub sequence: u64,
}

impl User {
    /// Devnet's account `index`, 0 to 9: Cosmos' path of the mnemonic.
    ///
    /// # Panics
    /// Never: the mnemonic is fixed.
    #[must_use]
    pub fn devnet(index: u32) -> Self {
        let key = MnemonicBuilder::<English>::default()
            .phrase(MNEMONIC)
            .derivation_path(path(index))
            .and_then(|derived| derived.build())
            .expect("a derived key");
        Self::new(key.to_bytes().0)
    }

    /// An account from a number: the same for the same number, and funded by nobody.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        Self::new(Sha256::digest(number.to_be_bytes()).into())
    }

    fn new(secret: [u8; 32]) -> Self {
        let secret = SecretKey::from_byte_array(secret).expect("a secret in range");
        Self { secret, pubkey: secret.public_key(SECP256K1).serialize(), sequence: 0 }
    }

    /// The 20 bytes of its address.
    #[must_use]
    pub fn bytes(&self) -> [u8; 20] {
        address_of(&self.pubkey)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        address::encode(&self.bytes())
    }

    /// Its account in the ledger.
    #[must_use]
    pub fn id(&self) -> AccountId {
        AccountId::from_cosmos(self.bytes())
    }
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its hash, as CometBFT writes it.
    pub hash: String,
    /// `TxRaw`.
    pub bytes: Vec<u8>,
}

impl Signed {
    /// The wire form in base64.
    #[must_use]
    pub fn base64(&self) -> String {
        BASE64_STANDARD.encode(&self.bytes)
    }
}

/// So many wei.
#[must_use]
pub fn coin(wei: u128) -> Coin {
    Coin { denom: DENOM.to_owned(), amount: wei.to_string() }
}

/// Signs by all of `signers`, of whom the first pays; counts their sequences.
///
/// # Panics
/// Never: the keys are valid.
pub fn sign(signers: &mut [&mut User], messages: Vec<Any>, gas_limit: u64) -> Signed {
    sign_at(signers, messages, gas_limit, u128::from(gas_limit) * PRICE)
}

/// [`sign`] with a fee of so many wei.
///
/// # Panics
/// Never: the keys are valid.
pub fn sign_at(signers: &mut [&mut User], messages: Vec<Any>, gas_limit: u64, fee: u128) -> Signed {
    let mode = ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) };
    let info = |user: &&mut User| SignerInfo {
        public_key: Some(auth::pubkey_any(&user.pubkey)),
        mode_info: Some(mode.clone()),
        sequence: user.sequence,
    };
    let auth_info = AuthInfo {
        signer_infos: signers.iter().map(info).collect(),
        fee: Some(Fee { amount: vec![coin(fee)], gas_limit, ..Fee::default() }),
        ..AuthInfo::default()
    };
    let body = TxBody { messages, ..TxBody::default() };
    let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth_info.encode_to_vec());
    let chain_id = weft_wasm::chain_id(CHAIN);
    let signatures = signers.iter_mut().map(|user| {
        let number = auth::account_number(&user.bytes());
        let digest = weft_wasm::direct_digest(&body_bytes, &auth_info_bytes, &chain_id, number);
        user.sequence += 1;
        SECP256K1.sign_ecdsa(Message::from_digest(digest), &user.secret).serialize_compact().to_vec()
    });
    let signatures = signatures.collect();
    let bytes = TxRaw { body_bytes, auth_info_bytes, signatures }.encode_to_vec();
    Signed { hash: hex::encode_upper(Sha256::digest(&bytes)), bytes }
}

/// Why a transaction was not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who says so; empty where CometBFT's own mempool does.
    pub codespace: String,
    /// Its code.
    pub code: u64,
    /// Its sentence.
    pub log: String,
}

/// Sends in one JSON-RPC batch by `broadcast_tx_sync`; gives what the node said of each, in order.
///
/// # Errors
/// Where the connection fails.
pub async fn send(rpc: &Rpc, transactions: &[Signed]) -> Result<Vec<Result<(), Refused>>, reqwest::Error> {
    let params = transactions.iter().map(|signed| json!({ "tx": signed.base64() })).collect();
    let answers = batch(rpc, "broadcast_tx_sync", params).await?;
    Ok(answers.into_iter().map(|answer| sent(&answer)).collect())
}

fn sent(answer: &Value) -> Result<(), Refused> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let result = &answer["result"];
    match result["code"].as_u64() {
        Some(0) => Ok(()),
        Some(code) => Err(Refused { codespace: text(&result["codespace"]), code, log: text(&result["log"]) }),
        None => Err(Refused { codespace: String::new(), code: 0, log: answer["error"].to_string() }),
    }
}

/// One call for each of `params` in one batch; whole answers, in order.
///
/// # Errors
/// Where the connection fails.
///
/// # Panics
/// Where the node answers no batch.
pub async fn batch(rpc: &Rpc, method: &str, params: Vec<Value>) -> Result<Vec<Value>, reqwest::Error> {
    let count = params.len();
    if count == 0 {
        return Ok(Vec::new());
    }
    let call = |(id, params): (usize, Value)| json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    let calls: Vec<Value> = params.into_iter().enumerate().map(call).collect();
    // CometBFT's answer to a batch of one is no list.
    let mut answers = match rpc.post(&Value::Array(calls)).await? {
        Value::Array(answers) => answers,
        one => vec![one],
    };
    assert_eq!(answers.len(), count, "{method}: {}", answers[0]);
    answers.sort_by_key(|answer| answer["id"].as_u64());
    Ok(answers)
}

/// `tx` of each hash; null where the node does not know it.
///
/// # Panics
/// Where the node does not answer, or with another error.
pub async fn transactions(rpc: &Rpc, hashes: &[String]) -> Vec<Value> {
    let hash = |text: &String| BASE64_STANDARD.encode(hex::decode(text).expect("a hash"));
    let params = hashes.iter().map(|text| json!({ "hash": hash(text) })).collect();
    let answers = batch(rpc, "tx", params).await.expect("the node answers");
    let found = |mut answer: Value| {
        if answer["error"].is_object() {
            assert!(
                answer["error"]["data"].as_str().is_some_and(|data| data.contains("not found")),
                "{answer}"
            );
        }
        answer["result"].take()
    };
    answers.into_iter().map(found).collect()
}

/// The value of an attribute of the first event of that kind that a transaction emitted.
#[must_use]
pub fn attribute(transaction: &Value, kind: &str, key: &str) -> Option<String> {
    let mut events =
        transaction["tx_result"]["events"].as_array()?.iter().filter(|event| event["type"] == kind);
    let found =
        events.find_map(|event| event["attributes"].as_array()?.iter().find(|pair| pair["key"] == key))?;
    found["value"].as_str().map(str::to_owned)
}

/// `abci_query`: the response's bytes.
///
/// # Errors
/// Code and sentence of the chain.
///
/// # Panics
/// Where the node does not answer.
pub async fn query(rpc: &Rpc, path: &str, request: &impl prost::Message) -> Result<Vec<u8>, Refused> {
    let params = json!({ "path": path, "data": hex::encode(request.encode_to_vec()), "prove": false });
    let response = rpc.call("abci_query", params).await["response"].take();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match response["code"].as_u64().expect("a code") {
        0 => Ok(BASE64_STANDARD.decode(text(&response["value"])).expect("base64")),
        code => Err(Refused { codespace: text(&response["codespace"]), code, log: text(&response["log"]) }),
    }
}

/// [`query`] that must be answered.
///
/// # Panics
/// Where it is not.
pub async fn ask<T: prost::Message + Default>(rpc: &Rpc, path: &str, request: &impl prost::Message) -> T {
    let bytes = query(rpc, path, request).await;
    let bytes = bytes.unwrap_or_else(|refused| panic!("{path}: {refused:?}"));
    T::decode(bytes.as_slice()).expect("a response")
}

/// The sequence that the newest state has for an account.
///
/// # Panics
/// Where the node does not answer.
pub async fn sequence(rpc: &Rpc, user: &User) -> u64 {
    let request = QueryAccountRequest { address: user.address() };
    let answer: QueryAccountResponse = ask(rpc, "/cosmos.auth.v1beta1.Query/Account", &request).await;
    let account = BaseAccount::decode(answer.account.expect("an account").value.as_slice());
    account.expect("a base account").sequence
}

/// Wei of an address, in the newest state.
///
/// # Panics
/// Where the node does not answer.
pub async fn balance(rpc: &Rpc, address: &str) -> String {
    let request = QueryBalanceRequest { address: address.to_owned(), denom: DENOM.to_owned() };
    let answer: QueryBalanceResponse = ask(rpc, "/cosmos.bank.v1beta1.Query/Balance", &request).await;
    answer.balance.expect("a coin").amount
}
