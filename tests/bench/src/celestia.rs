//! Batches of transfers on an embedded local Celestia, and what its endpoint would answer for them.

use crate::workload::{self, CHAIN_ID};
use celestia_types::namespace_data::NamespaceData;
use celestia_types::nmt::Namespace as CelestiaNamespace;
use celestia_types::{Blob, ExtendedHeader};
use std::sync::Arc;
use tendermint::Time;
use weft_da::batch::{self, Batch, SequencedBlock};
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

/// Seconds of Celestia's clock at its first block.
const START: i64 = 1_700_000_000;

/// Puts `transactions` in blocks of `per_block`, `blocks_per_batch` of them in a batch, a batch a height.
pub fn record(
    transactions: &[Transaction],
    accounts: usize,
    per_block: usize,
    blocks_per_batch: usize,
) -> eyre::Result<Recorded> {
    let chain = Chain::open(&ChainConfig::default(), Time::from_unix_timestamp(START, 0)?)?;
    let trusted = chain.head().header().clone();
    let anchor = Anchor { height: DaHeight(1), hash: B256::from_slice(trusted.hash().as_bytes()) };
    let key = SequencerKey::from_bytes([9; 32])?;
    let mut genesis = Genesis::devnet(Devnet {
        timestamp_ms: 1_600_000_000_000,
        celestia_chain_id: chain.chain_id().to_owned(),
        checkpoint: (anchor.height, anchor.hash),
        sequencers: vec![key.address()],
        accounts: Vec::new(),
    });
    let rich = U256::from(10).pow(U256::from(20));
    genesis.accounts = (0..accounts)
        .map(|number| Account::funded(AccountId::from_evm(workload::signer(number).address()), rich))
        .collect();
    genesis.validate()?;
    let params = genesis.derivation_params();
    let mut order = weft_da::derive::DerivationState::genesis(&params).tip().order_hash;
    let (mut height, mut bytes, mut answers) = (1_u64, 0, Vec::new());
    for (batch_no, group) in (0..).zip(transactions.chunks(per_block * blocks_per_batch)) {
        let origin = DaHeight(chain.height());
        let (first_height, prev_order_hash) = (Height(height), order);
        let mut blocks = Vec::new();
        for block in group.chunks(per_block) {
            let timestamp_ms = u64::try_from(START)? * 1_000 + height;
            order =
                hash::order_hash(order, height, timestamp_ms, origin.0, DerivedBlock::ordered_root(block));
            blocks.push(SequencedBlock::new(timestamp_ms, origin, block));
            height += 1;
        }
        let batch = Batch {
            chain_id: CHAIN_ID,
            sequencer: key.address(),
            batch_no,
            first_height,
            prev_order_hash,
            blocks,
        };
        for data in batch::encode(batch, &key, 7 << 20)? {
            bytes += data.len();
            let blob = Blob::new(in_celestia(params.batch_namespace)?, data.to_vec(), None)?;
            chain.submit(&[blob], &SubmitOptions::default())?;
        }
        let seconds = START + i64::try_from(chain.height())? * 6;
        let made = chain.produce(Time::from_unix_timestamp(seconds, 0)?)?;
        answers.push(Answer {
            header: made.header().clone(),
            batch: made.namespace_data(in_celestia(params.batch_namespace)?),
            forced: made.namespace_data(in_celestia(params.forced_namespace)?),
        });
    }
    Ok(Recorded { genesis: Arc::new(genesis), anchor, trusted, answers, bytes })
}

pub fn in_celestia(namespace: Namespace) -> eyre::Result<CelestiaNamespace> {
    Ok(CelestiaNamespace::from_raw(namespace.as_bytes())?)
}
