//! What gas costs now, as the modules say it that clients ask: `node`, whose answer is a node's minimum, and `feemarket`,
//! which this chain does not have, but which wallets and CosmJS ask for a price that moves, as ours does.
//!
//! The price is the next block's base fee. It may rise by an eighth until a transaction gets there: clients pay more.

use super::api::Cosmos;
use crate::syncer::now_ms;
use cosmos_sdk_proto::cosmos::base::node::v1beta1::ConfigResponse;
use cosmos_sdk_proto::cosmos::base::v1beta1::DecCoin;
use prost::Message;

/// Digits behind the point of a decimal of the SDK; in protobuf it stands without the point.
const DECIMALS: &str = "000000000000000000";

/// `feemarket.feemarket.v1.GasPricesResponse`. With its one price it is a `GasPriceResponse` too.
#[derive(Clone, PartialEq, prost::Message)]
struct GasPrices {
    #[prost(message, repeated, tag = "1")]
    prices: Vec<DecCoin>,
}

impl Cosmos {
    fn gas_price(&self) -> u64 {
        self.chain.pending_env(now_ms()).base_fee
    }

    /// The price as a decimal, as JSON has it.
    pub(super) fn gas_price_text(&self) -> String {
        format!("{}.{DECIMALS}", self.gas_price())
    }

    /// What the node asks of transactions.
    pub(super) fn node_config(&self) -> ConfigResponse {
        let minimum_gas_price = format!("{}{}", self.gas_price_text(), self.wasm.denom());
        ConfigResponse { minimum_gas_price, ..ConfigResponse::default() }
    }

    /// The answer to a query for the price, by its ABCI path; `None` for any other path.
    pub(super) fn price_query(&self, path: &str) -> Option<Vec<u8>> {
        match path {
            "/cosmos.base.node.v1beta1.Service/Config" => Some(self.node_config().encode_to_vec()),
            "/feemarket.feemarket.v1.Query/GasPrice" | "/feemarket.feemarket.v1.Query/GasPrices" => {
                let amount = format!("{}{DECIMALS}", self.gas_price());
                let prices = vec![DecCoin { denom: self.wasm.denom().to_owned(), amount }];
                Some(GasPrices { prices }.encode_to_vec())
            }
            _ => None,
        }
    }
}
