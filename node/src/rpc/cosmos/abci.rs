//! `abci_query` and `abci_info`.

use super::api::Cosmos;
use super::args::Args;
use super::errors::Fault;
use super::shapes::base64;
use serde_json::{Value, json};
use weft_types::Height;

/// The SDK's code of a request that is wrong.
const INVALID_REQUEST: u32 = 18;
/// The SDK's code of a height that can't be.
const INVALID_HEIGHT: u32 = 26;

impl Cosmos {
    pub(super) fn abci_info(&self, _: &Args) -> Result<Value, Fault> {
        let tip = self.chain.tip();
        Ok(json!({ "response": {
            "data": "weft",
            "version": env!("CARGO_PKG_VERSION"),
            "last_block_height": tip.header.height.0.to_string(),
            "last_block_app_hash": base64(tip.header.state_root),
        } }))
    }

    /// A query against the state after a block: the newest, where height is 0. Of what can't be answered as it is asked,
    /// a proof or a height that is not kept, the response says so.
    pub(super) fn abci_query(&self, args: &Args) -> Result<Value, Fault> {
        let (path, data) = (args.text("path")?.unwrap_or_default(), args.hex("data")?);
        let tip = self.chain.tip().header.height;
        if tip == Height(0) {
            // As the SDK: no height stands for genesis, and clients take 0 for none.
            let log = "weft is not ready; please wait for first block: invalid height";
            return Ok(response(tip, INVALID_HEIGHT, "sdk", log, &[]));
        }
        let refused = |code: u32, log: String| Ok(response(tip, code, "sdk", &log, &[]));
        if args.flag("prove")? {
            let log = "proofs are not supported: query without prove: invalid request";
            return refused(INVALID_REQUEST, log.into());
        }
        let height = match u64::try_from(args.number("height")?.unwrap_or(0)) {
            Ok(0) => tip,
            Ok(height) if height <= tip.0 => Height(height),
            Ok(_) => {
                let log =
                    "cannot query with height in the future; please provide a valid height: invalid height";
                return refused(INVALID_HEIGHT, log.into());
            }
            Err(_) => {
                let log = "cannot query with height < 0; please provide a valid height: invalid request";
                return refused(INVALID_REQUEST, log.into());
            }
        };
        if height < self.chain.oldest() {
            let log = format!(
                "failed to load state at height {height}; version does not exist (latest height: {tip}): invalid request"
            );
            return refused(INVALID_REQUEST, log);
        }
        if let Some(price) = self.price_query(&path) {
            return Ok(response(height, 0, "", "", &price));
        }
        Ok(match self.ask(height, &path, &data)? {
            Ok(value) => response(height, 0, "", "", &value),
            Err(fault) => {
                let (codespace, code) = fault.code();
                response(height, code, codespace, &fault.to_string(), &[])
            }
        })
    }
}

fn response(height: Height, code: u32, codespace: &str, log: &str, value: &[u8]) -> Value {
    let value = if value.is_empty() { Value::Null } else { base64(value).into() };
    json!({ "response": {
        "code": code,
        "log": log,
        "info": "",
        "index": "0",
        "key": null,
        "value": value,
        "proofOps": null,
        "height": height.0.to_string(),
        "codespace": codespace,
    } })
}
