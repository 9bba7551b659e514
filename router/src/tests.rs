//! Blocks of toy transactions: what is built is what is applied, and nothing leaks from what is rejected.

use crate::*;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Mutex;
use weft_genesis::{Account, Devnet, Machine};
use weft_state::{
    ChangeSet, EmptyState, Journal, NodeRead, OutboxEntry, Overlay, ReadError, StateRead, TreeUpdate, key,
};
use weft_types::{
    AccountId, Address, Bytes, DaHeight, DerivedBlock, GasRate, Header, Height, OrderedTransaction, Status,
    U256, hash,
};
use weft_vm::toy::{Operation, ToyTransaction, ToyVm, counter_key};
use weft_vm::{BlockEnv, DETAIL_BYTES_MAX, Execution, Outcome};

/// A tree that is none: the hash of the root before and of what changed. Its one node per version is the root.
struct ChainedHash;

impl Tree for ChainedHash {
    fn root(&self, nodes: &dyn NodeRead, version: u64) -> Result<B256, ReadError> {
        let node = nodes.node(&version.to_be_bytes())?;
        node.map(|node| B256::from_slice(&node)).ok_or_else(|| ReadError(format!("no root {version}")))
    }

    fn update(
        &self,
        nodes: &dyn NodeRead,
        version: u64,
        changes: &ChangeSet,
    ) -> Result<TreeUpdate, ReadError> {
        let before = version.checked_sub(1).map_or(Ok(B256::ZERO), |before| self.root(nodes, before))?;
        let root = hash::sha256("test", &[before.as_slice(), format!("{changes:?}").as_bytes()]);
        let node = (version.to_be_bytes().to_vec(), Bytes::copy_from_slice(root.as_slice()));
        Ok(TreeUpdate { root, nodes: vec![node], stale: Vec::new() })
    }

    fn prove(&self, _: &dyn NodeRead, _: u64, _: &[u8]) -> Result<Bytes, ReadError> {
        Ok(Bytes::new())
    }

    fn verify(&self, _: B256, _: &[u8], _: Option<&[u8]>, _: &[u8]) -> bool {
        false
    }
}

#[derive(Default)]
struct Nodes(Mutex<HashMap<Vec<u8>, Bytes>>);

impl NodeRead for Nodes {
    fn node(&self, id: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.0.lock().expect("one thread").get(id).cloned())
    }
}

/// A chain in memory.
struct Chain {
    router: Router,
    state: Arc<dyn StateRead>,
    nodes: Nodes,
    tip: Header,
}

const CHAIN: u64 = 31_337;

fn account(byte: u8) -> AccountId {
    AccountId(B256::repeat_byte(byte))
}

fn genesis() -> Genesis {
    let mut genesis = Genesis::devnet(Devnet {
        timestamp_ms: 1_760_000_000_000,
        celestia_chain_id: "weft-local".into(),
        checkpoint: (DaHeight(7), B256::repeat_byte(7)),
        sequencers: vec![Address::repeat_byte(0x11)],
        accounts: Vec::new(),
    });
    genesis.machines = vec![Machine::new(VmId::TOY, "1", GasRate::ONE)];
    genesis.limits.block_gas = 30_000;
    genesis.accounts =
        (1..=4).map(|byte| Account::funded(account(byte), U256::from(10).pow(U256::from(18)))).collect();
    genesis
}

fn router(genesis: Genesis) -> Router {
    let toy = Arc::new(ToyVm { chain_id: CHAIN });
    Router::new(Arc::new(genesis), vec![toy], Arc::new(ChainedHash)).expect("the toy machine alone")
}

impl Chain {
    fn new(router: Router) -> Self {
        let block = router.genesis_block().expect("genesis");
        let tip = block.header.clone();
        let mut chain = Self { router, state: Arc::new(EmptyState), nodes: Nodes::default(), tip };
        chain.commit(block);
        chain
    }

    fn commit(&mut self, block: ExecutedBlock) {
        self.state = Arc::new(Overlay::new(self.state.clone(), Arc::new(block.changes)));
        self.nodes.0.lock().expect("one thread").extend(block.tree.nodes);
        self.tip = block.header;
    }

    fn template(&self) -> BlockTemplate {
        BlockTemplate {
            height: self.tip.height.next(),
            timestamp_ms: self.tip.timestamp_ms + 1_000,
            origin: self.tip.origin.next(),
            origin_hash: B256::repeat_byte(9),
            sequencer: Some(Address::repeat_byte(0x11)),
        }
    }

