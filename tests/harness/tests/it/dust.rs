//! Wei below a lamport, which Solana's programs never see, between accounts of all machines: what moves arrives, what
//! is burnt is gone from the supply, and nothing else changes it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use weft_genesis::{Account, Devnet, Genesis};
use weft_node::chain::Chain;
use weft_node::plugins;
use weft_router::{ExecutedTransaction, Router};
use weft_sbf::WEI_PER_LAMPORT;
use weft_state::{JmtTree, MemoryKv, Store, key};
use weft_tests::cosmos::{DENOM, User};
use weft_tests::solana::{keypair, sign};
use weft_tests::wallet::Wallet;
use weft_tests::{contract, cosmos, seed};
use weft_types::{
    AccountId, Address, B256, Bytes, DaHeight, DerivedBlock, OrderedTransaction, Transaction, U256, VmId,
    hash,
};
use weft_wasm::address;
use weft_wasm::keeper::addresses::classic;

const BLOCKS: usize = 200;
const PER_BLOCK: usize = 10;
const SEQUENCER: Address = Address::repeat_byte(5);
const EVM: u32 = 6;
const SBF: u8 = 6;
const COSMOS: u32 = 6;
const CONTRACTS: u64 = 3;
/// Gas that every Cosmos transaction offers to pay, and what it offers in all.
const GAS: u64 = 2_000_000;
const FEE: u128 = 4_000_000_000_000_000;
/// The least that keeps a Solana account, and some.
const RENT: u64 = 1_000_000;

fn id(key: &Pubkey) -> AccountId {
    AccountId(B256::new(key.to_bytes()))
}

struct Ledger {
    chain: Arc<Chain>,
    rng: ChaCha8Rng,
    wallets: Vec<Wallet>,
    keys: Vec<Keypair>,
    users: Vec<User>,
    contracts: Vec<[u8; 32]>,
}

/// A transaction, and what it burns of its sender's where it succeeds.
struct Made {
    transaction: Transaction,
    burns: u64,
}

impl Made {
    fn new(vm: VmId, payload: Vec<u8>) -> Self {
        Self { transaction: Transaction { vm, payload: payload.into() }, burns: 0 }
    }
}

/// What a block did.
struct Done {
    burnt: U256,
    succeeded: usize,
    executed: usize,
}

