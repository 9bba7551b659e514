//! ELFs that are none, and ELFs that lie: refused by the loader, and failing where they stand in an account already.

use crate::harmful::{ENDLESS, PROGRAM, RETURN, assemble};
use crate::programs::MEMO;
use crate::world::{World, keypair, machine};
use proptest::prelude::*;
use sbpf_assembler::SbpfArch;
use solana_account::ReadableAccount;
use solana_instruction::Instruction;
use solana_instruction::error::InstructionError;
use solana_loader_v3_interface::instruction as loader;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_sdk_ids::{bpf_loader, bpf_loader_upgradeable};
use solana_signer::Signer;
use solana_transaction_error::TransactionError;
use weft_sbf::Detail;

fn world() -> World {
    World::new(machine(true), &[keypair(1).pubkey()])
}

/// Deploys what stands in a buffer, as `solana program deploy` ends.
fn deploy(world: &mut World, elf: &[u8], len: usize) -> Detail {
    let (payer, program, buffer) = (keypair(1), keypair(9), keypair(10));
    let state = UpgradeableLoaderState::Buffer { authority_address: Some(payer.pubkey()) };
    let mut data = bincode::serialize(&state).expect("small");
    data.resize(UpgradeableLoaderState::size_of_buffer_metadata(), 0);
    data.extend_from_slice(elf);
    world.set(&buffer.pubkey(), 100_000_000_000, &bpf_loader_upgradeable::ID, false, &data);
    let rent = world.vm.rent().minimum_balance(UpgradeableLoaderState::size_of_program());
    let me = payer.pubkey();
    #[allow(deprecated, reason = "what the CLI sends")]
    let deploy =
        loader::deploy_with_max_program_len(&me, &program.pubkey(), &buffer.pubkey(), &me, rent, len);
    world.send(&payer, &[&program], &deploy.expect("instructions")).expect("it pays")
}

/// Calls what stands in an account of loader v2.
fn call(world: &mut World, elf: &[u8]) -> Detail {
    world.set_program(&PROGRAM, &bpf_loader::ID, elf);
    world.send(&keypair(1), &[], &[Instruction::new_with_bytes(PROGRAM, &[], vec![])]).expect("it pays")
}

fn spoilt() -> Vec<(&'static str, Vec<u8>)> {
    let memo = world().account(&MEMO).expect("the memo program").data().to_vec();
    let v3 = assemble(ENDLESS, SbpfArch::V3);
    let with = |elf: &[u8], at: usize, bytes: &[u8]| {
        let mut elf = elf.to_vec();
        elf[at..at + bytes.len()].copy_from_slice(bytes);
        elf
    };
    // A call by a name that no system call has.
    let mut unknown = assemble(RETURN, SbpfArch::V0);
    let name = b"sol_set_return_data";
    let at = unknown.windows(name.len()).position(|bytes| bytes == name).expect("the name of a symbol");
    unknown[at + 4] = b'x';
    vec![
        ("empty", vec![]),
        ("half", memo[..memo.len() / 2].to_vec()),
        ("head", memo[..64].to_vec()),
        ("noise", vec![7; 5_000]),
        ("version 9", with(&memo, 48, &[9])),
        ("version 4", with(&memo, 48, &[4])),
        ("another machine", with(&memo, 18, &62_u16.to_le_bytes())),
        ("32 bits", with(&memo, 4, &[1])),
        ("entry outside", with(&memo, 24, &u64::MAX.to_le_bytes())),
        ("sections outside", with(&memo, 40, &u64::MAX.to_le_bytes())),
        ("v3 of machine 263", with(&v3, 18, &263_u16.to_le_bytes())),
        ("v3, entry outside", with(&v3, 24, &[0xff; 8])),
        ("no such call, v0", unknown),
    ]
}

#[test]
fn bad_elfs_are_not_deployed_and_do_not_run() {
    for (name, elf) in spoilt() {
        let refused = deploy(&mut world(), &elf, elf.len().max(1));
        let expected = TransactionError::InstructionError(1, InstructionError::InvalidAccountData);
        assert_eq!(refused.err, Some(expected), "{name}: {:#?}", refused.logs);
        let failed = call(&mut world(), &elf);
        // What stands there already may name calls that were there once: it fails where it makes them, and has
        // used up all that it could.
        let (expected, units) = match name {
            "no such call, v0" => (InstructionError::ProgramFailedToComplete, 200_000),
            _ => (InstructionError::UnsupportedProgramId, 0),
        };
        let expected = TransactionError::InstructionError(0, expected);
        assert_eq!(failed.err, Some(expected), "{name}: {:#?}", failed.logs);
        assert_eq!(failed.compute_units, units, "{name}");
    }
}

/// Solana's loader looks at no call of a v3 program: what it does not know fails where it is made.
#[test]
fn a_v3_program_with_an_unknown_call_is_deployed_and_fails() {
    let mut elf = assemble(RETURN, SbpfArch::V3);
    let call_to = elf.chunks_mut(8).find(|bytes| bytes[..2] == [0x85, 0]).expect("a call");
    call_to[4] ^= 1;
    let mut world = world();
    assert_eq!(deploy(&mut world, &elf, elf.len()).err, None);
    let failed = call(&mut world, &elf);
    let expected = TransactionError::InstructionError(0, InstructionError::ProgramFailedToComplete);
    assert_eq!((failed.err, failed.compute_units), (Some(expected), 200_000), "{:#?}", failed.logs);
    assert!(
        failed.logs.iter().any(|line| line.contains("unsupported BPF instruction")),
        "{:#?}",
        failed.logs
    );
}

#[test]
fn more_than_10_mib_are_not_deployed() {
    let elf = world().account(&MEMO).expect("the memo program").data().to_vec();
    assert_eq!(deploy(&mut world(), &elf, elf.len()).err, None);
    let refused = deploy(&mut world(), &elf, 10 << 20);
    // With its head, the account would have more than 10 MiB.
    let expected = TransactionError::InstructionError(1, InstructionError::InvalidArgument);
    assert_eq!(refused.err, Some(expected), "{:#?}", refused.logs);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The twin of the fuzz target `sbf_elf`.
    #[test]
    fn no_elf_panics(at in 0_usize..4_096, byte: u8, cut in 0_usize..4_096, v3: bool) {
        let mut world = world();
        let mut elf = if v3 {
            assemble(ENDLESS, SbpfArch::V3)
        } else {
            world.account(&MEMO).expect("the memo program").data().to_vec()
        };
        let len = elf.len();
        elf[at % len] = byte;
        elf.truncate(len - cut % len.min(64));
        call(&mut world, &elf);
        deploy(&mut world, &elf, elf.len().max(1));
    }

    /// The twin of the fuzz target `sbf_check`.
    #[test]
    fn no_payload_panics(at in 0_usize..400, byte: u8, noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut world = world();
        let transaction = crate::world::sign(
            &keypair(1),
            &[],
            &[Instruction::new_with_bytes(MEMO, b"x", vec![])],
            world.blockhash(),
        );
        let mut payload = bincode::serialize(&transaction).expect("a transaction");
        let len = payload.len();
        payload[at % len] = byte;
        let _ = world.payload(&payload);
        let _ = world.payload(&noise);
    }
}
