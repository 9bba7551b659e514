//! `wasm-cw20`: from Celestia's answers to a committed state root, against cosmwasm-vm running the same calls of the same
//! contract on the same storage.
//!
//! Ours is all of a node's work: verification and derivation of blobs, decoding, signatures (on the other cores, while
//! blocks run), sequences, fees, the calls, their responses and events, receipts, tree and commit to disk. The reference is
//! cosmwasm-vm's part of a wasmd node alone, as wasmd uses it: module pinned in its cache, an instance for each call, no
//! code compiled under the clock. It has its arguments ready, its storage is a map in memory without checkpoints, its
//! gas is not converted, and nobody reads the JSON that it answers.

mod engine;
mod vm;
mod work;

use crate::celestia::Recorder;
use crate::cosmos;
use crate::follower::{self, Follower};
use crate::{Figures, rate};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use weft_state::StateRead;
use weft_types::{AccountId, Bytes};
use weft_wasm::keeper::keys;
use work::Work;

const PER_BLOCK: usize = 10_000;

/// A call of the contract as both engines take it.
struct Call {
    info: Vec<u8>,
    msg: Vec<u8>,
}

/// What the contract keeps, under its own keys.
type Storage = BTreeMap<Vec<u8>, Bytes>;

pub fn run(transfers: usize, holders: usize) -> eyre::Result<Figures> {
    eyre::ensure!(transfers > 0, "nothing to transfer");
    let code = cosmos::cw20_code()?;
    let work = Work::new(holders)?;
    let mut recorder = Recorder::new(work.funded())?;
    let mut follower = Follower::new(Arc::clone(&recorder.genesis), recorder.anchor, &recorder.trusted)?;
    let setup = work.setup(code.clone());
    let replayed = follower.replay(&[recorder.batch(&setup, PER_BLOCK)?])?;
    eyre::ensure!((replayed.executed, replayed.failed) == (setup.len(), 0), "the token could not be made");

    let plan = work.plan(transfers);
    let transactions = work.transfers(&plan);
    let answers = transactions.chunks(PER_BLOCK).map(|block| recorder.batch(block, PER_BLOCK));
    let answers = answers.collect::<eyre::Result<Vec<_>>>()?;
    let before = storage(&follower, work.contract_id)?;
    let replayed = follower.replay(&answers)?;
    eyre::ensure!((replayed.executed, replayed.failed) == (transfers, 0), "{} failed", replayed.failed);

    let after = storage(&follower, work.contract_id)?;
    let gas = follower.parent.gas_used / u64::try_from((transfers - 1) % PER_BLOCK + 1)?;
    // What the store still does to its files would slow the reference down.
    drop(follower);
    let (calls, env) = (work.calls(&plan), work.env());
    let reference = vm::run(&code, &before, &env, &calls)?;
    let alone = engine::run(&code, before, &env, &calls)?;
    // What the contract has on our chain is what it has there, or they did not do the same.
    eyre::ensure!(after == reference.storage, "cosmwasm-vm left another storage");
    eyre::ensure!(after == alone.storage, "the engine alone left another storage");

    println!("{gas} gas a transfer");
    replayed.print();
    let start = Instant::now();
    for transaction in &transactions {
        weft_wasm::transaction::decode(&transaction.payload, cosmos::DENOM)?;
    }
    let decode = start.elapsed();
    let checks = replayed.check;
    follower::line("  of them: decoding", decode, replayed.elapsed);
    follower::line("  of them: signatures", checks.saturating_sub(decode), replayed.elapsed);
    let whole = replayed.elapsed;
    follower::line("of 'in the machines': instances", alone.instances, whole);
    follower::line("  the contract's code, copies of memory", alone.code(), whole);
    follower::line("  storage, were it a map", alone.host, whole);
    let more = replayed.machine.saturating_sub(alone.calls);
    follower::line("  journal, keeper, events, memory beside others", more, whole);
    let theirs = reference.instances + reference.calls;
    follower::line("the reference: instances", reference.instances, theirs);
    follower::line("the reference: calls", reference.calls, theirs);
    Ok(Figures {
        unit: "transactions/s",
        ours: rate(transfers, whole),
        reference: Some(rate(transfers, theirs)),
    })
}

/// What the contract keeps at the tip.
fn storage(follower: &Follower, contract: AccountId) -> eyre::Result<Storage> {
    let state = follower.store.state_at(follower.parent.height)?;
    let prefix = keys::storage(contract, &[]);
    let pairs = state.range(&prefix, &keys::after(&prefix), usize::MAX)?;
    Ok(pairs.into_iter().map(|(mut key, value)| (key.split_off(prefix.len()), value)).collect())
}
