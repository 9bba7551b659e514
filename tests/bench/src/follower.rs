//! [`Follower`]: from Celestia's answers to a committed state root, as a node follows a chain, with a clock on each
//! phase. The clocks stand here, around the machines and the tree, so that the core has none.

use crate::celestia::Answer;
use celestia_types::ExtendedHeader;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use weft_da::derive::{DerivationState, derive};
use weft_da::layer::Anchor;
use weft_da::verify::Verifier;
use weft_genesis::Genesis;
use weft_node::plugins::{self, Local, Machines};
use weft_router::Router;
use weft_state::{
    Backend, ChangeSet, JmtTree, Journal, NodeRead, ReadError, Store, StoreConfig, Tree, TreeUpdate,
};
use weft_types::{B256, Bytes, DerivedBlock, Header, Height, VmId};
use weft_vm::{BlockEnv, BlockPhase, Checked, Execution, Outcome, Reject, Vm};

/// Where time goes. The clock of a phase runs while that phase does.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Derive,
    Check,
    Apply,
    Machine,
    Hooks,
    Tree,
    Commit,
}

#[derive(Default)]
struct Clocks([AtomicU64; 7]);

impl Clocks {
    fn time<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0[phase as usize]
            .fetch_add(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Relaxed);
        result
    }

    fn take(&self, phase: Phase) -> Duration {
        Duration::from_nanos(self.0[phase as usize].swap(0, Relaxed))
    }
}

/// A machine with a clock on what runs one after the other.
struct TimedVm(Arc<dyn Vm>, Arc<Clocks>);

impl Vm for TimedVm {
    fn id(&self) -> VmId {
        self.0.id()
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        self.1.time(Phase::Check, || self.0.check(payload))
    }

    fn execute(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        checked: &Checked,
    ) -> Result<Execution, ReadError> {
        self.1.time(Phase::Machine, || self.0.execute(journal, block, checked))
    }

    fn query(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        query: &[u8],
        gas: u64,
    ) -> Result<Outcome, ReadError> {
        self.0.query(journal, block, query, gas)
    }

    fn on_block(
        &self,
        journal: &mut Journal<'_>,
        block: &BlockEnv,
        phase: BlockPhase,
    ) -> Result<(), ReadError> {
        self.1.time(Phase::Hooks, || self.0.on_block(journal, block, phase))
    }
}

/// The tree with a clock on updates.
struct TimedTree(JmtTree, Arc<Clocks>);

impl Tree for TimedTree {
    fn root(&self, nodes: &dyn NodeRead, version: u64) -> Result<B256, ReadError> {
        self.0.root(nodes, version)
    }

    fn update(
        &self,
        nodes: &dyn NodeRead,
        version: u64,
        changes: &ChangeSet,
    ) -> Result<TreeUpdate, ReadError> {
        self.1.time(Phase::Tree, || self.0.update(nodes, version, changes))
    }

    fn prove(&self, nodes: &dyn NodeRead, version: u64, key: &[u8]) -> Result<Bytes, ReadError> {
        self.0.prove(nodes, version, key)
    }

    fn verify(&self, root: B256, key: &[u8], value: Option<&[u8]>, proof: &[u8]) -> bool {
        self.0.verify(root, key, value, proof)
    }
}

/// See the module.
pub struct Follower {
    pub genesis: Arc<Genesis>,
    pub machines: Machines,
    pub router: Router,
    pub store: Store,
    pub parent: Header,
    verifier: Verifier,
    state: DerivationState,
    clocks: Arc<Clocks>,
    _dir: tempfile::TempDir,
}

