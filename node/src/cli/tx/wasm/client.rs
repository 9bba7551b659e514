//! What is asked of a node: its chain, accounts, simulations, and whether a transaction landed. CometBFT's JSON-RPC.
//!
//! A node that lies gains little: a wrong chain id or account number makes a signature that no chain takes, and a fee after
//! its price has a bound in [`super::send`].

use super::super::super::exit::Failure;
use super::super::{Endpoint, POLL};
use super::key::Account;
use super::send::Where;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::cosmos::auth::v1beta1::{QueryAccountInfoRequest, QueryAccountInfoResponse};
use cosmos_sdk_proto::cosmos::base::node::v1beta1::{ConfigRequest, ConfigResponse};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use eyre::{Result, bail, eyre};
use jsonrpsee::core::params::ObjectParams;
use jsonrpsee::rpc_params;
use prost::Message;
use serde_json::Value;
use std::time::{Duration, Instant};
use weft_wasm::CosmosTx;

/// A node, and what it says of its chain.
pub(super) struct Client {
    node: Endpoint,
    chain_id: String,
    denom: String,
    price: u128,
}

impl Client {
    /// A node that is asked for nothing yet.
    pub(super) fn new(url: &str) -> Result<Self> {
        let node = Endpoint::new(url.trim_end_matches('/').to_owned())?;
        Ok(Self { node, chain_id: String::new(), denom: String::new(), price: 0 })
    }

    /// A node, its chain, and what gas costs there.
    pub(super) async fn connect(url: &str) -> Result<Self> {
        let mut client = Self::new(url)?;
        let status: Value = client.node.ask("status", rpc_params![]).await?;
        let chain_id = status["node_info"]["network"].as_str();
        client.chain_id =
            chain_id.ok_or_else(|| eyre!("{url} does not say which chain it is on"))?.to_owned();
        (client.price, client.denom) = client.ask_price().await?;
        Ok(client)
    }

    async fn ask_price(&self) -> Result<(u128, String)> {
        let path = "/cosmos.base.node.v1beta1.Service/Config";
        let config: ConfigResponse = self.query(path, &ConfigRequest {}, None).await?;
        let text = config.minimum_gas_price;
        price_of(&text).ok_or_else(|| eyre!("{} gives no price of gas, but {text:?}", self.node.url))
    }

    pub(super) fn chain_id(&self) -> &str {
        &self.chain_id
    }

    /// The chain's token, least unit.
    pub(super) fn denom(&self) -> &str {
        &self.denom
    }

    /// What the node wants for each gas.
    pub(super) fn price(&self) -> u128 {
        self.price
    }

    /// An amount of the chain's token.
    pub(super) fn coin(&self, amount: u128) -> Coin {
        Coin { denom: self.denom.clone(), amount: amount.to_string() }
    }

