//! Celestia to verified blobs, blobs to blocks, and back.
//!
//! ```text
//! header ──verify──> data root ──verify completeness──> shares ──parse──> blobs   (verify, shares)
//! VerifiedDaBlock ──derive──> DerivedBlock + Discarded                            (derive, batch)
//! SequencedBlock ──batch──> bytes ──publisher──> Celestia                         (batch, publisher)
//! ```
//! Core, pure and synchronous: [`blob`], [`shares`], [`verify`], [`verify_blobs`], [`batch`], [`derive`], [`signature`].
//! Edge: [`layer`], [`celestia`], [`publisher`], [`local`], [`memory`].
//!
//! Invariants, as negatives:
//! - No [`verify::VerifiedDaBlock`] exists that the verifier did not make.
//! - No Celestia height is skipped, and no blob is derived from that is not proved complete.
//! - No bytes in any namespace panic the node, stall it or make it allocate past a bound.
//! - Nothing is called posted because a call returned: only because derivation has seen it.
#![deny(clippy::unwrap_used)]

pub mod batch;
pub mod blob;
pub mod celestia;
pub mod derive;
pub mod layer;
pub mod local;
pub mod memory;
pub mod publisher;
pub mod shares;
pub mod signature;
pub mod verify;
pub mod verify_blobs;

#[cfg(test)]
mod fixtures;
