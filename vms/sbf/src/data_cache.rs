//! [`DataCache`]: the data of large accounts by content, so that a program's pages are put together once and not once a
//! transaction. What it gives is what the pages hold, whatever it keeps.

use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use weft_state::ReadError;

/// Most bytes that are kept; past it, the cache starts anew.
const CACHED_BYTES_MAX: usize = 64 << 20;

#[derive(Default)]
struct Cached {
    data: HashMap<[u8; 32], Arc<Vec<u8>>>,
    bytes: usize,
}

/// See the module.
#[derive(Default)]
pub(crate) struct DataCache(RwLock<Cached>);

impl DataCache {
    /// The data with that hash, made by `assemble` where it is not here.
    pub(crate) fn get(
        &self,
        hash: [u8; 32],
        assemble: impl FnOnce() -> Result<Vec<u8>, ReadError>,
    ) -> Result<Arc<Vec<u8>>, ReadError> {
        if let Some(data) = self.0.read().data.get(&hash) {
            return Ok(Arc::clone(data));
        }
        let data = Arc::new(assemble()?);
        let mut cached = self.0.write();
        if cached.bytes.saturating_add(data.len()) > CACHED_BYTES_MAX {
            *cached = Cached::default();
        }
        if cached.data.insert(hash, Arc::clone(&data)).is_none() {
            cached.bytes = cached.bytes.saturating_add(data.len());
        }
        Ok(data)
    }

    /// Forgets everything, as a restart does.
    #[cfg(test)]
    pub(crate) fn clear(&self) {
        *self.0.write() = Cached::default();
    }
}
