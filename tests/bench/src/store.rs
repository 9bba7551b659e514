//! `store`: durable commits of blocks of 10,000 keys with history and tree, against the bare backend.

use crate::workload::{self, changes};
use crate::{Figures, rate};
use std::time::{Duration, Instant};
use weft_state::kv::{Batch, FjallKv, Kv, SledKv, Table};
use weft_state::{Backend, JmtTree, Store, StoreConfig, Tree};
use weft_types::{B256, Bytes, Height};

const BLOCK: usize = 10_000;
const ROUNDS: u64 = 10;

pub fn run(backend: &str) -> eyre::Result<Figures> {
    let dir = tempfile::tempdir()?;
    let bare_dir = dir.path().join("bare");
    std::fs::create_dir_all(&bare_dir)?;
    let (backend, bare): (Backend, Box<dyn Kv>) = match backend {
        "fjall" => (Backend::Fjall, Box::new(FjallKv::open(&bare_dir, StoreConfig::CACHE_BYTES)?)),
        "sled" => (Backend::Sled, Box::new(SledKv::open(&bare_dir, StoreConfig::CACHE_BYTES)?)),
        other => eyre::bail!("no backend {other}: fjall or sled"),
    };
    let store = Store::open(&StoreConfig::new(backend, dir.path().join("ours")), B256::ZERO)?;
    let (mut rng, mut next) = (workload::rng(), 0);
    let (mut ours, mut reference) = (Duration::ZERO, Duration::ZERO);
    for height in 0..=ROUNDS {
        let known = next;
        let changes = changes(&mut rng, BLOCK, known, &mut next);
        // The tree has a bench of its own; here it is part of what is written.
        let update = JmtTree::default().update(&*store.nodes(), height, &changes)?;

        let start = Instant::now();
        let mut session = store.begin(Height(height))?;
        session.block(&changes, &update, Vec::new())?;
        session.finish(Bytes::from_static(b"derivation"))?.commit()?;
        let one = start.elapsed();

        let start = Instant::now();
        let mut batch = Batch::default();
        for (key, value) in changes.iter() {
            batch.put(Table::State, key.clone(), value.clone().unwrap_or_default());
        }
        bare.commit(batch, true)?;
        let other = start.elapsed();
        if height > 0 {
            ours += one;
            reference += other;
        }
    }
    let keys = BLOCK * usize::try_from(ROUNDS)?;
    Ok(Figures { unit: "keys/s", ours: rate(keys, ours), reference: Some(rate(keys, reference)) })
}
