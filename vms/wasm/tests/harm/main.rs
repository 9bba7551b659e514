//! What a contract may do to a node: each ends within its gas, soon, and takes no more memory than the bounds say.
//!
//! One test in a process of its own, so that the peak of its resident memory is that of the calls.

use std::fs;
use std::time::{Duration, Instant};

use base64::Engine as _;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContractResponse, MsgStoreCode,
};
use prost::{Message, Name};
use weft_state::{EmptyState, Journal};
use weft_types::{AccountId, B256, DaHeight, GasRate, Height};
use weft_vm::{BlockEnv, FeeSplit};
use weft_wasm::engine::{Engine, EngineConfig};
use weft_wasm::gas::GasMeter;
use weft_wasm::keeper::{Keeper, MsgOutcome, Rules, TxInfo};
use weft_wasm::{CAPABILITIES, Fault};

/// That of a block: no transaction has more.
const BLOCK_GAS: u64 = 60_000_000;
/// The longest that a transaction of a whole block's gas may take; debug builds need some of it.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 10 });
/// What a call may take of memory beyond what the node had: an instance, and copies of what it answers.
const MOST_BYTES: u64 = 96 << 20;

struct World {
    journal: Journal<'static>,
    engine: Engine,
    env: BlockEnv,
    rules: Rules,
}

impl World {
    fn new() -> Self {
        let collector = AccountId(B256::repeat_byte(1));
        Self {
            journal: Journal::new(&EmptyState),
            engine: Engine::new(EngineConfig { cache_dir: None, pooling: true }).expect("an engine"),
            env: BlockEnv {
                chain_id: 31_337,
                height: Height(7),
                origin: DaHeight(9),
                parent_hash: B256::ZERO,
                timestamp_ms: 1_760_000_000_000,
                prevrandao: B256::ZERO,
                gas_limit: BLOCK_GAS,
                base_fee: 0,
                fee_recipient: collector,
                fees: FeeSplit { treasury: collector, base_to_recipient_bp: 0, base_to_treasury_bp: 0 },
            },
            rules: Rules {
                denom: "awei".to_owned(),
                chain_id: "weft-31337".to_owned(),
                capabilities: CAPABILITIES.iter().map(|name| (*name).to_owned()).collect(),
                rate: GasRate { numerator: 1, denominator: 20 },
            },
        }
    }

    /// Runs a message; what it came to, and the gas that it used.
    fn run<M: Message + Name>(
        &mut self,
        gas: u64,
        signer: &str,
        msg: &M,
    ) -> (Result<MsgOutcome, Fault>, u64) {
        let any = Any { type_url: M::type_url(), value: msg.encode_to_vec() };
        let mut meter = GasMeter::new(gas);
        let tx = Some(TxInfo { index: 0, hash: [9; 32] });
        let (env, rules) = (&self.env, &self.rules);
        let result =
            Keeper::new(&mut self.journal, &self.engine, env, rules, &mut meter, tx).handle(signer, &any);
        (result, meter.used())
    }
}

/// A number of kibibytes that Linux says of this process, in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("a line of it");
    let number = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    number.expect("a number") << 10
}

/// Lets the peak begin anew from what is resident now.
fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
}

/// What a harmful call must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Well,
    OutOfGas,
    /// With this code of the wasm module, and gas left.
    Failed(u32),
}

