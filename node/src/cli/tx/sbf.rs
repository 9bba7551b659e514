//! `weft tx sbf`.

use super::super::encoded;
use super::super::exit::Failure;
use super::{Endpoint, POLL, lines};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use eyre::{Result, WrapErr, bail};
use jsonrpsee::rpc_params;
use serde_json::{Value, json};
use solana_hash::Hash;
use solana_keypair::{Keypair, Signer};
use solana_message::{Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use weft_types::{AccountId, Address};

/// Decimals of an amount: those of a lamport.
const DECIMALS: usize = 9;
/// Most bytes of a keypair file; 64 numbers take less than 400.
const KEYPAIR_BYTES_MAX: u64 = 4_096;

#[derive(Debug, Subcommand)]
pub(super) enum Sbf {
    /// Send a signed transaction, and wait until the chain has it
    Send(Send),
    /// Pay somebody, with the keypair of a file
    Transfer(Transfer),
}

/// Send a signed Solana transaction, wait until it is at a commitment, and print signature, slot, fee and logs.
///
/// A commitment is Solana's word for how far: processed and confirmed are a block that the sequencer has signed, finalized
/// is one that is on Celestia.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Send {
    /// The signed transaction in base64, base58 or hex, or @FILE with one of these
    #[arg(value_name = "TX")]
    transaction: String,
    #[command(flatten)]
    to: Destination,
}

/// Sign and send a transfer of the chain's token, and wait as `weft tx sbf send` does.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Transfer {
    /// Who is paid: a pubkey in base58, or an address of the EVM with 0x
    #[arg(value_name = "TO")]
    recipient: String,
    /// How much, in whole tokens: 1.5 is 1500000000 lamports
    #[arg(value_name = "AMOUNT")]
    amount: String,
    /// Who pays: a file with a JSON array of 64 numbers, as solana-keygen writes it, or with those 64 bytes in base58
    #[arg(long, value_name = "FILE")]
    keypair: PathBuf,
    #[command(flatten)]
    to: Destination,
}

#[derive(Debug, Args)]
struct Destination {
    /// The node's Solana RPC; the node must be a sequencer
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8899")]
    url: String,
    /// How far the transaction must be
    #[arg(long, value_name = "COMMITMENT", value_enum, default_value_t = Commitment::Confirmed)]
    commitment: Commitment,
    /// Send without a simulation before it: then one that fails pays its fee
    #[arg(long)]
    skip_preflight: bool,
    /// Seconds to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    /// Print JSON: signature, slot, commitment, fee, compute_units, err, logs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Commitment {
    Processed,
    Confirmed,
    Finalized,
}

impl Commitment {
    fn name(self) -> &'static str {
        match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

impl Sbf {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::Send(send) => {
                let bytes = encoded::solana(&encoded::text(&send.transaction)?)?;
                Sender::new(send.to)?.send(bytes).await
            }
            Self::Transfer(transfer) => transfer.run().await,
        }
    }
}

impl Transfer {
    async fn run(self) -> Result<()> {
        let payer = keypair(&self.keypair)?;
        let to = recipient(&self.recipient)?;
        let lamports = lamports(&self.amount)?;
        let sender = Sender::new(self.to)?;
        let blockhash = sender.latest_blockhash().await?;
        let pay = solana_system_interface::instruction::transfer(&payer.pubkey(), &to, lamports);
        let message = Message::new_with_blockhash(&[pay], Some(&payer.pubkey()), &blockhash);
        let signed = VersionedTransaction::try_new(VersionedMessage::Legacy(message), &[&payer])?;
        sender.send(bincode::serialize(&signed)?).await
    }
}

struct Sender {
    node: Endpoint,
    options: Destination,
}

impl Sender {
    fn new(options: Destination) -> Result<Self> {
        Ok(Self { node: Endpoint::new(options.url.clone())?, options })
    }

    async fn latest_blockhash(&self) -> Result<Hash> {
        let config = json!({ "commitment": "processed" });
        let latest: Value = self.node.ask("getLatestBlockhash", rpc_params![config]).await?;
        let text = latest["value"]["blockhash"].as_str().unwrap_or_default();
        text.parse().wrap_err_with(|| format!("{} gives no blockhash", self.node.url))
    }

