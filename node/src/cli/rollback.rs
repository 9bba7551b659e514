//! `weft rollback`.

use super::exit::Failure;
use super::settings;
use clap::Args;
use eyre::Result;
use std::path::PathBuf;
use std::sync::Arc;
use weft_genesis::Genesis;
use weft_node::node::{NodeError, open_chain};
use weft_node::plugins;
use weft_router::Router;
use weft_state::JmtTree;
use weft_types::Height;

/// Take a stopped node's store back to a height: state, tree, derivation and chain data together. The node derives what
/// lies above again from Celestia when it is started.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The height to go back to. Where several blocks were committed at once, the end of the commit below
    #[arg(long, value_name = "HEIGHT")]
    to: u64,
    /// The node's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The chain [default: DIR/genesis.json]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// The node's config [default: DIR/config.toml where it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Rollback {
    pub(crate) fn run(self) -> Result<()> {
        let genesis = self.genesis.unwrap_or_else(|| self.dir.join("genesis.json"));
        let genesis = Arc::new(Genesis::from_path(&genesis)?);
        let config = self.config.or_else(|| Some(self.dir.join("config.toml")).filter(|path| path.exists()));
        let config = settings::node(&settings::load(config.as_deref())?, self.dir.clone(), None)?;
        if !self.dir.join("store").exists() {
            let what = format!("{} holds no store: give the folder of a node", self.dir.display());
            return Err(Failure::File(what).into());
        }
        let machines = plugins::machines(&genesis).map_err(NodeError::from)?;
        let router = Router::new(genesis, machines.all, Arc::new(JmtTree)).map_err(NodeError::from)?;
        let chain = open_chain(&config, Arc::new(router))?;
        let before = chain.included().header.height;
        let tip = chain.store().rollback(Height(self.to)).map_err(NodeError::from)?;
        say!("went back from height {before} to {}, state root {}", tip.height, tip.root);
        Ok(())
    }
}
