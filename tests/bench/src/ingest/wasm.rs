//! CosmWasm: two senders of a CW20 token, each in batches of 10 over a connection of its own; CometBFT takes no larger
//! ones by default. The token is uploaded and made anew for each run.

use super::LIMIT;
use crate::cosmos::{self, Key, Sign};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::auth::v1beta1::{
    BaseAccount, Bech32PrefixRequest, Bech32PrefixResponse, QueryAccountRequest, QueryAccountResponse,
};
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgInstantiateContractResponse, MsgStoreCodeResponse, QuerySmartContractStateRequest,
    QuerySmartContractStateResponse,
};
use eyre::{Context, ContextCompat, eyre};
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use weft_tests::rpc::Rpc;

const SENDERS: u32 = 2;
const BATCH: usize = 10;
/// How long between two looks at what was committed.
const PAUSE: Duration = Duration::from_millis(5);
/// wasmd charges about 130,000 for a transfer.
const TRANSFER_GAS: u64 = 200_000;
const INSTANTIATE_GAS: u64 = 2_000_000;
/// wasmd charges 3 million and a half for cw20-base, this chain 63 million.
const STORE_GAS: u64 = 80_000_000;
/// Twice what devnet's first block asks.
const GAS_PRICE: u64 = 2_000_000_000;

/// A chain with CometBFT's RPC.
struct Chain {
    rpc: Rpc,
    id: String,
    prefix: String,
}

/// A sender, and what its next transaction needs.
struct Sender {
    key: Key,
    address: String,
    number: u64,
    sequence: u64,
}

impl Sender {
    fn sign(&mut self, chain: &Chain, gas_limit: u64, message: Any) -> Vec<u8> {
        let sign = Sign {
            chain_id: &chain.id,
            account_number: self.number,
            sequence: self.sequence,
            gas_limit,
            gas_price: GAS_PRICE,
        };
        self.sequence += 1;
        sign.sign(&self.key, vec![message])
    }
}

/// Transfers per second.
pub(super) async fn measure(url: &str, transfers: usize) -> eyre::Result<f64> {
    let chain = Chain::new(url).await?;
    let mut senders = Vec::new();
    for index in 0..SENDERS {
        senders.push(chain.sender(Key::devnet(index)?).await?);
    }
    let contract = chain.token(&mut senders).await?;
    let to = Key::numbered(0)?.address(&chain.prefix)?;
    let each = transfers.div_ceil(senders.len());
    let mut clients = Vec::new();
    for sender in &mut senders {
        let signed: Vec<Value> = (0..each)
            .map(|index| {
                let message =
                    cosmos::execute(&sender.address, &contract, cosmos::transfer_json(&to, 1));
                let raw = BASE64_STANDARD.encode(sender.sign(&chain, TRANSFER_GAS, message));
                json!({ "jsonrpc": "2.0", "id": index, "method": "broadcast_tx_sync", "params": { "tx": raw } })
            })
            .collect();
        clients.push((Rpc::new(url), signed));
    }
    let start = Instant::now();
    let clients: Vec<_> = clients.into_iter().map(|(rpc, signed)| tokio::spawn(send(rpc, signed))).collect();
    for client in clients {
        client.await.wrap_err("a client ended")??;
    }
    for sender in &senders {
        while chain.account(&sender.address).await?.sequence < sender.sequence {
            eyre::ensure!(start.elapsed() < LIMIT, "{} did not come to its end in {LIMIT:?}", sender.address);
            tokio::time::sleep(PAUSE).await;
        }
    }
    let elapsed = start.elapsed();
    let arrived = chain.balance(&contract, &to).await?;
    let sent = each * senders.len();
    eyre::ensure!(arrived == sent.to_string(), "{arrived} tokens arrived of {sent}");
    Ok(crate::rate(sent, elapsed))
}

/// Sends in order; what a full pool refuses, and what follows it, is sent again.
async fn send(rpc: Rpc, requests: Vec<Value>) -> eyre::Result<()> {
    let mut start = Instant::now();
    let mut sent = 0;
    while sent < requests.len() {
        let batch = &requests[sent..requests.len().min(sent + BATCH)];
        let answers = rpc.post(&batch.into()).await?;
        // CometBFT answers a batch of one with no array.
        let answers = answers.as_array().map_or(std::slice::from_ref(&answers), Vec::as_slice);
        eyre::ensure!(answers.len() == batch.len(), "{} answers to {} calls", answers.len(), batch.len());
        let taken = answers.iter().take_while(|answer| answer["result"]["code"] == 0).count();
        if let Some(refused) = answers.get(taken) {
            let why = refused["error"]["data"].as_str().unwrap_or_default();
            eyre::ensure!(why.starts_with("mempool is full"), "the node refused a transfer: {refused}");
            eyre::ensure!(start.elapsed() < LIMIT, "the pool was full for {LIMIT:?}");
            tokio::time::sleep(PAUSE).await;
        }
        if taken > 0 {
            start = Instant::now();
        }
        sent += taken;
    }
    Ok(())
}

