//! CosmWasm's own test contracts in both engines.

use serde_json::{Value, json};

use crate::both::{Both, Kind};
use crate::files::{address, testdata};

/// What the contract's JSON result carries, decoded; an error of the contract as it is.
fn data(result: Result<Vec<u8>, Kind>) -> Value {
    use base64::Engine as _;
    let result: Value = serde_json::from_slice(&result.expect("no fault")).expect("JSON");
    let data = result["ok"].as_str().expect("an answer");
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn is_ok(result: &Result<Vec<u8>, Kind>) -> bool {
    result.as_ref().is_ok_and(|bytes| bytes.starts_with(br#"{"ok""#))
}

fn is_error(result: &Result<Vec<u8>, Kind>) -> bool {
    result.as_ref().is_ok_and(|bytes| bytes.starts_with(br#"{"error""#))
}

#[test]
fn hackatom() {
    let mut both = Both::new(testdata("hackatom.wasm"));
    let (creator, verifier, other) = (address("creator"), address("verifier"), address("other"));
    assert!(is_error(&both.instantiate(&creator, r#"{"verifier":"nobody","beneficiary":"nobody"}"#)));
    assert!(is_error(&both.instantiate(&creator, "{}")));
    let msg = json!({ "verifier": verifier, "beneficiary": other }).to_string();
    assert!(is_ok(&both.instantiate(&creator, &msg)));
    assert_eq!(data(both.query(r#"{"verifier":{}}"#)), json!({ "verifier": verifier }));
    for msg in [r#"{"release":{"denom":"earth"}}"#, r#"{"release":{}}"#, "{}", "no JSON", ""] {
        let _ = both.execute(&creator, msg);
        let _ = both.execute(&verifier, msg);
    }
    assert_eq!(both.execute(&creator, r#"{"cpu_loop":{}}"#), Err(Kind::OutOfGas));
    assert_eq!(both.execute(&creator, r#"{"storage_loop":{}}"#), Err(Kind::OutOfGas));
    let _ = both.execute(&creator, r#"{"memory_loop":{}}"#);
    let _ = both.execute(&creator, r#"{"message_loop":{}}"#);
    for pages in [0, 1, 100, 400, 600, 70_000] {
        let _ = both.execute(&creator, &json!({ "allocate_large_memory": { "pages": pages } }).to_string());
    }
    assert!(matches!(both.execute(&creator, r#"{"panic":{}}"#), Err(Kind::Aborted(_))));
    let _ = both.execute(&creator, r#"{"user_errors_in_api_calls":{}}"#);
    for (depth, work) in [(0, 0), (0, 10), (3, 5)] {
        let _ = both.query(&json!({ "recurse": { "depth": depth, "work": work } }).to_string());
    }
    assert!(is_ok(&both.query(r#"{"get_int":{}}"#)));
    let _ = both.query(&json!({ "other_balance": { "address": other } }).to_string());
    let funds = json!({ "steal_funds": { "recipient": other, "amount": [] } });
    assert!(is_ok(&both.sudo(&funds.to_string())));
    let _ = both.migrate(&creator, &json!({ "verifier": other }).to_string());
    let _ = both.query(r#"{"verifier":{}}"#);
}

#[test]
fn cyberpunk() {
    let mut both = Both::new(testdata("cyberpunk.wasm"));
    let sender = address("sender");
    assert!(is_ok(&both.instantiate(&sender, "{}")));
    for (memory, time) in [(256, 1), (1_024, 2)] {
        let argon = json!({ "argon2": { "mem_cost": memory, "time_cost": time } }).to_string();
        assert!(is_ok(&both.execute(&sender, &argon)));
    }
    assert_eq!(both.execute(&sender, r#"{"cpu_loop":{}}"#), Err(Kind::OutOfGas));
    assert_eq!(both.execute(&sender, r#"{"storage_loop":{}}"#), Err(Kind::OutOfGas));
    let memory = both.execute(&sender, r#"{"memory_loop":{}}"#);
    assert!(matches!(memory, Err(Kind::Aborted(_) | Kind::Unreachable | Kind::OutOfGas)), "{memory:?}");
    // Sends itself the same message again: a loop over calls, which the chain ends.
    assert!(is_ok(&both.execute(&sender, r#"{"message_loop":{}}"#)));
    for pages in [1, 100, 490, 511, 512, 513, 65_536] {
        let _ = both.execute(&sender, &json!({ "allocate_large_memory": { "pages": pages } }).to_string());
    }
    assert!(matches!(both.execute(&sender, r#"{"panic":{}}"#), Err(Kind::Aborted(_))));
    assert_eq!(both.execute(&sender, r#"{"unreachable":{}}"#), Err(Kind::Unreachable));
    for msg in [r#"{"mirror_env":{}}"#, r#"{"debug":{}}"#, r#"{"noop":{}}"#] {
        assert!(is_ok(&both.execute(&sender, msg)), "{msg}");
    }
    assert!(is_ok(&both.query(r#"{"mirror_env":{}}"#)));
    let _ = both.query(r#"{"denoms":{}}"#);
    let _ = both.query(r#"{"denom":{"denom":"awei"}}"#);
    assert_eq!(both.sudo("{}"), Err(Kind::Missing));
}

/// Of the bits of a float result, whether they are a NaN's and the canonical one's.
fn float(result: &[u8]) -> Option<(bool, bool)> {
    use base64::Engine as _;
    let result: Value = serde_json::from_slice(result).ok()?;
    let data = base64::engine::general_purpose::STANDARD.decode(result["ok"].as_str()?).ok()?;
    let value: Value = serde_json::from_slice(&data).ok()?;
    if let Some(bits) = value["u32"].as_u64().or(value["f32"].as_u64()) {
        return Some((bits & 0x7fff_ffff > 0x7f80_0000, bits == 0x7fc0_0000));
    }
    let bits = value["u64"].as_u64().or(value["f64"].as_u64())?;
    Some((bits & (u64::MAX >> 1) > 0x7ff0_0000_0000_0000, bits == 0x7ff8_0000_0000_0000))
}

/// Equal, or both NaN and this engine's the canonical one: cosmwasm-vm's keeps the payload over `f32.demote_f64`
/// and the like, and this engine never makes one NaN out of another.
fn floats_agree(ours: &[u8], theirs: &[u8]) -> bool {
    ours == theirs || matches!((float(ours), float(theirs)), (Some((true, true)), Some((true, _))))
}

/// NaNs of all kinds, infinities, zeros and the ends of the range.
const SINGLES: [u32; 10] = [
    0x7fc0_0000,
    0x7fc1_2345,
    0x7f81_2345,
    0xffc0_0001,
    0xff80_0000,
    0x7f80_0000,
    0x8000_0000,
    1,
    0x7f7f_ffff,
    0xcf00_0001,
];
const DOUBLES: [u64; 10] = [
    0x7ff8_0000_0000_0000,
    0x7ff8_1234_5678_9abc,
    0x7ff0_1234_5678_9abc,
    0xfff8_0000_0000_0001,
    0xfff0_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0x8000_0000_0000_0000,
    1,
    0x7fef_ffff_ffff_ffff,
    0xc3e0_0000_0000_0001,
];

/// What may stand instead of `arg`: where it is a float, each of the special ones.
fn instead(arg: &Value) -> Vec<Value> {
    if arg.get("f32").is_some() {
        SINGLES.iter().map(|bits| json!({ "f32": bits })).collect()
    } else if arg.get("f64").is_some() {
        DOUBLES.iter().map(|bits| json!({ "f64": bits })).collect()
    } else {
        vec![arg.clone()]
    }
}

/// Every float instruction, on random numbers and on all pairs of special ones.
#[test]
fn floaty() {
    const RUNS: u64 = 6;
    let mut both = Both::new(testdata("floaty_2.0.wasm")).agreeing_by(floats_agree);
    assert!(is_ok(&both.instantiate(&address("sender"), "{}")));
    let instructions = data(both.query(r#"{"instructions":{}}"#));
    let instructions = instructions.as_array().expect("a list");
    assert_eq!(instructions.len(), 70);
    // Some trap: in both.
    let run = |both: &mut Both, instruction: &Value, args: &[Value]| {
        both.query(&json!({ "run": { "instruction": instruction, "args": args } }).to_string())
    };
    let mut traps = 0;
    for instruction in instructions {
        let mut args = Vec::new();
        for seed in 0..RUNS {
            let random = json!({ "random_args_for": { "instruction": instruction, "seed": seed } });
            args = data(both.query(&random.to_string())).as_array().expect("a list").clone();
            let _ = run(&mut both, instruction, &args);
        }
        let choices: Vec<_> = args.iter().map(instead).collect();
        let all = choices.iter().fold(vec![Vec::new()], |lists: Vec<Vec<Value>>, choice| {
            let longer = |list: &Vec<Value>, value: &Value| [&list[..], std::slice::from_ref(value)].concat();
            lists.iter().flat_map(|list| choice.iter().map(|value| longer(list, value))).collect()
        });
        for args in all {
            traps += u32::from(run(&mut both, instruction, &args) == Err(Kind::Trap));
        }
    }
    assert!(traps > 0, "NaN is no integer");
    both.report();
}

#[test]
fn ibc_reflect() {
    let mut both = Both::new(testdata("ibc_reflect.wasm"));
    let sender = address("sender");
    assert!(is_ok(&both.instantiate(&sender, r#"{"reflect_code_id":101}"#)));
    let _ = both.query(r#"{"list_accounts":{}}"#);
    let _ = both.query(r#"{"account":{"channel_id":"channel-1"}}"#);
    assert!(is_error(&both.execute(&sender, "{}")));
    assert_eq!(both.sudo("{}"), Err(Kind::Missing));
}
