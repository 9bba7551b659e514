//! What a submission has to pass, who pays for it, and what waits for a block.
//!
//! The errors read as celestia-node's and celestia-app's do, because clients tell them apart by their text.

use super::accounts::{Account, Terms};
use super::record::{AccountState, BodyTx};
use super::square::{Piece, SquareBuilder};
use super::wire::varint_len;
use alloy_primitives::FixedBytes;
use bytes::Bytes;
use celestia_types::Blob;
use celestia_types::state::{AccAddress, AddressTrait as _};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Largest transaction with its blobs, app v9.
pub const MAX_TX_BYTES: usize = 8 * 1024 * 1024;
/// The price in utia a unit of gas below which a node's mempool takes nothing.
pub const MIN_GAS_PRICE: f64 = 0.004;
/// What a submission pays at most where it names no bound, in utia a unit of gas.
const MAX_GAS_PRICE: f64 = 0.4;
/// Transactions with blobs in one block (celestia-app, the proposer's bound).
const MAX_PFBS: usize = 200;
/// Bounds of what waits: transactions, and bytes of their shares.
const MAX_WAITING: usize = 5_000;
const MAX_WAITING_BYTES: usize = 128 * 1024 * 1024;

/// What a submission may say beside its blobs (celestia-node's TxConfig). The default: the first account, gas as
/// needed, the node's price.
#[derive(Clone, Debug, Default)]
pub struct SubmitOptions {
    /// The account that pays, by address; before `key_name`.
    pub signer: Option<AccAddress>,
    /// The account that pays, by its name in the keyring.
    pub key_name: Option<String>,
    /// Gas limit; none: what is needed.
    pub gas: Option<u64>,
    /// utia a unit of gas; none: [`MIN_GAS_PRICE`].
    pub gas_price: Option<f64>,
    /// Bound of a price that is not given; none: 0.4.
    pub max_gas_price: Option<f64>,
}

/// Why a submission is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SubmitError {
    /// Nothing to post.
    #[error("no blobs provided")]
    NoBlobs,
    /// A namespace that is not a user's.
    #[error("not allowed namespace {0} were used to build the blob")]
    Namespace(String),
    /// A blob without data.
    #[error("cannot use zero blob size: zero blob size")]
    EmptyBlob,
    /// Only 0 and 1 are for users.
    #[error("unsupported share version: {0}")]
    ShareVersion(u8),
    /// A version 1 blob names someone else.
    #[error("blob signer {blob} does not match msgPFB signer {signer}: invalid blob signer")]
    Signer {
        /// Whom the blob names.
        blob: String,
        /// Who pays.
        signer: String,
    },
    /// No such address in the keyring.
    #[error("account for signer {0} not found")]
    NoAccount(String),
    /// No such name in the keyring.
    #[error("{0}.info: key not found")]
    NoKey(String),
    /// More bytes than a transaction may have.
    #[error(
        "tx size {0} bytes is larger than the application's configured MaxTxSize of {MAX_TX_BYTES} bytes for \
         version 9: exceeds max tx size limit"
    )]
    TxTooLarge(usize),
    /// More shares than a square has.
    #[error(
        "the number of shares occupied by blobs in this MsgPayForBlobs {0} exceeds the max number of shares \
         available for blob data {1}: blob too large"
    )]
    TooManyShares(usize, usize),
    /// The gas limit does not cover the blobs.
    #[error("out of gas in location: WritePerByte; gasWanted: {wanted}, gasUsed: {used}: out of gas")]
    OutOfGas {
        /// The limit.
        wanted: u64,
        /// What is needed.
        used: u64,
    },
    /// Below the node's minimum.
    #[error("insufficient fees; got: {got}utia required: {required}utia: insufficient fee")]
    InsufficientFee {
        /// utia offered.
        got: u64,
        /// utia needed.
        required: u64,
    },
    /// The node's price is above the bound.
    #[error("estimated gas price exceeds max gas price")]
    PriceAboveMax,
    /// The account has less than the fee.
    #[error("spendable balance {0}utia is smaller than {1}utia: insufficient funds")]
    InsufficientFunds(u64, u64),
    /// Enough waits already.
    #[error(
        "mempool is full: number of txs {0} (max: {MAX_WAITING}), total txs bytes {1} (max: {MAX_WAITING_BYTES})"
    )]
    MempoolFull(usize, usize),
    /// The chain was stopped.
    #[error("context canceled")]
    Stopped,
}

