//! `simulateTransaction`, and the simulation before a transaction is sent.

use super::api::{Bank, Sol};
use super::args::{Args, parse_all};
use super::encode::Show;
use super::errors::{self, Fault, invalid_params};
use super::{meta, wire};
use solana_account_decoder::{UiAccount, UiAccountEncoding};
use solana_message::AccountKeys;
use solana_message::v0::LoadedAddresses;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::{
    RpcContextConfig, RpcSimulateTransactionAccountsConfig, RpcSimulateTransactionConfig,
};
use solana_rpc_client_types::response::{Response, RpcBlockhash, RpcSimulateTransactionResult};
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use solana_transaction_status::{
    UiInnerInstructions, UiTransactionTokenBalance, parse_ui_inner_instructions,
};
use weft_sbf::{Detail, SimulateOptions, Simulation, TokenBalance};
use weft_state::Journal;

impl Sol {
    pub(super) fn simulate(&self, args: &Args) -> Result<Response<RpcSimulateTransactionResult>, Fault> {
        let text: String = args.required(0)?;
        let config: RpcSimulateTransactionConfig = args.optional(1)?;
        let (_, transaction) = wire::transaction(&text, config.encoding)?;
        let bank = self.bank(RpcContextConfig {
            commitment: config.commitment,
            min_context_slot: config.min_context_slot,
        })?;
        if config.replace_recent_blockhash && config.sig_verify {
            return Err(invalid_params("sigVerify may not be used with replaceRecentBlockhash"));
        }
        let options = SimulateOptions {
            sig_verify: config.sig_verify,
            replace_blockhash: config.replace_recent_blockhash,
        };
        let simulation = self.run(&bank, &transaction, options)?;
        let keys = simulation.accounts.len().max(transaction.message.static_account_keys().len());
        let accounts =
            config.accounts.map(|wanted| accounts(&bank, &wanted, keys, &simulation)).transpose()?;
        let inner = config.inner_instructions.then(|| inner_instructions(&transaction, &simulation.detail));
        let replaced = config.replace_recent_blockhash.then(|| self.blockhash(&bank.block)).transpose()?;
        Ok(bank.respond(RpcSimulateTransactionResult {
            accounts,
            inner_instructions: inner,
            ..result(simulation, replaced)
        }))
    }

    /// Runs the transaction in a next block on `bank`.
    ///
    /// # Errors
    /// Its lookup tables can't be resolved: agave finds that before it simulates. The store failed.
    fn run(
        &self,
        bank: &Bank,
        transaction: &VersionedTransaction,
        options: SimulateOptions,
    ) -> Result<Simulation, Fault> {
        let mut journal = Journal::new(&*bank.state);
        let simulated = self.sbf.simulate(&mut journal, &bank.next_env(), transaction, options);
        let simulated = simulated.map_err(|error| errors::store(&error))?;
        match &simulated.result {
            Some(
                error @ (TransactionError::AddressLookupTableNotFound
                | TransactionError::InvalidAddressLookupTableOwner
                | TransactionError::InvalidAddressLookupTableData
                | TransactionError::InvalidAddressLookupTableIndex
                | TransactionError::UnsupportedVersion),
            ) => Err(invalid_params(format!("invalid transaction: {error}"))),
            _ => Ok(simulated),
        }
    }

    /// Holds a transaction against the newest state before it is sent. The commitment that the client names is not
    /// asked about: an older state refuses what will run, and lets pass what will not.
    ///
    /// # Errors
    /// -32002 with what the simulation gave.
    pub(super) fn preflight(&self, transaction: &VersionedTransaction) -> Result<(), Fault> {
        let options = SimulateOptions { sig_verify: true, replace_blockhash: false };
        let simulation = self.run(&self.working_bank()?, transaction, options)?;
        let Some(error) = simulation.result.clone() else { return Ok(()) };
        // As agave: the fee, but no balances and no addresses.
        let shown = RpcSimulateTransactionResult {
            pre_balances: None,
            post_balances: None,
            pre_token_balances: None,
            post_token_balances: None,
            loaded_addresses: None,
            ..result(simulation, None)
        };
        Err(errors::preflight(&error, shown))
    }
}