impl Ledger {
    /// Every account begins with its own dust.
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (wallets, keys): (Vec<_>, Vec<_>) =
            ((0..EVM).map(Wallet::devnet).collect(), (0..SBF).map(keypair).collect());
        let users: Vec<User> = (0..COSMOS).map(User::devnet).collect();
        let mut genesis = Genesis::devnet(Devnet {
            timestamp_ms: 1_760_000_000_000,
            celestia_chain_id: "weft-local".into(),
            checkpoint: (DaHeight(1), B256::repeat_byte(7)),
            sequencers: vec![SEQUENCER],
            accounts: Vec::new(),
        });
        let evm = wallets.iter().map(|wallet: &Wallet| AccountId::from_evm(wallet.address()));
        let sbf = keys.iter().map(|key: &Keypair| id(&key.pubkey()));
        let all = evm.chain(sbf).chain(users.iter().map(User::id));
        genesis.accounts = all
            .map(|account| {
                Account::funded(account, U256::from(rng.random_range(10_u64.pow(18)..10_u64.pow(19))))
            })
            .collect();
        let genesis = Arc::new(genesis);
        let machines = plugins::machines(&genesis).expect("all machines").all;
        let router = Router::new(Arc::clone(&genesis), machines, Arc::new(JmtTree)).expect("a router");
        let store = Store::on(Arc::new(MemoryKv::default()), genesis.hash()).expect("a store");
        let chain = Chain::open(Arc::new(router), store, Bytes::new()).expect("a chain");
        let mut ledger = Self { chain, rng, wallets, keys, users, contracts: Vec::new() };
        ledger.block(Vec::new());
        ledger.deploy();
        ledger
    }

    /// Contracts that do what they are told, each with some wei.
    fn deploy(&mut self) {
        let user = &mut self.users[0];
        let upload = contract::store(user, contract::echo("dust"));
        let new = (0..CONTRACTS)
            .map(|wei| contract::instantiate(user, 1, &json!({}), 1_000_000_007 + u128::from(wei)));
        let messages = std::iter::once(upload).chain(new).collect();
        let signed = cosmos::sign(&mut [user], messages, GAS);
        let done = self.block(vec![Made::new(VmId::WASM, signed.bytes)]);
        assert_eq!(done.succeeded, 1, "the contracts could not be made");
        self.contracts = (1..=CONTRACTS).map(|number| classic(1, number)).collect();
    }

    /// All balances and the supply, as the state has them.
    fn balances(&self) -> (BTreeMap<Vec<u8>, U256>, U256) {
        let state = self.chain.head().state;
        let all =
            state.range(&key::ledger(AccountId(B256::ZERO)), &key::supply(), usize::MAX).expect("memory");
        let supply = state.get(&key::supply()).expect("memory").expect("a supply");
        let amount = |bytes: &[u8]| U256::from_be_slice(bytes);
        (all.into_iter().map(|(key, wei)| (key, amount(&wei))).collect(), amount(&supply))
    }

    fn evm(&mut self) -> Made {
        let to = match self.rng.random_range(0..3) {
            0 => Wallet::numbered(self.rng.random_range(0..40)).address(),
            _ => self.wallets[self.rng.random_range(0..self.wallets.len())].address(),
        };
        // Sometimes less than a lamport, so that an account has nothing but dust.
        let most = if self.rng.random() { WEI_PER_LAMPORT } else { 1_000_000 * WEI_PER_LAMPORT };
        let wei = self.rng.random_range(0..u128::from(most));
        let index = self.rng.random_range(0..self.wallets.len());
        let signed = self.wallets[index].transfer(to, wei);
        Made::new(VmId::EVM, hex::decode(&signed.raw[2..]).expect("hex"))
    }

    fn sbf(&mut self, blockhash: Hash) -> Made {
        let index = self.rng.random_range(0..self.keys.len());
        let (key, payer) = (&self.keys[index], self.keys[index].pubkey());
        let to = match self.rng.random_range(0..4) {
            0 => AccountId::from_evm(Wallet::numbered(self.rng.random_range(0..40)).address()),
            1 => AccountId::from_evm(self.wallets[self.rng.random_range(0..self.wallets.len())].address()),
            _ => id(&self.keys[self.rng.random_range(0..self.keys.len())].pubkey()),
        };
        let lamports = match self.rng.random_range(0..60) {
            // More than anybody has: fails and pays.
            0..=3 => u64::MAX / 2,
            // All of it, where nothing else of this account is in the block: then only dust is left.
            4 => {
                let wei = self.balances().0.get(&key::ledger(id(&payer))).copied().unwrap_or_default();
                weft_sbf::lamports(wei).expect("it fits").saturating_sub(5_001).max(1)
            }
            _ => self.rng.random_range(RENT..100 * RENT),
        };
        // One lamport or none on top, which all goes to the sequencer; a number in the price keeps two of a kind apart.
        let price = ComputeBudgetInstruction::set_compute_unit_price(self.rng.random_range(1..1_000));
        let limit = ComputeBudgetInstruction::set_compute_unit_limit(450 + self.rng.random_range(0..550));
        let pay = transfer(&payer, &Pubkey::new_from_array(to.0.0), lamports);
        let signed = sign(&[key], &[price, limit, pay], blockhash);
        Made::new(VmId::SBF, signed.bytes)
    }

    /// An account that Cosmos' users and contracts can pay.
    fn to(&mut self) -> String {
        let bytes = match self.rng.random_range(0..4) {
            0 => User::numbered(self.rng.random_range(0..40)).bytes().to_vec(),
            1 => self.keys[self.rng.random_range(0..self.keys.len())].pubkey().to_bytes().to_vec(),
            2 => self.contracts[self.rng.random_range(0..self.contracts.len())].to_vec(),
            _ => self.users[self.rng.random_range(0..self.users.len())].bytes().to_vec(),
        };
        address::encode(&bytes)
    }

    /// Money of a user's, or of a contract's that is told to pay, or to burn, or to fail after it has paid.
    fn cosmos(&mut self) -> Made {
        let index = self.rng.random_range(0..self.users.len());
        let most = if self.rng.random() { WEI_PER_LAMPORT } else { 1_000_000 * WEI_PER_LAMPORT };
        let (wei, to, other) = (self.rng.random_range(1..most), self.to(), self.to());
        let called = address::encode(&self.contracts[self.rng.random_range(0..self.contracts.len())]);
        let user = &self.users[index];
        let coins = |wei: u64| json!([{ "denom": DENOM, "amount": wei.to_string() }]);
        let send = |wei| json!({ "bank": { "send": { "to_address": other, "amount": coins(wei) } } });
        let told = |messages: &[Value], funds: u64| {
            let messages: Vec<Value> =
                messages.iter().map(|msg| json!({ "id": 1, "msg": msg, "reply_on": "never" })).collect();
            let msg = json!({ "ok": { "messages": messages }, "key": "00000001" }).to_string();
            contract::execute(user, &called, &msg, funds.into())
        };
        let (messages, burns) = match self.rng.random_range(0..10) {
            0 => (vec![contract::send_to_all(user, &[to, other.clone(), called.clone()], wei.into())], 0),
            // Half of what it is given goes on.
            1..=3 => (vec![told(&[send(wei / 2 + 1)], wei)], 0),
            4 => (vec![told(&[json!({ "bank": { "burn": { "amount": coins(wei) } } })], wei)], wei),
            // Both are taken back: a contract that has paid, and a user who has.
            5 => (vec![told(&[send(1), send(u64::MAX)], wei)], 0),
            6 => (vec![contract::send(user, &to, wei.into()), contract::send(user, &to, u128::MAX / 2)], 0),
            _ => (vec![contract::send(user, &to, wei.into())], 0),
        };
        let signed = cosmos::sign_at(&mut [&mut self.users[index]], messages, GAS, FEE);
        Made { burns, ..Made::new(VmId::WASM, signed.bytes) }
    }

    /// Makes a block.
    fn block(&mut self, made: Vec<Made>) -> Done {
        let burns: HashMap<Bytes, u64> =
            made.iter().map(|made| (made.transaction.payload.clone(), made.burns)).collect();
        let transactions: Vec<Transaction> = made.into_iter().map(|made| made.transaction).collect();
        let parent = self.chain.tip();
        let root = DerivedBlock::ordered_root(transactions.iter());
        let (height, timestamp_ms) = (parent.header.height.next(), parent.header.timestamp_ms + 400);
        let block = DerivedBlock {
            height,
            timestamp_ms,
            origin: DaHeight(1),
            origin_hash: B256::repeat_byte(7),
            order_hash: hash::order_hash(parent.header.order_hash, height.0, timestamp_ms, 1, root),
            sequencer: Some(SEQUENCER),
            transactions: transactions
                .into_iter()
                .map(|transaction| OrderedTransaction { transaction, forced: false })
                .collect(),
        };
        let head = self.chain.head();
        let executed = self.chain.router().apply_block(&*head.state, &*head.nodes, &head.tip.header, &block);
        let executed = executed.expect("executes");
        let fees = &self.chain.genesis().fees;
        let burnt = |base: U256| {
            let share = |bp: u16| base * U256::from(bp) / U256::from(10_000);
            base - share(fees.base_to_sequencer_bp) - share(fees.base_to_treasury_bp)
        };
        let base_of = |vm, gas: u64| match vm {
            VmId::EVM => U256::from(gas) * U256::from(executed.header.base_fee),
            // All that it may use is paid.
            VmId::WASM => U256::from(GAS) * U256::from(executed.header.base_fee),
            _ => U256::from(weft_sbf::LAMPORTS_PER_SIGNATURE) * U256::from(WEI_PER_LAMPORT),
        };
        let of_fees = |done: &ExecutedTransaction| burnt(base_of(done.transaction.vm, done.receipt.gas_used));
        let all = executed.transactions.iter();
        let succeeded = || all.clone().filter(|done| done.receipt.status.is_success());
        let by_contracts: u64 = succeeded().map(|done| burns[&done.transaction.payload]).sum();
        let done = Done {
            burnt: all.clone().map(of_fees).sum::<U256>() + U256::from(by_contracts),
            succeeded: succeeded().count(),
            executed: all.len(),
        };
        self.chain.push_soft(Arc::new(block), executed).expect("follows the tip");
        done
    }
}