/// Where a submission landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// In the block of this height.
    pub height: u64,
    /// Hash of the transaction.
    pub tx_hash: [u8; 32],
    /// Gas that it was charged for.
    pub gas: u64,
}

/// A submission that waits for its block.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Landed>);

impl Ticket {
    /// Waits for the block.
    ///
    /// # Errors
    /// [`SubmitError::Stopped`] where the chain is dropped first.
    pub async fn landed(self) -> Result<Landed, SubmitError> {
        self.0.await.map_err(|_| SubmitError::Stopped)
    }

    /// The block, where it has been made already: after [`super::Chain::produce`].
    ///
    /// # Errors
    /// [`SubmitError::Stopped`] where it has not.
    pub fn try_landed(mut self) -> Result<Landed, SubmitError> {
        self.0.try_recv().map_err(|_| SubmitError::Stopped)
    }
}

/// A transaction in the mempool.
pub(crate) struct Waiting {
    pub(crate) tx: BodyTx,
    /// Who pays, and how much; none for what a test injects.
    payer: Option<(usize, u64)>,
    reply: oneshot::Sender<Landed>,
}

impl Waiting {
    pub(crate) fn reply(self, height: u64) {
        let tx_hash = Sha256::digest(&self.tx.tx).into();
        // Whoever asked may be gone.
        let _ = self.reply.send(Landed { height, tx_hash, gas: self.tx.gas });
    }

    fn bytes(&self) -> usize {
        self.tx.pieces.iter().map(|piece| piece.shares().len()).sum()
    }
}

struct Purse {
    account: Account,
    balance: u64,
    sequence: u64,
    /// Fees and number of its waiting transactions.
    reserved: u64,
    waiting: u64,
}

/// Accounts and mempool.
pub(crate) struct Ledger {
    chain_id: String,
    max_side: usize,
    purses: Vec<Purse>,
    mempool: VecDeque<Waiting>,
    mempool_bytes: usize,
}

impl Ledger {
    /// `accounts` with what they have at the start; `states`, from the log, overrules that.
    pub(crate) fn new(
        chain_id: &str,
        max_side: usize,
        accounts: &[(String, u64)],
        states: &[AccountState],
    ) -> Self {
        let purse = |(name, balance): &(String, u64)| {
            let account = Account::derive(chain_id, name);
            let state = states.iter().find(|state| state.address == address(&account));
            let (balance, sequence) = state.map_or((*balance, 0), |state| (state.balance, state.sequence));
            Purse { account, balance, sequence, reserved: 0, waiting: 0 }
        };
        Self {
            chain_id: chain_id.to_owned(),
            max_side,
            purses: accounts.iter().map(purse).collect(),
            mempool: VecDeque::new(),
            mempool_bytes: 0,
        }
    }

    pub(crate) fn accounts(&self) -> Vec<Account> {
        self.purses.iter().map(|purse| purse.account.clone()).collect()
    }

    /// Balance after the newest block; none for an address that is not in the keyring.
    pub(crate) fn balance(&self, address: &AccAddress) -> Option<u64> {
        self.purses.iter().find(|purse| purse.account.address() == *address).map(|purse| purse.balance)
    }

    pub(crate) fn states(&self) -> Vec<AccountState> {
        let state = |purse: &Purse| AccountState {
            address: address(&purse.account),
            balance: purse.balance,
            sequence: purse.sequence,
        };
        self.purses.iter().map(state).collect()
    }

