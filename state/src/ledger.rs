//! The ledger: wei per account, under all machines, kept in the journal's keys.
//!
//! Every change of a balance goes through here, so that the sum of changes is known for each transaction
//! and can be held against what was minted and burnt ([`Journal::end_transaction`]).

use crate::{Journal, ReadError, key};
use weft_types::{AccountId, Bytes, U256};

/// Why a balance was not changed. Nothing happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The account has less than that.
    #[error("{account} has {balance} wei, {amount} needed")]
    Insufficient {
        /// Whose balance.
        account: AccountId,
        /// What it is.
        balance: U256,
        /// What was asked for.
        amount: U256,
    },
    /// The balance would pass 2^256.
    #[error("the balance of {0} would pass 2^256 wei")]
    Overflow(AccountId),
    /// The store failed.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Journal<'_> {
    /// The balance of `account` in wei.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn balance(&mut self, account: AccountId) -> Result<U256, ReadError> {
        self.amount(&key::ledger(account))
    }

    /// The sum of all balances, as counted by mint and burn.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn supply(&mut self) -> Result<U256, ReadError> {
        self.amount(&key::supply())
    }

    /// Sets a balance to what a machine computed. The difference enters the transaction's supply check, so
    /// another account must change by the opposite, or a mint or burn must account for it.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn set_balance(&mut self, account: AccountId, wei: U256) -> Result<(), ReadError> {
        let key = key::ledger(account);
        let before = self.amount(&key)?;
        if before == wei {
            return Ok(());
        }
        self.set_amount(key, wei);
        let mut supply = self.supply_delta();
        supply.delta = supply.delta.wrapping_add(wei).wrapping_sub(before);
        self.set_supply_delta(supply);
        Ok(())
    }

    /// Adds to a balance. Alone it fails the supply check: pair it with [`Self::debit`] or [`Self::mint`].
    ///
    /// # Errors
    /// [`LedgerError::Overflow`], [`LedgerError::Read`].
    pub fn credit(&mut self, account: AccountId, wei: U256) -> Result<(), LedgerError> {
        let after = self.balance(account)?.checked_add(wei).ok_or(LedgerError::Overflow(account))?;
        Ok(self.set_balance(account, after)?)
    }

    /// Takes from a balance. Alone it fails the supply check: pair it with [`Self::credit`] or [`Self::burn`].
    ///
    /// # Errors
    /// [`LedgerError::Insufficient`], [`LedgerError::Read`].
    pub fn debit(&mut self, account: AccountId, wei: U256) -> Result<(), LedgerError> {
        let balance = self.balance(account)?;
        let after =
            balance.checked_sub(wei).ok_or(LedgerError::Insufficient { account, balance, amount: wei })?;
        Ok(self.set_balance(account, after)?)
    }

    /// Moves wei from one account to another, or does nothing.
    ///
    /// # Errors
    /// As [`Self::debit`] and [`Self::credit`].
    pub fn transfer(&mut self, from: AccountId, to: AccountId, wei: U256) -> Result<(), LedgerError> {
        if from != to {
            self.balance(to)?.checked_add(wei).ok_or(LedgerError::Overflow(to))?;
        }
        self.debit(from, wei)?;
        self.credit(to, wei)
    }

    /// Declares that the running transaction makes `wei` new; some account must be credited with it.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn mint(&mut self, wei: U256) -> Result<(), ReadError> {
        let mut supply = self.supply_delta();
        supply.minted = supply.minted.wrapping_add(wei);
        let total = self.supply()?.wrapping_add(wei);
        self.set_amount(key::supply(), total);
        self.set_supply_delta(supply);
        Ok(())
    }

    /// Declares that the running transaction destroys `wei`; some account must have been debited with it.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn burn(&mut self, wei: U256) -> Result<(), ReadError> {
        let mut supply = self.supply_delta();
        supply.burnt = supply.burnt.wrapping_add(wei);
        let total = self.supply()?.wrapping_sub(wei);
        self.set_amount(key::supply(), total);
        self.set_supply_delta(supply);
        Ok(())
    }

    fn amount(&mut self, key: &[u8]) -> Result<U256, ReadError> {
        match self.get(key)? {
            None => Ok(U256::ZERO),
            Some(bytes) => U256::try_from_be_slice(&bytes)
                .ok_or_else(|| ReadError(format!("a balance of {} bytes stands in the store", bytes.len()))),
        }
    }

    fn set_amount(&mut self, key: Vec<u8>, wei: U256) {
        if wei.is_zero() {
            self.remove(key);
        } else {
            self.set(key, Bytes::copy_from_slice(&wei.to_be_bytes::<32>()));
        }
    }
}
