//! Any bytes as the ELF of a program that a simulated transaction calls: they run, or the call fails.
#![no_main]

mod sbf;

use libfuzzer_sys::fuzz_target;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_sdk_ids::bpf_loader;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::sync::LazyLock;
use weft_sbf::record::{self, INLINE_BYTES_MAX, PAGE_BYTES};
use weft_sbf::{SbfVm, SimulateOptions, key};
use weft_state::{EmptyState, Journal};
use weft_types::{Bytes, U256};
use weft_vm::{BlockPhase, Vm};

const PAYER: Pubkey = Pubkey::new_from_array([2; 32]);
const PROGRAM: Pubkey = Pubkey::new_from_array([3; 32]);

static VM: LazyLock<SbfVm> = LazyLock::new(|| sbf::machine(true));

fuzz_target!(|elf: &[u8]| {
    let env = sbf::block();
    let mut journal = Journal::new(&EmptyState);
    VM.on_block(&mut journal, &env, BlockPhase::Begin).expect("memory");
    for pubkey in [PAYER, PROGRAM] {
        let wei = U256::from(1_000_000_000_000_000_000_u64);
        journal.mint(wei).expect("memory");
        journal.credit(key::account_id(&pubkey), wei).expect("it fits");
    }
    journal.set(key::account(&PROGRAM), record::encode(&bpf_loader::ID, true, elf));
    if elf.len() > INLINE_BYTES_MAX {
        for (index, page) in (0_u32..).zip(elf.chunks(PAGE_BYTES)) {
            journal.set(key::page(&PROGRAM, index), Bytes::copy_from_slice(page));
        }
    }
    let call = Instruction::new_with_bytes(PROGRAM, &elf[..elf.len().min(64)], vec![]);
    let message = Message::new_with_blockhash(&[call], Some(&PAYER), &Hash::default());
    let transaction = VersionedTransaction {
        signatures: vec![Signature::default()],
        message: VersionedMessage::Legacy(message),
    };
    let options = SimulateOptions { sig_verify: false, replace_blockhash: true };
    VM.simulate(&mut journal, &env, &transaction, options).expect("memory");
});
