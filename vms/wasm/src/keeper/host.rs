//! [`ContractHost`]: the chain as one call of a contract sees it, its own storage and queries, over the keeper.

use super::addresses::Address;
use super::{Keeper, keys};
use crate::engine::{Host, HostFault};
use crate::fault::Fault;
use crate::gas;
use weft_state::ReadError;
use weft_types::{Bytes, GasRate};

/// The keeper, which is lent to the engine for the call.
pub(super) struct ContractHost<'c, 'k, 'j> {
    keeper: &'c mut Keeper<'k, 'j>,
    address: &'c Address,
}

impl<'c, 'k, 'j> ContractHost<'c, 'k, 'j> {
    pub(super) fn new(keeper: &'c mut Keeper<'k, 'j>, address: &'c Address) -> Self {
        Self { keeper, address }
    }
}

/// The fuel that `gas` is, which must not be more than there is.
fn fuel_for(gas: u64, rate: GasRate, fuel: u64) -> Result<u64, HostFault> {
    let cost = rate.grant(gas);
    if cost > fuel { Err(HostFault::OutOfFuel) } else { Ok(cost) }
}

/// The gas that `fuel` is at least.
fn gas_of(fuel: u64, rate: GasRate) -> u64 {
    let gas = u128::from(fuel) * u128::from(rate.numerator) / u128::from(rate.denominator.max(1));
    u64::try_from(gas).unwrap_or(u64::MAX)
}

impl Host for ContractHost<'_, '_, '_> {
    fn get(&mut self, key: &[u8], fuel: u64) -> Result<(u64, Option<Bytes>), HostFault> {
        let rate = self.keeper.rules.rate;
        fuel_for(gas::cost(gas::READ, gas::READ_BYTE, key.len()), rate, fuel)?;
        let value = self.keeper.journal.get(&keys::storage(self.address.id, key))?;
        let bytes = key.len().saturating_add(value.as_ref().map_or(0, Bytes::len));
        Ok((fuel_for(gas::cost(gas::READ, gas::READ_BYTE, bytes), rate, fuel)?, value))
    }

    fn set(&mut self, key: &[u8], value: &[u8], fuel: u64) -> Result<u64, HostFault> {
        let bytes = key.len().saturating_add(value.len());
        let used = fuel_for(gas::cost(gas::WRITE, gas::WRITE_BYTE, bytes), self.keeper.rules.rate, fuel)?;
        self.keeper.journal.set(keys::storage(self.address.id, key), Bytes::copy_from_slice(value));
        Ok(used)
    }

    fn remove(&mut self, key: &[u8], fuel: u64) -> Result<u64, HostFault> {
        let used = fuel_for(gas::DELETE, self.keeper.rules.rate, fuel)?;
        self.keeper.journal.remove(keys::storage(self.address.id, key));
        Ok(used)
    }

    fn range(
        &mut self,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        limit: usize,
        fuel: u64,
    ) -> Result<(u64, Vec<(Vec<u8>, Bytes)>), HostFault> {
        let (pairs, gas) = self.keeper.storage_range(self.address, from, to, descending, limit)?;
        Ok((fuel_for(gas, self.keeper.rules.rate, fuel)?, pairs))
    }

    fn query(&mut self, request: &[u8], fuel: u64) -> Result<(u64, Vec<u8>), HostFault> {
        let keeper = &mut *self.keeper;
        let rate = keeper.rules.rate;
        let checkpoint = keeper.journal.checkpoint();
        let events = std::mem::take(&mut keeper.events);
        let (answer, used) = keeper.metered(gas_of(fuel, rate), |keeper| keeper.answer(request));
        keeper.events = events;
        keeper.journal.revert(checkpoint);
        match answer {
            Ok(answer) => Ok((fuel_for(used, rate, fuel)?, answer)),
            Err(Fault::Read(error)) => Err(HostFault::Read(error)),
            Err(_) => Err(HostFault::OutOfFuel),
        }
    }
}

/// Pairs of a contract's storage, under its own keys, and the gas that reading them costs.
type Pairs = (Vec<(Vec<u8>, Bytes)>, u64);

impl Keeper<'_, '_> {
    pub(super) fn storage_range(
        &mut self,
        address: &Address,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        limit: usize,
    ) -> Result<Pairs, ReadError> {
        let prefix = keys::storage(address.id, &[]);
        let start = keys::storage(address.id, from);
        let end = to.map_or_else(|| keys::after(&prefix), |to| keys::storage(address.id, to));
        let pairs = if descending {
            self.journal.range_back(&start, &end, limit)?
        } else {
            self.journal.range(&start, &end, limit)?
        };
        let mut gas = gas::STEP;
        let own = pairs.into_iter().map(|(mut key, value)| {
            let key = key.split_off(prefix.len().min(key.len()));
            gas = gas.saturating_add(gas::cost(
                gas::STEP,
                gas::STEP_BYTE,
                key.len().saturating_add(value.len()),
            ));
            (key, value)
        });
        let own = own.collect();
        Ok((own, gas))
    }
}
