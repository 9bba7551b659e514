//! What comes before messages: form, signatures, sequence, fee; and that messages are all or nothing.

use super::world::{self, BASE_FEE, Draft, User, World, coin, env, send, user};
use crate::code::abci_error;
use crate::{Fault, address};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse, TxRaw};
use prost::Message as _;
use weft_state::Journal;
use weft_types::{Bytes, Height, Status, U256};
use weft_vm::RejectKind;

pub(super) const GAS: u64 = 200_000;

fn fixed_fee() -> U256 {
    U256::from(GAS * BASE_FEE)
}

/// Codespace sdk's code with which a payload is rejected.
fn rejected(world: &mut World, payload: &[u8]) -> u32 {
    let error = abci_error(&world.run(payload).expect_err("rejected"));
    assert_eq!(error.codespace, "sdk", "{}", error.log);
    error.code
}

pub(super) fn draft(from: &User, to: &User) -> Draft {
    Draft::new(vec![send(from, to, 5)], GAS)
}

#[test]
fn a_transfer_pays_its_whole_fee_and_raises_the_sequence() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let before = world.balance(&alice);
    let mut tx = draft(&alice, &bob);
    tx.fee.amount = vec![coin(u128::from(GAS * BASE_FEE) + 1_000)];
    let (outcome, detail) = world.run(&tx.sign(&[&alice])).expect("it runs");
    assert_eq!((outcome.status, detail.code), (Status::Success, 0), "{}", detail.log);
    assert_eq!(outcome.fee, fixed_fee() + U256::from(1_000));
    assert_eq!(world.balance(&alice), before - outcome.fee - U256::from(5));
    assert_eq!(world.balance(&bob), U256::from(5));
    assert_eq!(world.sequence(&alice), 1);
    assert_eq!((detail.gas_wanted, detail.gas_used), (GAS, outcome.gas_used));
    let fee = detail.events.iter().find(|event| event.kind == "tx").expect("an event of the fee");
    assert_eq!(fee.get("fee_payer"), Some(alice.address.as_str()));
    let moved = detail.events.iter().filter(|event| event.kind == "transfer").next_back().expect("one");
    assert_eq!((moved.get("recipient"), moved.get("msg_index")), (Some(bob.address.as_str()), Some("0")));
}

#[test]
fn a_key_need_not_be_named() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let mut tx = draft(&alice, &bob);
    tx.name_key = false;
    world.run(&tx.sign(&[&alice])).expect("the signature tells the key");
    assert_eq!(rejected(&mut world, &tx.sign(&[&bob])), 4);
}

#[test]
fn sequences_go_up_by_one() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let mut tx = draft(&alice, &bob);
    let first = tx.sign(&[&alice]);
    world.run(&first).expect("it runs");
    let replayed = world.run(&first).expect_err("used");
    assert_eq!((replayed.kind, abci_error(&replayed).code), (RejectKind::Stale, 32));
    assert_eq!(replayed.message, "account sequence mismatch, expected 1, got 0: incorrect account sequence");
    tx.sequence = 2;
    assert_eq!(world.run(&tx.sign(&[&alice])).expect_err("ahead").kind, RejectKind::NonceGap);
    tx.sequence = 1;
    world.run(&tx.sign(&[&alice])).expect("it runs");
}

#[test]
fn forged_and_foreign_signatures_are_refused() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice, &bob]);
    // Signed by another key, named or not.
    assert_eq!(rejected(&mut world, &draft(&alice, &bob).sign(&[&bob])), 8);
    let mut foreign = draft(&alice, &bob);
    foreign.chain_id = "weft-1".into();
    assert_eq!(rejected(&mut world, &foreign.sign(&[&alice])), 4);
    let good = TxRaw::decode(&*draft(&alice, &bob).sign(&[&alice])).expect("a transaction");
    for bit in [0, 100, 511] {
        let mut forged = good.clone();
        forged.signatures[0][bit / 8] ^= 1 << (bit % 8);
        assert_eq!(rejected(&mut world, &forged.encode_to_vec()), 4);
    }
    let unsigned = TxRaw { signatures: Vec::new(), ..good.clone() };
    assert_eq!(rejected(&mut world, &unsigned.encode_to_vec()), 15);
    let twice = TxRaw { signatures: vec![good.signatures[0].clone(); 2], ..good.clone() };
    assert_eq!(rejected(&mut world, &twice.encode_to_vec()), 4);
    world.run(&good.encode_to_vec()).expect("itself, it runs");
}

