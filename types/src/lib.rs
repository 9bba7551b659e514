//! The vocabulary of Weft: every noun that more than one crate speaks of, with its canonical encoding.
//!
//! ```text
//! Celestia   namespace ── DaHeight ──┐
//! user       Transaction{vm,payload} ├─> DerivedBlock ─> Header + Receipts
//! genesis    DerivationParams ───────┘
//! ```
//!
//! In: bytes and plain values. Out: the same as typed values, and hashes over them.
//!
//! Invariants, as negatives:
//! - No I/O, no async, no clock, no other Weft crate.
//! - No two values of a type have one encoding, and no encoding has two values (RLP is canonical, trailing
//!   bytes are an error, see [`codec`]).
//! - No decoder allocates by a length that it has not checked against [`limits`].
//! - No hash of one kind can be taken for a hash of another: each has its own domain prefix ([`hash`]).
#![deny(clippy::unwrap_used, clippy::float_arithmetic)]

pub mod account;
pub mod block;
pub mod codec;
pub mod gas;
pub mod hash;
pub mod header;
pub mod height;
pub mod limits;
pub mod namespace;
pub mod params;
pub mod receipt;
pub mod transaction;

pub use account::AccountId;
pub use alloy_primitives::{Address, B256, Bloom, U256};
pub use block::{DerivedBlock, OrderedTransaction, SoftPromise};
pub use bytes::Bytes;
pub use codec::DecodeError;
pub use gas::GasRate;
pub use header::Header;
pub use height::{DaHeight, Height};
pub use namespace::Namespace;
pub use params::DerivationParams;
pub use receipt::{Log, Receipt, Status};
pub use transaction::{Transaction, VmId};
