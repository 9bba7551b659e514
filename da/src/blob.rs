//! [`Blob`]: bytes that someone posted to a namespace, at their place in a square.

use weft_types::{Bytes, Namespace};

/// A blob out of a verified namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Position of its first share among the shares of the namespace at that height, from 0.
    pub index: u32,
    /// 0, or 1 where it carries its signer.
    pub share_version: u8,
    /// The Celestia account that paid for it, authenticated by Celestia's consensus; version 1 only.
    pub signer: Option<[u8; 20]>,
    /// What was posted.
    pub data: Bytes,
}

/// A blob to be posted. It is posted with share version 1 and the signer of the posting key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlob {
    /// Where to.
    pub namespace: Namespace,
    /// Not empty.
    pub data: Bytes,
}
