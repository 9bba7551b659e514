//! [`GasMeter`] and the table of what the keeper's own work costs, in the one gas unit.
//!
//! Invariants, as negatives:
//! - `used` never passes `limit`: what can't be paid takes what is left and ends in [`Fault::OutOfGas`].
//! - No cost depends on the host: not on caches, not on the clock.

use crate::fault::Fault;
use weft_types::GasRate;

/// Reading a value of a contract, at least.
pub const READ: u64 = 1_000;
/// Reading, per byte of key and value.
pub const READ_BYTE: u64 = 3;
/// Writing a value of a contract, at least.
pub const WRITE: u64 = 2_000;
/// Writing, per byte of key and value.
pub const WRITE_BYTE: u64 = 30;
/// Removing a value of a contract.
pub const DELETE: u64 = 1_000;
/// One step of a scan.
pub const STEP: u64 = 30;
/// A step of a scan, per byte of key and value.
pub const STEP_BYTE: u64 = 3;
/// An instance of a contract, for each call of it.
pub const INSTANCE: u64 = 5_000;
/// Reading the code for a call, per 100 bytes of it: the first call of a block does, so every call pays.
pub const LOAD_100_BYTES: u64 = 1;
/// Uploading, per byte of the code that was found: checks, compilation, and keeping it. With the next, a gas buys about
/// as much time as in a contract's loop.
pub const CODE_BYTE: u64 = 120;
/// Compiling, per branch and value that it may carry; an instruction that may make a NaN counts as 64, a
/// function as 512.
pub const CODE_WORK: u64 = 18;
/// Unpacking an upload, per 100 bytes of what was sent.
pub const UNPACK_100_BYTES: u64 = 15;
/// A custom event of a contract.
pub const EVENT: u64 = 20;
/// An attribute of an event of a contract.
pub const ATTRIBUTE: u64 = 10;
/// Attributes and types of events, per byte.
pub const EVENT_BYTE: u64 = 1;
/// Bytes of attributes that a response has for nothing.
pub const FREE_EVENT_BYTES: u64 = 100;
/// Reading or writing a record of a module: code, contract, history, balance.
pub const RECORD: u64 = 1_000;
/// Moving money from one account to another.
pub const TRANSFER: u64 = 10_000;
/// Decoding a message that a contract gives as protobuf.
pub const ANY: u64 = 5;
/// A message or query between contract and chain, per byte of it in JSON, beside what the contract's own code costs.
pub const JSON_BYTE: u64 = 1;
/// An object or a list in what a contract answers: reading `{}` takes a hundred times the memory of its text.
pub const JSON_OBJECT: u64 = 100;

/// Gas within a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasMeter {
    limit: u64,
    used: u64,
}

impl GasMeter {
    /// Nothing used of `limit`.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { limit, used: 0 }
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// What was used; at most the limit.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// What is left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// Uses `gas`.
    ///
    /// # Errors
    /// [`Fault::OutOfGas`] where less is left; then all of it is used.
    pub fn charge(&mut self, gas: u64, at: &'static str) -> Result<(), Fault> {
        if gas > self.left() {
            self.used = self.limit;
            return Err(Fault::OutOfGas { at });
        }
        self.used = self.used.saturating_add(gas);
        Ok(())
    }

    /// Uses `each` for every one of `count`, on top of `base`.
    ///
    /// # Errors
    /// As [`Self::charge`].
    pub fn charge_each(&mut self, base: u64, each: u64, count: usize, at: &'static str) -> Result<(), Fault> {
        self.charge(cost(base, each, count), at)
    }

    /// The engine's fuel that what is left buys.
    #[must_use]
    pub fn fuel_left(&self, rate: GasRate) -> u64 {
        rate.grant(self.left())
    }

    /// Uses what `fuel` costs.
    ///
    /// # Errors
    /// As [`Self::charge`].
    pub fn charge_fuel(&mut self, rate: GasRate, fuel: u64) -> Result<(), Fault> {
        self.charge(rate.charge(fuel), "wasm contract")
    }

    /// Uses all that is left: what a contract that ran out of fuel is charged.
    pub fn exhaust(&mut self, at: &'static str) -> Fault {
        self.used = self.limit;
        Fault::OutOfGas { at }
    }
}

/// `base` and `each` for every one of `count`.
#[must_use]
pub fn cost(base: u64, each: u64, count: usize) -> u64 {
    base.saturating_add(each.saturating_mul(u64::try_from(count).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_never_passes_its_limit() {
        let mut meter = GasMeter::new(100);
        assert_eq!(meter.charge(60, "a"), Ok(()));
        assert_eq!(meter.left(), 40);
        assert_eq!(meter.charge(41, "b"), Err(Fault::OutOfGas { at: "b" }));
        assert_eq!((meter.used(), meter.left()), (100, 0));
        assert_eq!(meter.charge(0, "c"), Ok(()));
    }

    #[test]
    fn fuel_rounds_against_the_payer() {
        let rate = GasRate { numerator: 1, denominator: 20 };
        let mut meter = GasMeter::new(10);
        assert_eq!(meter.fuel_left(rate), 200);
        assert_eq!(meter.charge_fuel(rate, 21), Ok(()));
        assert_eq!(meter.used(), 2);
        assert_eq!(meter.charge_fuel(rate, meter.fuel_left(rate)), Ok(()));
        assert_eq!(meter.left(), 0);
    }
}
