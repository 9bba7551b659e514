//! The pool over a real chain in memory with all machines.

use super::*;
use crate::testing;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::TxKind;
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::{advance_nonce_account, create_nonce_account, transfer};
use solana_transaction::Instruction;
use solana_transaction_error::TransactionError;
use weft_genesis::{Devnet, Genesis};
use weft_router::Router;
use weft_sbf::{BLOCK_HEIGHT_MS, BLOCKHASH_HEIGHTS, PAUSE_MS_MAX};
use weft_state::{Backend, JmtTree, Store, StoreConfig};
use weft_types::{DaHeight, Height, U256};

/// How long a blockhash is good.
const LIFE_MS: u64 = BLOCKHASH_HEIGHTS * BLOCK_HEIGHT_MS;

struct World {
    chain: Arc<Chain>,
    pool: Arc<Mempool>,
    payer: Keypair,
    wallet: PrivateKeySigner,
}

impl World {
    fn new(deny: impl IntoIterator<Item = AccountId>) -> Self {
        let payer = Keypair::new_from_array([7; 32]);
        let wallet = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a key");
        let id = AccountId::from_key(payer.pubkey().to_bytes()).expect("no tag");
        let genesis = Genesis::devnet(Devnet {
            timestamp_ms: now_ms(),
            celestia_chain_id: "weft-local".into(),
            checkpoint: (DaHeight(7), B256::repeat_byte(7)),
            sequencers: vec![Address::repeat_byte(5)],
            accounts: vec![AccountId::from_evm(wallet.address()), id],
        });
        let machines = crate::plugins::machines(&genesis).expect("machines");
        let sbf = machines.sbf.clone();
        let router = Router::new(Arc::new(genesis), machines.all, Arc::new(JmtTree)).expect("all machines");
        let store = StoreConfig {
            backend: Backend::Memory,
            dir: std::path::PathBuf::new(),
            cache_bytes: StoreConfig::CACHE_BYTES,
        };
        let store = Store::open(&store, router.genesis_hash()).expect("a store");
        let chain = Chain::open(Arc::new(router), store, weft_types::Bytes::new()).expect("a chain");
        let config = MempoolConfig { deny: deny.into_iter().collect(), ..MempoolConfig::default() };
        let pool = Mempool::new(Arc::clone(&chain), config, sbf);
        let world = Self { chain, pool, payer, wallet };
        // Genesis is no block that a transaction could name before another stands on it.
        world.block(0);
        world
    }

    fn blockhash(&self) -> Hash {
        Hash::new_from_array(self.chain.tip().hash.0)
    }

    /// Makes a soft block of what can execute, so much later than the tip.
    fn block(&self, later_ms: u64) -> Arc<BlockRecord> {
        self.block_of(later_ms, usize::MAX)
    }

    /// The same of `most` transactions at the most: another sequencer's has none of this pool.
    fn block_of(&self, later_ms: u64, most: usize) -> Arc<BlockRecord> {
        testing::make_block(&self.chain, &self.pool, Address::repeat_byte(5), later_ms, most)
    }

    /// Celestia has all soft blocks now.
    fn include(&self) {
        testing::include_all(&self.chain);
    }

    fn add(&self, transaction: Transaction) -> Result<B256, PoolError> {
        self.pool.add_many(vec![transaction]).remove(0)
    }

    fn sbf(&self, blockhash: Hash, lamports: u64) -> Transaction {
        let to = Pubkey::from([9; 32]);
        signed(&[&self.payer], &[transfer(&self.payer.pubkey(), &to, lamports)], blockhash)
    }

    fn evm(&self, nonce: u64) -> Transaction {
        self.evm_at(nonce, 3_000_000_000)
    }

