//! `weft tx wasm`: from arguments to a signed transaction, and what became of it.
//!
//! ```text
//! arguments ─ message ─> Any ─┐
//! key ────────────────────────┴─ client: account, simulation, price ─ sign ─> TxRaw ─ client: send, wait ─> report
//! ```

mod client;
mod key;
mod message;
mod report;
mod send;

use super::super::encoded;
use clap::{Args, Subcommand};
use client::Client;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{QuerySmartContractStateRequest, QuerySmartContractStateResponse};
use eyre::Result;
use message::{Amount, Salt};
use send::{Destination, Signing};
use std::path::PathBuf;
use weft_wasm::address;

/// A node's RPC where nobody says otherwise.
const URL: &str = "http://127.0.0.1:36657";
#[derive(Debug, Subcommand)]
pub(super) enum Wasm {
    /// Send a signed transaction, and wait until the chain has it
    Send(Send),
    /// Pay somebody
    Transfer(Transfer),
    /// Upload a contract's code; prints its code id
    Store(Store),
    /// Make a contract of a code; prints its address
    Instantiate(Instantiate),
    /// Call a contract
    Execute(Execute),
    /// Give a contract another code; its admin alone can
    Migrate(Migrate),
    /// Ask a contract; no transaction, and nothing to pay
    Query(Query),
}

/// Send a signed transaction, and wait as the other commands do. `weft tx wasm ... --sign-only` prints one.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Send {
    /// The signed transaction (TxRaw) in base64 or hex, or @FILE with it
    #[arg(value_name = "TX")]
    transaction: String,
    #[command(flatten)]
    to: Destination,
}

/// Pay the chain's token.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Transfer {
    /// Who is paid: a user or a contract, weft1...
    #[arg(value_name = "TO", value_parser = account)]
    recipient: String,
    /// How much: 1.5 is whole tokens, 1500awei the least units
    #[arg(value_name = "AMOUNT")]
    amount: Amount,
    #[command(flatten)]
    signing: Signing,
}

/// Upload a contract's code. What is not packed yet is sent with gzip.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Store {
    /// The compiled contract, .wasm or .wasm.gz, of at most 800 KiB unpacked
    #[arg(value_name = "FILE")]
    code: PathBuf,
    #[command(flatten)]
    signing: Signing,
}

/// Make a contract of an uploaded code.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Instantiate {
    /// The code, by the number that `weft tx wasm store` printed
    #[arg(value_name = "CODE")]
    code: u64,
    /// What its instantiate gets: JSON, or @FILE with it
    #[arg(value_name = "MSG")]
    message: String,
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// Who may migrate it; without one nobody ever can
    #[arg(long, value_name = "ADDRESS", value_parser = account)]
    admin: Option<String>,
    /// What it is paid with the message
    #[arg(long, value_name = "AMOUNT")]
    funds: Option<Amount>,
    /// Take the address that this salt gives (instantiate2): text, or hex with 0x; at most 64 bytes
    #[arg(long, value_name = "SALT")]
    salt: Option<Salt>,
    #[command(flatten)]
    signing: Signing,
}

/// Call a contract.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Execute {
    /// The contract
    #[arg(value_name = "CONTRACT", value_parser = contract)]
    contract: String,
    /// What its execute gets: JSON, or @FILE with it
    #[arg(value_name = "MSG")]
    message: String,
    /// What it is paid with the message
    #[arg(long, value_name = "AMOUNT")]
    funds: Option<Amount>,
    #[command(flatten)]
    signing: Signing,
}

/// Give a contract another code.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Migrate {
    /// The contract
    #[arg(value_name = "CONTRACT", value_parser = contract)]
    contract: String,
    /// The code that it gets
    #[arg(value_name = "CODE")]
    code: u64,
    /// What the new code's migrate gets: JSON, or @FILE with it
    #[arg(value_name = "MSG")]
    message: String,
    #[command(flatten)]
    signing: Signing,
}

/// Ask a contract, and print its answer as it gave it.
#[derive(Debug, Args)]
#[command(after_long_help = super::super::exit::TABLE)]
pub(super) struct Query {
    /// The contract
    #[arg(value_name = "CONTRACT", value_parser = contract)]
    contract: String,
    /// What its query gets: JSON, or @FILE with it
    #[arg(value_name = "MSG")]
    message: String,
    /// The state after this block [default: the newest]
    #[arg(long, value_name = "HEIGHT")]
    height: Option<u64>,
    /// The node's CometBFT RPC
    #[arg(long, value_name = "URL", default_value = URL)]
    url: String,
}

