//! Addresses of contracts, derived as other chains derive them, so that clients can tell them beforehand.

use crate::address;
use crate::fault::Fault;
use sha2::{Digest, Sha256};
use weft_types::AccountId;

/// The module whose account other chains collect fees in; events name it.
pub const FEE_COLLECTOR: &str = "fee_collector";
/// Most bytes of a salt.
pub const SALT_MAX: usize = 64;

/// An address: its text, the bytes of it, and the account under all machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Bech32.
    pub text: String,
    /// 20 or 32 bytes.
    pub bytes: Vec<u8>,
    /// Whose balance it is.
    pub id: AccountId,
}

impl Address {
    /// The address that `text` is.
    ///
    /// # Errors
    /// An error without a code where it is none, as other chains have it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.trim().is_empty() {
            return Err(Fault::undefined("empty address string is not allowed"));
        }
        let broken = |error: address::AddressError| {
            let text = match error {
                address::AddressError::Prefix => {
                    format!("{error}, got {}", text.rsplit_once('1').map_or("", |(prefix, _)| prefix))
                }
                error => error.to_string(),
            };
            Fault::undefined(text)
        };
        let bytes = address::decode(text).map_err(broken)?;
        let id = address::account_id(&bytes).map_err(broken)?;
        // An address has one text, which this is, or it would not have been read.
        Ok(Self { text: text.to_owned(), bytes, id })
    }

    /// [`Self::parse`], said to be of `what`.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_as(text: &str, what: &str) -> Result<Self, Fault> {
        Self::parse(text).map_err(|fault| fault.wrap(what))
    }

    /// The address of `bytes`.
    ///
    /// # Errors
    /// An error without a code where no account can have them.
    pub fn of(bytes: &[u8]) -> Result<Self, Fault> {
        let id = address::account_id(bytes).map_err(|error| Fault::undefined(error.to_string()))?;
        Ok(Self { text: address::encode(bytes), bytes: bytes.to_vec(), id })
    }

    /// The address of a module's account, which nobody has a key for.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_module(name: &str) -> Result<Self, Fault> {
        Self::of(&module_bytes(name))
    }
}

/// The account of a module, as [`Address::of_module`] has it.
#[must_use]
pub fn module_account(name: &str) -> AccountId {
    AccountId::from_cosmos(module_bytes(name))
}

fn module_bytes(name: &str) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&Sha256::digest(name.as_bytes())[..20]);
    bytes
}

/// The 32 bytes of a contract's address from a counter: `code_id` and the number of the instance.
#[must_use]
pub fn classic(code_id: u64, instance_id: u64) -> [u8; 32] {
    module_address(&[&code_id.to_be_bytes(), &instance_id.to_be_bytes()])
}

/// The 32 bytes of a contract's address from what its maker says; `msg` is empty where it is no part of the address.
#[must_use]
pub fn predictable(checksum: &[u8; 32], creator: &[u8], salt: &[u8], msg: &[u8]) -> [u8; 32] {
    let length = |part: &[u8]| u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes();
    module_address(&[
        &length(checksum),
        checksum,
        &length(creator),
        creator,
        &length(salt),
        salt,
        &length(msg),
        msg,
    ])
}

/// The address of what the wasm module keeps under a key: `sha256(sha256("module") | "wasm" | 0 | key)`.
fn module_address(key: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(b"module"));
    hash.update(b"wasm\0");
    for part in key {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the tests of wasmd (`TestBuildContractAddress`) and of cosmwasm-std (`instantiate2_address`).
    #[test]
    fn addresses_are_those_of_other_chains() {
        let checksum: [u8; 32] =
            hex::decode("13a1fc994cc6d1c81b746ee0c0ff6f90043875e0bf1d9be6b7d779fc978dc2a5")
                .expect("hex")
                .try_into()
                .expect("32 bytes");
        let creator = hex::decode("9999999999aaaaaaaaaabbbbbbbbbbcccccccccc").expect("hex");
        assert_eq!(
            hex::encode(predictable(&checksum, &creator, b"a", b"")),
            "5e865d3e45ad3e961f77fd77d46543417ced44d924dc3e079b5415ff6775f847"
        );
        assert_eq!(
            hex::encode(predictable(&checksum, &creator, b"a", b"{}")),
            "0995499608947a5281e2c7ebd71bdb26a1ad981946dad57f6c4d3ee35de77835"
        );
        for (code, instance, text) in [
            (0, 0, "purple1w0w8sasnut0jx0vvsnvlc8nayq0q2ej8xgrpwgel05tn6wy4r57qfplul7"),
            (0, 1, "purple156r47kpk4va938pmtpuee4fh77847gqcw2dmpl2nnpwztwfgz04s5cr8hj"),
            (1, 0, "purple1mzdhwvvh22wrt07w59wxyd58822qavwkx5lcej7aqfkpqqlhaqfs5efvjk"),
        ] {
            let (_, bytes) = bech32::decode(text).expect("bech32");
            assert_eq!(classic(code, instance).as_slice(), bytes);
        }
    }
}
