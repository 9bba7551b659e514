//! [`World`]: blocks of SBF transactions over a state in memory.

use crate::{NEWEST_SPEC, SbfConfig, SbfVm, decoded};
use solana_account::AccountSharedData;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use std::sync::Arc;
use weft_state::{EmptyState, Journal, Overlay, StateRead, key};
use weft_types::{AccountId, B256, Bytes, DaHeight, GasRate, Height, U256};
use weft_vm::{BlockEnv, BlockPhase, Execution, FeeSplit, Reject, Vm};

pub(super) const SOL: u64 = 1_000_000_000;
const GENESIS_MS: u64 = 1_760_000_000_000;

/// A machine as genesis has it; with or without compiled programs.
pub(super) fn machine(jit: bool) -> SbfVm {
    let specs = vec![(DaHeight(0), NEWEST_SPEC.to_owned(), GasRate { numerator: 3, denominator: 1 })];
    SbfVm::new(SbfConfig { specs, jit }).expect("the newest rules")
}

pub(super) fn env(height: u64, timestamp_ms: u64, parent_hash: B256) -> BlockEnv {
    BlockEnv {
        chain_id: 31_337,
        height: Height(height),
        origin: DaHeight(9),
        parent_hash,
        timestamp_ms,
        prevrandao: B256::ZERO,
        gas_limit: 60_000_000,
        base_fee: 1_000,
        fee_recipient: AccountId(B256::repeat_byte(0xfe)),
        fees: FeeSplit {
            treasury: AccountId(B256::repeat_byte(0xfd)),
            base_to_recipient_bp: 1_234,
            base_to_treasury_bp: 3_333,
        },
    }
}

pub(super) struct World {
    pub(super) vm: SbfVm,
    pub(super) state: Arc<dyn StateRead>,
    pub(super) env: BlockEnv,
}

impl World {
    /// Height 1, with accounts of a thousand SOL each.
    pub(super) fn new(vm: SbfVm, funded: &[Pubkey]) -> Self {
        let mut journal = Journal::new(&EmptyState);
        let env0 = env(0, GENESIS_MS, B256::ZERO);
        for account in funded {
            let wei = crate::accounts::wei(1_000 * SOL);
            journal.mint(wei).expect("memory");
            journal.credit(crate::key::account_id(account), wei).expect("it fits");
        }
        vm.on_block(&mut journal, &env0, BlockPhase::Genesis).expect("memory");
        journal.end_transaction().expect("what was minted was credited");
        let changes = journal.into_changes().expect("memory");
        let state: Arc<dyn StateRead> = Arc::new(Overlay::new(Arc::new(EmptyState), Arc::new(changes)));
        let mut world = Self { vm, state, env: env0 };
        world.block(400, Vec::new());
        world
    }

    /// What a transaction should name.
    pub(super) fn blockhash(&self) -> Hash {
        Hash::new_from_array(self.next_env(0).parent_hash.0)
    }

    fn next_env(&self, after_ms: u64) -> BlockEnv {
        let parent = B256::new(weft_types::hash::sha256("test", &[&self.env.height.0.to_be_bytes()]).0);
        env(self.env.height.0 + 1, self.env.timestamp_ms + after_ms, parent)
    }

    /// Makes the next block of `transactions`, `after_ms` after the last one; what became of each.
    pub(super) fn block(
        &mut self,
        after_ms: u64,
        transactions: Vec<VersionedTransaction>,
    ) -> Vec<Result<crate::Detail, Reject>> {
        self.env = self.next_env(after_ms);
        let mut journal = Journal::new(&*self.state);
        self.vm.on_block(&mut journal, &self.env, BlockPhase::Begin).expect("memory");
        journal.end_transaction().expect("a hook conserves balances");
        let results = transactions.into_iter().map(|transaction| {
            let payload = bincode::serialize(&transaction).expect("a transaction");
            let checked = self.vm.check(&payload)?;
            let execution = self.vm.execute(&mut journal, &self.env, &checked).expect("memory");
            journal.end_transaction().expect("a transaction conserves balances");
            match execution {
                Execution::Executed(outcome) => {
                    assert!(outcome.gas_used <= checked.gas_limit);
                    let detail = crate::Detail::decode(&outcome.detail).expect("its own form");
                    assert_eq!(detail.err.is_none(), outcome.status.is_success());
                    assert_eq!(decoded(&checked).signature, transaction.signatures[0]);
                    Ok(detail)
                }
                Execution::Rejected(reject) => Err(reject),
            }
        });
        let results = results.collect();
        let changes = Arc::new(journal.into_changes().expect("memory"));
        self.state = Arc::new(Overlay::new(Arc::clone(&self.state), changes));
        results
    }

    /// The one transaction of the next block must succeed.
    pub(super) fn run(
        &mut self,
        payer: &Keypair,
        others: &[&Keypair],
        instructions: &[Instruction],
    ) -> crate::Detail {
        let detail = self.send(payer, others, instructions).expect("it is in the block");
        assert_eq!(detail.err, None, "{:#?}", detail.logs);
        detail
    }

    /// The one transaction of the next block.
    pub(super) fn send(
        &mut self,
        payer: &Keypair,
        others: &[&Keypair],
        instructions: &[Instruction],
    ) -> Result<crate::Detail, Reject> {
        let transaction = sign(payer, others, instructions, self.blockhash());
        self.block(400, vec![transaction]).pop().expect("one")
    }

    pub(super) fn account(&self, pubkey: &Pubkey) -> Option<AccountSharedData> {
        let mut journal = Journal::new(&*self.state);
        self.vm.account(&mut journal, &self.env, pubkey).expect("memory")
    }

    pub(super) fn wei(&self, account: AccountId) -> U256 {
        Journal::new(&*self.state).balance(account).expect("memory")
    }

    /// The sum of all balances, and what the supply says.
    pub(super) fn supply(&self) -> (U256, U256) {
        let all = self.state.range(&key::ledger(AccountId(B256::ZERO)), &key::supply(), usize::MAX);
        let held = all.expect("memory").iter().map(|(_, wei)| U256::from_be_slice(wei)).sum();
        (held, Journal::new(&*self.state).supply().expect("memory"))
    }
}

pub(super) fn sign(
    payer: &Keypair,
    others: &[&Keypair],
    instructions: &[Instruction],
    blockhash: Hash,
) -> VersionedTransaction {
    let message = Message::new_with_blockhash(instructions, Some(&payer.pubkey()), &blockhash);
    let signers: Vec<&Keypair> = std::iter::once(payer).chain(others.iter().copied()).collect();
    VersionedTransaction::try_new(VersionedMessage::Legacy(message), &signers).expect("all keys are here")
}

/// A key that is the same in every run.
pub(super) fn keypair(seed: u8) -> Keypair {
    Keypair::new_from_array([seed; 32])
}

pub(super) fn payload(transaction: &VersionedTransaction) -> Bytes {
    bincode::serialize(transaction).expect("a transaction").into()
}
