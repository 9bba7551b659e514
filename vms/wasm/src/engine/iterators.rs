//! The iterators that a call has opened.
//!
//! An iterator shows the storage as it is: each step gives the first pair past the last one that was given. Pairs
//! are read ahead in pages, which a write throws away, so reading ahead is never seen but in its cost. Contracts
//! of cosmwasm-std cannot write while an iterator lives; what wasmd shows to others is not defined.

use std::collections::VecDeque;

use super::host::{Host, HostFault, Pair};
use super::limits::{MAX_ITERATOR_BYTES, MAX_ITERATOR_PAGE, MAX_ITERATORS, MAX_READ_AHEAD};

#[derive(Default)]
pub(super) struct Iterators {
    open: Vec<Iterator>,
    /// Of bounds and positions.
    bytes: usize,
    /// Of pairs read ahead.
    ahead: usize,
    /// Whether a page was read since the last write.
    read: bool,
}

struct Iterator {
    from: Vec<u8>,
    to: Option<Vec<u8>>,
    descending: bool,
    ahead: VecDeque<Pair>,
    /// Set where the last page was not full: nothing follows what is read ahead.
    ended: bool,
    page: usize,
}

impl Iterator {
    fn bytes(&self) -> usize {
        self.from.len().saturating_add(self.to.as_ref().map_or(0, Vec::len))
    }

    /// Whether no key can be in its bounds.
    fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }

    fn forget(&mut self) {
        self.ahead.clear();
        self.ended = false;
        self.page = 1;
    }
}

impl Iterators {
    /// Opens one and gives its number; `None` where there are too many.
    pub(super) fn open(&mut self, from: Vec<u8>, to: Option<Vec<u8>>, descending: bool) -> Option<u32> {
        let iterator = Iterator { from, to, descending, ahead: VecDeque::new(), ended: false, page: 1 };
        let bytes = self.bytes.saturating_add(iterator.bytes());
        if self.open.len() >= MAX_ITERATORS || bytes > MAX_ITERATOR_BYTES {
            return None;
        }
        self.bytes = bytes;
        self.open.push(iterator);
        // Numbers start at one, as in wasmd.
        u32::try_from(self.open.len()).ok()
    }

    /// The storage has changed.
    pub(super) fn forget(&mut self) {
        if std::mem::take(&mut self.read) {
            self.open.iter_mut().for_each(Iterator::forget);
            self.ahead = 0;
        }
    }

    /// Whether the positions have grown past what a call may hold.
    pub(super) fn too_large(&self) -> bool {
        self.bytes > MAX_ITERATOR_BYTES
    }

    /// The next pair of iterator `number`, with the fuel that it used; `Ok(None)` where there is no such iterator.
    pub(super) fn next(
        &mut self,
        number: u32,
        host: &mut dyn Host,
        fuel: u64,
    ) -> Result<Option<(u64, Option<Pair>)>, HostFault> {
        let Some(index) = (number as usize).checked_sub(1).filter(|index| *index < self.open.len()) else {
            return Ok(None);
        };
        let mut used = 0;
        let Some(iterator) = self.open.get_mut(index) else { return Ok(None) };
        if iterator.ahead.is_empty() && !iterator.ended && !iterator.is_empty() {
            let to = iterator.to.as_deref();
            let (cost, pairs) = host.range(&iterator.from, to, iterator.descending, iterator.page, fuel)?;
            used = cost;
            iterator.ended = pairs.len() < iterator.page;
            iterator.page = iterator.page.saturating_mul(2).min(MAX_ITERATOR_PAGE);
            iterator.ahead = pairs.into();
            let read = iterator.ahead.iter().map(size).fold(0usize, usize::saturating_add);
            self.ahead = self.ahead.saturating_add(read);
            self.read = true;
            self.limit(index, read);
        }
        let Some(iterator) = self.open.get_mut(index) else { return Ok(None) };
        let pair = iterator.ahead.pop_front();
        if let Some(pair) = &pair {
            self.ahead = self.ahead.saturating_sub(size(pair));
            let before = iterator.bytes();
            // The next page starts past this pair.
            if iterator.descending {
                iterator.to = Some(pair.0.clone());
            } else {
                iterator.from.clone_from(&pair.0);
                iterator.from.push(0);
            }
            self.bytes = self.bytes.saturating_sub(before).saturating_add(iterator.bytes());
        }
        Ok(Some((used, pair)))
    }

    /// Keeps what is read ahead within its limit: all but the page just read goes.
    fn limit(&mut self, kept: usize, read: usize) {
        if self.ahead <= MAX_READ_AHEAD {
            return;
        }
        for (index, iterator) in self.open.iter_mut().enumerate() {
            if index != kept {
                iterator.forget();
            }
        }
        self.ahead = read;
    }
}

fn size((key, value): &Pair) -> usize {
    key.len().saturating_add(value.len())
}
