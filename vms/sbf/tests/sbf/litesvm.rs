//! The same random transactions here and on litesvm, which drives agave's interpreter of messages by its own loader of
//! accounts: both chains step together, and both must end each transaction in the same way, to the compute unit.

use crate::random::{Fault, Mix, Planned, View};
use crate::world::{Block, World, machine, seed};
use litesvm::LiteSVM;
use litesvm::types::{TransactionMetadata, TransactionResult};
use solana_account::{Account, AccountSharedData, ReadableAccount};
use solana_nonce::state::DurableNonce;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{native_loader, sysvar};
use solana_transaction_error::TransactionError;
use std::collections::BTreeMap;
use weft_sbf::{Detail, InnerInstruction, InnerInstructions, SbfVm, key};
use weft_state::StateRead;
use weft_types::B256;

const TRANSACTIONS: usize = 6_000;
const IN_A_BLOCK: usize = 8;

/// Where litesvm is known to differ from Solana, and so from us. Nothing else may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    /// A transaction whose accounts can't be loaded pays its fee and is in the block (SIMD-0082). litesvm drops it.
    FeesOnly,
    /// As that, and for a program that does not exist litesvm has the error of one that can't be run.
    MissingProgram,
    /// The bytes of an upgradeable program are those of both its accounts (SIMD-0186). litesvm counts the first only, so
    /// that its transaction ran.
    LoadedBytes,
    /// A durable nonce becomes the hash of the last blockhash, and does so where the transaction fails too. litesvm hashes
    /// the old nonce once more, and forgets what a failed transaction did to it.
    Nonce,
    /// Blockhashes of some earlier blocks are good. litesvm knows one.
    OldBlockhash,
    /// Of two faults that keep a transaction out of a block, each names the one that it looks for first: litesvm tables,
    /// signatures, blockhash, budget; we signatures, budget, blockhash, tables.
    Order,
}

/// One transaction's accounts, on both chains.
type Pair = (Option<AccountSharedData>, Option<AccountSharedData>);

struct Lockstep {
    lite: LiteSVM,
    known: BTreeMap<Known, usize>,
    /// By step or fault: how many succeeded, failed, were refused.
    seen: BTreeMap<String, [usize; 3]>,
}

const SYSVARS: [Pubkey; 9] = [
    sysvar::clock::ID,
    sysvar::epoch_rewards::ID,
    sysvar::epoch_schedule::ID,
    sysvar::last_restart_slot::ID,
    sysvar::recent_blockhashes::ID,
    sysvar::rent::ID,
    sysvar::slot_hashes::ID,
    sysvar::slot_history::ID,
    sysvar::stake_history::ID,
];

/// Our accounts with a record.
fn recorded(world: &World) -> Vec<Pubkey> {
    let (from, to) = (key::account(&Pubkey::default()), key::account(&Pubkey::new_from_array([0xff; 32])));
    let records = world.state.range(&from, &to, usize::MAX).expect("memory");
    let pubkey = |key: &[u8]| Pubkey::new_from_array(*key.last_chunk().expect("32 bytes"));
    records.iter().map(|(key, _)| pubkey(key)).collect()
}

impl Lockstep {
    /// litesvm with our features, sysvars and accounts.
    fn new(world: &World, wallets: &[Pubkey]) -> Self {
        let features = world.vm.feature_set().clone();
        let lite = LiteSVM::default().with_feature_set(features).with_builtins();
        let lite = lite.with_sigverify(true).with_blockhash_check(true);
        let mut this = Self { lite, known: BTreeMap::new(), seen: BTreeMap::new() };
        for id in SYSVARS {
            this.take(&id, world.account(&id));
        }
        let mut all = recorded(world);
        // A program is loaded when its account is set, which its data must precede.
        all.sort_by_key(|key| world.account(key).expect("it has a record").executable());
        for key in all.iter().chain(wallets) {
            this.take(key, world.account(key));
        }
        let ours = |key: &Pubkey| all.contains(key);
        for (key, _) in this.lite.get_program_accounts(&native_loader::ID) {
            if !ours(&key) {
                this.take(&key, None);
            }
        }
        this
    }

    /// Gives litesvm our account.
    fn take(&mut self, key: &Pubkey, account: Option<AccountSharedData>) {
        let account = account.map(Account::from).unwrap_or_default();
        self.lite.set_account(*key, account).expect("an account that it knows");
    }

    fn theirs(&self, key: &Pubkey) -> Option<AccountSharedData> {
        self.lite.get_account(key).map(AccountSharedData::from)
    }

    fn compare(&self, block: &mut Block<'_>, vm: &SbfVm, key: &Pubkey) -> Option<Pair> {
        let (ours, theirs) = (block.account(vm, key), self.theirs(key));
        (shape(&ours) != shape(&theirs)).then_some((ours, theirs))
    }

