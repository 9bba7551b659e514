//! The suite that every machine passes, over one sample of each way to end.

use super::world::{
    Draft, User, any, call, coin, env, first_contract, instantiate, machine, send, store, user,
};
use crate::gas::GasMeter;
use crate::keeper::{Keeper, TxInfo};
use crate::{WasmVm, key};
use cosmos_sdk_proto::cosmwasm::wasm::v1::QuerySmartContractStateRequest;
use prost::Message as _;
use std::sync::Arc;
use weft_state::{Journal, Key, ReadError};
use weft_types::{AccountId, Bytes, U256, VmId};
use weft_vm::conformance::{self, Expect, Fixture, Sample};
use weft_vm::{BlockEnv, BlockPhase, Checked, Execution, Outcome, Reject, Vm};

const SENDERS: u8 = 9;

/// Keeps its message under `m` and answers with it; one that begins with a space traps, one that begins with a tab
/// never ends. A query tries the same.
const CONTRACT: &str = concat!(
    r#"(module
    (import "env" "db_write" (func $write (param i32 i32)))
    (memory (export "memory") 17)
    (data (i32.const 16) "m")
    (data (i32.const 64) "\10\00\00\00\01\00\00\00\01\00\00\00")
    (data (i32.const 96) "\80\00\00\00\09\00\00\00\09\00\00\00")
    (data (i32.const 128) "{\"ok\":{}}")
    (func (export "interface_version_8"))"#,
    include_str!("../../tests/allocator.wat"),
    r#"    (func $run (param $msg i32) (result i32) (local $first i32)
        (local.set $first (i32.load8_u (i32.load (local.get $msg))))
        (if (i32.eq (local.get $first) (i32.const 32)) (then unreachable))
        (if (i32.eq (local.get $first) (i32.const 9)) (then (loop $again (br $again))))
        (call $write (i32.const 64) (local.get $msg))
        (local.get $msg))
    (func (export "instantiate") (param i32 i32 i32) (result i32) (i32.const 96))
    (func (export "execute") (param i32 i32 i32) (result i32) (call $run (local.get 2)))
    (func (export "query") (param i32 i32) (result i32) (call $run (local.get 1))))"#,
);

/// The machine with one contract there from the start.
struct Seeded(WasmVm);

impl Vm for Seeded {
    fn id(&self) -> VmId {
        self.0.id()
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        self.0.check(payload)
    }

    fn execute(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError> {
        self.0.execute(journal, block, checked)
    }

    fn query(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        self.0.query(journal, block, query, gas)
    }

    fn on_block(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        phase: BlockPhase,
    ) -> Result<(), ReadError> {
        if phase != BlockPhase::Genesis {
            return self.0.on_block(journal, block, phase);
        }
        let mut meter = GasMeter::new(u64::MAX);
        let rules = self.0.schedule.rules(block.origin);
        let tx = Some(TxInfo { index: 0, hash: [0; 32] });
        let mut keeper = Keeper::new(journal, &self.0.engine, block, rules, &mut meter, tx);
        let deployer = user(100);
        for message in [store(&deployer, CONTRACT), instantiate(&deployer, 1, 0)] {
            keeper.handle(&deployer.address, &message).expect("a contract of genesis");
        }
        Ok(())
    }
}

struct Wasm(Arc<Seeded>);

fn sample(
    who: u8,
    name: &'static str,
    gas_limit: u64,
    expect: Expect,
    messages: Vec<cosmos_sdk_proto::Any>,
) -> Sample {
    let make = move |gas: u64| Draft::new(messages.clone(), gas).sign(&[&user(who)]);
    Sample { name, gas_limit, expect, make: Box::new(make) }
}

fn execute(from: &User, msg: &str) -> cosmos_sdk_proto::Any {
    call(from, &first_contract(), msg)
}

impl Fixture for Wasm {
    fn vm(&self) -> Arc<dyn Vm> {
        Arc::clone(&self.0) as Arc<dyn Vm>
    }

    fn block(&self) -> BlockEnv {
        env()
    }

    fn accounts(&self) -> Vec<(AccountId, U256)> {
        let wei = U256::from(10).pow(U256::from(18));
        (1..=SENDERS).map(|who| (user(who).id, wei)).collect()
    }

