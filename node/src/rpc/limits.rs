//! [`RpcConfig`]: what one operator allows. Nothing here changes a result; every bound of the server stands here.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most entries of the address list, or of one topic position, in a log filter: as geth's.
pub const FILTER_VALUES_MAX: usize = 1_000;

/// Most blocks that one `eth_feeHistory` answers for: as geth's.
pub const FEE_HISTORY_BLOCKS_MAX: u64 = 1_024;

/// Most reward percentiles of `eth_feeHistory`: as geth's.
pub const FEE_HISTORY_PERCENTILES_MAX: usize = 100;

/// Transactions that wait for their signature check over all clients; past it, senders wait in turn.
pub const INGEST_QUEUE: usize = 8_192;

/// Most transactions whose signatures are checked in one parallel step.
pub const INGEST_STEP: usize = 256;

/// Events of the chain that a subscriber may lag behind before it is closed.
pub const SUBSCRIPTION_LAG_MAX: usize = 1_024;

/// Clients (by address) whose rate is remembered at once; past it, the idle ones are forgotten.
pub const RATE_CLIENTS_MAX: usize = 65_536;

/// Most entries that `weft_discarded` gives at once.
pub const DISCARDED_PAGE_MAX: usize = 1_000;

/// Limits and permissions of the RPC listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpcConfig {
    /// Most bytes of a request's body or websocket message. Longer ones are refused before they are read.
    pub body_bytes: u32,
    /// Most bytes of an answer.
    pub response_bytes: u32,
    /// Most calls in one batch.
    pub batch: u32,
    /// Calls of one batch that run at the same time.
    pub batch_concurrency: usize,
    /// Most connections. A new one takes the place of the one that has been waiting longest for its client.
    pub connections: usize,
    /// Most websockets among them.
    pub websockets: u32,
    /// Most subscriptions on one websocket.
    pub subscriptions: u32,
    /// Calls in flight on one connection; past it, calls are refused until some have been answered.
    pub in_flight: usize,
    /// Milliseconds for a request's headers to arrive, and for which a connection may stay idle.
    pub header_timeout_ms: u64,
    /// Milliseconds for a request's body to arrive, and for a client to take in what is sent to it.
    pub body_timeout_ms: u64,
    /// Milliseconds that an `eth_call`, an estimate or a trace may run.
    pub call_timeout_ms: u64,
    /// Milliseconds that a call may wait for its turn to run.
    pub queue_timeout_ms: u64,
    /// Calls and estimates that run at the same time; 0: as many as cores, at least 2.
    pub call_slots: usize,
    /// Log searches and traces that run at the same time; 0: half the cores, at least 1.
    pub scan_slots: usize,
    /// Of these and of reads of blocks: how many one connection may run or have waiting.
    pub slots_per_connection: usize,
    /// Gas of an `eth_call` or an estimate.
    pub call_gas: u64,
    /// Most blocks that one `eth_getLogs` may span.
    pub log_blocks: u64,
    /// Most logs in an answer.
    pub logs: usize,
    /// Most filters of `eth_newFilter` and its kin, over all clients.
    pub filters: usize,
    /// Milliseconds after which a filter that nobody asks about is removed.
    pub filter_timeout_ms: u64,
    /// Calls a second from one address, after which it gets an error; 0: no limit. Costly calls count as several.
    pub rate: u32,
    /// Calls that an address may make at once after a pause.
    pub rate_burst: u32,
    /// Browser origins that may read answers; `*` allows all. Empty: no page may.
    pub cors: Vec<String>,
    /// Host names under which the server answers; `*` allows all. Addresses and `localhost` always work.
    pub hosts: Vec<String>,
}

impl Default for RpcConfig {
    fn default() -> Self {
        Self {
            body_bytes: 10 << 20,
            response_bytes: 64 << 20,
            batch: 1_000,
            batch_concurrency: 128,
            connections: 512,
            websockets: 256,
            subscriptions: 128,
            in_flight: 256,
            header_timeout_ms: 15_000,
            body_timeout_ms: 30_000,
            call_timeout_ms: 5_000,
            queue_timeout_ms: 10_000,
            call_slots: 0,
            scan_slots: 0,
            slots_per_connection: 8,
            call_gas: 50_000_000,
            log_blocks: 10_000,
            logs: 20_000,
            filters: 4_096,
            filter_timeout_ms: 300_000,
            rate: 50_000,
            rate_burst: 100_000,
            cors: Vec::new(),
            hosts: Vec::new(),
        }
    }
}

impl RpcConfig {
    pub(super) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    pub(super) fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    pub(super) fn queue_timeout(&self) -> Duration {
        Duration::from_millis(self.queue_timeout_ms)
    }

    pub(super) fn filter_timeout(&self) -> Duration {
        Duration::from_millis(self.filter_timeout_ms)
    }

    /// [`Self::call_slots`] with its default filled in.
    pub(super) fn call_slots(&self) -> usize {
        if self.call_slots == 0 { cores().max(2) } else { self.call_slots }
    }

    /// [`Self::scan_slots`] with its default filled in.
    pub(super) fn scan_slots(&self) -> usize {
        if self.scan_slots == 0 { (cores() / 2).max(1) } else { self.scan_slots }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
