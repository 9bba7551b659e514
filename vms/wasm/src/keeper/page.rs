//! Pages of lists, as clients ask for them: by key, or by offset and with a total, either way round.
//!
//! Invariants, as negatives:
//! - No list is read further than its gas goes: each entry that is passed is paid, whether it is in the page or not.
//! - No more than [`STEP`] entries are held besides those of the page.

use super::{Keeper, keys};
use crate::fault::Fault;
use crate::gas::{self, GasMeter};
use cosmos_sdk_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use weft_state::{Journal, Key};
use weft_types::Bytes;

/// Entries of a page where the client does not say; the wasm module has no larger ones.
const PAGE_DEFAULT: u64 = 100;
/// Entries that are read at a time.
const STEP: usize = 32;

/// An argument that is not taken, as gRPC words it.
pub(crate) fn invalid(text: impl AsRef<str>) -> Fault {
    Fault::undefined(format!("rpc error: code = InvalidArgument desc = {}", text.as_ref()))
}

fn either() -> Fault {
    Fault::undefined("invalid request, either offset or key is expected, got both")
}

/// Entries of a page: keys after the prefix, and values.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<(Key, Bytes)>,
    pub(crate) response: PageResponse,
}

/// A list: all under a prefix, but what is not for who asks.
pub(crate) struct List<'a> {
    pub(crate) prefix: &'a [u8],
    /// Told by the key after the prefix.
    pub(crate) hidden: fn(&[u8]) -> bool,
    /// Most entries of a page.
    pub(crate) most: u64,
}

/// The page that `request` asks for.
///
/// A page by offset counts all entries where it is asked to, or where no limit is named.
pub(crate) fn page(
    journal: &mut Journal<'_>,
    gas: &mut GasMeter,
    list: &List<'_>,
    request: &PageRequest,
) -> Result<Page, Fault> {
    let PageRequest { key, offset, limit, count_total, reverse } = request;
    if *offset > 0 && !key.is_empty() {
        return Err(either());
    }
    let limit = if *limit == 0 { PAGE_DEFAULT } else { (*limit).min(list.most) };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let counts = key.is_empty() && (*count_total || request.limit == 0);
    let (mut from, mut to) = (list.prefix.to_vec(), keys::after(list.prefix));
    match (key.is_empty(), reverse) {
        (true, _) => {}
        (false, false) => from.extend_from_slice(key),
        // The key is the first of this page.
        (false, true) => to = [list.prefix, key, &[0]].concat(),
    }
    let mut page = Page::default();
    let skip = usize::try_from(*offset).unwrap_or(usize::MAX);
    let mut passed = 0_usize;
    'list: loop {
        // One more than the page tells where the next begins.
        let left = skip.saturating_sub(passed).saturating_add(limit - page.entries.len()).saturating_add(1);
        let asked = if counts { STEP } else { left.min(STEP) };
        let pairs = if *reverse {
            journal.range_back(&from, &to, asked)?
        } else {
            journal.range(&from, &to, asked)?
        };
        let Some((last, _)) = pairs.last() else { break };
        if *reverse {
            to.clone_from(last);
        } else {
            from = [last.as_slice(), &[0]].concat();
        }
        let whole = pairs.len() == asked;
        for (mut key, value) in pairs {
            let own = key.split_off(list.prefix.len().min(key.len()));
            let bytes = own.len().saturating_add(value.len());
            gas.charge_each(gas::READ, gas::READ_BYTE, bytes, "page of a query")?;
            if (list.hidden)(&own) {
                continue;
            }
            passed = passed.saturating_add(1);
            if passed <= skip {
                continue;
            }
            if page.entries.len() < limit {
                page.entries.push((own, value));
                continue;
            }
            if page.response.next_key.is_empty() {
                page.response.next_key = own;
            }
            if !counts {
                break 'list;
            }
        }
        if !whole {
            break;
        }
    }
    // Past the end of a list there is no total either.
    if counts && passed >= skip {
        page.response.total = u64::try_from(passed).unwrap_or(u64::MAX);
    }
    Ok(page)
}

impl Keeper<'_, '_> {
    /// A page of the wasm module's: by key alone.
    pub(super) fn page(&mut self, prefix: &[u8], request: Option<PageRequest>) -> Result<Page, Fault> {
        let mut request = request.unwrap_or_default();
        if request.offset != 0 || request.count_total {
            return Err(invalid("offset and count queries not supported"));
        }
        if request.limit == 0 {
            request.limit = PAGE_DEFAULT;
        }
        if request.reverse && !request.key.is_empty() {
            // Backwards, others begin with the first entry that is not before the key.
            let from = [prefix, &request.key].concat();
            let first = self.journal.range(&from, &keys::after(prefix), 1)?.pop();
            request.key =
                first.and_then(|(key, _)| key.get(prefix.len()..).map(<[u8]>::to_vec)).unwrap_or_default();
        }
        let list = List { prefix, hidden: |_| false, most: PAGE_DEFAULT };
        page(self.journal, self.gas, &list, &request)
    }
}

/// A page of a list that is at hand, by the keys of its entries: the bank's, which has one denomination at most.
pub(super) fn page_of<T>(
    all: Vec<(String, T)>,
    request: Option<PageRequest>,
) -> Result<(Vec<T>, Option<PageResponse>), Fault> {
    let PageRequest { key, offset, limit, count_total, reverse } = request.unwrap_or_default();
    if offset > 0 && !key.is_empty() {
        return Err(invalid(format!("paginate: {}", either())));
    }
    let length = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let mut response = PageResponse::default();
    if key.is_empty() && offset <= length && (count_total || limit == 0) {
        response.total = length;
    }
    let within = |denom: &str| match (key.is_empty(), reverse) {
        (true, _) => true,
        (false, false) => denom.as_bytes() >= key.as_slice(),
        (false, true) => denom.as_bytes() <= key.as_slice(),
    };
    let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
    let entries = all.into_iter().skip(skipped).filter(|(denom, _)| within(denom));
    Ok((entries.map(|(_, entry)| entry).collect(), Some(response)))
}
