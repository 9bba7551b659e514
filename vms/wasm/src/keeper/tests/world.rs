//! [`World`]: messages over one journal in memory, and the contract that says what it is told to.

use crate::engine::{Engine, EngineConfig};
use crate::event::Event;
use crate::fault::Fault;
use crate::gas::GasMeter;
use crate::keeper::addresses::Address;
use crate::keeper::sdk::respond;
use crate::keeper::{Keeper, MsgOutcome, Rules, TxInfo};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, MsgExecuteContractResponse, MsgInstantiateContract, MsgInstantiateContractResponse,
    MsgStoreCode, MsgStoreCodeResponse,
};
use prost::{Message, Name};
use serde_json::Value;
use std::sync::OnceLock;
use weft_state::{EmptyState, Journal};
use weft_types::{AccountId, B256, DaHeight, GasRate, Height, U256};
use weft_vm::{BlockEnv, FeeSplit};

pub(super) const GAS: u64 = 200_000_000;

/// Answers every message with the message itself, read as its result. `instantiate` keeps its message under `answer`,
/// and `reply` keeps what it is told under `reply` and answers with that.
const ECHO: &str = concat!(
    r#"(module
    (import "env" "db_read" (func $read (param i32) (result i32)))
    (import "env" "db_write" (func $write (param i32 i32)))
    (memory (export "memory") 64)
    (data (i32.const 16) "answer")
    (data (i32.const 32) "reply")
    (data (i32.const 64) "\10\00\00\00\06\00\00\00\06\00\00\00")
    (data (i32.const 80) "\20\00\00\00\05\00\00\00\05\00\00\00")
    (data (i32.const 96) "\80\00\00\00\09\00\00\00\09\00\00\00")
    (data (i32.const 128) "{\"ok\":{}}")
    (func (export "interface_version_8"))"#,
    include_str!("../../../tests/allocator.wat"),
    r#"    (func (export "instantiate") (param i32 i32 i32) (result i32)
        (call $write (i32.const 64) (local.get 2))
        (i32.const 96))
    (func (export "execute") (param i32 i32 i32) (result i32) (local.get 2))
    (func (export "query") (param i32 i32) (result i32) (local.get 1))
    (func (export "migrate") (param i32 i32) (result i32) (local.get 1))
    (func (export "reply") (param i32 i32) (result i32)
        (call $write (i32.const 80) (local.get 1))
        (call $read (i32.const 64))))"#,
);

/// Asks the chain what is kept under `answer`, drops what it hears and gives an empty answer.
const ASK: &str = concat!(
    r#"(module
    (import "env" "db_read" (func $read (param i32) (result i32)))
    (import "env" "query_chain" (func $ask (param i32) (result i32)))
    (memory (export "memory") 64)
    (data (i32.const 16) "answer")
    (data (i32.const 64) "\10\00\00\00\06\00\00\00\06\00\00\00")
    (data (i32.const 96) "\80\00\00\00\09\00\00\00\09\00\00\00")
    (data (i32.const 128) "{\"ok\":\"\"}")
    (func (export "interface_version_8"))"#,
    include_str!("../../../tests/allocator.wat"),
    r#"    (func (export "instantiate") (param i32 i32 i32) (result i32) (local.get 2))
    (func (export "execute") (param i32 i32 i32) (result i32) (local.get 2))
    (func (export "query") (param i32 i32) (result i32)
        (drop (call $ask (call $read (i32.const 64))))
        (i32.const 96)))"#,
);

pub(super) fn ask() -> Vec<u8> {
    wat::parse_str(ASK).expect("a module")
}

pub(super) fn echo() -> Vec<u8> {
    wat::parse_str(ECHO).expect("a module")
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineConfig::default()).expect("wasmtime runs here"))
}

