//! Configuration: what one operator chooses. It never decides results: two nodes with one genesis and any two
//! configurations agree on every root.
//!
//! ```text
//! defaults ─< config.toml ─< environment (WEFT_SECTION_KEY) ─< flags (node's)     later ones win
//! ```
//! The environment: every key `section.key` can be given as `WEFT_SECTION_KEY`, in capitals, e.g.
//! `WEFT_DA_AUTH_TOKENS`. Lists are separated by commas. A variable that names no key is not an error, since
//! other tools use the prefix too; a value that does not fit its key is one.
//!
//! Invariants, as negatives:
//! - No unknown key is passed over: it is refused by name, with the nearest key that there is.
//! - No default listens beyond loopback, spends money or signs.
//! - No secret shows in `Debug`.
#![deny(clippy::unwrap_used)]

mod account;
mod load;
mod section;
mod validate;

pub use account::ListedAccount;
pub use load::{CONFIG_BYTES_MAX, ConfigError};

use section::{Field, section};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where state and chain are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A log-structured store on disk.
    #[default]
    Fjall,
    /// Another store on disk: slower, and it takes more memory.
    Sled,
    /// Nothing survives the process.
    Memory,
}

/// What is believed of what Celestia's endpoint says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Nothing without proof.
    #[default]
    Full,
    /// All of it: for one's own Celestia node only.
    Trusted,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Text that logs must not show.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

section! {
    "The node itself."
    Node {
        "The folder that holds everything the node keeps." dir: String = "weft-data".into();
    }
}

section! {
    "Where state and chain are kept."
    Store {
        "fjall, sled, or memory (nothing survives the process)." backend: Backend = Backend::Fjall;
        "Rollup blocks whose state can be read back; 0 keeps all (an archive)." retention_blocks: u64 = 0;
        "Bytes of the store's cache in memory." cache_bytes: u64 = 64 << 20;
    }
}

section! {
    "How Celestia is reached."
    Da {
        "JSON-RPC URLs of Celestia nodes, in order of preference; the next takes over when one fails."
        endpoints: Vec<String> = vec!["http://127.0.0.1:26658".into()];
        "Bearer tokens: none, one for all endpoints, or one for each. Better kept in WEFT_DA_AUTH_TOKENS."
        auth_tokens: Vec<Secret> = Vec::new();
        "full: believe nothing without proof. trusted: believe the endpoint (your own node only)."
        verify: Verify = Verify::Full;
        "The most that posting pays for Celestia's gas, in 10^-9 utia; past it batches wait."
        gas_price_max: u64 = 400_000_000;
        "Celestia heights that are fetched ahead."
        fetch_ahead: usize = 16;
    }
}

section! {
    "Ordering, where the node runs with --sequencer."
    Sequencer {
        "Milliseconds between blocks while there are transactions." block_time_ms: u64 = 200;
        "Milliseconds after which an empty block is made where nothing waits; 0: never. One that waits for a lower base fee has them made at the pace of blocks."
        empty_block_ms: u64 = 0;
        "Milliseconds between batches posted to Celestia." batch_time_ms: u64 = 3_000;
        "Accounts of any machine that this sequencer does not serve; forced transactions land all the same."
        deny_list: Vec<ListedAccount> = Vec::new();
        "Transactions of each machine in the mempool." pool_transactions: usize = 50_000;
        "Bytes of all transactions of each machine in the mempool." pool_bytes: usize = 64 << 20;
        "Transactions of one account in the mempool." pool_per_account: usize = 1_024;
        "Soft blocks that may wait for Celestia before no more are made." backlog_blocks: u64 = 3_000;
        "Bytes of batches that may wait for Celestia before no more blocks are made."
        backlog_bytes: u64 = 256 << 20;
    }
}

section! {
    "Where clients are served."
    Rpc {
        "Ethereum JSON-RPC and weft_*, http and websocket: ADDRESS:PORT (port 0: any free one), or off."
        eth: String = "127.0.0.1:8545".into();
        "Solana JSON-RPC: ADDRESS:PORT, with its websocket on the next port (port 0: any two free ones), or off."
        sol: String = "127.0.0.1:8899".into();
        "CometBFT's RPC and the Cosmos SDK's REST paths: ADDRESS:PORT (port 0: any free one), or off."
        cosmos: String = "127.0.0.1:36657".into();
    }
}

