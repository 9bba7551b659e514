//! [`News`]: what happens to the chain, each block decoded once for all of Solana's subscribers.

use super::super::limits::NEWS_BLOCKS;
use super::meta;
use crate::chain::{BlockRecord, Chain, ChainEvent};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use weft_sbf::{key, record};
use weft_types::{B256, Height};

/// Events that a subscriber may fall behind before it is closed.
const EVENTS_MAX: usize = 256;

/// Something that subscribers hear of.
#[derive(Clone)]
pub(super) enum Event {
    /// A block on top of the last one: processed, and confirmed by its sequencer's signature.
    Block(Arc<Digest>),
    /// Celestia has the block.
    Final(Arc<Digest>),
    /// These blocks are void, ascending; what takes their place follows.
    Void(Arc<[Arc<BlockRecord>]>),
    /// Something happened that nobody can tell any more.
    Lost,
}

/// A block as subscribers look at it.
pub(super) struct Digest {
    pub(super) block: Arc<BlockRecord>,
    pub(super) transactions: Vec<Told>,
    /// Other machines' transactions are in it: they may change any balance.
    others: bool,
    by_signature: HashMap<Signature, usize>,
    /// What its transactions may have written.
    written: HashSet<Pubkey>,
    owners: OnceLock<HashMap<Pubkey, Pubkey>>,
}

/// One transaction of a block.
pub(super) struct Told {
    pub(super) signature: Signature,
    pub(super) err: Option<TransactionError>,
    pub(super) logs: Vec<String>,
    /// All accounts that it names.
    pub(super) keys: Vec<Pubkey>,
}

impl Digest {
    fn new(block: Arc<BlockRecord>) -> Self {
        let (mut transactions, mut written) = (Vec::new(), HashSet::new());
        for (_, record) in meta::transactions(&block) {
            // Said in the log by whoever reads it.
            let Ok(versioned) = meta::versioned(record) else { continue };
            let Some(signature) = versioned.signatures.first().copied() else { continue };
            let err = meta::result(record).err();
            let detail = meta::detail(record).unwrap_or_default();
            let message = &versioned.message;
            let mut keys = message.static_account_keys().to_vec();
            let statics = keys.iter().enumerate();
            written.extend(statics.filter(|(at, _)| meta::is_writable(message, *at)).map(|(_, key)| *key));
            written.extend(&detail.loaded_writable);
            keys.extend(detail.loaded_writable.iter().chain(&detail.loaded_readonly));
            transactions.push(Told { signature, err, logs: detail.logs, keys });
        }
        let signatures = transactions.iter().enumerate();
        Self {
            by_signature: signatures.map(|(index, told)| (told.signature, index)).collect(),
            others: transactions.len() < block.transactions.len(),
            owners: OnceLock::new(),
            transactions,
            written,
            block,
        }
    }

    pub(super) fn slot(&self) -> u64 {
        self.block.header.height.0
    }

    pub(super) fn transaction(&self, signature: &Signature) -> Option<&Told> {
        self.transactions.get(*self.by_signature.get(signature)?)
    }

    /// Whether the account may differ after the block.
    pub(super) fn may_change(&self, pubkey: &Pubkey) -> bool {
        self.others || self.written.contains(pubkey)
    }

    /// Those of the written accounts that `program` owns after the block, ascending.
    pub(super) fn written_of(&self, chain: &Chain, program: &Pubkey) -> Vec<Pubkey> {
        let owners = self.owners.get_or_init(|| owners(chain, self.block.header.height, &self.written));
        let owned = owners.iter().filter(|(_, owner)| *owner == program);
        let mut owned: Vec<_> = owned.map(|(pubkey, _)| *pubkey).collect();
        owned.sort_unstable();
        owned
    }
}

/// Accounts without a record are wallets, which no program but the system's owns.
fn owners(chain: &Chain, height: Height, accounts: &HashSet<Pubkey>) -> HashMap<Pubkey, Pubkey> {
    let Ok(state) = chain.state_at(height) else { return HashMap::new() };
    let owner = |pubkey: &Pubkey| {
        let record = state.get(&key::account(pubkey)).ok()??;
        Some((*pubkey, record::decode(&record)?.owner))
    };
    accounts.iter().filter_map(owner).collect()
}

/// See the module.
pub(super) struct News(broadcast::Sender<Event>);

impl News {
    /// The news, and the work that makes them until the chain is gone.
    pub(super) fn new(chain: &Arc<Chain>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let sender = broadcast::channel(EVENTS_MAX).0;
        // From here on, so that nothing falls between the start and the first event.
        let events = chain.subscribe();
        let desk = Desk {
            told: chain.included().header.height,
            chain: Arc::clone(chain),
            digests: moka::sync::Cache::new(u64::try_from(NEWS_BLOCKS).unwrap_or(u64::MAX)),
            out: sender.clone(),
        };
        (Self(sender), follow(desk, events))
    }

    /// What happens from now on.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.0.subscribe()
    }
}

/// Makes events of what the chain says.
struct Desk {
    chain: Arc<Chain>,
    digests: moka::sync::Cache<B256, Arc<Digest>>,
    out: broadcast::Sender<Event>,
    /// The last block that was told as final.
    told: Height,
}

async fn follow(mut desk: Desk, mut events: broadcast::Receiver<ChainEvent>) {
    loop {
        let event = match events.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(_)) => None,
            Err(RecvError::Closed) => return,
        };
        let done = tokio::task::spawn_blocking(move || {
            match event {
                Some(event) => desk.tell(event),
                None => desk.lose(),
            }
            desk
        });
        match done.await {
            Ok(back) => desk = back,
            Err(error) => return tracing::error!(%error, "Solana's subscriptions have stopped"),
        }
    }
}

impl Desk {
    fn tell(&mut self, event: ChainEvent) {
        let heard = self.out.receiver_count() > 0;
        match event {
            ChainEvent::Block(block) if heard => self.send(Event::Block(self.digest(block))),
            ChainEvent::Reverted { removed, .. } if heard => self.send(Event::Void(removed)),
            ChainEvent::Included { up_to } => {
                let first = self.told.next();
                self.told = up_to.max(self.told);
                for height in (first.0..=up_to.0).map(Height).filter(|_| heard) {
                    match self.chain.block(height) {
                        Ok(Some(block)) => self.send(Event::Final(self.digest(block))),
                        Ok(None) | Err(_) => self.send(Event::Lost),
                    }
                }
            }
            ChainEvent::Block(_) | ChainEvent::Reverted { .. } => {}
        }
    }

    fn lose(&mut self) {
        self.told = self.chain.included().header.height;
        self.send(Event::Lost);
    }

    fn send(&self, event: Event) {
        // Nobody listening is no fault.
        let _ = self.out.send(event);
    }

    fn digest(&self, block: Arc<BlockRecord>) -> Arc<Digest> {
        let hash = block.hash;
        self.digests.get_with(hash, || Arc::new(Digest::new(block)))
    }
}
