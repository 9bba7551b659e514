//! Token accounts and mints: balances, supply, the largest holders.

use super::api::Sol;
use super::args::Args;
use super::encode::{decimals, mint_data};
use super::errors::{Fault, invalid_params};
use super::programs::find;
use solana_account::ReadableAccount;
use solana_account_decoder::parse_token::{
    UiTokenAmount, is_known_spl_token_id, token_amount_to_ui_amount_v3,
};
use solana_rpc_client_types::request::NUM_LARGEST_ACCOUNTS;
use solana_rpc_client_types::response::{Response, RpcTokenAccountBalance};
use spl_token_2022_interface::extension::StateWithExtensions;
use spl_token_2022_interface::state::{Account, Mint};
use std::cmp::Reverse;
use std::sync::atomic::AtomicBool;
use weft_sbf::index::IndexPrefix;

impl Sol {
    pub(super) fn token_account_balance(&self, args: &Args) -> Result<Response<UiTokenAmount>, Fault> {
        let pubkey = args.pubkey(0)?;
        let bank = self.bank(args.commitment(1)?)?;
        let account = bank.account(&pubkey)?.ok_or_else(no_account)?;
        let no_token = || invalid_params("Invalid param: not a Token account");
        if !is_known_spl_token_id(account.owner()) {
            return Err(no_token());
        }
        let token = StateWithExtensions::<Account>::unpack(account.data()).map_err(|_| no_token())?;
        let (_, data) = mint_data(&bank, &token.base.mint)?.ok_or_else(no_mint)?;
        Ok(bank.respond(token_amount_to_ui_amount_v3(token.base.amount, &data)))
    }

    pub(super) fn token_supply(&self, args: &Args) -> Result<Response<UiTokenAmount>, Fault> {
        let pubkey = args.pubkey(0)?;
        let bank = self.bank(args.commitment(1)?)?;
        let account = bank.account(&pubkey)?.ok_or_else(no_account)?;
        if !is_known_spl_token_id(account.owner()) {
            return Err(invalid_params("Invalid param: not a Token mint"));
        }
        let unpacked = || invalid_params("Invalid param: mint could not be unpacked");
        let mint = StateWithExtensions::<Mint>::unpack(account.data()).map_err(|_| unpacked())?;
        let data = decimals(bank.time(), account.data()).ok_or_else(unpacked)?;
        Ok(bank.respond(token_amount_to_ui_amount_v3(mint.base.supply, &data)))
    }

    pub(super) fn token_largest_accounts(
        &self,
        args: &Args,
        stop: &AtomicBool,
    ) -> Result<Response<Vec<RpcTokenAccountBalance>>, Fault> {
        let mint = args.pubkey(0)?;
        let bank = self.bank(args.commitment(1)?)?;
        let (program, data) = mint_data(&bank, &mint)?.ok_or_else(no_mint)?;
        if !is_known_spl_token_id(&program) {
            return Err(invalid_params("Invalid param: not a Token mint"));
        }
        let prefix = IndexPrefix::TokenMint { token_program: program.to_bytes(), mint: mint.to_bytes() };
        let found = find(&bank, &program, &prefix, &[], stop)?;
        let amount = |data: &[u8]| StateWithExtensions::<Account>::unpack(data).map_or(0, |a| a.base.amount);
        let mut held: Vec<_> =
            found.iter().map(|(pubkey, account)| (amount(account.data()), *pubkey)).collect();
        held.sort_unstable_by_key(|entry| Reverse(*entry));
        held.truncate(NUM_LARGEST_ACCOUNTS);
        let shown = held.into_iter().map(|(amount, pubkey)| RpcTokenAccountBalance {
            address: pubkey.to_string(),
            amount: token_amount_to_ui_amount_v3(amount, &data),
        });
        Ok(bank.respond(shown.collect()))
    }
}

fn no_account() -> Fault {
    invalid_params("Invalid param: could not find account")
}

fn no_mint() -> Fault {
    invalid_params("Invalid param: could not find mint")
}
