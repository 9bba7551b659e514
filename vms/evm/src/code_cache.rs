//! [`CodeCache`]: analysed bytecode by its hash, so that a contract's jump table is made once and not once a
//! transaction. A pure function of the code: it changes no result, whatever it holds.

use revm::bytecode::Bytecode;
use revm::primitives::B256;
use std::collections::HashMap;
use std::sync::RwLock;
use weft_types::Bytes;

/// Most bytes of code that the cache holds; past it, it starts anew.
const CACHED_BYTES_MAX: usize = 32 << 20;

#[derive(Debug, Default)]
struct Cached {
    codes: HashMap<B256, Bytecode>,
    bytes: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct CodeCache(RwLock<Cached>);

impl CodeCache {
    /// The analysed form of `code`, which has that hash.
    pub(crate) fn get(&self, hash: B256, code: &Bytes) -> Bytecode {
        if let Ok(cached) = self.0.read()
            && let Some(code) = cached.codes.get(&hash)
        {
            return code.clone();
        }
        let analysed = analyse(code);
        // A poisoned lock costs the cache, not the block.
        if let Ok(mut cached) = self.0.write() {
            if cached.bytes.saturating_add(code.len()) > CACHED_BYTES_MAX {
                *cached = Cached::default();
            }
            if cached.codes.insert(hash, analysed.clone()).is_none() {
                cached.bytes = cached.bytes.saturating_add(code.len());
            }
        }
        analysed
    }
}

/// Code as it stands in the state: a delegation of EIP-7702, or plain bytes whatever they begin with.
pub(crate) fn analyse(code: &Bytes) -> Bytecode {
    let bytes = revm::primitives::Bytes::from(code.clone());
    Bytecode::new_raw_checked(bytes.clone()).unwrap_or_else(|_| Bytecode::new_legacy(bytes))
}
