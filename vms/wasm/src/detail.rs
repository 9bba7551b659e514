//! [`Detail`]: what a Cosmos client sees of a transaction and no hash covers: code, log, events, data. Its stored form is
//! borsh of the fields in their order.

use crate::event::Event;
use borsh::{BorshDeserialize, BorshSerialize};
use weft_types::Bytes;
use weft_vm::DETAIL_BYTES_MAX;

/// Most bytes of a log; contracts give the longest.
pub const LOG_BYTES_MAX: usize = 8 << 10;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Detail {
    /// 0 where it succeeded.
    pub code: u32,
    /// Whose code it is; empty where it succeeded.
    pub codespace: String,
    /// Why it failed, in words.
    pub log: String,
    /// The gas limit.
    pub gas_wanted: u64,
    /// In the one gas unit.
    pub gas_used: u64,
    /// `TxMsgData` in protobuf: the response of each message. Empty where it failed.
    pub data: Vec<u8>,
    /// Those of fee and signatures first, then those of the messages, with `msg_index`.
    pub events: Vec<Event>,
    /// Whether data or events were left out, since there were more than is kept.
    pub cut: bool,
}

impl Detail {
    /// The stored form, within [`DETAIL_BYTES_MAX`]: where there is more, the last events are left out, and the data
    /// where it alone is too long.
    #[must_use]
    pub fn encode(mut self) -> Bytes {
        cut(&mut self.log);
        let form = |detail: &Self| borsh::to_vec(detail).unwrap_or_default();
        let whole = form(&self);
        if whole.len() <= DETAIL_BYTES_MAX {
            return whole.into();
        }
        self.cut = true;
        let events = std::mem::take(&mut self.events);
        let mut left = DETAIL_BYTES_MAX.saturating_sub(form(&self).len());
        if left == 0 {
            self.data.clear();
            left = DETAIL_BYTES_MAX.saturating_sub(form(&self).len());
        }
        for event in events {
            let length = borsh::object_length(&event).unwrap_or(usize::MAX);
            if length > left {
                break;
            }
            left -= length;
            self.events.push(event);
        }
        form(&self).into()
    }

    /// Reads the stored form; `None` where the bytes are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Self::try_from_slice(bytes).ok()
    }
}

fn cut(log: &mut String) {
    if log.len() > LOG_BYTES_MAX {
        let end = (0..=LOG_BYTES_MAX).rev().find(|end| log.is_char_boundary(*end)).unwrap_or(0);
        log.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_reads_back() {
        let detail = Detail {
            code: 5,
            codespace: "wasm".into(),
            log: "words".into(),
            gas_wanted: 7,
            gas_used: 6,
            data: vec![1, 2],
            events: vec![Event::new("wasm").with("a", "b")],
            cut: false,
        };
        assert_eq!(Detail::decode(&detail.clone().encode()), Some(detail));
        assert_eq!(Detail::decode(b"none"), None);
    }

    #[test]
    fn the_stored_form_is_bounded() {
        let event = || Event::new("wasm").with("key", "v".repeat(10_000));
        let events = vec![event(); 10];
        let kept = Detail { events, data: vec![7; 1_000], ..Detail::default() }.encode();
        assert!(kept.len() <= DETAIL_BYTES_MAX);
        let kept = Detail::decode(&kept).expect("its own form");
        assert_eq!((kept.events.len(), kept.data.len(), kept.cut), (6, 1_000, true));
        let kept = Detail { events: vec![event()], data: vec![7; 100_000], ..Detail::default() }.encode();
        let kept = Detail::decode(&kept).expect("its own form");
        assert_eq!((kept.events.len(), kept.data.len(), kept.cut), (1, 0, true));
        let kept = Detail { log: "é".repeat(LOG_BYTES_MAX), ..Detail::default() }.encode();
        assert_eq!(Detail::decode(&kept).expect("its own form").log.len(), LOG_BYTES_MAX);
    }
}
