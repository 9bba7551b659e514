//! Every method by name, with its [`Class`] and its [`Arity`]: the table of contents of the API.

use super::super::gate::Class;
use super::super::worker;
use super::api::Sol;
use super::args::{Args, Arity};
use super::errors::{DIALECT, Fault};
use super::subscribe::{self, Topic};
use jsonrpsee::types::Params;
use jsonrpsee::{Methods, RpcModule};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A method that is answered on the spot, or, where it reads the store or executes, on a thread of its own.
type Simple<T> = fn(&Sol, &Args) -> Result<T, Fault>;
/// A method that goes on only for as long as somebody waits.
type Scan<T> = fn(&Sol, &Args, &AtomicBool) -> Result<T, Fault>;

/// All methods over `sol`, and what they cost.
pub(super) fn all(sol: Arc<Sol>) -> (Methods, HashMap<&'static str, Class>) {
    let mut methods = Registry { module: RpcModule::from_arc(sol), classes: HashMap::new() };
    cluster(&mut methods);
    blocks(&mut methods);
    accounts(&mut methods);
    transactions(&mut methods);
    subscriptions(&mut methods);
    (methods.module.into(), methods.classes)
}

fn cluster(methods: &mut Registry) {
    methods.quick("getVersion", Arity(0, 0), Sol::version);
    methods.quick("getHealth", Arity(0, 0), Sol::health);
    methods.quick("getGenesisHash", Arity(0, 0), Sol::genesis_hash);
    methods.quick("getIdentity", Arity(0, 0), Sol::identity);
    methods.quick("getClusterNodes", Arity(0, 0), Sol::cluster_nodes);
    methods.read("getEpochInfo", Arity(0, 1), Sol::epoch_info);
    methods.quick("getEpochSchedule", Arity(0, 0), Sol::epoch_schedule);
    methods.quick("getSlotLeader", Arity(0, 1), Sol::slot_leader);
    methods.quick("getSlotLeaders", Arity(2, 2), Sol::slot_leaders);
    methods.quick("getLeaderSchedule", Arity(0, 2), Sol::leader_schedule);
    methods.quick("getVoteAccounts", Arity(0, 1), Sol::vote_accounts);
    methods.quick("getBlockCommitment", Arity(1, 1), Sol::block_commitment);
    methods.quick("getBlockProduction", Arity(0, 1), Sol::block_production);
    methods.quick("getInflationGovernor", Arity(0, 1), Sol::inflation_governor);
    methods.quick("getInflationRate", Arity(0, 0), Sol::inflation_rate);
    methods.quick("getInflationReward", Arity(1, 2), Sol::inflation_reward);
    methods.quick("getStakeMinimumDelegation", Arity(0, 1), Sol::stake_minimum);
    methods.quick("getHighestSnapshotSlot", Arity(0, 0), Sol::no_snapshot);
    methods.quick("getMaxRetransmitSlot", Arity(0, 0), Sol::newest_slot);
    methods.quick("getMaxShredInsertSlot", Arity(0, 0), Sol::newest_slot);
    methods.scan("getRecentPerformanceSamples", Arity(0, 1), Sol::performance);
    methods.read("getTransactionCount", Arity(0, 1), Sol::transaction_count);
}

fn blocks(methods: &mut Registry) {
    methods.quick("getSlot", Arity(0, 1), Sol::slot);
    methods.quick("getBlockHeight", Arity(0, 1), Sol::block_height);
    methods.quick("getLatestBlockhash", Arity(0, 1), Sol::latest_blockhash);
    methods.read("isBlockhashValid", Arity(1, 2), Sol::is_blockhash_valid);
    methods.read("getBlock", Arity(1, 2), Sol::get_block);
    methods.read("getBlocks", Arity(1, 3), Sol::get_blocks);
    methods.read("getBlocksWithLimit", Arity(2, 3), Sol::get_blocks_with_limit);
    methods.read("getBlockTime", Arity(1, 1), Sol::get_block_time);
    methods.quick("getFirstAvailableBlock", Arity(0, 0), Sol::first_block);
    methods.quick("minimumLedgerSlot", Arity(0, 0), Sol::first_block);
}

fn accounts(methods: &mut Registry) {
    methods.read("getAccountInfo", Arity(1, 2), Sol::account_info);
    methods.read("getMultipleAccounts", Arity(1, 2), Sol::multiple_accounts);
    methods.read("getBalance", Arity(1, 2), Sol::balance);
    methods.quick("getMinimumBalanceForRentExemption", Arity(1, 2), Sol::minimum_balance);
    methods.read("getSupply", Arity(0, 1), Sol::supply);
    methods.scan("getLargestAccounts", Arity(0, 1), Sol::largest_accounts);
    methods.scan("getProgramAccounts", Arity(1, 2), Sol::program_accounts);
    methods.scan("getTokenAccountsByOwner", Arity(2, 3), Sol::token_accounts_by_owner);
    methods.scan("getTokenAccountsByDelegate", Arity(2, 3), Sol::token_accounts_by_delegate);
    methods.scan("getTokenLargestAccounts", Arity(1, 2), Sol::token_largest_accounts);
    methods.read("getTokenAccountBalance", Arity(1, 2), Sol::token_account_balance);
    methods.read("getTokenSupply", Arity(1, 2), Sol::token_supply);
}