    fn derived(&self, transactions: Vec<Transaction>) -> DerivedBlock {
        let t = self.template();
        let root = DerivedBlock::ordered_root(&transactions);
        let order_hash = hash::order_hash(self.tip.order_hash, t.height.0, t.timestamp_ms, t.origin.0, root);
        let transactions = transactions
            .into_iter()
            .map(|transaction| OrderedTransaction { transaction, forced: false })
            .collect();
        DerivedBlock {
            height: t.height,
            timestamp_ms: t.timestamp_ms,
            origin: t.origin,
            origin_hash: t.origin_hash,
            order_hash,
            sequencer: t.sequencer,
            transactions,
        }
    }

    fn apply(&self, block: &DerivedBlock) -> Result<ExecutedBlock, ApplyError> {
        self.router.apply_block(&*self.state, &self.nodes, &self.tip, block)
    }

    fn build(&self, forced: Vec<Transaction>, candidates: Vec<Transaction>) -> Built {
        let checked = |transaction: Transaction| {
            let checked = self.router.check(&transaction).ok()?;
            Some(Candidate { transaction, checked })
        };
        let mut candidates = candidates.into_iter().filter_map(checked);
        let limits = BuildLimits::of(&self.router);
        let template = self.template();
        self.router
            .build_block(
                &*self.state,
                &self.nodes,
                &self.tip,
                &template,
                forced,
                &mut || candidates.next(),
                limits,
            )
            .expect("a block")
    }

    fn counter(&self, of: u8) -> Option<Bytes> {
        self.state.get(&counter_key(account(of))).expect("memory")
    }
}

fn tx(sender: u8, nonce: u64, gas_limit: u64, operation: Operation) -> Transaction {
    let payload = ToyTransaction { sender: account(sender), nonce, gas_limit, operation }.seal(CHAIN);
    Transaction { vm: VmId::TOY, payload }
}

fn count(sender: u8, nonce: u64) -> Transaction {
    tx(sender, nonce, 1_000, Operation::Count(1))
}

#[test]
fn genesis_names_the_chain() {
    let block = router(genesis()).genesis_block().expect("genesis");
    let again = router(genesis()).genesis_block().expect("genesis");
    assert_eq!(block, again);
    assert_eq!(block.header.order_hash, genesis().hash());
    let mut other = genesis();
    other.network = "other".into();
    let other = router(other).genesis_block().expect("genesis");
    assert_ne!(block.header.hash(), other.header.hash());
    assert_eq!(block.header.state_root, other.header.state_root);
    let supply = block.changes.get(&key::supply()).cloned().flatten().expect("a supply");
    assert_eq!(U256::from_be_slice(&supply), genesis().supply().expect("it fits"));
}

#[test]
fn machines_must_be_those_of_genesis() {
    let tree: Arc<dyn Tree> = Arc::new(ChainedHash);
    let toy: Arc<dyn Vm> = Arc::new(ToyVm { chain_id: CHAIN });
    let new = |genesis: Genesis, vms| Router::new(Arc::new(genesis), vms, tree.clone()).err();
    assert_eq!(new(genesis(), vec![]), Some(RegistryError::Missing(VmId::TOY)));
    assert_eq!(new(genesis(), vec![toy.clone(), toy.clone()]), Some(RegistryError::Twice(VmId::TOY)));
    let mut evm = genesis();
    evm.machines[0].vm = VmId::EVM;
    assert_eq!(new(evm, vec![toy]), Some(RegistryError::Unlisted(VmId::TOY)));
}

#[test]
fn rejected_ones_are_values_and_the_rest_goes_on() {
    let chain = Chain::new(router(genesis()));
    let transactions = vec![
        count(1, 0),
        count(1, 0),
        Transaction { vm: VmId::EVM, payload: Bytes::from_static(&[1]) },
        Transaction { vm: VmId::TOY, payload: Bytes::from_static(&[1]) },
        tx(2, 0, 29_900, Operation::Count(1)),
        tx(2, 0, 1_000, Operation::Revert),
        count(9, 0),
        count(1, 1),
    ];
    let block = chain.apply(&chain.derived(transactions)).expect("a block");
    let kinds: Vec<_> = block.rejected.iter().map(|r| (r.index, r.reject.kind)).collect();
    assert_eq!(
        kinds,
        [
            (1, RejectKind::Stale),
            (2, RejectKind::Unsupported),
            (3, RejectKind::Malformed),
            (4, RejectKind::GasLimit),
            (6, RejectKind::InsufficientFunds),
        ]
    );
    let statuses: Vec<_> = block.transactions.iter().map(|done| done.receipt.status).collect();
    assert_eq!(statuses, [Status::Success, Status::Reverted, Status::Success]);
    let gas: u64 = block.transactions.iter().map(|done| done.receipt.gas_used).sum();
    assert_eq!(block.header.gas_used, gas);
    let leaves: Vec<_> = block.transactions.iter().map(|done| done.transaction.to_bytes()).collect();
    assert_eq!(block.header.transactions_root, hash::merkle_root(&leaves));
    let leaves: Vec<_> = block.transactions.iter().map(|done| alloy_rlp::encode(&done.receipt)).collect();
    assert_eq!(block.header.receipts_root, hash::merkle_root(&leaves));
}

