//! Canonical decoding: RLP with a bound on the whole, and trailing bytes as an error.

use alloy_rlp::Decodable;

/// Why bytes are not the canonical encoding of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than the type allows; nothing was read.
    #[error("{got} bytes, at most {max} allowed")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not RLP of this shape, or not its canonical form.
    #[error("malformed: {0}")]
    Malformed(String),
    /// The value ended before its bytes did.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// A count, version or tag outside its range.
    #[error("{field} is {got}, at most {max} allowed")]
    OutOfRange {
        /// Which field.
        field: &'static str,
        /// What stood there.
        got: u64,
        /// The largest value allowed.
        max: u64,
    },
    /// Nothing where something must stand.
    #[error("{0} is empty")]
    Empty(&'static str),
}

impl From<alloy_rlp::Error> for DecodeError {
    fn from(error: alloy_rlp::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Decodes one RLP value that fills `bytes`.
///
/// # Errors
/// [`DecodeError::TooLong`] before anything is read, [`DecodeError::Malformed`], [`DecodeError::Trailing`].
pub fn decode_exact<T: Decodable>(bytes: &[u8], max: usize) -> Result<T, DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TooLong { got: bytes.len(), max });
    }
    let mut rest = bytes;
    let value = T::decode(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Trailing(rest.len())) }
}
