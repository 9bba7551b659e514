//! Tracers against contracts written out in opcodes.

use super::*;
use crate::simulate::tests::{CALLER, CONTRACT, World, to};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{TxKind, hex};
use alloy_rpc_types_trace::geth::{GethDebugBuiltInTracerType, GethDebugTracerType};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::collections::BTreeMap;
use weft_types::AccountId;

fn options(tracer: GethDebugBuiltInTracerType, config: serde_json::Value) -> GethDebugTracingOptions {
    GethDebugTracingOptions {
        tracer: Some(GethDebugTracerType::BuiltInTracer(tracer)),
        tracer_config: config.into(),
        ..Default::default()
    }
}

fn traced(
    world: &World,
    request: &TransactionRequest,
    options: GethDebugTracingOptions,
) -> serde_json::Value {
    let trace = call(&world.vm, &world.scope(), request, &Overrides::default(), options).expect("it runs");
    serde_json::to_value(trace).expect("JSON")
}

/// A caller of a contract that logs and sets a slot.
fn world() -> World {
    let caller = [&hex!("5f5f5f5f5f73")[..], CONTRACT.as_slice(), &hex!("5af100")].concat();
    // SSTORE(0, 1); LOG0(0, 0)
    World::with(BTreeMap::from([(CALLER, &caller[..]), (CONTRACT, &hex!("60015f555f5fa000")[..])]))
}

#[test]
fn the_call_tracer_shows_calls_and_logs() {
    use GethDebugBuiltInTracerType::CallTracer;
    let world = world();
    let trace = traced(&world, &to(CALLER), options(CallTracer, serde_json::json!({ "withLog": true })));
    let inner = &trace["calls"][0];
    assert_eq!(inner["type"], "CALL");
    assert_eq!(inner["to"], serde_json::json!(CONTRACT));
    assert_eq!(inner["logs"][0]["address"], serde_json::json!(CONTRACT));
    let top = traced(&world, &to(CALLER), options(CallTracer, serde_json::json!({ "onlyTopCall": true })));
    assert!(top.get("calls").is_none(), "{top}");
}

#[test]
fn the_prestate_tracer_shows_what_changed() {
    use GethDebugBuiltInTracerType::PreStateTracer;
    let diff = options(PreStateTracer, serde_json::json!({ "diffMode": true }));
    let trace = traced(&world(), &to(CALLER), diff);
    let slot = "0x0000000000000000000000000000000000000000000000000000000000000000";
    let contract = format!("{CONTRACT:#x}");
    let one = "0x0000000000000000000000000000000000000000000000000000000000000001";
    assert_eq!(trace["post"][&contract]["storage"][slot], one, "{trace}");
    let before = traced(&world(), &to(CALLER), options(PreStateTracer, serde_json::Value::Null));
    assert_eq!(before[&contract]["code"], "0x60015f555f5fa000", "{before}");
}

#[test]
fn the_struct_logger_and_the_small_tracers_answer() {
    let world = world();
    let logs = traced(&world, &to(CALLER), GethDebugTracingOptions::default());
    assert_eq!(logs["failed"], false);
    let ops: Vec<_> = logs["structLogs"].as_array().expect("logs").iter().map(|log| &log["op"]).collect();
    assert!(ops.iter().any(|op| *op == "SSTORE") && ops.iter().any(|op| *op == "CALL"), "{ops:?}");
    let mut request = to(CALLER);
    request.input.input = Some(hex!("a9059cbb00").into());
    use GethDebugBuiltInTracerType::{FourByteTracer, NoopTracer};
    let selectors = traced(&world, &request, options(FourByteTracer, serde_json::Value::Null));
    assert_eq!(selectors["0xa9059cbb-1"], 1, "{selectors}");
    let nothing = traced(&world, &request, options(NoopTracer, serde_json::Value::Null));
    assert_eq!(nothing, serde_json::json!({}));
}

#[test]
fn traces_are_bounded_and_stop_when_told() {
    let world = World::new(&hex!("5b5f56"));
    let run = || call(&world.vm, &world.scope(), &to(CONTRACT), &Overrides::default(), Default::default());
    assert!(matches!(run(), Err(SimulateError::TraceTooLarge(_))));
    world.cancel.store(true, Ordering::Relaxed);
    assert!(matches!(run(), Err(SimulateError::Cancelled)));
    let script = GethDebugTracingOptions {
        tracer: Some(GethDebugTracerType::JsTracer("{}".into())),
        ..Default::default()
    };
    let refused = call(&world.vm, &world.scope(), &to(CONTRACT), &Overrides::default(), script);
    assert!(matches!(refused, Err(SimulateError::Request(_))));
}

#[test]
fn a_transaction_is_traced_on_what_came_before_it_in_the_block() {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
    // Returns what the slot held, and adds one to it.
    let mut world = World::new(&hex!("5f54806001015f555f5260205ff3"));
    let mut journal = weft_state::Journal::new(&*world.state);
    let rich = AccountId::from_evm(signer.address());
    journal.set_balance(rich, U256::from(10_u64.pow(18))).expect("reads");
    let changes = journal.into_changes().expect("reads");
    world.state = std::sync::Arc::new(weft_state::Overlay::new(world.state.clone(), changes.into()));
    let checked = |nonce| {
        let transaction = TxEip1559 {
            chain_id: 31_337,
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 2_000,
            to: TxKind::Call(CONTRACT),
            ..Default::default()
        };
        let signature = signer.sign_hash_sync(&transaction.signature_hash()).expect("signing works");
        let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
        world.vm.check(&raw).expect("valid")
    };
    let before = [checked(0), checked(1)];
    let options = options(GethDebugBuiltInTracerType::CallTracer, serde_json::Value::Null);
    let trace = transaction(&world.vm, &world.scope(), &before, &checked(2), 2, options)
        .expect("it was in the block");
    let trace = serde_json::to_value(trace).expect("JSON");
    assert_eq!(trace["output"], format!("{:#066x}", 2), "{trace}");
}
