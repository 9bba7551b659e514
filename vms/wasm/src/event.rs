//! [`Event`]: what a message shows to clients, by name and in order, as other Cosmos chains emit it.
//!
//! Events are no state: no hash covers them, and no contract reads them besides those of its own submessages.

use borsh::{BorshDeserialize, BorshSerialize};

/// One event of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Event {
    /// Its type: `transfer`, `wasm` and so on.
    pub kind: String,
    /// Key and value, in order; a key may come more than once.
    pub attributes: Vec<(String, String)>,
}

impl Event {
    /// An event without attributes.
    #[must_use]
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), attributes: Vec::new() }
    }

    /// The event with one more attribute.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((key.into(), value.into()));
        self
    }

    /// The first value under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}
