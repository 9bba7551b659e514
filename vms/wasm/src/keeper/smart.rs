//! Smart and raw queries of a contract, for clients and for other contracts.

use super::addresses::Address;
use super::asked::{RangeResponse, RawRange};
use super::json::{Binary, to_json};
use super::queries::address_of;
use super::{Keeper, QUERY_DEPTH_MAX, STACK_RED_ZONE, STACK_STEP, keys};
use crate::engine::Entry;
use crate::fault::Fault;
use crate::gas;

/// Pairs of another contract's storage that are read at a time: they may be long.
const RANGE_PAGE: usize = 32;

impl Keeper<'_, '_> {
    /// Asks a contract; the bytes of its answer.
    pub(super) fn query_smart(&mut self, address: &Address, msg: &[u8]) -> Result<Vec<u8>, Fault> {
        if self.query_depth >= QUERY_DEPTH_MAX {
            return Err(Fault::wasm(27, ""));
        }
        self.query_depth = self.query_depth.saturating_add(1);
        let answer = stacker::maybe_grow(STACK_RED_ZONE, STACK_STEP, || self.query_contract(address, msg));
        self.query_depth = self.query_depth.saturating_sub(1);
        answer
    }

    fn query_contract(&mut self, address: &Address, msg: &[u8]) -> Result<Vec<u8>, Fault> {
        let (_, code) = self.instance(address)?;
        self.gas.charge(gas::INSTANCE, "loading CosmWasm module: query")?;
        let env = self.env_json(address);
        let result = self.call(address, &code, Entry::Query, &[&env, msg], true)?;
        let answer: Binary = self.result(&result, 9)?;
        Ok(answer.0)
    }

    /// What a contract stored under a key; nothing where there is no such contract.
    pub(super) fn query_raw(&mut self, address: &Address, key: &[u8]) -> Result<Vec<u8>, Fault> {
        self.gas.charge_each(gas::READ, gas::READ_BYTE, key.len(), "raw query")?;
        let value = self.journal.get(&keys::storage(address.id, key))?.unwrap_or_default();
        self.gas.charge_each(0, gas::READ_BYTE, value.len(), "raw query")?;
        Ok(value.to_vec())
    }

    pub(super) fn query_raw_range(&mut self, range: RawRange) -> Result<Vec<u8>, Fault> {
        let address = address_of(&range.contract_addr)?;
        let descending = match range.order.as_str() {
            "ascending" => false,
            "descending" => true,
            order => return Err(Fault::sdk(18, format!("unknown order {order}"))),
        };
        let limit = usize::from(range.limit);
        let mut start = range.start.unwrap_or_default().0;
        let mut end = range.end.map(|end| end.0);
        let mut pairs = Vec::new();
        // One more than asked for tells where the next range begins. Each page is paid before the next is read.
        while pairs.len() <= limit {
            let asked = limit.saturating_add(1).saturating_sub(pairs.len()).min(RANGE_PAGE);
            let (page, cost) = self.storage_range(&address, &start, end.as_deref(), descending, asked)?;
            self.gas.charge(cost, "raw range query")?;
            let whole = page.len() == asked;
            match page.last() {
                Some((last, _)) if whole && descending => end = Some(last.clone()),
                Some((last, _)) if whole => start = [last.as_slice(), &[0]].concat(),
                _ => {}
            }
            pairs.extend(page);
            if !whole {
                break;
            }
        }
        let next_key = pairs.get(limit).map(|(key, _)| Binary(key.clone()));
        pairs.truncate(limit);
        let data = pairs.into_iter().map(|(key, value)| (Binary(key), Binary(value.to_vec()))).collect();
        Ok(to_json(&RangeResponse { data, next_key }))
    }
}