#[test]
fn nobody_but_the_signer_can_change_the_hash() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let good = draft(&alice, &bob).sign(&[&alice]);
    let mut longer = good.to_vec();
    longer.extend_from_slice(&[0x22, 0x01, 0x00]);
    assert_eq!(rejected(&mut world, &longer), 2);
    // The same fields in another order.
    let raw = TxRaw::decode(&*good).expect("a transaction");
    let body = TxRaw { body_bytes: raw.body_bytes.clone(), ..TxRaw::default() }.encode_to_vec();
    let rest = TxRaw { body_bytes: Vec::new(), ..raw }.encode_to_vec();
    assert_eq!(rejected(&mut world, &[rest, body].concat()), 2);
    world.run(&good).expect("itself, it runs");
}

#[test]
fn what_the_chain_does_not_take_is_refused_by_its_code() {
    let (alice, bob) = (user(1), user(2));
    type Bend = fn(&mut Draft);
    let cases: [(u32, Bend); 11] = [
        (2, |tx| tx.body.messages[0].type_url = "/cosmos.staking.v1beta1.MsgDelegate".into()),
        (18, |tx| tx.body.messages.clear()),
        (31, |tx| tx.body.extension_options = vec![Any::default()]),
        (12, |tx| tx.body.memo = "m".repeat(257)),
        (30, |tx| tx.body.timeout_height = 4),
        (13, |tx| tx.fee.amount.clear()),
        (13, |tx| tx.fee.amount[0].denom = "uatom".into()),
        (13, |tx| tx.fee.amount = vec![coin(u128::from(GAS * BASE_FEE) - 1)]),
        (10, |tx| tx.fee.amount[0].amount = "-5".into()),
        (11, |tx| tx.fee.gas_limit = 10_000),
        (18, |tx| tx.fee.granter = user(3).address),
    ];
    let mut world = World::new(&[&alice]);
    for (index, (code, bend)) in cases.into_iter().enumerate() {
        let mut tx = draft(&alice, &bob);
        bend(&mut tx);
        assert_eq!(rejected(&mut world, &tx.sign(&[&alice])), code, "case {index}");
    }
    let mut poor = draft(&bob, &alice);
    assert_eq!(rejected(&mut world, &poor.sign(&[&bob])), 9);
    poor = draft(&alice, &bob);
    poor.fee.amount = vec![coin(2 * 10_u128.pow(18))];
    assert_eq!(rejected(&mut world, &poor.sign(&[&alice])), 5);
    let mut late = draft(&alice, &bob);
    late.body.timeout_height = env().height.0;
    world.run(&late.sign(&[&alice])).expect("just in time");
}

#[test]
fn a_message_has_no_field_that_nobody_knows() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    // Field 9, and the non-critical field 1,024, both varints of 1.
    for (field, code) in [(&[0x48, 1][..], Some(2)), (&[0x80, 0x40, 1], None)] {
        let mut tx = draft(&alice, &bob);
        tx.body.messages[0].value.extend_from_slice(field);
        match code {
            Some(code) => assert_eq!(rejected(&mut world, &tx.sign(&[&alice])), code),
            None => assert!(world.run(&tx.sign(&[&alice])).is_ok()),
        }
    }
}

#[test]
fn several_messages_are_all_or_nothing() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let before = world.balance(&alice);
    let messages = vec![send(&alice, &bob, 5), send(&alice, &bob, 10_u128.pow(18))];
    let (outcome, detail) =
        world.run(&Draft::new(messages, GAS).sign(&[&alice])).expect("it is in the block");
    assert_eq!(outcome.status, Status::Halted(5));
    assert_eq!((detail.codespace.as_str(), detail.code), ("sdk", 5));
    assert!(detail.log.starts_with("failed to execute message; message index: 1: "), "{}", detail.log);
    assert!(detail.data.is_empty());
    assert!(detail.events.iter().all(|event| event.get("msg_index").is_none()));
    assert_eq!(outcome.output, Bytes::from_static(b"\0\0\0\x05sdk"));
    assert_eq!((world.balance(&alice), world.balance(&bob)), (before - outcome.fee, U256::ZERO));
    assert_eq!(world.sequence(&alice), 1);
    let mut both = Draft::new(vec![send(&alice, &bob, 5), send(&alice, &bob, 6)], GAS);
    both.sequence = 1;
    let (_, detail) = world.run(&both.sign(&[&alice])).expect("it runs");
    assert_eq!((detail.code, world.balance(&bob)), (0, U256::from(11)));
}