/// A user or a contract.
fn account(text: &str) -> Result<String, String> {
    let told = |error| format!("{error}; an address of this chain begins with {}1", address::PREFIX);
    address::parse(text).map(|_| text.to_owned()).map_err(told)
}

fn contract(text: &str) -> Result<String, String> {
    account(text)?;
    let bytes = address::decode(text).map_err(|error| error.to_string())?;
    if bytes.len() == address::CONTRACT_BYTES {
        Ok(text.to_owned())
    } else {
        Err("it is a user's address; a contract's is longer".into())
    }
}

impl Wasm {
    pub(super) async fn run(self) -> Result<()> {
        match self {
            Self::Send(Send { transaction, to }) => {
                let bytes = encoded::cosmos(&encoded::text(&transaction)?)?;
                to.send(&Client::connect(&to.url).await?, bytes).await
            }
            Self::Transfer(Transfer { recipient, amount, signing }) => {
                signing.run(|signer, denom| message::transfer(signer, recipient, &amount, denom)).await
            }
            Self::Store(Store { code, signing }) => {
                let code = message::code(&code)?;
                signing.run(|signer, _| Ok(message::store(signer, code))).await
            }
            Self::Instantiate(Instantiate { code, message, label, admin, funds, salt, signing }) => {
                let made = message::Made { code, label, admin: admin.unwrap_or_default(), salt };
                let json = message::json(&message)?;
                signing.run(|signer, denom| made.message(signer, json, coins(funds, denom)?)).await
            }
            Self::Execute(Execute { contract, message, funds, signing }) => {
                let json = message::json(&message)?;
                let make = |signer: &str, denom: &str| {
                    Ok(message::execute(signer, contract, json, coins(funds, denom)?))
                };
                signing.run(make).await
            }
            Self::Migrate(Migrate { contract, code, message, signing }) => {
                let json = message::json(&message)?;
                signing.run(|signer, _| Ok(message::migrate(signer, contract, code, json))).await
            }
            Self::Query(query) => query.run().await,
        }
    }
}

fn coins(funds: Option<Amount>, denom: &str) -> Result<Vec<Coin>> {
    Ok(funds.map(|funds| funds.coin(denom)).transpose()?.into_iter().collect())
}

impl Query {
    async fn run(self) -> Result<()> {
        let request = QuerySmartContractStateRequest {
            address: self.contract,
            query_data: message::json(&self.message)?,
        };
        let client = Client::new(&self.url)?;
        let path = "/cosmwasm.wasm.v1.Query/SmartContractState";
        let answer: QuerySmartContractStateResponse = client.query(path, &request, self.height).await?;
        say!("{}", String::from_utf8_lossy(&answer.data));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn addresses_are_told_apart() {
        let (user, made) = (address::encode(&[7; 20]), address::encode(&[7; 32]));
        assert_eq!((account(&user), account(&made)), (Ok(user.clone()), Ok(made.clone())));
        assert_eq!(contract(&made), Ok(made));
        assert!(contract(&user).expect_err("a user").contains("user's address"));
        let other = "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6";
        assert!(account(other).expect_err("another chain").contains("begins with weft1"));
    }

    #[test]
    fn one_signer_is_named() {
        let to = address::encode(&[7; 20]);
        let parse = |more: &[&str]| {
            let line = [&["weft", "tx", "wasm", "transfer", &to, "1.5"], more].concat();
            crate::cli::Args::try_parse_from(line).map(drop).map_err(|error| error.to_string())
        };
        for right in [&["--devnet", "9"][..], &["--key", "f"], &["--key", "f", "--path", "m/44'/118'/0'/0/7"]]
        {
            assert_eq!(parse(right), Ok(()), "{right:?}");
        }
        let none = parse(&[]).expect_err("no signer");
        assert!(none.contains("--key <FILE>|--devnet <NUMBER>"), "{none}");
        for wrong in
            [&["--devnet", "10"][..], &["--devnet", "1", "--key", "f"], &["--devnet", "1", "--path", "m"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
