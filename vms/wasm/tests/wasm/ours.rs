//! The chain as this engine's calls see it: a storage in memory.

use std::collections::BTreeMap;

use bytes::Bytes;
use cosmwasm_vm::Querier as _;
use cosmwasm_vm::testing::MockQuerier;
use weft_wasm::engine::{Host, HostFault};

const ACCESS: u64 = 1_000;

/// The host of this engine's calls.
pub struct Memory {
    pub entries: BTreeMap<Vec<u8>, Bytes>,
    querier: MockQuerier,
}

impl Default for Memory {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), querier: MockQuerier::new(&[]) }
    }
}

impl Host for Memory {
    fn get(&mut self, key: &[u8], _: u64) -> Result<(u64, Option<Bytes>), HostFault> {
        Ok((ACCESS, self.entries.get(key).cloned()))
    }

    fn set(&mut self, key: &[u8], value: &[u8], _: u64) -> Result<u64, HostFault> {
        self.entries.insert(key.to_vec(), Bytes::copy_from_slice(value));
        Ok(ACCESS)
    }

    fn remove(&mut self, key: &[u8], _: u64) -> Result<u64, HostFault> {
        self.entries.remove(key);
        Ok(ACCESS)
    }

    fn range(
        &mut self,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        limit: usize,
        _: u64,
    ) -> Result<(u64, Vec<(Vec<u8>, Bytes)>), HostFault> {
        let start = self.entries.range(from.to_vec()..).map(|(key, value)| (key.clone(), value.clone()));
        let mut pairs: Vec<_> = start.take_while(|(key, _)| to.is_none_or(|to| &key[..] < to)).collect();
        if descending {
            pairs.reverse();
        }
        pairs.truncate(limit);
        Ok((ACCESS, pairs))
    }

    fn query(&mut self, request: &[u8], _: u64) -> Result<(u64, Vec<u8>), HostFault> {
        let (answer, _) = self.querier.query_raw(request, u64::MAX);
        let answer = answer.expect("the mock always answers");
        Ok((ACCESS, cosmwasm_vm::to_vec(&answer).expect("JSON")))
    }
}