#[test]
fn the_state_holds_the_last_256_block_hashes() {
    let mut chain = Chain::new(router(genesis()));
    let mut hashes = vec![chain.tip.hash()];
    for _ in 0..300 {
        let block = chain.apply(&chain.derived(vec![])).expect("a block");
        chain.commit(block);
        hashes.push(chain.tip.hash());
    }
    for (height, hash) in (0..).zip(&hashes) {
        let stored = chain.state.get(&key::block_hash(Height(height))).expect("memory");
        // Block 300 wrote 299's and dropped 43's.
        let expected = (44..300).contains(&height).then(|| Bytes::copy_from_slice(hash.as_slice()));
        assert_eq!(stored, expected, "height {height}");
    }
}

#[test]
fn a_block_must_follow_its_parent() {
    let chain = Chain::new(router(genesis()));
    let mut block = chain.derived(vec![]);
    block.height = Height(2);
    assert!(matches!(chain.apply(&block), Err(ApplyError::NotNext { .. })));
    let mut block = chain.derived(vec![]);
    block.timestamp_ms = chain.tip.timestamp_ms - 1;
    assert!(matches!(chain.apply(&block), Err(ApplyError::NotNext { .. })));
}

#[test]
fn a_sequencer_keeps_what_does_not_fit_and_drops_what_never_will() {
    let chain = Chain::new(router(genesis()));
    let candidates = vec![
        tx(1, 0, 20_000, Operation::Loop(990)),
        tx(2, 0, 15_000, Operation::Count(1)),
        tx(3, 0, 30_001, Operation::Count(1)),
        count(4, 1),
        count(4, 0),
    ];
    let built = chain.build(vec![], candidates.clone());
    let included: Vec<_> =
        built.block.transactions.iter().map(|ordered| ordered.transaction.clone()).collect();
    assert_eq!(included, [candidates[0].clone(), candidates[4].clone()]);
    let unfit: Vec<_> = built.unfit.iter().map(|candidate| candidate.transaction.clone()).collect();
    assert_eq!(unfit, [candidates[1].clone()]);
    let rejected: Vec<_> = built.rejected.iter().map(|rejected| rejected.reject.kind).collect();
    assert_eq!(rejected, [RejectKind::GasLimit, RejectKind::NonceGap]);
}

/// A machine that breaks its contract.
#[derive(Clone, Copy)]
enum Rogue {
    Mints,
    Sends,
    LogsAndReverts,
    UsesTooMuch,
    /// Not a fault: a detail of so many bytes.
    Talks(usize),
}

static TALK: [u8; DETAIL_BYTES_MAX + 1] = [7; DETAIL_BYTES_MAX + 1];

impl Vm for Rogue {
    fn id(&self) -> VmId {
        VmId::TOY
    }

    fn check(&self, payload: &[u8]) -> Result<Checked, Reject> {
        let id = hash::sha256("rogue", &[payload]);
        Ok(Checked { vm: VmId::TOY, id, sender: account(1), gas_limit: 10, decoded: Arc::new(()) })
    }

    fn execute(&self, journal: &mut Journal<'_>, _: &BlockEnv, _: &Checked) -> Result<Execution, ReadError> {
        let (output, detail) = (Bytes::new(), Bytes::new());
        let mut outcome = Outcome { status: Status::Success, gas_used: 10, fee: U256::ZERO, output, detail };
        match self {
            Self::Mints => journal.set_balance(account(8), U256::from(1))?,
            Self::Sends => journal.send(OutboxEntry { from: account(1), message: Bytes::new() }),
            Self::LogsAndReverts => {
                journal.log(weft_types::Log {
                    account: B256::ZERO,
                    topics: vec![],
                    data: Default::default(),
                });
                outcome.status = Status::Reverted;
            }
            Self::UsesTooMuch => outcome.gas_used = 11,
            Self::Talks(bytes) => outcome.detail = Bytes::from_static(&TALK[..*bytes]),
        }
        Ok(Execution::Executed(outcome))
    }

    fn query(&self, _: &mut Journal<'_>, _: &BlockEnv, _: &[u8], _: u64) -> Result<Outcome, ReadError> {
        Err(ReadError("no queries".into()))
    }
}