    fn evm_at(&self, nonce: u64, max_fee_per_gas: u128) -> Transaction {
        let transaction = TxEip1559 {
            chain_id: Devnet::CHAIN_ID,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas,
            max_priority_fee_per_gas: max_fee_per_gas.min(1_000_000_000),
            to: TxKind::Call(Address::repeat_byte(8)),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        let signature = self.wallet.sign_hash_sync(&transaction.signature_hash()).expect("a signature");
        let payload = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
        Transaction { vm: VmId::EVM, payload: payload.into() }
    }
}

fn signed(signers: &[&Keypair], instructions: &[Instruction], blockhash: Hash) -> Transaction {
    let payer = signers[0].pubkey();
    let transaction = solana_transaction::Transaction::new_signed_with_payer(
        instructions,
        Some(&payer),
        signers,
        blockhash,
    );
    let payload = bincode::serialize(&transaction).expect("bytes");
    Transaction { vm: VmId::SBF, payload: payload.into() }
}

#[track_caller]
fn refused(result: Result<B256, PoolError>) -> TransactionError {
    result.expect_err("refused").transaction_error().expect("an error of Solana's")
}

#[test]
fn both_machines_wait_in_one_pool_and_stand_in_one_block() {
    let world = World::new([]);
    let mut added = world.pool.subscribe();
    let sent = vec![world.evm(0), world.sbf(world.blockhash(), 10_000_000), world.evm(1)];
    let ids: Vec<B256> = world.pool.add_many(sent).into_iter().map(|result| result.expect("taken")).collect();
    assert!(world.pool.get(ids[0]).and_then(Pooled::into_evm).is_some());
    let sbf = world.pool.get(ids[1]).and_then(Pooled::into_sbf).expect("SBF's");
    assert_eq!((sbf.payer, sbf.fee), (world.payer.pubkey(), 5_000));
    assert_eq!((world.pool.status(VmId::EVM).pending, world.pool.status(VmId::SBF).pending), (2, 1));
    assert_eq!(world.pool.evm_content().len(), 2, "what txpool_* shows");
    let heard: Vec<B256> = (0..3).map(|_| added.try_recv().expect("an event").id()).collect();
    assert_eq!(heard, ids);
    let block = world.block(200);
    let placed: Vec<B256> = block.transactions.iter().map(|record| record.id).collect();
    // Which of the other two is second depends on the gas of a compute unit.
    assert_eq!(placed.first(), ids.first(), "it pays on top, and came first");
    let all = |ids: &[B256]| ids.iter().copied().collect::<HashSet<_>>();
    assert_eq!((placed.len(), all(&placed)), (3, all(&ids)));
    assert!(world.pool.is_empty());
}

#[test]
fn copies_unknown_blockhashes_and_payers_without_an_account_are_refused() {
    let world = World::new([]);
    let sent = world.sbf(world.blockhash(), 10_000_000);
    let id = world.add(sent.clone()).expect("taken");
    assert_eq!(world.add(sent.clone()), Err(PoolError::AlreadyKnown(id)));
    world.block(200);
    assert_eq!(refused(world.add(sent.clone())), TransactionError::AlreadyProcessed);
    world.include();
    let error = world.add(sent).expect_err("in a block");
    assert_eq!(error.to_string(), "This transaction has already been processed");
    let unknown = world.sbf(Hash::new_from_array([3; 32]), 1);
    assert_eq!(refused(world.add(unknown)), TransactionError::BlockhashNotFound);
    let poor = Keypair::new_from_array([8; 32]);
    let instruction = transfer(&poor.pubkey(), &world.payer.pubkey(), 1);
    let poor = signed(&[&poor], &[instruction], world.blockhash());
    assert_eq!(refused(world.add(poor)), TransactionError::AccountNotFound);
    let cut = Transaction { vm: VmId::SBF, payload: vec![1; 90].into() };
    assert_eq!(refused(world.add(cut)), TransactionError::SanitizeFailure);
}

#[test]
fn what_names_an_old_blockhash_is_dropped_and_refused() {
    let world = World::new([]);
    let old = world.blockhash();
    for _ in 0..LIFE_MS / PAUSE_MS_MAX {
        world.block(PAUSE_MS_MAX);
    }
    world.add(world.sbf(old, 1_000_000)).expect("good for the last time");
    let id = world.add(world.sbf(world.blockhash(), 2_000_000)).expect("taken");
    world.block_of(BLOCK_HEIGHT_MS, 0);
    assert_eq!(world.pool.status(VmId::SBF).pending, 1);
    assert!(world.pool.get(id).is_some());
    assert_eq!(refused(world.add(world.sbf(old, 3_000_000))), TransactionError::BlockhashNotFound);
}

#[test]
fn transactions_of_void_blocks_come_back_unless_they_name_one() {
    let world = World::new([]);
    let stands = world.add(world.sbf(world.blockhash(), 1_000_000)).expect("taken");
    let block = world.block(200);
    let named = world.add(world.sbf(world.blockhash(), 2_000_000)).expect("names the void one");
    let waits = world.add(world.sbf(Hash::new_from_array(block.header.parent.0), 3_000_000)).expect("taken");
    let removed = world.chain.void_soft(Height(block.header.height.0));
    world.pool.on_revert(&removed).expect("a state");
    let there = |id| world.pool.get(id).is_some();
    assert!(there(stands) && there(waits) && !there(named));
    assert_eq!(world.block(300).transactions.len(), 2);
}

#[test]
fn a_nonce_is_not_free_while_a_block_is_found_void() {
    let world = World::new([]);
    let first = world.add(world.evm(0)).expect("taken");
    let block = world.block(200);
    world.add(world.evm(1)).expect("taken");
    let held = world.pool.hold();
    let removed = world.chain.void_soft(Height(block.header.height.0));
    // The state says 0 again, and nobody has taken up the first yet.
    assert!(matches!(world.add(world.evm(0)), Err(PoolError::NonceTooLow { next: 1, got: 0 })));
    world.add(world.evm(2)).expect("goes on");
    world.pool.on_revert(&removed).expect("a state");
    drop(held);
    assert_eq!(world.pool.pending_nonce(world.wallet.address()), Some(3));
    let block = world.block(300);
    assert_eq!((block.transactions.len(), block.transactions[0].id), (3, first));
}

#[test]
fn what_pays_too_little_waits_for_blocks_that_lower_the_base_fee() {
    let world = World::new([]);
    let id = world.add(world.evm_at(0, 500_000_000)).expect("taken");
    let base_fee = || world.chain.pending_env(0).base_fee;
    let mut blocks = 0;
    while world.pool.waits_for_price(base_fee()) {
        assert_eq!(world.block(200).transactions.len(), 0);
        blocks += 1;
    }
    assert_eq!((world.block(200).transactions.first().map(|record| record.id), blocks), (Some(id), 4));
    // No price closes a gap.
    world.add(world.evm_at(5, 2_000_000)).expect("taken");
    assert!(!world.pool.waits_for_price(base_fee()));
}

#[test]
fn nothing_waits_for_ever() {
    let world = World::new([]);
    let sent = || vec![world.evm(0), world.evm(2), world.sbf(world.blockhash(), 10_000_000)];
    assert!(world.pool.add_many(sent()).iter().all(Result::is_ok));
    let now = Instant::now();
    world.pool.expire(now + WAIT_MAX - SWEEP_EVERY);
    let pending = |vm| world.pool.status(vm).pending + world.pool.status(vm).queued;
    assert_eq!((pending(VmId::EVM), pending(VmId::SBF)), (2, 1));
    world.pool.expire(now + WAIT_MAX);
    assert!(world.pool.is_empty());
    assert!(world.pool.add_many(sent()).iter().all(Result::is_ok), "their places are free");
}

#[test]
fn a_durable_nonce_stands_in_for_a_blockhash() {
    let world = World::new([]);
    let nonce = Keypair::new_from_array([6; 32]);
    let (payer, account) = (world.payer.pubkey(), nonce.pubkey());
    let create = create_nonce_account(&payer, &account, &payer, 10_000_000);
    world.add(signed(&[&world.payer, &nonce], &create, world.blockhash())).expect("taken");
    world.block(200);
    let record = world.chain.head().state.get(&weft_sbf::key::account(&account)).expect("a state");
    let record = weft_sbf::record::decode(&record.expect("an account")).expect("a record");
    let weft_sbf::record::RecordData::Inline(data) = record.data else { panic!("a small account") };
    let held = Hash::new_from_array(data[40..72].try_into().expect("32 bytes"));
    for _ in 0..2 * LIFE_MS / PAUSE_MS_MAX {
        world.block(PAUSE_MS_MAX);
    }
    let to = Pubkey::from([9; 32]);
    let with = |hash| {
        let instructions = [advance_nonce_account(&account, &payer), transfer(&payer, &to, 5_000_000)];
        signed(&[&world.payer], &instructions, hash)
    };
    assert_eq!(refused(world.add(with(Hash::default()))), TransactionError::BlockhashNotFound);
    world.add(with(held)).expect("taken");
    assert_eq!(world.block(200).transactions.len(), 1);
    assert_eq!(refused(world.add(with(held))), TransactionError::BlockhashNotFound, "it has moved on");
}

#[test]
fn an_operator_refuses_signers_of_both_machines() {
    let payer = Keypair::new_from_array([7; 32]);
    let id = AccountId::from_key(payer.pubkey().to_bytes()).expect("no tag");
    let wallet = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).expect("a key");
    let world = World::new([id, AccountId::from_evm(wallet.address())]);
    assert_eq!(world.add(world.evm(0)), Err(PoolError::Denied));
    assert_eq!(world.add(world.sbf(world.blockhash(), 1)), Err(PoolError::Denied));
    // Another pays, and the denied one signs.
    let other = Keypair::new_from_array([8; 32]);
    let instruction = transfer(&payer.pubkey(), &other.pubkey(), 1);
    let both = signed(&[&other, &payer], &[instruction], world.blockhash());
    assert_eq!(world.add(both), Err(PoolError::Denied));
}