#[test]
fn harm_ends_within_its_gas_and_memory_is_bounded() {
    let mut world = World::new();
    let user = weft_wasm::address::encode(&[1; 20]);
    let code = wat::parse_str(include_str!("contract.wat")).expect("valid text");
    let store = MsgStoreCode { sender: user.clone(), wasm_byte_code: code, instantiate_permission: None };
    world.run(BLOCK_GAS, &user, &store).0.expect("a good code");
    let new = MsgInstantiateContract {
        sender: user.clone(),
        code_id: 1,
        label: "harm".to_owned(),
        msg: b"{}".to_vec(),
        ..Default::default()
    };
    let made = world.run(BLOCK_GAS, &user, &new).0.expect("it is made").response;
    let made = MsgInstantiateContractResponse::decode(made.value.as_slice()).expect("its own form");
    let contract = made.address;
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);

    let mut harm = |name: &str, msg: &str, gas: u64, ends: Ends| {
        let msg = MsgExecuteContract {
            sender: user.clone(),
            contract: contract.clone(),
            msg: msg.as_bytes().to_vec(),
            funds: Vec::new(),
        };
        forget_peak();
        let before = memory("VmRSS");
        let start = Instant::now();
        let (result, used) = world.run(gas, &user, &msg);
        let time = start.elapsed();
        let peak = memory("VmHWM").saturating_sub(before);
        println!("{name}: {used} gas of {gas}, {time:?}, {} MiB; {:?}", peak >> 20, result.as_ref().err());
        let got = match &result {
            Ok(_) => Ends::Well,
            Err(Fault::OutOfGas { .. }) => Ends::OutOfGas,
            Err(fault) => Ends::Failed(fault.code().1),
        };
        assert_eq!(got, ends, "{name}: {:?}", result.err());
        assert!(used <= gas, "{name}");
        assert_eq!(used == gas, ends == Ends::OutOfGas, "{name}");
        assert!(time < LONGEST, "{name}: {time:?}");
        assert!(peak < MOST_BYTES, "{name}: {} MiB", peak >> 20);
    };
    let block = BLOCK_GAS;
    harm("endless loop", r#"{"a":{}}"#, block, Ends::OutOfGas);
    harm("endless recursion", r#"{"b":{}}"#, block, Ends::Failed(29));
    harm("all memory", r#"{"c":{}}"#, block, Ends::Well);
    harm("100,000 writes within a block's gas", r#"{"d":{}}"#, block, Ends::OutOfGas);
    harm("100,000 writes with gas for all of them", r#"{"d":{}}"#, 20 * block, Ends::Well);
    harm("large values", r#"{"l":{}}"#, block, Ends::OutOfGas);
    harm("answer of 10 MiB", r#"{"e":{}}"#, block, Ends::Well);
    harm("answer of 10 MiB of lists", r#"{"n":{}}"#, block, Ends::OutOfGas);
    harm("abort with 10 MiB", r#"{"f":{}}"#, block, Ends::Failed(29));
    harm("debug with 2 MiB, endless", r#"{"g":{}}"#, block, Ends::OutOfGas);
    harm("iterators without an end", r#"{"m":{}}"#, block, Ends::Failed(29));

    let query = format!(r#"{{"wasm":{{"smart":{{"contract_addr":"{contract}","msg":"e30="}}}}}}"#);
    harm("a question is kept", &format!(r#"{{"i":{query}}}"#), block, Ends::Well);
    harm("questions within questions, endless", r#"{"h":{}}"#, block, Ends::OutOfGas);

    let again = base64(r#"{"k":{}}"#);
    let message = format!(
        r#"{{"id":0,"msg":{{"wasm":{{"execute":{{"contract_addr":"{contract}","msg":"{again}","funds":[]}}}}}},"reply_on":"never"}}"#
    );
    let once = format!(r#"{{"ok":{{"messages":[{message}]}}}}"#);
    harm("an answer is kept", &format!(r#"{{"j":{once}}}"#), block, Ends::Well);
    harm("a message to itself, endless", r#"{"k":{}}"#, block, Ends::Failed(30));
    let many = format!(r#"{{"ok":{{"messages":[{}]}}}}"#, vec![message; 50].join(","));
    harm("an answer of many messages is kept", &format!(r#"{{"j":{many}}}"#), block, Ends::Well);
    harm("fifty messages to itself, each time", r#"{"k":{}}"#, block, Ends::Failed(30));
}
