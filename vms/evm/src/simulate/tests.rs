//! Calls against contracts written out in opcodes.

use super::*;
use crate::{EvmConfig, GenesisAccount};
use alloy_primitives::{Address, B256, TxKind, hex};
use alloy_rpc_types_eth::state::AccountOverride;
use alloy_rpc_types_eth::state::StateOverridesBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_state::{EmptyState, Overlay};
use weft_types::{DaHeight, Height};
use weft_vm::{BlockPhase, FeeSplit, RejectKind, Vm};

pub(crate) const RICH: Address = Address::repeat_byte(0xaa);
pub(crate) const CONTRACT: Address = Address::repeat_byte(0xcc);
pub(crate) const CALLER: Address = Address::repeat_byte(0xdd);

/// A machine, a state with `CONTRACT` in it and one ether for `RICH`, and a block.
pub(crate) struct World {
    pub(crate) vm: EvmVm,
    pub(crate) state: Arc<dyn StateRead>,
    pub(crate) block: BlockEnv,
    pub(crate) cancel: AtomicBool,
}

impl World {
    pub(crate) fn new(code: &[u8]) -> Self {
        Self::with(BTreeMap::from([(CONTRACT, code)]))
    }

    pub(crate) fn with(codes: BTreeMap<Address, &[u8]>) -> Self {
        let alloc = codes
            .into_iter()
            .map(|(address, code)| {
                (address, GenesisAccount { nonce: 1, code: code.to_vec().into(), ..Default::default() })
            })
            .collect();
        let specs = vec![(DaHeight(1), "osaka".to_owned())];
        let vm = EvmVm::new(EvmConfig { chain_id: 31_337, specs, alloc }).expect("a spec");
        let block = BlockEnv {
            chain_id: 31_337,
            height: Height(1),
            origin: DaHeight(1),
            parent_hash: B256::repeat_byte(5),
            timestamp_ms: 9_000,
            prevrandao: B256::repeat_byte(1),
            gas_limit: 30_000_000,
            base_fee: 1_000,
            fee_recipient: AccountId::from_evm(Address::repeat_byte(0xfe)),
            fees: FeeSplit {
                treasury: AccountId::from_evm(Address::repeat_byte(0xee)),
                base_to_recipient_bp: 0,
                base_to_treasury_bp: 0,
            },
        };
        let mut journal = Journal::new(&EmptyState);
        let genesis = BlockEnv { height: Height(0), ..block.clone() };
        vm.on_block(&mut journal, &genesis, BlockPhase::Genesis).expect("reads");
        journal.set_balance(AccountId::from_evm(RICH), U256::from(10_u64.pow(18))).expect("reads");
        let changes = journal.into_changes().expect("reads");
        let state = Arc::new(Overlay::new(Arc::new(EmptyState), Arc::new(changes)));
        Self { vm, state, block, cancel: AtomicBool::new(false) }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope { state: &*self.state, block: &self.block, gas_cap: 50_000_000, cancel: &self.cancel }
    }

    fn call(&self, request: &TransactionRequest) -> Result<Simulated, SimulateError> {
        call(&self.vm, &self.scope(), request, &Overrides::default())
    }

    fn call_with(&self, request: &TransactionRequest, overrides: &Overrides) -> End {
        call(&self.vm, &self.scope(), request, overrides).expect("it runs").end
    }

    fn estimate(&self, request: &TransactionRequest) -> Result<u64, SimulateError> {
        estimate_gas(&self.vm, &self.scope(), request, &Overrides::default())
    }
}

pub(crate) fn to(address: Address) -> TransactionRequest {
    TransactionRequest { to: Some(TxKind::Call(address)), ..Default::default() }
}

fn word(end: &End) -> U256 {
    match end {
        End::Success(bytes) => U256::from_be_slice(bytes),
        other => panic!("{other:?}"),
    }
}

/// `code`, which leaves one word on the stack, and then the return of that word.
fn returning(code: &[u8]) -> Vec<u8> {
    [code, &hex!("5f5260205ff3")].concat()
}

#[test]
fn a_call_without_a_price_sees_none_and_needs_no_money() {
    let basefee = World::new(&returning(&hex!("48")));
    assert_eq!(word(&basefee.call(&to(CONTRACT)).expect("it runs").end), U256::ZERO);
    let priced = TransactionRequest { from: Some(RICH), max_fee_per_gas: Some(2_000), ..to(CONTRACT) };
    assert_eq!(word(&basefee.call(&priced).expect("it runs").end), U256::from(1_000));
    let origin = World::new(&returning(&hex!("32")));
    assert_eq!(word(&origin.call(&to(CONTRACT)).expect("it runs").end), U256::ZERO);
    // A contract may call, and no nonce is too high.
    let contract = TransactionRequest { from: Some(CONTRACT), nonce: Some(99), ..to(CONTRACT) };
    assert_eq!(word(&origin.call(&contract).expect("it runs").end), U256::from_be_slice(CONTRACT.as_slice()));
}

