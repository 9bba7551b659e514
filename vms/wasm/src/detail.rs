//! [`Detail`]: what a Cosmos client sees of a transaction and no hash covers: code, log, events, data. Its stored form is
//! borsh of the fields in their order.

use crate::event::Event;
use borsh::{BorshDeserialize, BorshSerialize};
use weft_types::Bytes;
use weft_vm::DETAIL_BYTES_MAX;

/// The attribute that tells which message of a transaction an event is of.
const MESSAGE_INDEX: &str = "msg_index";

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

/// Events in their stored form, written ahead of the rest of a [`Detail`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WrittenEvents {
    count: u32,
    bytes: Vec<u8>,
}

impl WrittenEvents {
    pub(crate) fn push(&mut self, kind: &str, attributes: &[(&str, &str)]) {
        self.count = self.count.saturating_add(1);
        write_event(&mut self.bytes, kind, attributes.iter().copied(), None);
    }

    /// As they were pushed.
    pub(crate) fn read(&self) -> Vec<Event> {
        let mut rest = self.bytes.as_slice();
        (0..self.count).filter_map(|_| Event::deserialize(&mut rest).ok()).collect()
    }
}

/// What becomes a [`Detail`], while nothing of it has been copied.
pub(crate) struct Parts<'a> {
    pub(crate) code: u32,
    pub(crate) codespace: &'a str,
    pub(crate) log: &'a str,
    pub(crate) gas_wanted: u64,
    pub(crate) gas_used: u64,
    pub(crate) data: &'a [u8],
    /// Those of fee and signatures.
    pub(crate) ahead: &'a WrittenEvents,
    /// Those of each message.
    pub(crate) of_messages: &'a [Vec<Event>],
}

impl Parts<'_> {
    /// The stored form of the [`Detail`], within its bounds.
    pub(crate) fn encode(&self) -> Bytes {
        let events = self.of_messages.iter().flatten();
        let room = events.clone().map(event_room).fold(self.ahead.bytes.len(), usize::saturating_add);
        let others = [self.codespace.len(), self.log.len(), self.data.len(), size_of::<Detail>()];
        let room = others.iter().copied().fold(room, usize::saturating_add);
        if self.log.len() > LOG_BYTES_MAX || room > DETAIL_BYTES_MAX {
            return self.detail().encode();
        }
        let count = u32::try_from(events.count()).unwrap_or(u32::MAX).saturating_add(self.ahead.count);
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(&self.code.to_le_bytes());
        write_bytes(&mut bytes, self.codespace.as_bytes());
        write_bytes(&mut bytes, self.log.as_bytes());
        bytes.extend_from_slice(&self.gas_wanted.to_le_bytes());
        bytes.extend_from_slice(&self.gas_used.to_le_bytes());
        write_bytes(&mut bytes, self.data);
        bytes.extend_from_slice(&count.to_le_bytes());
        bytes.extend_from_slice(&self.ahead.bytes);
        for (index, events) in self.of_messages.iter().enumerate() {
            let index = index.to_string();
            for Event { kind, attributes } in events {
                let attributes = attributes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                write_event(&mut bytes, kind, attributes, Some((MESSAGE_INDEX, &index)));
            }
        }
        // Nothing was cut.
        bytes.push(0);
        bytes.into()
    }

    /// The same, to be looked at.
    pub(crate) fn detail(&self) -> Detail {
        let mut events = self.ahead.read();
        for (index, of_message) in self.of_messages.iter().enumerate() {
            let indexed = |event: &Event| event.clone().with(MESSAGE_INDEX, index.to_string());
            events.extend(of_message.iter().map(indexed));
        }
        Detail {
            code: self.code,
            codespace: self.codespace.to_owned(),
            log: self.log.to_owned(),
            gas_wanted: self.gas_wanted,
            gas_used: self.gas_used,
            data: self.data.to_vec(),
            events,
            cut: false,
        }
    }
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// The stored form of an [`Event`] with one more attribute.
fn write_event<'a>(
    out: &mut Vec<u8>,
    kind: &str,
    attributes: impl ExactSizeIterator<Item = (&'a str, &'a str)>,
    more: Option<(&str, &str)>,
) {
    write_bytes(out, kind.as_bytes());
    let count = attributes.len().saturating_add(usize::from(more.is_some()));
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    let mut write = |(key, value): (&str, &str)| {
        write_bytes(out, key.as_bytes());
        write_bytes(out, value.as_bytes());
    };
    for attribute in attributes {
        write(attribute);
    }
    if let Some(more) = more {
        write(more);
    }
}

/// At least the bytes of an event's stored form with its message's index.
fn event_room(event: &Event) -> usize {
    // Lengths of four bytes each: of the kind, of the list, and of each key and value; and the index' attribute.
    const FIXED: usize = 8 + 8 + MESSAGE_INDEX.len() + 20;
    let attribute = |(key, value): &(String, String)| key.len().saturating_add(value.len()).saturating_add(8);
    event.attributes.iter().map(attribute).fold(event.kind.len().saturating_add(FIXED), usize::saturating_add)
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
    fn parts_are_stored_as_the_detail_that_they_make() {
        let mut ahead = WrittenEvents::default();
        ahead.push("tx", &[("fee", "1aweft"), ("fee_payer", "weft1")]);
        ahead.push("tx", &[]);
        let of_messages = [
            vec![Event::new("message").with("action", "é"), Event::new("execute")],
            Vec::new(),
            vec![Event::new("wasm").with("key", "v".repeat(10_000)); 7],
        ];
        for kept in 0..=of_messages.len() {
            for log in [String::new(), "log".repeat(LOG_BYTES_MAX)] {
                let parts = Parts {
                    code: 7,
                    codespace: "wasm",
                    log: &log,
                    gas_wanted: 9,
                    gas_used: 8,
                    data: &[1, 2, 3],
                    ahead: &ahead,
                    of_messages: &of_messages[..kept],
                };
                assert_eq!(parts.encode(), parts.detail().encode(), "{kept} messages");
                let read = Detail::decode(&parts.encode()).expect("its own form");
                assert_eq!(read.events[0].get("fee_payer"), Some("weft1"));
                assert!(kept == 0 || read.events[2].get(MESSAGE_INDEX) == Some("0"));
            }
        }
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
