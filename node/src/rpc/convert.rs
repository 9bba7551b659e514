//! Our records as Ethereum's JSON. Only what belongs to the EVM is shown: indexes of transactions and logs count
//! the EVM's own.
//!
//! `hash` is our header's hash. It is not the keccak of an Ethereum header's RLP, since our header has other
//! fields; what a client computes from the fields shown here will not match it.

use crate::chain::{BlockRecord, TransactionRecord};
use alloy_consensus::transaction::Recovered;
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, Transaction as _,
    TxEnvelope,
};
use alloy_eips::eip2718::Decodable2718;
use alloy_network_primitives::BlockTransactions;
use alloy_primitives::{Address, B64, B256, Bloom, BloomInput, LogData, U256};
use alloy_rpc_types_eth::{Block, Header, Log, Transaction, TransactionReceipt};
use weft_genesis::Genesis;
use weft_types::{AccountId, VmId};

/// What blocks have in common and their records don't repeat.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    gas_limit: u64,
    treasury: AccountId,
}

impl Shape {
    /// The shape of this chain's blocks.
    pub fn new(genesis: &Genesis) -> Self {
        Self { gas_limit: genesis.limits.block_gas, treasury: genesis.fees.treasury }
    }

    /// The block's header.
    pub fn header(&self, block: &BlockRecord) -> Header {
        let ours = &block.header;
        let inner = alloy_consensus::Header {
            parent_hash: ours.parent,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: block.sequencer.or_else(|| self.treasury.as_evm()).unwrap_or_default(),
            state_root: ours.state_root,
            transactions_root: ours.transactions_root,
            receipts_root: ours.receipts_root,
            logs_bloom: ours.logs_bloom,
            difficulty: U256::ZERO,
            number: ours.height.0,
            gas_limit: self.gas_limit,
            gas_used: ours.gas_used,
            timestamp: seconds(block),
            extra_data: alloy_primitives::Bytes::new(),
            mix_hash: block.derived().prevrandao(),
            nonce: B64::ZERO,
            base_fee_per_gas: Some(ours.base_fee),
            // No blobs, and no withdrawals: the fields say so or are not there.
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            ..alloy_consensus::Header::default()
        };
        let size = block.transactions.iter().map(|tx| tx.transaction.encoded_len()).sum::<usize>();
        let size = size.saturating_add(alloy_rlp::Encodable::length(ours));
        Header { hash: block.hash, inner, total_difficulty: None, size: Some(U256::from(size)) }
    }

    /// The block, with its transactions in full or as hashes.
    pub fn block(&self, block: &BlockRecord, full: bool) -> Block {
        let transactions = if full {
            BlockTransactions::Full(
                evm_transactions(block)
                    .filter_map(|(index, record)| transaction(block, index, record))
                    .collect(),
            )
        } else {
            BlockTransactions::Hashes(evm_transactions(block).map(|(_, record)| record.id).collect())
        };
        Block { header: self.header(block), uncles: Vec::new(), transactions, withdrawals: None }
    }
}

/// Unix seconds, as contracts see them.
pub fn seconds(block: &BlockRecord) -> u64 {
    block.header.timestamp_ms / 1_000
}

/// The EVM's transactions of a block with their index.
pub fn evm_transactions(block: &BlockRecord) -> impl Iterator<Item = (u64, &TransactionRecord)> {
    (0u64..).zip(block.transactions.iter().filter(|record| record.transaction.vm == VmId::EVM))
}

/// The index among the EVM's transactions of the one at `place` in the block; `None` where another machine owns it.
pub fn evm_index(block: &BlockRecord, place: usize) -> Option<u64> {
    let record = block.transactions.get(place)?;
    if record.transaction.vm != VmId::EVM {
        return None;
    }
    let before = block.transactions.iter().take(place).filter(|tx| tx.transaction.vm == VmId::EVM).count();
    u64::try_from(before).ok()
}

/// The transaction as its sender signed it. It was decoded before it was executed, so this gives something.
pub fn envelope(record: &TransactionRecord) -> Option<TxEnvelope> {
    TxEnvelope::decode_2718(&mut &*record.transaction.payload).ok()
}

/// A transaction of a block.
pub fn transaction(block: &BlockRecord, index: u64, record: &TransactionRecord) -> Option<Transaction> {
    let envelope = envelope(record)?;
    let price = envelope.effective_gas_price(Some(block.header.base_fee));
    Some(Transaction {
        inner: Recovered::new_unchecked(envelope, record.sender.as_evm()?),
        block_hash: Some(block.hash),
        block_number: Some(block.header.height.0),
        transaction_index: Some(index),
        effective_gas_price: Some(price),
        block_timestamp: Some(seconds(block)),
    })
}

