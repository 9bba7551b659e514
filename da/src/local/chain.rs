//! [`Chain`]: the local Celestia without its RPC. It has no clock: whoever makes a block says when.

use super::accounts::Account;
use super::consensus::{self, HeaderParts, Validators, commit_hash, results_hash, sha256};
use super::ledger::{Ledger, SubmitError, SubmitOptions, Ticket, check_blobs};
use super::log::Log;
use super::record::{Body, BodyTx, Record};
use super::square::{Piece, SquareBuilder};
use super::{ChainConfig, LocalError};
use celestia_types::namespace_data::NamespaceData;
use celestia_types::nmt::Namespace;
use celestia_types::state::AccAddress;
use celestia_types::{Blob, DataAvailabilityHeader, ExtendedDataSquare, ExtendedHeader};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tendermint::Time;
use tokio::sync::watch;

/// Blocks kept in memory: by number, and by the bytes that their squares and transactions take.
const CACHE_BLOCKS: usize = 512;
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Why a height cannot be read. The texts are celestia-node's.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no height 0.
    #[error("height is equal to 0")]
    Zero,
    /// Not made yet.
    #[error("header: given height is from the future: networkHeight: {head}, requestedHeight: {requested}")]
    Future {
        /// The newest height.
        head: u64,
        /// The height asked for.
        requested: u64,
    },
    /// No header with this hash.
    #[error("header: not found")]
    NotFound,
    /// The log cannot be read.
    #[error("{0}")]
    Log(#[from] LocalError),
}

/// A block: its header at once, its square when someone asks for it.
pub struct Block {
    header: ExtendedHeader,
    txs: Vec<BodyTx>,
    eds: OnceLock<ExtendedDataSquare>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({})", self.header)
    }
}

impl Block {
    /// Its header.
    #[must_use]
    pub fn header(&self) -> &ExtendedHeader {
        &self.header
    }

    /// Its height.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.header.height()
    }

    /// Its extended square.
    pub fn eds(&self) -> &ExtendedDataSquare {
        self.eds.get_or_init(|| {
            // The bound does not change the layout: what is in a block has fitted.
            let mut builder = SquareBuilder::new(super::square::MAX_SIDE * 2);
            for tx in &self.txs {
                builder.push_blobs(&tx.tx, &tx.pieces);
            }
            builder.finish().extend()
        })
    }

    /// What the block has of a namespace, with the proofs that it is all.
    ///
    /// # Panics
    /// Never: the header's roots are those of the square.
    #[must_use]
    pub fn namespace_data(&self, namespace: Namespace) -> NamespaceData {
        let height = self.height();
        let rows = self.header.dah.row_roots();
        let side = rows.len() / 2;
        let contains = |row: usize| {
            u16::try_from(row).is_ok_and(|row| self.header.dah.row_contains(row, namespace).unwrap_or(false))
        };
        if !(0..side).any(contains) {
            return NamespaceData::new(Vec::new());
        }
        let rows = self.eds().get_namespace_data(namespace, &self.header.dah, height);
        NamespaceData::new(
            rows.expect("roots and square belong together").into_iter().map(|(_, row)| row).collect(),
        )
    }

    /// The blobs of a namespace in square order, each with its index in the extended square, as
    /// celestia-node's `blob.GetAll`: what is no whole blob is left out.
    #[must_use]
    pub fn blobs(&self, namespace: Namespace) -> Vec<Blob> {
        super::blobs::in_square(self, namespace)
    }

    fn weight(&self) -> usize {
        let pieces =
            self.txs.iter().flat_map(|tx| &tx.pieces).map(|piece| piece.shares().len()).sum::<usize>();
        let width = self.header.dah.row_roots().len();
        width * width * 513 + pieces + 8_192
    }
}

/// What the next block builds on.
#[derive(Clone)]
struct Tip {
    block: Arc<Block>,
    app_hash: [u8; 32],
    results_hash: [u8; 32],
    state_height: u64,
}

/// A chain of real Celestia data with one maker. All methods may be called from any thread; those that make or
/// read a block compute for up to some hundred milliseconds where its square is large.
pub struct Chain {
    chain_id: String,
    validators: Validators,
    empty: DataAvailabilityHeader,
    ledger: Mutex<Ledger>,
    log: Mutex<Log>,
    tip: Mutex<Tip>,
    /// Held while a block is made: one at a time.
    making: Mutex<()>,
    cache: Mutex<VecDeque<Arc<Block>>>,
    head: watch::Sender<u64>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chain({} at {})", self.chain_id, self.height())
    }
}