    fn samples(&self) -> Vec<Sample> {
        use Expect::{Halted, Rejected, Reverted, Success};
        let wrong = || {
            let mut draft = Draft::new(vec![send(&user(9), &user(1), 1)], 100_000);
            draft.sequence = 3;
            draft
        };
        vec![
            sample(1, "a transfer", 100_000, Success, vec![send(&user(1), &user(2), 5)]),
            sample(
                2,
                "two transfers, one too large",
                100_000,
                Halted,
                vec![send(&user(2), &user(1), 5), send(&user(2), &user(1), 10_u128.pow(18))],
            ),
            sample(3, "a write", 300_000, Success, vec![execute(&user(3), r#"{"ok":{}}"#)]),
            sample(4, "an error", 300_000, Reverted, vec![execute(&user(4), r#"{"error":"no"}"#)]),
            sample(5, "a trap", 300_000, Halted, vec![execute(&user(5), " {}")]),
            sample(6, "an endless loop", 120_000, Halted, vec![execute(&user(6), "\t{}")]),
            sample(7, "a new contract with money", 300_000, Success, vec![instantiate(&user(7), 1, 9)]),
            sample(
                8,
                "a message of the contract",
                400_000,
                Success,
                vec![
                    send(&user(8), &user(1), 5),
                    execute(&user(8), r#"{"ok":{"attributes":[{"key":"a","value":"b"}],"events":[]}}"#),
                ],
            ),
            Sample {
                name: "a sequence ahead",
                gas_limit: 100_000,
                expect: Rejected,
                make: Box::new(move |gas| {
                    let mut draft = wrong();
                    draft.fee.gas_limit = gas;
                    draft.fee.amount = vec![coin(u128::from(gas) * 7)];
                    draft.sign(&[&user(9)])
                }),
            },
        ]
    }

    fn queries(&self) -> Vec<Bytes> {
        let smart = |msg: &str| {
            let request = QuerySmartContractStateRequest {
                address: first_contract(),
                query_data: msg.as_bytes().to_vec(),
            };
            let path = b"/cosmwasm.wasm.v1.Query/SmartContractState\0";
            Bytes::from([&path[..], &request.encode_to_vec()].concat())
        };
        vec![
            smart(r#"{"ok":"e30="}"#),
            smart("\t{}"),
            smart(" {}"),
            Bytes::from_static(b"/cosmos.auth.v1beta1.Query/Accounts\0"),
            Bytes::from_static(b"/cosmos.bank.v1beta1.Query/TotalSupply\0"),
            Bytes::from_static(b"nothing"),
            Bytes::new(),
        ]
    }

    fn kept_on_failure(&self, sender: AccountId) -> Vec<Key> {
        vec![key::account(sender), key::newest()]
    }
}

#[test]
fn conforms() {
    conformance::run(&Wasm(Arc::new(Seeded(machine()))), 0x3a5);
}

#[test]
fn uploads_run_out_of_gas_cleanly() {
    let mut world = super::world::World::new(&[&user(1)]);
    let upload = |gas| Draft::new(vec![store(&user(1), CONTRACT)], gas).sign(&[&user(1)]);
    let state = Arc::clone(&world.state);
    let (outcome, detail) = world.run(&upload(2_000_000)).expect("it runs");
    assert_eq!(detail.code, 0, "{}", detail.log);
    for gas in (20_000..outcome.gas_used).step_by(1_000) {
        world.state = Arc::clone(&state);
        match world.run(&upload(gas)) {
            Ok((failed, detail)) => {
                assert_eq!((detail.codespace.as_str(), detail.code), ("sdk", 11), "{gas}: {}", detail.log);
                assert!(failed.gas_used <= gas);
                assert!(detail.log.contains("gasWanted"), "{}", detail.log);
            }
            Err(reject) => assert_eq!(crate::code::abci_error(&reject).code, 11),
        }
    }
    let again = any(&cosmos_sdk_proto::cosmwasm::wasm::v1::MsgClearAdmin {
        sender: user(1).address,
        contract: first_contract(),
    });
    world.state = state;
    let (outcome, _) = world.run(&Draft::new(vec![again], 200_000).sign(&[&user(1)])).expect("it is in");
    assert!(!outcome.status.is_success(), "there is no such contract");
}