    fn note(&mut self, planned: &Planned, result: &Result<Detail, TransactionError>) {
        let at = match result {
            Ok(detail) if detail.err.is_none() => 0,
            Ok(_) => 1,
            Err(_) => 2,
        };
        let names = planned.names.iter().map(|name| (*name).to_owned());
        for name in names.chain([format!("{:?}", planned.fault)]) {
            self.seen.entry(name).or_default()[at] += 1;
        }
    }

    /// Runs it on both and compares all that can be seen of it.
    fn step(
        &mut self,
        block: &mut Block<'_>,
        vm: &SbfVm,
        planned: &Planned,
    ) -> Result<Detail, TransactionError> {
        let mut keys = planned.transaction.message.static_account_keys().to_vec();
        let payer = keys[0];
        let before = self.theirs(&payer).map_or(0, |account| account.lamports());
        let ours = block.run(vm, &planned.transaction);
        let theirs = self.lite.send_transaction(planned.transaction.clone());
        if let Ok(detail) = &ours {
            keys.extend(detail.loaded_writable.iter().chain(&detail.loaded_readonly));
        }
        let known = excuse(planned, &ours, &theirs);
        if let Some(known) = known {
            *self.known.entry(known).or_default() += 1;
        }
        let mut different = BTreeMap::new();
        for key in &keys {
            if let Some(pair) = self.compare(block, vm, key) {
                different.insert(*key, pair);
            }
        }
        let case =
            || format!("{:?} {:?}\nours: {ours:#?}\ntheirs: {theirs:#?}", planned.names, planned.fault);
        match known {
            None => same(&ours, &theirs, &case),
            // Only the fee is taken, or what it ran by is another nonce too.
            Some(Known::FeesOnly | Known::MissingProgram) => {
                let paid = before - block.account(vm, &payer).map_or(0, |account| account.lamports());
                assert_eq!(Ok(paid), ours.as_ref().map(|detail| detail.fee), "{}", case());
                let nonce = different.remove(&payer).map(|_| different.keys().copied().collect::<Vec<_>>());
                assert!(
                    nonce.is_some_and(|keys| keys.iter().all(|key| Some(*key) == planned.nonce)),
                    "{}",
                    case()
                );
                different.clear();
            }
            Some(Known::Nonce) => {
                same(&ours, &theirs, &case);
                let nonce = planned.nonce.expect("it ran by one");
                if let Some((Some(ours), Some(theirs))) = different.remove(&nonce) {
                    let value = DurableNonce::from_blockhash(&solana_hash::Hash::new_from_array(
                        block.env.parent_hash.0,
                    ));
                    assert_eq!(&ours.data()[40..72], value.as_hash().as_bytes(), "{}", case());
                    assert_eq!(ours.lamports(), theirs.lamports(), "{}", case());
                    assert_eq!(
                        (&ours.data()[..40], &ours.data()[72..]),
                        (&theirs.data()[..40], &theirs.data()[72..])
                    );
                }
            }
            Some(Known::OldBlockhash | Known::LoadedBytes | Known::Order) => different.clear(),
        }
        assert!(different.is_empty(), "{different:#?}\n{}", case());
        if known.is_some() {
            for key in &keys {
                let account = block.account(vm, key);
                if !SYSVARS.contains(key) {
                    self.take(key, account);
                }
            }
        }
        self.note(planned, &ours);
        ours
    }
}

/// What an account is made of; epochs of rent are litesvm's own affair, since none is collected.
fn shape(account: &Option<AccountSharedData>) -> Option<(u64, &[u8], Pubkey, bool)> {
    let account = account.as_ref()?;
    Some((account.lamports(), account.data(), *account.owner(), account.executable()))
}

/// Which known difference a transaction is, if it is one.
fn excuse(
    planned: &Planned,
    ours: &Result<Detail, TransactionError>,
    theirs: &TransactionResult,
) -> Option<Known> {
    use TransactionError as E;
    let other = theirs.as_ref().err().map(|failed| &failed.err);
    if planned.fault == Fault::OldBlockhash && other == Some(&E::BlockhashNotFound) {
        return Some(Known::OldBlockhash);
    }
    let detail = match ours {
        Ok(detail) => detail,
        Err(refused) => return theirs_is_seen_first(refused, other?).then_some(Known::Order),
    };
    match (&detail.err, other) {
        (Some(E::ProgramAccountNotFound), Some(E::InvalidProgramForExecution)) => Some(Known::MissingProgram),
        (
            Some(ours @ (E::InvalidProgramForExecution | E::MaxLoadedAccountsDataSizeExceeded)),
            Some(theirs),
        ) if ours == theirs => Some(Known::FeesOnly),
        (Some(E::MaxLoadedAccountsDataSizeExceeded), _) => Some(Known::LoadedBytes),
        _ => planned.nonce.map(|_| Known::Nonce),
    }
}