    async fn is_valid(&self, blockhash: &str) -> Result<bool> {
        let config = json!({ "commitment": "processed" });
        let valid: Value = self.node.ask("isBlockhashValid", rpc_params![blockhash, config]).await?;
        Ok(valid["value"] == true)
    }

    /// Sends, waits, prints, and fails where the transaction did.
    async fn send(&self, bytes: Vec<u8>) -> Result<()> {
        let transaction = weft_sbf::decode(&bytes)?;
        let blockhash = transaction.message.recent_blockhash().to_string();
        // What does not name a block may stand on a durable nonce, which does not expire.
        let expires = self.is_valid(&blockhash).await?;
        let config = json!({
            "encoding": "base64",
            "skipPreflight": self.options.skip_preflight,
            "preflightCommitment": "processed",
        });
        let wire = BASE64_STANDARD.encode(&bytes);
        let signature: String = self.node.ask("sendTransaction", rpc_params![wire, config]).await?;
        let status = self.landed(&signature, expires.then_some(blockhash.as_str())).await?;
        let details = self.details(&signature).await?;
        self.print(&signature, &status, &details)?;
        match error_of(&status) {
            None => Ok(()),
            Some(error) => Err(Failure::Transaction(format!("the transaction failed: {error}")).into()),
        }
    }

    /// Its status once it is as far as it should be.
    async fn landed(&self, signature: &str, blockhash: Option<&str>) -> Result<Value> {
        let start = Instant::now();
        let mut expired = false;
        loop {
            let config = json!({ "searchTransactionHistory": true });
            let statuses: Value =
                self.node.ask("getSignatureStatuses", rpc_params![[signature], config]).await?;
            let status = &statuses["value"][0];
            let reached = status["confirmationStatus"].as_str().and_then(|name| {
                Commitment::value_variants().iter().find(|commitment| commitment.name() == name)
            });
            if reached.is_some_and(|reached| *reached >= self.options.commitment) {
                return Ok(status.clone());
            }
            if status.is_null() && expired {
                let what =
                    format!("{signature} is in no block and can come into none: its blockhash has expired");
                return Err(Failure::Transaction(format!("{what}; sign it again")).into());
            }
            if start.elapsed() > Duration::from_secs(self.options.timeout) {
                bail!(
                    "{signature} is not {} after {} s; it may still come so far",
                    self.options.commitment.name(),
                    self.options.timeout
                );
            }
            // Asked before the next look at the status, which so is the newer of the two.
            expired = match blockhash {
                Some(blockhash) if status.is_null() => !self.is_valid(blockhash).await?,
                _ => false,
            };
            tokio::time::sleep(POLL).await;
        }
    }

    /// What a block says of it; null where it is in none.
    async fn details(&self, signature: &str) -> Result<Value> {
        let config = json!({
            "encoding": "base64",
            "commitment": "confirmed",
            "maxSupportedTransactionVersion": 0,
        });
        self.node.ask("getTransaction", rpc_params![signature, config]).await
    }

    fn print(&self, signature: &str, status: &Value, details: &Value) -> Result<()> {
        let (meta, commitment) = (&details["meta"], &status["confirmationStatus"]);
        if self.options.json {
            let shown = json!({
                "signature": signature,
                "slot": status["slot"],
                "commitment": commitment,
                "fee": meta["fee"],
                "compute_units": meta["computeUnitsConsumed"],
                "err": status["err"],
                "logs": meta["logMessages"],
            });
            say!("{}", serde_json::to_string_pretty(&shown)?);
            return Ok(());
        }
        say!("signature  {signature}");
        say!("slot       {}, {}", status["slot"], commitment.as_str().unwrap_or("-"));
        say!("fee        {} lamports", meta["fee"]);
        say!("units      {}", meta["computeUnitsConsumed"]);
        say!("logs{}", lines(&meta["logMessages"]));
        if let Some(error) = error_of(status) {
            say!("error      {error}");
        }
        Ok(())
    }
}

