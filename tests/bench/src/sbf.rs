//! `sbf-transfer`, `sbf-spl`: from Celestia's answers to a committed state root, against signature checks on all cores
//! and the bare processor over a map in memory, on the same transfers. `sbf-vs-litesvm`: the machine alone against
//! litesvm.

mod bare;
mod litesvm;
mod work;

use crate::celestia::Recorder;
use crate::follower::{self, Follower};
use crate::{Figures, rate};
use solana_account::AccountSharedData;
use solana_pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::Arc;
use weft_sbf::SbfVm;
use weft_state::{Journal, StateRead};
use weft_types::Transaction;
use weft_vm::BlockEnv;
pub use work::Kind;
use work::Work;

const PER_BLOCK: usize = 10_000;

/// A chain where the accounts of the transfers stand, and the transfers, signed.
struct Ready {
    recorder: Recorder,
    follower: Follower,
    transactions: Vec<Transaction>,
    /// All accounts that the transfers name, and what it takes to run them.
    named: Vec<Pubkey>,
}

impl Ready {
    fn new(kind: Kind, transfers: usize, accounts: usize) -> eyre::Result<Self> {
        let work = Work::new(kind, accounts);
        let mut recorder = Recorder::new(work.funded())?;
        let genesis = Arc::clone(&recorder.genesis);
        let mut follower = Follower::new(genesis, recorder.anchor, &recorder.trusted)?;
        for step in work.setup(work::blockhash(&follower.parent)) {
            let replayed = follower.replay(&[recorder.batch(&step, PER_BLOCK)?])?;
            eyre::ensure!(
                (replayed.executed, replayed.failed) == (step.len(), 0),
                "{} of {} transactions before the transfers failed",
                replayed.failed,
                step.len()
            );
        }
        // Good for 90 seconds of the chain's time, and blocks are a millisecond apart.
        let transactions = work.transfers(transfers, work::blockhash(&follower.parent));
        Ok(Self { recorder, follower, transactions, named: work.named() })
    }

    fn sbf(&self) -> eyre::Result<&SbfVm> {
        self.follower.machines.sbf.as_deref().ok_or_else(|| eyre::eyre!("devnet has the SBF machine"))
    }

    /// The named accounts as the next block sees them.
    fn accounts(&self) -> eyre::Result<HashMap<Pubkey, AccountSharedData>> {
        let state = self.follower.store.state_at(self.follower.parent.height)?;
        accounts(self.sbf()?, &*state, &self.env(), &self.named)
    }

    /// The environment of the block after the tip.
    fn env(&self) -> BlockEnv {
        let parent = &self.follower.parent;
        let template = weft_router::BlockTemplate {
            height: parent.height.next(),
            timestamp_ms: parent.timestamp_ms + 1,
            origin: parent.origin,
            origin_hash: parent.hash(),
            sequencer: None,
        };
        self.follower.router.env(parent, &template)
    }
}

/// Those of `named` that exist.
fn accounts(
    vm: &SbfVm,
    state: &dyn StateRead,
    env: &BlockEnv,
    named: &[Pubkey],
) -> eyre::Result<HashMap<Pubkey, AccountSharedData>> {
    let mut journal = Journal::new(state);
    let mut accounts = HashMap::new();
    for key in named {
        if let Some(account) = vm.account(&mut journal, env, key)? {
            accounts.insert(*key, account);
        }
    }
    Ok(accounts)
}

pub fn run(kind: Kind, transfers: usize, senders: usize) -> eyre::Result<Figures> {
    let Ready { mut recorder, follower, transactions, named } = Ready::new(kind, transfers, senders)?;
    let answers: Vec<_> = transactions
        .chunks(PER_BLOCK)
        .map(|block| recorder.batch(block, PER_BLOCK))
        .collect::<eyre::Result<_>>()?;
    let mut ready = Ready { recorder, follower, transactions, named };
    let before = ready.accounts()?;
    let replayed = ready.follower.replay(&answers)?;
    eyre::ensure!((replayed.executed, replayed.failed) == (transfers, 0), "{} failed", replayed.failed);
    let bare = bare::run(&ready.transactions, before)?;
    // The accounts of our chain are the bare processor's, or the two did not do the same.
    let ours = ready.accounts()?;
    for key in &ready.named {
        eyre::ensure!(
            bare::is_sysvar(key) || ours.get(key) == bare.accounts.get(key),
            "the account {key} is {:?} here and {:?} there",
            ours.get(key),
            bare.accounts.get(key)
        );
    }
    replayed.print();
    follower::line("of 'in the machines': as bare", bare.execute, replayed.elapsed);
    let more = replayed.machine.saturating_sub(bare.execute);
    follower::line("  journal, ledger, context, detail", more, replayed.elapsed);
    follower::line("the reference: signatures", bare.check, bare.check + bare.execute);
    follower::line("the reference: execution", bare.execute, bare.check + bare.execute);
    Ok(Figures {
        unit: "transactions/s",
        ours: rate(transfers, replayed.elapsed),
        reference: Some(rate(transfers, bare.check + bare.execute)),
    })
}

pub fn vs_litesvm(transfers: usize, senders: usize) -> eyre::Result<Figures> {
    let ready = Ready::new(Kind::Spl, transfers, senders)?;
    let (ours, reference) = litesvm::run(&ready)?;
    Ok(Figures {
        unit: "transactions/s",
        ours: rate(transfers, ours),
        reference: Some(rate(transfers, reference)),
    })
}
