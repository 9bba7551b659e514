//! Who signs: a key out of a file or of the devnet, and SIGN_MODE_DIRECT.

use super::super::super::exit::Failure;
use super::super::super::wallets;
use clap::{ArgGroup, Args};
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmos_sdk_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use eyre::Result;
use prost::Message as _;
use secp256k1::{Message, SECP256K1, SecretKey};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use weft_wasm::{address, address_of, auth, direct_digest};

/// Most bytes of a key file: 24 words have less than 220.
const KEY_BYTES_MAX: u64 = 4_096;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("signer").required(true).multiple(false))]
pub(super) struct KeyOptions {
    /// Who signs: a file with a mnemonic, or with 32 bytes in hex as `wasmd keys export --unsafe --unarmored-hex` prints them
    #[arg(long, value_name = "FILE", group = "signer")]
    key: Option<PathBuf>,
    /// Who signs: the devnet's account of this number, 0 to 9, whose key everybody has
    #[arg(long, value_name = "NUMBER", group = "signer", value_parser = clap::value_parser!(u32).range(..i64::from(wallets::COUNT)))]
    devnet: Option<u32>,
    /// Which key of the file's mnemonic
    #[arg(long, value_name = "PATH", default_value_t = wallets::cosmos_path(0), conflicts_with = "devnet")]
    path: String,
}

impl KeyOptions {
    pub(super) fn read(&self) -> Result<Key> {
        match (&self.key, self.devnet) {
            (Some(file), _) => from_file(file, &self.path),
            (None, number) => {
                let path = wallets::cosmos_path(number.unwrap_or_default());
                Ok(Key::new(wallets::cosmos_key(wallets::MNEMONIC, &path)?))
            }
        }
    }
}

