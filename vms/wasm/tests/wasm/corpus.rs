//! The calls whose results must be the same everywhere, and a line for each with all that came of it.

use sha2::{Digest, Sha256};
use weft_wasm::engine::{Call, Engine, Entry};

use crate::files::{address, capabilities, testdata};
use crate::ours::Memory;
use crate::wat::contract;

const FUEL: u64 = 30_000_000;

/// A contract with its storage, called through one engine.
struct Contract<'a> {
    engine: &'a Engine,
    name: &'a str,
    code: &'a [u8],
    host: Memory,
    lines: Vec<String>,
}

impl<'a> Contract<'a> {
    fn new(engine: &'a Engine, name: &'a str, code: &'a [u8]) -> Self {
        engine.check(code, &capabilities()).expect("an admitted contract");
        Self { engine, name, code, host: Memory::default(), lines: Vec::new() }
    }

    fn call(&mut self, entry: Entry, msg: &str) -> Option<Vec<u8>> {
        self.call_bytes(entry, msg.as_bytes())
    }

    fn query(&mut self, msg: &str) -> Option<Vec<u8>> {
        self.call(Entry::Query, msg)
    }

    /// Calls it and writes down all that came of it.
    fn call_bytes(&mut self, entry: Entry, msg: &[u8]) -> Option<Vec<u8>> {
        let env = format!(
            r#"{{"block":{{"height":7,"time":"1760000000000000000","chain_id":"weft-1"}},
                "transaction":{{"index":3}},"contract":{{"address":"{}"}}}}"#,
            address("contract")
        );
        let info = format!(r#"{{"sender":"{}","funds":[]}}"#, address("sender"));
        let all = [env.as_bytes(), info.as_bytes(), msg];
        let two = [env.as_bytes(), msg];
        let args = if entry.args() == 3 { &all[..] } else { &two[..] };
        let code_hash = Sha256::digest(self.code).into();
        let readonly = entry == Entry::Query;
        let call = Call { code_hash, code: self.code, entry, args, fuel: FUEL, readonly };
        let result = self.engine.call(call, &mut self.host).expect("a result");

        let mut storage = Sha256::new();
        for (key, value) in &self.host.entries {
            for part in [&key[..], value] {
                storage.update((part.len() as u64).to_be_bytes());
                storage.update(part);
            }
        }
        let outcome = match &result.outcome {
            Ok(bytes) => format!("ok {}", hex::encode(&Sha256::digest(bytes)[..8])),
            Err(fault) => fault.to_string().replace('\n', " "),
        };
        self.lines.push(format!(
            "{} {} {}: {} fuel, storage {}, {outcome}",
            self.name,
            entry.name(),
            label(msg),
            result.fuel_used,
            hex::encode(&storage.finalize()[..8]),
        ));
        result.outcome.ok()
    }
}

/// The beginning of a message, where it is text.
fn label(msg: &[u8]) -> String {
    match std::str::from_utf8(msg) {
        Ok(text) if msg.starts_with(b"{") => text.chars().take(100).collect(),
        _ => hex::encode(msg),
    }
}

/// The contracts that are called.
pub struct Codes {
    hackatom: Vec<u8>,
    cyberpunk: Vec<u8>,
    floaty: Vec<u8>,
    reflect: Vec<u8>,
    deep: Vec<u8>,
}

/// Calls itself as often as its message says; frames with few values for `query`, with many for `sudo`.
fn deep() -> Vec<u8> {
    let locals = "(local i64) ".repeat(60);
    let sums = (2..62)
        .map(|n| format!("(local.set {n} (i64.add (local.get {m}) (i64.const {n})))", m = 2.max(n - 1)))
        .collect::<String>();
    let used = (3..62).map(|n| format!("(local.get {n}) i64.add ")).collect::<String>();
    contract(
        "",
        &format!(
            r#"(global $kept (mut i64) (i64.const 0))
            (func $thin (param $left i32) (result i32)
                (if (result i32) (local.get $left)
                    (then (i32.add (call $thin (i32.sub (local.get $left) (i32.const 1))) (i32.const 1)))
                    (else (i32.const 0))))
            (func $wide (param $left i32) (param $other i32) (result i32) {locals}
                {sums}
                (if (local.get $left) (then
                    (local.set $other (call $wide (i32.sub (local.get $left) (i32.const 1)) (i32.const 1)))))
                (global.set $kept (local.get 2) {used})
                (i32.add (local.get $other) (i32.const 1)))
            (func (export "query") (param i32 i32) (result i32)
                (drop (call $thin (i32.load (i32.load (local.get 1)))))
                (local.get 1))
            (func (export "sudo") (param i32 i32) (result i32)
                (drop (call $wide (i32.load (i32.load (local.get 1))) (i32.const 0)))
                (local.get 1))"#
        ),
    )
}