fn theirs_is_seen_first(ours: &TransactionError, theirs: &TransactionError) -> bool {
    use TransactionError as E;
    // The order of litesvm, and then ours.
    let place = |error: &TransactionError| match error {
        E::AddressLookupTableNotFound
        | E::InvalidAddressLookupTableOwner
        | E::InvalidAddressLookupTableData
        | E::InvalidAddressLookupTableIndex => Some((0, 3)),
        E::SignatureFailure => Some((1, 0)),
        E::BlockhashNotFound => Some((2, 2)),
        E::InstructionError(..) | E::DuplicateInstruction(_) | E::InvalidLoadedAccountsDataSizeLimit => {
            Some((3, 1))
        }
        _ => None,
    };
    let (Some(ours), Some(theirs)) = (place(ours), place(theirs)) else { return false };
    ours.1 < theirs.1 && theirs.0 < ours.0
}

fn same(ours: &Result<Detail, TransactionError>, theirs: &TransactionResult, case: &dyn Fn() -> String) {
    let (error, meta) = match theirs {
        Ok(meta) => (None, meta),
        Err(failed) => (Some(failed.err.clone()), &failed.meta),
    };
    let detail = match ours {
        Ok(detail) => detail,
        // Not in a block: there is nothing but the error.
        Err(refused) => return assert_eq!(Some(refused), error.as_ref(), "{}", case()),
    };
    assert_eq!(detail.err, error, "{}", case());
    let theirs = (meta.compute_units_consumed, meta.fee, &meta.logs, inner(meta), returned(meta));
    let inner = detail.inner_instructions.clone();
    let ours = (detail.compute_units, detail.fee, &detail.logs, inner, detail.return_data.clone());
    assert_eq!(ours, theirs, "{}", case());
}

fn returned(meta: &TransactionMetadata) -> Option<(Pubkey, Vec<u8>)> {
    let returned = &meta.return_data;
    (!returned.data.is_empty()).then(|| (returned.program_id, returned.data.clone()))
}

fn inner(meta: &TransactionMetadata) -> Vec<InnerInstructions> {
    let made = meta.inner_instructions.iter().enumerate().filter(|(_, made)| !made.is_empty());
    made.map(|(index, made)| InnerInstructions {
        index: u8::try_from(index).expect("few"),
        instructions: made
            .iter()
            .map(|inner| InnerInstruction {
                program_id_index: inner.instruction.program_id_index,
                accounts: inner.instruction.accounts.clone(),
                data: inner.instruction.data.clone(),
                stack_height: u32::from(inner.stack_height),
            })
            .collect(),
    })
    .collect()
}

#[test]
fn litesvm_ends_each_transaction_as_we_do() {
    let mut mix = Mix::new(seed());
    let mut world = World::new(machine(true), &mix.wallets);
    let mut both = Lockstep::new(&world, &mix.wallets);
    let mut last = None;
    let mut old = world.blockhash();
    for _ in 0..TRANSACTIONS / IN_A_BLOCK {
        both.lite.expire_blockhash();
        let mut env = world.next_env(400);
        env.parent_hash = B256::new(both.lite.latest_blockhash().to_bytes());
        let blockhash = both.lite.latest_blockhash();
        let vm = &world.vm;
        let mut block = Block::begin(vm, &world.state, env);
        for id in SYSVARS {
            let account = block.account(vm, &id);
            both.take(&id, account);
        }
        for _ in 0..IN_A_BLOCK {
            let slot = block.env.height.0;
            let mut account = |key: &Pubkey| block.account(vm, key);
            let mut view = View { slot, blockhash, old_blockhash: old, account: &mut account };
            let planned = match last.take() {
                // What was in this block already.
                Some(planned) if mix.one_in(40) => planned,
                _ => mix.plan(&mut view),
            };
            let result = both.step(&mut block, vm, &planned);
            if result.as_ref().is_ok_and(|detail| detail.err.is_none()) {
                mix.done(&planned);
                last = Some(planned);
            }
        }
        last = None;
        old = blockhash;
        let keys: Vec<Pubkey> = mix.known.iter().copied().collect();
        for key in keys {
            assert_eq!(both.compare(&mut block, vm, &key), None, "{key}");
        }
        let end = block.end();
        world.close(end);
    }
    println!("known differences: {:#?}", both.known);
    println!("succeeded, failed, refused: {:#?}", both.seen);
    let total = |at: usize| {
        both.seen
            .iter()
            .filter(|(name, _)| name.starts_with(char::is_uppercase))
            .map(|(_, counts)| counts[at])
            .sum::<usize>()
    };
    let (succeeded, failed, refused) = (total(0), total(1), total(2));
    assert_eq!(succeeded + failed + refused, TRANSACTIONS);
    assert!(succeeded > TRANSACTIONS / 5 && failed > TRANSACTIONS / 5 && refused > TRANSACTIONS / 50);
}
