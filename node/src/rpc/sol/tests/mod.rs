//! Solana's RPC over a real chain in memory and real sockets on loopback, without Celestia: blocks are made here.

mod accounts;
mod blocks;
mod edge;
mod pubsub;
mod send;

use super::{Faucet, SolContext, serve};
use crate::chain::{BlockRecord, Chain};
use crate::rpc::{NodeStatus, RpcConfig, RpcHandle};
use crate::sequencer::mempool::{Mempool, MempoolConfig};
use crate::testing;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::{create_account, transfer};
use solana_transaction::versioned::VersionedTransaction;
use spl_token_interface::instruction::{initialize_account3, initialize_mint2, mint_to};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use weft_genesis::{Devnet, Genesis, Machine};
use weft_router::Router;
use weft_sbf::{NEWEST_SPEC, SbfConfig, SbfVm};
use weft_state::{Backend, JmtTree, Store, StoreConfig};
use weft_types::{AccountId, Address, B256, DaHeight, GasRate, Height, VmId};
use weft_vm::Vm;

/// Orders blocks.
const SEQUENCER: Address = Address::repeat_byte(5);
/// Lamports that accounts of tests get to be exempt from rent.
const RENT: u64 = 5_000_000;

/// A chain with its pool and its RPC.
pub(super) struct World {
    pub(super) chain: Arc<Chain>,
    pub(super) mempool: Arc<Mempool>,
    pub(super) sbf: Arc<SbfVm>,
    pub(super) http: RpcHandle,
    pub(super) ws: RpcHandle,
    pub(super) client: reqwest::Client,
    /// Funded.
    pub(super) payer: Keypair,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(RpcConfig::default(), true).await
    }

    pub(super) async fn with(config: RpcConfig, faucet: bool) -> Self {
        let payer = keypair(7);
        let (chain, sbf) = chain(&[&payer, &keypair(8)]);
        let mempool = Mempool::new(Arc::clone(&chain), MempoolConfig::default(), Some(Arc::clone(&sbf)));
        let context = context(&chain, &sbf, Some(&mempool), config, faucet);
        let any = "127.0.0.1:0".parse().unwrap();
        let (http, ws) = serve(context, any, any).await.unwrap();
        let world = Self { chain, mempool, sbf, http, ws, client: reqwest::Client::new(), payer };
        world.block();
        world
    }

    /// Makes a soft block of what can execute.
    pub(super) fn block(&self) -> Arc<BlockRecord> {
        testing::make_block(&self.chain, &self.mempool, SEQUENCER, 400, usize::MAX)
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
        format!("http://{}", self.http.address())
    }

    pub(super) fn blockhash(&self) -> Hash {
        Hash::new_from_array(self.chain.tip().hash.0)
    }

    /// The whole answer to a call.
    pub(super) async fn raw(&self, method: &str, params: Value) -> Value {
        post(&self.client, &self.url(), method, params).await
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

    /// Sends a transaction and gives its signature.
    pub(super) async fn send(&self, transaction: &VersionedTransaction) -> String {
        let sent = self.ok("sendTransaction", json!([base64(transaction), { "encoding": "base64" }])).await;
        assert_eq!(sent, transaction.signatures[0].to_string());
        sent.as_str().unwrap().to_owned()
    }

    /// A transaction that the payer, and `others`, sign on the newest blockhash.
    pub(super) fn signed(&self, others: &[&Keypair], instructions: &[Instruction]) -> VersionedTransaction {
        sign(&self.payer, others, instructions, self.blockhash())
    }

    /// The payer gives lamports away.
    pub(super) fn transfer(&self, to: &Pubkey, lamports: u64) -> VersionedTransaction {
        self.signed(&[], &[transfer(&self.payer.pubkey(), to, lamports)])
    }

    /// Makes a mint of six decimals and two token accounts, with 600 and 400; gives their keys.
    pub(super) async fn tokens(&self) -> [Pubkey; 3] {
        let (payer, token) = (self.payer.pubkey(), spl_token_interface::ID);
        let keys = [keypair(20), keypair(21), keypair(22)];
        let [mint, first, second] = [keys[0].pubkey(), keys[1].pubkey(), keys[2].pubkey()];
        let make = |key: &Pubkey, space| create_account(&payer, key, RENT, space, &token);
        let instructions = [
            make(&mint, 82),
            initialize_mint2(&token, &mint, &payer, None, 6).unwrap(),
            make(&first, 165),
            initialize_account3(&token, &first, &mint, &payer).unwrap(),
            make(&second, 165),
            initialize_account3(&token, &second, &mint, &keypair(8).pubkey()).unwrap(),
            mint_to(&token, &mint, &first, &payer, &[], 600).unwrap(),
            mint_to(&token, &mint, &second, &payer, &[], 400).unwrap(),
        ];
        self.send(&self.signed(&[&keys[0], &keys[1], &keys[2]], &instructions)).await;
        let block = self.block();
        assert!(block.transactions[0].receipt.status.is_success(), "{:?}", block.transactions);
        [mint, first, second]
    }
}

