//! Paths about the node, and those that have nothing behind them.

use super::super::api::Cosmos;
use super::super::args::Args;
use super::super::errors::{self, Fault, grpc};
use super::shapes::page;
use super::{fault, invalid};
use serde_json::{Value, json};

impl Cosmos {
    pub(super) fn rest_node(&self, path: &[&str]) -> Result<Value, Fault> {
        match path {
            ["node_info"] => {
                let status = self.status_of(&Args::default())?;
                let node = status.get("node_info").cloned().unwrap_or_default();
                let part = |name: &str| node.get(name).cloned().unwrap_or_default();
                Ok(json!({
                    "default_node_info": {
                        "protocol_version": part("protocol_version"),
                        "default_node_id": part("id"),
                        "listen_addr": part("listen_addr"),
                        "network": part("network"),
                        "version": part("version"),
                        "channels": "",
                        "moniker": part("moniker"),
                        "other": { "tx_index": "on", "rpc_address": "" },
                    },
                    "application_version": {
                        "name": "weft",
                        "app_name": "weft",
                        "version": env!("CARGO_PKG_VERSION"),
                        "git_commit": "",
                        "build_tags": "",
                        "go_version": "",
                        "build_deps": [],
                        "cosmos_sdk_version": "v0.53.0",
                    },
                }))
            }
            ["syncing"] => Ok(json!({ "syncing": self.is_catching_up() })),
            ["blocks", height] => {
                let height = match *height {
                    "latest" => None,
                    text => Some(text.parse().map_err(|_| invalid(format!("{text:?} is no height")))?),
                };
                let block = self.block_at(height).map_err(|error| invalid(errors::why(&error)))?;
                let shown = self.result_block(&block)?;
                Ok(
                    json!({ "block_id": shown["block_id"], "block": shown["block"], "sdk_block": shown["block"] }),
                )
            }
            _ => Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        }
    }

    /// What wallets ask of every chain: nothing is staked, voted on or sent by IBC here.
    pub(super) fn rest_nothing(&self, path: &[&str]) -> Result<Value, Fault> {
        let none = page(None);
        Ok(match path {
            ["cosmos", "staking", "v1beta1", "params"] => json!({ "params": {
                "unbonding_time": "0s",
                "max_validators": 0,
                "max_entries": 0,
                "historical_entries": 0,
                "bond_denom": self.wasm.denom(),
                "min_commission_rate": "0.000000000000000000",
            } }),
            ["cosmos", "staking", "v1beta1", "validators"] => json!({ "validators": [], "pagination": none }),
            ["cosmos", "staking", "v1beta1", "delegations", _] => {
                json!({ "delegation_responses": [], "pagination": none })
            }
            ["cosmos", "staking", "v1beta1", "delegators", _, "unbonding_delegations"] => {
                json!({ "unbonding_responses": [], "pagination": none })
            }
            ["cosmos", "distribution", "v1beta1", "delegators", _, "rewards"] => {
                json!({ "rewards": [], "total": [] })
            }
            ["cosmos", "gov", _, "proposals"] => json!({ "proposals": [], "pagination": none }),
            ["cosmos", "mint", "v1beta1", "inflation"] => json!({ "inflation": "0.000000000000000000" }),
            ["cosmos", "base", "node", "v1beta1", "config"] => {
                let config = self.node_config();
                json!({
                    "minimum_gas_price": config.minimum_gas_price,
                    "pruning_keep_recent": config.pruning_keep_recent,
                    "pruning_interval": config.pruning_interval,
                    "halt_height": config.halt_height.to_string(),
                })
            }
            ["feemarket", "v1", "gas_price", denom] if *denom == self.wasm.denom() => {
                json!({ "price": { "denom": denom, "amount": self.gas_price_text() } })
            }
            ["feemarket", "v1", "gas_prices"] => {
                let price = json!({ "denom": self.wasm.denom(), "amount": self.gas_price_text() });
                json!({ "prices": [price] })
            }
            ["ibc", "apps", "transfer", _, "denom_traces"] => {
                json!({ "denom_traces": [], "pagination": none })
            }
            _ => return Err(fault(grpc::UNIMPLEMENTED, "Not Implemented")),
        })
    }
}
