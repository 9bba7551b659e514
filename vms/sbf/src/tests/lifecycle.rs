//! What a chain does for Solana programs: dust, tokens, deployments, lookup tables, nonces, expiry.

use super::world::{SOL, World, keypair, machine, sign};
use crate::code::transaction_error;
use crate::{BLOCK_HEIGHT_MS, BLOCKHASH_HEIGHTS};
use solana_account::ReadableAccount;
use solana_instruction::error::InstructionError;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_loader_v3_interface::instruction as loader;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{bpf_loader_upgradeable, sysvar};
use solana_signer::Signer;
use solana_system_interface::instruction as system;
use solana_transaction_error::TransactionError;
use weft_state::Journal;
use weft_types::{AccountId, Address, U256};
use weft_vm::BlockPhase;
use weft_vm::Vm;

const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

fn world() -> (World, Keypair) {
    let payer = keypair(1);
    (World::new(machine(true), &[payer.pubkey()]), payer)
}

fn memo(text: &str) -> Instruction {
    Instruction::new_with_bytes(MEMO, text.as_bytes(), vec![])
}

#[test]
fn a_transfer_moves_lamports_and_keeps_dust() {
    let (mut world, payer) = world();
    let evm = AccountId::from_evm(Address::repeat_byte(7));
    let to = Pubkey::new_from_array(evm.0.0);
    let detail = world.run(&payer, &[], &[system::transfer(&payer.pubkey(), &to, SOL)]);
    assert_eq!((detail.fee, detail.compute_units), (5_000, 150));
    assert_eq!(detail.pre_balances[0] - detail.post_balances[0], SOL + 5_000);
    assert_eq!(world.wei(evm), crate::accounts::wei(SOL));
    let (held, supply) = world.supply();
    assert_eq!(held, supply);
}

#[test]
fn sysvars_are_right_block_by_block() {
    let (mut world, _) = world();
    for _ in 0..600 {
        world.block(1_000, Vec::new());
    }
    let data = |id: &Pubkey| world.account(id).expect("a sysvar").data().to_vec();
    let clock: solana_clock::Clock = bincode::deserialize(&data(&sysvar::clock::ID)).expect("a clock");
    assert_eq!(clock.slot, 601);
    assert_eq!(clock.unix_timestamp, 1_760_000_600);
    assert_eq!(clock.epoch_start_timestamp, 1_760_000_000);
    let hashes: Vec<(u64, solana_hash::Hash)> =
        bincode::deserialize(&data(&sysvar::slot_hashes::ID)).expect("a list");
    assert_eq!(hashes.len(), 512);
    assert_eq!((hashes[0].0, hashes[511].0), (600, 89));
    assert_eq!(hashes[0].1.as_bytes(), &world.env.parent_hash.0);
    // What is too old to be named is gone from the state too.
    let mut journal = Journal::new(&*world.state);
    let from = crate::key::block(weft_types::Height(0));
    let kept = journal.range(&from, &crate::key::block(weft_types::Height(1_000)), 10_000).expect("memory");
    assert_eq!(kept.len(), 512);
}

#[test]
fn blockhashes_expire_by_time_and_nothing_runs_twice() {
    let (mut world, payer) = world();
    let transaction = |world: &World, salt: &str| sign(&payer, &[], &[memo(salt)], world.blockhash());
    let error = |result: &Result<crate::Detail, weft_vm::Reject>| {
        transaction_error(result.as_ref().expect_err("not in the block")).expect("an error of Solana's")
    };
    let (old, older) = (transaction(&world, "a"), transaction(&world, "b"));
    // The block that they name was made now: many fast blocks do not age it.
    for _ in 0..1_000 {
        world.block(10, Vec::new());
    }
    let twice = world.block(10, vec![old.clone(), old.clone()]);
    assert!(twice[0].is_ok());
    assert_eq!(error(&twice[1]), TransactionError::AlreadyProcessed);
    assert_eq!(error(&world.block(10, vec![old.clone()])[0]), TransactionError::AlreadyProcessed);
    let mut left = BLOCKHASH_HEIGHTS * BLOCK_HEIGHT_MS - 1_002 * 10;
    while left > crate::PAUSE_MS_MAX {
        world.block(crate::PAUSE_MS_MAX, Vec::new());
        left -= crate::PAUSE_MS_MAX;
    }
    let second = sign(&payer, &[], &[memo("c")], older.message.recent_blockhash().to_owned());
    assert!(world.block(left, vec![older])[0].is_ok());
    assert_eq!(error(&world.block(BLOCK_HEIGHT_MS, vec![second])[0]), TransactionError::BlockhashNotFound);
}

