//! Transactions as tools print them: hex, base64 or base58, as an argument or in a file.

use super::exit::Failure;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::cosmos::tx::v1beta1::TxRaw;
use prost::Message as _;
use std::io::Read as _;
use weft_types::limits;

/// Most bytes of a file that holds a text: the largest transaction in hex, and room.
const FILE_BYTES_MAX: u64 = 2 * limits::TRANSACTION_BYTES_MAX as u64 + 1_024;

/// The text of an argument, or what stands in the file that `@FILE` names.
pub(crate) fn text(argument: &str) -> Result<String, Failure> {
    let Some(path) = argument.strip_prefix('@') else { return Ok(argument.trim().to_owned()) };
    let fail = |what: String| Failure::File(format!("the file {path} {what}"));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| fail(format!("can't be read: {error}")))?;
    file.take(FILE_BYTES_MAX.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|error| fail(format!("is no text: {error}")))?;
    if u64::try_from(text.len()).map_or(true, |length| length > FILE_BYTES_MAX) {
        return Err(fail(format!("has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text.trim().to_owned())
}

/// Bytes in hex, with or without `0x`.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|error| Failure::File(format!("the transaction is not hex: {error}")))
}

/// A Solana transaction's bytes in whichever of the encodings gives one: a text may read in more than one of them.
pub(crate) fn solana(text: &str) -> Result<Vec<u8>, Failure> {
    let readings = [
        hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok(),
        BASE64_STANDARD.decode(text).ok(),
        bs58::decode(text).into_vec().ok(),
    ];
    let mut bytes = readings.into_iter().flatten().peekable();
    if bytes.peek().is_none() {
        let what = "the transaction is neither base64 nor base58 nor hex";
        return Err(Failure::File(what.into()));
    }
    let found = bytes.find(|bytes| weft_sbf::decode(bytes).is_ok());
    found.ok_or_else(|| {
        Failure::File(format!(
            "the text is no Solana transaction: its bytes, at most {}, must be a whole signed one and nothing else",
            weft_sbf::TRANSACTION_BYTES_MAX
        ))
    })
}

/// A Cosmos transaction's bytes, `TxRaw`, in hex or base64.
pub(crate) fn cosmos(text: &str) -> Result<Vec<u8>, Failure> {
    let readings =
        [hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok(), BASE64_STANDARD.decode(text).ok()];
    let mut bytes = readings.into_iter().flatten().peekable();
    if bytes.peek().is_none() {
        return Err(Failure::File("the transaction is neither base64 nor hex".into()));
    }
    let is_one = |bytes: &Vec<u8>| {
        let read = TxRaw::decode(bytes.as_slice());
        read.is_ok_and(|tx| !tx.signatures.is_empty() && tx.encode_to_vec() == *bytes)
    };
    bytes.find(is_one).ok_or_else(|| {
        Failure::File(
            "the text is no signed Cosmos transaction: its bytes must be one TxRaw and nothing else".into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_keypair::{Keypair, Signer};
    use solana_message::{Message, VersionedMessage};
    use solana_transaction::versioned::VersionedTransaction;

    #[test]
    fn a_transaction_reads_the_same_in_every_encoding_and_from_a_file() {
        let payer = Keypair::new_from_array([7; 32]);
        let message = VersionedMessage::Legacy(Message::new(&[], Some(&payer.pubkey())));
        let bytes = bincode::serialize(&VersionedTransaction::try_new(message, &[payer]).expect("signed"));
        let bytes = bytes.expect("a wire form");
        let base64 = BASE64_STANDARD.encode(&bytes);
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("{base64}\n")).expect("a write");
        let from_file = text(&format!("@{}", file.path().display())).expect("text");
        let hex = hex::encode(&bytes);
        for text in [base64, bs58::encode(&bytes).into_string(), format!("0x{hex}"), hex, from_file] {
            assert_eq!(solana(&text).expect("a transaction"), bytes);
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(solana(&hex::encode(longer)).expect_err("too long").to_string().contains("no Solana"));
        assert!(solana("(no text)").expect_err("no text").to_string().contains("neither"));
        assert!(text("@/no/such/file").expect_err("no file").to_string().contains("/no/such/file"));
    }

    #[test]
    fn a_cosmos_transaction_reads_the_same_in_both_encodings() {
        let body_bytes = vec![0x12, 1, b'm'];
        let tx = TxRaw { body_bytes, auth_info_bytes: vec![1, 2, 3], signatures: vec![vec![7; 64]] };
        let bytes = tx.encode_to_vec();
        let hex = hex::encode(&bytes);
        for text in [BASE64_STANDARD.encode(&bytes), format!("0x{hex}"), hex] {
            assert_eq!(cosmos(&text).expect("a transaction"), bytes);
        }
        let unsigned = TxRaw { signatures: Vec::new(), ..tx }.encode_to_vec();
        for wrong in [hex::encode(unsigned), hex::encode([&bytes[..], &[0]].concat()), String::new()] {
            assert!(cosmos(&wrong).expect_err("none").to_string().contains("no signed Cosmos"), "{wrong}");
        }
        assert!(cosmos("(no text)").expect_err("no text").to_string().contains("neither"));
    }
}
