//! Keys, transactions and CW20 messages of CosmWasm, for this chain and for a wasmd: they differ in the prefix of
//! addresses and in who counts account numbers.

use alloy_signer_local::MnemonicBuilder;
use alloy_signer_local::coins_bip39::English;
use bech32::{Bech32, Hrp};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmos_sdk_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use cosmos_sdk_proto::cosmwasm::wasm::v1::{MsgExecuteContract, MsgInstantiateContract, MsgStoreCode};
use eyre::WrapErr;
use prost::{Message as _, Name};
use secp256k1::{Message, SECP256K1, SecretKey};
use serde_json::json;
use std::path::PathBuf;
use weft_tests::wallet::MNEMONIC;

/// The denomination of both chains.
pub const DENOM: &str = "awei";

/// A key and what hangs on it.
pub struct Key {
    secret: SecretKey,
    pubkey: [u8; 33],
    /// The 20 bytes of its address.
    pub bytes: [u8; 20],
}

impl Key {
    fn new(secret: [u8; 32]) -> eyre::Result<Self> {
        let secret = SecretKey::from_byte_array(secret)?;
        let pubkey = secret.public_key(SECP256K1).serialize();
        Ok(Self { secret, pubkey, bytes: weft_wasm::address_of(&pubkey) })
    }

    /// The same for the same number.
    pub fn numbered(number: usize) -> eyre::Result<Self> {
        let mut secret = [0; 32];
        secret[16..24].copy_from_slice(&u64::try_from(number)?.to_be_bytes());
        // Zero is no key.
        secret[31] = 1;
        Self::new(secret)
    }

    /// Of devnet's mnemonic, which wasmd's reference network has too, on the path of Keplr and CosmJS.
    pub fn devnet(index: u32) -> eyre::Result<Self> {
        let path = format!("m/44'/118'/0'/0/{index}");
        let key = MnemonicBuilder::<English>::default().phrase(MNEMONIC).derivation_path(path)?.build()?;
        Self::new(key.to_bytes().0)
    }

    /// The address on the chain with that prefix.
    pub fn address(&self, prefix: &str) -> eyre::Result<String> {
        Ok(bech32::encode::<Bech32>(Hrp::parse(prefix)?, &self.bytes)?)
    }
}

/// What a transaction is signed for, besides its messages.
pub struct Sign<'a> {
    pub chain_id: &'a str,
    pub account_number: u64,
    pub sequence: u64,
    pub gas_limit: u64,
    /// Of a unit of gas, in [`DENOM`].
    pub gas_price: u64,
}

impl Sign<'_> {
    /// `TxRaw` with SIGN_MODE_DIRECT.
    pub fn sign(&self, key: &Key, messages: Vec<Any>) -> Vec<u8> {
        let amount = (u128::from(self.gas_limit) * u128::from(self.gas_price)).to_string();
        let fee = Fee {
            amount: vec![Coin { denom: DENOM.to_owned(), amount }],
            gas_limit: self.gas_limit,
            ..Fee::default()
        };
        let signer = SignerInfo {
            public_key: Some(weft_wasm::auth::pubkey_any(&key.pubkey)),
            mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) }),
            sequence: self.sequence,
        };
        let body_bytes = TxBody { messages, ..TxBody::default() }.encode_to_vec();
        let auth_info_bytes =
            AuthInfo { signer_infos: vec![signer], fee: Some(fee), ..AuthInfo::default() }.encode_to_vec();
        let digest =
            weft_wasm::direct_digest(&body_bytes, &auth_info_bytes, self.chain_id, self.account_number);
        let signature = SECP256K1.sign_ecdsa(Message::from_digest(digest), &key.secret);
        TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature.serialize_compact().to_vec()] }
            .encode_to_vec()
    }
}

fn any<M: prost::Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}.{}", M::PACKAGE, M::NAME), value: message.encode_to_vec() }
}

/// cw20-base as it was published, from the fixtures.
pub fn cw20_code() -> eyre::Result<Vec<u8>> {
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures"));
    let path =
        std::env::var_os("WEFT_FIXTURES").map_or(default, PathBuf::from).join("cosmwasm/cw20_base.wasm");
    std::fs::read(&path).wrap_err_with(|| format!("no {}: set WEFT_FIXTURES", path.display()))
}

/// The upload of [`cw20_code`].
pub fn store(sender: &str, wasm_byte_code: Vec<u8>) -> Any {
    any(&MsgStoreCode { sender: sender.to_owned(), wasm_byte_code, instantiate_permission: None })
}

/// A token of which each of `holders` has `amount`.
pub fn instantiate(sender: &str, code_id: u64, holders: &[String], amount: u64) -> Any {
    let balances: Vec<_> =
        holders.iter().map(|address| json!({ "address": address, "amount": amount.to_string() })).collect();
    let msg = json!({ "name": "Bench", "symbol": "BENCH", "decimals": 6, "initial_balances": balances });
    any(&MsgInstantiateContract {
        sender: sender.to_owned(),
        admin: String::new(),
        code_id,
        label: "bench".to_owned(),
        msg: msg.to_string().into_bytes(),
        funds: Vec::new(),
    })
}

/// The JSON of a transfer.
pub fn transfer_json(to: &str, amount: u64) -> Vec<u8> {
    json!({ "transfer": { "recipient": to, "amount": amount.to_string() } }).to_string().into_bytes()
}

/// A call of the token.
pub fn execute(sender: &str, contract: &str, msg: Vec<u8>) -> Any {
    any(&MsgExecuteContract {
        sender: sender.to_owned(),
        contract: contract.to_owned(),
        msg,
        funds: Vec::new(),
    })
}
