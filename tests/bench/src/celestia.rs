//! Batches of transfers on an embedded local Celestia, and what its endpoint would answer for them.

use crate::workload::{self, CHAIN_ID};
use celestia_types::namespace_data::NamespaceData;
use celestia_types::nmt::Namespace as CelestiaNamespace;
use celestia_types::{Blob, ExtendedHeader};
use std::sync::Arc;
use tendermint::Time;
use weft_da::batch::{self, Batch, SequencedBlock};
use weft_da::derive::DerivationState;
use weft_da::layer::Anchor;
use weft_da::local::{Chain, ChainConfig, SubmitOptions};
use weft_da::signature::SequencerKey;
use weft_genesis::{Account, Devnet, Genesis};
use weft_types::{AccountId, B256, DaHeight, DerivedBlock, Height, Namespace, Transaction, U256, hash};

/// What an endpoint answers for one height.
pub struct Answer {
    pub header: ExtendedHeader,
    pub batch: NamespaceData,
    pub forced: NamespaceData,
}

/// A chain's genesis and all that Celestia has of it.
pub struct Recorded {
    pub genesis: Arc<Genesis>,
    pub anchor: Anchor,
    pub trusted: ExtendedHeader,
    pub answers: Vec<Answer>,
    /// Bytes of all blobs.
    pub bytes: usize,
}

/// Seconds of Celestia's clock at its first block, and of our chain's genesis.
const START: i64 = 1_700_000_000;

/// Puts `transactions` in blocks of `per_block`, `blocks_per_batch` of them in a batch, a batch a height.
pub fn record(
    transactions: &[Transaction],
    accounts: usize,
    per_block: usize,
    blocks_per_batch: usize,
) -> eyre::Result<Recorded> {
    let accounts = (0..accounts).map(|number| AccountId::from_evm(workload::signer(number).address()));
    let mut recorder = Recorder::new(accounts)?;
    let groups = transactions.chunks(per_block * blocks_per_batch);
    let answers = groups.map(|group| recorder.batch(group, per_block)).collect::<eyre::Result<_>>()?;
    let Recorder { genesis, anchor, trusted, bytes, .. } = recorder;
    Ok(Recorded { genesis, anchor, trusted, answers, bytes })
}

/// A Celestia that takes batches of one chain, one after the other. Blocks are a millisecond apart.
pub struct Recorder {
    pub genesis: Arc<Genesis>,
    pub anchor: Anchor,
    pub trusted: ExtendedHeader,
    /// Bytes of all blobs.
    bytes: usize,
    chain: Chain,
    key: SequencerKey,
    order_hash: B256,
    height: u64,
    batch_no: u64,
}

impl Recorder {
    /// A chain whose genesis funds `accounts` with 100 tokens each.
    pub fn new(accounts: impl Iterator<Item = AccountId>) -> eyre::Result<Self> {
        let chain = Chain::open(&ChainConfig::default(), Time::from_unix_timestamp(START, 0)?)?;
        let trusted = chain.head().header().clone();
        let anchor = Anchor { height: DaHeight(1), hash: B256::from_slice(trusted.hash().as_bytes()) };
        let key = SequencerKey::from_bytes([9; 32])?;
        let mut genesis = Genesis::devnet(Devnet {
            timestamp_ms: u64::try_from(START)? * 1_000,
            celestia_chain_id: chain.chain_id().to_owned(),
            checkpoint: (anchor.height, anchor.hash),
            sequencers: vec![key.address()],
            accounts: Vec::new(),
        });
        let rich = U256::from(10).pow(U256::from(20));
        genesis.accounts = accounts.map(|account| Account::funded(account, rich)).collect();
        genesis.validate()?;
        let tip = DerivationState::genesis(&genesis.derivation_params());
        let order_hash = tip.tip().order_hash;
        let genesis = Arc::new(genesis);
        Ok(Self { genesis, anchor, trusted, bytes: 0, chain, key, order_hash, height: 1, batch_no: 0 })
    }

    /// Puts `transactions` in blocks of `per_block`, all in one batch at the next height of Celestia.
    pub fn batch(&mut self, transactions: &[Transaction], per_block: usize) -> eyre::Result<Answer> {
        let params = self.genesis.derivation_params();
        let origin = DaHeight(self.chain.height());
        let (first_height, prev_order_hash) = (Height(self.height), self.order_hash);
        let mut blocks = Vec::new();
        for block in transactions.chunks(per_block) {
            let timestamp_ms = u64::try_from(START)? * 1_000 + self.height;
            let root = DerivedBlock::ordered_root(block);
            self.order_hash = hash::order_hash(self.order_hash, self.height, timestamp_ms, origin.0, root);
            blocks.push(SequencedBlock::new(timestamp_ms, origin, block));
            self.height += 1;
        }
        let batch = Batch {
            chain_id: CHAIN_ID,
            sequencer: self.key.address(),
            batch_no: self.batch_no,
            first_height,
            prev_order_hash,
            blocks,
        };
        self.batch_no += 1;
        for data in batch::encode(batch, &self.key, 7 << 20)? {
            self.bytes += data.len();
            let blob = Blob::new(in_celestia(params.batch_namespace)?, data.to_vec(), None)?;
            self.chain.submit(&[blob], &SubmitOptions::default())?;
        }
        let seconds = START + i64::try_from(self.chain.height())? * 6;
        let made = self.chain.produce(Time::from_unix_timestamp(seconds, 0)?)?;
        Ok(Answer {
            header: made.header().clone(),
            batch: made.namespace_data(in_celestia(params.batch_namespace)?),
            forced: made.namespace_data(in_celestia(params.forced_namespace)?),
        })
    }
}

pub fn in_celestia(namespace: Namespace) -> eyre::Result<CelestiaNamespace> {
    Ok(CelestiaNamespace::from_raw(namespace.as_bytes())?)
}
