//! Compiled modules on disk, between runs of a node.
//!
//! A file is named by the code and lies in a folder named by everything else that the compiled form depends on:
//! wasmtime's version, its settings, the instrumentation and the processor's features. It carries a checksum and
//! is written under another name first; one that is broken counts as not there, and is written anew.
//!
//! What it must not do: fail a call, or grow without an end. Anybody can have code compiled by simulating its
//! upload, so the files that were not used for longest go where there are too many bytes of them. Folders of
//! other settings are left alone: an older version of the node may come back to them.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

use super::EngineError;

/// What the files may take together; half of it stays where they take more.
const DISK_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// Stands for the instrumentation in the folder's name: to be raised with every change of it.
const INSTRUMENTATION: u32 = 1;
const CHECKSUM: usize = 32;

/// The modules of one engine's settings.
pub(super) struct Folder {
    path: PathBuf,
    /// How many were written: part of temporary names.
    written: AtomicU64,
    /// What the files take, as far as this process knows.
    bytes: AtomicU64,
    limit: u64,
}

impl Folder {
    pub(super) fn open(root: &Path, engine: &Engine) -> Result<Self, EngineError> {
        Self::with_limit(root, engine, DISK_BYTES)
    }

    fn with_limit(root: &Path, engine: &Engine, limit: u64) -> Result<Self, EngineError> {
        let path = root.join(folder_name(engine));
        let failed = |error| EngineError(format!("{}: {error}", path.display()));
        fs::create_dir_all(&path).map_err(failed)?;
        let bytes = files(&path).map_err(failed)?.iter().map(|file| file.bytes).sum();
        Ok(Self { path, written: AtomicU64::new(0), bytes: AtomicU64::new(bytes), limit })
    }

    fn file(&self, hash: &[u8; 32]) -> PathBuf {
        self.path.join(hex::encode(hash))
    }

    /// The module of the code with this hash; `None` where there is none that is whole.
    pub(super) fn read(&self, engine: &Engine, hash: &[u8; 32]) -> Option<Module> {
        let path = self.file(hash);
        let file = fs::read(&path).ok()?;
        let module = file
            .split_at_checked(CHECKSUM)
            .filter(|(checksum, module)| Sha256::digest(module)[..] == **checksum)
            .and_then(|(_, module)| deserialize(engine, module));
        match &module {
            // So that it counts as used. Where that cannot be, it goes earlier.
            Some(_) => drop(fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()))),
            None => tracing::warn!(path = %path.display(), "a compiled contract is broken and is made again"),
        }
        module
    }

    /// Keeps a module. Where that fails it is compiled again in the next run.
    pub(super) fn write(&self, hash: &[u8; 32], module: &Module) {
        let path = self.file(hash);
        match self.try_write(&path, module) {
            Ok(bytes) => self.grown(bytes),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a compiled contract could not be kept");
            }
        }
    }

    fn try_write(&self, path: &Path, module: &Module) -> std::io::Result<u64> {
        let bytes = module.serialize().map_err(std::io::Error::other)?;
        // Other threads, engines and processes may write the same file.
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let unique = format!("tmp-{}-{:p}-{number}", std::process::id(), std::ptr::from_ref(self));
        let temporary = path.with_extension(unique);
        let mut file = fs::File::create_new(&temporary)?;
        let written = file
            .write_all(&Sha256::digest(&bytes))
            .and_then(|()| file.write_all(&bytes))
            .and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written.map(|()| CHECKSUM.saturating_add(bytes.len()) as u64)
    }

    /// Counts a new file, and takes the oldest away where there are too many.
    fn grown(&self, bytes: u64) {
        let sum = self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if sum > self.limit
            && let Err(error) = self.sweep()
        {
            tracing::warn!(path = %self.path.display(), %error, "old compiled contracts could not be removed");
        }
    }

    /// What others removed or wrote meanwhile is no error.
    fn sweep(&self) -> std::io::Result<()> {
        let mut files = files(&self.path)?;
        files.sort_by_key(|file| file.used);
        let mut sum: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files {
            if sum <= self.limit / 2 {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                sum = sum.saturating_sub(file.bytes);
            }
        }
        self.bytes.store(sum, Ordering::Relaxed);
        Ok(())
    }
}

struct File {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

fn files(folder: &Path) -> std::io::Result<Vec<File>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // One that is gone by now is none.
        if let Ok(metadata) = entry.metadata() {
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push(File { path: entry.path(), bytes: metadata.len(), used });
        }
    }
    Ok(files)
}

/// The only place where machine code comes from a file.
#[allow(unsafe_code)]
fn deserialize(engine: &Engine, module: &[u8]) -> Option<Module> {
    // SAFETY: the bytes have the checksum that `try_write` put before them, and lie under a name that it uses for
    // this engine's settings alone; wasmtime compares its version and settings once more. Who can write the
    // folder can run code in this process: `EngineConfig::cache_dir` says so.
    unsafe { Module::deserialize(engine, module) }.ok()
}

/// The hash of everything but the code that a compiled module depends on.
fn folder_name(engine: &Engine) -> String {
    let mut hasher = Sha256Hasher(Sha256::new());
    INSTRUMENTATION.hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hex::encode(&hasher.0.finalize()[..16])
}

/// For names that are the same in every run, which the standard hasher does not promise.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Not asked for: the whole digest is taken.
    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_not_used_for_longest_go() {
        let root = tempfile::tempdir().expect("a folder");
        let engine = Engine::default();
        let module = Module::new(&engine, wat::parse_str("(module)").expect("valid text")).expect("a module");
        let one = CHECKSUM as u64 + module.serialize().expect("bytes").len() as u64;
        let folder = Folder::with_limit(root.path(), &engine, 4 * one).expect("a folder");
        for number in 0..4 {
            folder.write(&[number; 32], &module);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        // A use counts.
        assert!(folder.read(&engine, &[0; 32]).is_some());
        std::thread::sleep(std::time::Duration::from_millis(20));
        folder.write(&[4; 32], &module);
        let left: Vec<_> = (0..5).filter(|number| folder.file(&[*number; 32]).exists()).collect();
        assert_eq!(left, [0, 4], "two of five, the last ones used");
        // The next run knows what is there.
        let again = Folder::with_limit(root.path(), &engine, 4 * one).expect("a folder");
        assert_eq!(again.bytes.load(Ordering::Relaxed), 2 * one);
    }
}
