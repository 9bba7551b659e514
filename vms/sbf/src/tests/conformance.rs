//! The suite that every machine passes, over one sample of each way to end.

use super::world::{SOL, env, keypair, machine, payload, sign};
use crate::key;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;
use solana_system_interface::instruction as system;
use std::sync::Arc;
use weft_state::Key;
use weft_types::{AccountId, B256, Bytes, Height, U256};
use weft_vm::conformance::{self, Expect, Fixture, Sample};
use weft_vm::{BlockEnv, Vm};

const SENDERS: u8 = 8;
const PARENT: B256 = B256::repeat_byte(0x77);
const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
/// Gas of a compute unit.
const RATE: u64 = 3;

struct Sbf;

/// A sample whose gas limit is set by its compute budget instruction.
fn sample(who: u8, name: &'static str, units: u32, expect: Expect, instructions: Vec<Instruction>) -> Sample {
    let make = move |units: u32, who: &Keypair| {
        let mut all = vec![ComputeBudgetInstruction::set_compute_unit_limit(units)];
        all.extend(instructions.clone());
        sign(who, &[], &all, Hash::new_from_array(PARENT.0))
    };
    let fixed = crate::cost::static_units(&make(units, &keypair(who)));
    let gas_limit = (u64::from(units) + fixed) * RATE;
    let make = move |gas: u64| {
        let units = (gas / RATE).saturating_sub(fixed);
        payload(&make(u32::try_from(units).expect("small"), &keypair(who)))
    };
    Sample { name, gas_limit, expect, make: Box::new(make) }
}

impl Fixture for Sbf {
    fn vm(&self) -> Arc<dyn Vm> {
        Arc::new(machine(true))
    }

    fn block(&self) -> BlockEnv {
        env(1, 1_760_000_000_400, PARENT)
    }

    fn accounts(&self) -> Vec<(AccountId, U256)> {
        // With dust, which no sample may lose.
        let wei = U256::from(SOL) * U256::from(SOL) + U256::from(123_456_789);
        (1..=SENDERS).map(|who| (key::account_id(&keypair(who).pubkey()), wei)).collect()
    }

    fn samples(&self) -> Vec<Sample> {
        use Expect::{Halted, Rejected, Reverted, Success};
        let from = |who: u8| keypair(who).pubkey();
        let to = Pubkey::new_from_array([0x99; 32]);
        let memo = move |who: u8, text: &[u8]| {
            Instruction::new_with_bytes(
                MEMO,
                text,
                vec![solana_instruction::AccountMeta::new_readonly(from(who), true)],
            )
        };
        let create = system::create_account_with_seed(
            &from(4),
            &Pubkey::create_with_seed(&from(4), "seed", &MEMO).expect("short"),
            &from(4),
            "seed",
            SOL / 100,
            200,
            &MEMO,
        );
        let unknown = Instruction::new_with_bytes(Pubkey::new_from_array([0x55; 32]), &[], vec![]);
        vec![
            sample(1, "transfer", 1_000, Success, vec![system::transfer(&from(1), &to, SOL / 10)]),
            sample(2, "overdraft", 1_000, Reverted, vec![system::transfer(&from(2), &to, SOL * 2)]),
            sample(3, "memo", 30_000, Success, vec![memo(3, b"said")]),
            sample(4, "create with data", 1_000, Success, vec![create]),
            sample(5, "not text", 30_000, Halted, vec![memo(5, &[0xff, 0xfe])]),
            sample(6, "no such program", 1_000, Halted, vec![unknown]),
            sample(
                7,
                "undone by the second",
                30_000,
                Reverted,
                vec![system::transfer(&from(7), &to, SOL / 10), system::transfer(&from(7), &to, SOL * 2)],
            ),
            Sample {
                name: "old blockhash",
                gas_limit: RATE * (203_000 + 720 + 600 + 3),
                expect: Rejected,
                make: Box::new(move |_| {
                    let transfer = system::transfer(&keypair(8).pubkey(), &system_program::ID, 1);
                    payload(&sign(&keypair(8), &[], &[transfer, memo(8, b"")], Hash::new_from_array([5; 32])))
                }),
            },
        ]
    }

    fn queries(&self) -> Vec<Bytes> {
        let account = |key: &Pubkey| Bytes::from([&[0][..], key.as_ref()].concat());
        let transfer = system::transfer(&keypair(1).pubkey(), &MEMO, 5);
        let run = payload(&sign(&keypair(1), &[], &[transfer], Hash::default()));
        vec![
            account(&MEMO),
            account(&solana_sdk_ids::sysvar::clock::ID),
            [&[1][..], &run].concat().into(),
            Bytes::from_static(b"?"),
        ]
    }

    fn kept_on_failure(&self, _sender: AccountId) -> Vec<Key> {
        // That its message was in a block: no message runs twice.
        (0..=u8::MAX).map(|bucket| key::processed(Height(0), bucket)).collect()
    }
}

#[test]
fn passes_the_conformance_suite() {
    conformance::run(&Sbf, 0x0073_6266);
}
