//! [`World`]: blocks of SBF transactions over a state in memory, one transaction at a time where that is wanted.

use solana_account::AccountSharedData;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_sdk_ids::{bpf_loader_upgradeable, system_program};
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::collections::BTreeMap;
use weft_sbf::record::{self, INLINE_BYTES_MAX, PAGE_BYTES};
use weft_sbf::{Detail, NEWEST_SPEC, SbfConfig, SbfVm, WEI_PER_LAMPORT, key};
use weft_state::{ChangeSet, EmptyState, Journal, Key, ReadError, StateRead};
use weft_types::{AccountId, B256, Bytes, DaHeight, GasRate, Height, U256};
use weft_vm::{BlockEnv, BlockPhase, Execution, FeeSplit, Outcome, Reject, Vm};

pub const SOL: u64 = 1_000_000_000;
pub const GENESIS_MS: u64 = 1_760_000_000_000;
/// Gas of a compute unit.
pub const RATE: u64 = 3;

/// A machine as genesis has it; with or without compiled programs.
pub fn machine(jit: bool) -> SbfVm {
    let specs = vec![(DaHeight(0), NEWEST_SPEC.to_owned(), GasRate { numerator: RATE, denominator: 1 })];
    SbfVm::new(SbfConfig { specs, jit }).expect("the newest rules")
}

/// A whole state.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Flat(pub BTreeMap<Key, Bytes>);