#[test]
fn a_chain_that_rests_for_an_hour_takes_the_blockhash_that_everybody_has() {
    let (mut world, payer) = world();
    let (now, later) = (memo("now"), memo("a block later"));
    let (now, later) =
        (sign(&payer, &[], &[now], world.blockhash()), sign(&payer, &[], &[later], world.blockhash()));
    assert!(world.block(3_600_000, vec![now])[0].is_ok());
    assert!(world.block(60_000, vec![later])[0].is_ok());
}

fn deploy(
    world: &mut World,
    payer: &Keypair,
    program: &Keypair,
    elf: &[u8],
) -> Result<crate::Detail, weft_vm::Reject> {
    let buffer = Keypair::new_from_array([0xb0; 32]);
    let space = UpgradeableLoaderState::size_of_buffer(elf.len());
    let rent = world.vm.rent();
    let create = loader::create_buffer(
        &payer.pubkey(),
        &buffer.pubkey(),
        &payer.pubkey(),
        rent.minimum_balance(space),
        elf.len(),
    );
    world.run(payer, &[&buffer], &create.expect("a buffer"));
    for (index, chunk) in elf.chunks(900).enumerate() {
        let offset = u32::try_from(index * 900).expect("small");
        let write = loader::write(&buffer.pubkey(), &payer.pubkey(), offset, chunk.to_vec());
        world.run(payer, &[], &[write]);
    }
    let lamports = rent.minimum_balance(UpgradeableLoaderState::size_of_program());
    let instructions = loader::deploy_with_max_program_len(
        &payer.pubkey(),
        &program.pubkey(),
        &buffer.pubkey(),
        &payer.pubkey(),
        lamports,
        elf.len(),
    );
    #[allow(deprecated, reason = "what the CLI sends")]
    world.send(payer, &[program], &instructions.expect("a deployment"))
}

#[test]
fn lamports_can_be_wrapped() {
    let (mut world, payer) = world();
    for (program, mint) in [
        (crate::index::TOKEN, "So11111111111111111111111111111111111111112"),
        (crate::index::TOKEN_2022, "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXejP"),
    ] {
        let mint = Pubkey::from_str_const(mint);
        let create = spl_associated_token_account_interface::instruction::create_associated_token_account(
            &payer.pubkey(),
            &payer.pubkey(),
            &mint,
            &program,
        );
        let wallet = create.accounts[1].pubkey;
        let pay = system::transfer(&payer.pubkey(), &wallet, 5 * SOL);
        // SyncNative
        let sync = Instruction::new_with_bytes(program, &[17], vec![AccountMeta::new(wallet, false)]);
        let detail = world.run(&payer, &[], &[create, pay, sync]);
        let balance = &detail.post_token_balances[0];
        assert_eq!((balance.amount, balance.decimals, balance.mint), (5 * SOL, 9, mint));
    }
}

fn memo_elf(world: &World) -> Vec<u8> {
    world.account(&MEMO).expect("the memo program").data().to_vec()
}

#[test]
fn a_program_is_callable_a_block_after_it_was_deployed() {
    let (mut world, payer) = world();
    let elf = memo_elf(&world);
    let program = keypair(9);
    let deployed = deploy(&mut world, &payer, &program, &elf).expect("it is in the block");
    assert_eq!(deployed.err, None, "{:#?}", deployed.logs);
    let call = Instruction::new_with_bytes(program.pubkey(), b"hello", vec![]);
    let detail = world.run(&payer, &[], &[call.clone()]);
    assert!(detail.logs.iter().any(|line| line.contains("hello")), "{:#?}", detail.logs);
    // Caches forgotten, programs interpreted: the same result, to the compute unit.
    world.vm.runtime.programs.clear();
    world.vm.data.clear();
    world.vm.contexts.clear();
    let again = world.run(&payer, &[], &[call.clone()]);
    assert_eq!((again.logs, again.compute_units), (detail.logs, detail.compute_units));
    // Closed, it is gone at once.
    let data = solana_loader_v3_interface::get_program_data_address(&program.pubkey());
    let close = loader::close_any(&data, &payer.pubkey(), Some(&payer.pubkey()), Some(&program.pubkey()));
    world.run(&payer, &[], &[close]);
    let gone = world.send(&payer, &[], &[call]).expect("it pays");
    assert!(gone.err.is_some());
}

