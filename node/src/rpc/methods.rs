//! Every method by name, with its [`Class`]: the table of contents of the API.

use super::api::Api;
use super::args::Args;
use super::dialect::ETH;
use super::errors::Fault;
use super::gate::Class;
use super::{subscribe, worker};
use alloy_primitives::U64;
use jsonrpsee::types::Params;
use jsonrpsee::{Methods, RpcModule};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A method that is answered on the spot.
type Quick<T> = fn(&Api, &Args) -> Result<T, Fault>;
/// A method that runs on a thread of its own and stops when it is told to.
type Costly<T> = fn(&Api, &Args, &AtomicBool) -> Result<T, Fault>;

/// All methods over `api`, and what they cost.
pub(super) fn all(api: Arc<Api>) -> (Methods, HashMap<&'static str, Class>) {
    let mut methods = Registry { module: RpcModule::from_arc(api), classes: HashMap::new() };
    chain(&mut methods);
    blocks(&mut methods);
    state(&mut methods);
    calls(&mut methods);
    logs(&mut methods);
    pool(&mut methods);
    weft(&mut methods);
    (methods.module.into(), methods.classes)
}

fn chain(methods: &mut Registry) {
    methods.quick("eth_chainId", |api, _| Ok(U64::from(api.chain.genesis().chain_id)));
    methods.quick("eth_blockNumber", Api::block_number);
    methods.quick("eth_syncing", |_, _| Ok(false));
    methods.quick("eth_mining", |_, _| Ok(false));
    methods.quick("eth_hashrate", |_, _| Ok(U64::ZERO));
    methods.quick("eth_coinbase", Api::coinbase);
    methods.quick("eth_accounts", Api::accounts);
    for name in ["eth_sendTransaction", "eth_sign", "eth_signTransaction", "eth_signTypedData_v4"] {
        methods.quick(name, Api::no_keys);
    }
    methods.quick("net_version", |api, _| Ok(api.chain.genesis().chain_id.to_string()));
    methods.quick("net_listening", |_, _| Ok(true));
    methods.quick("net_peerCount", |_, _| Ok(U64::ZERO));
    methods.quick("web3_clientVersion", |_, _| Ok(client_version()));
    methods.quick("web3_sha3", Api::sha3);
    methods.quick("rpc_modules", |_, _| {
        let names = ["debug", "eth", "net", "rpc", "txpool", "web3", "weft"];
        Ok(names.map(|name| (name, "1.0")).into_iter().collect::<HashMap<_, _>>())
    });
    methods.costly(Class::Read, "eth_gasPrice", |api, args, _| api.gas_price(args));
    methods.costly(Class::Read, "eth_maxPriorityFeePerGas", |api, args, _| api.max_priority_fee(args));
    methods.quick("eth_blobBaseFee", Api::blob_base_fee);
    methods.costly(Class::Scan, "eth_feeHistory", |api, args, _| api.fee_history(args));
}

fn blocks(methods: &mut Registry) {
    methods.costly(Class::Read, "eth_getBlockByNumber", |api, args, _| api.get_block_by_number(args));
    methods.costly(Class::Read, "eth_getBlockByHash", |api, args, _| api.get_block_by_hash(args));
    methods.costly(Class::Read, "eth_getHeaderByNumber", |api, args, _| api.get_header_by_number(args));
    methods.costly(Class::Read, "eth_getHeaderByHash", |api, args, _| api.get_header_by_hash(args));
    methods.costly(Class::Read, "eth_getBlockReceipts", |api, args, _| api.block_receipts(args));
    methods.costly(Class::Read, "eth_getBlockTransactionCountByNumber", |api, args, _| {
        api.count_by_number(args)
    });
    methods.costly(Class::Read, "eth_getBlockTransactionCountByHash", |api, args, _| api.count_by_hash(args));
    methods.costly(Class::Read, "eth_getUncleCountByBlockNumber", |api, args, _| {
        api.uncle_count_by_number(args)
    });
    methods.costly(Class::Read, "eth_getUncleCountByBlockHash", |api, args, _| api.uncle_count_by_hash(args));
    methods.quick("eth_getUncleByBlockNumberAndIndex", Api::no_uncle);
    methods.quick("eth_getUncleByBlockHashAndIndex", Api::no_uncle);
    methods.costly(Class::Read, "eth_getTransactionByBlockNumberAndIndex", |api, args, _| {
        api.transaction_by_number_and_index(args)
    });
    methods.costly(Class::Read, "eth_getTransactionByBlockHashAndIndex", |api, args, _| {
        api.transaction_by_hash_and_index(args)
    });
    methods.costly(Class::Read, "eth_getTransactionByHash", |api, args, _| api.transaction_by_hash(args));
    methods.costly(Class::Read, "eth_getTransactionReceipt", |api, args, _| api.receipt(args));
    methods
        .costly(Class::Read, "eth_getRawTransactionByHash", |api, args, _| api.raw_transaction_by_hash(args));
}

