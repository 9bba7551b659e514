//! Accounts as Solana shows them, and the filters that clients pick them by: agave's `encode_account`,
//! `parsed_token_accounts.rs` and `filter.rs` over a [`Bank`].

use super::api::Bank;
use super::errors::{Fault, INVALID_REQUEST, invalid_params, plain};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_account_decoder::parse_account_data::{AccountAdditionalDataV3, SplTokenAdditionalDataV2};
use solana_account_decoder::parse_token::{get_token_account_mint, is_known_spl_token_id};
use solana_account_decoder::{
    MAX_BASE58_BYTES, UiAccount, UiAccountData, UiAccountEncoding, UiDataSliceConfig, encode_ui_account,
};
use solana_pubkey::Pubkey;
use solana_rpc_client_types::filter::RpcFilterType;
use solana_rpc_client_types::request::MAX_GET_PROGRAM_ACCOUNT_FILTERS;
use solana_rpc_client_types::response::RpcKeyedAccount;
use spl_token_2022_interface::extension::interest_bearing_mint::InterestBearingConfig;
use spl_token_2022_interface::extension::scaled_ui_amount::ScaledUiAmountConfig;
use spl_token_2022_interface::extension::{BaseStateWithExtensions, StateWithExtensions};
use spl_token_2022_interface::state::Mint;
use std::collections::HashMap;

/// An account and what it is called.
pub(super) type Keyed = (Pubkey, AccountSharedData);

/// How a client wants accounts shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Show {
    pub(super) encoding: UiAccountEncoding,
    pub(super) slice: Option<UiDataSliceConfig>,
}

impl Show {
    /// The account, with its mint's decimals where it is a token account.
    ///
    /// # Errors
    /// Too much for base58; the store failed.
    pub(super) fn account(
        self,
        bank: &Bank,
        pubkey: &Pubkey,
        account: &AccountSharedData,
    ) -> Result<UiAccount, Fault> {
        self.account_among(bank, pubkey, account, &[])
    }

    /// The same where `others` stand in the place of what the bank has (after a simulation).
    ///
    /// # Errors
    /// The same.
    pub(super) fn account_among(
        self,
        bank: &Bank,
        pubkey: &Pubkey,
        account: &AccountSharedData,
        others: &[(Pubkey, Option<AccountSharedData>)],
    ) -> Result<UiAccount, Fault> {
        if self.encoding != UiAccountEncoding::JsonParsed || !is_known_spl_token_id(account.owner()) {
            return self.plain(pubkey, account);
        }
        let mint = match get_token_account_mint(account.data()) {
            None => None,
            Some(mint) => match others.iter().find(|(other, _)| *other == mint) {
                Some((_, account)) => account.clone(),
                None => bank.account(&mint)?,
            },
        };
        let decimals = mint.and_then(|mint| decimals(bank.time(), mint.data()));
        Ok(parsed(pubkey, account, decimals))
    }

    /// All of a list; in parsed form those that can't be parsed are left out.
    ///
    /// # Errors
    /// The same.
    pub(super) fn accounts(
        self,
        bank: &Bank,
        program: &Pubkey,
        accounts: Vec<Keyed>,
    ) -> Result<Vec<RpcKeyedAccount>, Fault> {
        let tokens = is_known_spl_token_id(program) && self.encoding == UiAccountEncoding::JsonParsed;
        let mut mints: HashMap<Pubkey, Option<SplTokenAdditionalDataV2>> = HashMap::new();
        let mut shown = Vec::with_capacity(accounts.len());
        for (pubkey, account) in accounts {
            let account = if tokens {
                let of_mint = match get_token_account_mint(account.data()) {
                    None => None,
                    Some(mint) => match mints.get(&mint) {
                        Some(known) => *known,
                        None => *mints.entry(mint).or_insert(mint_data(bank, &mint)?.map(|(_, data)| data)),
                    },
                };
                parsed(&pubkey, &account, of_mint)
            } else {
                self.plain(&pubkey, &account)?
            };
            if !tokens || matches!(account.data, UiAccountData::Json(_)) {
                shown.push(RpcKeyedAccount { pubkey: pubkey.to_string(), account });
            }
        }
        Ok(shown)
    }

    fn plain(self, pubkey: &Pubkey, account: &AccountSharedData) -> Result<UiAccount, Fault> {
        let base58 = matches!(self.encoding, UiAccountEncoding::Binary | UiAccountEncoding::Base58);
        let length = account.data().len();
        let shown = self.slice.map_or(length, |slice| slice.length.min(length.saturating_sub(slice.offset)));
        if base58 && shown > MAX_BASE58_BYTES {
            let message = format!(
                "Encoded binary (base 58) data should be less than {MAX_BASE58_BYTES} bytes, please use Base64 encoding."
            );
            return Err(plain(INVALID_REQUEST, message));
        }
        Ok(encode_ui_account(pubkey, account, self.encoding, None, self.slice))
    }
}