impl Chain {
    async fn new(url: &str) -> eyre::Result<Self> {
        let mut chain = Self { rpc: Rpc::new(url), id: String::new(), prefix: String::new() };
        let status = chain.call("status", json!({})).await?;
        status["node_info"]["network"].as_str().wrap_err("no chain id")?.clone_into(&mut chain.id);
        let prefix: Bech32PrefixResponse =
            chain.query("/cosmos.auth.v1beta1.Query/Bech32Prefix", &Bech32PrefixRequest {}).await?;
        chain.prefix = prefix.bech32_prefix;
        Ok(chain)
    }

    async fn call(&self, method: &str, params: Value) -> eyre::Result<Value> {
        let answer = self.rpc.try_call(method, params).await?;
        answer.map_err(|fault| eyre!("{method}: {} {}", fault.message, fault.data))
    }

    /// A query of the newest state that must be answered.
    async fn query<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> eyre::Result<A> {
        let params = json!({ "path": path, "data": hex::encode(request.encode_to_vec()) });
        let answer = self.call("abci_query", params).await?;
        let response = &answer["response"];
        eyre::ensure!(response["code"] == 0, "{path}: {response}");
        let value = response["value"].as_str().unwrap_or_default();
        Ok(A::decode(BASE64_STANDARD.decode(value)?.as_slice())?)
    }

    async fn account(&self, address: &str) -> eyre::Result<BaseAccount> {
        let request = QueryAccountRequest { address: address.to_owned() };
        let answer: QueryAccountResponse = self.query("/cosmos.auth.v1beta1.Query/Account", &request).await?;
        let account = answer.account.wrap_err("no account")?;
        Ok(BaseAccount::decode(account.value.as_slice())?)
    }

    async fn sender(&self, key: Key) -> eyre::Result<Sender> {
        let address = key.address(&self.prefix)?;
        let account = self.account(&address).await?;
        Ok(Sender { key, address, number: account.account_number, sequence: account.sequence })
    }

    async fn balance(&self, contract: &str, holder: &str) -> eyre::Result<String> {
        let query_data = json!({ "balance": { "address": holder } }).to_string().into_bytes();
        let request = QuerySmartContractStateRequest { address: contract.to_owned(), query_data };
        let answer: QuerySmartContractStateResponse =
            self.query("/cosmwasm.wasm.v1.Query/SmartContractState", &request).await?;
        let answer: Value = serde_json::from_slice(&answer.data)?;
        Ok(answer["balance"].as_str().unwrap_or_default().to_owned())
    }

    /// The address of a new token that all senders hold.
    async fn token(&self, senders: &mut [Sender]) -> eyre::Result<String> {
        let holders: Vec<String> = senders.iter().map(|sender| sender.address.clone()).collect();
        let maker = senders.first_mut().wrap_err("nobody sends")?;
        let store = cosmos::store(&maker.address, cosmos::cw20_code()?);
        let stored: MsgStoreCodeResponse = self.commit(maker.sign(self, STORE_GAS, store)).await?;
        let make = cosmos::instantiate(&maker.address, stored.code_id, &holders, u64::MAX / 2);
        let made: MsgInstantiateContractResponse =
            self.commit(maker.sign(self, INSTANTIATE_GAS, make)).await?;
        Ok(made.address)
    }

    /// What the only message of a transaction answered, once that is in a block.
    async fn commit<A: Message + Default>(&self, raw: Vec<u8>) -> eyre::Result<A> {
        let hash = BASE64_STANDARD.encode(Sha256::digest(&raw));
        let sent = self.call("broadcast_tx_sync", json!({ "tx": BASE64_STANDARD.encode(raw) })).await?;
        eyre::ensure!(sent["code"] == 0, "the node refused a transaction: {sent}");
        let start = Instant::now();
        loop {
            if let Ok(found) = self.rpc.try_call("tx", json!({ "hash": hash })).await? {
                let result = &found["tx_result"];
                eyre::ensure!(result["code"] == 0, "a transaction failed: {result}");
                let data = BASE64_STANDARD.decode(result["data"].as_str().unwrap_or_default())?;
                let data = TxMsgData::decode(data.as_slice())?;
                let answer = data.msg_responses.first().wrap_err("a message without a response")?;
                return Ok(A::decode(answer.value.as_slice())?);
            }
            eyre::ensure!(start.elapsed() < LIMIT, "a transaction was in no block for {LIMIT:?}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}