section! {
    "What one client may ask for."
    RpcLimits {
        "Bytes of a request or a websocket message." body_bytes: u32 = 10 << 20;
        "Bytes of an answer." response_bytes: u32 = 64 << 20;
        "Calls in one batch." batch: u32 = 1_000;
        "Calls of one batch that run at the same time." batch_concurrency: usize = 128;
        "Connections at the same time." connections: usize = 512;
        "Websockets among them." websockets: u32 = 256;
        "Subscriptions on one websocket." subscriptions: u32 = 128;
        "Calls in flight on one connection." in_flight: usize = 256;
        "Milliseconds for a request's headers, and for which a connection may idle."
        header_timeout_ms: u64 = 15_000;
        "Milliseconds for a request's body to arrive and for an answer to be taken."
        body_timeout_ms: u64 = 30_000;
        "Milliseconds that an eth_call, an estimate or a trace may run." call_timeout_ms: u64 = 5_000;
        "Milliseconds that a call may wait for its turn." queue_timeout_ms: u64 = 10_000;
        "Calls and estimates that run at the same time; 0: as many as cores, at least 2."
        call_slots: usize = 0;
        "Log searches and traces that run at the same time; 0: half the cores, at least 1."
        scan_slots: usize = 0;
        "Of these, how many one connection may run or have waiting." slots_per_connection: usize = 8;
        "Gas of an eth_call, an estimate, or a query of Wasm; of the last at most 150,000,000, since no time stops it. Simulations of Wasm have that always: an upload needs it."
        call_gas: u64 = 50_000_000;
        "Blocks that one eth_getLogs may span." log_blocks: u64 = 10_000;
        "Logs in one answer." logs: usize = 20_000;
        "Filters over all clients." filters: usize = 4_096;
        "Milliseconds after which a filter that nobody asks about is removed."
        filter_timeout_ms: u64 = 300_000;
        "Calls a second from one address; 0: no limit." rate: u32 = 50_000;
        "Calls that an address may make at once after a pause." rate_burst: u32 = 100_000;
        "Browser origins that may read answers; \"*\" allows all." cors: Vec<String> = Vec::new();
        "Host names that the server answers to besides addresses and localhost; \"*\" allows all."
        hosts: Vec<String> = Vec::new();
    }
}

section! {
    "Prometheus metrics."
    Metrics {
        "ADDRESS:PORT of the http endpoint /metrics, or off." listen: String = "off".into();
    }
}

section! {
    "What the node says while it runs."
    Log {
        "Levels by target, as tracing's EnvFilter reads them: error, warn, info, debug, trace."
        filter: String = "info".into();
        "text or json." format: LogFormat = LogFormat::Text;
    }
}

/// All that one operator chooses. [`Config::default`] is a node on this machine, beside a Celestia node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `[node]`.
    pub node: Node,
    /// `[store]`.
    pub store: Store,
    /// `[da]`.
    pub da: Da,
    /// `[sequencer]`.
    pub sequencer: Sequencer,
    /// `[rpc]`.
    pub rpc: Rpc,
    /// `[rpc_limits]`.
    pub rpc_limits: RpcLimits,
    /// `[metrics]`.
    pub metrics: Metrics,
    /// `[log]`.
    pub log: Log,
}

impl Config {
    /// Each section by name, with what it is for and its fields.
    fn sections(&self) -> [(&'static str, &'static str, Vec<Field>); 8] {
        [
            ("node", Node::ABOUT, self.node.fields()),
            ("store", Store::ABOUT, self.store.fields()),
            ("da", Da::ABOUT, self.da.fields()),
            ("sequencer", Sequencer::ABOUT, self.sequencer.fields()),
            ("rpc", Rpc::ABOUT, self.rpc.fields()),
            ("rpc_limits", RpcLimits::ABOUT, self.rpc_limits.fields()),
            ("metrics", Metrics::ABOUT, self.metrics.fields()),
            ("log", Log::ABOUT, self.log.fields()),
        ]
    }

    /// TOML that parses to this configuration, with a comment on every key: what `weft init` writes.
    #[must_use]
    pub fn to_commented_toml(&self) -> String {
        let mut text = String::from(
            "# What this node's operator chooses. Nothing here changes results: genesis does.\n\
             # Each key can be given as WEFT_SECTION_KEY in the environment too, which wins over this file;\n\
             # flags win over both.\n",
        );
        for (name, about, fields) in self.sections() {
            text.push_str(&format!("\n# {about}\n[{name}]\n"));
            for field in fields {
                text.push_str(&format!("# {}\n{} = {}\n", field.comment, field.name, field.value));
            }
        }
        text
    }

    /// [`Self::to_commented_toml`] of the defaults.
    #[must_use]
    pub fn commented_default() -> String {
        Self::default().to_commented_toml()
    }
}

#[cfg(test)]
mod tests;
