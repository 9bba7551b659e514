//! Contracts for the suites, and the messages that make and call them.
//!
//! [`echo`] is in this file, so that a checkout has all that it needs; [`cw20`] is a fixture.

use crate::cosmos::{User, coin};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2, MsgMigrateContract, MsgStoreCode,
    MsgUpdateAdmin,
};
use prost::Name;
use serde_json::Value;

/// Keeps each message under its last eight bytes, and answers with it: so whoever calls it says what it does.
///
/// A message that begins with a space traps; with a tab it never ends; with a carriage return it removes the key in
/// the place of writing it; with a line feed it counts all keys first and keeps the number under `c`. It keeps a
/// reply under `r` and answers nothing to it. A query is answered with itself, and never ends with a tab before it.
const ECHO: &str = concat!(
    r#"(module
    (import "env" "db_write" (func $write (param i32 i32)))
    (import "env" "db_remove" (func $remove (param i32)))
    (import "env" "db_scan" (func $scan (param i32 i32 i32) (result i32)))
    (import "env" "db_next_key" (func $next_key (param i32) (result i32)))
    (memory (export "memory") 17)
    (data (i32.const 16) "rc")
    (data (i32.const 64) "\10\00\00\00\01\00\00\00\01\00\00\00")
    (data (i32.const 80) "\11\00\00\00\01\00\00\00\01\00\00\00")
    (data (i32.const 96) "\80\00\00\00\09\00\00\00\09\00\00\00")
    (data (i32.const 128) "{\"ok\":{}}")
    (data (i32.const 160) "\b0\00\00\00\04\00\00\00\04\00\00\00")
    (func (export "interface_version_8"))
    (func (export "requires_iterator"))"#,
    include_str!("../../../vms/wasm/tests/allocator.wat"),
    r#"    (func $count (local $iterator i32)
        (local.set $iterator (call $scan (i32.const 0) (i32.const 0) (i32.const 1)))
        (block $end (loop $again
            (br_if $end (i32.eqz (call $next_key (local.get $iterator))))
            (i32.store (i32.const 176) (i32.add (i32.load (i32.const 176)) (i32.const 1)))
            (br $again)))
        (call $write (i32.const 80) (i32.const 160)))
    (func $run (param $msg i32) (result i32) (local $first i32) (local $length i32)
        (local.set $first (i32.load8_u (i32.load (local.get $msg))))
        (local.set $length (i32.load offset=8 (local.get $msg)))
        (if (i32.eq (local.get $first) (i32.const 32)) (then unreachable))
        (if (i32.eq (local.get $first) (i32.const 9)) (then (loop $again (br $again))))
        (if (i32.eq (local.get $first) (i32.const 10)) (then (call $count)))
        (if (i32.lt_u (local.get $length) (i32.const 8)) (then unreachable))
        (i32.store (i32.const 192)
            (i32.add (i32.load (local.get $msg)) (i32.sub (local.get $length) (i32.const 8))))
        (i32.store (i32.const 196) (i32.const 8))
        (i32.store (i32.const 200) (i32.const 8))
        (if (i32.eq (local.get $first) (i32.const 13))
            (then (call $remove (i32.const 192)))
            (else (call $write (i32.const 192) (local.get $msg))))
        (local.get $msg))
    (func (export "instantiate") (param i32 i32 i32) (result i32) (i32.const 96))
    (func (export "migrate") (param i32 i32) (result i32) (i32.const 96))
    (func (export "reply") (param i32 i32) (result i32)
        (call $write (i32.const 64) (local.get 1)) (i32.const 96))
    (func (export "execute") (param i32 i32 i32) (result i32) (call $run (local.get 2)))
    (func (export "query") (param i32 i32) (result i32)
        (if (i32.eq (i32.load8_u (i32.load (local.get 1))) (i32.const 9)) (then (loop $again (br $again))))
        (local.get 1)))"#,
);

/// The contract that says what it is told to, with something of its own: its code is no other's.
///
/// # Panics
/// Never: the text is fixed.
#[must_use]
pub fn echo(own: &str) -> Vec<u8> {
    let text = ECHO.strip_suffix(')').expect("a module");
    wat::parse_str(format!("{text} (data (i32.const 2048) \"{own}\"))")).expect("a module")
}

/// The CW20 token of cw-plus, where the fixtures are.
#[must_use]
pub fn cw20() -> Option<Vec<u8>> {
    std::fs::read(crate::fixtures()?.join("cosmwasm/cw20_base.wasm")).ok()
}

fn any<M: prost::Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}.{}", M::PACKAGE, M::NAME), value: message.encode_to_vec() }
}

fn coins(wei: u128) -> Vec<Coin> {
    if wei == 0 { Vec::new() } else { vec![coin(wei)] }
}

/// `MsgSend`.
#[must_use]
pub fn send(from: &User, to: &str, wei: u128) -> Any {
    any(&MsgSend { from_address: from.address(), to_address: to.to_owned(), amount: vec![coin(wei)] })
}

/// `MsgMultiSend` of the same to each.
#[must_use]
pub fn send_to_all(from: &User, to: &[String], wei: u128) -> Any {
    let count = u128::try_from(to.len()).unwrap_or(0);
    any(&MsgMultiSend {
        inputs: vec![Input { address: from.address(), coins: vec![coin(wei * count)] }],
        outputs: to.iter().map(|to| Output { address: to.clone(), coins: vec![coin(wei)] }).collect(),
    })
}

/// `MsgStoreCode`.
#[must_use]
pub fn store(sender: &User, code: Vec<u8>) -> Any {
    any(&MsgStoreCode { sender: sender.address(), wasm_byte_code: code, instantiate_permission: None })
}

/// `MsgInstantiateContract`, of which the sender is the admin.
#[must_use]
pub fn instantiate(sender: &User, code_id: u64, msg: &Value, wei: u128) -> Any {
    any(&MsgInstantiateContract {
        sender: sender.address(),
        admin: sender.address(),
        code_id,
        label: "of the suites".to_owned(),
        msg: msg.to_string().into_bytes(),
        funds: coins(wei),
    })
}

/// `MsgInstantiateContract2` without an admin.
#[must_use]
pub fn instantiate2(sender: &User, code_id: u64, msg: &Value, salt: u64) -> Any {
    any(&MsgInstantiateContract2 {
        sender: sender.address(),
        admin: String::new(),
        code_id,
        label: "at a place".to_owned(),
        msg: msg.to_string().into_bytes(),
        funds: Vec::new(),
        salt: salt.to_be_bytes().to_vec(),
        fix_msg: false,
    })
}

/// `MsgExecuteContract`.
#[must_use]
pub fn execute(sender: &User, contract: &str, msg: &str, wei: u128) -> Any {
    any(&MsgExecuteContract {
        sender: sender.address(),
        contract: contract.to_owned(),
        msg: msg.as_bytes().to_vec(),
        funds: coins(wei),
    })
}

/// `MsgMigrateContract`.
#[must_use]
pub fn migrate(sender: &User, contract: &str, code_id: u64) -> Any {
    let (sender, contract) = (sender.address(), contract.to_owned());
    any(&MsgMigrateContract { sender, contract, code_id, msg: b"{}".to_vec() })
}

/// `MsgUpdateAdmin`.
#[must_use]
pub fn update_admin(sender: &User, contract: &str, admin: &User) -> Any {
    let (sender, contract) = (sender.address(), contract.to_owned());
    any(&MsgUpdateAdmin { sender, new_admin: admin.address(), contract })
}
