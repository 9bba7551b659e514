//! Values as Go writes them where celestia-types writes them otherwise.

use crate::local::ledger::SubmitOptions;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use celestia_types::Blob;
use celestia_types::blob::RawBlob;
use celestia_types::namespace_data::NamespaceData;
use celestia_types::nmt::{Namespace, NamespaceProof, NamespacedHashExt as _};
use celestia_types::state::AddressTrait as _;
use serde::{Deserialize, Serialize};

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// A blob that is read.
#[derive(Clone, Serialize)]
pub(crate) struct BlobOut {
    namespace: Namespace,
    data: String,
    share_version: u8,
    commitment: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    index: i64,
}

impl From<Blob> for BlobOut {
    fn from(blob: Blob) -> Self {
        Self {
            namespace: blob.namespace,
            data: base64(&blob.data),
            share_version: blob.share_version,
            commitment: base64(blob.commitment.hash()),
            signer: blob.signer.map(|signer| base64(signer.as_bytes())),
            index: blob.index.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1),
        }
    }
}

/// `null` where there is none.
pub(crate) fn blobs(blobs: Vec<Blob>) -> Option<Vec<BlobOut>> {
    (!blobs.is_empty()).then(|| blobs.into_iter().map(BlobOut::from).collect())
}

/// A blob that is submitted. A commitment is made anew, as the node does.
#[derive(Deserialize)]
pub(crate) struct BlobIn {
    /// 29 bytes, or 28 with `namespace_version` beside it, as celestia-rpc writes it for `state.SubmitPayForBlob`.
    #[serde(alias = "namespace_id")]
    namespace: String,
    #[serde(default)]
    namespace_version: u32,
    data: Option<String>,
    #[serde(default)]
    share_version: u32,
    #[serde(default)]
    signer: Option<String>,
}

impl BlobIn {
    /// The blob, or what is wrong with it.
    pub(super) fn into_blob(self) -> Result<Blob, String> {
        let decode = |text: Option<String>| {
            BASE64_STANDARD.decode(text.unwrap_or_default()).map_err(|error| error.to_string())
        };
        let namespace = decode(Some(self.namespace))?;
        let (version, id) = match namespace.len() {
            28 => (self.namespace_version, &namespace[..]),
            29 => (u32::from(namespace[0]), &namespace[1..]),
            length => return Err(format!("invalid namespace length: expected 29 bytes, got {length}")),
        };
        let data = decode(self.data)?;
        if data.is_empty() {
            return Err("cannot use zero blob size: zero blob size".to_owned());
        }
        let raw = RawBlob {
            namespace_id: id.to_vec(),
            namespace_version: version,
            data,
            share_version: self.share_version,
            signer: decode(self.signer)?,
        };
        Blob::from_raw(raw).map_err(|error| error.to_string())
    }
}

/// celestia-node's TxConfig.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct TxConfig {
    signer_address: Option<String>,
    key_name: Option<String>,
    gas_price: Option<f64>,
    /// Without it `gas_price` means nothing.
    is_gas_price_set: bool,
    max_gas_price: Option<f64>,
    gas: Option<u64>,
}

impl TxConfig {
    pub(super) fn into_options(self) -> Result<SubmitOptions, String> {
        let text = |value: Option<String>| value.filter(|value| !value.is_empty());
        let signer = text(self.signer_address).map(|address| address.parse()).transpose();
        Ok(SubmitOptions {
            signer: signer.map_err(|error: celestia_types::Error| error.to_string())?,
            key_name: text(self.key_name),
            gas: self.gas,
            gas_price: self.gas_price.filter(|_| self.is_gas_price_set),
            max_gas_price: self.max_gas_price,
        })
    }
}

/// A proof: Go leaves out what is zero.
#[derive(Clone, Deserialize, PartialEq, Serialize)]
pub(crate) struct Proof {
    #[serde(default, skip_serializing_if = "is_zero")]
    start: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    end: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    leaf_hash: String,
    #[serde(default)]
    is_max_namespace_ignored: bool,
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl From<&NamespaceProof> for Proof {
    fn from(proof: &NamespaceProof) -> Self {
        Self {
            start: proof.start_idx(),
            end: proof.end_idx(),
            nodes: proof.siblings().iter().map(|node| base64(node.to_vec())).collect(),
            leaf_hash: proof.leaf().map(|leaf| base64(leaf.to_vec())).unwrap_or_default(),
            is_max_namespace_ignored: proof.max_ns_ignored(),
        }
    }
}

/// The shares of a namespace in a row.
#[derive(Clone, Serialize)]
pub(crate) struct Row {
    shares: Vec<String>,
    proof: Proof,
}

/// The rows of a namespace: `[]` where no row can have it.
pub(crate) fn rows(data: &NamespaceData) -> Vec<Row> {
    let row = |row: &celestia_types::row_namespace_data::RowNamespaceData| Row {
        shares: row.shares.iter().map(base64).collect(),
        proof: Proof::from(&row.proof),
    };
    data.rows().iter().map(row).collect()
}
