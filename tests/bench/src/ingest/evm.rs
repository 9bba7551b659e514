//! The EVM: 50 senders, in batches of 100 over 4 connections.

use super::LIMIT;
use crate::workload;
use alloy_primitives::{Address, Bytes as AlloyBytes};
use eyre::{Context, eyre};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use weft_tests::rpc::Rpc;
use weft_tests::wallet::Wallet;

const SENDERS: usize = 50;
const BATCH: usize = 100;
const CONNECTIONS: usize = 4;
/// Wei for each sender, from devnet's first account.
const FUNDS: u128 = 100_000_000_000_000_000_000;

/// Transfers per second.
pub(super) async fn measure(url: &str, transfers: usize) -> eyre::Result<f64> {
    let rpc = Rpc::new(url);
    let signers: Vec<_> = (0..SENDERS).map(workload::signer).collect();
    fund(&rpc, &signers.iter().map(|signer| signer.address()).collect::<Vec<_>>()).await?;
    let each = transfers.div_ceil(SENDERS);
    let mut queues: Vec<Vec<Vec<String>>> = vec![Vec::new(); CONNECTIONS];
    let mut last = Vec::new();
    for (index, signer) in signers.iter().enumerate() {
        let first = nonce(&rpc, signer.address()).await?;
        let to = workload::signer(10_000 + index).address();
        let raw: Vec<String> = (first..first + u64::try_from(each)?)
            .map(|nonce| {
                format!("0x{}", hex::encode(workload::sign(signer, nonce, to, 1, AlloyBytes::new(), 21_000)))
            })
            .collect();
        last.push((signer.address(), first + u64::try_from(each)?));
        // All of a sender's go over one connection, so that they arrive in the order of their nonces.
        queues[index % CONNECTIONS].extend(raw.chunks(BATCH).map(<[String]>::to_vec));
    }
    let start = Instant::now();
    let mut clients = Vec::new();
    for queue in queues {
        let rpc = Rpc::new(url);
        clients.push(tokio::spawn(async move {
            for batch in queue {
                for answer in rpc.send_raw(&batch).await? {
                    answer.map_err(|message| eyre!("the node refused a transfer: {message}"))?;
                }
            }
            eyre::Ok(())
        }));
    }
    for client in clients {
        client.await.wrap_err("a client ended")??;
    }
    for (sender, nonce) in last {
        mined(&rpc, sender, nonce, start).await?;
    }
    Ok(crate::rate(each * SENDERS, start.elapsed()))
}

async fn fund(rpc: &Rpc, senders: &[Address]) -> eyre::Result<()> {
    let mut rich = Wallet::devnet(0);
    rich.nonce = nonce(rpc, rich.address()).await?;
    let raw: Vec<String> = senders.iter().map(|sender| rich.transfer(*sender, FUNDS).raw).collect();
    for answer in rpc.send_raw(&raw).await? {
        answer.map_err(|message| eyre!("the node refused to fund a sender: {message}"))?;
    }
    mined(rpc, rich.address(), rich.nonce, Instant::now()).await
}

async fn nonce(rpc: &Rpc, account: Address) -> eyre::Result<u64> {
    let answer = call(rpc, "eth_getTransactionCount", json!([account, "latest"])).await?;
    let text = answer.as_str().ok_or_else(|| eyre!("no nonce in {answer}"))?;
    Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
}

async fn mined(rpc: &Rpc, account: Address, wanted: u64, start: Instant) -> eyre::Result<()> {
    while nonce(rpc, account).await? < wanted {
        eyre::ensure!(start.elapsed() < LIMIT, "{account} did not reach nonce {wanted} in {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

async fn call(rpc: &Rpc, method: &str, params: Value) -> eyre::Result<Value> {
    rpc.try_call(method, params).await?.map_err(|fault| eyre!("{method}: {}", fault.message))
}
