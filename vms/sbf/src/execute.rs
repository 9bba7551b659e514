//! One transaction through Solana's processor, and what it leaves in the journal.

use crate::accounts::{self, Accounts};
use crate::block::BlockContext;
use crate::data_cache::DataCache;
use crate::detail::{self, Detail, LOG_BYTES_MAX};
use crate::programs::{Content, Source, source};
use crate::runtime::{Processor, Runtime};
use crate::transaction::{self, SbfTransaction};
use crate::{code, cost, key, lookup};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_fee_structure::FeeDetails;
use solana_pubkey::Pubkey;
use solana_svm::account_loader::CheckedTransactionDetails;
use solana_svm::transaction_balances::BalanceCollector;
use solana_svm::transaction_execution_result::ExecutedTransaction;
use solana_svm::transaction_processing_result::{ProcessedTransaction, TransactionProcessingResult};
use solana_svm::transaction_processor::{ExecutionRecordingConfig, TransactionProcessingConfig};
use solana_svm_transaction::svm_message::SVMMessage;
use solana_transaction::sanitized::SanitizedTransaction;
use solana_transaction::versioned::sanitized::SanitizedVersionedTransaction;
use solana_transaction_error::TransactionError;
use std::borrow::Cow;
use weft_state::{Journal, ReadError};
use weft_types::{Bytes, Status};
use weft_vm::{BlockEnv, Outcome};

/// What a transaction runs with.
pub(crate) struct Scope<'e> {
    pub(crate) runtime: &'e Runtime,
    pub(crate) data: &'e DataCache,
    pub(crate) block: &'e BlockContext,
}

/// What the processor made of a transaction. Nothing is written yet.
pub(crate) struct Ran<'t> {
    transaction: Cow<'t, SanitizedTransaction>,
    pub(crate) processed: ProcessedTransaction,
    balances: Option<BalanceCollector>,
}

impl Scope<'_> {
    /// Runs `transaction`; with `nonce_account`, its blockhash is what that account holds.
    ///
    /// # Errors
    /// The outer one: the store failed. The inner one: the transaction can't be in a block.
    pub(crate) fn run<'t>(
        &self,
        journal: &mut Journal<'_>,
        transaction: &'t SbfTransaction,
        nonce_account: Option<Pubkey>,
    ) -> Result<Result<Ran<'t>, TransactionError>, ReadError> {
        let accounts = Accounts::new(journal, self.block, self.data);
        let result = self.process(&accounts, transaction, nonce_account);
        accounts.failure()?;
        Ok(result)
    }

    fn process<'t>(
        &self,
        accounts: &Accounts<'_, '_, '_>,
        transaction: &'t SbfTransaction,
        nonce_account: Option<Pubkey>,
    ) -> Result<Ran<'t>, TransactionError> {
        let sanitized = match &transaction.sanitized {
            Some(sanitized) => Cow::Borrowed(sanitized),
            None => {
                let loaded = lookup::load(accounts, self.block, &transaction.versioned.message)?;
                let versioned = SanitizedVersionedTransaction::try_from(transaction.versioned.clone())?;
                Cow::Owned(transaction::resolve(versioned, transaction.message_hash, loaded, self.runtime)?)
            }
        };
        let fee = FeeDetails::new(transaction.signature_fee, transaction.priority_fee);
        let limits = transaction.limits.get_compute_budget_and_limits(
            transaction.limits.loaded_accounts_bytes,
            fee,
            self.runtime.svm_features.raise_cpi_nesting_limit_to_8,
        );
        let details = CheckedTransactionDetails::new(nonce_account, limits);
        let config = TransactionProcessingConfig {
            log_messages_bytes_limit: Some(LOG_BYTES_MAX),
            recording_config: ExecutionRecordingConfig::new_single_setting(true),
            ..TransactionProcessingConfig::default()
        };
        let output = self.block.with_processor(self.runtime, |processor| {
            self.seed(accounts, processor, &sanitized);
            processor.load_and_execute_sanitized_transactions(
                accounts,
                std::slice::from_ref(&*sanitized),
                vec![Ok(details)],
                &self.block.environment,
                &config,
            )
        });
        let result: Option<TransactionProcessingResult> = output.processing_results.into_iter().next();
        let processed = result.expect("one transaction has one result")?;
        Ok(Ran { transaction: sanitized, processed, balances: output.balance_collector })
    }

    /// Gives the processor the programs that the transaction names, as the state has them now.
    fn seed(
        &self,
        accounts: &Accounts<'_, '_, '_>,
        processor: &Processor,
        transaction: &SanitizedTransaction,
    ) {
        let programs = &self.runtime.programs;
        let Ok(mut cache) = processor.global_program_cache.write() else { return };
        for key in SVMMessage::account_keys(transaction).iter() {
            let place = |content: &Content| {
                Some(match source(&content.account)? {
                    Source::Itself(owner) => (Some(programs.of_account(owner, content)), None),
                    Source::ProgramData(at) => (None, Some((at, content.account.data().len()))),
                })
            };
            let entry = match accounts.with_content(key, place).flatten() {
                Some((Some(entry), _)) => Some(entry),
                Some((None, Some((at, len)))) => {
                    accounts.with_content(&at, |content| programs.of_programdata(len, content)).flatten()
                }
                _ => None,
            };
            if let Some(entry) = entry {
                cache.assign_program(&self.runtime.environment, *key, 0, entry);
            }
        }
    }
}

