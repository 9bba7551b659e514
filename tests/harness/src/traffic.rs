//! Seeded random traffic: transfers, contracts, calls that work, revert, halt and run out of gas.

use crate::wallet::{Signed, Wallet};
use alloy_primitives::{Address, Bytes, TxKind};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Deploys a contract that adds its call's first word to slot 0, logs it, and reverts on a zero.
///
/// Runtime: `calldataload(0); dup1; iszero -> revert; sload(0); add; dup1; sstore(0); log1`.
const COUNTER_RUNTIME: &str = "6000358015601b576000540180600055600052600160206000a1005b60006000fd";

/// Gas for a call of the counter.
const CALL_GAS: u64 = 100_000;

/// A stream of transactions of some of devnet's accounts; the same for the same seed.
#[derive(Debug)]
pub struct Traffic {
    rng: ChaCha8Rng,
    wallets: Vec<Wallet>,
    counters: Vec<Address>,
}

impl Traffic {
    /// Traffic of devnet's accounts `from..to`.
    #[must_use]
    pub fn new(seed: u64, accounts: std::ops::Range<u32>) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            wallets: accounts.map(Wallet::devnet).collect(),
            counters: Vec::new(),
        }
    }

    /// The next `count` transactions, to be sent in this order.
    pub fn next(&mut self, count: usize) -> Vec<Signed> {
        (0..count).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> Signed {
        let index = self.rng.random_range(0..self.wallets.len());
        let to = Wallet::numbered(self.rng.random_range(0..500)).address();
        let counter = self.counters.get(self.rng.random_range(0..self.counters.len().max(1))).copied();
        let wallet = &mut self.wallets[index];
        match (self.rng.random_range(0..10), counter) {
            (0, _) | (1..=4, None) => {
                self.counters.push(wallet.address().create(wallet.nonce));
                wallet.call(TxKind::Create, 0, counter_code(), 300_000)
            }
            (1..=3, Some(counter)) => {
                wallet.call(TxKind::Call(counter), 0, word(self.rng.random()), CALL_GAS)
            }
            // A zero makes it revert; too little gas makes it halt. Both pay.
            (4, Some(counter)) => wallet.call(TxKind::Call(counter), 0, word(0), CALL_GAS),
            (5, Some(counter)) => wallet.call(TxKind::Call(counter), 0, word(1), 22_000),
            _ => wallet.transfer(to, self.rng.random_range(0..1_000_000_000)),
        }
    }
}

fn word(value: u64) -> Bytes {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    Bytes::copy_from_slice(&word)
}

/// Init code that returns the runtime: `push1 len; dup1; push1 offset; push0-free copy; return`.
fn counter_code() -> Bytes {
    let runtime = hex::decode(COUNTER_RUNTIME).expect("hex");
    let length = u8::try_from(runtime.len()).expect("a short contract");
    // PUSH1 len, DUP1, PUSH1 11, PUSH1 0, CODECOPY, PUSH1 0, RETURN: 11 bytes.
    let mut code = vec![0x60, length, 0x80, 0x60, 11, 0x60, 0, 0x39, 0x60, 0, 0xf3];
    code.extend(runtime);
    code.into()
}