    /// Asks a query by its path, in the newest state or that after a block.
    ///
    /// # Errors
    /// [`Failure::Transaction`]: the chain's own error.
    pub(super) async fn query<R: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
        height: Option<u64>,
    ) -> Result<R> {
        Ok(self.try_query(path, request, height).await?.map_err(|(_, log)| Failure::Transaction(log))?)
    }

    /// The inner error is code and log of the answer.
    async fn try_query<R: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
        height: Option<u64>,
    ) -> Result<Result<R, (u64, String)>> {
        let mut params = ObjectParams::new();
        params.insert("path", path)?;
        params.insert("data", hex::encode(request.encode_to_vec()))?;
        params.insert("height", height.unwrap_or_default().to_string())?;
        params.insert("prove", false)?;
        let answer: Value = self.node.ask("abci_query", params).await?;
        let response = &answer["response"];
        if let Some(code) = response["code"].as_u64().filter(|code| *code != 0) {
            let log = response["log"].as_str().unwrap_or_default();
            return Ok(Err((code, log.to_owned())));
        }
        let value = BASE64_STANDARD.decode(response["value"].as_str().unwrap_or_default())?;
        Ok(Ok(R::decode(value.as_slice())?))
    }

    /// Number and sequence of an account.
    pub(super) async fn account(&self, address: &str) -> Result<Account> {
        /// The SDK's code of what is not there.
        const NOT_FOUND: u64 = 22;
        let request = QueryAccountInfoRequest { address: address.to_owned() };
        let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
        let answer: Result<QueryAccountInfoResponse, _> = self.try_query(path, &request, None).await?;
        let info = match answer {
            Ok(answer) => answer.info.unwrap_or_default(),
            Err((NOT_FOUND, _)) => {
                let what = format!("{address} has no account on {}: pay it something first", self.chain_id);
                return Err(Failure::Transaction(what).into());
            }
            Err((_, log)) => return Err(Failure::Transaction(log).into()),
        };
        Ok(Account { number: info.account_number, sequence: info.sequence })
    }

    /// The gas that a transaction would use.
    pub(super) async fn simulate(&self, transaction: &[u8]) -> Result<u64> {
        #[allow(deprecated)]
        let request = SimulateRequest { tx: None, tx_bytes: transaction.to_vec() };
        let path = weft_wasm::SIMULATE_PATH;
        let answer: Result<SimulateResponse, _> = self.try_query(path, &request, None).await?;
        let answer = answer.map_err(|(_, log)| {
            Failure::Transaction(format!("the transaction would fail: {}", sentence(&log)))
        })?;
        Ok(answer.gas_info.unwrap_or_default().gas_used)
    }

    /// Hands a transaction to the node; what it has already, in its pool or a block, is as good.
    pub(super) async fn broadcast(&self, transaction: &CosmosTx) -> Result<()> {
        let mut params = ObjectParams::new();
        params.insert("tx", BASE64_STANDARD.encode(&transaction.raw))?;
        let answer: Value = match self.node.request("broadcast_tx_sync", params).await? {
            Ok(answer) => answer,
            Err(error) if error.data().is_some_and(|data| data.get().contains("already exists")) => {
                return Ok(());
            }
            Err(error) => return Err(self.node.refusal("broadcast_tx_sync", &error).into()),
        };
        if answer["code"] == 0 || self.find(transaction).await?.is_some() {
            return Ok(());
        }
        let part = |name: &str| answer[name].as_str().unwrap_or_default();
        let (log, codespace, code) = (part("log"), part("codespace"), &answer["code"]);
        let what =
            format!("the node at {} refuses the transaction: {log} ({codespace} {code})", self.node.url);
        Err(Failure::Transaction(what).into())
    }

    /// What `tx` says of a transaction; `None` where it is in no block.
    async fn find(&self, transaction: &CosmosTx) -> Result<Option<Value>> {
        let mut params = ObjectParams::new();
        params.insert("hash", BASE64_STANDARD.encode(transaction.hash))?;
        match self.node.request("tx", params).await? {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.data().is_some_and(|data| data.get().contains("not found")) => Ok(None),
            Err(error) => Err(self.node.refusal("tx", &error).into()),
        }
    }

    /// What `tx` says of it once it is as far as it should be.
    pub(super) async fn landed(
        &self,
        transaction: &CosmosTx,
        until: Where,
        patience: Duration,
    ) -> Result<Value> {
        let (start, signer) = (Instant::now(), transaction.payer());
        let mut passed = false;
        loop {
            match self.find(transaction).await? {
                Some(found) if until == Where::Block || self.is_on_celestia(&found).await? => {
                    return Ok(found);
                }
                None if passed => {
                    let (address, sequence) = (&signer.text, signer.sequence);
                    let what = format!(
                        "it is in no block and can come into none: {address} has sent another transaction with \
                         sequence {sequence}; sign it again"
                    );
                    return Err(Failure::Transaction(what).into());
                }
                // Asked before the next look for the transaction, which so is the newer of the two.
                None => passed = self.account(&signer.text).await?.sequence > signer.sequence,
                Some(_) => {}
            }
            if start.elapsed() > patience {
                let (hash, far) = (
                    hex::encode_upper(transaction.hash),
                    match until {
                        Where::Block => "in a block",
                        Where::Celestia => "on Celestia",
                    },
                );
                bail!("{hash} is not {far} after {} s; it may still come so far", patience.as_secs());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn is_on_celestia(&self, found: &Value) -> Result<bool> {
        let mut params = ObjectParams::new();
        params.insert("height", &found["height"])?;
        let commit: Value = self.node.ask("commit", params).await?;
        Ok(commit["canonical"] == true)
    }
}

/// What a simulation's error says, without what the SDK puts around it.
fn sentence(log: &str) -> &str {
    let log = log.strip_prefix("rpc error: code = Unknown desc = ").unwrap_or(log);
    let ends = [" With gas wanted: ", " with gas used: "];
    ends.iter().find_map(|end| log.rsplit_once(end)).map_or(log, |(sentence, _)| sentence)
}

/// `1000.000000000000000000awei`: price, rounded up, and denomination.
fn price_of(text: &str) -> Option<(u128, String)> {
    let end = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, denom) = text.split_at_checked(end)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if number.ends_with('.') || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let above = u128::from(part.bytes().any(|byte| byte != b'0'));
    Some((whole.parse::<u128>().ok()?.checked_add(above)?, denom.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_the_sdk_writes_them() {
        let price = |text| price_of(text).map(|(price, denom)| format!("{price} {denom}"));
        assert_eq!(price("1000000.000000000000000000awei").as_deref(), Some("1000000 awei"));
        assert_eq!(price("0.025uatom").as_deref(), Some("1 uatom"));
        assert_eq!(price("7awei").as_deref(), Some("7 awei"));
        for wrong in
            ["", "awei", "1.2", "1.x", "-1awei", "1.0,2awei", "99999999999999999999999999999999999999999a"]
        {
            assert_eq!(price(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_simulations_error_is_its_sentence() {
        let expected = "failed to execute message; message index: 0: can not migrate: unauthorized";
        for end in ["With gas wanted: '0' and gas used: '17760' ", "with gas used: '17760'"] {
            let log = format!("rpc error: code = Unknown desc = {expected} {end}: unknown request");
            assert_eq!(sentence(&log), expected);
        }
        assert_eq!(sentence("empty txBytes is not allowed"), "empty txBytes is not allowed");
    }
}