fn state(methods: &mut Registry) {
    methods.quick("eth_getBalance", Api::balance);
    methods.quick("eth_getTransactionCount", Api::transaction_count);
    methods.quick("eth_getCode", Api::code);
    methods.quick("eth_getStorageAt", Api::storage);
    methods.quick("eth_getProof", Api::proof);
}

fn calls(methods: &mut Registry) {
    methods.costly(Class::Call, "eth_call", Api::call);
    methods.costly(Class::Call, "eth_estimateGas", Api::estimate_gas);
    methods.costly(Class::Call, "eth_createAccessList", Api::create_access_list);
    methods.costly(Class::Scan, "debug_traceTransaction", Api::trace_transaction);
    methods.costly(Class::Scan, "debug_traceCall", Api::trace_call);
    methods.costly(Class::Scan, "debug_traceBlockByNumber", Api::trace_block_by_number);
    methods.costly(Class::Scan, "debug_traceBlockByHash", Api::trace_block_by_hash);
    methods.costly(Class::Read, "debug_getRawTransaction", |api, args, _| api.raw_transaction_by_hash(args));
}

fn logs(methods: &mut Registry) {
    methods.costly(Class::Scan, "eth_getLogs", Api::get_logs);
    methods.quick("eth_newFilter", Api::new_filter);
    methods.quick("eth_newBlockFilter", Api::new_block_filter);
    methods.quick("eth_newPendingTransactionFilter", Api::new_pending_filter);
    methods.quick("eth_uninstallFilter", Api::uninstall_filter);
    methods.costly(Class::Scan, "eth_getFilterLogs", Api::filter_logs);
    methods.costly(Class::Read, "eth_getFilterChanges", Api::filter_changes);
    methods.subscription("eth_subscribe", "eth_subscription", "eth_unsubscribe", subscribe::eth);
}

fn pool(methods: &mut Registry) {
    methods.submit("eth_sendRawTransaction");
    methods.quick("txpool_status", Api::pool_status);
    methods.costly(Class::Scan, "txpool_content", |api, args, _| api.pool_content(args));
    methods.costly(Class::Scan, "txpool_contentFrom", |api, args, _| api.pool_content_from(args));
    methods.costly(Class::Scan, "txpool_inspect", |api, args, _| api.pool_inspect(args));
}

fn weft(methods: &mut Registry) {
    methods.quick("weft_status", Api::weft_status);
    methods.costly(Class::Read, "weft_getBlock", |api, args, _| api.weft_get_block(args));
    methods.costly(Class::Read, "weft_getTransaction", |api, args, _| api.weft_get_transaction(args));
    methods.costly(Class::Read, "weft_discarded", |api, args, _| api.weft_discarded(args));
    methods.subscription("weft_subscribe", "weft_subscription", "weft_unsubscribe", subscribe::weft);
}

fn client_version() -> String {
    let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
    format!("weft/v{version}/{os}-{arch}")
}

/// Methods under construction. Registering a name twice is a bug of this file, so it panics at start.
struct Registry {
    module: RpcModule<Api>,
    classes: HashMap<&'static str, Class>,
}

/// What can't fail because every name stands here once.
const UNIQUE: &str = "every method has one name";

impl Registry {
    fn quick<T: Serialize + Clone + 'static>(&mut self, name: &'static str, method: Quick<T>) {
        self.classes.insert(name, Class::Quick);
        self.module
            .register_method(name, move |params, api, _| method(api, &Args::new(&params)?))
            .expect(UNIQUE);
    }

    fn costly<T: Serialize + 'static>(&mut self, class: Class, name: &'static str, method: Costly<T>) {
        self.classes.insert(name, class);
        self.module
            .register_async_method(name, move |params, api, _| async move {
                let (args, config) = (Args::new(&params)?, api.config.clone());
                worker::run(&config, &ETH, move |stop| method(&api, &args, stop)).await
            })
            .expect(UNIQUE);
    }

    fn submit(&mut self, name: &'static str) {
        self.classes.insert(name, Class::Submit);
        self.module
            .register_async_method(
                name,
                |params, api, _| async move { api.send_raw(Args::new(&params)?).await },
            )
            .expect(UNIQUE);
    }

    fn subscription<F>(
        &mut self,
        name: &'static str,
        notification: &'static str,
        end: &'static str,
        serve: fn(Params<'static>, jsonrpsee::PendingSubscriptionSink, Arc<Api>) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.classes.insert(name, Class::Subscribe);
        self.classes.insert(end, Class::Unsubscribe);
        self.module
            .register_subscription(name, notification, end, move |params, pending, api, _| {
                serve(params, pending, api)
            })
            .expect(UNIQUE);
    }
}
