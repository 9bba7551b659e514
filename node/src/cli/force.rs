//! `weft force`.

use super::exit::Failure;
use super::{celestia, encoded, settings};
use clap::Args;
use eyre::Result;
use std::path::PathBuf;
use weft_da::blob::NewBlob;
use weft_da::layer::{DaError, DaLayer, Fee, GasPrice};
use weft_genesis::Genesis;
use weft_types::{Transaction, VmId};

/// Post a signed transaction past the sequencer, straight to Celestia's forced namespace. It is in the chain within
/// genesis' forced_window of Celestia blocks, whatever any sequencer does. The Celestia node's own account pays.
#[derive(Debug, Args)]
#[command(after_long_help = super::exit::TABLE)]
pub(crate) struct Force {
    /// The signed transaction, or @FILE with it: in hex, as `cast mktx` prints it; for sbf in base64, base58 or hex; for
    /// wasm (TxRaw) in base64, as `weft tx wasm --sign-only` prints it, or hex
    #[arg(value_name = "TX")]
    transaction: String,
    /// The machine that it is for
    #[arg(long, default_value = "evm", value_parser = ["evm", "sbf", "wasm"])]
    vm: String,
    /// The chain: genesis.json or genesis.toml
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// The Celestia node to post through
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:26658")]
    celestia: String,
    /// Its token, with write permission
    #[arg(long, value_name = "TOKEN", env = "WEFT_CELESTIA_TOKEN", hide_env_values = true)]
    celestia_token: Option<String>,
}

impl Force {
    pub(crate) async fn run(self) -> Result<()> {
        let genesis = Genesis::from_path(&self.genesis)?;
        let text = encoded::text(&self.transaction)?;
        let (vm, payload) = match self.vm.as_str() {
            "sbf" => (VmId::SBF, encoded::solana(&text)?),
            "wasm" => (VmId::WASM, encoded::cosmos(&text)?),
            _ => (VmId::EVM, encoded::from_hex(&text)?),
        };
        let data = Transaction { vm, payload: payload.into() }.to_bytes();
        let transaction = Transaction::from_bytes(&data).map_err(|error| Failure::File(error.to_string()))?;
        check(&genesis, &transaction, data.len())?;
        let mut config = settings::load(None)?;
        config.da.endpoints = vec![self.celestia.clone()];
        config.da.auth_tokens = self.celestia_token.into_iter().map(weft_config::Secret).collect();
        let ceiling = GasPrice(config.da.gas_price_max);
        let mut celestia_config = settings::celestia(&config, &genesis, &PathBuf::new());
        celestia_config.evidence_dir = None;
        let (layer, _) = celestia::connect(celestia_config, &genesis).await?;
        let namespace = genesis.derivation_params().forced_namespace;
        let posted = layer.submit(vec![NewBlob { namespace, data }], Fee { price: None, ceiling }).await;
        let receipt = posted.map_err(|error| match error {
            DaError::Retry(_) | DaError::UnknownOutcome(_) => Failure::Unreachable(format!(
                "Celestia did not say that it has the transaction ({error}): look for it before you post it again"
            )),
            error => Failure::Refused(error.to_string()),
        })?;
        let window = genesis.sequencing.forced_window;
        say!("posted at Celestia height {}; in the chain within {window} Celestia blocks", receipt.height);
        Ok(())
    }
}

/// What no node of the chain would execute is not worth a fee.
fn check(genesis: &Genesis, transaction: &Transaction, length: usize) -> Result<()> {
    let max = genesis.limits.forced_bytes.min(genesis.limits.block_bytes);
    if u64::try_from(length).map_or(true, |length| length > max) {
        let what =
            format!("the transaction has {length} bytes, and this chain takes {max} at most of a forced one");
        return Err(Failure::File(what).into());
    }
    let machines = weft_node::plugins::machines(genesis).map_err(weft_node::node::NodeError::from)?;
    let machine = machines.all.iter().find(|machine| machine.id() == transaction.vm);
    let machine =
        machine.ok_or_else(|| Failure::File(format!("this chain has no machine {}", transaction.vm)))?;
    let checked = machine.check(&transaction.payload);
    let checked = checked.map_err(|reject| Failure::File(format!("the chain would reject it: {reject}")))?;
    say!("transaction {}", checked.id);
    Ok(())
}
