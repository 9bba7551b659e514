//! Compiled and interpreted, every ELF that the crates at hand carry ends in the same way, to the compute unit.

use crate::harmful::{self, assemble};
use crate::world::{Flat, World, keypair, machine, seed};
use cargo_metadata::MetadataCommand;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sbpf_assembler::SbpfArch;
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{bpf_loader, bpf_loader_deprecated, bpf_loader_upgradeable, sysvar};
use solana_signer::Signer;
use solana_transaction_error::TransactionError;
use std::path::Path;
use weft_sbf::Detail;

const CRATES: [&str; 3] = ["solana-program-binaries", "litesvm", "solana-sbpf"];
const CALLS: usize = 6;
const EM_SBPF: u16 = 263;

fn collect(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder of a crate") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "so") {
            found.push((path.display().to_string(), std::fs::read(&path).expect("a file of a crate")));
        }
    }
}

/// ELFs of the crates, wherever cargo keeps them, and assembled ones.
fn elves() -> Vec<(String, Vec<u8>)> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).exec().expect("cargo metadata");
    let mut found = Vec::new();
    for name in CRATES {
        let package = metadata.packages.iter().find(|package| package.name.as_str() == name);
        let manifest = &package.unwrap_or_else(|| panic!("{name} is a dependency")).manifest_path;
        let before = found.len();
        collect(manifest.parent().expect("a folder").as_std_path(), &mut found);
        assert!(found.len() > before, "{name} has ELFs");
    }
    for (index, source) in harmful::ALL.iter().enumerate() {
        for arch in [SbpfArch::V0, SbpfArch::V3] {
            let elf = assemble(source, arch);
            let mut other = elf.clone();
            other[18..20].copy_from_slice(&EM_SBPF.to_le_bytes());
            found.extend([(format!("{index} {arch:?}"), elf), (format!("{index} {arch:?} 263"), other)]);
        }
    }
    found.sort();
    found
}

fn run(jit: bool, elves: &[(String, Vec<u8>)], seed: u64) -> (Vec<Result<Detail, TransactionError>>, Flat) {
    let payer = keypair(1);
    let mut world = World::new(machine(jit), &[payer.pubkey()]);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut results = Vec::new();
    for (_, elf) in elves {
        for loader in [bpf_loader_deprecated::ID, bpf_loader::ID, bpf_loader_upgradeable::ID] {
            let program = Pubkey::new_from_array(rng.random());
            if loader == bpf_loader_upgradeable::ID {
                world.set_upgradeable(&program, elf);
            } else {
                world.set_program(&program, &loader, elf);
            }
            let mut transactions = Vec::new();
            for call in 0..CALLS {
                let len = if call == 0 { 0 } else { rng.random_range(0..200) };
                let mut data = vec![0; len];
                rng.fill(&mut data[..]);
                // Small first bytes are instructions of some programs.
                if let Some(first) = data.first_mut() {
                    *first %= 32;
                }
                let accounts = vec![
                    AccountMeta::new(payer.pubkey(), true),
                    AccountMeta::new(Pubkey::new_from_array([7; 32]), false),
                    AccountMeta::new_readonly(sysvar::rent::ID, false),
                    AccountMeta::new_readonly(sysvar::clock::ID, false),
                ];
                let accounts = accounts.into_iter().take(rng.random_range(0..=4)).collect();
                let instruction = Instruction::new_with_bytes(program, &data, accounts);
                transactions.push(crate::world::sign(&payer, &[], &[instruction], world.blockhash()));
            }
            results.extend(world.block(400, &transactions));
        }
    }
    (results, world.state)
}

#[test]
fn compiled_and_interpreted_programs_end_in_the_same_way() {
    let (elves, seed) = (elves(), seed());
    let ((compiled, compiled_state), (interpreted, state)) =
        (run(true, &elves, seed), run(false, &elves, seed));
    let mut ran = 0;
    for (index, (compiled, interpreted)) in compiled.iter().zip(&interpreted).enumerate() {
        assert_eq!(compiled, interpreted, "{}", elves[index / (3 * CALLS)].0);
        ran += usize::from(interpreted.as_ref().is_ok_and(|detail| detail.compute_units > 1));
    }
    assert!(state == compiled_state);
    println!("{} ELFs, {} calls, of which {ran} ran code", elves.len(), compiled.len());
    assert!(ran > compiled.len() / 3);
}