/// The error of a status in Solana's words.
fn error_of(status: &Value) -> Option<String> {
    let error = status.get("err").filter(|error| !error.is_null())?;
    let read: Option<TransactionError> = serde_json::from_value(error.clone()).ok();
    Some(read.map_or_else(|| error.to_string(), |read| read.to_string()))
}

fn keypair(path: &Path) -> Result<Keypair> {
    let fail = |what: String| Failure::File(format!("the keypair file {} {what}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| {
        fail(format!("can't be read ({error}); make one with `solana-keygen new --outfile FILE`"))
    })?;
    let mut text = String::new();
    file.take(KEYPAIR_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| fail(format!("is no text: {error}")))?;
    let text = text.trim();
    let bytes: Option<Vec<u8>> =
        serde_json::from_str(text).ok().or_else(|| bs58::decode(text).into_vec().ok());
    let wrong = "must hold a JSON array of 64 numbers, or 64 bytes in base58, and nothing else";
    let bytes = bytes.ok_or_else(|| fail(wrong.into()))?;
    Ok(Keypair::try_from(bytes.as_slice())
        .map_err(|error| fail(format!("holds no keypair: {error}; it {wrong}")))?)
}

fn recipient(text: &str) -> Result<Pubkey> {
    if text.starts_with("0x") {
        let address: Address = text.parse().map_err(|error| {
            Failure::Usage(format!("TO {text:?} is no address of 20 bytes in hex: {error}"))
        })?;
        return Ok(Pubkey::new_from_array(AccountId::from_evm(address).0.0));
    }
    Ok(text.parse().map_err(|error| {
        Failure::Usage(format!("TO {text:?} is neither a pubkey in base58 ({error}) nor an address with 0x"))
    })?)
}

/// Lamports of a decimal number of whole tokens.
fn lamports(text: &str) -> Result<u64> {
    let fail = |what: &str| Failure::Usage(format!("AMOUNT {text:?} {what}"));
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(whole) && digits(part)) || (whole.is_empty() && part.is_empty()) {
        return Err(fail("is no decimal number, like 1.5").into());
    }
    if part.len() > DECIMALS {
        return Err(
            fail("has more than 9 decimals: a lamport is the least that a Solana transfer moves").into()
        );
    }
    let amount = format!("{whole}{part:0<DECIMALS$}").parse();
    Ok(amount.map_err(|_| fail("does not fit 64 bits of lamports"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_lamports_exactly_or_refused() {
        for (text, expected) in [
            ("1.5", 1_500_000_000),
            ("0.000000001", 1),
            (".5", 500_000_000),
            ("7", 7_000_000_000),
            ("18446744073.709551615", u64::MAX),
        ] {
            assert_eq!(lamports(text).expect(text), expected);
        }
        for text in ["", ".", "-1", "1e3", "1,5", "0.0000000001", "18446744073.709551616", "1.5.5", " 1"] {
            assert!(lamports(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn keypairs_are_read_as_solana_keygen_and_wallets_write_them() {
        let key = Keypair::new_from_array([3; 32]);
        let file = tempfile::NamedTempFile::new().expect("a file");
        let array = serde_json::to_string(&key.to_bytes().to_vec()).expect("JSON");
        for text in [array, format!("{}\n", key.to_base58_string())] {
            std::fs::write(file.path(), text).expect("a write");
            assert_eq!(keypair(file.path()).expect("a keypair").pubkey(), key.pubkey());
        }
        for text in ["[1,2,3]", "", "hello 0"] {
            std::fs::write(file.path(), text).expect("a write");
            assert!(keypair(file.path()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_evm_address_is_paid_under_its_id() {
        let address = Address::repeat_byte(9);
        assert_eq!(
            recipient(&address.to_string()).expect("an address").to_bytes(),
            AccountId::from_evm(address).0.0
        );
        assert!(recipient("0x12").is_err());
        assert!(recipient("hello").is_err());
    }

    #[test]
    fn errors_read_as_solanas() {
        let status = json!({ "err": { "InstructionError": [0, { "Custom": 1 }] } });
        assert_eq!(
            error_of(&status).expect("an error"),
            "Error processing Instruction 0: custom program error: 0x1"
        );
        assert_eq!(error_of(&json!({ "err": null })), None);
    }
}