fn parsed(
    pubkey: &Pubkey,
    account: &AccountSharedData,
    decimals: Option<SplTokenAdditionalDataV2>,
) -> UiAccount {
    let data = decimals.map(|data| AccountAdditionalDataV3 { spl_token_additional_data: Some(data) });
    encode_ui_account(pubkey, account, UiAccountEncoding::JsonParsed, data, None)
}

/// What amounts of a mint are shown with; `None` where the data is no mint's.
pub(super) fn decimals(time: i64, data: &[u8]) -> Option<SplTokenAdditionalDataV2> {
    let mint = StateWithExtensions::<Mint>::unpack(data).ok()?;
    let interest = mint.get_extension::<InterestBearingConfig>().ok();
    let scaled = mint.get_extension::<ScaledUiAmountConfig>().ok();
    Some(SplTokenAdditionalDataV2 {
        decimals: mint.base.decimals,
        interest_bearing_config: interest.map(|config| (*config, time)),
        scaled_ui_amount_config: scaled.map(|config| (*config, time)),
    })
}

/// A mint's program and decimals; `None` where there is no such mint. The mint of wrapped lamports need not exist.
///
/// # Errors
/// The store failed.
pub(super) fn mint_data(
    bank: &Bank,
    mint: &Pubkey,
) -> Result<Option<(Pubkey, SplTokenAdditionalDataV2)>, Fault> {
    if *mint == spl_token_interface::native_mint::ID {
        let decimals = SplTokenAdditionalDataV2::with_decimals(spl_token_interface::native_mint::DECIMALS);
        return Ok(Some((spl_token_interface::ID, decimals)));
    }
    let account = bank.account(mint)?;
    Ok(account.and_then(|account| Some((*account.owner(), decimals(bank.time(), account.data())?))))
}

/// The filters, decoded once.
///
/// # Errors
/// -32602: too many, too large, or not in their encoding.
pub(super) fn filters(given: Option<Vec<RpcFilterType>>) -> Result<Vec<RpcFilterType>, Fault> {
    let mut filters = given.unwrap_or_default();
    if filters.len() > MAX_GET_PROGRAM_ACCOUNT_FILTERS {
        let max = MAX_GET_PROGRAM_ACCOUNT_FILTERS;
        return Err(invalid_params(format!("Too many filters provided; max {max}")));
    }
    for filter in &mut filters {
        filter.verify().map_err(|error| invalid_params(format!("Invalid param: {error:?}")))?;
        if let RpcFilterType::Memcmp(compare) = filter {
            let decoded = compare.convert_to_raw_bytes();
            decoded.map_err(|error| invalid_params(format!("Invalid param: {error:?}")))?;
        }
    }
    Ok(filters)
}

/// Whether all filters let the account pass.
pub(super) fn passes(filters: &[RpcFilterType], account: &AccountSharedData) -> bool {
    filters.iter().all(|filter| match filter {
        RpcFilterType::DataSize(size) => u64::try_from(account.data().len()) == Ok(*size),
        RpcFilterType::Memcmp(compare) => compare.bytes_match(account.data()),
        RpcFilterType::TokenAccountState => get_token_account_mint(account.data()).is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_rpc_client_types::filter::{Memcmp, MemcmpEncodedBytes};

    #[test]
    fn filters_are_bounded_and_compare_bytes() {
        let at = |offset, bytes: &str| {
            RpcFilterType::Memcmp(Memcmp::new(offset, MemcmpEncodedBytes::Base58(bytes.into())))
        };
        let account = AccountSharedData::create_from_existing_shared_data(
            1,
            std::sync::Arc::new(vec![1, 2, 3, 4]),
            Pubkey::default(),
            false,
            u64::MAX,
        );
        let two_three = bs58::encode([2, 3]).into_string();
        let found = filters(Some(vec![RpcFilterType::DataSize(4), at(1, &two_three)])).unwrap();
        assert!(passes(&found, &account));
        for other in [RpcFilterType::DataSize(5), at(0, &two_three), at(usize::MAX, &two_three)] {
            let filters = filters(Some(vec![other.clone()])).unwrap();
            assert!(!passes(&filters, &account), "{other:?}");
        }
        assert!(filters(Some(vec![RpcFilterType::DataSize(1); 5])).unwrap_err().message().ends_with("max 4"));
        assert_eq!(filters(Some(vec![at(0, "0")])).unwrap_err().code(), -32_602);
    }
}
