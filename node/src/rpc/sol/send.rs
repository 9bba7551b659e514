//! `sendTransaction`: into the pool, after a simulation unless the client wants none.

use super::super::errors::internal;
use super::super::worker;
use super::api::Sol;
use super::args::Args;
use super::errors::{self, DIALECT, Fault, invalid_params, plain};
use super::simulate::refusal;
use super::wire;
use crate::sequencer::mempool::PoolError;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_types::config::{RpcContextConfig, RpcSendTransactionConfig};
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::sync::Arc;
use std::time::Duration;
use weft_types::{Transaction, VmId};

impl Sol {
    /// Takes a signed transaction and gives its signature once the pool has it.
    pub(super) async fn send(self: Arc<Self>, args: Args) -> Result<String, Fault> {
        let text: String = args.required(0)?;
        let config: RpcSendTransactionConfig = args.optional(1)?;
        let (payload, transaction) = wire::transaction(&text, config.encoding)?;
        let signature = transaction.signatures.first().copied().ok_or_else(errors::bad_signature)?;
        if self.ingest.is_none() {
            return Err(no_sequencer());
        }
        self.context(RpcContextConfig {
            commitment: Some(CommitmentConfig::processed()),
            min_context_slot: config.min_context_slot,
        })?;
        if !config.skip_preflight {
            Arc::clone(&self).preflight_in_turn(transaction).await?;
        }
        self.submit(payload, &signature).await
    }

    async fn preflight_in_turn(self: Arc<Self>, transaction: VersionedTransaction) -> Result<(), Fault> {
        let patience = Duration::from_millis(self.config.queue_timeout_ms);
        let turn = tokio::time::timeout(patience, Arc::clone(&self.preflights).acquire_owned()).await;
        let turn =
            turn.map_err(|_| plain(errors::LIMIT, "too many simulations are running; try again later"))?;
        let turn = turn.map_err(|_| internal("the server is stopping"))?;
        let config = Arc::clone(&self.config);
        let done = worker::run(&config, &DIALECT, move |_| {
            let _turn = turn;
            self.preflight(&transaction)
        });
        done.await.map(drop)
    }

    /// Hands the transaction to the pool. One that waits already, or is in a block, counts as sent, as it does where
    /// validators only pass transactions on.
    ///
    /// # Errors
    /// What the pool refuses.
    pub(super) async fn submit(&self, payload: Vec<u8>, signature: &Signature) -> Result<String, Fault> {
        let ingest = self.ingest.as_ref().ok_or_else(no_sequencer)?;
        let transaction = Transaction { vm: VmId::SBF, payload: payload.into() };
        match ingest.send(transaction).await {
            Ok(_) => Ok(signature.to_string()),
            Err(error) => refused(&error).map_or_else(|| Ok(signature.to_string()), Err),
        }
    }
}

fn no_sequencer() -> Fault {
    internal(
        "this node does not sequence: send the transaction to a sequencer, or post it to Celestia with `weft force`",
    )
}

/// What a client is told of the pool's refusal; `None` where it need not know.
fn refused(error: &PoolError) -> Option<Fault> {
    Some(match (error.transaction_error(), error) {
        (Some(TransactionError::AlreadyProcessed), _) => return None,
        (Some(TransactionError::SignatureFailure), _) => errors::bad_signature(),
        (Some(error), _) => errors::preflight(&error, refusal(&error)),
        (None, PoolError::Rejected(reject)) => {
            invalid_params(format!("invalid transaction: {}", reject.message))
        }
        (None, PoolError::State(reason)) => {
            tracing::error!(%reason, "the pool could not read the state");
            internal("the node could not read its state")
        }
        (None, PoolError::Full | PoolError::AccountLimit { .. }) => plain(errors::LIMIT, error.to_string()),
        (None, error) => plain(errors::INVALID_REQUEST, error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_types::B256;
    use weft_vm::{Reject, RejectKind};

    #[test]
    fn refusals_read_as_solanas() {
        let of = |error: &TransactionError| refused(&PoolError::Rejected(weft_sbf::code::reject(error)));
        let stale = of(&TransactionError::BlockhashNotFound).unwrap();
        assert_eq!(stale.code(), -32_002);
        assert_eq!(stale.message(), "Transaction simulation failed: Blockhash not found");
        let data: serde_json::Value = serde_json::from_str(stale.data().unwrap().get()).unwrap();
        assert_eq!((&data["err"], &data["logs"]), (&"BlockhashNotFound".into(), &serde_json::json!([])));
        let forged = of(&TransactionError::SignatureFailure).unwrap();
        assert_eq!(
            (forged.code(), forged.message()),
            (-32_003, "Transaction signature verification failure")
        );
        // Sent again is sent.
        assert!(of(&TransactionError::AlreadyProcessed).is_none());
        assert!(refused(&PoolError::AlreadyKnown(B256::ZERO)).is_none());
        assert_eq!(refused(&PoolError::Full).unwrap().code(), 429);
        let other = PoolError::Rejected(Reject::new(RejectKind::Malformed, "cut"));
        assert_eq!(refused(&other).unwrap().code(), -32_602);
    }
}
