//! The suite that every machine passes, over one sample of each kind of transaction and of each way to end.

use super::{CHAIN, block, contract, treasury, vm};
use crate::{EvmQuery, key};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Signature, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_state::Key;
use weft_types::{AccountId, Bytes};
use weft_vm::conformance::{self, Expect, Fixture, Sample};
use weft_vm::{BlockEnv, FeeSplit, Vm};

const WRITER: Address = Address::repeat_byte(0x11);
const LOGGER: Address = Address::repeat_byte(0x12);
const REVERTER: Address = Address::repeat_byte(0x13);
const HALTER: Address = Address::repeat_byte(0x14);
const LOOPER: Address = Address::repeat_byte(0x15);
/// Calls the writer, then the reverter, and goes on.
const NESTED: Address = Address::repeat_byte(0x16);

const SENDERS: u8 = 12;
/// Who lets its account run the writer's code.
const AUTHORITY: u8 = 100;

fn signer(which: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(which)).expect("a key")
}

fn raw<T: SignableTransaction<Signature>>(which: u8, transaction: T) -> Bytes
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let signature = signer(which).sign_hash_sync(&transaction.signature_hash()).expect("signing works");
    TxEnvelope::from(transaction.into_signed(signature)).encoded_2718().into()
}

fn dynamic(to: TxKind, value: u64, input: &[u8]) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        max_fee_per_gas: 3_000,
        max_priority_fee_per_gas: 70,
        to,
        value: U256::from(value),
        input: input.to_vec().into(),
        ..TxEip1559::default()
    }
}

fn sample(which: u8, name: &'static str, gas_limit: u64, expect: Expect, transaction: TxEip1559) -> Sample {
    let make = move |gas_limit| raw(which, TxEip1559 { gas_limit, ..transaction.clone() });
    Sample { name, gas_limit, expect, make: Box::new(make) }
}

fn authorization() -> alloy_eips::eip7702::SignedAuthorization {
    let inner = Authorization { chain_id: U256::from(CHAIN), address: WRITER, nonce: 0 };
    let signature = signer(AUTHORITY).sign_hash_sync(&inner.signature_hash()).expect("signing works");
    inner.into_signed(signature)
}

struct Evm;

impl Fixture for Evm {
    fn vm(&self) -> Arc<dyn Vm> {
        let nested = [
            &hex!("5f5f5f5f5f73")[..],
            WRITER.as_slice(),
            &hex!("5af1505f5f5f5f5f73"),
            REVERTER.as_slice(),
            &hex!("5af15000"),
        ]
        .concat();
        Arc::new(vm(
            "osaka",
            BTreeMap::from([
                // Adds one to slot 0.
                (WRITER, contract(&hex!("5f546001015f5500"))),
                (LOGGER, contract(&hex!("602a5f5260205fa0"))),
                (REVERTER, contract(&hex!("60015f555f5fa0602a5f5260205ffd"))),
                (HALTER, contract(&hex!("60015f555f5fa0fe"))),
                (LOOPER, contract(&hex!("5b5f56"))),
                (NESTED, contract(&nested)),
            ]),
        ))
    }

    fn block(&self) -> BlockEnv {
        let fees = FeeSplit { treasury: treasury(), base_to_recipient_bp: 1_234, base_to_treasury_bp: 3_333 };
        BlockEnv { fees, ..block(1) }
    }

    fn accounts(&self) -> Vec<(AccountId, U256)> {
        let ether = U256::from(10_u64.pow(18));
        (1..=SENDERS).map(|which| (AccountId::from_evm(signer(which).address()), ether)).collect()
    }

    fn samples(&self) -> Vec<Sample> {
        use Expect::{Halted, Rejected, Reverted, Success};
        let call = |to, value| dynamic(TxKind::Call(to), value, &[]);
        let list = AccessList(vec![AccessListItem { address: WRITER, storage_keys: vec![B256::ZERO] }]);
        let listed = move |gas_limit| {
            let (to, access_list) = (TxKind::Call(WRITER), list.clone());
            raw(
                3,
                TxEip2930 {
                    chain_id: CHAIN,
                    gas_price: 2_000,
                    gas_limit,
                    to,
                    access_list,
                    ..Default::default()
                },
            )
        };
        let legacy = |gas_limit| {
            let to = TxKind::Call(Address::repeat_byte(0x77));
            raw(2, TxLegacy { gas_price: 2_000, gas_limit, to, value: U256::from(9), ..Default::default() })
        };
        let delegate = |gas_limit| {
            raw(
                11,
                TxEip7702 {
                    chain_id: CHAIN,
                    gas_limit,
                    max_fee_per_gas: 3_000,
                    to: signer(AUTHORITY).address(),
                    authorization_list: vec![authorization()],
                    ..Default::default()
                },
            )
        };
        // The contract that it makes destroys itself in favour of itself, and 5 wei with it.
        let vanish = dynamic(TxKind::Create, 5, &hex!("30ff"));
        let create = dynamic(TxKind::Create, 5, &hex!("60015f55600a5f5360015ff3"));
        let ahead = TxEip1559 { nonce: 7, ..call(WRITER, 0) };
        vec![
            sample(1, "transfer", 21_000, Success, call(Address::repeat_byte(0x77), 5)),
            Sample { name: "legacy", gas_limit: 21_000, expect: Success, make: Box::new(legacy) },
            Sample { name: "listed write", gas_limit: 90_000, expect: Success, make: Box::new(listed) },
            sample(4, "log", 60_000, Success, call(LOGGER, 0)),
            sample(5, "revert", 90_000, Reverted, call(REVERTER, 5)),
            sample(6, "halt", 90_000, Halted, call(HALTER, 5)),
            sample(7, "loop without end", 60_000, Halted, call(LOOPER, 0)),
            sample(8, "nested", 150_000, Success, call(NESTED, 0)),
            sample(9, "create", 150_000, Success, create),
            sample(10, "create and vanish", 90_000, Success, vanish),
            Sample { name: "delegate", gas_limit: 120_000, expect: Success, make: Box::new(delegate) },
            sample(12, "nonce ahead", 60_000, Rejected, ahead),
        ]
    }

    fn queries(&self) -> Vec<Bytes> {
        let query = |to| alloy_rlp::encode(EvmQuery { from: Address::ZERO, to, data: Default::default() });
        vec![query(WRITER).into(), query(REVERTER).into(), query(LOOPER).into(), Bytes::from_static(b"?")]
    }

    fn kept_on_failure(&self, sender: AccountId) -> Vec<Key> {
        let sender = sender.as_evm().expect("senders are EVM accounts");
        // A delegation stands though the call behind it fails (EIP-7702).
        let delegation = [&hex!("ef0100")[..], WRITER.as_slice()].concat();
        vec![
            key::account(sender),
            key::account(signer(AUTHORITY).address()),
            key::code(keccak256(delegation)),
        ]
    }
}

#[test]
fn passes_the_conformance_suite() {
    conformance::run(&Evm, 0x6576_6d);
}