impl Ran<'_> {
    /// The accounts after the transaction: all of them where it ran, those that failing changes where it did not.
    pub(crate) fn accounts(&self) -> Vec<(Pubkey, AccountSharedData)> {
        match &self.processed {
            ProcessedTransaction::Executed(executed) if executed.execution_details.status.is_ok() => {
                executed.loaded_transaction.accounts.clone()
            }
            ProcessedTransaction::Executed(executed) => {
                executed.loaded_transaction.rollback_accounts.iter().cloned().collect()
            }
            ProcessedTransaction::FeesOnly(fees) => fees.rollback_accounts.iter().cloned().collect(),
        }
    }

    /// Keys of the transaction, in the order in which its instructions number them.
    pub(crate) fn keys(&self) -> Vec<Pubkey> {
        SVMMessage::account_keys(&*self.transaction).iter().copied().collect()
    }

    /// Writes what the transaction changed, takes its fee and says what became of it.
    pub(crate) fn commit(
        self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        checked: &SbfTransaction,
        gas: impl FnOnce(u64) -> u64,
    ) -> Result<Outcome, ReadError> {
        let fee = self.processed.fee_details();
        let payer = checked.fee_payer;
        let extra = |pubkey: &Pubkey| if *pubkey == payer { fee.total_fee() } else { 0 };
        match &self.processed {
            ProcessedTransaction::Executed(executed) if executed.execution_details.status.is_ok() => {
                for (pubkey, account) in changed(&self.transaction, executed) {
                    accounts::write(journal, pubkey, account, extra(pubkey))?;
                }
            }
            _ => {
                for (pubkey, account) in self.accounts() {
                    accounts::write(journal, &pubkey, &account, extra(&pubkey))?;
                }
            }
        }
        let (base, priority) =
            (accounts::wei(fee.transaction_fee()), accounts::wei(fee.prioritization_fee()));
        env.collect_fee(journal, key::account_id(&payer), base, priority)?;
        let status = self.processed.status();
        let units = self.processed.executed_units().saturating_add(checked.static_units);
        let detail = self.detail(checked);
        let output = match &status {
            Ok(()) => detail.return_data.as_ref().map(|(_, data)| Bytes::from(data.clone())),
            Err(error) => Some(code::encode(error)),
        };
        Ok(Outcome {
            status: status.err().as_ref().map_or(Status::Success, code::status),
            gas_used: gas(units),
            fee: base.saturating_add(priority),
            output: output.unwrap_or_default(),
            detail: detail.encode(),
        })
    }

    /// What RPC shows of it.
    pub(crate) fn detail(self, checked: &SbfTransaction) -> Detail {
        let units = self.processed.executed_units();
        let loaded = cost::loaded_units(self.processed.loaded_accounts_data_size());
        let (pre, post, token_pre, token_post) =
            self.balances.map(BalanceCollector::into_vecs).unwrap_or_default();
        let addresses = self.transaction.get_loaded_addresses();
        let mut detail = Detail {
            err: self.processed.status().err(),
            fee: self.processed.fee_details().total_fee(),
            compute_units: units,
            cost_units: units.saturating_add(checked.static_units).saturating_add(loaded),
            pre_balances: first(pre),
            post_balances: first(post),
            pre_token_balances: first(token_pre).into_iter().map(Into::into).collect(),
            post_token_balances: first(token_post).into_iter().map(Into::into).collect(),
            loaded_writable: addresses.writable,
            loaded_readonly: addresses.readonly,
            ..Detail::default()
        };
        if let ProcessedTransaction::Executed(executed) = self.processed {
            let details = executed.execution_details;
            detail.logs = details.log_messages.unwrap_or_default();
            detail.inner_instructions = details.inner_instructions.map(detail::inner).unwrap_or_default();
            detail.return_data = details.return_data.map(|returned| (returned.program_id, returned.data));
        }
        detail
    }
}

fn first<T: Default>(batch: Vec<T>) -> T {
    batch.into_iter().next().unwrap_or_default()
}

/// What a transaction that succeeded may have changed, by the processor's own rule (`update_accounts_for_successful_tx`).
fn changed<'t>(
    transaction: &'t SanitizedTransaction,
    executed: &'t ExecutedTransaction,
) -> impl Iterator<Item = &'t (Pubkey, AccountSharedData)> {
    let loaded = &executed.loaded_transaction;
    let touched = loaded.touched_flags.iter();
    loaded.accounts.iter().zip(touched).enumerate().filter_map(|(index, (account, touched))| {
        let only_invoked = SVMMessage::is_invoked(transaction, index)
            && !SVMMessage::is_instruction_account(transaction, index);
        (*touched && SVMMessage::is_writable(transaction, index) && !only_invoked).then_some(account)
    })
}
