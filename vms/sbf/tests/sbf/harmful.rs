//! Programs that mean harm, out of an assembler: each ends within its compute units, with Solana's own error.

use crate::world::{World, keypair, machine};
use sbpf_assembler::{Assembler, AssemblerOption, SbpfArch};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;
use solana_instruction::error::InstructionError;
use solana_pubkey::Pubkey;
use solana_sdk_ids::bpf_loader;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;
use weft_sbf::{Detail, LOG_BYTES_MAX};

pub const PROGRAM: Pubkey = Pubkey::new_from_array([0xe1; 32]);
const UNITS: u32 = 190_000;

pub const ENDLESS: &str =
    ".globl entrypoint\nentrypoint:\n  mov64 r0, 0\nagain:\n  add64 r0, 1\n  ja again\n";
pub const RECURSION: &str =
    ".globl entrypoint\nentrypoint:\n  call deeper\n  exit\ndeeper:\n  add64 r6, 1\n  call deeper\n  exit\n";
pub const STACK: &str = ".globl entrypoint\nentrypoint:\n  stxdw [r10-9000], r1\n  exit\n";
pub const HEAP: &str =
    ".globl entrypoint\nentrypoint:\n  lddw r1, 0x300008000\n  stxb [r1+0], r1\n  mov64 r0, 0\n  exit\n";
pub const RETURN: &str = ".globl entrypoint\nentrypoint:\n  mov64 r1, r10\n  sub64 r1, 4096\n  lddw r2, 65536\n  call sol_set_return_data\n  exit\n";
pub const LOGS: &str = ".globl entrypoint\nentrypoint:\n  mov64 r6, 0\nagain:\n  mov64 r1, r10\n  sub64 r1, 1000\n  lddw r2, 1000\n  call sol_log_\n  add64 r6, 1\n  jlt r6, 100, again\n  mov64 r0, 0\n  exit\n";
pub const ALL: [&str; 6] = [ENDLESS, RECURSION, STACK, HEAP, RETURN, LOGS];

pub fn assemble(source: &str, arch: SbpfArch) -> Vec<u8> {
    let assembler = Assembler::new(AssemblerOption { arch, ..AssemblerOption::default() });
    assembler.assemble(source).expect("a program")
}

fn call(source: &str, arch: SbpfArch) -> Detail {
    let payer = keypair(1);
    let mut world = World::new(machine(true), &[payer.pubkey()]);
    world.set_program(&PROGRAM, &bpf_loader::ID, &assemble(source, arch));
    let limit = ComputeBudgetInstruction::set_compute_unit_limit(UNITS);
    let call = Instruction::new_with_bytes(PROGRAM, &[], vec![]);
    world.send(&payer, &[], &[limit, call]).expect("it is in the block")
}

fn ends(source: &str, log: &str) -> Vec<Detail> {
    [SbpfArch::V0, SbpfArch::V3]
        .into_iter()
        .map(|arch| {
            let detail = call(source, arch);
            let expected = TransactionError::InstructionError(1, InstructionError::ProgramFailedToComplete);
            assert_eq!(detail.err, Some(expected), "{arch:?}: {:#?}", detail.logs);
            assert!(detail.logs.iter().any(|line| line.contains(log)), "{arch:?}: {:#?}", detail.logs);
            assert!(detail.compute_units <= u64::from(UNITS));
            detail
        })
        .collect()
}

#[test]
fn an_endless_loop_ends_when_its_compute_units_do() {
    for detail in ends(ENDLESS, "exceeded CUs meter") {
        assert_eq!(detail.compute_units, u64::from(UNITS));
    }
}

#[test]
fn recursion_ends_at_the_depth_that_solana_allows() {
    ends(RECURSION, "call depth");
}

#[test]
fn memory_that_is_not_there_is_not_written() {
    ends(STACK, "Access violation");
    ends(HEAP, "Access violation");
}

#[test]
fn return_data_is_bounded() {
    ends(RETURN, "Return data too large (65536 > 1024)");
}

#[test]
fn logs_are_bounded() {
    for arch in [SbpfArch::V0, SbpfArch::V3] {
        let detail = call(LOGS, arch);
        assert_eq!(detail.err, None, "{:#?}", detail.logs);
        assert!(detail.logs.iter().any(|line| line == "Log truncated"));
        let bytes: usize = detail.logs.iter().map(String::len).sum();
        assert!((LOG_BYTES_MAX - 1_100..=LOG_BYTES_MAX + "Log truncated".len()).contains(&bytes), "{bytes}");
    }
}
