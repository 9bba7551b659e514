//! A contract around one import, in both engines.

use crate::both::{Both, Kind};
use crate::wat::contract;

/// A parameter of an import.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Bytes,
    Number,
    /// Memory for so many bytes of an answer.
    Room(u32),
}

/// An import, in both engines.
pub struct Import {
    both: Both,
}

impl Import {
    /// `wide` where the answer is a region or a code in the upper half of 64 bits.
    pub fn new(name: &str, takes: &[Takes], wide: bool) -> Self {
        let result = if wide { "i64" } else { "i32" };
        let params = "i32 ".repeat(takes.len());
        let import = format!(r#"(import "env" "{name}" (func $import (param {params}) (result {result})))"#);
        let mut read = String::new();
        let mut args = String::new();
        for (index, takes) in takes.iter().enumerate() {
            args += &format!("(local.get {}) ", index + 6);
            let take = match takes {
                Takes::Bytes => {
                    "(call $region (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at)))
                     (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))"
                        .to_owned()
                }
                Takes::Number => {
                    "(i32.load (local.get $at)) (local.set $at (i32.add (local.get $at) (i32.const 4)))"
                        .to_owned()
                }
                Takes::Room(length) => {
                    format!("(local.tee $room (call $allocate (i32.const {length})))")
                }
            };
            read += &format!("{take} (local.set {})\n", index + 6);
        }
        let code = if wide {
            "(local.set $code (call $import ARGS))
             (if (i64.eqz (i64.shr_u (local.get $code) (i64.const 32))) (then
                (local.set $room (i32.wrap_i64 (local.get $code)))
                (local.set $code (i64.const 0))))
             (local.set $code (i64.shr_u (local.get $code) (i64.const 32)))"
        } else {
            "(local.set $code (i64.extend_i32_u (call $import ARGS)))"
        };
        let code = code.replace("ARGS", &args);
        let body = format!(
            r#"(func (export "query") (param $env i32) (param $msg i32) (result i32)
                (local $at i32) (local $room i32) (local $code i64) (local $out i32) {locals}
                (local.set $at (i32.load (local.get $msg)))
                {read}
                {code}
                (local.set $out (call $allocate (i32.const 256)))
                (i64.store offset=12 (local.get $out) (local.get $code))
                (i32.store offset=8 (local.get $out) (i32.const 8))
                ;; What was written into the room follows the code.
                (if (local.get $room) (then
                    (i32.store offset=8 (local.get $out)
                        (i32.add (i32.const 8) (i32.load offset=8 (local.get $room))))
                    (local.set $at (i32.const 0))
                    (block (loop
                        (br_if 1 (i32.ge_u (local.get $at) (i32.load offset=8 (local.get $room))))
                        (i32.store8 offset=20 (i32.add (local.get $out) (local.get $at))
                            (i32.load8_u (i32.add (i32.load (local.get $room)) (local.get $at))))
                        (local.set $at (i32.add (local.get $at) (i32.const 1)))
                        (br 0)))))
                (local.get $out))"#,
            locals = "(local i32) ".repeat(takes.len()),
        );
        Self { both: Both::new(contract(&import, &body)) }
    }

    /// The code and what was given, for arguments as they lie in the message.
    pub fn try_ask(&mut self, args: &[Vec<u8>]) -> Result<(u64, Vec<u8>), Kind> {
        let answer = self.both.query_bytes(&args.concat())?;
        let (code, given) = answer.split_first_chunk().expect("a code");
        Ok((u64::from_le_bytes(*code), given.to_vec()))
    }

    pub fn code(&mut self, args: &[Vec<u8>]) -> u64 {
        self.try_ask(args).expect("an answer").0
    }
}
