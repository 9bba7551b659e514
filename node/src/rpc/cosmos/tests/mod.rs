//! CometBFT's RPC over a real chain in memory and real sockets on loopback, without Celestia: blocks are made here.

mod edge;
mod rest;
mod send;

use super::{CosmosContext, serve};
use crate::chain::{BlockRecord, Chain};
use crate::plugins::{Machines, machines};
use crate::rpc::{NodeStatus, RpcConfig, RpcHandle};
use crate::sequencer::mempool::{Mempool, MempoolConfig};
use crate::syncer::now_ms;
use crate::testing;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmos_sdk_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use prost::Message;
use secp256k1::{SECP256K1, SecretKey};
use serde_json::{Value, json};
use std::sync::Arc;
use weft_genesis::{Devnet, Genesis};
use weft_router::Router;
use weft_state::{Backend, JmtTree, Store, StoreConfig};
use weft_types::{AccountId, Address, B256, DaHeight, Height};
use weft_wasm::{address, address_of, auth, direct_digest};

/// Orders blocks.
const SEQUENCER: Address = Address::repeat_byte(5);
/// What a transfer of these tests may use.
const GAS: u64 = 100_000;

/// A chain of all machines with its pool and its RPC.
pub(super) struct World {
    pub(super) chain: Arc<Chain>,
    pub(super) mempool: Arc<Mempool>,
    pub(super) rpc: RpcHandle,
    pub(super) client: reqwest::Client,
    /// Funded.
    pub(super) payer: Payer,
}

impl World {
    /// With a first block.
    pub(super) async fn new() -> Self {
        let world = Self::with(RpcConfig::default(), true).await;
        world.block();
        world
    }

    pub(super) async fn with(config: RpcConfig, sequences: bool) -> Self {
        let payer = Payer::new(7);
        let (chain, machines) = chain(payer.id());
        let mempool = Mempool::new(Arc::clone(&chain), MempoolConfig::default(), machines.sbf);
        let context = CosmosContext {
            chain: Arc::clone(&chain),
            wasm: machines.wasm.expect("the Wasm machine"),
            mempool: sequences.then(|| Arc::clone(&mempool)),
            status: Arc::new(NodeStatus::default),
            config,
        };
        let rpc = serve(context, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self { chain, mempool, rpc, client: reqwest::Client::new(), payer }
    }

    /// Makes a soft block of what can execute.
    pub(super) fn block(&self) -> Arc<BlockRecord> {
        testing::make_block(&self.chain, &self.mempool, SEQUENCER, 400, usize::MAX)
    }

    /// Soft blocks from `height` on will not land.
    pub(super) fn void(&self, height: u64) {
        let _held = self.mempool.hold();
        let removed = self.chain.void_soft(Height(height));
        self.mempool.on_revert(&removed).unwrap();
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.rpc.address())
    }

    /// The text and status of the answer to a body.
    pub(super) async fn post(&self, body: impl Into<reqwest::Body>) -> (u16, String) {
        let answer = self.client.post(self.url()).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Status and body of the answer to a GET of a REST path.
    pub(super) async fn rest(&self, path: &str) -> (u16, Value) {
        let answer = self.client.get(self.url() + path).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The whole answer to a call.
    pub(super) async fn raw(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        serde_json::from_str(&self.post(body.to_string()).await.1).unwrap()
    }

    /// The result of a call that must have one.
    pub(super) async fn ok(&self, method: &str, params: Value) -> Value {
        let answer = self.raw(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The error of a call that must have one: its code, and why.
    pub(super) async fn fault(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.raw(method, params).await;
        let error = &answer["error"];
        assert!(error.is_object(), "{method}: {answer}");
        (error["code"].as_i64().unwrap(), error["data"].as_str().unwrap_or_default().to_owned())
    }

    /// What `broadcast_tx_sync` says: code and log.
    pub(super) async fn send(&self, raw: &[u8]) -> (u64, String) {
        let sent = self.ok("broadcast_tx_sync", json!({ "tx": BASE64_STANDARD.encode(raw) })).await;
        (sent["code"].as_u64().unwrap(), sent["log"].as_str().unwrap().to_owned())
    }
}

/// A chain with these accounts.
fn chain(funded: AccountId) -> (Arc<Chain>, Machines) {
    let genesis = Genesis::devnet(Devnet {
        timestamp_ms: now_ms(),
        celestia_chain_id: "weft-local".into(),
        checkpoint: (DaHeight(7), B256::repeat_byte(7)),
        sequencers: vec![SEQUENCER],
        accounts: vec![funded],
    });
    let machines = machines(&genesis).unwrap();
    let router = Router::new(Arc::new(genesis), machines.all.clone(), Arc::new(JmtTree)).unwrap();
    let store = StoreConfig {
        backend: Backend::Memory,
        dir: std::path::PathBuf::new(),
        cache_bytes: StoreConfig::CACHE_BYTES,
    };
    let store = Store::open(&store, router.genesis_hash()).unwrap();
    (Chain::open(Arc::new(router), store, weft_types::Bytes::new()).unwrap(), machines)
}

/// Who signs.
pub(super) struct Payer {
    secret: SecretKey,
    pubkey: [u8; 33],
}

impl Payer {
    fn new(byte: u8) -> Self {
        let secret = SecretKey::from_byte_array([byte; 32]).unwrap();
        Self { pubkey: secret.public_key(SECP256K1).serialize(), secret }
    }

    fn id(&self) -> AccountId {
        address::parse(&self.address()).unwrap()
    }

    pub(super) fn address(&self) -> String {
        address::encode(&address_of(&self.pubkey))
    }

    /// A payment of `amount` to somebody, with that sequence number, which pays `price` for gas.
    pub(super) fn transfer(&self, sequence: u64, amount: u64, price: u64) -> Vec<u8> {
        let coins = |amount: u64| vec![Coin { denom: "awei".into(), amount: amount.to_string() }];
        let (from_address, to_address) = (self.address(), Self::new(9).address());
        let send = MsgSend { from_address, to_address, amount: coins(amount) };
        let message = Any { type_url: "/cosmos.bank.v1beta1.MsgSend".into(), value: send.encode_to_vec() };
        let body = TxBody { messages: vec![message], ..TxBody::default() };
        let single = Single { mode: SignMode::Direct.into() };
        let signer = SignerInfo {
            public_key: Some(auth::pubkey_any(&self.pubkey)),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(single)) }),
            sequence,
        };
        let fee = Fee { amount: coins(price * GAS), gas_limit: GAS, ..Fee::default() };
        let auth_info = AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() };
        let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth_info.encode_to_vec());
        let chain_id = weft_wasm::chain_id(Devnet::CHAIN_ID);
        let number = auth::account_number(&address_of(&self.pubkey));
        let digest = direct_digest(&body_bytes, &auth_info_bytes, &chain_id, number);
        let signature = SECP256K1.sign_ecdsa(secp256k1::Message::from_digest(digest), &self.secret);
        let signatures = vec![signature.serialize_compact().to_vec()];
        TxRaw { body_bytes, auth_info_bytes, signatures }.encode_to_vec()
    }
}