#[test]
fn several_signers_each_sign_and_another_may_pay() {
    let (alice, bob, carol) = (user(1), user(2), user(3));
    let mut world = World::new(&[&alice, &bob, &carol]);
    let mut tx = Draft::new(vec![send(&alice, &bob, 5), send(&bob, &alice, 7)], GAS);
    tx.fee.payer = carol.address.clone();
    let before = world.balance(&carol);
    assert_eq!(rejected(&mut world, &tx.sign(&[&alice, &bob])), 4);
    assert_eq!(rejected(&mut world, &tx.sign(&[&bob, &alice, &carol])), 8);
    let (_, detail) = world.run(&tx.sign(&[&alice, &bob, &carol])).expect("it runs");
    assert_eq!(detail.code, 0, "{}", detail.log);
    assert_eq!(world.balance(&carol), before - fixed_fee());
    assert_eq!([&alice, &bob, &carol].map(|user| world.sequence(user)), [1; 3]);
    let many: Vec<User> = (1..=8).map(user).collect();
    let messages = many.iter().map(|from| send(from, &alice, 1)).collect();
    let signers: Vec<&User> = many.iter().collect();
    assert_eq!(rejected(&mut world, &Draft::new(messages, GAS).sign(&signers)), 2, "a bound of the form");
}

#[test]
fn accounts_are_seen_by_who_has_money_or_signed() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let account = |world: &World, of: &User| -> Result<BaseAccount, Fault> {
        let request = QueryAccountRequest { address: of.address.clone() }.encode_to_vec();
        let answer = world.query("/cosmos.auth.v1beta1.Query/Account", &request)?;
        let any = QueryAccountResponse::decode(answer.as_slice()).expect("its form").account.expect("one");
        assert_eq!(any.type_url, "/cosmos.auth.v1beta1.BaseAccount");
        Ok(BaseAccount::decode(any.value.as_slice()).expect("its form"))
    };
    let fresh = account(&world, &alice).expect("it has money");
    assert_eq!((fresh.sequence, fresh.pub_key), (0, None));
    let bytes = address::decode(&alice.address).expect("an address");
    assert_eq!(fresh.account_number, crate::auth::account_number(&bytes));
    let missing = account(&world, &bob).expect_err("nobody");
    assert_eq!(missing.code(), ("sdk", 22));
    let text = missing.to_string();
    assert!(text.starts_with("rpc error: code = NotFound desc = account weft1"), "{text}");
    world.run(&draft(&alice, &bob).sign(&[&alice])).expect("it runs");
    assert_eq!(account(&world, &bob).expect("it has money now").sequence, 0);
    let signed = account(&world, &alice).expect("it signed");
    assert_eq!((signed.sequence, signed.pub_key.is_some()), (1, true));
}

#[test]
fn what_a_simulation_says_suffices() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let mut tx = draft(&alice, &bob);
    tx.fee = Default::default();
    let mut unsigned = TxRaw::decode(&*tx.sign(&[&alice])).expect("a transaction");
    unsigned.signatures = vec![Vec::new()];
    let request = SimulateRequest { tx_bytes: unsigned.encode_to_vec(), ..Default::default() };
    let path = "/cosmos.tx.v1beta1.Service/Simulate";
    let answer = world.query(path, &request.encode_to_vec()).expect("simulated");
    let answer = SimulateResponse::decode(answer.as_slice()).expect("its form");
    let used = answer.gas_info.expect("gas").gas_used;
    assert_eq!(world.sequence(&alice), 0);
    let (outcome, detail) =
        world.run(&Draft::new(vec![send(&alice, &bob, 5)], used).sign(&[&alice])).expect("it runs");
    assert_eq!(detail.code, 0, "{} of {used}: {}", outcome.gas_used, detail.log);
    let mut stale = Journal::new(&*world.state);
    let simulated = world.vm.simulate(&mut stale, &world.env, &unsigned.encode_to_vec()).expect("memory");
    assert_eq!(simulated.detail.code, 32, "sequences are looked at");
}

#[test]
fn the_index_counts_within_a_block() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let count = |world: &World| {
        world.vm.count_in_block(&mut Journal::new(&*world.state), &world.env).expect("memory")
    };
    assert_eq!(count(&world), 0);
    world.run(&draft(&alice, &bob).sign(&[&alice])).expect("it runs");
    assert_eq!(count(&world), 1);
    world.env.height = Height(6);
    assert_eq!(count(&world), 0);
    assert_eq!(world::env().height, Height(5));
}
