//! Accounts by program, owner, mint or delegate, over the index that stands in each state (`weft_sbf::index`).

use super::super::limits::{PROGRAM_ACCOUNTS_MAX, PROGRAM_BYTES_MAX};
use super::accounts::{context, show};
use super::api::{Bank, Sol, go_on};
use super::args::{Args, parse};
use super::encode::{Keyed, Show, filters, mint_data, passes};
use super::errors::{self, Fault, invalid_params};
use solana_account::ReadableAccount;
use solana_account_decoder::UiAccountEncoding;
use solana_account_decoder::parse_token::is_known_spl_token_id;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::{
    RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcTokenAccountsFilter,
};
use solana_rpc_client_types::filter::{Memcmp, RpcFilterType};
use solana_rpc_client_types::response::{OptionalContext, Response, RpcKeyedAccount};
use std::sync::atomic::AtomicBool;
use weft_sbf::index::{self, IndexPrefix};

/// Where the mint stands in a token account.
const MINT_OFFSET: usize = 0;
/// Where the owner does.
const OWNER_OFFSET: usize = 32;
/// Where Token-2022 tells accounts from mints, which is behind an account without extensions.
const TYPE_OFFSET: usize = 165;
/// Bytes of a token account without extensions.
const TOKEN_ACCOUNT_BYTES: u64 = 165;

impl Sol {
    pub(super) fn program_accounts(
        &self,
        args: &Args,
        stop: &AtomicBool,
    ) -> Result<OptionalContext<Vec<RpcKeyedAccount>>, Fault> {
        let program = args.pubkey(0)?;
        let config: RpcProgramAccountsConfig = args.optional(1)?;
        let filters = filters(config.filters)?;
        let bank = self.bank(context(&config.account_config))?;
        let show = show(&config.account_config, UiAccountEncoding::Binary);
        let prefix = narrowest(&program, &filters)?;
        let found = find(&bank, &program, &prefix, &filters, stop)?;
        let shown = show.accounts(&bank, &program, found)?;
        Ok(match config.with_context {
            Some(true) => OptionalContext::Context(bank.respond(shown)),
            _ => OptionalContext::NoContext(shown),
        })
    }

    pub(super) fn token_accounts_by_owner(
        &self,
        args: &Args,
        stop: &AtomicBool,
    ) -> Result<Response<Vec<RpcKeyedAccount>>, Fault> {
        let wallet = args.pubkey(0)?.to_bytes();
        self.token_accounts(args, stop, |token_program| IndexPrefix::TokenOwner { token_program, wallet })
    }

    pub(super) fn token_accounts_by_delegate(
        &self,
        args: &Args,
        stop: &AtomicBool,
    ) -> Result<Response<Vec<RpcKeyedAccount>>, Fault> {
        let delegate = args.pubkey(0)?.to_bytes();
        self.token_accounts(args, stop, |token_program| IndexPrefix::TokenDelegate {
            token_program,
            delegate,
        })
    }

    /// The token accounts that `prefix` finds, of the program or the mint of the second argument.
    fn token_accounts(
        &self,
        args: &Args,
        stop: &AtomicBool,
        prefix: impl FnOnce([u8; 32]) -> IndexPrefix,
    ) -> Result<Response<Vec<RpcKeyedAccount>>, Fault> {
        let filter: RpcTokenAccountsFilter = args.required(1)?;
        let config: RpcAccountInfoConfig = args.optional(2)?;
        let bank = self.bank(context(&config))?;
        let (program, mint) = program_and_mint(&bank, &filter)?;
        let by_mint = mint.map(|mint| same_bytes(MINT_OFFSET, &mint));
        let filters: Vec<_> = by_mint.into_iter().chain([RpcFilterType::TokenAccountState]).collect();
        let found = find(&bank, &program, &prefix(program.to_bytes()), &filters, stop)?;
        let show: Show = show(&config, UiAccountEncoding::Binary);
        Ok(bank.respond(show.accounts(&bank, &program, found)?))
    }
}

