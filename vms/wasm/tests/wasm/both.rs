//! One contract in this engine and in cosmwasm-vm, which runs Wasm by another one.
//!
//! Both see the same calls and the same answers to queries. After each call the results, the kinds of errors and
//! the whole storage must be equal, partial writes of a failed call included. Gas is not compared: the two count
//! differently, which the README says.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use weft_wasm::engine::{Call, CallFault, Engine, EngineConfig, Entry};

use crate::files::{address, capabilities};
use crate::ours::Memory;
use crate::theirs::Theirs;

/// More than any call here needs that ends by itself, and soon used up by one that does not.
const FUEL: u64 = 1_000_000_000;

/// What a call came to, as far as the two can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    OutOfGas,
    Unreachable,
    Trap,
    StackHeight,
    Aborted(String),
    Missing,
    ReadOnly,
    RegionTooLong,
    Other(String),
}

/// A contract in both engines.
pub struct Both {
    code: Vec<u8>,
    hash: [u8; 32],
    engine: Engine,
    host: Memory,
    theirs: Theirs,
    height: u64,
    agree: fn(&[u8], &[u8]) -> bool,
    calls: u32,
    times: [Duration; 2],
}

impl Both {
    pub fn new(code: Vec<u8>) -> Self {
        let engine = Engine::new(EngineConfig { cache_dir: None, pooling: true }).expect("an engine");
        engine.check(&code, &capabilities()).expect("an admitted contract");
        Self {
            hash: Sha256::digest(&code).into(),
            theirs: Theirs::new(&code),
            code,
            engine,
            host: Memory::default(),
            height: 1,
            agree: |ours, theirs| ours == theirs,
            calls: 0,
            times: [Duration::ZERO; 2],
        }
    }

    /// Two results, ours first, are taken for equal where `agree` says so.
    pub fn agreeing_by(mut self, agree: fn(&[u8], &[u8]) -> bool) -> Self {
        self.agree = agree;
        self
    }

    /// What a call took on average in each, for whoever reads the output.
    pub fn report(&self) {
        let [ours, theirs] = self.times.map(|time| time / self.calls.max(1));
        println!("{} calls: {ours:?} each, in cosmwasm-vm {theirs:?}", self.calls);
    }

    fn env(&mut self) -> Vec<u8> {
        self.height += 1;
        format!(
            r#"{{"block":{{"height":{height},"time":"{height}000000000","chain_id":"weft-1"}},
                "transaction":{{"index":3}},"contract":{{"address":"{contract}"}}}}"#,
            height = self.height,
            contract = address("contract"),
        )
        .into_bytes()
    }

    pub fn instantiate(&mut self, sender: &str, msg: &str) -> Result<Vec<u8>, Kind> {
        self.run(Entry::Instantiate, Some(sender), msg.as_bytes())
    }

    pub fn execute(&mut self, sender: &str, msg: &str) -> Result<Vec<u8>, Kind> {
        self.run(Entry::Execute, Some(sender), msg.as_bytes())
    }

    pub fn query(&mut self, msg: &str) -> Result<Vec<u8>, Kind> {
        self.query_bytes(msg.as_bytes())
    }

    pub fn query_bytes(&mut self, msg: &[u8]) -> Result<Vec<u8>, Kind> {
        self.run(Entry::Query, None, msg)
    }

    pub fn sudo(&mut self, msg: &str) -> Result<Vec<u8>, Kind> {
        self.run(Entry::Sudo, None, msg.as_bytes())
    }

    pub fn migrate(&mut self, sender: &str, msg: &str) -> Result<Vec<u8>, Kind> {
        self.run(Entry::Migrate, Some(sender), msg.as_bytes())
    }

    /// Runs the call in both and compares.
    fn run(&mut self, entry: Entry, sender: Option<&str>, msg: &[u8]) -> Result<Vec<u8>, Kind> {
        let env = self.env();
        let info = match (entry, sender) {
            (Entry::Migrate, Some(sender)) => {
                format!(r#"{{"sender":"{sender}","old_migrate_version":null}}"#)
            }
            (_, sender) => format!(r#"{{"sender":"{}","funds":[]}}"#, sender.unwrap_or_default()),
        };
        let args: Vec<&[u8]> = match entry {
            Entry::Instantiate | Entry::Execute => vec![&env, info.as_bytes(), msg],
            Entry::Migrate => vec![&env, msg, info.as_bytes()],
            Entry::Query | Entry::Sudo | Entry::Reply => vec![&env, msg],
        };
        let readonly = entry == Entry::Query;
        let before = self.host.entries.clone();
        let call = Call { code_hash: self.hash, code: &self.code, entry, args: &args, fuel: FUEL, readonly };
        let start = Instant::now();
        let ours = self.engine.call(call, &mut self.host).expect("a result").outcome.map_err(kind);
        let between = Instant::now();
        let theirs = self.theirs.call(entry, &args, readonly);
        let end = Instant::now();

        let what = format!("{entry:?} {}", String::from_utf8_lossy(msg));
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                let texts = (String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
                assert!((self.agree)(ours, theirs), "{what}\n  ours: {}\ntheirs: {}", texts.0, texts.1);
            }
            _ => assert_eq!(ours, theirs, "{what}"),
        }
        if ours == Err(Kind::OutOfGas) {
            // Where gas ends is the one thing that differs.
            self.theirs.set_entries(&before);
            self.host.entries = before;
            return ours;
        }
        if !readonly {
            assert_eq!(self.host.entries, self.theirs.entries(), "{what}");
        }
        self.calls += 1;
        self.times[0] += between - start;
        self.times[1] += end - between;
        ours
    }
}

fn kind(fault: CallFault) -> Kind {
    match fault {
        CallFault::OutOfFuel => Kind::OutOfGas,
        CallFault::Unreachable => Kind::Unreachable,
        CallFault::Trap(_) => Kind::Trap,
        CallFault::StackHeight => Kind::StackHeight,
        CallFault::Aborted(text) => Kind::Aborted(text),
        CallFault::MissingEntry(_) => Kind::Missing,
        CallFault::ReadOnly => Kind::ReadOnly,
        CallFault::RegionTooLong { .. } => Kind::RegionTooLong,
        other => Kind::Other(other.to_string()),
    }
}
