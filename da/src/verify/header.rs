//! Headers: valid in themselves, and in one chain from a trusted one.
//!
//! celestia-types' `ExtendedHeader::validate` does most of the first. Left out there and done here: the app
//! version that we know, the square's side, the votes' addresses. Its `verify_adjacent` reads the clock, so
//! adjacency is checked here, as celestia-node's `header.Verify` does it (research: celestia-node header/verify.go).

use super::{Evidence, VerifyError};
use crate::layer::Anchor;
use celestia_types::hash::Hash;
use celestia_types::{DataAvailabilityHeader, ExtendedHeader};
use tendermint::account;
use tendermint::block::CommitSig;
use weft_types::{B256, DaHeight};

/// The newest version of celestia-app whose headers, squares and shares this code knows. Version 10 brings
/// share version 2 into user namespaces, which the share parser skips.
pub const APP_VERSION_MAX: u64 = 10;

/// The largest side of an extended square: twice celestia-app's hard bound of 512.
pub const SQUARE_SIDE_MAX: usize = 1024;

/// CometBFT's bound on the votes of a commit (`MaxVotesCount`).
pub const VALIDATORS_MAX: usize = 10_000;

/// Checks all of a header that can be checked without another one: bounds, hashes, more than two thirds of the
/// power of the validators that it names.
///
/// # Errors
/// [`VerifyError::Header`].
pub fn check(header: &ExtendedHeader) -> Result<(), VerifyError> {
    let fail = |what: String| VerifyError::Header { height: DaHeight(header.height()), what };
    check_bounds(header).map_err(fail)?;
    header.validate().map_err(|error| fail(error.to_string()))?;
    check_votes(header).map_err(fail)
}

/// Side of the data part of the square, half of the extended one.
#[must_use]
pub fn original_side(dah: &DataAvailabilityHeader) -> usize {
    dah.row_roots().len() / 2
}

fn check_bounds(header: &ExtendedHeader) -> Result<(), String> {
    let app = header.header.version.app;
    if !(1..=APP_VERSION_MAX).contains(&app) {
        return Err(format!("its app version is {app} and this node knows versions 1 to {APP_VERSION_MAX}"));
    }
    let (rows, columns) = (header.dah.row_roots().len(), header.dah.column_roots().len());
    if rows != columns || rows < 2 || rows > SQUARE_SIDE_MAX || !rows.is_power_of_two() {
        return Err(format!(
            "its square has {rows} rows and {columns} columns, which must be equal and a power of two in \
             2..={SQUARE_SIDE_MAX}"
        ));
    }
    let validators = header.validator_set.validators.len();
    if validators > VALIDATORS_MAX {
        return Err(format!("it names {validators} validators, at most {VALIDATORS_MAX} are possible"));
    }
    Ok(())
}

/// What signatures and hashes do not cover, but what must be so in every real header.
fn check_votes(header: &ExtendedHeader) -> Result<(), String> {
    let validators = &header.validator_set.validators;
    for (validator, vote) in validators.iter().zip(&header.commit.signatures) {
        if validator.address != account::Id::from(validator.pub_key) {
            return Err(format!("validator {} has another key's address", validator.address));
        }
        let voter = match vote {
            CommitSig::BlockIdFlagAbsent => continue,
            CommitSig::BlockIdFlagCommit { validator_address, .. }
            | CommitSig::BlockIdFlagNil { validator_address, .. } => validator_address,
        };
        if *voter != validator.address {
            return Err(format!("the vote of validator {} is under the name {voter}", validator.address));
        }
    }
    let known = |id: account::Id| validators.iter().any(|validator| validator.address == id);
    if !known(header.header.proposer_address) {
        return Err(format!("its proposer {} is no validator", header.header.proposer_address));
    }
    match &header.validator_set.proposer {
        Some(proposer)
            if !validators.iter().any(|one| {
                (one.address, one.pub_key, one.power) == (proposer.address, proposer.pub_key, proposer.power)
            }) =>
        {
            Err(format!("the next proposer {} is no validator", proposer.address))
        }
        _ => Ok(()),
    }
}

/// A header's time in Unix milliseconds, rounded down.
///
/// # Errors
/// [`VerifyError::Header`] before 1970.
pub fn time_ms(header: &ExtendedHeader) -> Result<u64, VerifyError> {
    u64::try_from(header.time().unix_timestamp_nanos() / 1_000_000).map_err(|_| VerifyError::Header {
        height: DaHeight(header.height()),
        what: "its time is before 1970".into(),
    })
}

/// A header's hash, computed from its fields.
#[must_use]
pub fn hash(header: &ExtendedHeader) -> B256 {
    match header.header.hash() {
        Hash::Sha256(bytes) => B256::new(bytes),
        Hash::None => B256::ZERO,
    }
}

/// Headers that follow one another from a trusted one on.
#[derive(Clone, Debug)]
pub struct HeaderChain {
    chain_id: Option<String>,
    anchor: Anchor,
    /// The last that was accepted; `None` until the anchor's own header is there.
    last: Option<ExtendedHeader>,
}

