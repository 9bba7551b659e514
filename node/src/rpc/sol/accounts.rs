//! Accounts by their keys, and what the whole ledger holds.

use super::super::limits::LARGEST_SCAN_MAX;
use super::api::{Sol, go_on};
use super::args::{Args, parse_all};
use super::encode::Show;
use super::errors::{self, Fault};
use solana_account::ReadableAccount;
use solana_account_decoder::{UiAccount, UiAccountEncoding};
use solana_rpc_client_types::config::{
    RpcAccountInfoConfig, RpcContextConfig, RpcLargestAccountsConfig, RpcLargestAccountsFilter,
    RpcSupplyConfig,
};
use solana_rpc_client_types::request::{MAX_MULTIPLE_ACCOUNTS, NUM_LARGEST_ACCOUNTS};
use solana_rpc_client_types::response::{Response, RpcAccountBalance, RpcSupply};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use weft_sbf::lamports;
use weft_state::{Journal, StateRead, key};
use weft_types::{AccountId, B256, U256, VmId};

/// Ledger entries that are read at once.
const PAGE: usize = 1_024;

impl Sol {
    pub(super) fn account_info(&self, args: &Args) -> Result<Response<Option<UiAccount>>, Fault> {
        let pubkey = args.pubkey(0)?;
        let config: RpcAccountInfoConfig = args.optional(1)?;
        let bank = self.bank(context(&config))?;
        let show = show(&config, UiAccountEncoding::Base64);
        let account = bank.account(&pubkey)?;
        let shown = account.map(|account| show.account(&bank, &pubkey, &account)).transpose()?;
        Ok(bank.respond(shown))
    }

    pub(super) fn multiple_accounts(&self, args: &Args) -> Result<Response<Vec<Option<UiAccount>>>, Fault> {
        let pubkeys = parse_all(&args.required::<Vec<String>>(0)?, MAX_MULTIPLE_ACCOUNTS)?;
        let config: RpcAccountInfoConfig = args.optional(1)?;
        let bank = self.bank(context(&config))?;
        let show = show(&config, UiAccountEncoding::Base64);
        let mut accounts = Vec::with_capacity(pubkeys.len());
        for pubkey in &pubkeys {
            let account = bank.account(pubkey)?;
            accounts.push(account.map(|account| show.account(&bank, pubkey, &account)).transpose()?);
        }
        Ok(bank.respond(accounts))
    }

    pub(super) fn balance(&self, args: &Args) -> Result<Response<u64>, Fault> {
        let pubkey = args.pubkey(0)?;
        let bank = self.bank(args.context(1)?)?;
        let account = bank.account(&pubkey)?;
        Ok(bank.respond(account.map_or(0, |account| account.lamports())))
    }

    pub(super) fn minimum_balance(&self, args: &Args) -> Result<u64, Fault> {
        let length: usize = args.required(0)?;
        let max = solana_system_interface::MAX_PERMITTED_DATA_LENGTH;
        if u64::try_from(length).map_or(true, |length| length > max) {
            return Err(errors::invalid_request());
        }
        Ok(self.sbf.rent().minimum_balance(length))
    }

    /// All tokens count as circulating: none is locked by a rule of the chain.
    pub(super) fn supply(&self, args: &Args) -> Result<Response<RpcSupply>, Fault> {
        let config: RpcSupplyConfig = args.optional(0)?;
        let bank = self.bank(RpcContextConfig { commitment: config.commitment, min_context_slot: None })?;
        let wei = Journal::new(&*bank.state).supply().map_err(|error| errors::store(&error))?;
        let total = lamports(wei).map_err(|error| errors::store(&error))?;
        let non_circulating_accounts = Vec::new();
        Ok(bank.respond(RpcSupply {
            total,
            circulating: total,
            non_circulating: 0,
            non_circulating_accounts,
        }))
    }

    pub(super) fn largest_accounts(
        &self,
        args: &Args,
        stop: &AtomicBool,
    ) -> Result<Response<Vec<RpcAccountBalance>>, Fault> {
        let config: RpcLargestAccountsConfig = args.optional(0)?;
        let bank = self.bank(RpcContextConfig { commitment: config.commitment, min_context_slot: None })?;
        if config.filter == Some(RpcLargestAccountsFilter::NonCirculating) {
            return Ok(bank.respond(Vec::new()));
        }
        let known = self.largest.lock().clone().filter(|(hash, _)| *hash == bank.block.hash);
        let largest = match known {
            Some((_, largest)) => largest,
            None => {
                let found = Arc::new(largest(&*bank.state, stop)?);
                *self.largest.lock() = Some((bank.block.hash, Arc::clone(&found)));
                found
            }
        };
        Ok(bank.respond(largest.to_vec()))
    }
}

/// The accounts with most lamports, without those of other machines' users.
fn largest(state: &dyn StateRead, stop: &AtomicBool) -> Result<Vec<RpcAccountBalance>, Fault> {
    let (mut from, end) = (ledger(&[]), ledger(&[0xff; 33]));
    let (mut heap, mut seen) = (BinaryHeap::<Reverse<(u64, B256)>>::new(), 0_usize);
    loop {
        go_on(stop)?;
        let page = state.range(&from, &end, PAGE).map_err(|error| errors::store(&error))?;
        let Some((last, _)) = page.last() else { break };
        from = [&last[..], &[0]].concat();
        seen = seen.saturating_add(page.len());
        if seen > LARGEST_SCAN_MAX {
            return Err(errors::scan(format!("more than {LARGEST_SCAN_MAX} accounts to look through")));
        }
        for (key, wei) in &page {
            let Some(account) = key.last_chunk::<32>().copied() else { continue };
            if AccountId::from_key(account).is_err() {
                continue;
            }
            let lamports = lamports(U256::from_be_slice(wei)).unwrap_or(u64::MAX);
            heap.push(Reverse((lamports, B256::new(account))));
            if heap.len() > NUM_LARGEST_ACCOUNTS {
                heap.pop();
            }
        }
    }
    // Sorted by the reverse, so the largest first.
    let largest = heap.into_sorted_vec().into_iter().filter(|Reverse((lamports, _))| *lamports > 0);
    let address = |account: B256| bs58::encode(account).into_string();
    Ok(largest
        .map(|Reverse((lamports, account))| RpcAccountBalance { address: address(account), lamports })
        .collect())
}

fn ledger(bytes: &[u8]) -> Vec<u8> {
    key::key(VmId::HOST, key::host::LEDGER, bytes)
}

/// Which block an account is asked for at.
pub(super) fn context(config: &RpcAccountInfoConfig) -> RpcContextConfig {
    RpcContextConfig { commitment: config.commitment, min_context_slot: config.min_context_slot }
}

/// How it is asked to be shown, `default` where the client says nothing.
pub(super) fn show(config: &RpcAccountInfoConfig, default: UiAccountEncoding) -> Show {
    Show { encoding: config.encoding.unwrap_or(default), slice: config.data_slice }
}
