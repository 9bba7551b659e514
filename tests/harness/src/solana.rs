//! Solana transactions of the accounts that a world's genesis funds: signed here, sent as clients do.

use crate::rpc::Rpc;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;

/// Accounts of Solana's that genesis funds.
pub const SOL_ACCOUNTS: u8 = 8;

/// A signed transaction.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its first signature in base58.
    pub signature: String,
    /// The wire form.
    pub bytes: Vec<u8>,
}

impl Signed {
    /// The wire form in base64.
    #[must_use]
    pub fn base64(&self) -> String {
        BASE64_STANDARD.encode(&self.bytes)
    }
}

/// A key that is the same in every run; those below [`SOL_ACCOUNTS`] are funded.
#[must_use]
pub fn keypair(index: u8) -> Keypair {
    Keypair::new_from_array([index.wrapping_add(101); 32])
}

/// A pubkey that nobody has the key of, from a number.
#[must_use]
pub fn numbered(number: u64) -> Pubkey {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Pubkey::new_from_array(bytes)
}

/// The blockhash of the newest block.
///
/// # Panics
/// Where the node gives none.
pub async fn blockhash(rpc: &Rpc) -> Hash {
    let latest = rpc.call("getLatestBlockhash", json!([{ "commitment": "processed" }])).await;
    latest["value"]["blockhash"].as_str().and_then(|text| text.parse().ok()).expect("a blockhash")
}

/// Signs; the first signer pays.
///
/// # Panics
/// Where a signer is missing.
#[must_use]
pub fn sign(signers: &[&Keypair], instructions: &[Instruction], blockhash: Hash) -> Signed {
    let message = Message::new_with_blockhash(instructions, Some(&signers[0].pubkey()), &blockhash);
    let signed = VersionedTransaction::try_new(VersionedMessage::Legacy(message), signers);
    let signed = signed.expect("every signer is here");
    let bytes = bincode::serialize(&signed).expect("a wire form");
    Signed { signature: signed.signatures[0].to_string(), bytes }
}

/// Sends in one JSON-RPC batch without preflight; gives what the node said of each, in order.
///
/// # Errors
/// Where the connection fails.
pub async fn send(rpc: &Rpc, transactions: &[Signed]) -> Result<Vec<Result<String, String>>, reqwest::Error> {
    let config = json!({ "encoding": "base64", "skipPreflight": true });
    let call = |(id, signed): (usize, &Signed)| {
        let params = json!([signed.base64(), config]);
        json!({ "jsonrpc": "2.0", "id": id, "method": "sendTransaction", "params": params })
    };
    let batch: Vec<Value> = transactions.iter().enumerate().map(call).collect();
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers: Vec<Value> = match rpc.post(&Value::Array(batch)).await? {
        Value::Array(answers) => answers,
        other => return Ok(vec![Err(other.to_string())]),
    };
    answers.sort_by_key(|answer| answer["id"].as_u64());
    Ok(answers
        .iter()
        .map(|answer| match answer["result"].as_str() {
            Some(signature) => Ok(signature.to_owned()),
            None => Err(answer["error"].to_string()),
        })
        .collect())
}

/// `getSignatureStatuses` of up to 256, each null where the node does not know it.
///
/// # Panics
/// Where the node does not answer.
pub async fn statuses(rpc: &Rpc, signatures: &[String]) -> Vec<Value> {
    let config = json!({ "searchTransactionHistory": true });
    let answer = rpc.call("getSignatureStatuses", json!([signatures, config])).await;
    answer["value"].as_array().cloned().expect("a list")
}
