//! `getSignaturesForAddress`: transactions that name an account, newest first, over the chain's index.

use super::api::{Sol, block_time, go_on};
use super::args::{Args, parse_signature};
use super::blocks::at_least_confirmed;
use super::errors::{self, Fault, invalid_params};
use super::meta;
use super::transactions::confirmation;
use solana_rpc_client_types::config::{RpcContextConfig, RpcSignaturesForAddressConfig};
use solana_rpc_client_types::request::MAX_GET_CONFIRMED_SIGNATURES_FOR_ADDRESS2_LIMIT as LIMIT;
use solana_rpc_client_types::response::RpcConfirmedTransactionStatusWithSignature;
use solana_signature::Signature;
use solana_transaction_status::extract_and_fmt_memos;
use std::sync::atomic::AtomicBool;
use weft_types::Height;

/// Where a transaction is: its block and its place there.
type Place = (Height, usize);

impl Sol {
    pub(super) fn signatures_for_address(
        &self,
        args: &Args,
        stop: &AtomicBool,
    ) -> Result<Vec<RpcConfirmedTransactionStatusWithSignature>, Fault> {
        let address = args.pubkey(0)?;
        let config: RpcSignaturesForAddressConfig = args.optional(1)?;
        let before = parse_signature(config.before.as_ref())?;
        let until = parse_signature(config.until.as_ref())?;
        let limit = config.limit.unwrap_or(LIMIT);
        if limit == 0 || limit > LIMIT {
            return Err(invalid_params(format!("Invalid limit; max {LIMIT}")));
        }
        at_least_confirmed(config.commitment)?;
        let context =
            RpcContextConfig { commitment: config.commitment, min_context_slot: config.min_context_slot };
        // All that stands before the block that follows the newest one.
        let end = (self.context(context)?.header.height.next(), 0);
        let before = before.map(|signature| self.place(&signature)).transpose()?;
        let before = before.map_or(end, |place| place.min(end));
        let until = until.map(|signature| self.place(&signature)).transpose()?;
        let places = self.chain.sbf_signatures(&address.to_bytes(), Some(before), limit);
        let mut infos = Vec::new();
        for place in places.map_err(|error| errors::chain(&error))? {
            go_on(stop)?;
            if until.is_some_and(|until| place <= until) {
                break;
            }
            infos.extend(self.info(place)?);
        }
        Ok(infos)
    }

    fn place(&self, signature: &Signature) -> Result<Place, Fault> {
        let found = self.find(signature)?;
        let (block, place) = found.ok_or_else(|| errors::no_signature(signature))?;
        Ok((block.header.height, place))
    }

    /// What the list says of one; `None` where a reorganisation took it away meanwhile.
    fn info(
        &self,
        (height, place): Place,
    ) -> Result<Option<RpcConfirmedTransactionStatusWithSignature>, Fault> {
        let block = self.chain.block(height).map_err(|error| errors::chain(&error))?;
        let Some(block) = block else { return Ok(None) };
        let found = meta::transactions(&block).enumerate().find(|(_, (at, _))| *at == place);
        let Some((index, (_, record))) = found else { return Ok(None) };
        let complete = meta::complete(record)?;
        let Some(signature) = complete.transaction.signatures.first() else { return Ok(None) };
        Ok(Some(RpcConfirmedTransactionStatusWithSignature {
            signature: signature.to_string(),
            slot: height.0,
            err: complete.meta.status.clone().err().map(Into::into),
            memo: extract_and_fmt_memos(&complete),
            block_time: Some(block_time(&block)),
            confirmation_status: Some(confirmation(self.is_final(height.0))),
            transaction_index: u32::try_from(index).ok(),
        }))
    }
}
