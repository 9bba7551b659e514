//! Accounts: balances, nonces, code and storage, at any height that is kept.

use super::api::Api;
use super::args::Args;
use super::errors::{self, Fault, server};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;
use weft_evm::tables;

/// A storage slot as geth reads it: hex of at most 32 bytes, leading zeroes or not.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Slot(U256);

impl TryFrom<String> for Slot {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(&text);
        if digits.is_empty() || digits.len() > 64 {
            return Err(format!("storage key of {} hex digits, want 1 to 64", digits.len()));
        }
        U256::from_str_radix(digits, 16).map(Self).map_err(|_| "unable to decode storage key".to_owned())
    }
}

impl Api {
    /// The block named by the argument at `index`; the latest where it is missing.
    pub(super) fn at(args: &Args, index: usize) -> Result<BlockId, Fault> {
        Ok(args.optional(index)?.unwrap_or_else(BlockId::latest))
    }

    pub(super) fn balance(&self, args: &Args) -> Result<U256, Fault> {
        let (_, state) = self.state(Self::at(args, 1)?)?;
        Ok(tables::account(&*state, args.required(0)?).map_err(|error| errors::store(&error))?.balance)
    }

    /// The next nonce; for `pending`, after those in the pool that can execute.
    pub(super) fn transaction_count(&self, args: &Args) -> Result<U64, Fault> {
        let address: Address = args.required(0)?;
        let at = Self::at(args, 1)?;
        if at.is_pending()
            && let Some(nonce) = self.mempool.as_ref().and_then(|pool| pool.pending_nonce(address))
        {
            return Ok(U64::from(nonce));
        }
        let (_, state) = self.state(at)?;
        let account = tables::account(&*state, address).map_err(|error| errors::store(&error))?;
        Ok(U64::from(account.nonce))
    }

    pub(super) fn code(&self, args: &Args) -> Result<Bytes, Fault> {
        let (_, state) = self.state(Self::at(args, 1)?)?;
        let code = tables::code(&*state, args.required(0)?).map_err(|error| errors::store(&error))?;
        Ok(code.into())
    }

    pub(super) fn storage(&self, args: &Args) -> Result<B256, Fault> {
        let (_, state) = self.state(Self::at(args, 2)?)?;
        let Slot(slot) = args.required(1)?;
        let word =
            tables::storage(&*state, args.required(0)?, slot).map_err(|error| errors::store(&error))?;
        Ok(word.into())
    }

    /// Ethereum's proofs are over its own trie, which this chain does not have.
    pub(super) fn proof(&self, args: &Args) -> Result<(), Fault> {
        let _: Address = args.required(0)?;
        Err(server(
            "eth_getProof is not available: the state root is that of a Jellyfish Merkle tree over all machines, \
             not of an Ethereum trie, so a proof in Ethereum's format does not exist",
        ))
    }

    /// This node keeps no keys of users.
    pub(super) fn no_keys(&self, _: &Args) -> Result<(), Fault> {
        Err(server("this node holds no keys; sign the transaction and use eth_sendRawTransaction"))
    }

    pub(super) fn accounts(&self, _: &Args) -> Result<Vec<Address>, Fault> {
        Ok(Vec::new())
    }

    /// Who is paid for the next block; geth's error where nobody orders here.
    pub(super) fn coinbase(&self, _: &Args) -> Result<Address, Fault> {
        let tip = self.chain.tip();
        tip.sequencer.ok_or_else(|| server("etherbase must be explicitly specified"))
    }

    pub(super) fn sha3(&self, args: &Args) -> Result<B256, Fault> {
        Ok(alloy_primitives::keccak256(args.bytes(0)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_in_every_spelling() {
        for (text, slot) in
            [("0x0", 0u64), ("0x00", 0), ("0x5", 5), ("0a", 10), (&format!("0x{:064x}", 7), 7)]
        {
            assert_eq!(Slot::try_from(text.to_owned()).unwrap().0, U256::from(slot), "{text}");
        }
        for text in ["", "0x", "0xzz", &format!("0x{:065x}", 7)] {
            assert!(Slot::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