/// A contract of the fixtures, where they are.
pub(super) fn fixture(name: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("WEFT_FIXTURES") else {
        println!("skipped: WEFT_FIXTURES is not set");
        return None;
    };
    let path = std::path::Path::new(&root).join("cosmwasm").join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

pub(super) fn user(seed: u8) -> Address {
    Address::of(&[seed; 20]).expect("20 bytes")
}

pub(super) fn coins(amount: u64) -> Vec<Coin> {
    vec![Coin { denom: "awei".to_owned(), amount: amount.to_string() }]
}

pub(super) struct World {
    pub(super) journal: Journal<'static>,
    pub(super) env: BlockEnv,
    pub(super) rules: Rules,
    pub(super) tx: Option<TxInfo>,
    /// Of the last message.
    pub(super) gas_used: u64,
}

impl World {
    /// Users 1 to 9 with 1,000 wei each.
    pub(super) fn new() -> Self {
        let mut journal = Journal::new(&EmptyState);
        for seed in 1..10 {
            journal.mint(U256::from(1_000)).expect("memory");
            journal.credit(user(seed).id, U256::from(1_000)).expect("it fits");
        }
        let env = BlockEnv {
            chain_id: 31_337,
            height: Height(7),
            origin: DaHeight(9),
            parent_hash: B256::ZERO,
            timestamp_ms: 1_760_000_000_000,
            prevrandao: B256::ZERO,
            gas_limit: 60_000_000,
            base_fee: 1_000,
            fee_recipient: AccountId(B256::repeat_byte(0xfe)),
            fees: FeeSplit {
                treasury: AccountId(B256::repeat_byte(0xfd)),
                base_to_recipient_bp: 0,
                base_to_treasury_bp: 0,
            },
        };
        let capabilities = [
            "iterator",
            "staking",
            "stargate",
            "cosmwasm_1_1",
            "cosmwasm_1_2",
            "cosmwasm_1_3",
            "cosmwasm_1_4",
            "cosmwasm_2_0",
            "cosmwasm_2_1",
            "cosmwasm_2_2",
        ];
        let rules = Rules {
            denom: "awei".to_owned(),
            chain_id: "weft-31337".to_owned(),
            capabilities: capabilities.iter().map(|name| (*name).to_owned()).collect(),
            rate: GasRate { numerator: 1, denominator: 20 },
        };
        Self { journal, env, rules, tx: Some(TxInfo { index: 3, hash: [9; 32] }), gas_used: 0 }
    }

    pub(super) fn with<T>(&mut self, gas: u64, run: impl FnOnce(&mut Keeper<'_, 'static>) -> T) -> T {
        let mut meter = GasMeter::new(gas);
        let mut keeper =
            Keeper::new(&mut self.journal, engine(), &self.env, &self.rules, &mut meter, self.tx);
        let result = run(&mut keeper);
        self.gas_used = meter.used();
        result
    }

    pub(super) fn try_run<M: Message + Name>(
        &mut self,
        signer: &Address,
        msg: &M,
    ) -> Result<MsgOutcome, Fault> {
        let msg = respond(msg);
        self.with(GAS, |keeper| keeper.handle(&signer.text, &msg))
    }

    pub(super) fn store(&mut self, code: &[u8]) -> (u64, MsgOutcome) {
        let msg = MsgStoreCode {
            sender: user(1).text,
            wasm_byte_code: code.to_vec(),
            instantiate_permission: None,
        };
        let outcome = self.try_run(&user(1), &msg).expect("a good code");
        let response: MsgStoreCodeResponse = read(&outcome.response);
        (response.code_id, outcome)
    }

    /// A contract of `code_id` made by user 1, who is its admin.
    pub(super) fn instantiate(&mut self, code_id: u64, msg: &Value) -> Address {
        let msg = MsgInstantiateContract {
            sender: user(1).text,
            admin: user(1).text,
            code_id,
            label: "a contract".to_owned(),
            msg: msg.to_string().into_bytes(),
            funds: Vec::new(),
        };
        let outcome = self.try_run(&user(1), &msg).expect("it is made");
        let response: MsgInstantiateContractResponse = read(&outcome.response);
        Address::parse(&response.address).expect("an address")
    }

    pub(super) fn execute(
        &mut self,
        signer: &Address,
        contract: &Address,
        msg: &Value,
        funds: Vec<Coin>,
    ) -> Result<(Vec<Event>, Vec<u8>), Fault> {
        let msg = MsgExecuteContract {
            sender: signer.text.clone(),
            contract: contract.text.clone(),
            msg: msg.to_string().into_bytes(),
            funds,
        };
        let outcome = self.try_run(signer, &msg)?;
        let response: MsgExecuteContractResponse = read(&outcome.response);
        Ok((outcome.events, response.data))
    }

    pub(super) fn smart(&mut self, contract: &Address, msg: &Value) -> Result<Value, Fault> {
        let msg = msg.to_string().into_bytes();
        let answer = self.with(GAS, |keeper| keeper.query_smart(contract, &msg))?;
        Ok(serde_json::from_slice(&answer).expect("JSON"))
    }

    pub(super) fn raw(&mut self, contract: &Address, key: &[u8]) -> Vec<u8> {
        self.with(GAS, |keeper| keeper.query_raw(contract, key)).expect("memory")
    }

    pub(super) fn balance(&mut self, address: &Address) -> u64 {
        self.journal.balance(address.id).expect("memory").to()
    }

    /// The echo contract, whose replies answer `answer`.
    pub(super) fn echo(&mut self, answer: &Value) -> Address {
        let (id, _) = self.store(&echo());
        self.instantiate(id, answer)
    }
}

pub(super) fn read<M: Message + Default>(any: &Any) -> M {
    M::decode(any.value.as_slice()).expect("its own form")
}

/// Kinds of events, and each with its attributes.
pub(super) fn kinds(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

pub(super) fn attributes(event: &Event) -> Vec<(&str, &str)> {
    event.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

pub(super) fn base64(value: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(value.to_string())
}
