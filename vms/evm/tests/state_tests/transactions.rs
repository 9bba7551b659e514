//! Ethereum's transaction tests: bytes that are a valid transaction, with hash and sender, or are none.

use crate::root::State;
use crate::run::Memory;
use alloy_primitives::{Address, B256, Bytes, U256};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use weft_evm::{EvmConfig, EvmVm, decoded};
use weft_state::{Journal, key as host};
use weft_types::{AccountId, DaHeight, Height};
use weft_vm::{BlockEnv, Execution, FeeSplit, Vm};

/// Tests whose transaction is well formed by Ethereum's rules and can't be paid for on any chain, with the reason.
const LEFT_OUT: [(&str, &str); 4] = [
    ("GasLimitPriceProductOverflowtMinusOne", "a gas price of more than 128 bits is refused as malformed"),
    ("TransactionWithHighGasPrice", "a gas price of more than 128 bits is refused as malformed"),
    ("V_equals38", "a gas price of more than 128 bits is refused as malformed"),
    ("TransactionWithHighValue", "a value of 2^256 - 1 leaves nothing for gas in any balance"),
];

#[derive(Deserialize)]
struct Test {
    txbytes: Bytes,
    result: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    exception: Option<String>,
    hash: Option<B256>,
    sender: Option<Address>,
}

/// What `check` can't see without a state (gas that its bytes cost), execution must.
fn valid(vm: &EvmVm, bytes: &[u8]) -> Result<(B256, Address), String> {
    let checked = vm.check(bytes).map_err(|reject| reject.to_string())?;
    let transaction = decoded(&checked);
    let mut state = State::new();
    let rich: U256 = U256::MAX >> 1;
    let sender = transaction.sender;
    state.insert(host::ledger(AccountId::from_evm(sender)), rich.to_be_bytes::<32>().to_vec().into());
    let nonce = alloy_consensus::Transaction::nonce(&transaction.envelope);
    state.insert(weft_evm::key::account(sender), nonce.to_be_bytes().to_vec().into());
    let state = Memory(state);
    let block = BlockEnv {
        chain_id: 1,
        height: Height(1),
        origin: DaHeight(1),
        parent_hash: B256::ZERO,
        timestamp_ms: 1000,
        prevrandao: B256::ZERO,
        gas_limit: u64::MAX,
        base_fee: 0,
        fee_recipient: AccountId::from_evm(Address::ZERO),
        fees: FeeSplit {
            treasury: AccountId::from_evm(Address::ZERO),
            base_to_recipient_bp: 0,
            base_to_treasury_bp: 0,
        },
    };
    match vm.execute(&mut Journal::new(&state), &block, &checked).expect("memory can be read") {
        Execution::Executed(_) => Ok((transaction.hash, sender)),
        Execution::Rejected(reject) => Err(reject.to_string()),
    }
}

pub fn run(files: &[PathBuf]) {
    let specs = vec![(DaHeight(0), "cancun".to_owned())];
    let vm = EvmVm::new(EvmConfig { chain_id: 1, specs, ..EvmConfig::default() }).expect("a spec");
    let (mut passed, mut failed) = (0, Vec::new());
    for path in files {
        let text = std::fs::read(path).expect("a file of the archive");
        let tests: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&text).expect("JSON");
        for (name, test) in tests {
            let Ok(test) = serde_json::from_value::<Test>(test) else { continue };
            let Some(expected) = test.result.get("Cancun") else { continue };
            if let Some((_, why)) = LEFT_OUT.iter().find(|(left_out, _)| *left_out == name) {
                println!("left out: {name}: {why}");
                continue;
            }
            match (valid(&vm, &test.txbytes), &expected.exception) {
                (Err(_), Some(_)) => passed += 1,
                (Ok((hash, sender)), None)
                    if expected.hash == Some(hash) && expected.sender == Some(sender) =>
                {
                    passed += 1;
                }
                (got, _) => failed.push(format!("{name}: {got:?}, expected {:?}", expected.exception)),
            }
        }
    }
    for failure in &failed {
        println!("FAILED {failure}");
    }
    println!("transaction tests: {passed} passed, {} failed, {} left out", failed.len(), LEFT_OUT.len());
    assert_ne!(passed, 0, "the archive holds transaction tests");
    assert!(failed.is_empty(), "{} transactions are judged wrongly", failed.len());
}
