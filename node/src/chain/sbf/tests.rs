//! The look-ups at the tip against what a walk over the state and the blocks finds, whatever happens to the chain.

use super::super::tests::{block_of, execute, genesis, memory};
use super::super::{Chain, DaStep};
use super::*;
use crate::plugins;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_genesis::Machine;
use weft_router::Router;
use weft_sbf::index::{IndexKey, TOKEN, TOKEN_2022};
use weft_sbf::{key, record};
use weft_state::{JmtTree, Journal, Kv, Store, StoreError};
use weft_types::{
    AccountId, B256, DaHeight, DerivedBlock, GasRate, OrderedTransaction, Status, Transaction, U256, hash,
};
use weft_vm::{BlockEnv, BlockPhase, Checked, Execution, Outcome, Reject, Vm};

const SEED: &str = "WEFT_INDEX_SEED";
const RUNS: u64 = 24;
const STEPS: usize = 40;
/// Accounts that transactions name and write.
const ACCOUNTS: u8 = 8;
/// What the instruction's data of a payload of [`wire`] begins with; a count and the operations follow.
const MARKER: [u8; 4] = *b"ops:";

/// A machine that takes Solana's wire form and writes the accounts that the instruction's data says: nothing is
/// signed, nothing is paid.
struct Scribe;

/// `account | what`: 0 removes it, else one of the values of [`value`].
fn ops(payload: &[u8]) -> &[u8] {
    let at = payload.windows(4).position(|window| window == MARKER).expect("made by `wire`");
    let count = usize::from(payload[at + 4]);
    &payload[at + 5..][..count * 2]
}

fn value(what: u8) -> (solana_pubkey::Pubkey, Vec<u8>) {
    let owner = [TOKEN, TOKEN_2022, [3; 32].into()][usize::from(what % 3)];
    let len = [0, 82, 165, 170, 9_000][usize::from(what / 3 % 5)];
    let mut data = vec![0; len];
    // Mint, wallet, delegate, state and type of a token account, where it is long enough.
    for (at, byte) in
        [(0, what / 15 % 2), (32, what / 30 % 2), (72, 1), (76, what / 60 % 2), (108, 1), (165, 2)]
    {
        data.iter_mut().skip(at).take(1).for_each(|slot| *slot = byte);
    }
    (owner, data)
}

fn write(journal: &mut Journal<'_>, account: u8, what: u8) {
    let pubkey = [account; 32].into();
    if what == 0 {
        journal.remove(key::page(&pubkey, 0));
        return journal.remove(key::account(&pubkey));
    }
    let (owner, data) = value(what);
    journal.set(key::account(&pubkey), record::encode(&owner, false, &data));
    match data.len() > record::INLINE_BYTES_MAX {
        true => journal.set(key::page(&pubkey, 0), data.into()),
        false => journal.remove(key::page(&pubkey, 0)),
    }
}

impl Vm for Scribe {
    fn id(&self) -> VmId {
        VmId::SBF
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        let (id, sender) = (hash::sha256("scribe", &[payload]), AccountId(B256::ZERO));
        let decoded = Arc::new(payload.to_vec());
        Ok(Checked { vm: VmId::SBF, id, sender, gas_limit: 1, decoded })
    }