impl HeaderChain {
    /// A chain from `anchor` on. An anchor at height 0 has no header: the chain then begins with whatever
    /// validators the header at height 1 names, which only a development chain should do.
    #[must_use]
    pub fn new(anchor: Anchor, chain_id: Option<String>) -> Self {
        Self { chain_id, anchor, last: None }
    }

    /// The last header that was accepted.
    #[must_use]
    pub fn tip(&self) -> Anchor {
        match &self.last {
            Some(last) => Anchor { height: DaHeight(last.height()), hash: hash(last) },
            None => self.anchor,
        }
    }

    /// Takes the header at the anchor's height, which must have the anchor's hash.
    ///
    /// # Errors
    /// [`VerifyError::Header`].
    pub fn begin(&mut self, header: &ExtendedHeader) -> Result<(), VerifyError> {
        self.check_chain_id(header)?;
        let (anchor, got) = (self.anchor, Anchor { height: DaHeight(header.height()), hash: hash(header) });
        if got != anchor {
            return Err(fail(
                header,
                format!(
                    "the trusted one is {} at height {}, this is {}",
                    anchor.hash, anchor.height, got.hash
                ),
            ));
        }
        check(header)?;
        self.last = Some(header.clone());
        Ok(())
    }

    /// Accepts the next header.
    ///
    /// # Errors
    /// [`VerifyError::Header`], or [`VerifyError::Equivocation`] where it is a second valid header at the tip's
    /// height.
    pub fn accept(&mut self, header: &ExtendedHeader) -> Result<(), VerifyError> {
        self.check_next(header)?;
        self.advance(header);
        Ok(())
    }

    /// Compares a header of any source with the tip: another valid one at the same height, of the same
    /// validators, is evidence. Headers at other heights say nothing.
    ///
    /// # Errors
    /// [`VerifyError::Equivocation`].
    pub fn compare(&self, other: &ExtendedHeader) -> Result<(), VerifyError> {
        match &self.last {
            Some(last)
                if last.height() == other.height()
                    && last.header.chain_id == other.header.chain_id
                    && last.header.validators_hash == other.header.validators_hash
                    && hash(last) != hash(other)
                    && check(other).is_ok() =>
            {
                let evidence = Evidence { first: last.clone(), second: other.clone() };
                Err(VerifyError::Equivocation(Box::new(evidence)))
            }
            _ => Ok(()),
        }
    }

    /// All checks of [`Self::accept`], without accepting.
    pub(super) fn check_next(&self, header: &ExtendedHeader) -> Result<(), VerifyError> {
        self.check_chain_id(header)?;
        self.compare(header)?;
        self.check_order(header)?;
        check(header)?;
        match &self.last {
            Some(last) => check_adjacent(last, header),
            None => Ok(()),
        }
    }

    /// The height alone.
    pub(super) fn check_order(&self, header: &ExtendedHeader) -> Result<(), VerifyError> {
        if self.last.is_none() && self.anchor.height != DaHeight(0) {
            return Err(fail(
                header,
                format!("the trusted header at height {} comes first", self.anchor.height),
            ));
        }
        let expected = self.tip().height.next();
        if DaHeight(header.height()) != expected {
            return Err(fail(header, format!("height {expected} comes next")));
        }
        Ok(())
    }

    pub(super) fn begin_trusting(&mut self, header: &ExtendedHeader) -> Result<(), VerifyError> {
        if DaHeight(header.height()) != self.anchor.height {
            return Err(fail(header, format!("the chain begins at height {}", self.anchor.height)));
        }
        self.last = Some(header.clone());
        Ok(())
    }

    pub(super) fn advance(&mut self, header: &ExtendedHeader) {
        self.last = Some(header.clone());
    }

    fn check_chain_id(&self, header: &ExtendedHeader) -> Result<(), VerifyError> {
        let pinned = match (&self.chain_id, &self.last) {
            (Some(id), _) => id.as_str(),
            (None, Some(last)) => last.header.chain_id.as_str(),
            (None, None) => return Ok(()),
        };
        if header.header.chain_id.as_str() == pinned {
            return Ok(());
        }
        Err(fail(header, format!("it is of chain {:?}, not {pinned:?}", header.header.chain_id.as_str())))
    }
}

fn check_adjacent(last: &ExtendedHeader, next: &ExtendedHeader) -> Result<(), VerifyError> {
    if next.header.validators_hash != last.header.next_validators_hash {
        return Err(fail(next, "its validators are not those that the header before it names".into()));
    }
    if next.last_header_hash() != last.hash() {
        return Err(fail(next, format!("its parent is {}, not {}", next.last_header_hash(), last.hash())));
    }
    if next.time() <= last.time() {
        return Err(fail(next, "its time is not after its parent's".into()));
    }
    Ok(())
}

fn fail(header: &ExtendedHeader, what: String) -> VerifyError {
    VerifyError::Header { height: DaHeight(header.height()), what }
}
