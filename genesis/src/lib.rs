//! Genesis: what all nodes of a chain must agree on. It decides results; config never does.
//!
//! ```text
//! genesis.json ┐                ┌─> derivation_params ─> derive
//! genesis.toml ┴─> Genesis ─────┼─> accounts, machines, fees ─> router
//!                  validate     └─> hash: names the chain, stands in its first header
//! ```
//! In: a file that a deployer wrote. Out: typed values that were checked against each other.
//!
//! Invariants, as negatives:
//! - No unknown key, and no value that contradicts another, passes [`Genesis::from_path`].
//! - No file format shows in [`Genesis::hash`]: JSON and TOML of one genesis have one hash.
//! - No total supply that would not fit 64 bits of lamports.
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

mod commented;
mod devnet;
mod file;
#[cfg(test)]
mod tests;
mod text;
mod validate;

pub use devnet::Devnet;
pub use file::{GENESIS_BYTES_MAX, GenesisError};
pub use validate::Fault;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weft_types::{
    AccountId, Address, B256, Bytes, DaHeight, DerivationParams, GasRate, Namespace, U256, VmId,
};

/// Wei in one lamport: the ledger counts 18 decimals, SBF sees 9 (design 03).
pub const WEI_PER_LAMPORT: u64 = 1_000_000_000;

/// Everything that decides results. The order of the fields is part of [`Genesis::hash`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// The chain's id: what EVM transactions and batches are signed for.
    pub chain_id: u64,
    /// A name for people: lower case letters, digits and `-`.
    pub network: String,
    /// Unix milliseconds: the timestamp of block 0, and the lowest of any block.
    pub timestamp_ms: u64,
    /// The human-readable part of Wasm addresses.
    pub bech32_prefix: String,
    /// The native token.
    pub token: Token,
    /// Where the chain lives on Celestia.
    pub celestia: Celestia,
    /// The chain's three namespaces on Celestia.
    pub namespaces: Namespaces,
    /// Who orders, and what happens when they do not.
    pub sequencing: Sequencing,
    /// Bounds of one block.
    pub limits: Limits,
    /// The base fee, and where fees go.
    pub fees: Fees,
    /// The machines at the start, one entry each.
    pub machines: Vec<Machine>,
    /// What changes later, ascending by height.
    #[serde(default)]
    pub upgrades: Vec<Upgrade>,
    /// Balances (and EVM contracts) at height 0.
    #[serde(default)]
    pub accounts: Vec<Account>,
}

/// The native token as each machine's users see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// For wallets, e.g. `WEFT`.
    pub symbol: String,
    /// Always 18: the ledger counts wei.
    pub decimals: u8,
    /// The base denomination in Wasm, one wei, e.g. `awei`.
    pub denom: String,
}

/// Where the chain lives on Celestia and from where it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Celestia {
    /// Celestia's own chain id, e.g. `celestia`, `mocha-4`; headers of another are refused.
    pub chain_id: String,
    /// The first Celestia height that is read.
    pub da_start: DaHeight,
    /// The header just below `da_start`, from which the header chain is verified.
    pub da_checkpoint: Checkpoint,
}

/// A Celestia header that the deployer vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// `da_start - 1`.
    pub height: DaHeight,
    /// The header's hash, 32 bytes in hex.
    #[serde(with = "text::hash")]
    pub hash: B256,
}

/// The chain's namespaces: 29 bytes in hex each, all different.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Namespaces {
    /// Sequencers' batches (in a based chain: everybody's transactions).
    pub batch: Namespace,
    /// Forced transactions, from anyone.
    pub forced: Namespace,
    /// Claims about results, for light nodes (design 07).
    pub claim: Namespace,
}

/// The rules of design 02 that a deployer chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequencing {
    /// In the order in which they take over; empty for a based chain.
    pub sequencers: Vec<Sequencer>,
    /// Based rules while every sequencer has been silent for its window.
    #[serde(default)]
    pub hybrid: bool,
    /// Celestia blocks after which a forced transaction that is still out is included by derivation itself.
    pub forced_window: u64,
    /// Celestia blocks without a batch after which the next sequencer is authorised too.
    pub failover_window: u64,
    /// Celestia blocks that a block's origin may lie behind the height in which its batch lands.
    pub origin_window: u64,
    /// Milliseconds that a block's timestamp may lie ahead of the Celestia block that carries it.
    pub max_drift_ms: u64,
}

/// One who may post batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequencer {
    /// The address of the key that signs batches and soft blocks; paid for the blocks it orders.
    #[serde(with = "text::address")]
    pub address: Address,
}

/// Bounds of one block, each capped by [`weft_types::limits`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of all transactions of a block.
    pub block_bytes: u64,
    /// Gas of a block, in the one unit.
    pub block_gas: u64,
    /// Bytes of forced transactions that enter the queue at one Celestia height.
    pub forced_bytes: u64,
}

/// The base fee (EIP-1559) and where fees go. Shares are in basis points; what is left of 10,000 is burnt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// Wei per gas in block 0.
    pub base_fee_initial: u64,
    /// Wei per gas below which the base fee never falls.
    pub base_fee_min: u64,
    /// The block's gas limit divided by its target.
    pub elasticity: u64,
    /// The base fee changes by at most one part in this many a block.
    pub change_denominator: u64,
    /// Share of the base part for the sequencer that ordered the block.
    pub base_to_sequencer_bp: u16,
    /// Share of the base part for the treasury.
    pub base_to_treasury_bp: u16,
    /// The treasury: an EVM address or a 32-byte account. Paid the sequencer's share too where derivation
    /// ordered the block.
    #[serde(with = "text::account")]
    pub treasury: AccountId,
}

