//! `replay-evm`: from Celestia's answers to a committed state root, against bare signature recovery on all cores
//! and bare revm over a map in memory, on the same transfers.

use crate::follower::Follower;
use crate::{Figures, celestia, rate, workload};
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
use weft_types::{Transaction, U256};

const PER_BLOCK: usize = 10_000;

pub fn run(transfers: usize, accounts: usize) -> eyre::Result<Figures> {
    let transactions = workload::transfers(transfers, accounts);
    let recorded = celestia::record(&transactions, accounts, PER_BLOCK, 1)?;
    let mut follower = Follower::new(Arc::clone(&recorded.genesis), recorded.anchor, &recorded.trusted)?;
    let replayed = follower.replay(&recorded.answers)?;
    eyre::ensure!(replayed.executed == transfers, "{} of {transfers} were executed", replayed.executed);
    replayed.print();
    let reference = bare(&transactions, accounts)?;
    Ok(Figures {
        unit: "transactions/s",
        ours: rate(transfers, replayed.elapsed),
        reference: Some(rate(transfers, reference)),
    })
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
