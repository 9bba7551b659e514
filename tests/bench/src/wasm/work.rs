//! Holders of a CW20 token and their transfers.

use super::Call;
use crate::cosmos::{self, Key, Sign};
use crate::workload;
use cosmos_sdk_proto::Any;
use rand::Rng;
use rayon::prelude::*;
use serde_json::json;
use weft_types::{AccountId, Transaction, VmId};
use weft_wasm::keeper::addresses;

/// Of each holder at first.
const TOKENS: u64 = 1_000_000_000_000;
const TRANSFER_GAS: u64 = 150_000;
/// For the upload and for the token with all holders' balances.
const SETUP_GAS: u64 = 400_000_000;
/// Twice the price of genesis, which full blocks raise.
const GAS_PRICE: u64 = 2_000_000_000;
/// The transactions of [`Work::setup`], all of the first holder.
const SETUP: usize = 2;

/// One transfer: who, to whom, how much.
pub(super) type Transfer = (usize, usize, u64);

/// See the module.
pub(super) struct Work {
    keys: Vec<Key>,
    addresses: Vec<String>,
    contract: String,
    pub(super) contract_id: AccountId,
}

impl Work {
    pub(super) fn new(holders: usize) -> eyre::Result<Self> {
        eyre::ensure!(holders > 1, "one holder has nobody to send to");
        let keys = (0..holders).into_par_iter().map(Key::numbered).collect::<eyre::Result<Vec<_>>>()?;
        let addresses = keys.iter().map(|key| weft_wasm::address::encode(&key.bytes)).collect();
        // The first contract of the first code.
        let bytes = addresses::classic(1, 1);
        let contract_id = weft_wasm::address::account_id(&bytes)?;
        Ok(Self { keys, addresses, contract: weft_wasm::address::encode(&bytes), contract_id })
    }

    /// Whom genesis funds.
    pub(super) fn funded(&self) -> impl Iterator<Item = AccountId> {
        self.keys.iter().map(|key| AccountId::from_cosmos(key.bytes))
    }

    fn sign(&self, holder: usize, sequence: usize, gas_limit: u64, message: Any) -> Transaction {
        let key = &self.keys[holder];
        let sign = Sign {
            chain_id: &weft_wasm::chain_id(workload::CHAIN_ID),
            account_number: weft_wasm::auth::account_number(&key.bytes),
            sequence: sequence as u64,
            gas_limit,
            gas_price: GAS_PRICE,
        };
        Transaction { vm: VmId::WASM, payload: sign.sign(key, vec![message]).into() }
    }

    /// The upload, and a token that every holder has some of.
    pub(super) fn setup(&self, code: Vec<u8>) -> [Transaction; SETUP] {
        let sender = &self.addresses[0];
        [
            self.sign(0, 0, SETUP_GAS, cosmos::store(sender, code)),
            self.sign(0, 1, SETUP_GAS, cosmos::instantiate(sender, 1, &self.addresses, TOKENS)),
        ]
    }

    /// `count` transfers, each holder sending in turn to another.
    pub(super) fn plan(&self, count: usize) -> Vec<Transfer> {
        let mut rng = workload::rng();
        let holders = self.keys.len();
        let transfer = |index: usize| {
            let from = index % holders;
            let to = (from + rng.random_range(1..holders)) % holders;
            (from, to, rng.random_range(1..1_000_000))
        };
        (0..count).map(transfer).collect()
    }

    /// The plan as transactions, after those of [`Self::setup`].
    pub(super) fn transfers(&self, plan: &[Transfer]) -> Vec<Transaction> {
        let transfer = |(index, (from, to, amount)): (usize, &Transfer)| {
            let sequence = index / self.keys.len() + if *from == 0 { SETUP } else { 0 };
            let msg = cosmos::transfer_json(&self.addresses[*to], *amount);
            let message = cosmos::execute(&self.addresses[*from], &self.contract, msg);
            self.sign(*from, sequence, TRANSFER_GAS, message)
        };
        plan.par_iter().enumerate().map(transfer).collect()
    }

    /// The plan as calls of the contract.
    pub(super) fn calls(&self, plan: &[Transfer]) -> Vec<Call> {
        let call = |(from, to, amount): &Transfer| Call {
            info: json!({ "sender": self.addresses[*from], "funds": [] }).to_string().into_bytes(),
            msg: cosmos::transfer_json(&self.addresses[*to], *amount),
        };
        plan.iter().map(call).collect()
    }

    /// What a call is told of the chain; a transfer looks at none of it.
    pub(super) fn env(&self) -> Vec<u8> {
        let chain_id = weft_wasm::chain_id(workload::CHAIN_ID);
        let block = json!({ "height": 2, "time": "1700000000002000000", "chain_id": chain_id });
        let contract = json!({ "address": self.contract });
        json!({ "block": block, "transaction": { "index": 0 }, "contract": contract })
            .to_string()
            .into_bytes()
    }
}
