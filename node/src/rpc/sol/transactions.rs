//! Transactions by their signatures.

use super::api::{Sol, block_time, respond};
use super::args::{Args, parse, parse_all};
use super::blocks::at_least_confirmed;
use super::errors::{self, Fault};
use super::meta;
use crate::chain::BlockRecord;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_types::config::{
    RpcEncodingConfigWrapper, RpcSignatureStatusConfig, RpcTransactionConfig,
};
use solana_rpc_client_types::request::MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS;
use solana_rpc_client_types::response::Response;
use solana_signature::Signature;
use solana_transaction_status::{
    EncodeError, EncodedConfirmedTransactionWithStatusMeta, TransactionConfirmationStatus, TransactionStatus,
    UiTransactionEncoding,
};
use std::sync::Arc;

impl Sol {
    /// The block of a transaction and its place there, soft or final.
    ///
    /// # Errors
    /// The store failed.
    pub(super) fn find(&self, signature: &Signature) -> Result<Option<(Arc<BlockRecord>, usize)>, Fault> {
        let id = weft_sbf::signature_id(signature);
        self.chain.transaction(id).map_err(|error| errors::chain(&error))
    }

    pub(super) fn transaction(
        &self,
        args: &Args,
    ) -> Result<Option<EncodedConfirmedTransactionWithStatusMeta>, Fault> {
        let signature: Signature = parse(&args.required::<String>(0)?)?;
        let wrapper: Option<RpcEncodingConfigWrapper<RpcTransactionConfig>> = args.optional(1)?;
        let config = wrapper.map(|wrapper| wrapper.convert_to_current()).unwrap_or_default();
        let commitment = at_least_confirmed(config.commitment)?;
        let Some((block, place)) = self.find(&signature)? else { return Ok(None) };
        let slot = block.header.height.0;
        if commitment.is_finalized() && !self.is_final(slot) {
            return Ok(None);
        }
        // Places count the transactions of all machines; Solana's clients see their own alone.
        let found = meta::transactions(&block).enumerate().find(|(_, (at, _))| *at == place);
        let Some((index, (_, record))) = found else { return Ok(None) };
        let encoding = config.encoding.unwrap_or(UiTransactionEncoding::Json);
        let transaction = meta::complete(record)?
            .encode(encoding, config.max_supported_transaction_version, true)
            .map_err(unsupported)?;
        Ok(Some(EncodedConfirmedTransactionWithStatusMeta {
            slot,
            transaction,
            block_time: Some(block_time(&block)),
            transaction_index: u32::try_from(index).ok(),
        }))
    }

    /// All history is looked through, whether the client asks for that or not.
    pub(super) fn signature_statuses(
        &self,
        args: &Args,
    ) -> Result<Response<Vec<Option<TransactionStatus>>>, Fault> {
        let texts: Vec<String> = args.required(0)?;
        let signatures: Vec<Signature> = parse_all(&texts, MAX_GET_SIGNATURE_STATUSES_QUERY_ITEMS)?;
        let _: Option<RpcSignatureStatusConfig> = args.optional(1)?;
        let tip = self.block(CommitmentConfig::processed());
        let statuses: Result<Vec<_>, Fault> =
            signatures.iter().map(|signature| self.signature_status(&tip, signature)).collect();
        Ok(respond(&tip, statuses?))
    }

    fn signature_status(
        &self,
        tip: &BlockRecord,
        signature: &Signature,
    ) -> Result<Option<TransactionStatus>, Fault> {
        let Some((block, place)) = self.find(signature)? else { return Ok(None) };
        let Some(record) = block.transactions.get(place) else { return Ok(None) };
        let slot = block.header.height.0;
        let status = meta::result(record);
        let is_final = self.is_final(slot);
        let above = tip.header.height.0.saturating_sub(slot);
        Ok(Some(TransactionStatus {
            slot,
            confirmations: (!is_final).then(|| usize::try_from(above).unwrap_or(usize::MAX)),
            err: status.clone().err(),
            status,
            confirmation_status: Some(confirmation(is_final)),
        }))
    }
}

/// A block that Celestia does not have is confirmed by its sequencer's signature.
pub(super) fn confirmation(is_final: bool) -> TransactionConfirmationStatus {
    if is_final { TransactionConfirmationStatus::Finalized } else { TransactionConfirmationStatus::Confirmed }
}

/// A version that the client did not say it understands.
pub(super) fn unsupported(error: EncodeError) -> Fault {
    let EncodeError::UnsupportedTransactionVersion(version) = error;
    errors::unsupported_version(version)
}