/// A chain with both machines and these accounts.
pub(super) fn chain(funded: &[&Keypair]) -> (Arc<Chain>, Arc<SbfVm>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut genesis = Genesis::devnet(Devnet {
        timestamp_ms: u64::try_from(now.as_millis()).unwrap(),
        celestia_chain_id: "weft-local".into(),
        checkpoint: (DaHeight(7), B256::repeat_byte(7)),
        sequencers: vec![SEQUENCER],
        accounts: funded.iter().map(|key| AccountId::from_key(key.pubkey().to_bytes()).unwrap()).collect(),
    });
    genesis.machines = vec![Machine::new(VmId::SBF, NEWEST_SPEC, GasRate::ONE)];
    let specs = vec![(DaHeight(0), NEWEST_SPEC.to_owned(), GasRate::ONE)];
    let sbf = SbfVm::new(SbfConfig { specs, jit: false }).unwrap();
    let sbf = Arc::new(sbf);
    let vms: Vec<Arc<dyn Vm>> = vec![sbf.clone()];
    let router = Router::new(Arc::new(genesis), vms, Arc::new(JmtTree)).unwrap();
    let store = StoreConfig {
        backend: Backend::Memory,
        dir: std::path::PathBuf::new(),
        cache_bytes: StoreConfig::CACHE_BYTES,
    };
    let store = Store::open(&store, router.genesis_hash()).unwrap();
    (Chain::open(Arc::new(router), store, weft_types::Bytes::new()).unwrap(), sbf)
}

pub(super) fn context(
    chain: &Arc<Chain>,
    sbf: &Arc<SbfVm>,
    mempool: Option<&Arc<Mempool>>,
    config: RpcConfig,
    faucet: bool,
) -> SolContext {
    SolContext {
        chain: Arc::clone(chain),
        sbf: Arc::clone(sbf),
        mempool: mempool.cloned(),
        status: Arc::new(NodeStatus::default),
        config,
        faucet: faucet.then(|| Faucet { keypair: Arc::new(keypair(8)), lamports_max: Faucet::LAMPORTS_MAX }),
        identity: Pubkey::from([3; 32]),
    }
}

/// One call by HTTP.
pub(super) async fn post(client: &reqwest::Client, url: &str, method: &str, params: Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    client.post(url).json(&body).send().await.unwrap().json().await.unwrap()
}

pub(super) fn keypair(byte: u8) -> Keypair {
    Keypair::new_from_array([byte; 32])
}

pub(super) fn sign(
    payer: &Keypair,
    others: &[&Keypair],
    instructions: &[Instruction],
    blockhash: Hash,
) -> VersionedTransaction {
    let message = Message::new_with_blockhash(instructions, Some(&payer.pubkey()), &blockhash);
    let signers: Vec<&Keypair> = [payer].into_iter().chain(others.iter().copied()).collect();
    VersionedTransaction::try_new(VersionedMessage::Legacy(message), &signers).unwrap()
}

pub(super) fn base64(transaction: &VersionedTransaction) -> String {
    BASE64_STANDARD.encode(bincode::serialize(transaction).unwrap())
}
