//! Subscriptions: what can be subscribed to, and how one is served until its client leaves, falls behind, or has heard
//! all there is.

use super::super::limits::{LARGE_NOTIFICATION_BYTES, LARGE_NOTIFICATIONS};
use super::api::Sol;
use super::args::{Args, Arity};
use super::blocks::at_least_confirmed;
use super::encode::{Show, filters};
use super::errors::{Fault, invalid_params};
use super::news::Event;
use super::notify::{Memory, Said};
use jsonrpsee::core::server::{PendingSubscriptionSink, SubscriptionSink};
use jsonrpsee::types::Params;
use serde_json::value::RawValue;
use solana_account_decoder::UiAccountEncoding;
use solana_commitment_config::CommitmentConfig;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::{
    RpcAccountInfoConfig, RpcBlockSubscribeConfig, RpcBlockSubscribeFilter, RpcProgramAccountsConfig,
    RpcSignatureSubscribeConfig, RpcTransactionLogsConfig, RpcTransactionLogsFilter,
};
use solana_rpc_client_types::filter::RpcFilterType;
use solana_signature::Signature;
use solana_transaction_status_client_types::UiTransactionEncoding;
use std::str::FromStr;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;

/// What a client wants to hear of.
pub(super) enum Topic {
    /// An account, each time that it differs.
    Account { pubkey: Pubkey, show: Show, commitment: CommitmentConfig },
    /// Accounts of a program, each time that one differs.
    Program { program: Pubkey, filters: Vec<RpcFilterType>, show: Show, commitment: CommitmentConfig },
    /// Logs of all transactions, or of those that name an account.
    Logs { mentions: Option<Pubkey>, commitment: CommitmentConfig },
    /// The fate of a transaction; where `received`, that it came into the pool too.
    Signature { signature: Signature, received: bool, commitment: CommitmentConfig },
    /// Each block.
    Slot,
    /// What becomes of each slot.
    SlotsUpdates,
    /// Each block that Celestia has.
    Root,
    /// Blocks with all transactions, or those with transactions that name an account.
    Block { mentions: Option<Pubkey>, config: Box<RpcBlockSubscribeConfig>, commitment: CommitmentConfig },
}

impl Topic {
    pub(super) fn account(params: &Params<'_>) -> Result<Self, Fault> {
        let args = Args::new(params, Arity(1, 2))?;
        let config: RpcAccountInfoConfig = args.optional(1)?;
        Ok(Self::Account {
            pubkey: named(&args.required::<String>(0)?, "pubkey")?,
            show: show(&config),
            commitment: config.commitment.unwrap_or_default(),
        })
    }

    pub(super) fn program(params: &Params<'_>) -> Result<Self, Fault> {
        let args = Args::new(params, Arity(1, 2))?;
        let config: RpcProgramAccountsConfig = args.optional(1)?;
        Ok(Self::Program {
            program: named(&args.required::<String>(0)?, "pubkey")?,
            filters: filters(config.filters)?,
            show: show(&config.account_config),
            commitment: config.account_config.commitment.unwrap_or_default(),
        })
    }

    pub(super) fn logs(params: &Params<'_>) -> Result<Self, Fault> {
        let args = Args::new(params, Arity(1, 2))?;
        let config: Option<RpcTransactionLogsConfig> = args.optional(1)?;
        let mentions = match args.required(0)? {
            // There are no votes here.
            RpcTransactionLogsFilter::All | RpcTransactionLogsFilter::AllWithVotes => None,
            RpcTransactionLogsFilter::Mentions(keys) => match &keys[..] {
                [key] => Some(named(key, "mentions")?),
                _ => return Err(invalid_params("Invalid Request: Only 1 address supported")),
            },
        };
        let commitment = config.and_then(|config| config.commitment).unwrap_or_default();
        Ok(Self::Logs { mentions, commitment })
    }

    pub(super) fn signature(params: &Params<'_>) -> Result<Self, Fault> {
        let args = Args::new(params, Arity(1, 2))?;
        let config: RpcSignatureSubscribeConfig = args.optional(1)?;
        Ok(Self::Signature {
            signature: named(&args.required::<String>(0)?, "signature")?,
            received: config.enable_received_notification.unwrap_or_default(),
            commitment: config.commitment.unwrap_or_default(),
        })
    }

    pub(super) fn slot(params: &Params<'_>) -> Result<Self, Fault> {
        Args::new(params, Arity(0, 0)).map(|_| Self::Slot)
    }

    pub(super) fn slots_updates(params: &Params<'_>) -> Result<Self, Fault> {
        Args::new(params, Arity(0, 0)).map(|_| Self::SlotsUpdates)
    }