/// A transaction that waits in the pool.
pub fn pending(envelope: TxEnvelope, sender: Address) -> Transaction {
    Transaction {
        inner: Recovered::new_unchecked(envelope, sender),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price: None,
        block_timestamp: None,
    }
}

/// All receipts of a block, in order.
pub fn receipts(block: &BlockRecord) -> Vec<TransactionReceipt> {
    let mut before = Before::default();
    evm_transactions(block)
        .filter_map(|(index, record)| {
            let receipt = receipt(block, index, record, before);
            before.pass(record);
            receipt
        })
        .collect()
}

/// The receipt of the transaction at `place` in the block.
pub fn receipt_at(block: &BlockRecord, place: usize) -> Option<TransactionReceipt> {
    let index = evm_index(block, place)?;
    let mut before = Before::default();
    for record in block.transactions.iter().take(place).filter(|tx| tx.transaction.vm == VmId::EVM) {
        before.pass(record);
    }
    receipt(block, index, block.transactions.get(place)?, before)
}

/// What the transactions before one add up to.
#[derive(Clone, Copy, Default)]
struct Before {
    gas: u64,
    logs: u64,
}

impl Before {
    fn pass(&mut self, record: &TransactionRecord) {
        self.gas = self.gas.saturating_add(record.receipt.gas_used);
        self.logs = self.logs.saturating_add(length(&record.receipt.logs));
    }
}

fn receipt(
    block: &BlockRecord,
    index: u64,
    record: &TransactionRecord,
    before: Before,
) -> Option<TransactionReceipt> {
    let envelope = envelope(record)?;
    let from = record.sender.as_evm()?;
    let logs: Vec<Log> = (before.logs..)
        .zip(&record.receipt.logs)
        .map(|(log_index, log)| rpc_log(block, index, record.id, log_index, log, false))
        .collect();
    let receipt = Receipt {
        status: Eip658Value::Eip658(record.receipt.status.is_success()),
        cumulative_gas_used: before.gas.saturating_add(record.receipt.gas_used),
        logs,
    };
    let logs_bloom = bloom(&receipt.logs);
    Some(TransactionReceipt {
        inner: ReceiptEnvelope::from_typed(envelope.tx_type(), ReceiptWithBloom { receipt, logs_bloom }),
        transaction_hash: record.id,
        transaction_index: Some(index),
        block_hash: Some(block.hash),
        block_number: Some(block.header.height.0),
        gas_used: record.receipt.gas_used,
        effective_gas_price: envelope.effective_gas_price(Some(block.header.base_fee)),
        blob_gas_used: None,
        blob_gas_price: None,
        from,
        to: envelope.to(),
        contract_address: envelope.is_create().then(|| from.create(envelope.nonce())),
    })
}

fn bloom(logs: &[Log]) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue(BloomInput::Raw(log.inner.address.as_slice()));
        for topic in log.inner.data.topics() {
            bloom.accrue(BloomInput::Raw(topic.as_slice()));
        }
    }
    bloom
}

/// One log as RPC shows it.
fn rpc_log(
    block: &BlockRecord,
    transaction_index: u64,
    id: B256,
    log_index: u64,
    log: &weft_types::Log,
    removed: bool,
) -> Log {
    Log {
        inner: alloy_primitives::Log {
            address: log_address(log),
            data: LogData::new_unchecked(log.topics.clone(), log.data.clone()),
        },
        block_hash: Some(block.hash),
        block_number: Some(block.header.height.0),
        block_timestamp: Some(seconds(block)),
        transaction_hash: Some(id),
        transaction_index: Some(transaction_index),
        log_index: Some(log_index),
        removed,
    }
}

/// The contract that said it.
pub fn log_address(log: &weft_types::Log) -> Address {
    log.account_id().as_evm().unwrap_or_default()
}

/// The logs of a block for which `wanted` holds.
pub fn logs<'a>(
    block: &'a BlockRecord,
    removed: bool,
    wanted: impl Fn(&weft_types::Log) -> bool + 'a,
) -> impl Iterator<Item = Log> + 'a {
    let mut log_index = 0u64;
    let numbered = evm_transactions(block).flat_map(move |(index, record)| {
        let first = log_index;
        log_index = log_index.saturating_add(length(&record.receipt.logs));
        (first..).zip(&record.receipt.logs).map(move |(log_index, log)| (index, record.id, log_index, log))
    });
    numbered
        .filter(move |(_, _, _, log)| wanted(log))
        .map(move |(index, id, log_index, log)| rpc_log(block, index, id, log_index, log, removed))
}

fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// Wei per gas that the transaction paid above the base fee; what it paid at all where that is less.
pub fn tip(block: &BlockRecord, record: &TransactionRecord) -> u128 {
    let gas = U256::from(record.receipt.gas_used.max(1));
    let price = u128::try_from(record.receipt.fee / gas).unwrap_or(u128::MAX);
    price.saturating_sub(u128::from(block.header.base_fee))
}
