//! [`BlockContext`]: what all transactions of one block share, made once: its sysvars, its environment and its
//! processors.

use crate::runtime::{Processor, Runtime, SysvarAccounts};
use crate::sysvars::Sysvars;
use parking_lot::Mutex;
use solana_hash::Hash;
use solana_svm::transaction_processor::TransactionProcessingEnvironment;
use std::collections::VecDeque;
use std::sync::Arc;
use weft_state::{Journal, ReadError};
use weft_vm::BlockEnv;

/// Blocks whose context is kept: the one that is made, and those that RPC simulates on.
const CONTEXTS_MAX: usize = 8;
/// Processors that one block keeps: one for each thread that runs transactions in it.
const PROCESSORS_MAX: usize = 16;

/// See the module.
pub(crate) struct BlockContext {
    env: BlockEnv,
    pub(crate) sysvars: Sysvars,
    pub(crate) environment: TransactionProcessingEnvironment,
    processors: Mutex<Vec<Processor>>,
}

impl BlockContext {
    pub(crate) fn new(
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        runtime: &Runtime,
    ) -> Result<Self, ReadError> {
        Ok(Self {
            sysvars: Sysvars::read(journal, env)?,
            environment: runtime.environment(Hash::new_from_array(env.parent_hash.0)),
            processors: Mutex::default(),
            env: env.clone(),
        })
    }

    /// Runs `work` with a processor that nobody else has meanwhile and whose program cache is empty.
    pub(crate) fn with_processor<T>(&self, runtime: &Runtime, work: impl FnOnce(&Processor) -> T) -> T {
        let slot = self.env.height.0;
        let kept = self.processors.lock().pop();
        let processor = kept.unwrap_or_else(|| runtime.processor(slot, &SysvarAccounts(&self.sysvars)));
        if let Ok(mut cache) = processor.global_program_cache.write() {
            *cache = runtime.program_cache(slot);
        }
        let result = work(&processor);
        let mut processors = self.processors.lock();
        if processors.len() < PROCESSORS_MAX {
            processors.push(processor);
        }
        result
    }
}

/// The last blocks' contexts. A context is a function of the block's environment, since that names the chain before
/// it: what is kept changes no result.
#[derive(Default)]
pub(crate) struct Contexts(Mutex<VecDeque<Arc<BlockContext>>>);

impl Contexts {
    /// The context of the block `env`.
    pub(crate) fn get(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        runtime: &Runtime,
    ) -> Result<Arc<BlockContext>, ReadError> {
        let known = self.0.lock().iter().find(|context| context.env == *env).map(Arc::clone);
        match known {
            Some(context) => Ok(context),
            None => self.renew(journal, env, runtime),
        }
    }

    /// Makes the context of a block that begins, whether or not it is here, so that a block reads the same always.
    pub(crate) fn renew(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        runtime: &Runtime,
    ) -> Result<Arc<BlockContext>, ReadError> {
        let context = Arc::new(BlockContext::new(journal, env, runtime)?);
        let mut contexts = self.0.lock();
        contexts.retain(|other| other.env != *env);
        contexts.truncate(CONTEXTS_MAX.saturating_sub(1));
        contexts.push_front(Arc::clone(&context));
        Ok(context)
    }

    /// Forgets everything, as a restart does.
    #[cfg(test)]
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
