//! Queries of contracts.

use super::Keeper;
use super::addresses::Address;
use super::asked::{
    AddressDenom, Amount, BankQuery, CodeInfo, ContractInfo, Denom, NoMetadata, OfCode, OfContract,
    QueryResult, Raw, Request, Smart, SystemError, SystemResult, WasmQuery,
};
use super::coin::Coin;
use super::json::{Binary, JsonCoin, to_json};
use super::validate::json;
use crate::address::PREFIX;
use crate::fault::{Fault, Seen, SystemFault};
use crate::gas;
use weft_types::U256;

impl Keeper<'_, '_> {
    /// Answers a contract's query: the JSON of a `SystemResult`, errors that it may know of included.
    ///
    /// # Errors
    /// [`Fault`] that is not of that kind: the gas ran out, or the store failed.
    pub(super) fn answer(&mut self, request: &[u8]) -> Result<Vec<u8>, Fault> {
        self.gas.charge_each(0, gas::JSON_BYTE, request.len(), "contract query")?;
        let result = match serde_json::from_slice::<Request>(request) {
            Ok(request) => match self.query_request(request) {
                Ok(answer) => SystemResult::Ok(QueryResult::Ok(Binary(answer))),
                Err(Fault::Abci { seen: Seen::System(fault), .. }) => SystemResult::Error(fault.into()),
                Err(fault @ Fault::Abci { .. }) => SystemResult::Ok(QueryResult::Error(fault.redacted())),
                Err(fault) => return Err(fault),
            },
            Err(_) => {
                let error = "the request is not the JSON of a query".to_owned();
                SystemResult::Error(SystemError::InvalidRequest { error, request: Binary(request.to_vec()) })
            }
        };
        let answer = to_json(&result);
        self.gas.charge_each(0, gas::JSON_BYTE, answer.len(), "contract query")?;
        Ok(answer)
    }

    fn query_request(&mut self, request: Request) -> Result<Vec<u8>, Fault> {
        if let Some(query) = request.bank {
            return self.query_bank(query);
        }
        if request.custom.is_some() {
            return Err(Fault::unsupported("custom"));
        }
        if request.ibc.is_some() {
            return Err(Fault::unsupported("this chain has no ibc module"));
        }
        if request.staking.is_some() {
            return Err(Fault::unsupported("this chain has no staking module"));
        }
        if request.stargate.is_some() {
            return Err(Fault::unsupported("Stargate queries are disabled on this chain"));
        }
        if request.grpc.is_some() {
            return Err(Fault::unsupported("gRPC queries are disabled on this chain"));
        }
        if let Some(query) = request.wasm {
            return self.query_wasm(query);
        }
        if request.distribution.is_some() {
            return Err(Fault::unsupported("this chain has no distribution module"));
        }
        Err(Fault::Abci {
            codespace: crate::fault::UNDEFINED,
            code: 1,
            log: "unknown system error".to_owned(),
            seen: Seen::System(SystemFault::Unknown),
        })
    }

    fn query_bank(&mut self, query: BankQuery) -> Result<Vec<u8>, Fault> {
        self.gas.charge(gas::RECORD, "bank query")?;
        if let Some(AddressDenom { address, .. }) = query.all_balances {
            let coins = self.balances(address_of(&address)?.id)?;
            let amount = coins.0.iter().map(contract_coin).collect::<Result<Vec<_>, _>>()?;
            return Ok(to_json(&Amount { amount }));
        }
        if let Some(AddressDenom { address, denom }) = query.balance {
            let amount = self.balance(address_of(&address)?.id, &denom)?;
            return Ok(to_json(&Amount { amount: contract_coin(&Coin::new(&denom, amount))? }));
        }
        if let Some(Denom { denom }) = query.supply {
            return Ok(to_json(&Amount { amount: contract_coin(&self.supply(&denom)?)? }));
        }
        if let Some(Denom { denom }) = query.denom_metadata {
            return Err(Fault::sdk(38, denom));
        }
        if query.all_denom_metadata.is_some() {
            return Ok(to_json(&NoMetadata { metadata: [] }));
        }
        Err(Fault::unsupported("unknown BankQuery variant"))
    }

    fn query_wasm(&mut self, query: WasmQuery) -> Result<Vec<u8>, Fault> {
        if let Some(Smart { contract_addr, msg }) = query.smart {
            let address = address_of(&contract_addr)?;
            json(&msg.0).map_err(|fault| fault.wrap("json msg"))?;
            return self.query_smart(&address, &msg.0);
        }
        if let Some(Raw { contract_addr, key }) = query.raw {
            let address = address_of(&contract_addr)?;
            return self.query_raw(&address, &key.0);
        }
        if let Some(OfContract { contract_addr }) = query.contract_info {
            let address = address_of(&contract_addr)?;
            let contract =
                self.contract_record(&address)?.ok_or_else(|| Fault::no_such_contract(&contract_addr))?;
            return Ok(to_json(&ContractInfo {
                code_id: contract.code_id,
                creator: contract.creator,
                admin: contract.admin,
                pinned: false,
                ibc_port: contract.ibc_port,
                ibc2_port: ibc2_port(&address),
            }));
        }
        if let Some(OfCode { code_id }) = query.code_info {
            if code_id == 0 {
                return Err(Fault::wasm(12, "code id"));
            }
            let code = self.code(code_id)?.ok_or_else(|| Fault::no_such_code(code_id))?;
            let checksum = hex::encode(code.checksum);
            return Ok(to_json(&CodeInfo { code_id, creator: code.creator, checksum }));
        }
        match query.raw_range {
            Some(range) => self.query_raw_range(range),
            None => Err(Fault::unsupported("unknown WasmQuery variant")),
        }
    }
}

pub(super) fn address_of(text: &str) -> Result<Address, Fault> {
    Address::parse(text).map_err(|_| Fault::sdk(7, text))
}

/// A coin as contracts read it: they take amounts of 128 bits.
fn contract_coin(coin: &Coin) -> Result<JsonCoin, Fault> {
    if coin.amount > U256::from(u128::MAX) {
        return Err(Fault::sdk(35, format!("{coin} does not fit what contracts read")));
    }
    Ok(coin.to_json())
}

/// The port of any contract in the second version of IBC. Nothing leads there.
pub(super) fn ibc2_port(address: &Address) -> String {
    format!("wasm2{}", address.text.strip_prefix(PREFIX).unwrap_or(&address.text))
}
