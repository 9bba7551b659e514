//! [`Namespace`]: Celestia's 29 bytes, of the kind that users may post to.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Bytes of a namespace: one of version, 28 of id.
pub const NAMESPACE_BYTES: usize = 29;

/// A user namespace of version 0: version byte 0, 18 zero bytes, 10 free bytes, outside the reserved range
/// (celestia-app specs, "Namespace").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace([u8; NAMESPACE_BYTES]);

/// Why 29 bytes are no namespace that a rollup can use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NamespaceError {
    /// Not hex of 29 bytes.
    #[error("a namespace is 29 bytes in hex (58 digits), got {0:?}")]
    NotHex(String),
    /// Another version, or its zero prefix is missing.
    #[error("a user namespace starts with 19 zero bytes (version 0 and its prefix)")]
    NotVersion0,
    /// Kept by Celestia for itself.
    #[error("namespaces up to 0xff in the last ten bytes are reserved by Celestia")]
    Reserved,
}

impl Namespace {
    /// A namespace of version 0 from its ten free bytes.
    ///
    /// # Errors
    /// [`NamespaceError::Reserved`].
    pub fn new_v0(id: [u8; 10]) -> Result<Self, NamespaceError> {
        let mut bytes = [0; NAMESPACE_BYTES];
        bytes[19..].copy_from_slice(&id);
        Self::from_bytes(bytes)
    }

    /// Checks 29 bytes as they stand in a share.
    ///
    /// # Errors
    /// [`NamespaceError::NotVersion0`], [`NamespaceError::Reserved`].
    pub fn from_bytes(bytes: [u8; NAMESPACE_BYTES]) -> Result<Self, NamespaceError> {
        if bytes[..19] != [0; 19] {
            return Err(NamespaceError::NotVersion0);
        }
        // Primary reserved namespaces are those with only the last byte set.
        if bytes[19..28] == [0; 9] {
            return Err(NamespaceError::Reserved);
        }
        Ok(Self(bytes))
    }

    /// The 29 bytes as they stand in a share.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; NAMESPACE_BYTES] {
        &self.0
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let mut bytes = [0; NAMESPACE_BYTES];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| NamespaceError::NotHex(text.to_owned()))?;
        Self::from_bytes(bytes)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Namespace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Namespace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_reserved_ones_are_refused() {
        let ns = Namespace::new_v0(*b"weft-batch").expect("a user namespace");
        assert_eq!(ns.to_string().parse(), Ok(ns));
        assert_eq!(Namespace::from_bytes([0xff; 29]), Err(NamespaceError::NotVersion0));
        assert_eq!(Namespace::new_v0([0, 0, 0, 0, 0, 0, 0, 0, 0, 4]), Err(NamespaceError::Reserved));
        assert!("zz".parse::<Namespace>().is_err());
    }
}