#[test]
fn requests_that_can_not_be_run_say_why() {
    let world = World::new(&hex!("00"));
    let value = TransactionRequest { value: Some(U256::from(1)), ..to(CONTRACT) };
    let Err(SimulateError::Rejected(reject)) = world.call(&value) else { panic!("it ran") };
    assert_eq!(reject.kind, RejectKind::InsufficientFunds);
    assert!(reject.message.starts_with("insufficient funds for gas * price + value"), "{reject}");
    let cheap = TransactionRequest { from: Some(RICH), max_fee_per_gas: Some(1), ..to(CONTRACT) };
    let Err(SimulateError::Rejected(reject)) = world.call(&cheap) else { panic!("it ran") };
    assert_eq!(reject.kind, RejectKind::Underpriced);
    for request in [
        TransactionRequest { gas_price: Some(1), max_fee_per_gas: Some(1), ..to(CONTRACT) },
        TransactionRequest { chain_id: Some(1), ..to(CONTRACT) },
        TransactionRequest { blob_versioned_hashes: Some(vec![B256::ZERO]), ..to(CONTRACT) },
        TransactionRequest { max_fee_per_gas: Some(1), max_priority_fee_per_gas: Some(2), ..to(CONTRACT) },
    ] {
        assert!(matches!(world.call(&request), Err(SimulateError::Request(_))), "{request:?}");
    }
}

#[test]
fn reverts_and_halts_are_told_apart() {
    let reverting = World::new(&hex!("602a5f5260205ffd"));
    let Ok(Simulated { end: End::Reverted(reason), .. }) = reverting.call(&to(CONTRACT)) else { panic!() };
    assert_eq!(U256::from_be_slice(&reason), U256::from(42));
    let looping = World::new(&hex!("5b5f56"));
    let request = TransactionRequest { gas: Some(100_000), ..to(CONTRACT) };
    let Ok(Simulated { end, gas_used, .. }) = looping.call(&request) else { panic!() };
    assert_eq!((end, gas_used), (End::Halted { code: 0, out_of_gas: true }, 100_000));
}

#[test]
fn a_call_that_loops_stops_when_told() {
    let world = World::new(&hex!("5b5f56"));
    world.cancel.store(true, Ordering::Relaxed);
    let scope = Scope { gas_cap: u64::MAX, ..world.scope() };
    let stopped = call(&world.vm, &scope, &to(CONTRACT), &Overrides::default());
    assert_eq!(stopped, Err(SimulateError::Cancelled));
    let stopped = estimate_gas(&world.vm, &scope, &to(CONTRACT), &Overrides::default());
    assert_eq!(stopped, Err(SimulateError::Cancelled));
}

#[test]
fn state_and_block_are_as_overridden() {
    // SLOAD(0) + SLOAD(1)
    let world = World::new(&returning(&hex!("5f5460015401")));
    let over = |account: AccountOverride| Overrides {
        state: StateOverridesBuilder::default().append(CONTRACT, account).build(),
        ..Overrides::default()
    };
    let slot = |n: u8| B256::with_last_byte(n);
    let diff = over(AccountOverride::default().with_state_diff([(slot(0), slot(5)), (slot(1), slot(6))]));
    assert_eq!(word(&world.call_with(&to(CONTRACT), &diff)), U256::from(11));
    let whole = over(AccountOverride::default().with_state([(slot(1), slot(6))]));
    assert_eq!(word(&world.call_with(&to(CONTRACT), &whole)), U256::from(6));
    let balance = over(AccountOverride {
        balance: Some(U256::from(77)),
        code: Some(returning(&hex!("47")).into()),
        ..Default::default()
    });
    assert_eq!(word(&world.call_with(&to(CONTRACT), &balance)), U256::from(77));
    let both = over(AccountOverride::default().with_state([]).with_state_diff([]));
    assert!(matches!(call(&world.vm, &world.scope(), &to(CONTRACT), &both), Err(SimulateError::Request(_))));

    // NUMBER + TIMESTAMP, and BLOCKHASH(0)
    let world = World::new(&returning(&hex!("434201")));
    let block = BlockOverrides { number: Some(U256::from(100)), time: Some(7), ..Default::default() };
    let overrides = Overrides { block, ..Overrides::default() };
    assert_eq!(word(&world.call_with(&to(CONTRACT), &overrides)), U256::from(107));
    let world = World::new(&returning(&hex!("5f40")));
    let block =
        BlockOverrides { block_hash: Some([(0, slot(9))].into_iter().collect()), ..Default::default() };
    let overrides = Overrides { block, ..Overrides::default() };
    assert_eq!(word(&world.call_with(&to(CONTRACT), &overrides)), U256::from(9));
}

