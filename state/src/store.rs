//! [`Store`]: what a node keeps, committed atomically and durably: state at the tip with its history, the
//! tree's nodes, the derivation state, and chain data (blocks, receipts, indexes).
//!
//! ```text
//! Store::begin(height) -> Session -> block(..) for each height -> finish(derivation) -> Finished -> commit()
//! ```
//! Each step consumes the one before, so that the wrong order does not compile. What lies where on disk is
//! in `store/record.rs`.
//!
//! Invariants, as negatives:
//! - No kill, at any instruction, leaves state, tree, derivation state and chain data of different commits.
//! - No commit that returned is lost.
//! - No [`StateRead`] changes its answers; it fails where its height is pruned or rolled back.

mod error;
mod maintain;
mod record;
mod session;
mod view;

pub use self::error::StoreError;
pub use self::maintain::Pruned;
pub use self::record::FORMAT;
pub use self::session::{Finished, Session};

use self::record::TipRecord;
use self::view::StateAt;
use crate::kv::{FjallKv, Kv, KvError, MemoryKv, Scan, SledKv, Table};
use crate::{Batch, Key, NodeRead, ReadError, StateRead};
use parking_lot::{Mutex, RwLock};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use weft_types::{B256, Bytes, Height};

/// The file in a store's directory that is locked while the store is open.
const LOCK_FILE: &str = "lock";

/// What keeps the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Backend {
    /// Nothing survives the process.
    Memory,
    /// The default.
    #[default]
    Fjall,
    /// Slower, and hungrier for memory.
    Sled,
}

impl Backend {
    /// As in a configuration file and in the directory.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Fjall => "fjall",
            Self::Sled => "sled",
        }
    }
}

/// What an operator chooses about a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreConfig {
    /// What keeps the bytes.
    pub backend: Backend,
    /// Where. Made if absent. Not used by [`Backend::Memory`].
    pub dir: PathBuf,
    /// Bound of the backend's cache for reads.
    pub cache_bytes: u64,
}

impl StoreConfig {
    /// A cache that lets an idle node stay small.
    pub const CACHE_BYTES: u64 = 32 << 20;

    /// The default cache.
    #[must_use]
    pub fn new(backend: Backend, dir: impl Into<PathBuf>) -> Self {
        Self { backend, dir: dir.into(), cache_bytes: Self::CACHE_BYTES }
    }
}

/// The newest height of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Of the newest block.
    pub height: Height,
    /// The root of the tree after it.
    pub root: B256,
}

/// A store that is open. Clones share it; it closes with the last of them.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

pub(crate) struct Inner {
    kv: Arc<dyn Kv>,
    dir: PathBuf,
    /// Readers of a tip wait for a rollback that is under way, not for a commit.
    tip: RwLock<Option<Tip>>,
    /// Only one commit, rollback or pruning at a time. False after one of them failed: what is on disk is
    /// then known only by opening again.
    sound: Mutex<bool>,
    /// The height that the state table holds, raised before a commit begins to write.
    newest: AtomicU64,
    oldest: AtomicU64,
    /// Raised by each rollback.
    epoch: AtomicU64,
    _lock: Option<Lock>,
}

impl Store {
    /// Opens the store, or makes one for the chain with that genesis.
    ///
    /// # Errors
    /// Every variant of [`StoreError`] that speaks of a directory.
    pub fn open(config: &StoreConfig, genesis: B256) -> Result<Self, StoreError> {
        let dir = &config.dir;
        let failed = |e: KvError| StoreError::from_kv(dir, e);
        if config.backend == Backend::Memory {
            return Self::assemble(Arc::new(MemoryKv::default()), Path::new("memory"), None, genesis);
        }
        let lock = lock(dir)?;
        let other = if config.backend == Backend::Fjall { Backend::Sled } else { Backend::Fjall };
        if dir.join(other.name()).exists() {
            let (found, asked) = (other.name(), config.backend.name());
            return Err(StoreError::OtherBackend { dir: dir.clone(), found, asked });
        }
        let data = dir.join(config.backend.name());
        let kv: Arc<dyn Kv> = match config.backend {
            Backend::Sled => Arc::new(SledKv::open(&data, config.cache_bytes).map_err(failed)?),
            _ => Arc::new(FjallKv::open(&data, config.cache_bytes).map_err(failed)?),
        };
        Self::assemble(kv, dir, Some(lock), genesis)
    }

