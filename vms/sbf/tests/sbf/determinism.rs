//! The same blocks give the same state whatever a machine remembers and however it runs programs.

use crate::harmful::{self, assemble};
use crate::random::{Mix, View};
use crate::world::{Block, Flat, World, keypair, machine, seed, sign};
use rand::Rng;
use sbpf_assembler::SbpfArch;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_loader_v3_interface::instruction as loader;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction as system;
use solana_transaction::versioned::VersionedTransaction;
use weft_sbf::SbfVm;

const BLOCKS: usize = 120;

/// A program of many lives: deployed, upgraded and closed at random, and called meanwhile.
fn of_programs(mix: &mut Mix, blockhash: solana_hash::Hash) -> VersionedTransaction {
    let payer = keypair(1);
    let program = keypair(mix.rng.random_range(100..104));
    let key = program.pubkey();
    let data = solana_loader_v3_interface::get_program_data_address(&key);
    let buffer: Keypair = keypair(mix.rng.random_range(110..113));
    // Small enough for one instruction.
    let elf = assemble(mix.pick(&harmful::ALL), SbpfArch::V3);
    let me = payer.pubkey();
    let buffer_rent = mix.rent.minimum_balance(UpgradeableLoaderState::size_of_buffer(1_000));
    let write = |offset| loader::write(&buffer.pubkey(), &me, offset, elf.clone());
    match mix.rng.random_range(0..10) {
        0..2 => {
            let create =
                loader::create_buffer(&me, &buffer.pubkey(), &me, buffer_rent, 1_000).expect("small");
            let instructions = [create, vec![write(0)]].concat();
            sign(&payer, &[&buffer], &instructions, blockhash)
        }
        2..4 => {
            let rent = mix.rent.minimum_balance(UpgradeableLoaderState::size_of_program());
            #[allow(deprecated, reason = "what the CLI sends")]
            let deploy = loader::deploy_with_max_program_len(&me, &key, &buffer.pubkey(), &me, rent, 1_000);
            sign(&payer, &[&program], &deploy.expect("small"), blockhash)
        }
        4 => sign(&payer, &[], &[loader::upgrade(&key, &buffer.pubkey(), &me, &me)], blockhash),
        5 => sign(&payer, &[], &[loader::close_any(&data, &me, Some(&me), Some(&key))], blockhash),
        _ => {
            let salt = system::transfer(&me, &me, mix.rng.random_range(0..1_000_000));
            sign(&payer, &[], &[salt, Instruction::new_with_bytes(key, &[], vec![])], blockhash)
        }
    }
}

#[test]
fn no_result_depends_on_what_a_machine_remembers() {
    let mut mix = Mix::new(seed());
    let mut world = World::new(machine(true), &mix.wallets);
    let interpreter = machine(false);
    let (mut ran, mut called) = (0, 0);
    for _ in 0..BLOCKS {
        let env = world.next_env(400);
        let cold = machine(mix.rng.random());
        let hash = world.blockhash();
        let mut blocks: Vec<(&SbfVm, Block<'_>)> = [&world.vm, &interpreter, &cold]
            .into_iter()
            .map(|vm| (vm, Block::begin(vm, &world.state, env.clone())))
            .collect();
        // One that forgets in the middle of the block.
        let mut forgetful = Block::begin(&world.vm, &world.state, env.clone());
        for _ in 0..8 {
            let mut planned = None;
            let transaction = if mix.rng.random_bool(0.6) {
                of_programs(&mut mix, hash)
            } else {
                let (vm, block) = &mut blocks[0];
                let mut account = |key: &Pubkey| block.account(vm, key);
                let slot = env.height.0;
                let mut view = View { slot, blockhash: hash, old_blockhash: hash, account: &mut account };
                let plan = mix.plan(&mut view);
                planned.insert(plan).transaction.clone()
            };
            let results: Vec<_> = blocks.iter_mut().map(|(vm, block)| block.run(vm, &transaction)).collect();
            let other = if mix.rng.random_bool(0.2) { &machine(mix.rng.random()) } else { &world.vm };
            let forgot = forgetful.run(other, &transaction);
            assert!(results.iter().all(|result| *result == forgot), "{results:#?}\n{forgot:#?}");
            if forgot.as_ref().is_ok_and(|detail| detail.err.is_none()) {
                planned.iter().for_each(|planned| mix.done(planned));
            }
            ran += usize::from(forgot.as_ref().is_ok_and(|detail| detail.err.is_none()));
            called += usize::from(
                forgot.is_ok_and(|detail| detail.logs.iter().any(|line| line.contains("consumed"))),
            );
        }
        let mut ends: Vec<_> = blocks.into_iter().map(|(_, block)| block.end()).collect();
        ends.push(forgetful.end());
        let states: Vec<Flat> = ends
            .iter()
            .map(|(_, changes)| {
                let mut state = world.state.clone();
                state.apply(changes);
                state
            })
            .collect();
        assert!(states.windows(2).all(|pair| pair[0] == pair[1]));
        world.close(ends.remove(0));
    }
    println!("{ran} of {} succeeded, {called} ran code", BLOCKS * 8);
    assert!(ran > BLOCKS && called > BLOCKS);
}