impl Flat {
    pub fn apply(&mut self, changes: &ChangeSet) {
        for (key, value) in changes.iter() {
            match value {
                Some(value) => self.0.insert(key.clone(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }
}

impl StateRead for Flat {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.0.get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let (from, to): (Key, Key) = (from.to_vec(), to.to_vec());
        if from >= to {
            return Ok(Vec::new());
        }
        Ok(self.0.range(from..to).take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// A block that is being made.
pub struct Block<'a> {
    pub env: BlockEnv,
    journal: Journal<'a>,
}

impl<'a> Block<'a> {
    pub fn begin(vm: &SbfVm, state: &'a dyn StateRead, env: BlockEnv) -> Self {
        let mut journal = Journal::new(state);
        vm.on_block(&mut journal, &env, BlockPhase::Begin).expect("memory");
        journal.end_transaction().expect("a hook conserves balances");
        Self { env, journal }
    }

    /// Checks and executes a payload, as a node does.
    pub fn outcome(&mut self, vm: &SbfVm, payload: &[u8]) -> Result<Outcome, Reject> {
        let checked = vm.check(payload)?;
        let execution = vm.execute(&mut self.journal, &self.env, &checked).expect("memory");
        self.journal.end_transaction().expect("a transaction conserves balances");
        match execution {
            Execution::Executed(outcome) => {
                assert!(outcome.gas_used <= checked.gas_limit);
                Ok(outcome)
            }
            Execution::Rejected(reject) => Err(reject),
        }
    }

    pub fn run(
        &mut self,
        vm: &SbfVm,
        transaction: &VersionedTransaction,
    ) -> Result<Detail, TransactionError> {
        let payload = bincode::serialize(transaction).expect("a transaction");
        match self.outcome(vm, &payload) {
            Ok(outcome) => {
                let detail = Detail::decode(&outcome.detail).expect("its own form");
                assert_eq!(detail.err.is_none(), outcome.status.is_success());
                Ok(detail)
            }
            Err(reject) => Err(weft_sbf::transaction_error(&reject).expect("an error of Solana's")),
        }
    }

    pub fn account(&mut self, vm: &SbfVm, pubkey: &Pubkey) -> Option<AccountSharedData> {
        vm.account(&mut self.journal, &self.env, pubkey).expect("memory")
    }

    pub fn end(self) -> (BlockEnv, ChangeSet) {
        (self.env, self.journal.into_changes().expect("memory"))
    }
}

pub struct World {
    pub vm: SbfVm,
    pub state: Flat,
    pub env: BlockEnv,
}

impl World {
    /// Height 1, with accounts of a thousand SOL each.
    pub fn new(vm: SbfVm, funded: &[Pubkey]) -> Self {
        let mut journal = Journal::new(&EmptyState);
        let env = env(0, GENESIS_MS, B256::ZERO);
        vm.on_block(&mut journal, &env, BlockPhase::Genesis).expect("memory");
        journal.end_transaction().expect("what was minted was credited");
        let mut state = Flat::default();
        state.apply(&journal.into_changes().expect("memory"));
        let mut world = Self { vm, state, env };
        for account in funded {
            world.set(account, 1_000 * SOL, &system_program::ID, false, &[]);
        }
        world.block(400, &[]);
        world
    }

    /// Puts an account there, as genesis could, with new lamports on top of those that it has.
    pub fn set(&mut self, pubkey: &Pubkey, lamports: u64, owner: &Pubkey, executable: bool, data: &[u8]) {
        let mut journal = Journal::new(&self.state);
        let wei = U256::from(lamports) * U256::from(WEI_PER_LAMPORT);
        journal.mint(wei).expect("memory");
        journal.credit(key::account_id(pubkey), wei).expect("it fits");
        if !(data.is_empty() && *owner == system_program::ID) {
            journal.set(key::account(pubkey), record::encode(owner, executable, data));
        }
        if data.len() > INLINE_BYTES_MAX {
            for (index, page) in (0_u32..).zip(data.chunks(PAGE_BYTES)) {
                journal.set(key::page(pubkey, index), Bytes::copy_from_slice(page));
            }
        }
        journal.end_transaction().expect("what was minted was credited");
        let changes = journal.into_changes().expect("memory");
        self.state.apply(&changes);
    }

    /// Puts a program there that holds `elf` itself.
    pub fn set_program(&mut self, pubkey: &Pubkey, loader: &Pubkey, elf: &[u8]) {
        self.set(pubkey, 100 * SOL, loader, true, elf);
    }

    /// Puts an upgradeable program there, of which nobody has the authority.
    pub fn set_upgradeable(&mut self, pubkey: &Pubkey, elf: &[u8]) {
        let programdata_address = solana_loader_v3_interface::get_program_data_address(pubkey);
        let loader = bpf_loader_upgradeable::ID;
        let program = UpgradeableLoaderState::Program { programdata_address };
        self.set(pubkey, SOL, &loader, true, &bincode::serialize(&program).expect("small"));
        let state = UpgradeableLoaderState::ProgramData { slot: 0, upgrade_authority_address: None };
        let mut data = bincode::serialize(&state).expect("small");
        data.resize(UpgradeableLoaderState::size_of_programdata_metadata(), 0);
        data.extend_from_slice(elf);
        self.set(&programdata_address, 100 * SOL, &loader, false, &data);
    }

    /// What a transaction should name.
    pub fn blockhash(&self) -> Hash {
        Hash::new_from_array(self.next_env(0).parent_hash.0)
    }

    pub fn next_env(&self, after_ms: u64) -> BlockEnv {
        let parent = weft_types::hash::sha256("test", &[&self.env.height.0.to_be_bytes()]);
        env(self.env.height.0 + 1, self.env.timestamp_ms + after_ms, parent)
    }

    /// Makes the next block of `transactions`, `after_ms` after the last one; what became of each.
    pub fn block(
        &mut self,
        after_ms: u64,
        transactions: &[VersionedTransaction],
    ) -> Vec<Result<Detail, TransactionError>> {
        let mut block = Block::begin(&self.vm, &self.state, self.next_env(after_ms));
        let results = transactions.iter().map(|transaction| block.run(&self.vm, transaction)).collect();
        let end = block.end();
        self.close(end);
        results
    }

    pub fn close(&mut self, (env, changes): (BlockEnv, ChangeSet)) {
        self.env = env;
        self.state.apply(&changes);
    }

    /// The one transaction of the next block.
    pub fn send(
        &mut self,
        payer: &Keypair,
        others: &[&Keypair],
        instructions: &[Instruction],
    ) -> Result<Detail, TransactionError> {
        let transaction = sign(payer, others, instructions, self.blockhash());
        self.block(400, &[transaction]).pop().expect("one")
    }

    /// The one payload of the next block.
    pub fn payload(&mut self, payload: &[u8]) -> Result<Outcome, Reject> {
        let mut block = Block::begin(&self.vm, &self.state, self.next_env(400));
        let result = block.outcome(&self.vm, payload);
        let end = block.end();
        self.close(end);
        result
    }

    pub fn account(&self, pubkey: &Pubkey) -> Option<AccountSharedData> {
        let mut journal = Journal::new(&self.state);
        self.vm.account(&mut journal, &self.env, pubkey).expect("memory")
    }
}

pub fn env(height: u64, timestamp_ms: u64, parent_hash: B256) -> BlockEnv {
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

pub fn sign(
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
pub fn keypair(seed: u8) -> Keypair {
    Keypair::new_from_array([seed; 32])
}

/// The seed of a random test: `WEFT_SEED`, or a fresh one; printed, so that a failure can be repeated.
pub fn seed() -> u64 {
    let given = std::env::var("WEFT_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("WEFT_SEED={seed}");
    seed
}