impl Codes {
    pub fn new() -> Self {
        Self {
            hackatom: testdata("hackatom.wasm"),
            cyberpunk: testdata("cyberpunk.wasm"),
            floaty: testdata("floaty_2.0.wasm"),
            reflect: testdata("ibc_reflect.wasm"),
            deep: deep(),
        }
    }

    /// All calls in one engine.
    pub fn run(&self, engine: &Engine) -> Vec<String> {
        let (beneficiary, other) = (address("sender"), address("other"));
        let mut hackatom = Contract::new(engine, "hackatom", &self.hackatom);
        hackatom.call(Entry::Instantiate, r#"{"verifier":"nobody","beneficiary":"nobody"}"#);
        let msg = format!(r#"{{"verifier":"{beneficiary}","beneficiary":"{other}"}}"#);
        hackatom.call(Entry::Instantiate, &msg);
        hackatom.query(r#"{"verifier":{}}"#);
        hackatom.query(r#"{"recurse":{"depth":0,"work":40}}"#);
        for msg in ["release", "cpu_loop", "storage_loop", "memory_loop", "message_loop", "panic"] {
            hackatom.call(Entry::Execute, &format!(r#"{{"{msg}":{{"denom":"earth"}}}}"#));
        }
        hackatom.call(Entry::Execute, r#"{"user_errors_in_api_calls":{}}"#);
        hackatom.call(Entry::Migrate, &format!(r#"{{"verifier":"{other}"}}"#));

        let mut cyberpunk = Contract::new(engine, "cyberpunk", &self.cyberpunk);
        cyberpunk.call(Entry::Instantiate, "{}");
        for msg in [
            r#"{"argon2":{"mem_cost":64,"time_cost":1}}"#,
            r#"{"cpu_loop":{}}"#,
            r#"{"storage_loop":{}}"#,
            r#"{"memory_loop":{}}"#,
            r#"{"message_loop":{}}"#,
            r#"{"allocate_large_memory":{"pages":100}}"#,
            r#"{"allocate_large_memory":{"pages":500}}"#,
            r#"{"panic":{}}"#,
            r#"{"unreachable":{}}"#,
            r#"{"mirror_env":{}}"#,
            r#"{"noop":{}}"#,
        ] {
            cyberpunk.call(Entry::Execute, msg);
        }
        cyberpunk.call(Entry::Sudo, "{}");

        let mut reflect = Contract::new(engine, "ibc_reflect", &self.reflect);
        reflect.call(Entry::Instantiate, r#"{"reflect_code_id":101}"#);
        reflect.query(r#"{"list_accounts":{}}"#);

        let mut lines = [hackatom.lines, cyberpunk.lines, reflect.lines].concat();
        lines.extend(self.floats(engine));
        lines.extend(self.depths(engine));
        lines
    }

    /// Every float instruction, once.
    fn floats(&self, engine: &Engine) -> Vec<String> {
        use base64::Engine as _;
        let mut floaty = Contract::new(engine, "floaty", &self.floaty);
        floaty.call(Entry::Instantiate, "{}");
        let decode = |result: Option<Vec<u8>>| -> serde_json::Value {
            let result: serde_json::Value = serde_json::from_slice(&result.expect("a result")).expect("JSON");
            let data = base64::engine::general_purpose::STANDARD.decode(result["ok"].as_str().expect("text"));
            serde_json::from_slice(&data.expect("base64")).expect("JSON")
        };
        let instructions = decode(floaty.query(r#"{"instructions":{}}"#));
        for instruction in instructions.as_array().expect("a list") {
            let msg = format!(r#"{{"random_args_for":{{"instruction":{instruction},"seed":5}}}}"#);
            let args = decode(floaty.query(&msg));
            floaty.query(&format!(r#"{{"run":{{"instruction":{instruction},"args":{args}}}}}"#));
        }
        floaty.lines
    }

    /// The last depth before the metered stack ends, for two kinds of frames, with that call and the next deeper.
    fn depths(&self, engine: &Engine) -> Vec<String> {
        let mut lines = Vec::new();
        for entry in [Entry::Query, Entry::Sudo] {
            let mut deep = Contract::new(engine, "deep", &self.deep);
            let (mut reached, mut beyond) = (1u32, 1 << 20);
            while beyond - reached > 1 {
                let middle = reached.midpoint(beyond);
                match deep.call_bytes(entry, &middle.to_le_bytes()) {
                    Some(_) => reached = middle,
                    None => beyond = middle,
                }
            }
            deep.lines.clear();
            deep.call_bytes(entry, &reached.to_le_bytes());
            deep.call_bytes(entry, &beyond.to_le_bytes());
            lines.push(format!("deep {} ends after {reached} calls", entry.name()));
            lines.extend(deep.lines);
        }
        lines
    }
}
