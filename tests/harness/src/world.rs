//! A chain with its Celestia: an embedded local one in this process, nodes as processes.

use crate::process::Node;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use weft_da::local::{ChainConfig, LocalCelestia, LocalConfig};
use weft_da::signature::SequencerKey;
use weft_genesis::{Account, Devnet, Genesis};
use weft_types::{AccountId, B256, DaHeight, U256};

use crate::cosmos::{COSMOS_ACCOUNTS, User};
use crate::solana::{self, SOL_ACCOUNTS};
use crate::wallet::Wallet;
use solana_signer::Signer;

/// The first of Solana's accounts has so many wei too many, the second twice that: never a lamport.
const DUST: u64 = 111_111_111;

/// The rules of a world that differ from devnet's.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Celestia's block interval.
    pub celestia_interval: Duration,
    /// How many sequencers genesis lists.
    pub sequencers: u8,
    /// Celestia blocks after which a forced transaction is overdue.
    pub forced_window: u64,
    /// Celestia blocks after which the next sequencer takes over.
    pub failover_window: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            celestia_interval: Duration::from_millis(100),
            sequencers: 1,
            forced_window: 30,
            failover_window: 1_000,
        }
    }
}

/// A chain's genesis and keys as files, with a directory for its nodes. Celestia is somebody else's.
#[derive(Debug)]
pub struct Files {
    /// The chain's genesis.
    pub genesis: Genesis,
    dir: TempDir,
}

/// A local Celestia and a chain over it.
pub struct World {
    /// Celestia.
    pub celestia: LocalCelestia,
    files: Files,
}

impl Deref for World {
    type Target = Files;

    fn deref(&self) -> &Files {
        &self.files
    }
}

impl World {
    /// Starts Celestia and writes a genesis that begins at its head.
    ///
    /// # Panics
    /// Where anything of that fails.
    pub async fn new(rules: Rules) -> Self {
        let dir = TempDir::new().expect("a directory");
        let celestia = LocalCelestia::start(LocalConfig {
            chain: ChainConfig { dir: Some(dir.path().join("celestia")), ..ChainConfig::default() },
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            block_interval: Some(rules.celestia_interval),
            ..LocalConfig::default()
        })
        .await
        .expect("a local Celestia");
        celestia.produce().await.expect("a first block");
        let head = celestia.chain().head();
        let hash = B256::from_slice(head.header().hash().as_bytes());
        let chain_id = celestia.chain().chain_id().to_owned();
        let files = Files::new(dir, &rules, chain_id, (DaHeight(head.height()), hash));
        Self { celestia, files }
    }

    /// A full node.
    pub async fn follower(&self, name: &str) -> Node {
        Node::start(name, &self.dir().join(name), self.run_args(&self.celestia.url())).await
    }

    /// A sequencer with this world's key `index`, and what else its config says (TOML).
    pub async fn sequencer(&self, name: &str, index: u8, config: &str) -> Node {
        let args = self.sequencer_args(name, index, config, &self.celestia.url());
        Node::start(name, &self.dir().join(name), args).await
    }
}

impl Files {
    /// Writes a genesis that begins after the given Celestia header, and the sequencers' keys.
    ///
    /// # Panics
    /// Where the rules make no valid genesis or the disk refuses.
    #[must_use]
    pub fn new(dir: TempDir, rules: &Rules, celestia_chain_id: String, checkpoint: (DaHeight, B256)) -> Self {
        let mut genesis = Genesis::devnet(Devnet {
            timestamp_ms: 1_700_000_000_000,
            celestia_chain_id,
            checkpoint,
            sequencers: (0..rules.sequencers).map(|index| sequencer_key(index).address()).collect(),
            accounts: (0..10).map(|index| AccountId::from_evm(Wallet::devnet(index).address())).collect(),
        });
        genesis.accounts.extend((0..SOL_ACCOUNTS).map(sol_account));
        genesis.accounts.extend((0..COSMOS_ACCOUNTS).map(cosmos_account));
        genesis.sequencing.forced_window = rules.forced_window;
        genesis.sequencing.failover_window = rules.failover_window;
        genesis.validate().expect("a valid genesis");
        let files = Self { genesis, dir };
        files.write_genesis(&files.genesis);
        for index in 0..rules.sequencers {
            let secret = format!("0x{}\n", hex::encode(sequencer_key(index).to_bytes()));
            write_secret(&files.key_path(index), &secret);
        }
        files
    }

    /// Writes the genesis file that [`Self::run_args`] names.
    ///
    /// # Panics
    /// Where the disk refuses.
    pub fn write_genesis(&self, genesis: &Genesis) {
        std::fs::write(self.genesis_path(), genesis.to_json()).expect("a genesis file");
    }

    /// Where nodes and files of this world live.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The genesis file.
    #[must_use]
    pub fn genesis_path(&self) -> PathBuf {
        self.dir.path().join("genesis.json")
    }

    /// The key file of a sequencer.
    #[must_use]
    pub fn key_path(&self, index: u8) -> PathBuf {
        self.dir.path().join(format!("sequencer-{index}.key"))
    }

    /// Arguments of `weft run` for this chain, against a Celestia endpoint.
    #[must_use]
    pub fn run_args(&self, celestia: &str) -> Vec<String> {
        let genesis = self.genesis_path().display().to_string();
        let any = "127.0.0.1:0";
        let listen = ["--eth", any, "--sol", any, "--cosmos", any];
        let run = ["run", "--genesis", &genesis, "--celestia", celestia];
        run.into_iter().chain(listen).map(str::to_owned).collect()
    }

    /// Arguments of a sequencer; writes its config file.
    ///
    /// # Panics
    /// Where the disk refuses.
    #[must_use]
    pub fn sequencer_args(&self, name: &str, index: u8, config: &str, celestia: &str) -> Vec<String> {
        let path = self.dir.path().join(format!("{name}.toml"));
        std::fs::write(&path, config).expect("a config file");
        let mut args = self.run_args(celestia);
        args.extend(["--config".to_owned(), path.display().to_string()]);
        args.extend([
            "--sequencer".to_owned(),
            "--key".to_owned(),
            self.key_path(index).display().to_string(),
        ]);
        args
    }
}

/// A funded account of Solana's, with wei that make no lamport.
fn sol_account(index: u8) -> Account {
    let id = AccountId(B256::new(solana::keypair(index).pubkey().to_bytes()));
    let dust = U256::from(DUST) * U256::from(index + 1);
    Account::funded(id, balance() + dust)
}

/// A funded account of Cosmos', which sees every wei.
fn cosmos_account(index: u32) -> Account {
    Account::funded(User::devnet(index).id(), balance() + U256::from(index))
}

fn balance() -> U256 {
    U256::from(Devnet::BALANCE_WEFT) * U256::from(10).pow(U256::from(18))
}

/// The key of a world's sequencer: the same in every run.
///
/// # Panics
/// Never: the secrets are in range.
#[must_use]
pub fn sequencer_key(index: u8) -> SequencerKey {
    SequencerKey::from_bytes([index.wrapping_add(1); 32]).expect("a secret in range")
}

fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let options = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    std::io::Write::write_all(&mut options.expect("a key file"), text.as_bytes()).expect("a key file");
}
