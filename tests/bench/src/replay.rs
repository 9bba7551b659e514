//! `replay-evm`: from Celestia's answers to a committed state root, against bare signature recovery on all cores
//! and bare revm over a map in memory, on the same transfers.

use crate::celestia::{self, Recorded};
use crate::{Figures, rate, workload};
use alloy_consensus::TxEnvelope;
use alloy_consensus::transaction::SignerRecoverable;
use alloy_eips::eip2718::Decodable2718;
use rayon::prelude::*;
use revm::context::TxEnv;
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{Context, ExecuteCommitEvm, MainBuilder, MainContext};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_da::derive::{DerivationState, derive};
use weft_da::verify::Verifier;
use weft_node::plugins;
use weft_router::Router;
use weft_state::{Backend, JmtTree, Store, StoreConfig};
use weft_types::{Bytes, Height, Transaction, U256};

const PER_BLOCK: usize = 10_000;

pub fn run(transfers: usize, accounts: usize) -> eyre::Result<Figures> {
    let transactions = workload::transfers(transfers, accounts);
    let recorded = celestia::record(&transactions, accounts, PER_BLOCK, 1)?;
    let ours = replay(&recorded, transfers)?;
    let reference = bare(&transactions, accounts)?;
    Ok(Figures {
        unit: "transactions/s",
        ours: rate(transfers, ours),
        reference: Some(rate(transfers, reference)),
    })
}

fn replay(recorded: &Recorded, transfers: usize) -> eyre::Result<Duration> {
    let dir = tempfile::tempdir()?;
    let genesis = Arc::clone(&recorded.genesis);
    let params = genesis.derivation_params();
    let router =
        Router::new(genesis.clone(), plugins::machines(&genesis)?.all, Arc::new(JmtTree::default()))?;
    let store = Store::open(&StoreConfig::new(Backend::Fjall, dir.path()), router.genesis_hash())?;
    let first = router.genesis_block()?;
    let mut session = store.begin(Height(0))?;
    session.block(&first.changes, &first.tree, Vec::new())?;
    session.finish(Bytes::new())?.commit()?;
    let mut parent = first.header;
    let mut verifier = Verifier::new(recorded.anchor, None, &params);
    let mut state = DerivationState::genesis(&params);
    let mut executed = 0;

    let start = Instant::now();
    verifier.begin(&recorded.trusted)?;
    for answer in &recorded.answers {
        let block = verifier.verify(&answer.header, &answer.batch, &answer.forced)?;
        let derived = derive(&params, state, &block);
        state = derived.state;
        for landed in derived.blocks {
            let before = store.state_at(parent.height)?;
            let done = router.apply_block(&*before, &*store.nodes(), &parent, &landed.block)?;
            executed += done.transactions.len();
            let mut session = store.begin(done.header.height)?;
            session.block(&done.changes, &done.tree, Vec::new())?;
            session.finish(state.to_bytes().into())?.commit()?;
            parent = done.header;
        }
    }
    let elapsed = start.elapsed();
    eyre::ensure!(executed == transfers, "{executed} of {transfers} transfers were executed");
    Ok(elapsed)
}

fn bare(transactions: &[Transaction], accounts: usize) -> eyre::Result<Duration> {
    let mut database = CacheDB::new(EmptyDB::default());
    let rich = U256::from(10).pow(U256::from(20));
    for number in 0..accounts {
        database.insert_account_info(workload::signer(number).address(), AccountInfo::from_balance(rich));
    }
    let start = Instant::now();
    let environments: Vec<TxEnv> = transactions
        .par_iter()
        .map(|transaction| {
            let envelope = TxEnvelope::decode_2718(&mut &transaction.payload[..])?;
            let sender = envelope.recover_signer()?;
            let TxEnvelope::Eip1559(signed) = envelope else { eyre::bail!("the bench signs EIP-1559 alone") };
            let tx = signed.strip_signature();
            let environment = TxEnv::builder()
                .tx_type(Some(2))
                .caller(sender)
                .nonce(tx.nonce)
                .gas_limit(tx.gas_limit)
                .gas_price(tx.max_fee_per_gas)
                .gas_priority_fee(Some(tx.max_priority_fee_per_gas))
                .chain_id(Some(tx.chain_id))
                .kind(tx.to)
                .value(tx.value)
                .data(tx.input)
                .build();
            environment.map_err(|error| eyre::eyre!("{error:?}"))
        })
        .collect::<eyre::Result<_>>()?;
    let mut evm = Context::mainnet()
        .with_db(database)
        .modify_cfg_chained(|cfg| {
            cfg.chain_id = workload::CHAIN_ID;
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
        })
        .modify_block_chained(|block| {
            block.basefee = 1_000_000_000;
            block.gas_limit = u64::MAX;
        })
        .build_mainnet();
    for environment in environments {
        let result = evm.transact_commit(environment)?;
        eyre::ensure!(result.is_success(), "a transfer failed: {result:?}");
    }
    Ok(start.elapsed())
}
