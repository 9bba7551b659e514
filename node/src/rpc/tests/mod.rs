//! RPC over a real chain in memory and real sockets on loopback, without Celestia: blocks are made here.

mod limits;
mod methods;
mod pubsub;

use super::{NodeStatus, RpcConfig, RpcContext, RpcHandle, serve};
use crate::chain::{BlockRecord, Chain};
use crate::sequencer::mempool::{Mempool, MempoolConfig};
use crate::testing;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_evm::{EvmConfig, EvmVm, GenesisAccount};
use weft_genesis::{Account, Devnet, Genesis};
use weft_router::Router;
use weft_state::{Backend, JmtTree, Store, StoreConfig};
use weft_types::{AccountId, DaHeight, Height, VmId};

/// Stores its first word in slot 0 and logs it under the topic 0x11.
pub(super) const LOGGER: Address = address!("00000000000000000000000000000000000010c6");
/// Reverts with `Error("nope")`.
pub(super) const REVERTER: Address = address!("0000000000000000000000000000000000001e7e");
/// Runs until its gas ends.
pub(super) const LOOPER: Address = address!("0000000000000000000000000000000000001009");
/// Orders blocks.
pub(super) const SEQUENCER: Address = address!("00000000000000000000000000000000005e90e5");

/// `Error("nope")` as Solidity encodes it.
pub(super) const NOPE: &str = concat!(
    "08c379a0",
    "0000000000000000000000000000000000000000000000000000000000000020",
    "0000000000000000000000000000000000000000000000000000000000000004",
    "6e6f706500000000000000000000000000000000000000000000000000000000"
);

/// A chain with its pool and its RPC.
pub(super) struct World {
    pub(super) chain: Arc<Chain>,
    pub(super) mempool: Arc<Mempool>,
    pub(super) rpc: RpcHandle,
    pub(super) http: reqwest::Client,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(RpcConfig::default()).await
    }

    pub(super) async fn with(config: RpcConfig) -> Self {
        let (genesis, evm) = genesis();
        let evm = Arc::new(evm);
        let router = Router::new(Arc::new(genesis), vec![evm.clone()], Arc::new(JmtTree)).unwrap();
        let store = StoreConfig {
            backend: Backend::Memory,
            dir: std::path::PathBuf::new(),
            cache_bytes: StoreConfig::CACHE_BYTES,
        };
        let store = Store::open(&store, router.genesis_hash()).unwrap();
        let chain = Chain::open(Arc::new(router), store, weft_types::Bytes::new()).unwrap();
        let mempool = Mempool::new(chain.clone(), MempoolConfig::default(), None);
        let context = RpcContext {
            chain: chain.clone(),
            evm,
            mempool: Some(mempool.clone()),
            status: Arc::new(NodeStatus::default),
            config,
        };
        let rpc = serve(context, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self { chain, mempool, rpc, http: reqwest::Client::new() }
    }

    /// Makes a soft block of what can execute.
    pub(super) fn block(&self) -> Arc<BlockRecord> {
        make_block(&self.chain, &self.mempool)
    }

    /// Makes blocks from now on, whenever something waits.
    pub(super) fn keep_making_blocks(&self) -> tokio::task::JoinHandle<()> {
        let (chain, mempool) = (self.chain.clone(), self.mempool.clone());
        tokio::spawn(async move {
            loop {
                mempool.added().await;
                let (chain, mempool) = (chain.clone(), mempool.clone());
                tokio::task::spawn_blocking(move || make_block(&chain, &mempool)).await.unwrap();
            }
        })
    }

    /// Celestia has all soft blocks now.
    pub(super) fn include(&self) {
        testing::include_all(&self.chain);
    }

    /// Soft blocks from `height` on will not land.
    pub(super) fn void(&self, height: u64) {
        let removed = self.chain.void_soft(Height(height));
        self.mempool.on_revert(&removed).unwrap();
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.rpc.address())
    }

    /// The whole answer to a call.
    pub(super) async fn raw(&self, method: &str, params: Value) -> Value {
        post(&self.http, &self.url(), method, params).await
    }

    /// The result of a call that must have one.
    pub(super) async fn ok(&self, method: &str, params: Value) -> Value {
        let answer = self.raw(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The error of a call that must have one: its code and message.
    pub(super) async fn fault(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.raw(method, params).await;
        let error = &answer["error"];
        assert!(error.is_object(), "{method}: {answer}");
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }

    /// Sends a transaction and gives its hash.
    pub(super) async fn send(&self, transaction: &Bytes) -> B256 {
        serde_json::from_value(self.ok("eth_sendRawTransaction", json!([transaction])).await).unwrap()
    }
}

/// One call by HTTP.
pub(super) async fn post(client: &reqwest::Client, url: &str, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    client.post(url).json(&body).send().await.unwrap().json().await.unwrap()
}

fn make_block(chain: &Chain, mempool: &Mempool) -> Arc<BlockRecord> {
    testing::make_block(chain, mempool, SEQUENCER, 1_000, usize::MAX)
}

fn genesis() -> (Genesis, EvmVm) {
    let mut genesis = Genesis::devnet(Devnet {
        timestamp_ms: 1_760_000_000_000,
        celestia_chain_id: "weft-local".into(),
        checkpoint: (DaHeight(7), B256::repeat_byte(7)),
        sequencers: vec![SEQUENCER],
        accounts: (0..4).map(|index| AccountId::from_evm(signer(index).address())).collect(),
    });
    genesis.machines.retain(|machine| machine.vm == VmId::EVM);
    let nope = hex::decode(NOPE).unwrap();
    let contracts = [
        (LOGGER, hex!("5f35805f525f55601160205fa100").to_vec()),
        (REVERTER, [&hex!("6064600a5f3960645ffd")[..], &nope].concat()),
        (LOOPER, hex!("5b5f56").to_vec()),
    ];
    let mut alloc = BTreeMap::new();
    for (address, code) in contracts {
        let mut account = Account::funded(AccountId::from_evm(address), U256::ZERO);
        account.nonce = 1;
        account.code = code.clone().into();
        genesis.accounts.push(account);
        alloc.insert(address, GenesisAccount { nonce: 1, code: code.into(), storage: BTreeMap::new() });
    }
    let specs =
        genesis.schedule(VmId::EVM).into_iter().map(|(at, machine)| (at, machine.spec.clone())).collect();
    let evm = EvmVm::new(EvmConfig { chain_id: genesis.chain_id, specs, alloc }).unwrap();
    (genesis, evm)
}

/// The key of a funded account.
pub(super) fn signer(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(index + 1)).unwrap()
}

/// A signed transaction that pays enough.
pub(super) fn signed(index: u8, nonce: u64, to: Address, value: u64, input: &[u8]) -> Bytes {
    signed_with(index, nonce, TxKind::Call(to), value, input, 200_000)
}

/// The same with its gas limit, or one that creates.
pub(super) fn signed_with(index: u8, nonce: u64, to: TxKind, value: u64, input: &[u8], gas: u64) -> Bytes {
    let transaction = TxEip1559 {
        chain_id: Devnet::CHAIN_ID,
        nonce,
        gas_limit: gas,
        max_fee_per_gas: 3_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to,
        value: U256::from(value),
        input: Bytes::copy_from_slice(input),
        ..TxEip1559::default()
    };
    let signature = signer(index).sign_hash_sync(&transaction.signature_hash()).unwrap();
    TxEnvelope::from(transaction.into_signed(signature)).encoded_2718().into()
}
