//! [`Mix`]: random transactions of the programs that a cluster has, some of them wrong in one way or another.

use crate::world::{SOL, keypair};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use solana_account::{AccountSharedData, ReadableAccount};
use solana_address_lookup_table_interface::state::AddressLookupTable;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_hash::Hash;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, Message, VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_rent::Rent;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::{BTreeMap, BTreeSet};

pub const WALLETS: u8 = 6;

/// What the chain looks like to whoever makes the next transaction.
pub struct View<'a> {
    pub slot: u64,
    pub blockhash: Hash,
    /// Of a block before: still good here.
    pub old_blockhash: Hash,
    pub account: &'a mut dyn FnMut(&Pubkey) -> Option<AccountSharedData>,
}

/// How a transaction was spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    None,
    MissingSigner,
    WrongAccount,
    MissingAccount,
    CutData,
    WrongByte,
    WrongProgram,
    ReadOnly,
    FewUnits,
    FewLoadedBytes,
    Heap,
    Forged,
    OldBlockhash,
    UnknownBlockhash,
    UnknownPayer,
    WrongTableIndex,
}

impl Fault {
    const IN_INSTRUCTIONS: [Self; 7] = [
        Self::MissingSigner,
        Self::WrongAccount,
        Self::MissingAccount,
        Self::CutData,
        Self::WrongByte,
        Self::WrongProgram,
        Self::ReadOnly,
    ];
    const AROUND: [Self; 7] = [
        Self::FewUnits,
        Self::FewLoadedBytes,
        Self::Heap,
        Self::Forged,
        Self::OldBlockhash,
        Self::UnknownBlockhash,
        Self::UnknownPayer,
    ];
}

/// What there is on the chain once a transaction has succeeded.
#[derive(Clone)]
pub enum Thing {
    Mint { key: Pubkey, program: Pubkey, decimals: u8, fee: bool, authority: Pubkey },
    Token { key: Pubkey, mint: Pubkey, owner: Pubkey },
    Nonce { key: Pubkey, authority: Pubkey },
    Table { key: Pubkey, authority: Pubkey },
    Plain { key: Pubkey },
    Seeded { key: Pubkey, base: Pubkey, seed: String, owner: Pubkey },
}

/// Instructions that belong together.
#[derive(Default)]
pub struct Step {
    pub name: &'static str,
    pub instructions: Vec<Instruction>,
    pub adds: Vec<Thing>,
}

pub struct Planned {
    pub transaction: VersionedTransaction,
    /// By its steps' names.
    pub names: Vec<&'static str>,
    pub fault: Fault,
    pub adds: Vec<Thing>,
    /// The nonce that it runs by.
    pub nonce: Option<Pubkey>,
}

/// See the module.
pub struct Mix {
    pub rng: ChaCha8Rng,
    pub rent: Rent,
    pub wallets: Vec<Pubkey>,
    pub things: Vec<Thing>,
    /// Every address that a transaction named.
    pub known: BTreeSet<Pubkey>,
    keys: BTreeMap<Pubkey, Keypair>,
}