/// What a replay gave, and where its time went.
pub struct Replayed {
    pub elapsed: Duration,
    /// Transactions that are in blocks.
    pub executed: usize,
    /// Those of them that reverted or halted.
    pub failed: usize,
    /// Time in the machines' `execute`.
    pub machine: Duration,
    /// Time in the machines' `check`, all cores added up.
    pub check: Duration,
    lines: Vec<(&'static str, Duration)>,
}

impl Follower {
    /// A new node with the genesis block in its store.
    pub fn new(genesis: Arc<Genesis>, anchor: Anchor, trusted: &ExtendedHeader) -> eyre::Result<Self> {
        let dir = tempfile::tempdir()?;
        let params = genesis.derivation_params();
        // As a node has them, but for the folder of compiled contracts.
        let machines = plugins::machines_with(&genesis, Local { modules: None, pooling: true })?;
        let clocks = Arc::new(Clocks::default());
        let timed = |vm: &Arc<dyn Vm>| Arc::new(TimedVm(Arc::clone(vm), Arc::clone(&clocks))) as Arc<dyn Vm>;
        let tree = Arc::new(TimedTree(JmtTree, Arc::clone(&clocks)));
        let router = Router::new(Arc::clone(&genesis), machines.all.iter().map(timed).collect(), tree)?;
        let store = Store::open(&StoreConfig::new(Backend::Fjall, dir.path()), router.genesis_hash())?;
        let first = router.genesis_block()?;
        let mut session = store.begin(Height(0))?;
        session.block(&first.changes, &first.tree, Vec::new())?;
        session.finish(Bytes::new())?.commit()?;
        let mut verifier = Verifier::new(anchor, None, &params);
        verifier.begin(trusted)?;
        let (state, parent) = (DerivationState::genesis(&params), first.header);
        Ok(Self { genesis, machines, router, store, parent, verifier, state, clocks, _dir: dir })
    }

    /// Takes in `answers`, the next ones of Celestia, up to the last committed root.
    pub fn replay(&mut self, answers: &[Answer]) -> eyre::Result<Replayed> {
        let clocks = Arc::clone(&self.clocks);
        let take = |phase| clocks.take(phase);
        // What the blocks before took.
        let _ = [Phase::Check, Phase::Machine, Phase::Hooks, Phase::Tree].map(take);
        let params = self.genesis.derivation_params();
        let (mut executed, mut failed) = (0, 0);
        let start = Instant::now();
        for answer in answers {
            let derived = clocks.time(Phase::Derive, || -> eyre::Result<_> {
                let block = self.verifier.verify(&answer.header, &answer.batch, &answer.forced)?;
                Ok(derive(&params, self.state.clone(), &block))
            })?;
            self.state = derived.state;
            for landed in derived.blocks {
                let statuses = self.block(&landed.block)?;
                executed += statuses.0;
                failed += statuses.1;
            }
        }
        let elapsed = start.elapsed();
        let [derive, check, apply, machine, hooks, tree, commit] = [
            Phase::Derive,
            Phase::Check,
            Phase::Apply,
            Phase::Machine,
            Phase::Hooks,
            Phase::Tree,
            Phase::Commit,
        ]
        .map(take);
        let rest = apply.saturating_sub(machine + hooks + tree);
        let lines = vec![
            ("verify and derive", derive),
            ("execute: in the machines", machine),
            ("execute: hooks and contexts of blocks", hooks),
            ("execute: receipts, roots, awaited checks", rest),
            ("tree", tree),
            ("commit", commit),
            ("beside it, cores added up: checks", check),
        ];
        Ok(Replayed { elapsed, executed, failed, machine, check, lines })
    }

    /// How many transactions were executed, and how many of them failed.
    fn block(&mut self, block: &DerivedBlock) -> eyre::Result<(usize, usize)> {
        let clocks = &self.clocks;
        let done = clocks.time(Phase::Apply, || -> eyre::Result<_> {
            let (before, nodes) = (self.store.state_at(self.parent.height)?, self.store.nodes());
            Ok(self.router.apply_block(&*before, &*nodes, &self.parent, block)?)
        })?;
        if let Some(rejected) = done.rejected.first() {
            eyre::bail!("{} were rejected, the first since {:?}", done.rejected.len(), rejected.reject);
        }
        let failed = done.transactions.iter().filter(|done| !done.receipt.status.is_success()).count();
        clocks.time(Phase::Commit, || -> eyre::Result<_> {
            let mut session = self.store.begin(done.header.height)?;
            session.block(&done.changes, &done.tree, Vec::new())?;
            session.finish(self.state.to_bytes().into())?.commit()?;
            Ok(())
        })?;
        self.parent = done.header;
        Ok((done.transactions.len(), failed))
    }
}

impl Replayed {
    /// A line for each phase: milliseconds and share of the whole.
    pub fn print(&self) {
        for (name, time) in &self.lines {
            line(name, *time, self.elapsed);
        }
    }
}

/// One line of [`Replayed::print`].
pub fn line(name: &str, time: Duration, whole: Duration) {
    let share = time.as_secs_f64() / whole.as_secs_f64() * 100.0;
    println!("{name:<40} {:>9.1} ms {share:>5.1} %", time.as_secs_f64() * 1_000.0);
}