    pub(super) fn root(params: &Params<'_>) -> Result<Self, Fault> {
        Args::new(params, Arity(0, 0)).map(|_| Self::Root)
    }

    pub(super) fn block(params: &Params<'_>) -> Result<Self, Fault> {
        let args = Args::new(params, Arity(1, 2))?;
        let mut config: RpcBlockSubscribeConfig = args.optional(1)?;
        config.encoding.get_or_insert(UiTransactionEncoding::Base64);
        let mentions = match args.required(0)? {
            RpcBlockSubscribeFilter::All => None,
            RpcBlockSubscribeFilter::MentionsAccountOrProgram(key) => {
                Some(named(&key, "mentions_account_or_program")?)
            }
        };
        let commitment = at_least_confirmed(config.commitment)?;
        Ok(Self::Block { mentions, config: Box::new(config), commitment })
    }
}

fn named<T: FromStr>(text: &str, what: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| invalid_params(format!("Invalid Request: Invalid {what} provided")))
}

fn show(config: &RpcAccountInfoConfig) -> Show {
    Show { encoding: config.encoding.unwrap_or(UiAccountEncoding::Binary), slice: config.data_slice }
}

/// Serves one subscription until its client leaves.
pub(super) async fn serve(topic: Result<Topic, Fault>, pending: PendingSubscriptionSink, sol: Arc<Sol>) {
    let topic = match topic {
        Ok(topic) => Arc::new(topic),
        Err(fault) => return pending.reject(fault).await,
    };
    // Listening starts before the client knows its id, so that nothing falls in between.
    let mut events = sol.news.subscribe();
    let received = matches!(&*topic, Topic::Signature { received: true, .. });
    let mut pool = sol.mempool.as_ref().filter(|_| received).map(|pool| pool.subscribe());
    let Ok(sink) = pending.accept().await else { return };
    let Some(mut memory) = work(&topic, &sol, &sink, |topic, sol| topic.begin(sol)).await else { return };
    loop {
        let said = tokio::select! {
            () = sink.closed() => return,
            pooled = async { match &mut pool {
                Some(pool) => pool.recv().await.ok(),
                None => std::future::pending().await,
            } } => match pooled {
                Some(pooled) if topic.is_of(pooled.id()) => {
                    pool = None;
                    work(&topic, &sol, &sink, move |topic, sol| topic.received(sol, memory)).await
                }
                Some(_) => Some(memory),
                // Fell behind, or the pool is gone: the transaction's own fate is still told.
                None => {
                    pool = None;
                    Some(memory)
                }
            },
            event = events.recv() => match event {
                Ok(Event::Lost) | Err(RecvError::Lagged(_)) => {
                    return tracing::debug!("a subscriber fell behind and was closed");
                }
                Err(RecvError::Closed) => return,
                Ok(event) if topic.concerns(&event, &memory) => {
                    work(&topic, &sol, &sink, move |topic, sol| topic.hear(sol, &event, memory)).await
                }
                Ok(_) => Some(memory),
            },
        };
        match said {
            Some(kept) => memory = kept,
            None => return,
        }
    }
}

/// Lets the topic speak, off the async threads, and sends what it says. `None` where that was the last.
async fn work(
    topic: &Arc<Topic>,
    sol: &Arc<Sol>,
    sink: &SubscriptionSink,
    speak: impl FnOnce(&Topic, &Sol) -> Result<Said, Fault> + Send + 'static,
) -> Option<Memory> {
    let (topic, sol) = (Arc::clone(topic), Arc::clone(sol));
    let said = tokio::task::spawn_blocking(move || speak(&topic, &sol)).await;
    let said = match said {
        Ok(Ok(said)) => said,
        Ok(Err(fault)) => {
            tracing::debug!(%fault, "a subscription could not be served any more");
            return None;
        }
        Err(error) => {
            tracing::error!(%error, "a subscription panicked");
            return None;
        }
    };
    for message in said.messages {
        if !send(sink, message).await {
            return None;
        }
    }
    said.memory
}

/// Whether the client is still there and takes in what it is sent.
async fn send(sink: &SubscriptionSink, message: Box<RawValue>) -> bool {
    let waiting = sink.max_capacity().saturating_sub(sink.capacity());
    if message.get().len() > LARGE_NOTIFICATION_BYTES && waiting > LARGE_NOTIFICATIONS {
        tracing::debug!("a subscriber takes in large notifications too slowly and was closed");
        return false;
    }
    sink.send(message).await.is_ok()
}
