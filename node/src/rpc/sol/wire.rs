//! Transactions and messages as clients send them: text, its encoding, and Solana's wire form in it.

use super::errors::{Fault, invalid_params};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::DeserializeOwned;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::{TransactionBinaryEncoding, UiTransactionEncoding};
use std::any::type_name;
use weft_sbf::TRANSACTION_BYTES_MAX;

/// Most characters of base58: agave's number for [`TRANSACTION_BYTES_MAX`].
const BASE58_MAX: usize = 1_683;
/// Most characters of base64: `ceil(1232 / 3) * 4`.
const BASE64_MAX: usize = 1_644;

/// The encoding that a client names, base58 where it names none.
///
/// # Errors
/// -32602 for one that can't be sent.
pub(super) fn encoding(named: Option<UiTransactionEncoding>) -> Result<TransactionBinaryEncoding, Fault> {
    let encoding = named.unwrap_or(UiTransactionEncoding::Base58);
    encoding.into_binary_encoding().ok_or_else(|| {
        invalid_params(format!("unsupported encoding: {encoding}. Supported encodings: base58, base64"))
    })
}

/// The bytes in `text` and the `T` in them. A `T` is a transaction or a message.
///
/// # Errors
/// -32602 in agave's words.
pub(super) fn decode<T: DeserializeOwned>(
    text: &str,
    encoding: TransactionBinaryEncoding,
) -> Result<(Vec<u8>, T), Fault> {
    let name = type_name::<T>();
    let (encoded, max) = match encoding {
        TransactionBinaryEncoding::Base58 => ("base58", BASE58_MAX),
        TransactionBinaryEncoding::Base64 => ("base64", BASE64_MAX),
    };
    if text.len() > max {
        return Err(invalid_params(format!(
            "{encoded} encoded {name} too large: {} bytes (max: encoded/raw {max}/{TRANSACTION_BYTES_MAX})",
            text.len()
        )));
    }
    let wrong = |error: String| invalid_params(format!("invalid {encoded} encoding: {error}"));
    let bytes = match encoding {
        TransactionBinaryEncoding::Base58 => {
            bs58::decode(text).into_vec().map_err(|error| wrong(format!("{error:?}")))?
        }
        TransactionBinaryEncoding::Base64 => {
            BASE64_STANDARD.decode(text).map_err(|error| wrong(format!("{error:?}")))?
        }
    };
    if bytes.len() > TRANSACTION_BYTES_MAX {
        return Err(invalid_params(format!(
            "decoded {name} too large: {} bytes (max: {TRANSACTION_BYTES_MAX} bytes)",
            bytes.len()
        )));
    }
    let value = bincode::deserialize(&bytes)
        .map_err(|error| invalid_params(format!("failed to deserialize {name}: {error}")))?;
    Ok((bytes, value))
}

/// The same for a transaction, which must be well-formed.
///
/// # Errors
/// -32602.
pub(super) fn transaction(
    text: &str,
    named: Option<UiTransactionEncoding>,
) -> Result<(Vec<u8>, VersionedTransaction), Fault> {
    let (bytes, transaction) = decode::<VersionedTransaction>(text, encoding(named)?)?;
    transaction.sanitize().map_err(|error| invalid_params(format!("invalid transaction: {error}")))?;
    Ok((bytes, transaction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str, encoding: TransactionBinaryEncoding) -> String {
        let error = decode::<VersionedTransaction>(text, encoding).unwrap_err();
        assert_eq!(error.code(), -32_602);
        error.message().to_owned()
    }

    #[test]
    fn what_is_too_large_or_no_transaction_is_refused_in_agaves_words() {
        let name = "solana_transaction::versioned::VersionedTransaction";
        let large = BASE64_STANDARD.encode([0; 1_233]);
        assert_eq!(
            words(&large, TransactionBinaryEncoding::Base64),
            format!("decoded {name} too large: 1233 bytes (max: 1232 bytes)")
        );
        let larger = BASE64_STANDARD.encode([0; 1_235]);
        assert_eq!(
            words(&larger, TransactionBinaryEncoding::Base64),
            format!("base64 encoded {name} too large: 1648 bytes (max: encoded/raw 1644/1232)")
        );
        assert_eq!(
            words("0", TransactionBinaryEncoding::Base58),
            "invalid base58 encoding: InvalidCharacter { character: '0', index: 0 }"
        );
        assert!(words("AAAA", TransactionBinaryEncoding::Base64).starts_with("failed to deserialize"));
        let json = encoding(Some(UiTransactionEncoding::JsonParsed)).unwrap_err();
        assert!(json.message().ends_with("Supported encodings: base58, base64"), "{json}");
    }

    proptest! {
        #[test]
        fn no_text_panics(bytes in prop::collection::vec(any::<u8>(), 0..1_300), text in ".{0,80}") {
            let _ = transaction(&BASE64_STANDARD.encode(&bytes), Some(UiTransactionEncoding::Base64));
            let _ = transaction(&bs58::encode(&bytes).into_string(), None);
            let _ = transaction(&text, None);
        }
    }
}