    /// A store on a backend that is open already, for tests and simulation.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn on(kv: Arc<dyn Kv>, genesis: B256) -> Result<Self, StoreError> {
        let name = kv.name();
        Self::assemble(kv, Path::new(name), None, genesis)
    }

    fn assemble(kv: Arc<dyn Kv>, dir: &Path, lock: Option<Lock>, genesis: B256) -> Result<Self, StoreError> {
        let inner = Inner {
            kv,
            dir: dir.to_path_buf(),
            tip: RwLock::new(None),
            sound: Mutex::new(true),
            newest: AtomicU64::new(0),
            oldest: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            _lock: lock,
        };
        inner.check_identity(genesis)?;
        if let Some(tip) = inner.read_tip()? {
            inner.newest.store(tip.height.0, SeqCst);
            inner.oldest.store(inner.read_height(record::META_OLDEST)?.0, SeqCst);
            *inner.tip.write() = Some(Tip { height: tip.height, root: tip.root });
        }
        Ok(Self(Arc::new(inner)))
    }

    /// The newest height, or `None` before genesis is committed.
    #[must_use]
    pub fn tip(&self) -> Option<Tip> {
        *self.0.tip.read()
    }

    /// The oldest height whose state can be read.
    #[must_use]
    pub fn oldest(&self) -> Height {
        Height(self.0.oldest.load(SeqCst))
    }

    /// The derivation state of the last commit, or `None` before the first.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Failed`].
    pub fn derivation(&self) -> Result<Option<Bytes>, StoreError> {
        self.0.get(Table::Meta, record::META_DERIVATION)
    }

    /// `memory`, `fjall` or `sled`.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        self.0.kv.name()
    }

    /// Starts to write the block of `height` (genesis is 0) and those after it. A session without a block
    /// commits derivation state and chain records alone.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] where `height` does not follow the tip.
    pub fn begin(&self, height: Height) -> Result<Session, StoreError> {
        Session::begin(Arc::clone(&self.0), self.tip(), height)
    }

    /// The state after the block of `height`, pinned: later commits do not change its answers. Pruning past
    /// the height, and any rollback, make it fail.
    ///
    /// # Errors
    /// [`StoreError::NotKept`], [`StoreError::Empty`].
    pub fn state_at(&self, height: Height) -> Result<Arc<dyn StateRead>, StoreError> {
        let tip = self.0.tip.read();
        let epoch = self.0.epoch.load(SeqCst);
        self.0.require_kept(*tip, height)?;
        Ok(Arc::new(StateAt { store: Arc::clone(&self.0), height, epoch }))
    }

    /// The nodes of the tree.
    #[must_use]
    pub fn nodes(&self) -> Arc<dyn NodeRead> {
        Arc::new(Nodes(Arc::clone(&self.0)))
    }

    /// A chain record.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Failed`].
    pub fn chain_get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.0.get(Table::Chain, key)
    }

    /// Chain records, in the order of `scan`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Failed`].
    pub fn chain_range(&self, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, StoreError> {
        self.0.scan(Table::Chain, scan)
    }
}

impl Inner {
    pub(crate) fn kv_error(&self, error: KvError) -> StoreError {
        StoreError::from_kv(&self.dir, error)
    }

