//! What each subscription says to an event.

use super::api::{Bank, Sol};
use super::encode::{Show, passes};
use super::errors::{self, Fault};
use super::news::{Digest, Event, Told};
use super::subscribe::Topic;
use crate::chain::BlockRecord;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_account_decoder::{UiAccount, encode_ui_account};
use solana_commitment_config::CommitmentConfig;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::RpcBlockSubscribeConfig;
use solana_rpc_client_types::response::{
    ProcessedSignatureResult, ReceivedSignatureResult, Response, RpcBlockUpdate, RpcBlockUpdateError,
    RpcKeyedAccount, RpcLogsResponse, RpcResponseContext, RpcSignatureResult, SlotInfo, SlotTransactionStats,
    SlotUpdate,
};
use solana_signature::Signature;
use solana_transaction_status::{
    BlockEncodingOptions, EncodeError, TransactionWithStatusMeta, UiTransactionEncoding,
};
use std::sync::Arc;
use weft_types::{B256, Height};

/// What a subscription remembers from one event to the next.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The account as it was told last.
    account: Option<AccountSharedData>,
    /// Blocks are void: what was told last may not be what is.
    doubtful: bool,
}

/// What a subscription says, and what it remembers; without memory it is over.
pub(super) struct Said {
    pub(super) messages: Vec<Box<RawValue>>,
    pub(super) memory: Option<Memory>,
}

impl Said {
    fn new(memory: Memory, values: Vec<impl Serialize>) -> Result<Self, Fault> {
        let messages: Result<Vec<_>, _> = values.iter().map(to_raw_value).collect();
        let messages = messages.map_err(|error| {
            tracing::error!(%error, "a notification could not be written as JSON");
            errors::stopped()
        })?;
        Ok(Self { messages, memory: Some(memory) })
    }

    fn nothing(memory: Memory) -> Self {
        Self { messages: Vec::new(), memory: Some(memory) }
    }

    fn last(self) -> Self {
        Self { memory: None, ..self }
    }
}

/// Notifications name the slot and not the version.
fn at<T>(slot: u64, value: T) -> Response<T> {
    Response { context: RpcResponseContext { slot, api_version: None }, value }
}

impl Topic {
    /// The commitment at which it listens; none where it hears all.
    fn commitment(&self) -> Option<CommitmentConfig> {
        match self {
            Self::Account { commitment, .. }
            | Self::Program { commitment, .. }
            | Self::Logs { commitment, .. }
            | Self::Signature { commitment, .. }
            | Self::Block { commitment, .. } => Some(*commitment),
            Self::Slot | Self::SlotsUpdates | Self::Root => None,
        }
    }