fn from_file(path: &Path, derivation: &str) -> Result<Key> {
    let fail = |what: String| Failure::File(format!("the key file {} {what}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| fail(format!("can't be read: {error}")))?;
    let mut text = String::new();
    file.take(KEY_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| fail(format!("is no text: {error}")))?;
    let text = text.trim();
    let wrong = "must hold a mnemonic, or 32 bytes in hex, and nothing else";
    if text.contains(char::is_whitespace) {
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Never the words themselves, which an error of the library may repeat.
        let key = wallets::cosmos_key(&words, derivation);
        return key
            .map(Key::new)
            .map_err(|_| fail(format!("holds no mnemonic, or --path is no path; it {wrong}")).into());
    }
    let mut secret = [0; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut secret)
        .map_err(|_| fail(wrong.into()))?;
    let key = SecretKey::from_byte_array(secret).map_err(|error| fail(format!("holds no key: {error}")))?;
    Ok(Key::new(key))
}

/// What a signature covers of its account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) number: u64,
    pub(super) sequence: u64,
}

/// A key with its address.
pub(super) struct Key {
    secret: SecretKey,
    pubkey: [u8; 33],
    address: String,
}

impl Key {
    fn new(secret: SecretKey) -> Self {
        let pubkey = secret.public_key(SECP256K1).serialize();
        Self { secret, pubkey, address: address::encode(&address_of(&pubkey)) }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// What a simulation takes: no fee, and an empty signature.
    pub(super) fn unsigned(&self, body: &TxBody, account: &Account) -> Vec<u8> {
        let auth_info = self.auth_info(account, Fee::default());
        let (body_bytes, auth_info_bytes) = (body.encode_to_vec(), auth_info.encode_to_vec());
        TxRaw { body_bytes, auth_info_bytes, signatures: vec![Vec::new()] }.encode_to_vec()
    }

    /// `TxRaw` as a node takes it.
    pub(super) fn sign(
        &self,
        body: &TxBody,
        account: &Account,
        fee: Coin,
        gas_limit: u64,
        chain_id: &str,
    ) -> Vec<u8> {
        let amount = if fee.amount == "0" { Vec::new() } else { vec![fee] };
        let fee = Fee { amount, gas_limit, ..Fee::default() };
        let (body_bytes, auth_info_bytes) =
            (body.encode_to_vec(), self.auth_info(account, fee).encode_to_vec());
        let digest = direct_digest(&body_bytes, &auth_info_bytes, chain_id, account.number);
        let signature = SECP256K1.sign_ecdsa(Message::from_digest(digest), &self.secret);
        let signatures = vec![signature.serialize_compact().to_vec()];
        TxRaw { body_bytes, auth_info_bytes, signatures }.encode_to_vec()
    }

    fn auth_info(&self, account: &Account, fee: Fee) -> AuthInfo {
        let single = Single { mode: SignMode::Direct.into() };
        let signer = SignerInfo {
            public_key: Some(auth::pubkey_any(&self.pubkey)),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(single)) }),
            sequence: account.sequence,
        };
        AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message;
    use super::*;
    use weft_types::{DaHeight, GasRate};
    use weft_vm::Vm as _;
    use weft_wasm::{NEWEST_SPEC, WasmConfig, WasmVm};

    fn read(content: &str) -> Result<Key> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), content).expect("a write");
        from_file(file.path(), &wallets::cosmos_path(0))
    }

    #[test]
    fn keys_are_mnemonics_or_hex() {
        let words = format!("  {}\n", wallets::MNEMONIC.replacen(' ', "\n", 2));
        let key = read(&words).expect("a mnemonic");
        assert_eq!(key.address(), wallets::Wallets::devnet().expect("wallets").wasm[0].address);
        let hex = hex::encode(key.secret.secret_bytes());
        for text in [format!("{hex}\n"), format!("0x{hex}")] {
            assert_eq!(read(&text).expect("hex").address(), key.address());
        }
        for wrong in ["", "0x12", "test test", &"0".repeat(64), &format!("{hex} {hex}")] {
            let error = read(wrong).err().expect("no key").to_string();
            assert!(error.contains("key file") && !error.contains("test test"), "{error}");
        }
    }

    #[test]
    fn the_machine_takes_what_is_signed_for_its_chain() {
        let machine = WasmVm::new(WasmConfig {
            specs: vec![(DaHeight(0), NEWEST_SPEC.to_owned(), GasRate::ONE, Vec::new())],
            chain_id: "weft-7".to_owned(),
            denom: "awei".to_owned(),
            bech32_prefix: address::PREFIX.to_owned(),
            cache_dir: None,
            pooling: false,
        })
        .expect("a machine");
        let key = read(wallets::MNEMONIC).expect("a mnemonic");
        let amount = "1.5".parse().expect("an amount");
        let pay =
            message::transfer(key.address(), key.address().to_owned(), &amount, "awei").expect("a message");
        let body = TxBody { messages: vec![pay], memo: "hello".into(), ..TxBody::default() };
        let number = auth::account_number(&address_of(&key.pubkey));
        let account = Account { number, sequence: 4 };
        let sign = |account: &Account, chain: &str| {
            let fee = Coin { denom: "awei".into(), amount: "77".into() };
            key.sign(&body, account, fee, 100_000, chain)
        };
        let signed = sign(&account, "weft-7");
        machine.check(&signed).expect("a right signature");
        let decoded = weft_wasm::transaction::decode(&signed, "awei").expect("canonical");
        assert_eq!((decoded.gas_limit, decoded.fee.to_string()), (100_000, "77".to_owned()));
        assert_eq!((decoded.payer().text.as_str(), decoded.payer().sequence), (key.address(), 4));
        assert!(machine.check(&sign(&account, "weft-8")).is_err());
        assert!(machine.check(&sign(&Account { number: number ^ 1, ..account }, "weft-7")).is_err());
        let unsigned = key.unsigned(&body, &account);
        assert!(machine.check(&unsigned).is_err());
        assert!(weft_wasm::transaction::decode(&unsigned, "awei").is_ok());
    }
}
