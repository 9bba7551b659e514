//! A toy machine that passes the conformance suite: the example to copy. It counts, pays, reverts, halts and
//! loops.
//!
//! Payload, 32-byte accounts and big-endian numbers:
//! `sender 32 | nonce u64 | gas limit u64 | operation u8 | its arguments | seal 32`, where the seal is
//! `sha256("weft/toy/seal" | chain_id | all before it)`. A seal proves nothing about the sender: not for a
//! real chain.

use crate::{BlockEnv, Checked, Execution, Outcome, Reject, RejectKind, Vm};
use std::sync::Arc;
use weft_state::{Journal, Key, ReadError, key};
use weft_types::{AccountId, B256, Bytes, Log, Status, U256, VmId, hash};

/// Gas of any transaction.
pub const GAS_BASE: u64 = 100;
/// Gas of one write, one log, one transfer or one step of a loop.
pub const GAS_STEP: u64 = 20;
/// Code of a transaction that ran out of gas.
pub const HALT_OUT_OF_GAS: u16 = 1;
/// Code of a transfer of more than there is.
pub const HALT_FUNDS: u16 = 2;
/// Code of [`Operation::Halt`].
pub const HALT_ASKED: u16 = 3;

const NONCE: u8 = 1;
const COUNTER: u8 = 2;
const HEAD: usize = 49;
const SEAL: usize = 32;

/// What a toy transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Adds to the sender's counter and says so in a log.
    Count(u64),
    /// Pays wei to an account.
    Pay(AccountId, u128),
    /// Counts, pays the treasury, logs, and then reverts all of it.
    Revert,
    /// Counts and then halts.
    Halt,
    /// Writes the counter that many times.
    Loop(u64),
}

/// A decoded toy transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToyTransaction {
    /// Who pays.
    pub sender: AccountId,
    /// Must be the sender's next.
    pub nonce: u64,
    /// Most gas; it pays `gas used * base fee`.
    pub gas_limit: u64,
    /// What it does.
    pub operation: Operation,
}

/// Why a transaction stops before its end.
enum Stop {
    Status(Status),
    Read(ReadError),
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl ToyTransaction {
    /// The sealed payload.
    #[must_use]
    pub fn seal(&self, chain_id: u64) -> Bytes {
        let mut bytes = self.sender.0.to_vec();
        bytes.extend(self.nonce.to_be_bytes());
        bytes.extend(self.gas_limit.to_be_bytes());
        match self.operation {
            Operation::Count(by) => bytes.extend([&[0][..], &by.to_be_bytes()].concat()),
            Operation::Pay(to, wei) => {
                bytes.extend([&[1][..], to.0.as_slice(), &wei.to_be_bytes()].concat());
            }
            Operation::Revert => bytes.push(2),
            Operation::Halt => bytes.push(3),
            Operation::Loop(steps) => bytes.extend([&[4][..], &steps.to_be_bytes()].concat()),
        }
        bytes.extend(seal(chain_id, &bytes));
        bytes.into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (head, arguments) = bytes.split_first_chunk::<HEAD>()?;
        let (sender, numbers) = head.split_first_chunk::<32>()?;
        let (nonce, numbers) = numbers.split_first_chunk::<8>()?;
        let (gas_limit, operation) = numbers.split_first_chunk::<8>()?;
        let operation = match (operation, arguments) {
            ([0], by) => Operation::Count(u64::from_be_bytes(by.try_into().ok()?)),
            ([1], arguments) => {
                let (to, wei) = arguments.split_first_chunk::<32>()?;
                Operation::Pay(AccountId(B256::new(*to)), u128::from_be_bytes(wei.try_into().ok()?))
            }
            ([2], []) => Operation::Revert,
            ([3], []) => Operation::Halt,
            ([4], steps) => Operation::Loop(u64::from_be_bytes(steps.try_into().ok()?)),
            _ => return None,
        };
        let sender = AccountId(B256::new(*sender));
        let (nonce, gas_limit) = (u64::from_be_bytes(*nonce), u64::from_be_bytes(*gas_limit));
        Some(Self { sender, nonce, gas_limit, operation })
    }
}

fn seal(chain_id: u64, body: &[u8]) -> B256 {
    hash::sha256("weft/toy/seal", &[&chain_id.to_be_bytes(), body])
}

/// The key of an account's nonce.
#[must_use]
pub fn nonce_key(account: AccountId) -> Key {
    key::key(VmId::TOY, NONCE, account.0.as_slice())
}

/// The key of an account's counter.
#[must_use]
pub fn counter_key(account: AccountId) -> Key {
    key::key(VmId::TOY, COUNTER, account.0.as_slice())
}

fn number(journal: &mut Journal<'_>, key: &[u8]) -> Result<u64, ReadError> {
    let bytes = journal.get(key)?.unwrap_or_else(|| Bytes::from_static(&[0; 8]));
    let bytes = <[u8; 8]>::try_from(&*bytes).map_err(|_| ReadError("a toy number is 8 bytes".into()))?;
    Ok(u64::from_be_bytes(bytes))
}

fn set_number(journal: &mut Journal<'_>, key: Key, value: u64) {
    journal.set(key, Bytes::copy_from_slice(&value.to_be_bytes()));
}

/// The machine. It has no state: all of it is in the journal.
#[derive(Clone, Copy, Debug)]
pub struct ToyVm {
    /// Transactions sealed for another chain are rejected.
    pub chain_id: u64,
}

impl Vm for ToyVm {
    fn id(&self) -> VmId {
        VmId::TOY
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        let body = payload.len().checked_sub(SEAL).map(|end| payload.split_at(end));
        let (body, found) =
            body.ok_or_else(|| Reject::new(RejectKind::Malformed, "shorter than its seal"))?;
        let transaction = ToyTransaction::decode(body)
            .ok_or_else(|| Reject::new(RejectKind::Malformed, "not a toy transaction"))?;
        if found != seal(self.chain_id, body) {
            return Err(Reject::new(RejectKind::BadSignature, "the seal is wrong"));
        }
        Ok(Checked {
            vm: VmId::TOY,
            id: hash::sha256("weft/toy/id", &[payload]),
            sender: transaction.sender,
            gas_limit: transaction.gas_limit,
            decoded: Arc::new(transaction),
        })
    }