/// Succeeds with `gas` and fails with much less.
fn is_enough_and_tight(world: &World, request: &TransactionRequest, gas: u64) {
    let runs = |gas| {
        let request = TransactionRequest { gas: Some(gas), ..request.clone() };
        matches!(world.call(&request), Ok(Simulated { end: End::Success(_), .. }))
    };
    assert!(runs(gas), "{gas} is not enough");
    assert!(!runs(gas - gas * 15 / 1000 - 1), "{gas} is more than is needed");
}

#[test]
fn estimates_are_enough_and_tight() {
    let world = World::new(&hex!("00"));
    let transfer = TransactionRequest { from: Some(RICH), value: Some(U256::from(5)), ..to(Address::ZERO) };
    assert_eq!(world.estimate(&transfer), Ok(21_000));

    // SSTORE(0, 1); then one that clears what it set, for a refund; then one that creates a contract.
    for code in [&hex!("60015f5500")[..], &hex!("60015f555f5f5500"), &hex!("5f5f5ff05000")] {
        let world = World::new(code);
        let gas = world.estimate(&to(CONTRACT)).expect("it succeeds");
        is_enough_and_tight(&world, &to(CONTRACT), gas);
    }
    // A call that keeps a 64th back, into a contract that burns a lot of gas.
    let forward = [&hex!("5f5f5f5f5f73")[..], CONTRACT.as_slice(), &hex!("5af1602f57fe5b00")].concat();
    let mut forward = forward;
    let after_call = u8::try_from(forward.len() - 2).expect("short");
    let at = forward.len() - 5;
    forward[at] = after_call;
    let spend: Vec<u8> = std::iter::repeat_n(hex!("5f5f20505f5f2050"), 200).flatten().collect();
    let world = World::with(BTreeMap::from([(CALLER, &forward[..]), (CONTRACT, &spend[..])]));
    let gas = world.estimate(&to(CALLER)).expect("it succeeds");
    is_enough_and_tight(&world, &to(CALLER), gas);
}

#[test]
fn estimates_that_can_not_be_say_why() {
    let reverting = World::new(&hex!("602a5f5260205ffd"));
    assert!(
        matches!(reverting.estimate(&to(CONTRACT)), Err(SimulateError::Reverted(reason)) if reason[31] == 42)
    );
    let invalid = World::new(&hex!("fe"));
    assert_eq!(invalid.estimate(&to(CONTRACT)), Err(SimulateError::Halted(7)));
    let hungry = World::new(&hex!("5b5f56"));
    let limited = TransactionRequest { gas: Some(100_000), ..to(CONTRACT) };
    assert_eq!(hungry.estimate(&limited), Err(SimulateError::Allowance(100_000)));
    let priced =
        TransactionRequest { from: Some(RICH), gas_price: Some(10_u128.pow(18) / 50_000), ..to(CONTRACT) };
    assert_eq!(hungry.estimate(&priced), Err(SimulateError::Allowance(50_000)));
    let poor = TransactionRequest { gas_price: Some(2_000), value: Some(U256::from(1)), ..to(CONTRACT) };
    let Err(SimulateError::Request(why)) = hungry.estimate(&poor) else { panic!() };
    assert_eq!(why, "insufficient funds for transfer");
}

#[test]
fn access_lists_name_what_is_touched() {
    // SLOAD(7); BALANCE(0x..dd)
    let code = [&hex!("60075450 73")[..], CALLER.as_slice(), &hex!("3100")].concat();
    let world = World::new(&code);
    let found =
        create_access_list(&world.vm, &world.scope(), &to(CONTRACT), &Overrides::default()).expect("it runs");
    assert_eq!(found.error, None);
    let slots: Vec<_> = found.access_list.0.iter().map(|i| (i.address, i.storage_keys.clone())).collect();
    assert_eq!(slots, [(CONTRACT, vec![B256::with_last_byte(7)]), (CALLER, vec![])]);
    assert!(found.gas_used > U256::from(21_000));
}