/// What a simulation gave, without accounts and inner instructions.
fn result(
    simulation: Simulation,
    replacement_blockhash: Option<RpcBlockhash>,
) -> RpcSimulateTransactionResult {
    let Simulation { detail, result, loaded_accounts_data_size, .. } = simulation;
    // Where it could not run there is nothing to show of it.
    let ran = !detail.pre_balances.is_empty();
    let tokens = |list: Vec<TokenBalance>| {
        let shown = meta::token_balances(list).into_iter().map(UiTransactionTokenBalance::from);
        ran.then(|| shown.collect::<Vec<_>>())
    };
    let loaded = LoadedAddresses { writable: detail.loaded_writable, readonly: detail.loaded_readonly };
    RpcSimulateTransactionResult {
        err: result.map(Into::into),
        logs: Some(detail.logs),
        accounts: None,
        units_consumed: Some(detail.compute_units),
        loaded_accounts_data_size: Some(loaded_accounts_data_size),
        return_data: meta::return_data(detail.return_data).map(Into::into),
        inner_instructions: None,
        replacement_blockhash,
        fee: ran.then_some(detail.fee),
        pre_balances: ran.then_some(detail.pre_balances),
        post_balances: ran.then_some(detail.post_balances),
        pre_token_balances: tokens(detail.pre_token_balances),
        post_token_balances: tokens(detail.post_token_balances),
        loaded_addresses: Some((&loaded).into()),
    }
}

/// A refusal without a simulation, in the form of one.
pub(super) fn refusal(error: &TransactionError) -> RpcSimulateTransactionResult {
    let simulation = Simulation { result: Some(error.clone()), ..Simulation::default() };
    RpcSimulateTransactionResult { loaded_addresses: None, ..result(simulation, None) }
}

fn inner_instructions(transaction: &VersionedTransaction, detail: &Detail) -> Vec<UiInnerInstructions> {
    let loaded = LoadedAddresses {
        writable: detail.loaded_writable.clone(),
        readonly: detail.loaded_readonly.clone(),
    };
    let keys = AccountKeys::new(transaction.message.static_account_keys(), Some(&loaded));
    let made = meta::inner_instructions(detail.inner_instructions.clone());
    made.into_iter().map(|inner| parse_ui_inner_instructions(inner, &keys)).collect()
}

/// The accounts that the client names, as they are after the simulation; none of them where it failed.
fn accounts(
    bank: &Bank,
    wanted: &RpcSimulateTransactionAccountsConfig,
    max: usize,
    simulation: &Simulation,
) -> Result<Vec<Option<UiAccount>>, Fault> {
    let encoding = wanted.encoding.unwrap_or(UiAccountEncoding::Base64);
    if matches!(encoding, UiAccountEncoding::Binary | UiAccountEncoding::Base58) {
        return Err(invalid_params("base58 encoding not supported"));
    }
    if wanted.addresses.len() > max {
        return Err(invalid_params(format!("Too many accounts provided; max {max}")));
    }
    if simulation.result.is_some() {
        return Ok(vec![None; wanted.addresses.len()]);
    }
    let pubkeys: Vec<Pubkey> = parse_all(&wanted.addresses, max)?;
    let show = Show { encoding, slice: None };
    let after = &simulation.accounts;
    let shown = |pubkey: &Pubkey| {
        let account = match after.iter().find(|(other, _)| other == pubkey) {
            Some((_, account)) => account.clone(),
            None => bank.account(pubkey)?,
        };
        account.map(|account| show.account_among(bank, pubkey, &account, after)).transpose()
    };
    pubkeys.iter().map(shown).collect()
}
