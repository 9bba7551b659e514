//! Blocks, transactions and receipts by hash, number and index.

use super::api::Api;
use super::args::Args;
use super::convert;
use super::errors::Fault;
use crate::chain::BlockRecord;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{Block, Index, Transaction, TransactionReceipt};
use std::sync::Arc;

/// What a method gives; `null` in JSON where there is nothing.
type Found<T> = Result<Option<T>, Fault>;

impl Api {
    /// The block that the first argument names, as a number or tag.
    fn by_number(&self, args: &Args) -> Found<Arc<BlockRecord>> {
        self.block(BlockId::Number(args.required::<BlockNumberOrTag>(0)?))
    }

    /// The block that the first argument names, as a hash.
    fn by_hash(&self, args: &Args) -> Found<Arc<BlockRecord>> {
        self.block(BlockId::from(args.hash(0)?))
    }

    pub(super) fn block_number(&self, _: &Args) -> Result<U64, Fault> {
        Ok(U64::from(self.chain.tip().header.height.0))
    }

    pub(super) fn get_block_by_number(&self, args: &Args) -> Found<Block> {
        let full = args.optional(1)?.unwrap_or(false);
        Ok(self.by_number(args)?.map(|block| self.shape.block(&block, full)))
    }

    pub(super) fn get_block_by_hash(&self, args: &Args) -> Found<Block> {
        let full = args.optional(1)?.unwrap_or(false);
        Ok(self.by_hash(args)?.map(|block| self.shape.block(&block, full)))
    }

    pub(super) fn get_header_by_number(&self, args: &Args) -> Found<alloy_rpc_types_eth::Header> {
        Ok(self.by_number(args)?.map(|block| self.shape.header(&block)))
    }

    pub(super) fn get_header_by_hash(&self, args: &Args) -> Found<alloy_rpc_types_eth::Header> {
        Ok(self.by_hash(args)?.map(|block| self.shape.header(&block)))
    }

    pub(super) fn count_by_number(&self, args: &Args) -> Found<U64> {
        Ok(self.by_number(args)?.map(|block| count(&block)))
    }

    pub(super) fn count_by_hash(&self, args: &Args) -> Found<U64> {
        Ok(self.by_hash(args)?.map(|block| count(&block)))
    }

    pub(super) fn uncle_count_by_number(&self, args: &Args) -> Found<U64> {
        Ok(self.by_number(args)?.map(|_| U64::ZERO))
    }

    pub(super) fn uncle_count_by_hash(&self, args: &Args) -> Found<U64> {
        Ok(self.by_hash(args)?.map(|_| U64::ZERO))
    }

    pub(super) fn transaction_by_number_and_index(&self, args: &Args) -> Found<Transaction> {
        Ok(self.by_number(args)?.zip(index(args)?).and_then(|(block, index)| transaction_at(&block, index)))
    }

    pub(super) fn transaction_by_hash_and_index(&self, args: &Args) -> Found<Transaction> {
        Ok(self.by_hash(args)?.zip(index(args)?).and_then(|(block, index)| transaction_at(&block, index)))
    }

    pub(super) fn raw_transaction_by_hash(&self, args: &Args) -> Found<Bytes> {
        let Some((block, place)) = self.find(args.hash(0)?)? else { return Ok(None) };
        Ok(block.transactions.get(place).map(|record| record.transaction.payload.clone().into()))
    }

    /// From the chain, else from the pool.
    pub(super) fn transaction_by_hash(&self, args: &Args) -> Found<Transaction> {
        let hash = args.hash(0)?;
        if let Some((block, place)) = self.find(hash)? {
            let record = block.transactions.get(place);
            return Ok(convert::evm_index(&block, place)
                .zip(record)
                .and_then(|(index, record)| convert::transaction(&block, index, record)));
        }
        Ok(self.pooled(hash))
    }

    pub(super) fn receipt(&self, args: &Args) -> Found<TransactionReceipt> {
        let found = self.find(args.hash(0)?)?;
        Ok(found.and_then(|(block, place)| convert::receipt_at(&block, place)))
    }

    pub(super) fn block_receipts(&self, args: &Args) -> Found<Vec<TransactionReceipt>> {
        Ok(self.block(args.required(0)?)?.map(|block| convert::receipts(&block)))
    }

    /// The block of a transaction and its place there.
    pub(super) fn find(&self, hash: B256) -> Found<(Arc<BlockRecord>, usize)> {
        self.chain.transaction(hash).map_err(super::api::chain_fault)
    }

    /// What tools that look at proof of work get: nothing.
    pub(super) fn no_uncle(&self, _: &Args) -> Found<U256> {
        Ok(None)
    }
}

/// The index in the second argument, as the EVM counts.
fn index(args: &Args) -> Found<u64> {
    Ok(u64::try_from(args.required::<Index>(1)?.0).ok())
}

fn transaction_at(block: &BlockRecord, wanted: u64) -> Option<Transaction> {
    let (index, record) = convert::evm_transactions(block).find(|(index, _)| *index == wanted)?;
    convert::transaction(block, index, record)
}

fn count(block: &BlockRecord) -> U64 {
    U64::from(convert::evm_transactions(block).count())
}