impl Chain {
    /// Goes on with the chain in the directory, or begins one with an empty block of time `now` at height 1.
    ///
    /// # Errors
    /// [`LocalError`]: the chain id is none, or the directory cannot be used.
    pub fn open(config: &ChainConfig, now: Time) -> Result<Self, LocalError> {
        let id: tendermint::chain::Id =
            config.chain_id.parse().map_err(|_| LocalError::ChainId(config.chain_id.clone()))?;
        let validators = Validators::new(id);
        let empty = DataAvailabilityHeader::from_eds(&ExtendedDataSquare::empty());
        let mut log = Log::open(config.dir.as_deref(), &config.chain_id)?;
        if log.height() == 0 {
            let header = validators.header(&first(now), empty.clone());
            let record = Record {
                parts: first(now),
                hash: sha256(header.hash()),
                body: log.place_body(None),
                state_height: 0,
            };
            log.append(&record, None)?;
        }
        let height = log.height();
        let record = log.record(height)?;
        let block = load(&mut log, &validators, &empty, height)?;
        let states = match record.state_height {
            0 => Vec::new(),
            state_height => {
                let record = log.record(state_height)?;
                load_body(&mut log, &record)?.map_or(Vec::new(), |body| body.accounts)
            }
        };
        let ledger = Ledger::new(&config.chain_id, config.max_side, &config.accounts, &states);
        let tip = Tip {
            app_hash: app_hash(&ledger),
            results_hash: results_hash(&block.txs.iter().map(|tx| tx.gas).collect::<Vec<_>>()),
            state_height: record.state_height,
            block: Arc::new(block),
        };
        Ok(Self {
            chain_id: config.chain_id.clone(),
            validators,
            empty,
            ledger: Mutex::new(ledger),
            log: Mutex::new(log),
            cache: Mutex::new(VecDeque::from([tip.block.clone()])),
            tip: Mutex::new(tip),
            making: Mutex::new(()),
            head: watch::Sender::new(height),
        })
    }

    /// The chain id in every header.
    #[must_use]
    pub fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// The newest height, at least 1.
    #[must_use]
    pub fn height(&self) -> u64 {
        *self.head.borrow()
    }