    fn execute(
        &self,
        journal: &mut Journal<'_>,
        _: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError> {
        let payload = checked.decoded.downcast_ref::<Vec<u8>>().expect("of this machine");
        ops(payload).chunks(2).for_each(|op| write(journal, op[0], op[1]));
        let loaded = weft_sbf::Detail {
            loaded_writable: vec![[0xa1; 32].into()],
            loaded_readonly: vec![[0xa2; 32].into()],
            ..weft_sbf::Detail::default()
        };
        let (output, detail) = (Bytes::new(), loaded.encode());
        Ok(Execution::Executed(Outcome {
            status: Status::Success,
            gas_used: 1,
            fee: U256::ZERO,
            output,
            detail,
        }))
    }

    fn query(&self, _: &mut Journal<'_>, _: &BlockEnv, _: &[u8], _: u64) -> Result<Outcome, ReadError> {
        Err(ReadError("no queries".into()))
    }

    fn on_block(&self, journal: &mut Journal<'_>, _: &BlockEnv, phase: BlockPhase) -> Result<(), ReadError> {
        if phase == BlockPhase::Genesis {
            (0..3).for_each(|account| write(journal, account, 7));
        }
        Ok(())
    }
}

/// A transaction that names `keys` and, where it has a lookup table, the two accounts that every [`Scribe`] loads.
fn wire(number: u64, keys: &[[u8; 32]], table: bool, ops: &[u8]) -> OrderedTransaction {
    let mut bytes = [&[1][..], &number.to_be_bytes(), &[0; 56]].concat();
    bytes.extend_from_slice(if table { &[0x80] } else { &[] });
    bytes.extend_from_slice(&[1, 0, 0, u8::try_from(keys.len()).expect("few")]);
    keys.iter().for_each(|key| bytes.extend_from_slice(key));
    bytes.extend_from_slice(&[0; 32]);
    let data = [&MARKER[..], &[u8::try_from(ops.len() / 2).expect("few")], ops].concat();
    bytes.extend_from_slice(&[1, 0, 0, u8::try_from(data.len()).expect("few")]);
    bytes.extend_from_slice(&data);
    if table {
        bytes.push(1);
        bytes.extend_from_slice(&[5; 32]);
        bytes.extend_from_slice(&[1, 0, 1, 1]);
    }
    let transaction = Transaction { vm: VmId::SBF, payload: bytes.into() };
    OrderedTransaction { transaction, forced: false }
}

fn open(kv: &Arc<dyn Kv>) -> Arc<Chain> {
    let mut genesis = (*genesis()).clone();
    genesis.machines.retain(|machine| machine.vm == VmId::EVM);
    let mut machines = plugins::machines(&genesis).expect("an EVM").all;
    machines.push(Arc::new(Scribe));
    genesis.machines.push(Machine::new(VmId::SBF, "scribe", GasRate::ONE));
    let store = Store::on(Arc::clone(kv), genesis.hash()).expect("a store");
    let router = Router::new(Arc::new(genesis), machines, Arc::new(JmtTree)).expect("a router");
    Chain::open(Arc::new(router), store, Bytes::from_static(b"start")).expect("a chain")
}

struct World {
    kv: Arc<dyn Kv>,
    chain: Arc<Chain>,
    random: StdRng,
    transactions: u64,
    da_height: u64,
    /// What each transaction names, as it was made.
    named: BTreeMap<B256, Vec<[u8; 32]>>,
    /// Transactions of blocks that became void, that landed, and that were derived with no soft block before; blocks
    /// that were rolled back.
    void: usize,
    landed: usize,
    derived: usize,
    rolled_back: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let kv = memory();
        let (chain, random) = (open(&kv), StdRng::seed_from_u64(seed));
        let (void, landed, derived, rolled_back) = (0, 0, 0, 0);
        let named = BTreeMap::new();
        Self { kv, chain, random, transactions: 0, da_height: 1, named, void, landed, derived, rolled_back }
    }

    fn transaction(&mut self) -> OrderedTransaction {
        self.transactions += 1;
        let first = self.random.random_range(0..ACCOUNTS);
        let mut keys: Vec<_> = (first..ACCOUNTS).map(|byte| [byte; 32]).collect();
        keys.truncate(self.random.random_range(1..4));
        let table = self.random.random_bool(0.3);
        let count = self.random.random_range(0..4);
        let ops: Vec<u8> = (0..count)
            .flat_map(|_| {
                let what = if self.random.random_bool(0.2) { 0 } else { self.random.random_range(1..=120) };
                [self.random.random_range(0..ACCOUNTS), what]
            })
            .collect();
        let ordered = wire(self.transactions, &keys, table, &ops);
        if table {
            keys.extend([[0xa1; 32], [0xa2; 32]]);
        }
        self.named.insert(hash::sha256("scribe", &[&ordered.transaction.payload]), keys);
        ordered
    }

