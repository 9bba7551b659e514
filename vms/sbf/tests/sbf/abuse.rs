//! Transactions that no client makes: refused before anything runs, with Solana's own error.

use crate::programs::MEMO;
use crate::world::{World, keypair, machine, sign};
use solana_instruction::Instruction;
use solana_message::{VersionedMessage, v0};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;

fn memo() -> Instruction {
    Instruction::new_with_bytes(MEMO, b"x", vec![])
}

fn world() -> World {
    World::new(machine(true), &[keypair(1).pubkey()])
}

fn refused(world: &mut World, payload: &[u8]) -> TransactionError {
    let reject = world.payload(payload).expect_err("it is not in the block");
    weft_sbf::transaction_error(&reject).expect("an error of Solana's")
}

fn bytes(transaction: &VersionedTransaction) -> Vec<u8> {
    bincode::serialize(transaction).expect("a transaction")
}

/// A transaction whose message was changed, signed as it is then.
fn changed(world: &World, change: impl FnOnce(&mut solana_message::Message)) -> Vec<u8> {
    let mut transaction = sign(&keypair(1), &[], &[memo()], world.blockhash());
    if let VersionedMessage::Legacy(message) = &mut transaction.message {
        change(message);
    }
    transaction.signatures[0] = keypair(1).sign_message(&transaction.message.serialize());
    bytes(&transaction)
}

#[test]
fn bytes_that_are_no_transaction_are_refused() {
    let mut world = world();
    let good = bytes(&sign(&keypair(1), &[], &[memo()], world.blockhash()));
    let mut cases = vec![vec![], [&good[..], &[0]].concat()];
    // Lengths that go on for ever, are longer than they need be, or promise more than there is.
    for length in [&[0xff, 0xff, 0xff, 0xff][..], &[0x81, 0x00], &[0xff, 0xff, 0x03], &[0x7f]] {
        cases.push([length, &good[1..]].concat());
    }
    cases.extend((0..good.len()).map(|len| good[..len].to_vec()));
    for case in cases {
        assert_eq!(refused(&mut world, &case), TransactionError::SanitizeFailure, "{case:?}");
    }
    assert!(world.payload(&good).is_ok());
}

#[test]
fn later_versions_are_refused() {
    let mut world = world();
    let message = v0::Message::try_compile(&keypair(1).pubkey(), &[memo()], &[], world.blockhash());
    let message = VersionedMessage::V0(message.expect("a message"));
    let good = bytes(&VersionedTransaction::try_new(message, &[&keypair(1)]).expect("signed"));
    for version in 1..128 {
        let mut other = good.clone();
        other[65] = 0x80 | version;
        let error = refused(&mut world, &other);
        assert!(
            matches!(error, TransactionError::SanitizeFailure | TransactionError::UnsupportedVersion),
            "{version}: {error}"
        );
    }
    assert!(world.payload(&good).is_ok());
}

#[test]
fn indexes_that_name_nothing_are_refused() {
    let mut world = world();
    let program = changed(&world, |message| message.instructions[0].program_id_index = 9);
    let payer = changed(&world, |message| message.instructions[0].program_id_index = 0);
    let account = changed(&world, |message| message.instructions[0].accounts = vec![0, 200]);
    let signers = changed(&world, |message| message.header.num_required_signatures = 2);
    let readonly = changed(&world, |message| message.header.num_readonly_signed_accounts = 1);
    for (name, payload) in [
        ("program", program),
        ("payer", payer),
        ("account", account),
        ("signers", signers),
        ("readonly", readonly),
    ] {
        assert_eq!(refused(&mut world, &payload), TransactionError::SanitizeFailure, "{name}");
    }
}

#[test]
fn more_than_64_instructions_are_refused() {
    let mut world = world();
    let empty = Instruction::new_with_bytes(MEMO, b"", vec![]);
    let many =
        |world: &World, count| bytes(&sign(&keypair(1), &[], &vec![empty.clone(); count], world.blockhash()));
    let most = many(&world, 64);
    assert!(world.payload(&most).is_ok_and(|outcome| outcome.status.is_success()));
    let more = many(&world, 65);
    assert_eq!(refused(&mut world, &more), TransactionError::SanitizeFailure);
}

#[test]
fn a_nonce_that_is_not_there_counts_as_an_unknown_blockhash() {
    let mut world = world();
    let payer = keypair(1);
    let nobody = keypair(77).pubkey();
    let advance = solana_system_interface::instruction::advance_nonce_account(&nobody, &payer.pubkey());
    let unknown = solana_hash::Hash::new_from_array([9; 32]);
    let payload = bytes(&sign(&payer, &[], &[advance], unknown));
    assert_eq!(refused(&mut world, &payload), TransactionError::BlockhashNotFound);
}
