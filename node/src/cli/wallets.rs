//! The devnet's accounts, from the mnemonic that Foundry and Hardhat use.

use alloy_signer_local::MnemonicBuilder;
use alloy_signer_local::coins_bip39::English;
use alloy_signer_local::coins_bip39::Mnemonic;
use eyre::{Result, eyre};
use secp256k1::SecretKey;
use serde::Serialize;
use solana_derivation_path::DerivationPath;
use solana_keypair::seed_derivable::keypair_from_seed_and_derivation_path;
use solana_keypair::{Keypair, Signer};
use std::sync::Arc;
use weft_genesis::Account;
use weft_node::rpc::sol::Faucet;
use weft_types::{AccountId, Address, B256, U256};

/// Everyone has it: for development only.
pub(crate) const MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Accounts of each machine.
pub(crate) const COUNT: u32 = 10;

/// `DIR/accounts.json` (design 08).
#[derive(Debug, Serialize)]
pub(crate) struct Wallets {
    pub(crate) evm: Vec<EvmWallet>,
    pub(crate) sbf: Vec<SbfWallet>,
    pub(crate) wasm: Vec<WasmWallet>,
}

/// A key of Ethereum's path m/44'/60'/0'/0/i.
#[derive(Debug, Serialize)]
pub(crate) struct EvmWallet {
    /// With EIP-55's checksum.
    #[serde(serialize_with = "checksummed")]
    pub(crate) address: Address,
    pub(crate) private_key: B256,
}

/// A key of Solana's path m/44'/501'/i'/0', as `solana-keygen` and wallets derive it.
#[derive(Debug, Serialize)]
pub(crate) struct SbfWallet {
    /// In base58.
    pub(crate) pubkey: String,
    /// The 64 bytes of a keypair in base58, as wallets take it in.
    pub(crate) secret_key: String,
}

/// A key of Cosmos' path m/44'/118'/0'/0/i, as Keplr and CosmJS derive it.
#[derive(Debug, Serialize)]
pub(crate) struct WasmWallet {
    /// In bech32.
    pub(crate) address: String,
    /// What wallets take in, together with the path.
    pub(crate) mnemonic: &'static str,
    /// Of this key.
    pub(crate) path: String,
}

impl WasmWallet {
    fn new(index: u32) -> Result<Self> {
        let path = cosmos_path(index);
        let key = cosmos_key(MNEMONIC, &path)?.public_key(secp256k1::SECP256K1);
        let hash = weft_wasm::address_of(&key.serialize());
        Ok(Self { address: weft_wasm::address::encode(&hash), mnemonic: MNEMONIC, path })
    }
}

/// Where Keplr and CosmJS have a mnemonic's keys.
pub(crate) fn cosmos_path(index: u32) -> String {
    format!("m/44'/118'/0'/0/{index}")
}

/// A mnemonic's key.
pub(crate) fn cosmos_key(phrase: &str, path: &str) -> Result<SecretKey> {
    let key = MnemonicBuilder::<English>::default().phrase(phrase).derivation_path(path)?.build()?;
    Ok(SecretKey::from_byte_array(key.to_bytes().0)?)
}

/// The account that pays airdrops on a devnet: the mnemonic's thousandth.
const FAUCET_INDEX: u32 = 1_000;
/// What it has, in whole tokens.
const FAUCET_WEFT: u64 = 100_000_000;

fn sbf_key(index: u32) -> Result<Keypair> {
    let mnemonic: Mnemonic<English> = MNEMONIC.parse()?;
    let path = DerivationPath::new_bip44(Some(index), Some(0));
    keypair_from_seed_and_derivation_path(&mnemonic.to_seed(None)?, Some(path))
        .map_err(|error| eyre!("no Solana key {index}: {error}"))
}

/// Who pays airdrops on a devnet.
pub(crate) fn faucet() -> Result<Faucet> {
    Ok(Faucet { keypair: Arc::new(sbf_key(FAUCET_INDEX)?), lamports_max: Faucet::LAMPORTS_MAX })
}

/// The faucet's account in genesis.
pub(crate) fn faucet_account() -> Result<Account> {
    let id = AccountId(B256::new(sbf_key(FAUCET_INDEX)?.pubkey().to_bytes()));
    Ok(Account::funded(id, U256::from(FAUCET_WEFT) * U256::from(10).pow(U256::from(18))))
}

fn checksummed<S: serde::Serializer>(address: &Address, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(address)
}

impl Wallets {
    /// The ten of each machine.
    pub(crate) fn devnet() -> Result<Self> {
        let wallet = |index| -> Result<EvmWallet> {
            let signer = MnemonicBuilder::<English>::default().phrase(MNEMONIC).index(index)?.build()?;
            Ok(EvmWallet { address: signer.address(), private_key: signer.to_bytes() })
        };
        let evm = (0..COUNT).map(wallet).collect::<Result<Vec<_>>>()?;
        let sbf = (0..COUNT).map(|index| {
            let key = sbf_key(index)?;
            Ok(SbfWallet { pubkey: key.pubkey().to_string(), secret_key: key.to_base58_string() })
        });
        let wasm = (0..COUNT).map(WasmWallet::new);
        Ok(Self { evm, sbf: sbf.collect::<Result<_>>()?, wasm: wasm.collect::<Result<_>>()? })
    }

    /// All of them, as the ledger names them.
    pub(crate) fn ids(&self) -> Result<Vec<AccountId>> {
        let evm = self.evm.iter().map(|wallet| Ok(AccountId::from_evm(wallet.address)));
        let sbf = (0..COUNT).map(|index| Ok(AccountId::from_key(sbf_key(index)?.pubkey().to_bytes())?));
        let wasm = self.wasm.iter().map(|wallet| Ok(weft_wasm::address::parse(&wallet.address)?));
        evm.chain(sbf).chain(wasm).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_accounts_are_those_that_anvil_prints() {
        let wallets = Wallets::devnet().expect("ten accounts");
        let first = &wallets.evm[0];
        assert_eq!(first.address.to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assert_eq!(
            first.private_key.to_string(),
            "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
        );
        assert_eq!((wallets.evm.len(), wallets.sbf.len(), wallets.wasm.len()), (10, 10, 10));
        assert!(wallets.wasm[0].address.starts_with("weft1"));
        assert_eq!(wallets.ids().expect("accounts").len(), 30);
        assert_eq!(wallets.evm[9].address.to_string(), "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720");
    }
}
