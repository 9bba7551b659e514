//! What genesis fixes for the EVM.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weft_types::DaHeight;

/// The EVM's part of genesis. Two nodes with one genesis have equal configs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvmConfig {
    /// What CHAINID gives and what transactions must be signed for.
    pub chain_id: u64,
    /// Names of rule sets (`"cancun"`, `"prague"`, `"osaka"`) by the Celestia height from which they hold,
    /// ascending. The first also holds before its height.
    pub specs: Vec<(DaHeight, String)>,
    /// Accounts that exist from the start. Their balances are the ledger's, and the router's to set.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

/// An account at genesis, without its balance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenesisAccount {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Empty for an account that nobody can call.
    pub code: alloy_primitives::Bytes,
    /// Slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}
