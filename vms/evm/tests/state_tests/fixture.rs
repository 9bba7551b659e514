//! The JSON of state tests.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One file: names to tests, among other things in some folders.
pub struct File;

impl File {
    /// The members that look like state tests.
    pub fn state_tests(
        file: BTreeMap<String, serde_json::Value>,
    ) -> impl Iterator<Item = (String, serde_json::Value)> {
        file.into_iter().filter(|(_, test)| {
            ["env", "pre", "transaction", "post"]
                .iter()
                .all(|key| test.get(key).is_some_and(|v| v.is_object()))
        })
    }
}

/// A test's name without the path and the parameters that newer fixtures put around it.
pub fn short(name: &str) -> &str {
    let name = name.rsplit("::").next().unwrap_or(name);
    name.split('[').next().unwrap_or(name)
}

#[derive(Deserialize)]
pub struct Test {
    pub env: Env,
    pub pre: BTreeMap<Address, Account>,
    pub transaction: Transaction,
    pub post: BTreeMap<String, Vec<Post>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Env {
    pub current_coinbase: Address,
    pub current_number: U256,
    pub current_timestamp: U256,
    pub current_gas_limit: U256,
    pub current_base_fee: Option<U256>,
    pub current_random: Option<U256>,
    pub current_difficulty: Option<U256>,
}

#[derive(Deserialize)]
pub struct Account {
    pub balance: U256,
    pub nonce: U256,
    pub code: Bytes,
    pub storage: BTreeMap<U256, U256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    pub data: Vec<Bytes>,
    pub gas_limit: Vec<U256>,
    /// Text, since a few tests put values here that do not fit 256 bits.
    pub value: Vec<String>,
    pub gas_price: Option<U256>,
    pub max_fee_per_gas: Option<U256>,
    pub max_priority_fee_per_gas: Option<U256>,
    pub max_fee_per_blob_gas: Option<U256>,
    pub blob_versioned_hashes: Option<Vec<B256>>,
    pub nonce: U256,
    pub secret_key: Option<B256>,
    #[serde(default)]
    pub to: String,
    #[serde(default)]
    pub access_lists: Vec<Option<Vec<AccessListItem>>>,
    pub authorization_list: Option<serde_json::Value>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessListItem {
    pub address: Address,
    pub storage_keys: Vec<B256>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    pub hash: B256,
    pub logs: B256,
    pub indexes: Indexes,
    pub txbytes: Option<Bytes>,
    pub expect_exception: Option<String>,
}

#[derive(Deserialize)]
pub struct Indexes {
    pub data: usize,
    pub gas: usize,
    pub value: usize,
}