#[test]
fn two_thousand_transfers_between_all_machines_lose_no_wei() {
    let seed = seed("dust");
    let mut ledger = Ledger::new(seed);
    let (mut before, mut supply) = ledger.balances();
    let (mut succeeded, mut executed, mut bare, mut dusty) = (0, 0, 0, 0);
    let paid = [AccountId::from_evm(SEQUENCER), ledger.chain.genesis().fees.treasury].map(key::ledger);
    let keys: Vec<_> = ledger.keys.iter().map(|key| key::ledger(id(&key.pubkey()))).collect();
    let dust = |wei: &U256| *wei % U256::from(WEI_PER_LAMPORT);
    for number in 0..BLOCKS {
        let blockhash = Hash::new_from_array(ledger.chain.tip().hash.0);
        let transactions = (0..PER_BLOCK).map(|_| match (number % 4, ledger.rng.random_range(0..3)) {
            (0, _) | (3, 0) => ledger.sbf(blockhash),
            (1, _) | (3, 1) => ledger.evm(),
            _ => ledger.cosmos(),
        });
        let transactions = transactions.collect();
        let done = ledger.block(transactions);
        let (after, new_supply) = ledger.balances();
        let held: U256 = after.values().sum();
        assert_eq!(held, new_supply, "block {number}");
        assert_eq!(new_supply, supply - done.burnt, "block {number}");
        for (account, wei) in &before {
            let now = after.get(account).copied().unwrap_or_default();
            // Solana's transfers move no dust of anybody's, and the EVM's none of those that no EVM key signs for.
            if (number % 4 == 0 && !paid.contains(account)) || (number % 4 == 1 && keys.contains(account)) {
                assert_eq!(dust(&now), dust(wei), "the dust of {account:02x?} moved in block {number}");
            }
        }
        // Where all lamports went, the dust stays behind.
        bare += after.values().filter(|wei| !wei.is_zero() && **wei < U256::from(WEI_PER_LAMPORT)).count();
        dusty += after.values().filter(|wei| !dust(wei).is_zero()).count();
        (before, supply) = (after, new_supply);
        (succeeded, executed) = (succeeded + done.succeeded, executed + done.executed);
    }
    println!("{succeeded} of {executed} transfers succeeded; {dusty} times dust, {bare} times nothing else");
    assert!(succeeded >= 1_400 && succeeded < executed && bare > 0, "{succeeded} of {executed}, {bare} bare");
    let left = ledger.contracts.iter().map(|bytes| key::ledger(AccountId(B256::new(*bytes))));
    assert!(
        left.into_iter().all(|contract| before.contains_key(contract.as_slice())),
        "a contract has no wei"
    );
}