    fn block(&mut self, parent: &BlockRecord) -> DerivedBlock {
        let count = self.random.random_range(0..4);
        let transactions = (0..count).map(|_| self.transaction()).collect();
        block_of(parent, transactions)
    }

    fn push(&mut self) {
        let block = self.block(&self.chain.tip());
        self.chain.push_soft(Arc::new(block.clone()), execute(&self.chain, &block)).expect("follows the tip");
    }

    fn void(&mut self) {
        let (included, tip) = (self.chain.included().header.height, self.chain.tip().header.height);
        let height = self.random.random_range(included.0 + 1..=tip.0 + 1);
        self.void += transactions(&self.chain.void_soft(Height(height)));
    }

    /// Some of the soft blocks land; perhaps another block lands on top of them.
    fn derive(&mut self) {
        let soft = self.chain.soft();
        let land = self.random.random_range(0..=soft.len());
        let mut blocks: Vec<_> = soft[..land].iter().map(|soft| (*soft.block).clone()).collect();
        if self.random.random_bool(0.4) {
            let last = self.chain.included();
            let last = soft[..land].last().map_or(last, |soft| Arc::clone(&soft.record));
            blocks.push(self.block(&last));
        }
        let second = blocks.split_off(self.random.random_range(0..=blocks.len()));
        let steps = [blocks, second].map(|blocks| {
            self.da_height += 1;
            DaStep {
                da_height: DaHeight(self.da_height),
                da_hash: B256::ZERO,
                blocks,
                discarded: Vec::new(),
                derivation: Bytes::copy_from_slice(&self.da_height.to_be_bytes()),
            }
        });
        let applied = self.chain.apply_derived(steps.into()).expect("applies");
        let executed = transactions(&applied.executed);
        self.void += transactions(&applied.voided);
        self.landed += transactions(&applied.included) - executed;
        self.derived += executed;
    }

