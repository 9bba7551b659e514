//! The devnet's accounts, from the mnemonic that Foundry and Hardhat use.

use alloy_signer_local::MnemonicBuilder;
use alloy_signer_local::coins_bip39::English;
use eyre::Result;
use serde::Serialize;
use weft_types::{AccountId, Address, B256};

/// Everyone has it: for development only.
pub(crate) const MNEMONIC: &str = "test test test test test test test test test test test junk";
/// Accounts of each machine.
const COUNT: u32 = 10;

/// `DIR/accounts.json` (design 08).
#[derive(Debug, Serialize)]
pub(crate) struct Wallets {
    pub(crate) evm: Vec<EvmWallet>,
    /// Empty until the chain has the machine.
    pub(crate) sbf: Vec<()>,
    /// Empty until the chain has the machine.
    pub(crate) wasm: Vec<()>,
}

/// A key of Ethereum's path m/44'/60'/0'/0/i.
#[derive(Debug, Serialize)]
pub(crate) struct EvmWallet {
    /// With EIP-55's checksum.
    #[serde(serialize_with = "checksummed")]
    pub(crate) address: Address,
    pub(crate) private_key: B256,
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
        Ok(Self { evm, sbf: Vec::new(), wasm: Vec::new() })
    }

    /// All of them, as the ledger names them.
    pub(crate) fn ids(&self) -> Vec<AccountId> {
        self.evm.iter().map(|wallet| AccountId::from_evm(wallet.address)).collect()
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
        assert_eq!(wallets.evm.len(), 10);
        assert_eq!(wallets.evm[9].address.to_string(), "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720");
    }
}