fn transactions(methods: &mut Registry) {
    methods.submit("sendTransaction", Arity(1, 2), Sol::send);
    methods.submit("requestAirdrop", Arity(2, 3), Sol::airdrop);
    methods.call("simulateTransaction", Arity(1, 2), Sol::simulate);
    methods.read("getTransaction", Arity(1, 2), Sol::transaction);
    methods.read("getSignatureStatuses", Arity(1, 2), Sol::signature_statuses);
    methods.scan("getSignaturesForAddress", Arity(1, 2), Sol::signatures_for_address);
    methods.read("getFeeForMessage", Arity(1, 2), Sol::fee_for_message);
    methods.scan("getRecentPrioritizationFees", Arity(0, 1), Sol::prioritization_fees);
}

fn subscriptions(methods: &mut Registry) {
    methods.topic(["accountSubscribe", "accountNotification", "accountUnsubscribe"], Topic::account);
    methods.topic(["programSubscribe", "programNotification", "programUnsubscribe"], Topic::program);
    methods.topic(["logsSubscribe", "logsNotification", "logsUnsubscribe"], Topic::logs);
    methods.topic(["signatureSubscribe", "signatureNotification", "signatureUnsubscribe"], Topic::signature);
    methods.topic(["slotSubscribe", "slotNotification", "slotUnsubscribe"], Topic::slot);
    let names = ["slotsUpdatesSubscribe", "slotsUpdatesNotification", "slotsUpdatesUnsubscribe"];
    methods.topic(names, Topic::slots_updates);
    methods.topic(["rootSubscribe", "rootNotification", "rootUnsubscribe"], Topic::root);
    methods.topic(["blockSubscribe", "blockNotification", "blockUnsubscribe"], Topic::block);
}

/// Methods under construction. Registering a name twice is a bug of this file, so it panics at start.
struct Registry {
    module: RpcModule<Sol>,
    classes: HashMap<&'static str, Class>,
}

/// What can't fail because every name stands here once.
const UNIQUE: &str = "every method has one name";

impl Registry {
    fn quick<T: Serialize + Clone + 'static>(&mut self, name: &'static str, arity: Arity, method: Simple<T>) {
        self.classes.insert(name, Class::Quick);
        self.module
            .register_method(name, move |params, sol, _| method(sol, &Args::new(&params, arity)?))
            .expect(UNIQUE);
    }

    fn read<T: Serialize + 'static>(&mut self, name: &'static str, arity: Arity, method: Simple<T>) {
        self.work(Class::Read, name, arity, move |sol, args, _| method(sol, args));
    }

    fn call<T: Serialize + 'static>(&mut self, name: &'static str, arity: Arity, method: Simple<T>) {
        self.work(Class::Call, name, arity, move |sol, args, _| method(sol, args));
    }

    fn scan<T: Serialize + 'static>(&mut self, name: &'static str, arity: Arity, method: Scan<T>) {
        self.work(Class::Scan, name, arity, method);
    }

    fn work<T: Serialize + 'static>(
        &mut self,
        class: Class,
        name: &'static str,
        arity: Arity,
        method: impl Fn(&Sol, &Args, &AtomicBool) -> Result<T, Fault> + Copy + Send + Sync + 'static,
    ) {
        self.classes.insert(name, class);
        self.module
            .register_async_method(name, move |params, sol, _| async move {
                let (args, config) = (Args::new(&params, arity)?, Arc::clone(&sol.config));
                worker::run(&config, &DIALECT, move |stop| method(&sol, &args, stop)).await
            })
            .expect(UNIQUE);
    }

    fn submit<F>(&mut self, name: &'static str, arity: Arity, method: fn(Arc<Sol>, Args) -> F)
    where
        F: Future<Output = Result<String, Fault>> + Send + 'static,
    {
        self.classes.insert(name, Class::Submit);
        self.module
            .register_async_method(name, move |params, sol, _| async move {
                method(sol, Args::new(&params, arity)?).await
            })
            .expect(UNIQUE);
    }

    /// A subscription, by the names of its begin, its notifications and its end.
    fn topic(
        &mut self,
        [name, notification, end]: [&'static str; 3],
        topic: fn(&Params<'_>) -> Result<Topic, Fault>,
    ) {
        self.classes.insert(name, Class::Subscribe);
        self.classes.insert(end, Class::Unsubscribe);
        self.module
            .register_subscription(name, notification, end, move |params, pending, sol, _| {
                subscribe::serve(topic(&params), pending, sol)
            })
            .expect(UNIQUE);
    }
}