/// All accounts of `program` among those that `prefix` finds, ascending, that pass the filters.
///
/// # Errors
/// -32010 for the system program; -32012 where there are too many; the store failed.
pub(super) fn find(
    bank: &Bank,
    program: &Pubkey,
    prefix: &IndexPrefix,
    filters: &[RpcFilterType],
    stop: &AtomicBool,
) -> Result<Vec<Keyed>, Fault> {
    // Wallets have no entry: each with a balance would be one.
    if solana_sdk_ids::system_program::check_id(program) {
        return Err(errors::excluded(program));
    }
    let limit = PROGRAM_ACCOUNTS_MAX.saturating_add(1);
    let keys = index::accounts(&*bank.state, prefix, limit).map_err(|error| errors::store(&error))?;
    if keys.len() > PROGRAM_ACCOUNTS_MAX {
        return Err(errors::scan(format!(
            "more than {PROGRAM_ACCOUNTS_MAX} accounts to look through: ask by owner or mint"
        )));
    }
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    for key in keys {
        go_on(stop)?;
        let pubkey = Pubkey::from(key);
        let Some(account) = bank.account(&pubkey)? else { continue };
        if account.owner() != program || !passes(filters, &account) {
            continue;
        }
        bytes = bytes.saturating_add(account.data().len());
        if bytes > PROGRAM_BYTES_MAX {
            return Err(errors::scan(format!(
                "the accounts hold more than {PROGRAM_BYTES_MAX} bytes: ask with filters"
            )));
        }
        found.push((pubkey, account));
    }
    Ok(found)
}

/// The entries that hold all that the filters let pass: by owner or mint where a token program is asked about and the
/// filters name one, as agave picks its index.
fn narrowest(program: &Pubkey, filters: &[RpcFilterType]) -> Result<IndexPrefix, Fault> {
    let all = IndexPrefix::Owner { program: program.to_bytes() };
    if !is_known_spl_token_id(program) {
        return Ok(all);
    }
    let mut accounts_only = false;
    let (mut owner, mut mint) = (None, None);
    for filter in filters {
        match filter {
            RpcFilterType::DataSize(size) => accounts_only |= *size == TOKEN_ACCOUNT_BYTES,
            RpcFilterType::TokenAccountState => accounts_only = true,
            RpcFilterType::Memcmp(compare) => {
                let bytes = compare.bytes().unwrap_or_default();
                match compare.offset() {
                    OWNER_OFFSET => owner = Some(key(&bytes, "owner")?),
                    MINT_OFFSET => mint = Some(key(&bytes, "mint")?),
                    TYPE_OFFSET => accounts_only |= bytes[..] == [2],
                    _ => {}
                }
            }
        }
    }
    let token_program = program.to_bytes();
    Ok(match (accounts_only, owner, mint) {
        (true, Some(wallet), _) => IndexPrefix::TokenOwner { token_program, wallet },
        (true, None, Some(mint)) => IndexPrefix::TokenMint { token_program, mint },
        _ => all,
    })
}

fn key(bytes: &[u8], what: &str) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| {
        let length = bytes.len();
        invalid_params(format!("Incorrect byte length {length} for SPL token {what} filter, expected 32"))
    })
}

fn same_bytes(offset: usize, pubkey: &Pubkey) -> RpcFilterType {
    RpcFilterType::Memcmp(Memcmp::new_raw_bytes(offset, pubkey.to_bytes().into()))
}

/// The token program that a query goes to, and the mint where it names one.
fn program_and_mint(bank: &Bank, filter: &RpcTokenAccountsFilter) -> Result<(Pubkey, Option<Pubkey>), Fault> {
    match filter {
        RpcTokenAccountsFilter::Mint(mint) => {
            let mint: Pubkey = parse(mint)?;
            let data = mint_data(bank, &mint)?;
            let (program, _) = data.ok_or_else(|| invalid_params("Invalid param: could not find mint"))?;
            if !is_known_spl_token_id(&program) {
                return Err(invalid_params("Invalid param: not a Token mint"));
            }
            Ok((program, Some(mint)))
        }
        RpcTokenAccountsFilter::ProgramId(program) => {
            let program: Pubkey = parse(program)?;
            if !is_known_spl_token_id(&program) {
                return Err(invalid_params("Invalid param: unrecognized Token program id"));
            }
            Ok((program, None))
        }
    }
}