    pub(crate) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { dir: self.dir.clone(), what: what.into() }
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.kv.get(table, key).map_err(|e| self.kv_error(e))
    }

    fn scan(&self, table: Table, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, StoreError> {
        self.kv.scan(table, scan).map_err(|e| self.kv_error(e))
    }

    /// Writes and remembers a failure: the guard says whether the store is still sound.
    fn write(&self, sound: &mut bool, batch: Batch, durable: bool) -> Result<(), StoreError> {
        if !*sound {
            let what = "an earlier write failed, so nothing more is written".into();
            return Err(StoreError::Failed { dir: self.dir.clone(), what });
        }
        self.kv.commit(batch, durable).map_err(|e| {
            *sound = false;
            self.kv_error(e)
        })
    }

    fn require_kept(&self, tip: Option<Tip>, asked: Height) -> Result<(), StoreError> {
        let tip = tip.ok_or(StoreError::Empty)?.height;
        let oldest = Height(self.oldest.load(SeqCst));
        if asked < oldest || asked > tip {
            return Err(StoreError::NotKept { asked, oldest, tip });
        }
        Ok(())
    }

    /// Whose store it is; a new one becomes that of `genesis`.
    fn check_identity(&self, genesis: B256) -> Result<(), StoreError> {
        let Some(found) = self.get(Table::Meta, record::META_STORE)? else {
            if let Some(table) = self.first_used_table()? {
                return Err(self.damaged(format!("table {} has data but no format", table.name())));
            }
            let mut batch = Batch::default();
            batch.put(Table::Meta, record::META_STORE.to_vec(), record::encode_store(FORMAT, genesis));
            return self.write(&mut true, batch, true);
        };
        let damaged = || self.damaged("the record of its format does not parse");
        let (format, found) = record::parse_store(&found).ok_or_else(damaged)?;
        if format > FORMAT {
            return Err(StoreError::Newer { dir: self.dir.clone(), found: format, ours: FORMAT });
        }
        if format < FORMAT {
            return Err(StoreError::Older { dir: self.dir.clone(), found: format, ours: FORMAT });
        }
        let found = found.ok_or_else(damaged)?;
        if found != genesis {
            return Err(StoreError::OtherGenesis { dir: self.dir.clone(), found, asked: genesis });
        }
        Ok(())
    }

    fn first_used_table(&self) -> Result<Option<Table>, StoreError> {
        for table in Table::ALL {
            if !self.scan(table, Scan::forward(&[], None, 1))?.is_empty() {
                return Ok(Some(table));
            }
        }
        Ok(None)
    }

    /// The tip, held against what a commit writes with it.
    fn read_tip(&self) -> Result<Option<TipRecord>, StoreError> {
        let derivation = self.get(Table::Meta, record::META_DERIVATION)?;
        let Some(tip) = self.get(Table::Meta, record::META_TIP)? else {
            return match self.first_used_table()? {
                Some(Table::Meta) if derivation.is_none() => Ok(None),
                _ => Err(self.damaged("it has data but no tip")),
            };
        };
        let tip =
            TipRecord::parse(&tip).ok_or_else(|| self.damaged("the record of its tip does not parse"))?;
        let derivation = derivation.ok_or_else(|| self.damaged("its derivation state is missing"))?;
        if TipRecord::new(tip.height, tip.root, &derivation) != tip {
            return Err(self.damaged("its derivation state is not the one of its tip"));
        }
        let (nodes, end) = (tip.height.0.to_be_bytes(), tip.height.next().0.to_be_bytes());
        if self.scan(Table::Tree, Scan::forward(&nodes, Some(&end), 1))?.is_empty() {
            return Err(self.damaged(format!("the tree has no node of height {}", tip.height)));
        }
        if self.get(Table::History, &record::by_height(tip.height, record::Row::Changed))?.is_none() {
            return Err(self.damaged(format!("the history has no height {}", tip.height)));
        }
        Ok(Some(tip))
    }

    fn read_height(&self, key: &[u8]) -> Result<Height, StoreError> {
        match self.get(Table::Meta, key)? {
            None => Ok(Height(0)),
            Some(height) => record::parse_height(&height)
                .ok_or_else(|| self.damaged(format!("record {} does not parse", key.escape_ascii()))),
        }
    }
}

struct Nodes(Arc<Inner>);

impl NodeRead for Nodes {
    fn node(&self, id: &[u8]) -> Result<Option<Bytes>, ReadError> {
        self.0.get(Table::Tree, id).map_err(|e| ReadError(e.to_string()))
    }
}

/// The lock of a directory. It is let go by name: closing the file is not enough while a process that is being
/// spawned still holds a copy of its descriptor, and the directory may be opened again in that moment.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "did not unlock the store");
        }
    }
}

fn lock(dir: &Path) -> Result<Lock, StoreError> {
    let failed = |e: std::io::Error| StoreError::Failed { dir: dir.to_path_buf(), what: e.to_string() };
    std::fs::create_dir_all(dir).map_err(failed)?;
    let file =
        File::options().write(true).create(true).truncate(false).open(dir.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(dir.to_path_buf())),
        Err(TryLockError::Error(e)) => Err(failed(e)),
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod torture;
