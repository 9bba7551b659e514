//! `broadcast_tx_sync`, `_async` and `_commit`: into the pool, and into a block.

use super::api::Cosmos;
use super::args::Args;
use super::errors::{self, Fault};
use super::shapes::{detail, hex_upper, tx_result};
use crate::chain::ChainEvent;
use crate::sequencer::mempool::PoolError;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use weft_types::{B256, Transaction, VmId};
use weft_wasm::Detail;
use weft_wasm::code::AbciError;

/// How long `broadcast_tx_commit` waits for a block: CometBFT's.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the pool said of a transaction.
pub(super) struct Sent {
    pub(super) hash: B256,
    pub(super) refused: Option<AbciError>,
}

impl Cosmos {
    /// Hands a transaction to the pool.
    ///
    /// # Errors
    /// What CometBFT's own mempool would say, before it asks the application.
    pub(super) async fn submit(&self, payload: Vec<u8>) -> Result<Sent, Fault> {
        let ingest = self.ingest.as_ref().ok_or_else(|| {
            errors::internal(
                "this node does not sequence: send the transaction to a sequencer, or post it to Celestia with `weft force`",
            )
        })?;
        let hash = B256::new(Sha256::digest(&payload).into());
        let transaction = Transaction { vm: VmId::WASM, payload: payload.into() };
        let refused = match ingest.send(transaction).await {
            Ok(_) => None,
            Err(error) => Some(refusal(error, self.wasm.denom())?),
        };
        Ok(Sent { hash, refused })
    }

    pub(super) async fn broadcast_sync(&self, args: Args) -> Result<Value, Fault> {
        Ok(sync_result(&self.submit(args.bytes("tx")?).await?))
    }

    /// CometBFT answers before anything is checked; here the pool has always been asked.
    pub(super) async fn broadcast_async(&self, args: Args) -> Result<Value, Fault> {
        let sent = self.submit(args.bytes("tx")?).await?;
        Ok(sync_result(&Sent { refused: None, ..sent }))
    }

    pub(super) async fn broadcast_commit(&self, args: Args) -> Result<Value, Fault> {
        // Listens before it sends, so that nothing falls in between.
        let mut events = self.chain.subscribe();
        let sent = self.submit(args.bytes("tx")?).await?;
        let check = sent.refused.as_ref().map(|error| Detail {
            code: error.code,
            codespace: error.codespace.clone(),
            log: error.log.clone(),
            ..Detail::default()
        });
        let hash = hex_upper(sent.hash);
        if let Some(check) = check {
            let none = tx_result(&Detail::default());
            return Ok(
                json!({ "check_tx": tx_result(&check), "tx_result": none, "hash": hash, "height": "0" }),
            );
        }
        let landed = async {
            loop {
                let found = match events.recv().await {
                    Ok(ChainEvent::Block(block)) => {
                        let mut records = block.transactions.iter();
                        let record = records.find(|record| record.id == sent.hash);
                        record.map(|record| (block.header.height, detail(record)))
                    }
                    Ok(_) => None,
                    Err(RecvError::Lagged(_)) => {
                        let found = self.find(sent.hash.as_slice())?;
                        found.and_then(|(block, at)| {
                            let record = block.transactions.get(at)?;
                            Some((block.header.height, detail(record)))
                        })
                    }
                    Err(RecvError::Closed) => return Err(errors::internal("the node is stopping")),
                };
                if let Some(found) = found {
                    return Ok(found);
                }
            }
        };
        let landed = tokio::time::timeout(COMMIT_TIMEOUT, landed).await;
        let (height, detail) =
            landed.map_err(|_| errors::internal("timed out waiting for tx to be included in a block"))??;
        Ok(json!({
            "check_tx": tx_result(&Detail::default()),
            "tx_result": tx_result(&detail),
            "hash": hash,
            "height": height.0.to_string(),
        }))
    }
}

fn sync_result(sent: &Sent) -> Value {
    let (code, log, codespace) = match &sent.refused {
        Some(error) => (error.code, error.log.as_str(), error.codespace.as_str()),
        None => (0, "", ""),
    };
    json!({ "code": code, "data": "", "log": log, "codespace": codespace, "hash": hex_upper(sent.hash) })
}

/// The pool's refusal as the application's answer to `CheckTx`.
///
/// # Errors
/// What the application is not asked about.
fn refusal(error: PoolError, denom: &str) -> Result<AbciError, Fault> {
    let sdk = |code: u32, log: String| Ok(AbciError { codespace: "sdk".into(), code, log });
    match error {
        PoolError::AlreadyKnown(_) => Err(errors::internal("tx already exists in cache")),
        PoolError::Oversized { max, got } => {
            Err(errors::internal(format!("Tx too large. Max size is {max}, but got {got}")))
        }
        PoolError::Full | PoolError::AccountLimit { .. } => {
            Err(errors::internal(format!("mempool is full: {error}")))
        }
        PoolError::State(reason) => {
            tracing::error!(%reason, "the pool could not read the state");
            Err(errors::internal("the node could not read its state"))
        }
        PoolError::Rejected(reject) => Ok(weft_wasm::code::abci_error(&reject)),
        PoolError::Sequence { .. } => sdk(32, error.to_string()),
        PoolError::FeeFunds { balance, queued, cost } => {
            let left = balance.saturating_sub(queued);
            let text = format!("spendable balance {left}{denom} is smaller than {cost}{denom}");
            // The SDK wraps the error in itself.
            sdk(5, format!("{text}: insufficient funds: insufficient funds"))
        }
        PoolError::GasLimit { max, got } => {
            sdk(41, format!("tx gas limit {got} exceeds block max gas {max}: invalid gas limit"))
        }
        PoolError::Denied => sdk(4, format!("{error}: unauthorized")),
        other => sdk(18, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_vm::{Reject, RejectKind};

    #[test]
    fn refusals_read_as_the_sdks() {
        let error = refusal(PoolError::Sequence { expected: 4, got: 2 }, "awei").unwrap();
        assert_eq!((error.codespace.as_str(), error.code), ("sdk", 32));
        assert_eq!(error.log, "account sequence mismatch, expected 4, got 2: incorrect account sequence");
        let fault = refusal(PoolError::AlreadyKnown(B256::ZERO), "awei").unwrap_err();
        assert_eq!(errors::why(&fault), "tx already exists in cache");
        assert!(refusal(PoolError::Full, "awei").is_err());
        let error =
            refusal(PoolError::Rejected(Reject::new(RejectKind::BadSignature, "no")), "awei").unwrap();
        assert_eq!(error.code, 4);
    }
}