#[test]
fn a_machine_that_breaks_its_contract_stops_the_block() {
    let run = |rogue: Rogue| {
        let router = Router::new(Arc::new(genesis()), vec![Arc::new(rogue)], Arc::new(ChainedHash));
        let chain = Chain::new(router.expect("the rogue machine alone"));
        chain.apply(&chain.derived(vec![count(1, 0)])).expect_err("a fault")
    };
    let fault = |rogue| match run(rogue) {
        ApplyError::Machine { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert!(matches!(run(Rogue::Mints), ApplyError::Supply { .. }));
    assert_eq!(fault(Rogue::Sends), MachineFault::Message);
    assert_eq!(fault(Rogue::LogsAndReverts), MachineFault::Logs);
    assert_eq!(fault(Rogue::UsesTooMuch), MachineFault::Gas);
}

#[test]
fn details_are_kept_until_the_block_has_no_room_for_more_and_change_no_hash() {
    let fit = BLOCK_DETAIL_BYTES_MAX / DETAIL_BYTES_MAX;
    let kept = |bytes: usize| {
        let router =
            Router::new(Arc::new(genesis()), vec![Arc::new(Rogue::Talks(bytes))], Arc::new(ChainedHash));
        let chain = Chain::new(router.expect("the machine alone"));
        let block = chain.apply(&chain.derived(vec![count(1, 0); fit + 1])).expect("a block");
        assert_eq!(block.transactions.len(), fit + 1);
        let kept = block.transactions.iter().take_while(|done| done.detail.len() == bytes).count();
        assert!(block.transactions[kept..].iter().all(|done| done.detail.is_empty()));
        (kept, block.header.hash())
    };
    let (silent, most, too_long) = (kept(0), kept(DETAIL_BYTES_MAX), kept(DETAIL_BYTES_MAX + 1));
    assert_eq!((silent.0, most.0, too_long.0), (fit + 1, fit, 0));
    assert_eq!((silent.1, silent.1), (most.1, too_long.1));
}

#[test]
fn a_machine_of_an_upgrade_joins_at_its_origin() {
    let mut genesis = genesis();
    let toy = genesis.machines.clone();
    genesis.machines.clear();
    genesis.upgrades = vec![weft_genesis::Upgrade { da_height: DaHeight(9), machines: toy }];
    let mut chain = Chain::new(router(genesis));
    for (expected, of) in [(None, 0), (Some(Bytes::from_static(&[0, 0, 0, 0, 0, 0, 0, 1])), 1)] {
        let block = chain.apply(&chain.derived(vec![count(1, 0)])).expect("a block");
        assert_eq!(block.transactions.len(), of);
        chain.commit(block);
        assert_eq!(chain.counter(1), expected);
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0..10u64).prop_map(Operation::Count),
        (1..7u8, 0..1_000_000u128).prop_map(|(to, wei)| Operation::Pay(account(to), wei)),
        Just(Operation::Revert),
        Just(Operation::Halt),
        (0..300u64).prop_map(Operation::Loop),
    ]
}

fn transaction() -> impl Strategy<Value = Transaction> {
    let toy = (1..6u8, 0..4u64, 50..9_000u64, operation());
    prop_oneof![
        12 => toy.prop_map(|(sender, nonce, gas, operation)| tx(sender, nonce, gas, operation)),
        1 => (any::<u8>(), prop::collection::vec(any::<u8>(), 1..200))
            .prop_map(|(vm, payload)| Transaction { vm: VmId(vm), payload: payload.into() }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_built_is_what_is_applied(
        blocks in prop::collection::vec(
            (prop::collection::vec(transaction(), 0..4), prop::collection::vec(transaction(), 0..20)), 1..8),
    ) {
        let mut chain = Chain::new(router(genesis()));
        let supply = genesis().supply().expect("it fits");
        for (forced, candidates) in blocks {
            let built = chain.build(forced, candidates);
            let applied = chain.apply(&built.block).expect("a block");
            prop_assert_eq!(&applied, &built.executed);
            prop_assert!(applied.rejected.iter().all(|rejected| built.block.transactions[rejected.index].forced));
            prop_assert!(applied.header.gas_used <= 30_000);
            chain.commit(applied);
            let mut journal = Journal::new(&*chain.state);
            let burnt = supply - journal.supply().expect("memory");
            let held = chain.state.range(&key::ledger(AccountId(B256::ZERO)), &key::supply(), 1_000).expect("memory");
            let held: U256 = held.iter().map(|(_, wei)| U256::from_be_slice(wei)).sum();
            prop_assert_eq!(held + burnt, supply);
        }
    }
}
