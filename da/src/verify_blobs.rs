//! What a light client can do with no node at all: verify a header and all blobs of some namespaces, and say
//! what they are (`weft verify-blobs`).
//!
//! In: JSON as celestia-node gives it, `{header, namespaces: {label: {namespace, get_namespace_data}}}`. Out: a
//! line a blob. What is proved is that the validators which the header names signed it, and that the blobs are
//! all that the namespaces hold under it. That these are Celestia's validators is for the caller to know, by the
//! header's hash.

use crate::verify::namespace;
use crate::verify::{VerifyError, header};
use base64::Engine;
use bech32::{Bech32, Hrp};
use celestia_types::ExtendedHeader;
use celestia_types::namespace_data::NamespaceData;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use weft_types::Namespace;
use weft_types::namespace::NAMESPACE_BYTES;

/// Most bytes of an input: the largest square of Celestia in base64, with room to spare.
pub const INPUT_BYTES_MAX: usize = 256 << 20;

/// A blob, as one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlobLine {
    /// The namespace's label in the input.
    pub label: String,
    /// Where the blob begins in the extended square, row * side + column: `index` of celestia-node's
    /// `blob.GetAll`.
    pub index: u32,
    /// 0 or 1.
    pub share_version: u8,
    /// Who paid for it, as `celestia1...`; version 1 only.
    pub signer: Option<String>,
    /// Bytes of its data.
    pub length: usize,
    /// Sha-256 of its data, in hex.
    pub sha256: String,
}

/// What an endpoint answered for a namespace.
#[derive(Clone, Debug)]
pub struct NamespaceAnswer {
    /// The name that its lines carry.
    pub label: String,
    /// Which namespace.
    pub namespace: Namespace,
    /// `share.GetNamespaceData`.
    pub data: NamespaceData,
}

/// Why an input does not verify. One sentence.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VerifyBlobsError {
    /// Larger than any square.
    #[error("the input has {0} bytes, at most {INPUT_BYTES_MAX} are read")]
    TooLong(usize),
    /// Not JSON of this form.
    #[error("the input is not {{header, namespaces}} as celestia-node gives them: {0}")]
    Json(String),
    /// A namespace that no rollup can use.
    #[error("namespace {label:?} is not base64 of a user namespace: {what}")]
    Namespace {
        /// Its label.
        label: String,
        /// What is wrong with it.
        what: String,
    },
    /// The header or an answer.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// Verifies an input as text.
///
/// # Errors
/// [`VerifyBlobsError`]; nothing of the input holds then.
pub fn verify_blobs(text: &str) -> Result<Vec<BlobLine>, VerifyBlobsError> {
    if text.len() > INPUT_BYTES_MAX {
        return Err(VerifyBlobsError::TooLong(text.len()));
    }
    let input: Input =
        serde_json::from_str(text).map_err(|error| VerifyBlobsError::Json(error.to_string()))?;
    let answers = input.namespaces.0.into_iter().map(|(label, entry)| {
        let fail = |what: String| VerifyBlobsError::Namespace { label: label.clone(), what };
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(&entry.namespace)
            .map_err(|error| fail(error.to_string()))?;
        let bytes: [u8; NAMESPACE_BYTES] =
            bytes.try_into().map_err(|bytes: Vec<u8>| fail(format!("it has {} bytes", bytes.len())))?;
        let namespace = Namespace::from_bytes(bytes).map_err(|error| fail(error.to_string()))?;
        let data = entry.get_namespace_data.unwrap_or_else(|| NamespaceData::new(Vec::new()));
        Ok(NamespaceAnswer { label, namespace, data })
    });
    let answers = answers.collect::<Result<Vec<_>, VerifyBlobsError>>()?;
    Ok(verify_namespaces(&input.header, &answers)?)
}

/// Verifies a header and what an endpoint answered for some namespaces.
///
/// # Errors
/// [`VerifyError`] for the first that does not verify.
pub fn verify_namespaces(
    header: &ExtendedHeader,
    answers: &[NamespaceAnswer],
) -> Result<Vec<BlobLine>, VerifyError> {
    header::check(header)?;
    let mut lines = Vec::new();
    for answer in answers {
        let verified = namespace::verify(header, answer.namespace, &answer.data)?;
        for blob in verified.blobs() {
            lines.push(BlobLine {
                label: answer.label.clone(),
                index: verified.square_index(blob).expect("a blob begins at one of the verified shares"),
                share_version: blob.share_version,
                signer: blob.signer.as_ref().map(signer_address),
                length: blob.data.len(),
                sha256: hex::encode(Sha256::digest(&blob.data)),
            });
        }
    }
    Ok(lines)
}

