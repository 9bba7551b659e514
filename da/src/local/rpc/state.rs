//! `state.*`, and what a client asks of the node itself: `das.*`, `node.*`, `p2p.*`.

use super::json::{BlobIn, TxConfig};
use super::{Answer, Context, blob, error};
use crate::local::accounts;
use celestia_types::state::{AccAddress, Address, Coin};
use ed25519_dalek::SigningKey;
use jsonrpsee::RpcModule;
use jsonrpsee::types::Params;
use serde_json::{Value, json};

const REGISTERED: &str = "each method is registered once";
/// The version of celestia-node that the answers were compared with.
const API_VERSION: &str = "v0.32.1";

/// Registers them.
pub(super) fn register(module: &mut RpcModule<Context>) {
    module.register_method("state.AccountAddress", |_, context, _| first(context)).expect(REGISTERED);
    module
        .register_method("state.Balance", |_, context, _| {
            first(context).map(|address| Coin::utia(context.chain.balance(&address).unwrap_or(0)))
        })
        .expect(REGISTERED);
    module
        .register_method("state.BalanceForAddress", |params: Params<'_>, context, _| {
            let (address,): (Address,) = params.parse()?;
            let balance = match address {
                Address::AccAddress(address) => context.chain.balance(&address),
                _ => None,
            };
            Answer::Ok(Coin::utia(balance.unwrap_or(0)))
        })
        .expect(REGISTERED);
    module
        .register_async_method("state.SubmitPayForBlob", |params, context, _| async move {
            let (blobs, config): (Vec<BlobIn>, Option<TxConfig>) = params.parse()?;
            let landed = blob::submit(&context, blobs, config).await?;
            Answer::Ok(json!({
                "height": landed.height, "txhash": hex::encode_upper(landed.tx_hash), "code": 0, "codespace": "",
                "data": "", "raw_log": "", "logs": null, "info": "", "gas_wanted": landed.gas,
                "gas_used": landed.gas, "tx": null, "timestamp": "", "events": null,
            }))
        })
        .expect(REGISTERED);
    module.register_method("das.SamplingStats", |_, context, _| sampling(context)).expect(REGISTERED);
    module.register_method("das.WaitCatchUp", |_, _, _| Answer::Ok(())).expect(REGISTERED);
    module.register_method("node.Ready", |_, _, _| Answer::Ok(true)).expect(REGISTERED);
    // Type 1 is a bridge node.
    module
        .register_method("node.Info", |_, _, _| Answer::Ok(json!({ "type": 1, "api_version": API_VERSION })))
        .expect(REGISTERED);
    module
        .register_method("p2p.Info", |_, context, _| {
            Answer::Ok(json!({ "ID": peer_id(context.chain.chain_id()), "Addrs": [] }))
        })
        .expect(REGISTERED);
}

fn first(context: &Context) -> Answer<AccAddress> {
    let accounts = context.chain.accounts();
    accounts.first().map(accounts::Account::address).ok_or_else(|| error("account for signer not found"))
}

/// All of the chain is here: nothing is left to sample.
fn sampling(context: &Context) -> Answer<Value> {
    let head = context.chain.height();
    Ok(json!({
        "head_of_sampled_chain": head, "head_of_catchup": head, "network_head_height": head,
        "concurrency": 0, "catch_up_done": true, "is_running": true,
    }))
}

/// The libp2p identity of an ed25519 key: base58 of the identity multihash of its protobuf.
fn peer_id(chain_id: &str) -> String {
    let key = SigningKey::from_bytes(&accounts::seed("peer", chain_id, ""));
    let mut bytes = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
    bytes.extend(key.verifying_key().as_bytes());
    base58(&bytes)
}

fn base58(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u8> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = u8::try_from(carry % 58).unwrap_or(0);
            carry /= 58;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 58).unwrap_or(0));
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = digits.iter().rev().map(|digit| char::from(ALPHABET[usize::from(*digit)]));
    std::iter::repeat_n('1', zeros).chain(digits).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn base58_is_bitcoins() {
        assert_eq!(super::base58(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(super::base58(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
        assert!(super::peer_id("a").starts_with("12D3KooW"));
    }
}
