//! The machine as the router uses it.

mod conformance;

use super::*;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, TxKind, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::collections::BTreeMap;
use weft_state::EmptyState;
use weft_types::{DaHeight, Height};
use weft_vm::{FeeSplit, RejectKind};

const CHAIN: u64 = 31_337;
const RECIPIENT: Address = Address::repeat_byte(0xfe);

fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key")
}

fn treasury() -> AccountId {
    AccountId::from_key([3; 32]).expect("an untagged account")
}

fn vm(spec: &str, alloc: BTreeMap<Address, GenesisAccount>) -> EvmVm {
    let specs = vec![(DaHeight(1), spec.to_owned())];
    EvmVm::new(EvmConfig { chain_id: CHAIN, specs, alloc }).expect("a known spec")
}

fn block(height: u64) -> BlockEnv {
    BlockEnv {
        chain_id: CHAIN,
        height: Height(height),
        origin: DaHeight(1),
        parent_hash: B256::repeat_byte(0xaa),
        timestamp_ms: 5_999,
        prevrandao: B256::repeat_byte(1),
        gas_limit: 30_000_000,
        base_fee: 1_000,
        fee_recipient: AccountId::from_evm(RECIPIENT),
        fees: FeeSplit { treasury: treasury(), base_to_recipient_bp: 1_000, base_to_treasury_bp: 5_000 },
    }
}

fn contract(code: &[u8]) -> GenesisAccount {
    GenesisAccount { nonce: 1, code: code.to_vec().into(), ..Default::default() }
}

fn transfer(nonce: u64, to: Address, value: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 2_000,
        max_priority_fee_per_gas: 100,
        to: TxKind::Call(to),
        value: U256::from(value),
        ..TxEip1559::default()
    }
}

fn checked(vm: &EvmVm, transaction: TxEip1559) -> Checked {
    let signature = signer().sign_hash_sync(&transaction.signature_hash()).expect("signing works");
    let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
    vm.check(&raw).expect("a valid transaction")
}

/// A journal in which the signer has one ether.
fn funded() -> Journal<'static> {
    let mut journal = Journal::new(&EmptyState);
    let ether = U256::from(10_u64.pow(18));
    journal.mint(ether).expect("reads");
    journal.set_balance(AccountId::from_evm(signer().address()), ether).expect("reads");
    journal.end_transaction().expect("minted");
    journal
}

fn executed(vm: &EvmVm, journal: &mut Journal<'_>, transaction: TxEip1559) -> Outcome {
    match vm.execute(journal, &block(1), &checked(vm, transaction)).expect("reads") {
        Execution::Executed(outcome) => outcome,
        Execution::Rejected(reject) => panic!("rejected: {reject}"),
    }
}

#[test]
fn a_transfer_pays_and_its_fee_is_split() {
    let vm = vm("osaka", BTreeMap::new());
    let mut journal = funded();
    let to = Address::repeat_byte(9);
    let outcome = executed(&vm, &mut journal, transfer(0, to, 77));
    assert_eq!((outcome.status, outcome.gas_used), (Status::Success, 21_000));
    assert_eq!(outcome.fee, U256::from(21_000 * 1_100));
    journal.end_transaction().expect("no wei is made or lost");
    let balance = |journal: &mut Journal<'_>, id| journal.balance(id).expect("reads");
    assert_eq!(balance(&mut journal, AccountId::from_evm(to)), U256::from(77));
    // The tip of 100, and 10 % of the base fee of 1,000.
    assert_eq!(balance(&mut journal, AccountId::from_evm(RECIPIENT)), U256::from(21_000 * 200));
    assert_eq!(balance(&mut journal, treasury()), U256::from(21_000 * 500));
    let ether = U256::from(10_u64.pow(18));
    assert_eq!(journal.supply().expect("reads"), ether - U256::from(21_000 * 400));
    let sender = tables::record(&mut journal, signer().address()).expect("reads").expect("it sent");
    assert_eq!(sender.nonce, 1);
}