#[test]
fn an_elf_that_is_none_is_refused_by_the_loader() {
    let elf = memo_elf(&world().0);
    let mut bad_version = elf.clone();
    bad_version[48] = 9;
    for (name, elf) in
        [("cut", elf[..elf.len() / 2].to_vec()), ("version", bad_version), ("noise", vec![7; 5_000])]
    {
        let (mut world, payer) = world();
        let refused = deploy(&mut world, &payer, &keypair(9), &elf).expect("it pays");
        let expected = TransactionError::InstructionError(1, InstructionError::InvalidAccountData);
        assert_eq!(refused.err, Some(expected), "{name}: {:#?}", refused.logs);
    }
}

#[test]
fn a_wrong_program_does_not_come_from_a_cache_after_a_void_block() {
    let (mut world, payer) = world();
    let program = keypair(9);
    let elf = memo_elf(&world);
    deploy(&mut world, &payer, &program, &elf)
        .expect("in the block")
        .err
        .is_none()
        .then_some(())
        .expect("deployed");
    let call = Instruction::new_with_bytes(program.pubkey(), b"hello", vec![]);
    let before = (std::sync::Arc::clone(&world.state), world.env.clone());
    world.run(&payer, &[], &[call.clone()]);
    // The block is void, and one at its height closes the program.
    (world.state, world.env) = before;
    let data = solana_loader_v3_interface::get_program_data_address(&program.pubkey());
    let close = loader::close_any(&data, &payer.pubkey(), Some(&payer.pubkey()), Some(&program.pubkey()));
    world.run(&payer, &[], &[close]);
    assert!(world.send(&payer, &[], &[call]).expect("it pays").err.is_some());
}

#[test]
fn a_lookup_table_serves_v0_transactions_a_block_later() {
    use solana_address_lookup_table_interface::{instruction as table, state::AddressLookupTable};
    use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
    use solana_transaction::versioned::VersionedTransaction;
    let (mut world, payer) = world();
    let (create, address) = table::create_lookup_table(payer.pubkey(), payer.pubkey(), world.env.height.0);
    world.run(&payer, &[], &[create]);
    let to = Pubkey::new_from_array([0x42; 32]);
    let extend = table::extend_lookup_table(address, payer.pubkey(), Some(payer.pubkey()), vec![to]);
    let uses = |world: &World| {
        let tables = [AddressLookupTableAccount { key: address, addresses: vec![to] }];
        let transfer = system::transfer(&payer.pubkey(), &to, SOL);
        let message = v0::Message::try_compile(&payer.pubkey(), &[transfer], &tables, world.blockhash());
        let message = VersionedMessage::V0(message.expect("a message"));
        assert_eq!(message.static_account_keys().len(), 2);
        VersionedTransaction::try_new(message, &[&payer]).expect("signed")
    };
    let extended = sign(&payer, &[], &[extend], world.blockhash());
    let early = uses(&world);
    let results = world.block(400, vec![extended, early]);
    assert_eq!(results[0].as_ref().expect("in the block").err, None);
    let error = transaction_error(results[1].as_ref().expect_err("not yet active"));
    assert_eq!(error, Some(TransactionError::InvalidAddressLookupTableIndex));
    let used = uses(&world);
    let detail = world.block(400, vec![used]).pop().expect("one").expect("in the block");
    assert_eq!((detail.err, detail.loaded_writable), (None, vec![to]));
    assert_eq!(world.account(&to).expect("paid").lamports(), SOL);
    let data = world.account(&address).expect("a table");
    assert_eq!(AddressLookupTable::deserialize(data.data()).expect("a table").addresses.len(), 1);
}

#[test]
fn a_durable_nonce_outlives_blockhashes_and_advances_even_in_failure() {
    let (mut world, payer) = world();
    let nonce = keypair(5);
    let lamports = world.vm.rent().minimum_balance(80);
    let create = system::create_nonce_account(&payer.pubkey(), &nonce.pubkey(), &payer.pubkey(), lamports);
    world.run(&payer, &[&nonce], &create);
    let value = |world: &World| stored(&world.account(&nonce.pubkey()).expect("a nonce"));
    let first = value(&world);
    let advance = system::advance_nonce_account(&nonce.pubkey(), &payer.pubkey());
    let overdraft = system::transfer(&payer.pubkey(), &nonce.pubkey(), u64::MAX / 2);
    let transaction = sign(&payer, &[], &[advance, overdraft], first);
    for _ in 0..5 {
        world.block(1_000_000, Vec::new());
    }
    let failed = world.block(400, vec![transaction.clone()]).pop().expect("one").expect("it pays");
    assert!(matches!(failed.err, Some(TransactionError::InstructionError(1, _))), "{failed:?}");
    assert_ne!(value(&world), first);
    let again = world.block(400, vec![transaction]).pop().expect("one").expect_err("its nonce is gone");
    assert_eq!(transaction_error(&again), Some(TransactionError::BlockhashNotFound));
}