    /// Takes a submission into the mempool. `pieces` are the shares of `blobs`.
    pub(crate) fn submit(
        &mut self,
        blobs: &[Blob],
        pieces: Vec<Piece>,
        options: &SubmitOptions,
    ) -> Result<Ticket, SubmitError> {
        let index = self.payer(options)?;
        let purse = &self.purses[index];
        check_signers(blobs, &purse.account)?;
        let (gas, fee) = price(blobs, &pieces, options)?;
        let terms =
            Terms { gas, fee, account_number: index as u64, sequence: purse.sequence + purse.waiting };
        let tx: Bytes = purse.account.pay_for_blobs(&self.chain_id, blobs, terms).into();
        let size = blob_tx_len(tx.len(), blobs);
        if size > MAX_TX_BYTES {
            return Err(SubmitError::TxTooLarge(size));
        }
        if !SquareBuilder::new(self.max_side).push_blobs(&tx, &pieces) {
            let shares = pieces.iter().map(Piece::share_count).sum();
            return Err(SubmitError::TooManyShares(shares, self.max_side * self.max_side - 1));
        }
        let spendable = purse.balance.saturating_sub(purse.reserved);
        if spendable < fee {
            return Err(SubmitError::InsufficientFunds(spendable, fee));
        }
        let ticket = self.wait(BodyTx { tx, gas, pieces }, Some((index, fee)))?;
        self.purses[index].reserved += fee;
        self.purses[index].waiting += 1;
        Ok(ticket)
    }

    /// Takes pieces that nobody pays for.
    pub(crate) fn inject(&mut self, pieces: Vec<Piece>) -> Result<Ticket, SubmitError> {
        if !SquareBuilder::new(self.max_side).push_blobs(&Bytes::new(), &pieces) {
            let shares = pieces.iter().map(Piece::share_count).sum();
            return Err(SubmitError::TooManyShares(shares, self.max_side * self.max_side));
        }
        self.wait(BodyTx { tx: Bytes::new(), gas: 0, pieces }, None)
    }

    fn wait(&mut self, tx: BodyTx, payer: Option<(usize, u64)>) -> Result<Ticket, SubmitError> {
        let (reply, ticket) = oneshot::channel();
        let waiting = Waiting { tx, payer, reply };
        let bytes = self.mempool_bytes + waiting.bytes();
        if self.mempool.len() >= MAX_WAITING || bytes > MAX_WAITING_BYTES {
            return Err(SubmitError::MempoolFull(self.mempool.len(), self.mempool_bytes));
        }
        self.mempool_bytes = bytes;
        self.mempool.push_back(waiting);
        Ok(Ticket(ticket))
    }

    fn payer(&self, options: &SubmitOptions) -> Result<usize, SubmitError> {
        let find =
            |wanted: &dyn Fn(&Account) -> bool| self.purses.iter().position(|purse| wanted(&purse.account));
        match (&options.signer, &options.key_name) {
            (Some(signer), _) => find(&|account| account.address() == *signer)
                .ok_or_else(|| SubmitError::NoAccount(signer.to_string())),
            (None, Some(name)) => {
                find(&|account| account.name() == name).ok_or_else(|| SubmitError::NoKey(name.clone()))
            }
            (None, None) => find(&|_| true).ok_or_else(|| SubmitError::NoAccount(String::new())),
        }
    }