    fn execute(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError> {
        let transaction: &ToyTransaction =
            checked.decoded.downcast_ref().expect("the router hands a machine its own transactions");
        if let Some(reject) = validate(journal, block, transaction)? {
            return Ok(Execution::Rejected(reject));
        }
        set_number(journal, nonce_key(transaction.sender), transaction.nonce.saturating_add(1));
        // The fee is taken whole before the work, so that the work can't spend it, and the rest given back.
        let reserved = fee(block, transaction.gas_limit);
        let before = journal.balance(transaction.sender)?;
        journal.set_balance(transaction.sender, before - reserved)?;
        let checkpoint = journal.checkpoint();
        let mut gas = transaction.gas_limit - GAS_BASE;
        let (status, output) = match run(journal, block, transaction, &mut gas) {
            Ok(output) => (Status::Success, output),
            Err(Stop::Status(status)) => (status, Bytes::new()),
            Err(Stop::Read(error)) => return Err(error),
        };
        if status.is_success() {
            journal.commit(checkpoint);
        } else {
            journal.revert(checkpoint);
        }
        let gas_used = transaction.gas_limit - gas;
        let after = journal.balance(transaction.sender)?;
        // It held this and more before the work, and no work makes the sum of balances larger.
        journal.set_balance(transaction.sender, after + reserved)?;
        let fee = fee(block, gas_used);
        block.collect_fee(journal, transaction.sender, fee, U256::ZERO)?;
        Ok(Execution::Executed(Outcome { status, gas_used, fee, output, detail: Bytes::new() }))
    }

    fn query(
        &self,
        journal: &mut Journal<'_>,
        _block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        let done = |status, gas_used, output| {
            let (fee, detail) = (U256::ZERO, Bytes::new());
            Outcome { status, gas_used, fee, output, detail }
        };
        let Ok(account) = <[u8; 32]>::try_from(query) else {
            return Ok(done(Status::Reverted, 0, Bytes::new()));
        };
        if gas < GAS_STEP {
            return Ok(done(Status::Halted(HALT_OUT_OF_GAS), gas, Bytes::new()));
        }
        let counter = number(journal, &counter_key(AccountId(B256::new(account))))?;
        Ok(done(Status::Success, GAS_STEP, Bytes::copy_from_slice(&counter.to_be_bytes())))
    }
}

fn fee(block: &BlockEnv, gas: u64) -> U256 {
    U256::from(gas) * U256::from(block.base_fee)
}

/// What the state has against the transaction, before anything is written.
fn validate(
    journal: &mut Journal<'_>,
    block: &BlockEnv,
    transaction: &ToyTransaction,
) -> Result<Option<Reject>, ReadError> {
    let nonce = number(journal, &nonce_key(transaction.sender))?;
    let reject = |kind, message: String| Ok(Some(Reject::new(kind, message)));
    if transaction.nonce < nonce {
        return reject(RejectKind::Stale, format!("nonce {} was used", transaction.nonce));
    }
    if transaction.nonce > nonce {
        return reject(RejectKind::NonceGap, format!("nonce {} comes before", nonce));
    }
    if transaction.gas_limit < GAS_BASE {
        return reject(RejectKind::GasLimit, format!("a transaction takes {GAS_BASE} gas"));
    }
    let (balance, needed) = (journal.balance(transaction.sender)?, fee(block, transaction.gas_limit));
    if balance < needed {
        return reject(RejectKind::InsufficientFunds, format!("has {balance} wei, {needed} needed"));
    }
    Ok(None)
}

fn spend(gas: &mut u64) -> Result<(), Stop> {
    match gas.checked_sub(GAS_STEP) {
        Some(left) => *gas = left,
        None => {
            *gas = 0;
            return Err(Stop::Status(Status::Halted(HALT_OUT_OF_GAS)));
        }
    }
    Ok(())
}

fn run(
    journal: &mut Journal<'_>,
    block: &BlockEnv,
    transaction: &ToyTransaction,
    gas: &mut u64,
) -> Result<Bytes, Stop> {
    match transaction.operation {
        Operation::Count(by) => count(journal, transaction.sender, by, gas),
        Operation::Pay(to, wei) => pay(journal, transaction.sender, to, wei, gas),
        Operation::Revert => {
            count(journal, transaction.sender, 1, gas)?;
            pay(journal, transaction.sender, block.fees.treasury, 1, gas)?;
            Err(Stop::Status(Status::Reverted))
        }
        Operation::Halt => {
            count(journal, transaction.sender, 1, gas)?;
            Err(Stop::Status(Status::Halted(HALT_ASKED)))
        }
        Operation::Loop(steps) => {
            for step in 0..steps {
                spend(gas)?;
                set_number(journal, counter_key(transaction.sender), step);
            }
            Ok(Bytes::new())
        }
    }
}

fn count(journal: &mut Journal<'_>, account: AccountId, by: u64, gas: &mut u64) -> Result<Bytes, Stop> {
    spend(gas)?;
    let counter = number(journal, &counter_key(account))?.wrapping_add(by);
    set_number(journal, counter_key(account), counter);
    spend(gas)?;
    let data = counter.to_be_bytes();
    journal.log(Log { account: account.0, topics: vec![B256::ZERO], data: data.to_vec().into() });
    Ok(Bytes::copy_from_slice(&data))
}

fn pay(
    journal: &mut Journal<'_>,
    from: AccountId,
    to: AccountId,
    wei: u128,
    gas: &mut u64,
) -> Result<Bytes, Stop> {
    spend(gas)?;
    match journal.transfer(from, to, U256::from(wei)) {
        Ok(()) => Ok(Bytes::new()),
        Err(weft_state::ledger::LedgerError::Read(error)) => Err(Stop::Read(error)),
        Err(_) => Err(Stop::Status(Status::Halted(HALT_FUNDS))),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::FeeSplit;
    use crate::conformance::{self, Expect, Fixture, Sample};
    use weft_types::{Address, DaHeight, Height};

    /// Samples of the toy machine, for it and for machines made of it.
    pub(crate) struct Toy(pub(crate) Arc<dyn Vm>);

    fn account(byte: u8) -> AccountId {
        AccountId(B256::repeat_byte(byte))
    }

    fn sample(name: &'static str, gas_limit: u64, expect: Expect, operation: Operation) -> Sample {
        let make =
            move |gas_limit| ToyTransaction { sender: account(1), nonce: 0, gas_limit, operation }.seal(1);
        Sample { name, gas_limit, expect, make: Box::new(make) }
    }

    impl Fixture for Toy {
        fn vm(&self) -> Arc<dyn Vm> {
            self.0.clone()
        }

        fn block(&self) -> BlockEnv {
            BlockEnv {
                chain_id: 1,
                height: Height(1),
                origin: DaHeight(10),
                parent_hash: B256::repeat_byte(1),
                timestamp_ms: 1_760_000_000_000,
                prevrandao: B256::repeat_byte(2),
                gas_limit: 1_000_000,
                base_fee: 7,
                fee_recipient: AccountId::from_evm(Address::repeat_byte(3)),
                fees: FeeSplit {
                    treasury: account(4),
                    base_to_recipient_bp: 5_000,
                    base_to_treasury_bp: 3_333,
                },
            }
        }

        fn accounts(&self) -> Vec<(AccountId, U256)> {
            vec![(account(1), U256::from(1_000_000_000)), (account(2), U256::from(5))]
        }

        fn samples(&self) -> Vec<Sample> {
            vec![
                sample("count", 1_000, Expect::Success, Operation::Count(3)),
                sample("pay", 1_000, Expect::Success, Operation::Pay(account(2), 10)),
                sample("pay oneself", 1_000, Expect::Success, Operation::Pay(account(1), 10)),
                sample("pay too much", 1_000, Expect::Halted, Operation::Pay(account(2), u128::MAX)),
                sample("revert", 1_000, Expect::Reverted, Operation::Revert),
                sample("halt", 1_000, Expect::Halted, Operation::Halt),
                sample("loop", 3_000, Expect::Success, Operation::Loop(100)),
                sample("loop without end", 3_000, Expect::Halted, Operation::Loop(u64::MAX)),
                sample("too little gas", 10, Expect::Rejected, Operation::Count(1)),
            ]
        }

        fn queries(&self) -> Vec<Bytes> {
            vec![Bytes::copy_from_slice(account(1).0.as_slice()), Bytes::from_static(b"?")]
        }

        fn kept_on_failure(&self, sender: AccountId) -> Vec<Key> {
            vec![nonce_key(sender)]
        }
    }

    #[test]
    fn passes_the_conformance_suite() {
        conformance::run(&Toy(Arc::new(ToyVm { chain_id: 1 })), 0x7079_746f);
    }
}