    /// Tells each new height.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// How many wait for new heights.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.head.receiver_count()
    }

    /// The newest block.
    #[must_use]
    pub fn head(&self) -> Arc<Block> {
        self.tip.lock().block.clone()
    }

    /// The accounts of the keyring; the first one pays where a submission names none.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.ledger.lock().accounts()
    }

    /// utia of an account of the keyring; none for another.
    #[must_use]
    pub fn balance(&self, address: &AccAddress) -> Option<u64> {
        self.ledger.lock().balance(address)
    }

    /// The block of a height.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn block(&self, height: u64) -> Result<Arc<Block>, ReadError> {
        let head = self.height();
        if height == 0 {
            return Err(ReadError::Zero);
        }
        if height > head {
            return Err(ReadError::Future { head, requested: height });
        }
        if let Some(block) = self.cache.lock().iter().find(|block| block.height() == height) {
            return Ok(block.clone());
        }
        let block = Arc::new(load(&mut self.log.lock(), &self.validators, &self.empty, height)?);
        self.remember(block.clone());
        Ok(block)
    }

    /// The block whose header has this hash.
    ///
    /// # Errors
    /// [`ReadError::NotFound`].
    pub fn block_by_hash(&self, hash: &[u8; 32]) -> Result<Arc<Block>, ReadError> {
        let height = self.log.lock().find(hash)?.ok_or(ReadError::NotFound)?;
        self.block(height)
    }

    /// Takes blobs for the next block, in one transaction.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn submit(&self, blobs: &[Blob], options: &SubmitOptions) -> Result<Ticket, SubmitError> {
        check_blobs(blobs)?;
        // Far more than a transaction may have is not worth cutting into shares.
        let bytes: usize = blobs.iter().map(|blob| blob.data.len()).sum();
        if bytes > super::MAX_TX_BYTES {
            return Err(SubmitError::TxTooLarge(bytes));
        }
        let pieces = blobs.iter().map(Piece::from_blob).collect::<Result<Vec<_>, _>>();
        let pieces = pieces.map_err(|_| SubmitError::EmptyBlob)?;
        self.ledger.lock().submit(blobs, pieces, options)
    }

    /// Takes raw shares for the next block, whatever they hold, without a transaction that pays for them: what
    /// honest validators would not let pass, for tests.
    ///
    /// # Errors
    /// [`SubmitError`] where they fit in no square.
    pub fn inject(&self, pieces: Vec<Piece>) -> Result<Ticket, SubmitError> {
        self.ledger.lock().inject(pieces)
    }

    /// Makes the next block of what waits. Its time is `now`, or just after the last one's where `now` is not.
    ///
    /// # Errors
    /// [`LocalError`] where the log cannot be written. Nothing was made then, and what it would have held is
    /// lost with the process.
    pub fn produce(&self, now: Time) -> Result<Arc<Block>, LocalError> {
        let _making = self.making.lock();
        let tip = self.tip.lock().clone();
        let (builder, taken, accounts, app_hash) = {
            let mut ledger = self.ledger.lock();
            let (builder, taken) = ledger.select();
            (builder, taken, ledger.states(), app_hash(&ledger))
        };
        let txs: Vec<BodyTx> = taken.iter().map(|waiting| waiting.tx.clone()).collect();
        let eds = (!txs.is_empty()).then(|| builder.finish().extend());
        let dah = eds.as_ref().map_or_else(|| self.empty.clone(), DataAvailabilityHeader::from_eds);
        let parts = next(&tip, now);
        let header = self.validators.header(&parts, dah.clone());
        let body = eds.is_some().then(|| Body { dah, accounts, txs: txs.clone() }.encode());
        let gas: Vec<u64> = txs.iter().map(|tx| tx.gas).collect();
        let block = Block { header, txs, eds: eds.map_or_else(OnceLock::new, OnceLock::from) };
        let height = parts.height;
        let state_height = if body.is_some() { height } else { tip.state_height };
        {
            let mut log = self.log.lock();
            let hash = sha256(block.header.hash());
            let record = Record { parts, hash, body: log.place_body(body.as_deref()), state_height };
            log.append(&record, body.as_deref())?;
        }
        let block = Arc::new(block);
        *self.tip.lock() =
            Tip { block: block.clone(), app_hash, results_hash: results_hash(&gas), state_height };
        self.remember(block.clone());
        self.head.send_replace(height);
        for waiting in taken {
            waiting.reply(height);
        }
        Ok(block)
    }

    /// Makes durable what was made.
    ///
    /// # Errors
    /// [`LocalError::Io`].
    pub fn sync(&self) -> Result<(), LocalError> {
        self.log.lock().sync()
    }

    fn remember(&self, block: Arc<Block>) {
        let mut cache = self.cache.lock();
        cache.push_back(block);
        let mut weight: usize = cache.iter().map(|block| block.weight()).sum();
        while cache.len() > CACHE_BLOCKS || (weight > CACHE_BYTES && cache.len() > 1) {
            weight -= cache.pop_front().map_or(0, |block| block.weight());
        }
    }
}

/// The parts of the header of height 1.
fn first(time: Time) -> HeaderParts {
    HeaderParts {
        height: 1,
        time,
        last_block: None,
        last_commit_hash: Sha256::digest([]).into(),
        app_hash: [0; 32],
        last_results_hash: results_hash(&[]),
    }
}

fn next(tip: &Tip, now: Time) -> HeaderParts {
    let last = &tip.block.header;
    let after = last.time().checked_add(Duration::from_nanos(1)).unwrap_or(now);
    let hash = sha256(last.hash());
    HeaderParts {
        height: last.height() + 1,
        time: if now.after(last.time()) { now } else { after },
        last_block: Some((hash, consensus::part_set_hash(&hash))),
        last_commit_hash: commit_hash(&last.commit),
        app_hash: tip.app_hash,
        last_results_hash: tip.results_hash,
    }
}

/// The application's state is its accounts.
fn app_hash(ledger: &Ledger) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for state in ledger.states() {
        hasher.update(state.address);
        hasher.update(state.balance.to_be_bytes());
        hasher.update(state.sequence.to_be_bytes());
    }
    hasher.finalize().into()
}

fn load_body(log: &mut Log, record: &Record) -> Result<Option<Body>, LocalError> {
    let damaged = LocalError::Damaged { height: record.parts.height };
    match log.body(record)? {
        None => Ok(None),
        Some(bytes) => Body::decode(&bytes).map(Some).ok_or(damaged),
    }
}

/// A block made again from the log; it must have the hash that it had.
fn load(
    log: &mut Log,
    validators: &Validators,
    empty: &DataAvailabilityHeader,
    height: u64,
) -> Result<Block, LocalError> {
    let record = log.record(height)?;
    let (dah, txs) = match load_body(log, &record)? {
        Some(body) => (body.dah, body.txs),
        None => (empty.clone(), Vec::new()),
    };
    let header = validators.header(&record.parts, dah);
    if sha256(header.hash()) != record.hash {
        return Err(LocalError::Damaged { height });
    }
    Ok(Block { header, txs, eds: OnceLock::new() })
}
