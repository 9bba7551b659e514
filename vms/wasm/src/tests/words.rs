//! What is told by words, and when: at intake or in the block, as on other chains.

use super::ante::{GAS, draft};
use super::world::{self, Draft, User, World, any, coin, user};
use crate::address;
use crate::code::abci_error;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, Output};
use weft_state::Journal;

#[test]
fn a_message_to_many_is_checked_when_it_runs() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let input = |from: &User, amount| Input { address: from.address.clone(), coins: vec![coin(amount)] };
    let output = |to: &str, amount| Output { address: to.to_owned(), coins: vec![coin(amount)] };
    let bob_text = bob.address.as_str();
    let cases = [
        (vec![output(bob_text, 2)], ("bank", 4), "sum inputs != sum outputs"),
        (Vec::new(), ("bank", 3), "no outputs to send transaction"),
        (
            vec![output("nobody", 3)],
            ("sdk", 7),
            "invalid output address: decoding bech32 failed: invalid address",
        ),
        (vec![output(bob_text, 0)], ("sdk", 10), "0awei: invalid coins"),
    ];
    for (sequence, (outputs, (space, code), text)) in cases.into_iter().enumerate() {
        let msg = any(&MsgMultiSend { inputs: vec![input(&alice, 3)], outputs });
        let mut tx = Draft::new(vec![msg], GAS);
        tx.sequence = sequence as u64;
        let (_, detail) = world.run(&tx.sign(&[&alice])).expect("it is in the block");
        assert_eq!((detail.codespace.as_str(), detail.code), (space, code), "{}", detail.log);
        assert_eq!(detail.log, format!("failed to execute message; message index: 0: {text}"));
    }
    // Who must sign is told before.
    for (inputs, expected) in [(vec![input(&alice, 1), input(&bob, 1)], 2), (Vec::new(), 0)] {
        let msg = any(&MsgMultiSend { inputs, outputs: vec![output(bob_text, 2)] });
        let error = abci_error(&world.run(&Draft::new(vec![msg], GAS).sign(&[&alice])).expect_err("refused"));
        let text = format!("wrong number of signers; expected {expected}, got 1: unauthorized");
        assert_eq!((error.code, error.log), (4, text));
    }
    // And where all have, it fails all the same.
    let mut world = World::new(&[&alice, &bob]);
    let msg = any(&MsgMultiSend {
        inputs: vec![input(&alice, 1), input(&bob, 1)],
        outputs: vec![output(bob_text, 2)],
    });
    let (_, detail) =
        world.run(&Draft::new(vec![msg], GAS).sign(&[&alice, &bob])).expect("it is in the block");
    assert_eq!((detail.codespace.as_str(), detail.code), ("bank", 9));
}

#[test]
fn a_simulation_takes_any_key() {
    let (alice, bob) = (user(1), user(2));
    let world = World::new(&[&alice]);
    let raw = draft(&alice, &bob).sign(&[&bob]);
    let mut journal = Journal::new(&*world.state);
    let simulated = world.vm.simulate(&mut journal, &world.env, &raw).expect("memory");
    assert_eq!(simulated.detail.code, 0, "{}", simulated.detail.log);
}

#[test]
fn errors_are_worded_as_on_other_chains() {
    let (alice, bob) = (user(1), user(2));
    let mut world = World::new(&[&alice]);
    let number = crate::auth::account_number(&address::decode(&alice.address).expect("an address"));
    let chain = crate::chain_id(world::CHAIN);
    let mut text =
        |tx: &Draft, signer: &User| abci_error(&world.run(&tx.sign(&[signer])).expect_err("refused")).log;
    let mut memo = draft(&alice, &bob);
    memo.body.memo = "m".repeat(257);
    assert_eq!(
        text(&memo, &alice),
        "maximum number of characters is 256 but received 257 characters: memo too large"
    );
    let foreign = Draft { chain_id: "weft-1".into(), ..draft(&alice, &bob) };
    assert_eq!(
        text(&foreign, &alice),
        format!(
            "signature verification failed; please verify account number ({number}) and chain-id ({chain}): \
             (unable to verify single signer signature): unauthorized"
        )
    );
    let address = &alice.address;
    assert_eq!(
        text(&draft(&alice, &bob), &bob),
        format!("pubKey does not match signer address {address} with signer index: 0: invalid pubkey")
    );
    let mut rich = draft(&alice, &bob);
    rich.fee.amount = vec![coin(2 * 10_u128.pow(18))];
    let (has, needs) = (10_u128.pow(18), 2 * 10_u128.pow(18));
    assert_eq!(
        text(&rich, &alice),
        format!(
            "spendable balance {has}awei is smaller than {needs}awei: insufficient funds: insufficient funds"
        )
    );
    let mut unknown = draft(&alice, &bob);
    unknown.body.messages[0].value.extend_from_slice(&[0xa2, 0x06, 0]);
    assert_eq!(
        text(&unknown, &alice),
        "errUnknownField \"*types.MsgSend\": {TagNum: 100, WireType:\"bytes\"}: tx parse error"
    );
}
