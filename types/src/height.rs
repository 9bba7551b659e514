//! Heights: [`Height`] counts rollup blocks, [`DaHeight`] counts Celestia blocks. They never mix.

use alloy_rlp::{RlpDecodableWrapper, RlpEncodableWrapper};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! height {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            RlpEncodableWrapper, RlpDecodableWrapper,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The height after this one.
            ///
            /// # Panics
            /// At `u64::MAX`, which no chain reaches: one block a nanosecond takes 584 years.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.checked_add(1).expect("a height fits 64 bits"))
            }

            /// The height before this one; `None` at zero.
            #[must_use]
            pub fn prev(self) -> Option<Self> {
                self.0.checked_sub(1).map(Self)
            }

            /// How many heights `self` lies above `other`; zero where it lies below.
            #[must_use]
            pub fn since(self, other: Self) -> u64 {
                self.0.saturating_sub(other.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(height: u64) -> Self {
                Self(height)
            }
        }
    };
}

height!(
    /// The height of a rollup block. Genesis is 0, the first derived block is 1.
    Height
);
height!(
    /// The height of a Celestia block. Celestia's first block is 1.
    DaHeight
);
