//! `weft init`.

use super::exit::Failure;
use super::files;
use super::run::make_dir;
use super::{celestia, settings};
use clap::Args;
use eyre::Result;
use std::path::{Path, PathBuf};
use weft_config::{Config, ListedAccount};
use weft_genesis::{Account, Devnet as Parameters, Genesis};
use weft_types::{AccountId, Address, B256, DaHeight, Namespace, U256};

/// Write a new chain's genesis and config, with a comment on every key, and a sequencer key (mode 0600).
///
/// The chain begins after the newest block of the Celestia node that is given, which is taken as its checkpoint: compare
/// it with a source that you trust before you hand genesis to others.
#[derive(Debug, Args)]
#[command(after_long_help = super::exit::TABLE)]
pub(crate) struct Init {
    /// The chain's name: lower case letters, digits and '-'. Its namespaces are derived from it
    #[arg(long, value_name = "NAME")]
    network: String,
    /// Where to write genesis.toml, config.toml and sequencer.key
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The chain id that EVM transactions are signed for; unique among chains [default: derived from the name]
    #[arg(long, value_name = "ID")]
    chain_id: Option<u64>,
    /// The Celestia node to take the checkpoint from
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:26658")]
    celestia: String,
    /// Its token
    #[arg(long, value_name = "TOKEN", env = "WEFT_CELESTIA_TOKEN", hide_env_values = true)]
    celestia_token: Option<String>,
    /// An account of any machine with tokens at height 0, as ADDRESS=AMOUNT in whole tokens; may be repeated
    #[arg(long = "fund", value_name = "ADDRESS=AMOUNT", value_parser = fund)]
    funds: Vec<(AccountId, u64)>,
}

fn fund(text: &str) -> Result<(AccountId, u64), String> {
    let (address, amount) = text.split_once('=').ok_or("write it as ADDRESS=AMOUNT")?;
    let ListedAccount(address) = address.parse()?;
    let amount =
        amount.parse().map_err(|error| format!("{amount:?} is no whole number of tokens: {error}"))?;
    Ok((address, amount))
}

impl Init {
    pub(crate) async fn run(self) -> Result<()> {
        make_dir(&self.dir)?;
        let (genesis_path, config_path, key_path) =
            (self.dir.join("genesis.toml"), self.dir.join("config.toml"), self.dir.join("sequencer.key"));
        for path in [&genesis_path, &config_path, &key_path] {
            if path.exists() {
                let what = format!("{} is there already: remove it, or choose another --dir", path.display());
                return Err(Failure::File(what).into());
            }
        }
        settings::log(&Config::default())?;
        let (head, network) = celestia::discover(&self.celestia, self.celestia_token.clone()).await?;
        let key = files::new_key();
        let genesis = self.genesis(head.time_ms, network, (head.height, head.hash), key.address())?;
        genesis.validate()?;
        let mut config = Config::default();
        config.node.dir = absolute(&self.dir).join("data").display().to_string();
        config.da.endpoints = vec![self.celestia.clone()];
        files::write_key(&key_path, &key)?;
        files::write_atomic(&config_path, config.to_commented_toml().as_bytes())?;
        files::write_atomic(&genesis_path, genesis.to_commented_toml().as_bytes())?;
        say!("genesis    {}   hash {}", genesis_path.display(), genesis.hash());
        say!("checkpoint Celestia {} {}   (compare it with a source that you trust)", head.height, head.hash);
        say!("config     {}", config_path.display());
        say!("key        {}   sequencer {}", key_path.display(), key.address());
        let (genesis, config, key) = (genesis_path.display(), config_path.display(), key_path.display());
        say!("\nweft run --genesis {genesis} --config {config} --sequencer --key {key}");
        Ok(())
    }

    fn genesis(
        &self,
        timestamp_ms: u64,
        celestia_chain_id: String,
        checkpoint: (DaHeight, B256),
        sequencer: Address,
    ) -> Result<Genesis> {
        let devnet = Parameters {
            timestamp_ms,
            celestia_chain_id,
            checkpoint,
            sequencers: vec![sequencer],
            accounts: Vec::new(),
        };
        let mut genesis = Genesis::devnet(devnet);
        let chain_id = self.chain_id.unwrap_or_else(|| chain_id_of(&self.network));
        genesis.chain_id = chain_id;
        genesis.network.clone_from(&self.network);
        genesis.namespaces.batch = namespace(&self.network, chain_id, "batch")?;
        genesis.namespaces.forced = namespace(&self.network, chain_id, "forced")?;
        genesis.namespaces.claim = namespace(&self.network, chain_id, "claim")?;
        let token = U256::from(10).pow(U256::from(18));
        let account =
            |(id, amount): &(AccountId, u64)| Account::funded(*id, U256::from(*amount).saturating_mul(token));
        genesis.accounts = self.funds.iter().map(account).collect();
        Ok(genesis)
    }
}

/// A chain id between 2^30 and 2^31, where few chains are and every wallet can count.
fn chain_id_of(network: &str) -> u64 {
    let hash = weft_types::hash::sha256("weft/chain-id", &[network.as_bytes()]);
    let low = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) & 0x3fff_ffff;
    u64::from(low | 0x4000_0000)
}

/// Ten bytes that no other chain is likely to have.
fn namespace(network: &str, chain_id: u64, purpose: &str) -> Result<Namespace> {
    let parts = [network.as_bytes(), &chain_id.to_be_bytes(), purpose.as_bytes()];
    let digest = weft_types::hash::sha256("weft/namespace", &parts);
    let (id, _) = digest.split_first_chunk::<10>().ok_or_else(|| eyre::eyre!("a digest has 32 bytes"))?;
    Ok(Namespace::new_v0(*id)?)
}

fn absolute(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned())
}