    /// The block of the event, where the topic listens to events of its kind.
    fn heard<'e>(&self, event: &'e Event) -> Option<&'e Arc<Digest>> {
        let is_final = self.commitment().is_some_and(|commitment| commitment.is_finalized());
        match event {
            Event::Block(digest) if !is_final => Some(digest),
            Event::Final(digest) if is_final => Some(digest),
            _ => None,
        }
    }

    /// Whether the pool's transaction of that id is the one it waits for.
    pub(super) fn is_of(&self, id: B256) -> bool {
        matches!(self, Self::Signature { signature, .. } if weft_sbf::signature_id(signature) == id)
    }

    /// Whether the event may give it something to say. Cheap.
    pub(super) fn concerns(&self, event: &Event, memory: &Memory) -> bool {
        match self {
            Self::Slot => matches!(event, Event::Block(_)),
            Self::Root => matches!(event, Event::Final(_)),
            Self::SlotsUpdates => true,
            Self::Account { pubkey, .. } => {
                let sysvar = memory
                    .account
                    .as_ref()
                    .is_some_and(|account| solana_sdk_ids::sysvar::check_id(account.owner()));
                let changes = |digest: &Arc<Digest>| memory.doubtful || sysvar || digest.may_change(pubkey);
                matches!(event, Event::Void(_)) || self.heard(event).is_some_and(changes)
            }
            Self::Program { .. } | Self::Block { .. } | Self::Logs { .. } => {
                self.heard(event).is_some_and(|digest| {
                    matches!(self, Self::Block { mentions: None, .. }) || !digest.transactions.is_empty()
                })
            }
            Self::Signature { signature, .. } => {
                self.heard(event).is_some_and(|digest| digest.transaction(signature).is_some())
            }
        }
    }

    /// Before the first event: what is so already.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn begin(&self, sol: &Sol) -> Result<Said, Fault> {
        match self {
            Self::Account { pubkey, commitment, .. } => {
                let account = sol.bank_of(sol.block(*commitment))?.account(pubkey)?;
                Ok(Said::nothing(Memory { account, doubtful: false }))
            }
            Self::Signature { signature, received, commitment } => {
                signature_now(sol, signature, *received, *commitment)
            }
            _ => Ok(Said::nothing(Memory::default())),
        }
    }

    /// The transaction came into the pool.
    ///
    /// # Errors
    /// None that a client causes.
    pub(super) fn received(&self, sol: &Sol, memory: Memory) -> Result<Said, Fault> {
        Said::new(memory, vec![received(sol)])
    }

    /// What it says to the event.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn hear(&self, sol: &Sol, event: &Event, memory: Memory) -> Result<Said, Fault> {
        if let (Self::SlotsUpdates, event) = (self, event) {
            return Said::new(memory, slots_updates(event));
        }
        match (self, event) {
            (Self::Slot, Event::Block(digest)) => {
                let slot = digest.slot();
                let root = sol.chain.included().header.height.0;
                return Said::new(memory, vec![SlotInfo { slot, parent: slot.saturating_sub(1), root }]);
            }
            (Self::Root, Event::Final(digest)) => return Said::new(memory, vec![digest.slot()]),
            (_, Event::Void(_)) => return Ok(Said::nothing(Memory { doubtful: true, ..memory })),
            _ => {}
        }
        let Some(digest) = self.heard(event) else { return Ok(Said::nothing(memory)) };
        match self {
            Self::Account { pubkey, show, .. } => account(sol, digest, pubkey, *show, memory),
            Self::Program { program, filters, show, .. } => {
                let changed = changed(sol, digest, program)?;
                let bank = sol.bank_of(Arc::clone(&digest.block))?;
                let told = changed.iter().filter(|(_, account)| passes(filters, account));
                let told = told.map(|(pubkey, account)| {
                    let shown = shown(&bank, *show, pubkey, account);
                    at(digest.slot(), RpcKeyedAccount { pubkey: pubkey.to_string(), account: shown })
                });
                Said::new(memory, told.collect())
            }
            Self::Logs { mentions, .. } => {
                let wanted = |told: &&Told| mentions.is_none_or(|key| told.keys.contains(&key));
                let told = digest.transactions.iter().filter(wanted);
                Said::new(memory, told.map(|told| at(digest.slot(), logs(told))).collect())
            }
            Self::Signature { signature, .. } => match digest.transaction(signature) {
                Some(told) => {
                    let err = told.err.clone().map(Into::into);
                    let fate = RpcSignatureResult::ProcessedSignature(ProcessedSignatureResult { err });
                    Ok(Said::new(memory, vec![at(digest.slot(), fate)])?.last())
                }
                None => Ok(Said::nothing(memory)),
            },
            Self::Block { mentions, config, .. } => {
                let update = block(sol, &digest.block, mentions.as_ref(), config)?;
                let updates = update.into_iter().map(|update| at(digest.slot(), update));
                Said::new(memory, updates.collect())
            }
            Self::Slot | Self::SlotsUpdates | Self::Root => Ok(Said::nothing(memory)),
        }
    }
}

/// A signature that is known already is told at once: who subscribes after sending must not wait for ever.
fn signature_now(
    sol: &Sol,
    signature: &Signature,
    wants_received: bool,
    commitment: CommitmentConfig,
) -> Result<Said, Fault> {
    if let Some((block, place)) = sol.find(signature)? {
        let slot = block.header.height.0;
        let Some(record) = block.transactions.get(place) else {
            return Ok(Said::nothing(Memory::default()));
        };
        if !commitment.is_finalized() || sol.is_final(slot) {
            let err = super::meta::result(record).err().map(Into::into);
            let fate = RpcSignatureResult::ProcessedSignature(ProcessedSignatureResult { err });
            return Ok(Said::new(Memory::default(), vec![at(slot, fate)])?.last());
        }
    }
    let waits = |pool: &Arc<crate::sequencer::mempool::Mempool>| {
        pool.get(weft_sbf::signature_id(signature)).is_some()
    };
    if wants_received && sol.mempool.as_ref().is_some_and(waits) {
        return Said::new(Memory::default(), vec![received(sol)]);
    }
    Ok(Said::nothing(Memory::default()))
}

fn received(sol: &Sol) -> Response<RpcSignatureResult> {
    let slot = sol.block(CommitmentConfig::processed()).header.height.0;
    at(slot, RpcSignatureResult::ReceivedSignature(ReceivedSignatureResult::ReceivedSignature))
}

fn account(sol: &Sol, digest: &Digest, pubkey: &Pubkey, show: Show, memory: Memory) -> Result<Said, Fault> {
    let bank = sol.bank_of(Arc::clone(&digest.block))?;
    let account = bank.account(pubkey)?;
    if account == memory.account {
        return Ok(Said::nothing(Memory { doubtful: false, ..memory }));
    }
    // One that is gone is shown as agave shows it: empty.
    let shown = shown(&bank, show, pubkey, account.as_ref().unwrap_or(&AccountSharedData::default()));
    Said::new(Memory { account, doubtful: false }, vec![at(digest.slot(), shown)])
}

