//! The accounts of the node's keyring, and the signed transactions that they pay for blobs with.

use super::wire::Message;
use celestia_types::Blob;
use celestia_types::state::{AccAddress, Id};
use secp256k1::{Message as Digest, SECP256K1, SecretKey};
use sha2::{Digest as _, Sha256};

/// A key of the keyring. It is made from the chain id and the name, so that it is the same at each start: worth
/// nothing, and known to everyone.
#[derive(Clone)]
pub struct Account {
    name: String,
    key: SecretKey,
    public_key: [u8; 33],
    address: AccAddress,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Account({} {})", self.name, self.address)
    }
}

/// What a transaction offers for its blobs, and its place among its account's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) gas: u64,
    pub(crate) fee: u64,
    pub(crate) account_number: u64,
    pub(crate) sequence: u64,
}

impl Account {
    /// The account of this name on this chain.
    #[must_use]
    pub fn derive(chain_id: &str, name: &str) -> Self {
        let mut seed: [u8; 32] = seed("account", chain_id, name);
        let key = loop {
            // One in 2^128 is no key; the next one is.
            match SecretKey::from_byte_array(seed) {
                Ok(key) => break key,
                Err(_) => seed = Sha256::digest(seed).into(),
            }
        };
        let public_key = key.public_key(SECP256K1).serialize();
        let tendermint =
            tendermint::PublicKey::from_raw_secp256k1(&public_key).expect("a public key of secp256k1");
        Self { name: name.to_owned(), key, public_key, address: AccAddress::new(Id::from(tendermint)) }
    }

    /// What `key_name` of a submission calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> AccAddress {
        self.address
    }

    /// A signed cosmos transaction with one `MsgPayForBlobs`.
    pub(crate) fn pay_for_blobs(&self, chain_id: &str, blobs: &[Blob], terms: Terms) -> Vec<u8> {
        let body =
            Message::new().element(1, any("/celestia.blob.v1.MsgPayForBlobs", &self.message(blobs))).finish();
        let key = Message::new().element(1, self.public_key).finish();
        // mode_info: single, SIGN_MODE_DIRECT.
        let mode = Message::new().element(1, Message::new().uint(1, 1).finish()).finish();
        let signer = Message::new()
            .element(1, any("/cosmos.crypto.secp256k1.PubKey", &key))
            .element(2, mode)
            .uint(3, terms.sequence)
            .finish();
        let coin = Message::new().bytes(1, "utia").bytes(2, terms.fee.to_string()).finish();
        let fee = Message::new().element(1, coin).uint(2, terms.gas).finish();
        let auth = Message::new().element(1, signer).element(2, fee).finish();
        let document = Message::new()
            .bytes(1, &body)
            .bytes(2, &auth)
            .bytes(3, chain_id)
            .uint(4, terms.account_number)
            .finish();
        let digest = Digest::from_digest(Sha256::digest(document).into());
        let signature = SECP256K1.sign_ecdsa(digest, &self.key).serialize_compact();
        Message::new().element(1, body).element(2, auth).element(3, signature).finish()
    }

    fn message(&self, blobs: &[Blob]) -> Vec<u8> {
        let mut message = Message::new().bytes(1, self.address.to_string());
        for blob in blobs {
            message = message.element(2, blob.namespace.as_bytes());
        }
        let sizes: Vec<u32> =
            blobs.iter().map(|blob| u32::try_from(blob.data.len()).unwrap_or(u32::MAX)).collect();
        message = message.packed(3, &sizes);
        for blob in blobs {
            message = message.element(4, blob.commitment.hash());
        }
        let versions: Vec<u32> = blobs.iter().map(|blob| u32::from(blob.share_version)).collect();
        message.packed(8, &versions).finish()
    }
}

/// 32 bytes that follow from what they are for, the chain and a name.
pub(crate) fn seed(purpose: &str, chain_id: &str, name: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in ["weft/local-celestia", purpose, chain_id, name] {
        hasher.update([u8::try_from(part.len()).unwrap_or(u8::MAX)]);
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn any(type_url: &str, value: &[u8]) -> Vec<u8> {
    Message::new().bytes(1, type_url).bytes(2, value).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use celestia_types::blob::MsgPayForBlobs;
    use celestia_types::nmt::Namespace;
    use tendermint_proto::Protobuf;

    #[test]
    fn the_message_is_what_celestia_types_encodes() {
        let account = Account::derive("weft-local", "node");
        let namespace = Namespace::new_v0(b"abc").expect("a namespace");
        let blobs = [
            Blob::new(namespace, vec![1; 1_000], None).expect("a blob"),
            Blob::new(namespace, vec![2; 3], Some(account.address())).expect("a blob"),
        ];
        let theirs = MsgPayForBlobs::new(&blobs, account.address()).expect("a message").encode_vec();
        assert_eq!(account.message(&blobs), theirs);
    }

    #[test]
    fn keys_follow_from_chain_and_name() {
        let address = |chain, name| Account::derive(chain, name).address();
        assert_eq!(address("a", "b"), address("a", "b"));
        assert_ne!(address("a", "b"), address("ab", ""));
        assert!(address("a", "b").to_string().starts_with("celestia1"));
    }
}
