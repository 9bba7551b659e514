//! The machine alone on one thread, check and execution, against litesvm with signatures verified.

use super::{Ready, accounts, bare, work};
use ::litesvm::LiteSVM;
use solana_account::{AccountSharedData, ReadableAccount};
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};
use weft_sbf::SbfVm;
use weft_state::{Journal, Key, ReadError, StateRead};
use weft_types::{B256, Bytes, Transaction};
use weft_vm::{BlockEnv, BlockPhase, Execution, Vm};

const PER_BLOCK: usize = 1_000;

/// The state in memory, as litesvm has its accounts.
#[derive(Default)]
struct Flat {
    values: HashMap<Key, Bytes>,
    /// All keys of `values`.
    order: BTreeSet<Key>,
}

impl Flat {
    fn set(&mut self, key: &Key, value: Option<&Bytes>) {
        let before = match value {
            Some(value) => self.values.insert(key.clone(), value.clone()),
            None => self.values.remove(key),
        };
        match (before, value) {
            (None, Some(_)) => _ = self.order.insert(key.clone()),
            (Some(_), None) => _ = self.order.remove(key),
            _ => {}
        }
    }
}

impl StateRead for Flat {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.values.get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let keys = self.order.range(from.to_vec()..to.to_vec()).take(limit);
        Ok(keys.filter_map(|key| Some((key.clone(), self.values.get(key)?.clone()))).collect())
    }
}

/// Time of ours and of litesvm.
pub fn run(ready: &Ready) -> eyre::Result<(Duration, Duration)> {
    let store = ready.follower.store.state_at(ready.follower.parent.height)?;
    let mut state = Flat::default();
    for (key, value) in store.range(&[], &[0xff; 40], usize::MAX)? {
        state.set(&key, Some(&value));
    }
    let vm = ready.sbf()?;
    let before = ready.accounts()?;
    let mut env = ready.env();
    let start = Instant::now();
    for block in ready.transactions.chunks(PER_BLOCK) {
        self::block(vm, &mut state, &env, block)?;
        env.height = env.height.next();
        env.timestamp_ms += 1;
        env.parent_hash = B256::new(weft_types::hash::sha256("bench", &[env.parent_hash.as_slice()]).0);
    }
    let ours = start.elapsed();
    let after = accounts(vm, &state, &env, &ready.named)?;

    let mut litesvm = self::litesvm(before)?;
    let transactions: Vec<VersionedTransaction> = ready
        .transactions
        .iter()
        .map(|transaction| bincode::deserialize(&transaction.payload))
        .collect::<Result<_, _>>()?;
    let start = Instant::now();
    for transaction in transactions {
        let sent = litesvm.send_transaction(transaction);
        sent.map_err(|failed| eyre::eyre!("litesvm: {:?}", failed.err))?;
    }
    let reference = start.elapsed();
    for key in ready.named.iter().filter(|key| is_transferred(key)) {
        let theirs = litesvm.get_account(key).map(|account| (account.lamports, account.data));
        let ours = after.get(key).map(|account| (account.lamports(), account.data().to_vec()));
        eyre::ensure!(ours == theirs, "the account {key} is {ours:?} here and {theirs:?} there");
    }
    Ok((ours, reference))
}

fn block(vm: &SbfVm, state: &mut Flat, env: &BlockEnv, transactions: &[Transaction]) -> eyre::Result<()> {
    let mut journal = Journal::new(&*state);
    vm.on_block(&mut journal, env, BlockPhase::Begin)?;
    journal.end_transaction()?;
    for transaction in transactions {
        let checked = vm.check(&transaction.payload).map_err(|reject| eyre::eyre!("{reject:?}"))?;
        match vm.execute(&mut journal, env, &checked)? {
            Execution::Executed(outcome) if outcome.status.is_success() => journal.end_transaction()?,
            other => eyre::bail!("a transfer failed: {other:?}"),
        };
    }
    let changes = journal.into_changes()?;
    for (key, value) in changes.iter() {
        state.set(key, value.as_ref());
    }
    Ok(())
}

/// Keys of programs and sysvars are not compared: litesvm has its own.
fn is_transferred(key: &Pubkey) -> bool {
    !bare::is_sysvar(key)
        && ![
            system_program::ID,
            solana_sdk_ids::bpf_loader_upgradeable::ID,
            work::TOKEN,
            solana_loader_v3_interface::get_program_data_address(&work::TOKEN),
        ]
        .contains(key)
}

/// litesvm with our accounts and our token program.
fn litesvm(before: HashMap<Pubkey, AccountSharedData>) -> eyre::Result<LiteSVM> {
    // It takes one blockhash alone, its own, and the transfers name ours.
    let mut litesvm =
        LiteSVM::new().with_sigverify(true).with_blockhash_check(false).with_transaction_history(0);
    let program = before.get(&work::TOKEN).ok_or_else(|| eyre::eyre!("genesis has the token program"))?;
    let programdata = solana_loader_v3_interface::get_program_data_address(&work::TOKEN);
    let elf = match before.get(&programdata) {
        Some(data) => &data.data()[UpgradeableLoaderState::size_of_programdata_metadata()..],
        None => program.data(),
    };
    litesvm.add_program_with_loader(work::TOKEN, elf, *program.owner())?;
    for (key, account) in before.iter().filter(|(key, _)| is_transferred(key)) {
        litesvm.set_account(*key, account.clone().into())?;
    }
    Ok(litesvm)
}
