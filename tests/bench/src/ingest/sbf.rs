//! Solana's: 50 senders of lamports, in batches of 100 over 4 connections, without preflight. Each has a receiver of its
//! own and sends it a lamport more each time, so that no two transactions are the same.

use super::LIMIT;
use eyre::{Context, ContextCompat, eyre};
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use std::time::{Duration, Instant};
use weft_tests::rpc::Rpc;
use weft_tests::solana::{self, Signed};

const SENDERS: usize = 50;
const BATCH: usize = 100;
const CONNECTIONS: usize = 4;
/// How long between two looks at what was confirmed.
const PAUSE: Duration = Duration::from_millis(5);
/// Of each sender, from the node's faucet.
const FUNDS: u64 = 10_000_000_000;
/// What a receiver must have at first to be exempt from rent.
const RENT: u64 = 1_000_000;

/// Transfers per second.
pub(super) async fn measure(url: &str, transfers: usize) -> eyre::Result<f64> {
    let rpc = Rpc::new(url);
    let senders: Vec<Keypair> = (0..SENDERS).map(|_| Keypair::new()).collect();
    for sender in &senders {
        call(&rpc, "requestAirdrop", json!([sender.pubkey().to_string(), FUNDS])).await?;
    }
    for sender in &senders {
        wait(&rpc, &sender.pubkey(), FUNDS, Instant::now()).await?;
    }
    let blockhash = blockhash(&rpc).await?;
    let each = transfers.div_ceil(SENDERS);
    let mut queues: Vec<Vec<Vec<Signed>>> = vec![Vec::new(); CONNECTIONS];
    let mut receivers = Vec::new();
    for (index, sender) in senders.iter().enumerate() {
        let to = Keypair::new().pubkey();
        let amounts = (0..each as u64).map(|index| RENT + index);
        let sign = |amount| solana::sign(&[sender], &[transfer(&sender.pubkey(), &to, amount)], blockhash);
        let signed: Vec<Signed> = amounts.clone().map(sign).collect();
        receivers.push((to, amounts.sum::<u64>()));
        queues[index % CONNECTIONS].extend(signed.chunks(BATCH).map(<[Signed]>::to_vec));
    }
    let start = Instant::now();
    let mut clients = Vec::new();
    for queue in queues {
        let rpc = Rpc::new(url);
        clients.push(tokio::spawn(async move {
            for batch in queue {
                for answer in solana::send(&rpc, &batch).await? {
                    answer.map_err(|message| eyre!("the node refused a transfer: {message}"))?;
                }
            }
            eyre::Ok(())
        }));
    }
    for client in clients {
        client.await.wrap_err("a client ended")??;
    }
    for (receiver, amount) in receivers {
        wait(&rpc, &receiver, amount, start).await?;
    }
    Ok(crate::rate(each * SENDERS, start.elapsed()))
}

async fn blockhash(rpc: &Rpc) -> eyre::Result<Hash> {
    let latest = call(rpc, "getLatestBlockhash", json!([{ "commitment": "processed" }])).await?;
    latest["value"]["blockhash"].as_str().and_then(|text| text.parse().ok()).wrap_err("no blockhash")
}

/// Until the account has `amount`.
async fn wait(rpc: &Rpc, account: &Pubkey, amount: u64, start: Instant) -> eyre::Result<()> {
    let params = json!([account.to_string(), { "commitment": "processed" }]);
    while call(rpc, "getBalance", params.clone()).await?["value"].as_u64().unwrap_or_default() < amount {
        eyre::ensure!(start.elapsed() < LIMIT, "{account} did not get {amount} lamports in {LIMIT:?}");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn call(rpc: &Rpc, method: &str, params: Value) -> eyre::Result<Value> {
    rpc.try_call(method, params).await?.map_err(|fault| eyre!("{method}: {}", fault.message))
}
