//! Wei below a lamport, which Solana's programs never see: they stay where they are, and with them the supply is whole.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_genesis::{Account, Devnet, Genesis};
use weft_node::chain::Chain;
use weft_node::plugins;
use weft_router::Router;
use weft_sbf::WEI_PER_LAMPORT;
use weft_state::{JmtTree, MemoryKv, Store, key};
use weft_tests::seed;
use weft_tests::solana::{keypair, sign};
use weft_tests::wallet::Wallet;
use weft_types::{
    AccountId, Address, B256, Bytes, DaHeight, DerivedBlock, OrderedTransaction, Transaction, U256, VmId,
    hash,
};

const BLOCKS: usize = 150;
const PER_BLOCK: usize = 10;
const SEQUENCER: Address = Address::repeat_byte(5);
const EVM: u32 = 6;
const SBF: u8 = 6;
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
}

impl Ledger {
    /// Every account begins with its own dust.
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (wallets, keys): (Vec<_>, Vec<_>) =
            ((0..EVM).map(Wallet::devnet).collect(), (0..SBF).map(keypair).collect());
        let mut genesis = Genesis::devnet(Devnet {
            timestamp_ms: 1_760_000_000_000,
            celestia_chain_id: "weft-local".into(),
            checkpoint: (DaHeight(1), B256::repeat_byte(7)),
            sequencers: vec![SEQUENCER],
            accounts: Vec::new(),
        });
        let evm = wallets.iter().map(|wallet: &Wallet| AccountId::from_evm(wallet.address()));
        let all = evm.chain(keys.iter().map(|key: &Keypair| id(&key.pubkey())));
        genesis.accounts = all
            .map(|account| {
                Account::funded(account, U256::from(rng.random_range(10_u64.pow(18)..10_u64.pow(19))))
            })
            .collect();
        let genesis = Arc::new(genesis);
        let machines = plugins::machines(&genesis).expect("both machines").all;
        let router = Router::new(Arc::clone(&genesis), machines, Arc::new(JmtTree)).expect("a router");
        let store = Store::on(Arc::new(MemoryKv::default()), genesis.hash()).expect("a store");
        let chain = Chain::open(Arc::new(router), store, Bytes::new()).expect("a chain");
        Self { chain, rng, wallets, keys }
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

    fn evm(&mut self) -> Transaction {
        let to = match self.rng.random_range(0..3) {
            0 => Wallet::numbered(self.rng.random_range(0..40)).address(),
            _ => self.wallets[self.rng.random_range(0..self.wallets.len())].address(),
        };
        // Sometimes less than a lamport, so that an account has nothing but dust.
        let most = if self.rng.random() { WEI_PER_LAMPORT } else { 1_000_000 * WEI_PER_LAMPORT };
        let wei = self.rng.random_range(0..u128::from(most));
        let index = self.rng.random_range(0..self.wallets.len());
        let signed = self.wallets[index].transfer(to, wei);
        let payload = hex::decode(&signed.raw[2..]).expect("hex");
        Transaction { vm: VmId::EVM, payload: payload.into() }
    }

    fn sbf(&mut self, blockhash: Hash) -> Transaction {
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
        Transaction { vm: VmId::SBF, payload: signed.bytes.into() }
    }

    /// Makes a block; gives what its transactions burnt, how many did what they should, and how many there were.
    fn block(&mut self, transactions: Vec<Transaction>) -> (U256, usize, usize) {
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
            _ => U256::from(weft_sbf::LAMPORTS_PER_SIGNATURE) * U256::from(WEI_PER_LAMPORT),
        };
        let all = executed.transactions.iter();
        let total = all.clone().map(|done| burnt(base_of(done.transaction.vm, done.receipt.gas_used))).sum();
        let counts = (all.clone().filter(|done| done.receipt.status.is_success()).count(), all.count());
        self.chain.push_soft(Arc::new(block), executed).expect("follows the tip");
        (total, counts.0, counts.1)
    }
}

#[test]
fn a_thousand_transfers_that_leave_dust_lose_none_of_it() {
    let seed = seed("dust");
    let mut ledger = Ledger::new(seed);
    ledger.block(Vec::new());
    let (mut before, mut supply) = ledger.balances();
    let (mut succeeded, mut executed, mut bare, mut dusty) = (0, 0, 0, 0);
    let paid = [AccountId::from_evm(SEQUENCER), ledger.chain.genesis().fees.treasury].map(key::ledger);
    let dust = |wei: &U256| *wei % U256::from(WEI_PER_LAMPORT);
    for number in 0..BLOCKS {
        let blockhash = Hash::new_from_array(ledger.chain.tip().hash.0);
        let of_evm = |ledger: &mut Ledger| match number % 3 {
            0 => false,
            1 => true,
            _ => ledger.rng.random(),
        };
        let transactions = (0..PER_BLOCK)
            .map(|_| if of_evm(&mut ledger) { ledger.evm() } else { ledger.sbf(blockhash) })
            .collect();
        let (burnt, good, all) = ledger.block(transactions);
        let (after, new_supply) = ledger.balances();
        let held: U256 = after.values().sum();
        assert_eq!(held, new_supply, "block {number}");
        assert_eq!(new_supply, supply - burnt, "block {number}");
        let keys: Vec<_> = ledger.keys.iter().map(|key| key::ledger(id(&key.pubkey()))).collect();
        for (account, wei) in &before {
            let now = after.get(account).copied().unwrap_or_default();
            // Solana's transfers move no dust of anybody's, and the EVM's none of those that no EVM key signs for.
            if (number % 3 == 0 && !paid.contains(account)) || keys.contains(account) {
                assert_eq!(dust(&now), dust(wei), "the dust of {account:02x?} moved in block {number}");
            }
        }
        // Where all lamports went, the dust stays behind.
        bare += after.values().filter(|wei| !wei.is_zero() && **wei < U256::from(WEI_PER_LAMPORT)).count();
        dusty += after.values().filter(|wei| !dust(wei).is_zero()).count();
        (before, supply) = (after, new_supply);
        (succeeded, executed) = (succeeded + good, executed + all);
    }
    println!("{succeeded} of {executed} transfers succeeded; {dusty} times dust, {bare} times nothing else");
    assert!(succeeded >= 1_000 && succeeded < executed && bare > 0, "{succeeded} of {executed}, {bare} bare");
}