impl Mix {
    pub fn new(seed: u64) -> Self {
        let pairs: Vec<Keypair> = (1..=WALLETS).map(keypair).collect();
        let wallets: Vec<Pubkey> = pairs.iter().map(Signer::pubkey).collect();
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            rent: Rent::default(),
            known: wallets.iter().copied().collect(),
            keys: pairs.into_iter().map(|pair| (pair.pubkey(), pair)).collect(),
            wallets,
            things: Vec::new(),
        }
    }

    /// A key that nobody has used.
    pub fn fresh(&mut self) -> Pubkey {
        let mut secret = [0; 32];
        self.rng.fill_bytes(&mut secret);
        let pair = Keypair::new_from_array(secret);
        let pubkey = pair.pubkey();
        self.keys.insert(pubkey, pair);
        pubkey
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.random_range(0..from.len())].clone()
    }

    pub fn one_in(&mut self, number: u32) -> bool {
        self.rng.random_ratio(1, number)
    }

    pub fn wallet(&mut self) -> Pubkey {
        let wallets = self.wallets.clone();
        self.pick(&wallets)
    }

    /// An address: most often one that is known.
    pub fn any(&mut self) -> Pubkey {
        if self.rng.random_bool(0.2) {
            return self.fresh();
        }
        let at = self.rng.random_range(0..self.known.len());
        self.known.iter().nth(at).copied().expect("it is in range")
    }

    /// One of the newer things that `filter` takes.
    pub fn thing<T>(&mut self, filter: impl Fn(&Thing) -> Option<T>) -> Option<T> {
        let found: Vec<T> = self.things.iter().rev().filter_map(filter).take(6).collect();
        let at = (!found.is_empty()).then(|| self.rng.random_range(0..found.len()))?;
        found.into_iter().nth(at)
    }

    /// An amount of lamports: most often one that can be paid.
    pub fn lamports(&mut self) -> u64 {
        match self.rng.random_range(0..10) {
            0 => 0,
            1 => 1,
            2 => self.rng.random_range(1..900_000),
            3 => 890_880,
            4 => 2_000 * SOL,
            5 => self.rng.random(),
            _ => self.rng.random_range(900_000..SOL),
        }
    }

    /// The next transaction.
    pub fn plan(&mut self, view: &mut View<'_>) -> Planned {
        loop {
            let planned = self.try_plan(view);
            let bytes = bincode::serialize(&planned.transaction).expect("a transaction");
            // litesvm has no limit; ours is tested elsewhere.
            if bytes.len() <= weft_sbf::TRANSACTION_BYTES_MAX {
                self.known.extend(planned.transaction.message.static_account_keys());
                return planned;
            }
        }
    }

    /// Takes in that a transaction succeeded.
    pub fn done(&mut self, planned: &Planned) {
        self.things.extend(planned.adds.iter().cloned());
    }

    /// A wallet: most often one that can pay still.
    fn payer(&mut self, view: &mut View<'_>) -> Pubkey {
        let mut can_pay = |key: &Pubkey| {
            (view.account)(key).is_some_and(|account| {
                account.lamports() > SOL && solana_sdk_ids::system_program::check_id(account.owner())
            })
        };
        (0..4).map(|_| self.wallet()).find(|key| can_pay(key)).unwrap_or_else(|| self.wallet())
    }

    fn try_plan(&mut self, view: &mut View<'_>) -> Planned {
        let payer = self.payer(view);
        let steps = self.pick(&[1, 1, 2, 3]);
        let mut steps: Vec<Step> = (0..steps).map(|_| self.step(&payer, view)).collect();
        let nonce = if self.rng.random_bool(0.08) { self.by_nonce(&mut steps, view) } else { None };
        let names = steps.iter().map(|step| step.name).collect();
        let adds = steps.iter().flat_map(|step| step.adds.clone()).collect();
        let mut instructions: Vec<Instruction> =
            steps.into_iter().flat_map(|step| step.instructions).collect();
        let mut fault = match self.rng.random_range(0..10) {
            0..5 => Fault::None,
            5..8 => self.pick(&Fault::IN_INSTRUCTIONS),
            _ => self.pick(&Fault::AROUND),
        };
        if nonce.is_some() && matches!(fault, Fault::OldBlockhash | Fault::UnknownBlockhash) {
            fault = Fault::None;
        }
        self.spoil(fault, &mut instructions);
        if nonce.is_none() && self.rng.random_bool(0.1) {
            let price = self.rng.random_range(0..1_000_000);
            instructions.insert(0, ComputeBudgetInstruction::set_compute_unit_price(price));
        }
        let payer = if fault == Fault::UnknownPayer { self.fresh() } else { payer };
        let blockhash = match (fault, nonce) {
            (Fault::OldBlockhash, _) => view.old_blockhash,
            (Fault::UnknownBlockhash, _) => Hash::new_from_array(self.rng.random()),
            (_, Some((_, value))) => value,
            _ => view.blockhash,
        };
        let message = self.message(&payer, &instructions, blockhash, &mut fault, view);
        let transaction = self.signed(message, fault);
        Planned { transaction, names, fault, adds, nonce: nonce.map(|(key, _)| key) }
    }

    /// Puts the instruction in front that makes a nonce count in the place of a blockhash.
    fn by_nonce(&mut self, steps: &mut Vec<Step>, view: &mut View<'_>) -> Option<(Pubkey, Hash)> {
        let (key, authority) = self.thing(|thing| match thing {
            Thing::Nonce { key, authority } => Some((*key, *authority)),
            _ => None,
        })?;
        let account = (view.account)(&key)?;
        // `version u32 | state u32 | authority 32 | nonce 32`
        let value = Hash::new_from_array(account.data().get(40..72)?.try_into().ok()?);
        // What another nonce becomes in it is another number on litesvm.
        steps.retain(|step| !step.name.contains("nonce"));
        let advance = solana_system_interface::instruction::advance_nonce_account(&key, &authority);
        steps.insert(0, Step { name: "by nonce", instructions: vec![advance], adds: Vec::new() });
        Some((key, value))
    }

    fn spoil(&mut self, fault: Fault, instructions: &mut Vec<Instruction>) {
        let at = self.rng.random_range(0..instructions.len());
        match fault {
            Fault::FewUnits => {
                let limit = self.rng.random_range(0..6_000);
                instructions.push(ComputeBudgetInstruction::set_compute_unit_limit(limit));
            }
            Fault::FewLoadedBytes => {
                let limit = self.rng.random_range(0..1_000_000);
                instructions.push(ComputeBudgetInstruction::set_loaded_accounts_data_size_limit(limit));
            }
            Fault::Heap => {
                let bytes = self.rng.random_range(0..300) * 1_024 + self.pick(&[0, 0, 1]);
                instructions.push(ComputeBudgetInstruction::request_heap_frame(bytes));
            }
            _ => self.spoil_one(fault, &mut instructions[at]),
        }
    }

    fn spoil_one(&mut self, fault: Fault, instruction: &mut Instruction) {
        let at = self.rng.random_range(0..instruction.accounts.len().max(1));
        match fault {
            Fault::MissingSigner => {
                instruction.accounts.iter_mut().filter(|meta| meta.is_signer).for_each(|meta| {
                    meta.is_signer = false;
                });
            }
            Fault::WrongAccount => {
                let other = self.any();
                if let Some(meta) = instruction.accounts.get_mut(at) {
                    meta.pubkey = other;
                }
            }
            Fault::ReadOnly => {
                if let Some(meta) = instruction.accounts.get_mut(at) {
                    meta.is_writable = false;
                }
            }
            Fault::MissingAccount => drop(instruction.accounts.pop()),
            Fault::CutData => {
                let len = self.rng.random_range(0..=instruction.data.len());
                instruction.data.truncate(len);
            }
            Fault::WrongByte if !instruction.data.is_empty() => {
                let at = self.rng.random_range(0..instruction.data.len());
                instruction.data[at] ^= self.rng.random_range(1..=255_u8);
            }
            Fault::WrongProgram => {
                instruction.program_id = match self.rng.random_range(0..4) {
                    0 => self.any(),
                    _ => self.pick(&crate::programs::ALL),
                };
            }
            _ => {}
        }
    }

    fn message(
        &mut self,
        payer: &Pubkey,
        instructions: &[Instruction],
        blockhash: Hash,
        fault: &mut Fault,
        view: &mut View<'_>,
    ) -> VersionedMessage {
        let legacy =
            || VersionedMessage::Legacy(Message::new_with_blockhash(instructions, Some(payer), &blockhash));
        if self.rng.random_bool(0.6) {
            return legacy();
        }
        let table = self.thing(|thing| match thing {
            Thing::Table { key, .. } => Some(*key),
            _ => None,
        });
        let Some(key) = table else { return legacy() };
        let account = (view.account)(&key);
        let addresses = account.and_then(|account| {
            AddressLookupTable::deserialize(account.data()).ok().map(|table| table.addresses.to_vec())
        });
        // A table that is gone is still named.
        let addresses = addresses.unwrap_or_else(|| self.wallets.clone());
        let tables = [AddressLookupTableAccount { key, addresses }];
        let Ok(mut message) = v0::Message::try_compile(payer, instructions, &tables, blockhash) else {
            return legacy();
        };
        if *fault == Fault::None && self.rng.random_bool(0.15) {
            if let Some(lookup) = message.address_table_lookups.first_mut() {
                let indexes = &mut lookup.writable_indexes;
                let indexes = if indexes.is_empty() { &mut lookup.readonly_indexes } else { indexes };
                indexes[0] = self.rng.random();
                *fault = Fault::WrongTableIndex;
            }
        }
        VersionedMessage::V0(message)
    }

    fn signed(&mut self, message: VersionedMessage, fault: Fault) -> VersionedTransaction {
        let bytes = message.serialize();
        let signers = usize::from(message.header().num_required_signatures);
        let keys = message.static_account_keys().iter().take(signers);
        // An address without a key can't sign: what stands there is not its signature.
        let sign =
            |key| self.keys.get(key).map_or(Signature::from([7; 64]), |pair| pair.sign_message(&bytes));
        let mut signatures: Vec<Signature> = keys.map(sign).collect();
        if fault == Fault::Forged {
            let at = self.rng.random_range(0..signatures.len());
            signatures[at] = Signature::from([self.rng.random::<u8>(); 64]);
        }
        VersionedTransaction { signatures, message }
    }
}

/// An account that an instruction only reads.
pub fn readonly(key: Pubkey) -> AccountMeta {
    AccountMeta::new_readonly(key, false)
}