fn signer_address(signer: &[u8; 20]) -> String {
    let prefix = Hrp::parse_unchecked("celestia");
    bech32::encode::<Bech32>(prefix, signer).expect("20 bytes fit a bech32 address")
}

#[derive(Deserialize)]
struct Input {
    header: ExtendedHeader,
    namespaces: Entries,
}

#[derive(Deserialize)]
struct Entry {
    namespace: String,
    #[serde(default)]
    get_namespace_data: Option<NamespaceData>,
}

/// The entries in the order of the input.
struct Entries(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("namespaces by label")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, Case};
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    #[test]
    fn every_fixture_gives_exactly_what_was_submitted() {
        for Case { name, text, json } in fixtures::cases() {
            let lines = verify_blobs(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let mut expected = Vec::new();
            for (label, entry) in json["namespaces"].as_object().expect("namespaces") {
                for (index, blob) in submitted(&json, &entry["namespace"], &entry["blob_get_all"]) {
                    expected.push(line(label, index, &blob));
                }
            }
            let mut got = lines.clone();
            got.sort_by(|a, b| (&a.label, a.index).cmp(&(&b.label, b.index)));
            expected.sort_by(|a, b| (&a.label, a.index).cmp(&(&b.label, b.index)));
            assert_eq!(got, expected, "{name}");
            for pair in lines.windows(2) {
                assert!(pair[0].label != pair[1].label || pair[0].index < pair[1].index, "{name}: order");
            }
        }
    }

    /// The blobs of a namespace as someone submitted them, with the index at which the node found them. Both
    /// lists must hold the same blobs.
    fn submitted(json: &Value, namespace: &Value, found: &Value) -> Vec<(u32, Value)> {
        let mut posted: Vec<Value> = json["submitted"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|one| one["blobs"].as_array().expect("blobs").clone())
            .filter(|blob| blob["namespace"] == *namespace)
            .collect();
        let mut all = Vec::new();
        for blob in found.as_array().into_iter().flatten() {
            let same = posted
                .iter()
                .position(|one| ["data", "share_version", "signer"].iter().all(|key| one[key] == blob[key]));
            posted.remove(same.expect("the node found what was posted"));
            let index = blob["index"].as_u64().expect("an index");
            all.push((u32::try_from(index).expect("small"), blob.clone()));
        }
        assert!(posted.is_empty(), "the node did not find {posted:?}");
        all
    }

    fn line(label: &str, index: u32, blob: &Value) -> BlobLine {
        let bytes = |key: &str| blob[key].as_str().map(|text| STANDARD.decode(text).expect("base64"));
        let data = bytes("data").expect("data");
        BlobLine {
            label: label.to_owned(),
            index,
            share_version: u8::try_from(blob["share_version"].as_u64().expect("a version")).expect("small"),
            signer: bytes("signer").map(|signer| signer_address(&signer.try_into().expect("20 bytes"))),
            length: data.len(),
            sha256: hex::encode(Sha256::digest(&data)),
        }
    }

    #[test]
    fn signers_are_named_as_the_accounts_that_posted() {
        for Case { name, text, json } in fixtures::cases() {
            let accounts: Vec<_> =
                json["submitted"].as_array().into_iter().flatten().map(|one| &one["port_account"]).collect();
            for line in verify_blobs(&text).expect("it verifies") {
                let Some(signer) = line.signer else { continue };
                assert!(accounts.iter().any(|account| *account == &signer), "{name}: {signer}");
            }
        }
    }

    #[test]
    fn lines_have_these_keys_in_this_order() {
        let line = BlobLine {
            label: "batch".into(),
            index: 1,
            share_version: 0,
            signer: None,
            length: 2,
            sha256: "00".into(),
        };
        let json = r#"{"label":"batch","index":1,"share_version":0,"signer":null,"length":2,"sha256":"00"}"#;
        assert_eq!(serde_json::to_string(&line).expect("json"), json);
    }

    #[test]
    fn what_is_no_such_json_gives_one_sentence() {
        for text in ["", "[]", "{}", r#"{"header":{},"namespaces":{}}"#, "nonsense"] {
            let error = verify_blobs(text).expect_err("refused").to_string();
            assert!(error.starts_with("the input is not") && !error.contains('\n'), "{error}");
        }
    }
}
