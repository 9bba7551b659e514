//! From a message to a signed transaction, and from that to what became of it.

use super::super::super::exit::Failure;
use super::URL;
use super::client::Client;
use super::key::KeyOptions;
use super::report::Report;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, ValueEnum};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::tx::v1beta1::TxBody;
use eyre::Result;
use std::time::Duration;

/// What is allowed beyond the gas of the simulation, whose state another transaction may have changed before ours runs.
const GAS_MARGIN_PERCENT: u64 = 30;
/// Times the node's minimum price: the base fee may rise before the transaction lands.
const PRICE_FACTOR: u128 = 2;
/// The most that is paid at a price that the node said and not the user: a whole token.
const FEE_MAX: u128 = 1_000_000_000_000_000_000;

#[derive(Debug, Args)]
pub(super) struct Destination {
    /// The node's CometBFT RPC; the node must be a sequencer
    #[arg(long, value_name = "URL", default_value = URL)]
    pub(super) url: String,
    /// How far the transaction must be: in a block that the sequencer signed, or on Celestia
    #[arg(long, value_name = "WHERE", value_enum, default_value_t = Where::Block)]
    until: Where,
    /// Seconds to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Print JSON: hash, height, code, codespace, log, gas_wanted, gas_used, fee, results, events
    #[arg(long)]
    json: bool,
}

/// Who signs, what it may cost, and where it goes.
#[derive(Debug, Args)]
pub(super) struct Signing {
    #[command(flatten)]
    key: KeyOptions,
    /// Most gas that it may use [default: what a simulation uses, and 30 percent]
    #[arg(long, value_name = "GAS", value_parser = clap::value_parser!(u64).range(1..))]
    gas: Option<u64>,
    /// What each gas of that limit pays, in the least units; all of it is paid [default: twice the node's minimum]
    #[arg(long, value_name = "PRICE")]
    gas_price: Option<u128>,
    /// A text that goes with it, of at most 256 bytes
    #[arg(long, value_name = "TEXT", default_value = "")]
    memo: String,
    /// Print the signed transaction in base64 and send nothing; `weft force --vm wasm` takes it
    #[arg(long)]
    sign_only: bool,
    #[command(flatten)]
    to: Destination,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Where {
    Block,
    Celestia,
}

impl Signing {
    /// Signs the message that `make` gives for the signer and the chain's denomination, and sends it.
    pub(super) async fn run(self, make: impl FnOnce(&str, &str) -> Result<Any>) -> Result<()> {
        let key = self.key.read()?;
        let client = Client::connect(&self.to.url).await?;
        let message = make(key.address(), client.denom())?;
        let body = TxBody { messages: vec![message], memo: self.memo.clone(), ..TxBody::default() };
        let account = client.account(key.address()).await?;
        let gas = match self.gas {
            Some(gas) => gas,
            None => with_margin(client.simulate(&key.unsigned(&body, &account)).await?),
        };
        let fee = client.coin(fee(gas, self.gas_price, client.price())?);
        let bytes = key.sign(&body, &account, fee, gas, client.chain_id());
        if self.sign_only {
            say!("{}", BASE64_STANDARD.encode(bytes));
            return Ok(());
        }
        self.to.send(&client, bytes).await
    }
}

/// What `gas` costs at the user's price, or at one that follows the node's.
fn fee(gas: u64, given: Option<u128>, node: u128) -> Result<u128, Failure> {
    let price = given.unwrap_or_else(|| node.saturating_mul(PRICE_FACTOR));
    let fee = price.saturating_mul(u128::from(gas));
    if given.is_none() && fee > FEE_MAX {
        let what =
            format!("the node's price of {node} makes a fee of {fee}, which is more than a whole token");
        return Err(Failure::Transaction(format!("{what}: say --gas-price to pay it")));
    }
    Ok(fee)
}

fn with_margin(gas: u64) -> u64 {
    gas.saturating_add(gas.saturating_mul(GAS_MARGIN_PERCENT) / 100)
}

impl Destination {
    /// Sends, waits, prints, and fails where the transaction did.
    pub(super) async fn send(&self, client: &Client, bytes: Vec<u8>) -> Result<()> {
        let transaction = weft_wasm::transaction::decode(&bytes, client.denom())
            .map_err(|error| Failure::File(format!("the chain would refuse the transaction: {error}")))?;
        client.broadcast(&transaction).await?;
        let landed = client.landed(&transaction, self.until, Duration::from_secs(self.timeout)).await?;
        let report = Report::new(&transaction, &landed);
        if self.json {
            say!("{}", serde_json::to_string_pretty(&report.json())?);
        } else {
            report.print(client.denom());
        }
        match report.failure() {
            None => Ok(()),
            Some(why) => Err(Failure::Transaction(format!("the transaction failed: {why}")).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_follows_the_node_up_to_a_bound_or_the_user() {
        assert_eq!(fee(100, None, 7).expect("little"), 1_400);
        assert_eq!(fee(100, Some(3), 7).expect("the user's"), 300);
        assert!(fee(100, None, u128::MAX).expect_err("too much").to_string().contains("--gas-price"));
        assert_eq!(fee(100, Some(u128::MAX), 7).expect("the user's"), u128::MAX);
    }

    #[test]
    fn gas_has_a_margin_and_no_overflow() {
        assert_eq!(with_margin(100_001), 130_001);
        assert_eq!(with_margin(u64::MAX), u64::MAX);
    }
}