    fn restart(&mut self, rollback: bool) {
        let to = self.random.random_range(self.chain.oldest().0..=self.chain.included().header.height.0);
        if rollback {
            match self.chain.store().rollback(Height(to)) {
                Ok(tip) => self.rolled_back += self.chain.included().header.height.since(tip.height),
                Err(StoreError::NoBoundary { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        self.chain = open(&self.kv);
    }

    fn prune(&mut self) {
        let included = self.chain.included().header.height.0;
        let below = Height(included.saturating_sub(self.random.random_range(0..6)));
        while self.chain.store().prune(below).expect("kept").more {}
    }

    fn step(&mut self) {
        match self.random.random_range(0..14) {
            0..=6 => self.push(),
            7 => self.void(),
            8..=10 => self.derive(),
            11 => self.restart(false),
            12 => self.restart(true),
            _ => self.prune(),
        }
    }

    fn check(&self, seed: u64) {
        let tip = self.chain.tip().header.height;
        let entries = entries(&*self.chain.head().state);
        for prefix in prefixes() {
            let all: Vec<_> = entries.iter().filter(|entry| entry.prefix == prefix).collect();
            let all: Vec<_> = all.iter().map(|entry| entry.account).collect();
            let found = |limit| self.chain.sbf_accounts(&prefix, limit).expect("reads");
            assert_eq!(found(100), all, "{prefix:02x?} at {tip}, seed {seed}");
            assert_eq!(found(2), all[..all.len().min(2)], "{prefix:02x?} at {tip}, seed {seed}");
        }
        let mut named: BTreeMap<[u8; 32], Vec<(Height, usize)>> = BTreeMap::new();
        for height in (0..=tip.0).rev().map(Height) {
            let block = self.chain.block(height).expect("reads").expect("below the tip");
            for (at, transaction) in block.transactions.iter().enumerate().rev() {
                for account in &self.named[&transaction.id] {
                    named.entry(*account).or_default().push((height, at));
                }
            }
        }
        for account in (0..ACCOUNTS).chain([0xa1, 0xa2, 0xff]).map(|byte| [byte; 32]) {
            let expected = named.remove(&account).unwrap_or_default();
            let all = self.chain.sbf_signatures(&account, None, usize::MAX).expect("reads");
            assert_eq!(all, expected, "{account:02x?} at {tip}, seed {seed}");
            let (mut paged, mut before) = (Vec::new(), None);
            loop {
                let page = self.chain.sbf_signatures(&account, before, 2).expect("reads");
                assert!(page.len() <= 2);
                let Some(last) = page.last() else { break };
                before = Some(*last);
                paged.extend(page);
            }
            assert_eq!(paged, expected, "{account:02x?} at {tip} in pages, seed {seed}");
        }
    }

    /// Every height that is kept has the index of its own state, and nothing else under the index's keys.
    fn check_heights(&self, seed: u64) {
        for height in self.chain.oldest().0..=self.chain.tip().header.height.0 {
            let state = self.chain.state_at(Height(height)).expect("kept");
            let expected: BTreeSet<Key> = entries(&*state).iter().map(IndexKey::to_key).collect();
            let found = state.range(&[0xff], &[0xff; 2], usize::MAX).expect("reads");
            let found: BTreeSet<Key> = found.into_iter().map(|(key, _)| key).collect();
            assert_eq!(found, expected, "height {height}, seed {seed}");
        }
    }
}

fn transactions(blocks: &[Arc<BlockRecord>]) -> usize {
    blocks.iter().map(|block| block.transactions.len()).sum()
}

/// What a scan over all accounts finds, ascending.
fn entries(state: &dyn StateRead) -> BTreeSet<IndexKey> {
    let (from, to) = ([VmId::SBF.0, key::ACCOUNT], [VmId::SBF.0, key::ACCOUNT + 1]);
    let mut entries = BTreeSet::new();
    for (account, record) in state.range(&from, &to, usize::MAX).expect("reads") {
        let account = *account.last_chunk::<32>().expect("a pubkey");
        let page = || state.get(&key::page(&account.into(), 0));
        entries.extend(index::entries(account, &record, page).expect("reads"));
    }
    entries
}

/// Every prefix that [`value`] can make, and one that it can't.
fn prefixes() -> Vec<IndexPrefix> {
    let mut prefixes: Vec<_> =
        [3, 4].map(|owner| IndexPrefix::Owner { program: [owner; 32] }).into_iter().collect();
    for token_program in [TOKEN, TOKEN_2022].map(|program| program.to_bytes()) {
        prefixes.push(IndexPrefix::Owner { program: token_program });
        for first in 0..2 {
            let mut key = [0; 32];
            key[0] = first;
            prefixes.push(IndexPrefix::TokenMint { token_program, mint: key });
            prefixes.push(IndexPrefix::TokenOwner { token_program, wallet: key });
            prefixes.push(IndexPrefix::TokenDelegate { token_program, delegate: key });
        }
    }
    prefixes
}

#[test]
fn look_ups_are_what_a_walk_finds_whatever_happens_to_the_chain() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let first = seed.unwrap_or_else(rand::random::<u32>).into();
    let runs = if seed.is_some() { 1 } else { RUNS };
    println!("{SEED}={first}, {runs} runs");
    let mut happened = [0; 4];
    for seed in first..first + runs {
        let mut world = World::new(seed);
        world.check(seed);
        for _ in 0..STEPS {
            world.step();
            world.check(seed);
        }
        world.check_heights(seed);
        let rolled_back = usize::try_from(world.rolled_back).expect("few");
        let counts = [world.void, world.landed, world.derived, rolled_back];
        happened.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    assert!(runs == 1 || happened.iter().all(|count| *count > 20), "it saw too little: {happened:?}");
}
