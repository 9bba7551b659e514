//! [`SbfVm::simulate`]: a transaction that nobody pays for, and what else RPC asks of the machine.

use crate::accounts::Accounts;
use crate::detail::Detail;
use crate::execute::Scope;
use crate::transaction::{self, SbfTransaction};
use crate::{SbfVm, code, ring, spec, sysvars};
use agave_feature_set::FeatureSet;
use solana_account::AccountSharedData;
use solana_epoch_schedule::EpochSchedule;
use solana_hash::Hash;
use solana_message::{SanitizedVersionedMessage, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use solana_svm_callback::TransactionProcessingCallback;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use weft_state::{Journal, ReadError};
use weft_vm::{BlockEnv, Reject};

/// How a simulation differs from execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SimulateOptions {
    /// Verify signatures.
    pub sig_verify: bool,
    /// Put the newest blockhash in the place of the transaction's.
    pub replace_blockhash: bool,
}

/// What a simulation gave.
#[derive(Clone, Debug, Default)]
pub struct Simulation {
    /// As for an executed transaction; empty where it could not run at all.
    pub detail: Detail,
    /// How it ended.
    pub result: Option<TransactionError>,
    /// The transaction's accounts after it, in the order of its keys; `None` for those that do not exist.
    pub accounts: Vec<(Pubkey, Option<AccountSharedData>)>,
    /// Bytes of all accounts that it loaded.
    pub loaded_accounts_data_size: u32,
    /// The blockhash that took the place of its own.
    pub replacement_blockhash: Option<Hash>,
}

impl SbfVm {
    /// Runs `transaction` in the block `env` and leaves the journal as it was.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn simulate(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        transaction: &VersionedTransaction,
        options: SimulateOptions,
    ) -> Result<Simulation, ReadError> {
        let mut versioned = transaction.clone();
        let newest = Hash::new_from_array(env.parent_hash.0);
        if options.replace_blockhash {
            versioned.message.set_recent_blockhash(newest);
        }
        let checkpoint = journal.checkpoint();
        let simulated = match transaction::check(versioned, &self.runtime, options.sig_verify) {
            Ok(checked) => self.simulate_checked(journal, env, &checked),
            Err(error) => Ok(Simulation { result: Some(error), ..Simulation::default() }),
        };
        journal.revert(checkpoint);
        let replacement_blockhash = options.replace_blockhash.then_some(newest);
        Ok(Simulation { replacement_blockhash, ..simulated? })
    }

    fn simulate_checked(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        checked: &SbfTransaction,
    ) -> Result<Simulation, ReadError> {
        let block = self.contexts.get(journal, env, &self.runtime)?;
        let failed = |error| Simulation { result: Some(error), ..Simulation::default() };
        let nonce = match self.age(journal, env, checked)? {
            Ok(age) => age.nonce_account,
            Err(error) => return Ok(failed(error)),
        };
        let scope = Scope { runtime: &self.runtime, data: &self.data, block: &block };
        let ran = match scope.run(journal, checked, nonce)? {
            Ok(ran) => ran,
            Err(error) => return Ok(failed(error)),
        };
        let (keys, changed) = (ran.keys(), ran.accounts());
        let loaded_accounts_data_size = ran.processed.loaded_accounts_data_size();
        let detail = ran.detail(checked);
        let accounts = Accounts::new(journal, &block, &self.data);
        let after = |key: Pubkey| {
            let written = changed.iter().find(|(other, _)| *other == key).map(|(_, account)| account.clone());
            let account =
                written.or_else(|| accounts.get_account_shared_data(&key).map(|(account, _)| account));
            (key, account.filter(|account| solana_account::ReadableAccount::lamports(account) > 0))
        };
        let accounts_after = keys.into_iter().map(after).collect();
        accounts.failure()?;
        Ok(Simulation {
            result: detail.err.clone(),
            detail,
            accounts: accounts_after,
            loaded_accounts_data_size,
            replacement_blockhash: None,
        })
    }

    /// The account as programs in the block `env` see it, sysvars and built-in programs too.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn account(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        pubkey: &Pubkey,
    ) -> Result<Option<AccountSharedData>, ReadError> {
        let block = self.contexts.get(journal, env, &self.runtime)?;
        let accounts = Accounts::new(journal, &block, &self.data);
        let account = accounts.get_account_shared_data(pubkey).map(|(account, _)| account);
        accounts.failure()?;
        Ok(account)
    }

    /// What an account must hold to be exempt from rent.
    #[must_use]
    pub fn rent(&self) -> Rent {
        spec::rent()
    }

    /// The chain's epochs.
    #[must_use]
    pub fn epoch_schedule(&self) -> EpochSchedule {
        sysvars::epoch_schedule()
    }

    /// Solana's block height in the newest block of the state, or in the block `env`, which is that one or the next.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn block_height(&self, journal: &mut Journal<'_>, env: Option<&BlockEnv>) -> Result<u64, ReadError> {
        ring::block_height(journal, env)
    }

    /// The feature gates that hold.
    #[must_use]
    pub fn feature_set(&self) -> &FeatureSet {
        &self.runtime.features
    }

    /// The lamports that a message pays: for its signatures, and on top.
    ///
    /// # Errors
    /// The message can never be in a block.
    pub fn fee(&self, message: &VersionedMessage) -> Result<u64, Reject> {
        let sanitize = |_| code::reject(&TransactionError::SanitizeFailure);
        let message = SanitizedVersionedMessage::try_from(message.clone()).map_err(sanitize)?;
        let (_, fee) = transaction::budget(&message, &self.runtime).map_err(|error| code::reject(&error))?;
        Ok(fee.total_fee())
    }

    /// The last block height in which a transaction may name `blockhash`; `None` where one in the block `env` may not.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn last_block_height(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        blockhash: &Hash,
    ) -> Result<Option<u64>, ReadError> {
        Ok(ring::named(journal, env, blockhash)?.map(|named| named.last_height))
    }

    /// Whether the transaction was in a block already, as far as its blockhash is still good.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn was_processed(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        transaction: &SbfTransaction,
    ) -> Result<bool, ReadError> {
        match ring::named(journal, env, &transaction.blockhash)? {
            Some(named) => ring::was_processed(journal, named.height, &transaction.message_hash),
            None => Ok(false),
        }
    }
}