/// The program's accounts that differ after the block.
fn changed(sol: &Sol, digest: &Digest, program: &Pubkey) -> Result<Vec<(Pubkey, AccountSharedData)>, Fault> {
    let written = digest.written_of(&sol.chain, program);
    let Some(parent) = digest.block.header.height.prev().filter(|_| !written.is_empty()) else {
        return Ok(Vec::new());
    };
    let before = sol.bank_of(block_below(sol, digest, parent)?)?;
    let after = sol.bank_of(Arc::clone(&digest.block))?;
    let mut changed = Vec::new();
    for pubkey in written {
        let Some(account) = after.account(&pubkey)? else { continue };
        if before.account(&pubkey)?.as_ref() != Some(&account) {
            changed.push((pubkey, account));
        }
    }
    Ok(changed)
}

fn block_below(sol: &Sol, digest: &Digest, parent: Height) -> Result<Arc<BlockRecord>, Fault> {
    let block = sol.chain.block(parent).map_err(|error| errors::chain(&error))?;
    block.ok_or_else(|| errors::no_block(digest.slot()))
}

/// The account as the client wants it; where that can't be, in agave's words.
fn shown(bank: &Bank, show: Show, pubkey: &Pubkey, account: &AccountSharedData) -> UiAccount {
    let plain = |_| encode_ui_account(pubkey, account, show.encoding, None, show.slice);
    show.account(bank, pubkey, account).unwrap_or_else(plain)
}

fn logs(told: &Told) -> RpcLogsResponse {
    RpcLogsResponse {
        signature: told.signature.to_string(),
        err: told.err.clone().map(Into::into),
        logs: told.logs.clone(),
    }
}

fn slots_updates(event: &Event) -> Vec<SlotUpdate> {
    let timestamp = |block: &BlockRecord| block.header.timestamp_ms;
    match event {
        Event::Block(digest) => {
            let (slot, timestamp) = (digest.slot(), timestamp(&digest.block));
            let count = |failed: bool| {
                let counted = digest.transactions.iter().filter(|told| told.err.is_some() == failed).count();
                u64::try_from(counted).unwrap_or(u64::MAX)
            };
            let all = u64::try_from(digest.transactions.len()).unwrap_or(u64::MAX);
            let stats = SlotTransactionStats {
                num_transaction_entries: u64::from(all > 0),
                num_successful_transactions: count(false),
                num_failed_transactions: count(true),
                max_transactions_per_entry: all,
            };
            vec![
                SlotUpdate::CreatedBank { slot, parent: slot.saturating_sub(1), timestamp },
                SlotUpdate::Completed { slot, timestamp },
                SlotUpdate::Frozen { slot, timestamp, stats },
                SlotUpdate::OptimisticConfirmation { slot, timestamp },
            ]
        }
        Event::Final(digest) => {
            vec![SlotUpdate::Root { slot: digest.slot(), timestamp: timestamp(&digest.block) }]
        }
        Event::Void(blocks) => {
            let err = "the block did not land on Celestia";
            let dead = |block: &Arc<BlockRecord>| SlotUpdate::Dead {
                slot: block.header.height.0,
                timestamp: timestamp(block),
                err: err.to_owned(),
            };
            blocks.iter().map(dead).collect()
        }
        Event::Lost => Vec::new(),
    }
}

/// The block as the client wants it; `None` where nothing of it names the account.
fn block(
    sol: &Sol,
    block: &BlockRecord,
    mentions: Option<&Pubkey>,
    config: &RpcBlockSubscribeConfig,
) -> Result<Option<RpcBlockUpdate>, Fault> {
    let wanted = |transaction: &TransactionWithStatusMeta| {
        mentions.is_none_or(|wanted| transaction.account_keys().iter().any(|key| key == wanted))
    };
    let confirmed = sol.confirmed_block(block, wanted)?;
    if mentions.is_some() && confirmed.transactions.is_empty() {
        return Ok(None);
    }
    let options = BlockEncodingOptions {
        transaction_details: config.transaction_details.unwrap_or_default(),
        show_rewards: config.show_rewards.unwrap_or_default(),
        max_supported_transaction_version: config.max_supported_transaction_version,
    };
    let encoding = config.encoding.unwrap_or(UiTransactionEncoding::Base64);
    let slot = block.header.height.0;
    Ok(Some(match confirmed.encode_with_options(encoding, options) {
        Ok(block) => RpcBlockUpdate { slot, block: Some(block), err: None },
        Err(EncodeError::UnsupportedTransactionVersion(version)) => RpcBlockUpdate {
            slot,
            block: None,
            err: Some(RpcBlockUpdateError::UnsupportedTransactionVersion(version)),
        },
    }))
}
