//! Ethereum transactions of devnet's accounts, signed here.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner};

/// The mnemonic that Foundry, Hardhat and devnet share.
pub const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Devnet's chain id.
pub const CHAIN_ID: u64 = 31_337;

/// Gas prices that are enough for all that the suites do.
const MAX_FEE: u128 = 100_000_000_000;
const TIP: u128 = 1_000_000_000;

/// An account that counts its own nonce.
#[derive(Clone, Debug)]
pub struct Wallet {
    signer: PrivateKeySigner,
    /// Nonce of the next transaction.
    pub nonce: u64,
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its hash.
    pub hash: B256,
    /// Its EIP-2718 bytes in hex, with `0x`.
    pub raw: String,
}

impl Wallet {
    /// Devnet's account `index`, 0 to 9.
    ///
    /// # Panics
    /// Never: the mnemonic is fixed.
    #[must_use]
    pub fn devnet(index: u32) -> Self {
        let signer = MnemonicBuilder::<alloy_signer_local::coins_bip39::English>::default()
            .phrase(MNEMONIC)
            .index(index)
            .and_then(|derived| derived.build())
            .expect("a derived key");
        Self { signer, nonce: 0 }
    }

    /// An account from a number: the same for the same number, and funded by nobody.
    ///
    /// # Panics
    /// For the number 2^64 - 1 alone, which no test uses.
    #[must_use]
    pub fn numbered(number: u64) -> Self {
        let secret = B256::from(U256::from(number) + U256::from(1));
        Self { signer: PrivateKeySigner::from_bytes(&secret).expect("a secret in range"), nonce: 0 }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Its secret key in hex, with `0x`.
    #[must_use]
    pub fn secret(&self) -> String {
        self.signer.to_bytes().to_string()
    }

    /// A plain transfer; counts the nonce.
    pub fn transfer(&mut self, to: Address, wei: u128) -> Signed {
        self.call(TxKind::Call(to), wei, Bytes::new(), 21_000)
    }

    /// Any EIP-1559 transaction; counts the nonce.
    pub fn call(&mut self, to: TxKind, wei: u128, input: Bytes, gas_limit: u64) -> Signed {
        let nonce = self.nonce;
        self.nonce += 1;
        self.sign(TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit,
            max_fee_per_gas: MAX_FEE,
            max_priority_fee_per_gas: TIP,
            to,
            value: U256::from(wei),
            access_list: alloy_eips::eip2930::AccessList::default(),
            input,
        })
    }

    /// Signs a transaction as it is.
    ///
    /// # Panics
    /// Never: the key is valid.
    #[must_use]
    pub fn sign(&self, transaction: TxEip1559) -> Signed {
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash()).expect("a signature");
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Signed { hash: *envelope.tx_hash(), raw: format!("0x{}", hex::encode(envelope.encoded_2718())) }
    }
}
