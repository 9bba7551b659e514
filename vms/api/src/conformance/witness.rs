//! A run on nothing but what the full run read must give the same: what stateless verifiers rely on.

use super::{Sample, Scene};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use weft_state::{Key, ReadError, StateRead};
use weft_types::Bytes;

/// From, to, whether from the high end, and the limit.
type Range = (Key, Key, bool, usize);

/// What was read of a state.
#[derive(Default)]
struct Reads {
    gets: BTreeMap<Key, Option<Bytes>>,
    ranges: BTreeMap<Range, Vec<(Key, Bytes)>>,
}

/// Writes down every read of another state.
struct Recorder {
    state: Arc<dyn StateRead>,
    reads: Mutex<Reads>,
}

impl Recorder {
    fn reads(&self) -> MutexGuard<'_, Reads> {
        self.reads.lock().expect("no other thread panics")
    }
}

impl StateRead for Recorder {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        let value = self.state.get(key)?;
        self.reads().gets.insert(key.to_vec(), value.clone());
        Ok(value)
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let pairs = self.state.range(from, to, limit)?;
        self.reads().ranges.insert((from.to_vec(), to.to_vec(), false, limit), pairs.clone());
        Ok(pairs)
    }

    fn range_back(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let pairs = self.state.range_back(from, to, limit)?;
        self.reads().ranges.insert((from.to_vec(), to.to_vec(), true, limit), pairs.clone());
        Ok(pairs)
    }
}

/// Answers what was written down, and fails for anything else.
struct Witness(Reads);

impl Witness {
    fn ranged(
        &self,
        from: &[u8],
        to: &[u8],
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let range = (from.to_vec(), to.to_vec(), reverse, limit);
        let unread = || ReadError(format!("range {range:02x?} was not read in the full run"));
        self.0.ranges.get(&range).cloned().ok_or_else(unread)
    }
}

impl StateRead for Witness {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        let unread = || ReadError(format!("key {key:02x?} was not read in the full run"));
        self.0.gets.get(key).cloned().ok_or_else(unread)
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        self.ranged(from, to, false, limit)
    }

    fn range_back(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        self.ranged(from, to, true, limit)
    }
}

pub(super) fn gives_the_same(scene: &Scene<'_>, sample: &Sample) {
    let payload = (sample.make)(sample.gas_limit);
    let recorder = Recorder { state: scene.state.clone(), reads: Mutex::default() };
    let full = scene.run_payload(&recorder, &payload);
    let reads = recorder.reads.into_inner().expect("no other thread panics");
    let on_witness = scene.run_payload(&Witness(reads), &payload);
    assert_eq!(full, on_witness, "{}: the run on its witness differs from the full run", sample.name);
}
