//! The few pieces of protobuf that a square holds: fields in ascending order, zero values left out, as Go writes it.

/// A message being written.
#[derive(Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A varint field; 0 is left out, which is how proto3 writes it.
    pub(crate) fn uint(mut self, field: u8, value: u64) -> Self {
        if value != 0 {
            self.0.push(field << 3);
            varint(&mut self.0, value);
        }
        self
    }

    /// A length-delimited field (bytes, text, message); empty is left out.
    pub(crate) fn bytes(self, field: u8, value: impl AsRef<[u8]>) -> Self {
        if value.as_ref().is_empty() { self } else { self.element(field, value) }
    }

    /// A length-delimited field that is written though it may be empty: a message, or one of a repeated field.
    pub(crate) fn element(mut self, field: u8, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.0.push(field << 3 | 2);
        varint(&mut self.0, value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    /// A repeated varint field, packed.
    pub(crate) fn packed(self, field: u8, values: &[u32]) -> Self {
        let mut packed = Vec::with_capacity(values.len() * 3);
        for value in values {
            varint(&mut packed, u64::from(*value));
        }
        self.bytes(field, packed)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Appends a varint.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes [`varint`] writes.
pub(crate) fn varint_len(value: u64) -> usize {
    (70 - value.max(1).leading_zeros() as usize) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_varint_is_what_is_written() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value), "{value}");
        }
    }
}