/// A machine and the rules that it runs by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// `evm`, `sbf` or `wasm`.
    #[serde(with = "text::vm")]
    pub vm: VmId,
    /// The machine's own name of its rules; the EVM: its hard fork, e.g. `osaka`. Checked by the machine.
    pub spec: String,
    /// Gas for the machine's own unit of work.
    pub gas_rate: GasRate,
    /// Wasm only: what contracts may require of the chain, each once. Checked by the machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
}

impl Machine {
    /// A machine without capabilities.
    #[must_use]
    pub fn new(vm: VmId, spec: impl Into<String>, gas_rate: GasRate) -> Self {
        Self { vm, spec: spec.into(), gas_rate, capabilities: Vec::new() }
    }
}

/// A change of rules from a Celestia height on: it holds for blocks whose origin is at or above it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// The first origin that the change holds for.
    pub da_height: DaHeight,
    /// The machines that change, each with its whole entry.
    pub machines: Vec<Machine>,
}

/// An account at height 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// A 20-byte EVM address or a 32-byte account id, in hex.
    #[serde(with = "text::account")]
    pub address: AccountId,
    /// In wei, a decimal string.
    #[serde(with = "text::wei")]
    pub balance: U256,
    /// EVM only: the account's nonce.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nonce: u64,
    /// EVM only: the contract's runtime bytecode in hex.
    #[serde(default, with = "text::bytes", skip_serializing_if = "Bytes::is_empty")]
    pub code: Bytes,
    /// EVM only: slots and their values, 32 bytes in hex each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<B256, B256>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Account {
    /// An account with a balance and nothing else.
    #[must_use]
    pub fn funded(address: AccountId, balance: U256) -> Self {
        Self { address, balance, nonce: 0, code: Bytes::new(), storage: BTreeMap::new() }
    }

    /// Whether there is anything but a balance, which only EVM accounts may have.
    #[must_use]
    pub fn has_evm_state(&self) -> bool {
        self.nonce != 0 || !self.code.is_empty() || !self.storage.is_empty()
    }
}

impl Genesis {
    /// The name of the chain among all chains: `sha256("weft/genesis" | json)`, where `json` is the compact
    /// JSON of all fields in the order of their declaration, defaults written out but for empty EVM fields
    /// of accounts and empty capabilities (docs/spec/05). The format of the file it was read from does not matter.
    #[must_use]
    pub fn hash(&self) -> B256 {
        let canonical = serde_json::to_vec(self).expect("a genesis has no map with keys that are not text");
        weft_types::hash::sha256("weft/genesis", &[&canonical])
    }

    /// What derivation needs of it.
    #[must_use]
    pub fn derivation_params(&self) -> DerivationParams {
        // Bounded by `validate`; on a platform where it would not fit, no block of that size fits either.
        let bytes = |bound: u64| usize::try_from(bound).unwrap_or(usize::MAX);
        DerivationParams {
            genesis_hash: self.hash(),
            chain_id: self.chain_id,
            batch_namespace: self.namespaces.batch,
            forced_namespace: self.namespaces.forced,
            da_start: self.celestia.da_start,
            genesis_time_ms: self.timestamp_ms,
            sequencers: self.sequencing.sequencers.iter().map(|sequencer| sequencer.address).collect(),
            hybrid: self.sequencing.hybrid,
            forced_window: self.sequencing.forced_window,
            failover_window: self.sequencing.failover_window,
            origin_window: self.sequencing.origin_window,
            max_drift_ms: self.sequencing.max_drift_ms,
            block_bytes_max: bytes(self.limits.block_bytes),
            forced_bytes_max: bytes(self.limits.forced_bytes),
        }
    }

    /// Every machine that the chain has at some height, ascending.
    #[must_use]
    pub fn vms(&self) -> Vec<VmId> {
        let later = self.upgrades.iter().flat_map(|upgrade| &upgrade.machines);
        let mut vms: Vec<VmId> = self.machines.iter().chain(later).map(|machine| machine.vm).collect();
        vms.sort_unstable();
        vms.dedup();
        vms
    }

    /// The entries of one machine, ascending by the origin from which each holds; the first from
    /// [`DaHeight`] 0 where the machine is there from the start.
    #[must_use]
    pub fn schedule(&self, vm: VmId) -> Vec<(DaHeight, &Machine)> {
        let first = self.machines.iter().map(|machine| (DaHeight(0), machine));
        let later = self
            .upgrades
            .iter()
            .flat_map(|upgrade| upgrade.machines.iter().map(move |machine| (upgrade.da_height, machine)));
        first.chain(later).filter(|(_, machine)| machine.vm == vm).collect()
    }

    /// The sum of all balances; `None` past 2^256.
    #[must_use]
    pub fn supply(&self) -> Option<U256> {
        self.accounts.iter().try_fold(U256::ZERO, |sum, account| sum.checked_add(account.balance))
    }
}