#[test]
fn rejects_say_why_as_geth_does_and_leave_nothing() {
    let vm = vm("prague", BTreeMap::new());
    let reject = |transaction| {
        let mut journal = funded();
        let execution = vm.execute(&mut journal, &block(1), &checked(&vm, transaction)).expect("reads");
        let Execution::Rejected(reject) = execution else { panic!("it ran") };
        journal.end_transaction().expect("nothing changed");
        assert_eq!(journal.into_changes().expect("reads").len(), 2, "the supply and the signer's balance");
        reject
    };
    let to = Address::ZERO;
    let cases = [
        (transfer(5, to, 0), RejectKind::NonceGap, "nonce too high: address 0x"),
        (
            TxEip1559 { gas_limit: 20_000, ..transfer(0, to, 0) },
            RejectKind::GasLimit,
            "intrinsic gas too low: have 20000, want 21000",
        ),
        (
            TxEip1559 { gas_limit: 40_000_000, ..transfer(0, to, 0) },
            RejectKind::GasLimit,
            "exceeds block gas limit",
        ),
        (
            transfer(0, to, u64::MAX),
            RejectKind::InsufficientFunds,
            "insufficient funds for gas * price + value: address 0x",
        ),
        (
            TxEip1559 { max_fee_per_gas: 999, ..transfer(0, to, 0) },
            RejectKind::Underpriced,
            "max fee per gas less than block base fee: address 0x",
        ),
    ];
    for (transaction, kind, begins) in cases {
        let got = reject(transaction);
        assert_eq!(got.kind, kind);
        assert!(got.message.starts_with(begins), "{}", got.message);
    }
    let mut journal = funded();
    executed(&vm, &mut journal, transfer(0, to, 0));
    let again = vm.execute(&mut journal, &block(1), &checked(&vm, transfer(0, to, 0))).expect("reads");
    let Execution::Rejected(reject) = again else { panic!("it ran twice") };
    assert_eq!(reject.kind, RejectKind::Stale);
    assert!(reject.message.starts_with("nonce too low: address 0x"), "{}", reject.message);
}

#[test]
fn reverts_give_their_output_and_halts_their_code() {
    let (reverting, halting) = (Address::repeat_byte(0x11), Address::repeat_byte(0x12));
    // PUSH1 42 PUSH0 MSTORE PUSH1 32 PUSH0 REVERT, and INVALID.
    let contract =
        |code: &[u8]| GenesisAccount { nonce: 1, code: code.to_vec().into(), ..Default::default() };
    let alloc =
        BTreeMap::from([(reverting, contract(&hex!("602a5f5260205ffd"))), (halting, contract(&hex!("fe")))]);
    let vm = vm("cancun", alloc);
    let mut journal = funded();
    vm.on_block(&mut journal, &block(0), BlockPhase::Genesis).expect("reads");
    let outcome = executed(&vm, &mut journal, transfer(0, reverting, 5));
    assert_eq!(outcome.status, Status::Reverted);
    assert_eq!(outcome.output.last(), Some(&42));
    journal.end_transaction().expect("no wei is made or lost");
    let outcome = executed(&vm, &mut journal, transfer(1, halting, 5));
    assert_eq!(outcome.status, Status::Halted(7));
    assert_eq!(outcome.gas_used, 100_000);
    journal.end_transaction().expect("no wei is made or lost");
}

#[test]
fn parents_are_in_the_history_contract_from_prague_on() {
    use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
    for (spec, has) in [("cancun", false), ("prague", true)] {
        let vm = vm(spec, BTreeMap::new());
        let mut journal = Journal::new(&EmptyState);
        vm.on_block(&mut journal, &block(0), BlockPhase::Genesis).expect("reads");
        vm.on_block(&mut journal, &block(8192), BlockPhase::Begin).expect("reads");
        let record = tables::record(&mut journal, HISTORY_STORAGE_ADDRESS).expect("reads");
        assert_eq!(record.is_some(), has);
        let slot = key::storage(HISTORY_STORAGE_ADDRESS, U256::ZERO);
        let expected = if has { U256::from_be_bytes([0xaa; 32]) } else { U256::ZERO };
        assert_eq!(tables::word(&mut journal, &slot).expect("reads"), expected);
    }
}

#[test]
fn a_query_answers_and_writes_nothing() {
    let contract = Address::repeat_byte(0x11);
    // SSTORE(0, 1), then return TIMESTAMP.
    let code = hex!("60015f55425f5260205ff3").to_vec().into();
    let alloc = BTreeMap::from([(contract, GenesisAccount { nonce: 1, code, ..Default::default() })]);
    let vm = vm("osaka", alloc);
    let mut journal = Journal::new(&EmptyState);
    vm.on_block(&mut journal, &block(0), BlockPhase::Genesis).expect("reads");
    let query = EvmQuery { from: Address::ZERO, to: contract, data: Default::default() };
    let outcome = vm.query(&mut journal, &block(1), &alloy_rlp::encode(query), 1_000_000).expect("reads");
    assert_eq!(outcome.status, Status::Success);
    assert_eq!(U256::from_be_slice(&outcome.output), U256::from(5));
    assert_eq!(tables::word(&mut journal, &key::storage(contract, U256::ZERO)), Ok(U256::ZERO));
    let broken = vm.query(&mut journal, &block(1), b"nonsense", 1_000_000).expect("reads");
    assert_eq!(broken.status, Status::Reverted);
}