    /// Takes out what the next block holds, first come first served. What does not fit stays, and with it all
    /// that its account sent later.
    pub(crate) fn select(&mut self) -> (SquareBuilder, Vec<Waiting>) {
        let mut builder = SquareBuilder::new(self.max_side);
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        let mut held_back = vec![false; self.purses.len()];
        for waiting in self.mempool.drain(..) {
            let payer = waiting.payer.map(|(index, _)| index);
            let held = payer.is_some_and(|index| held_back[index]) || taken.len() >= MAX_PFBS;
            if !held && builder.push_blobs(&waiting.tx.tx, &waiting.tx.pieces) {
                taken.push(waiting);
                continue;
            }
            if let Some(index) = payer {
                held_back[index] = true;
            }
            left.push_back(waiting);
        }
        self.mempool = left;
        for waiting in &taken {
            self.mempool_bytes -= waiting.bytes();
            if let Some((index, fee)) = waiting.payer {
                let purse = &mut self.purses[index];
                purse.reserved -= fee;
                purse.waiting -= 1;
                purse.balance -= fee;
                purse.sequence += 1;
            }
        }
        (builder, taken)
    }
}

fn address(account: &Account) -> FixedBytes<20> {
    FixedBytes::from_slice(account.address().as_bytes())
}

/// What can be said of blobs without an account.
pub(crate) fn check_blobs(blobs: &[Blob]) -> Result<(), SubmitError> {
    if blobs.is_empty() {
        return Err(SubmitError::NoBlobs);
    }
    for blob in blobs {
        if blob.namespace.is_reserved() || blob.namespace.id_v0().is_none() {
            return Err(SubmitError::Namespace(hex::encode(blob.namespace.as_bytes())));
        }
        if blob.data.is_empty() {
            return Err(SubmitError::EmptyBlob);
        }
        if blob.share_version > 1 {
            return Err(SubmitError::ShareVersion(blob.share_version));
        }
    }
    Ok(())
}

fn check_signers(blobs: &[Blob], account: &Account) -> Result<(), SubmitError> {
    let foreign = |blob: &&Blob| blob.share_version == 1 && blob.signer != Some(account.address());
    match blobs.iter().find(foreign) {
        Some(blob) => Err(SubmitError::Signer {
            blob: blob.signer.map(|signer| signer.to_string()).unwrap_or_default(),
            signer: account.address().to_string(),
        }),
        None => Ok(()),
    }
}

/// Gas limit and fee.
fn price(blobs: &[Blob], pieces: &[Piece], options: &SubmitOptions) -> Result<(u64, u64), SubmitError> {
    let shares: u64 = pieces.iter().map(|piece| piece.share_count() as u64).sum();
    let needed = 512 * 8 * shares + 700 * blobs.len() as u64 + 75_000;
    let gas = options.gas.filter(|gas| *gas > 0).unwrap_or(needed);
    if gas < needed {
        return Err(SubmitError::OutOfGas { wanted: gas, used: needed });
    }
    // A negative price means the node's, as in celestia-node.
    let asked = options.gas_price.filter(|price| *price >= 0.0);
    let bound = options.max_gas_price.filter(|price| *price > 0.0).unwrap_or(MAX_GAS_PRICE);
    if asked.is_none() && bound < MIN_GAS_PRICE {
        return Err(SubmitError::PriceAboveMax);
    }
    let got = fee(gas, asked.unwrap_or(MIN_GAS_PRICE));
    let required = fee(gas, MIN_GAS_PRICE);
    if got < required {
        return Err(SubmitError::InsufficientFee { got, required });
    }
    Ok((gas, got))
}

/// Rounded up, as celestia-node does; a price beyond all money is u64::MAX, which nobody can pay.
fn fee(gas: u64, price: f64) -> u64 {
    (gas as f64 * price).ceil() as u64
}

/// Bytes of the BlobTx: the transaction, its blobs, and the type id.
fn blob_tx_len(tx: usize, blobs: &[Blob]) -> usize {
    let field = |len: usize| 1 + varint_len(len as u64) + len;
    let blob_len = |blob: &Blob| {
        let signer = blob.signer.map_or(0, |_| field(20));
        let version = if blob.share_version == 0 { 0 } else { 2 };
        field(28) + field(blob.data.len()) + version + signer
    };
    field(tx) + blobs.iter().map(|blob| field(blob_len(blob))).sum::<usize>() + field(4)
}
