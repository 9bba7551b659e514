//! `weft replay`.

use super::exit::Failure;
use super::{celestia, settings};
use clap::Args;
use eyre::{Result, bail};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use weft_da::derive::DerivationState;
use weft_da::layer::{Anchor, DaLayer};
use weft_genesis::Genesis;
use weft_node::chain::{BlockRecord, Chain};
use weft_node::node::{NodeError, open_chain};
use weft_node::plugins;
use weft_node::syncer::{derive_steps, load_state};
use weft_router::Router;
use weft_state::{Backend, JmtTree, Store, StoreConfig};
use weft_types::Height;

/// Celestia heights in one step.
const STEP: usize = 32;

/// Derive and execute the chain again from Celestia into a scratch store, and compare every block of a range with the
/// stopped node's store: header, receipts and state root. Derivation begins at genesis whatever the range.
#[derive(Debug, Args)]
#[command(after_long_help = super::exit::TABLE)]
pub(crate) struct Replay {
    /// The first height to compare
    #[arg(long, value_name = "HEIGHT", default_value_t = 0)]
    from: u64,
    /// The last height to compare [default: the newest that is on Celestia]
    #[arg(long, value_name = "HEIGHT")]
    to: Option<u64>,
    /// The stopped node's folder
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The chain [default: DIR/genesis.json]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// The node's config [default: DIR/config.toml where it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The Celestia node to read from [default: the config's]
    #[arg(long, value_name = "URL", num_args = 1..)]
    celestia: Vec<String>,
}

impl Replay {
    pub(crate) async fn run(self) -> Result<()> {
        let genesis_path = self.genesis.clone().unwrap_or_else(|| self.dir.join("genesis.json"));
        let genesis = Arc::new(Genesis::from_path(&genesis_path)?);
        let path =
            self.config.clone().or_else(|| Some(self.dir.join("config.toml")).filter(|path| path.exists()));
        let mut config = settings::load(path.as_deref())?;
        if !self.celestia.is_empty() {
            config.da.endpoints.clone_from(&self.celestia);
        }
        settings::log(&config)?;
        if !self.dir.join("store").exists() {
            let what = format!("{} holds no store: give the folder of a node", self.dir.display());
            return Err(Failure::File(what).into());
        }
        let scratch_dir = tempfile::tempdir()?;
        let machines = plugins::machines(&genesis).map_err(NodeError::from)?;
        let router =
            Router::new(Arc::clone(&genesis), machines.all, Arc::new(JmtTree)).map_err(NodeError::from)?;
        let router = Arc::new(router);
        let kept = open_chain(&settings::node(&config, self.dir.clone(), None)?, Arc::clone(&router))?;
        let store = StoreConfig::new(Backend::Fjall, scratch_dir.path());
        let store = Store::open(&store, genesis.hash()).map_err(NodeError::from)?;
        let begin = DerivationState::genesis(&genesis.derivation_params()).to_bytes();
        let scratch = Chain::open(router, store, begin.into()).map_err(NodeError::from)?;
        let newest = kept.included().header.height;
        let to = self.to.map_or(newest, Height);
        if to > newest {
            bail!("--to {to} is above the newest block on Celestia that the store has, {newest}");
        }
        let (layer, _) =
            celestia::connect(settings::celestia(&config, &genesis, &self.dir), &genesis).await?;
        let started = Instant::now();
        replay(&kept, &scratch, &layer, Height(self.from), to).await?;
        let count = to.since(Height(self.from)).saturating_add(1);
        say!(
            "{count} blocks are the same, {} to {to}, in {:.1} s",
            self.from,
            started.elapsed().as_secs_f64()
        );
        Ok(())
    }
}

async fn replay(
    kept: &Arc<Chain>,
    scratch: &Arc<Chain>,
    layer: &dyn DaLayer,
    from: Height,
    to: Height,
) -> Result<()> {
    let bar = ProgressBar::new(to.0).with_style(
        ProgressStyle::with_template("{bar:40} block {pos} of {len}, Celestia {msg}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut state = load_state(scratch).map_err(NodeError::from)?;
    let genesis = scratch.included();
    compare_from(kept, std::slice::from_ref(&genesis), from, to)?;
    let anchor = Anchor { height: scratch.da().height, hash: scratch.da().hash };
    let mut blocks = layer.blocks(anchor).ready_chunks(STEP);
    while scratch.included().header.height < to {
        let Some(chunk) = blocks.next().await else { bail!("Celestia's stream of blocks ended") };
        let chunk = chunk.into_iter().collect::<Result<Vec<_>, _>>().map_err(NodeError::from)?;
        let (chain, params) = (Arc::clone(scratch), scratch.genesis().derivation_params());
        let work = move || -> Result<_, NodeError> {
            let (state, steps) = derive_steps(&params, state, &chunk);
            Ok((state, chain.apply_derived(steps)?))
        };
        let (next, applied) = tokio::task::spawn_blocking(work).await??;
        state = next;
        compare_from(kept, &applied.included, from, to)?;
        bar.set_position(scratch.included().header.height.0.min(to.0));
        bar.set_message(scratch.da().height.to_string());
    }
    bar.finish_and_clear();
    Ok(())
}

fn compare_from(kept: &Chain, blocks: &[Arc<BlockRecord>], from: Height, to: Height) -> Result<()> {
    for ours in blocks.iter().filter(|block| (from..=to).contains(&block.header.height)) {
        let height = ours.header.height;
        let Some(theirs) = kept.block(height).map_err(NodeError::from)? else {
            bail!("the store has no block {height}, and Celestia gives one: {}", ours.hash);
        };
        if theirs.hash != ours.hash {
            bail!(
                "block {height} differs: the store has {} with state root {}, Celestia gives {} with state root {}",
                theirs.hash,
                theirs.header.state_root,
                ours.hash,
                ours.header.state_root
            );
        }
    }
    Ok(())
}
