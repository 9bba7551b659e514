//! Methods of the bank module's query service.

use super::super::Keeper;
use super::super::addresses::Address;
use super::super::coin::{Coin, Coins, is_denom};
use super::super::page::{self, List, invalid, page_of};
use super::{read, unknown_path, write};
use crate::address;
use crate::fault::Fault;
use crate::gas;
use cosmos_sdk_proto::cosmos::bank::v1beta1 as bank;
use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use weft_state::key;
use weft_types::{AccountId, U256};

/// Most accounts of a page.
const OWNERS_MAX: u64 = 1_000;

impl Keeper<'_, '_> {
    pub(super) fn query_bank_method(&mut self, method: &str, data: &[u8]) -> Result<Vec<u8>, Fault> {
        self.gas.charge(gas::RECORD, "bank query")?;
        match method {
            "Balance" => {
                let request: bank::QueryBalanceRequest = read(data)?;
                let denom = denom_of(request.denom)?;
                let balance = Some(self.one_balance(&request.address, &denom)?);
                write(&bank::QueryBalanceResponse { balance })
            }
            "SpendableBalanceByDenom" => {
                let request: bank::QuerySpendableBalanceByDenomRequest = read(data)?;
                address_of(&request.address)?;
                let denom = denom_of(request.denom)?;
                let balance = Some(self.one_balance(&request.address, &denom)?);
                write(&bank::QuerySpendableBalanceByDenomResponse { balance })
            }
            "AllBalances" => {
                let request: bank::QueryAllBalancesRequest = read(data)?;
                let balances = self.all_balances(&request.address)?;
                let (balances, pagination) = page_of(balances, request.pagination)?;
                write(&bank::QueryAllBalancesResponse { balances, pagination })
            }
            "SpendableBalances" => {
                let request: bank::QuerySpendableBalancesRequest = read(data)?;
                let balances = self.all_balances(&request.address)?;
                let (balances, pagination) = page_of(balances, request.pagination)?;
                write(&bank::QuerySpendableBalancesResponse { balances, pagination })
            }
            "TotalSupply" => {
                let request: bank::QueryTotalSupplyRequest = read(data)?;
                let rules = self.rules;
                let supply = self.supply(&rules.denom)?;
                let supply = if supply.amount.is_zero() { Vec::new() } else { vec![supply] };
                let (supply, pagination) = page_of(by_denom(supply), request.pagination)?;
                write(&bank::QueryTotalSupplyResponse { supply, pagination })
            }
            "SupplyOf" => {
                let request: bank::QuerySupplyOfRequest = read(data)?;
                let amount = Some(self.supply(&denom_of(request.denom)?)?.to_proto());
                write(&bank::QuerySupplyOfResponse { amount })
            }
            "DenomMetadata" => no_metadata(read::<bank::QueryDenomMetadataRequest>(data)?.denom),
            "DenomMetadataByQueryString" => {
                no_metadata(read::<bank::QueryDenomMetadataByQueryStringRequest>(data)?.denom)
            }
            "DenomsMetadata" => {
                let request: bank::QueryDenomsMetadataRequest = read(data)?;
                let (metadatas, pagination) = page_of(Vec::new(), request.pagination)?;
                write(&bank::QueryDenomsMetadataResponse { metadatas, pagination })
            }
            "DenomOwners" => {
                let request: bank::QueryDenomOwnersRequest = read(data)?;
                let (denom_owners, pagination) = self.owners(request.denom, request.pagination)?;
                write(&bank::QueryDenomOwnersResponse { denom_owners, pagination })
            }
            "DenomOwnersByQuery" => {
                let request: bank::QueryDenomOwnersByQueryRequest = read(data)?;
                let (denom_owners, pagination) = self.owners(request.denom, request.pagination)?;
                write(&bank::QueryDenomOwnersByQueryResponse { denom_owners, pagination })
            }
            "SendEnabled" => {
                // No denomination has an entry of its own: the parameters' default holds for all.
                let request: bank::QuerySendEnabledRequest = read(data)?;
                let (send_enabled, pagination) = if request.denoms.is_empty() {
                    page_of(Vec::new(), request.pagination)?
                } else {
                    (Vec::new(), None)
                };
                write(&bank::QuerySendEnabledResponse { send_enabled, pagination })
            }
            "Params" => {
                let params = bank::Params { default_send_enabled: true, ..Default::default() };
                write(&bank::QueryParamsResponse { params: Some(params) })
            }
            _ => Err(unknown_path()),
        }
    }

    fn one_balance(&mut self, address: &str, denom: &str) -> Result<ProtoCoin, Fault> {
        let amount = self.balance(address_of(address)?.id, denom)?;
        Ok(Coin::new(denom, amount).to_proto())
    }

    fn all_balances(&mut self, address: &str) -> Result<Vec<(String, ProtoCoin)>, Fault> {
        let Coins(balances) = self.balances(address_of(address)?.id)?;
        Ok(by_denom(balances))
    }

    /// Accounts that have some of `denom`, in the order of their bytes. Those of the EVM have no address here.
    fn owners(
        &mut self,
        denom: String,
        request: Option<PageRequest>,
    ) -> Result<(Vec<bank::DenomOwner>, Option<PageResponse>), Fault> {
        let denom = denom_of(denom)?;
        if denom != self.rules.denom {
            return page_of(Vec::new(), request);
        }
        let whole = key::ledger(AccountId(weft_types::B256::ZERO));
        let prefix = whole.get(..whole.len().saturating_sub(32)).unwrap_or_default();
        let list = List { prefix, hidden: |account| owner(account).is_none(), most: OWNERS_MAX };
        let page = page::page(self.journal, self.gas, &list, &request.unwrap_or_default())?;
        let entries = page.entries.iter().filter_map(|(account, wei)| {
            let amount = U256::try_from_be_slice(wei)?;
            let balance = Some(Coin::new(&denom, amount).to_proto());
            Some(bank::DenomOwner { address: owner(account)?, balance })
        });
        Ok((entries.collect(), Some(page.response)))
    }
}

/// The address of an account, where it has one on this machine.
fn owner(account: &[u8]) -> Option<String> {
    let id = AccountId(<[u8; 32]>::try_from(account).ok()?.into());
    let bytes = address::from_account(id);
    address::account_id(&bytes).ok().map(|_| address::encode(&bytes))
}

fn by_denom(coins: Vec<Coin>) -> Vec<(String, ProtoCoin)> {
    coins.into_iter().map(|coin| (coin.denom.clone(), coin.to_proto())).collect()
}

fn no_metadata(denom: String) -> Result<Vec<u8>, Fault> {
    let denom = denom_of(denom)?;
    Err(Fault::sdk(22, format!("rpc error: code = NotFound desc = client metadata for denom {denom}")))
}

fn address_of(text: &str) -> Result<Address, Fault> {
    Address::parse(text).map_err(|fault| invalid(format!("invalid address: {fault}")))
}

fn denom_of(denom: String) -> Result<String, Fault> {
    if is_denom(&denom) { Ok(denom) } else { Err(invalid(format!("invalid denom: {denom}"))) }
}