fn stored(account: &solana_account::AccountSharedData) -> solana_hash::Hash {
    // `version u32 | state u32 | authority 32 | nonce 32`
    solana_hash::Hash::new_from_array(account.data()[40..72].try_into().expect("32 bytes"))
}

#[test]
fn refused_with_solanas_own_errors() {
    let (mut world, payer) = world();
    let error = |result: Result<crate::Detail, weft_vm::Reject>| {
        transaction_error(&result.expect_err("not in the block")).expect("an error of Solana's")
    };
    let mut forged = sign(&payer, &[], &[memo("x")], world.blockhash());
    forged.signatures[0] = keypair(3).sign_message(b"another");
    assert_eq!(error(world.block(400, vec![forged]).pop().expect("one")), TransactionError::SignatureFailure);

    let long = sign(&payer, &[], &[memo(&"x".repeat(1_200))], world.blockhash());
    assert_eq!(error(world.block(400, vec![long]).pop().expect("one")), TransactionError::SanitizeFailure);

    let stranger = keypair(77);
    assert_eq!(error(world.send(&stranger, &[], &[memo("x")])), TransactionError::AccountNotFound);

    let mut twice = sign(&payer, &[], &[system::transfer(&payer.pubkey(), &MEMO, 1)], world.blockhash());
    if let solana_message::VersionedMessage::Legacy(message) = &mut twice.message {
        message.account_keys[1] = payer.pubkey();
        twice.signatures[0] = payer.sign_message(&message.serialize());
    }
    assert_eq!(
        error(world.block(400, vec![twice]).pop().expect("one")),
        TransactionError::AccountLoadedTwice
    );
}

#[test]
fn an_account_list_over_the_lock_limit_is_refused() {
    use solana_address_lookup_table_interface::instruction as table;
    use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
    use solana_transaction::versioned::VersionedTransaction;
    let (mut world, payer) = world();
    let (create, address) = table::create_lookup_table(payer.pubkey(), payer.pubkey(), world.env.height.0);
    world.run(&payer, &[], &[create]);
    let many: Vec<Pubkey> = (1..=70).map(|byte| Pubkey::new_from_array([byte; 32])).collect();
    for chunk in many.chunks(20) {
        let extend =
            table::extend_lookup_table(address, payer.pubkey(), Some(payer.pubkey()), chunk.to_vec());
        world.run(&payer, &[], &[extend]);
    }
    let accounts = many.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect();
    let call = Instruction::new_with_bytes(MEMO, b"", accounts);
    let tables = [AddressLookupTableAccount { key: address, addresses: many }];
    let message =
        v0::Message::try_compile(&payer.pubkey(), &[call], &tables, world.blockhash()).expect("compiles");
    let transaction =
        VersionedTransaction::try_new(VersionedMessage::V0(message), &[&payer]).expect("signed");
    let refused = world.block(400, vec![transaction]).pop().expect("one").expect_err("too many");
    assert_eq!(transaction_error(&refused), Some(TransactionError::TooManyAccountLocks));
}

#[test]
fn joining_later_installs_the_same_programs() {
    let vm = machine(true);
    let mut journal = Journal::new(&weft_state::EmptyState);
    let env = super::world::env(50, 1_760_000_900_000, weft_types::B256::repeat_byte(3));
    vm.on_block(&mut journal, &env, BlockPhase::Begin).expect("memory");
    journal.end_transaction().expect("what was minted was credited");
    let account = vm.account(&mut journal, &env, &MEMO).expect("memory").expect("the memo program");
    assert!(account.executable());
    assert!(journal.supply().expect("memory") > U256::ZERO);
    assert_eq!(bpf_loader_upgradeable::ID.to_string(), "BPFLoaderUpgradeab1e11111111111111111111111");
}
