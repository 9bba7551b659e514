//! What the pool's rules need of the newest state. All of it is read before the pool is locked.

use super::error::PoolError;
use super::pool::AccountState;
use super::pooled::Pooled;
use super::sbf::{PooledSbf, SbfState};
use super::wasm::{PooledWasm, WasmState};
use crate::chain::{Chain, ChainError, Head};
use rayon::prelude::*;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_transaction_error::TransactionError;
use std::collections::{HashMap, HashSet};
use weft_router::BlockTemplate;
use weft_sbf::SbfVm;
use weft_sbf::record::{self, RecordData};
use weft_state::{Journal, StateRead};
use weft_types::{AccountId, Address, B256};
use weft_vm::BlockEnv;

/// How the data of a nonce account begins: the current version, in use.
const NONCE_IN_USE: [u8; 8] = [1, 0, 0, 0, 1, 0, 0, 0];
/// Where the nonce stands in it: behind those, and the 32 bytes of who may advance it.
const NONCE_AT: std::ops::Range<usize> = 40..72;

/// What the state says of the senders and transactions of one group.
#[derive(Default)]
pub(super) struct Reads {
    pub(super) accounts: HashMap<Address, AccountState>,
    pub(super) sbf: HashMap<B256, Result<SbfState, PoolError>>,
    pub(super) wasm: HashMap<AccountId, WasmState>,
    /// Whether blockhashes that something waiting names are good: read where the chain went back.
    pub(super) blockhashes: HashMap<Hash, bool>,
}

/// Nonces and balances of EVM accounts.
pub(super) fn accounts(
    state: &dyn StateRead,
    senders: impl IntoIterator<Item = Address>,
) -> Result<HashMap<Address, AccountState>, ChainError> {
    let senders: HashSet<Address> = senders.into_iter().collect();
    senders.into_iter().map(|sender| Ok((sender, account(state, sender)?))).collect()
}

fn account(state: &dyn StateRead, address: Address) -> Result<AccountState, ChainError> {
    let account = weft_evm::tables::account(state, address)?;
    Ok(AccountState { nonce: account.nonce, balance: account.balance })
}

/// Sequence numbers and balances of Wasm accounts.
pub(super) fn wasm(
    state: &dyn StateRead,
    signers: impl IntoIterator<Item = AccountId>,
) -> Result<HashMap<AccountId, WasmState>, ChainError> {
    let signers: HashSet<AccountId> = signers.into_iter().collect();
    let one = |account: AccountId| {
        let mut journal = Journal::new(state);
        let sequence = weft_wasm::auth::record(&mut journal, account)?.sequence;
        Ok((account, WasmState { sequence, balance: journal.balance(account)? }))
    };
    signers.into_iter().map(one).collect()
}

/// The chain at one moment, as a transaction in the next block would see it.
pub(super) struct SbfReader<'a> {
    vm: &'a SbfVm,
    head: Head,
    env: BlockEnv,
}

impl<'a> SbfReader<'a> {
    /// On `head`, at `now_ms`, Unix milliseconds.
    pub(super) fn new(vm: &'a SbfVm, chain: &Chain, head: Head, now_ms: u64) -> Self {
        let (header, sequencer) = (&head.tip.header, head.tip.sequencer);
        // Not the chain's own, which may be that of a newer tip than the state's.
        let template = BlockTemplate {
            height: header.height.next(),
            timestamp_ms: now_ms.max(header.timestamp_ms),
            origin: header.origin,
            origin_hash: head.tip.origin_hash,
            sequencer,
        };
        let env = chain.router().env(header, &template);
        Self { vm, head, env }
    }

    /// Solana's block height in the next block.
    pub(super) fn height(&self) -> Result<u64, ChainError> {
        Ok(self.vm.block_height(&mut Journal::new(&*self.head.state), Some(&self.env))?)
    }

    /// The last block height in which `blockhash` is good; `None` where it is not now.
    pub(super) fn last_height(&self, blockhash: &Hash) -> Result<Option<u64>, ChainError> {
        Ok(self.vm.last_block_height(&mut Journal::new(&*self.head.state), &self.env, blockhash)?)
    }

    /// What the state says of each of `transactions`, by id. `known` are blockhashes that were looked up before.
    pub(super) fn read(
        &self,
        transactions: &[&PooledSbf],
        known: HashMap<Hash, u64>,
    ) -> Result<HashMap<B256, Result<SbfState, PoolError>>, ChainError> {
        let height = self.height()?;
        let mut last_heights: HashMap<Hash, Option<u64>> = HashMap::new();
        for pooled in transactions {
            if !last_heights.contains_key(&pooled.blockhash) {
                let last = match known.get(&pooled.blockhash) {
                    Some(last) => (*last >= height).then_some(*last),
                    None => self.last_height(&pooled.blockhash)?,
                };
                last_heights.insert(pooled.blockhash, last);
            }
        }
        let state = |pooled: &PooledSbf| {
            let last = last_heights.get(&pooled.blockhash).copied().flatten();
            Ok((pooled.checked.id, self.state(pooled, last)?))
        };
        transactions.par_iter().map(|pooled| state(pooled)).collect()
    }

    fn state(
        &self,
        pooled: &PooledSbf,
        last_height: Option<u64>,
    ) -> Result<Result<SbfState, PoolError>, ChainError> {
        let mut journal = Journal::new(&*self.head.state);
        let decoded = weft_sbf::decoded(&pooled.checked);
        let refused = if last_height.is_some() {
            let processed = self.vm.was_processed(&mut journal, &self.env, decoded)?;
            processed.then_some(TransactionError::AlreadyProcessed)
        } else {
            let nonce =
                decoded.nonce_account.map(|account| holds_nonce(&mut journal, &account, &pooled.blockhash));
            (!nonce.transpose()?.unwrap_or(false)).then_some(TransactionError::BlockhashNotFound)
        };
        if let Some(error) = refused {
            return Ok(Err(PoolError::Sbf(error)));
        }
        let wei = journal.balance(weft_sbf::key::account_id(&pooled.payer))?;
        Ok(Ok(SbfState { lamports: weft_sbf::lamports(wei)?, last_height }))
    }
}

/// Whether the nonce in `account` is `nonce`. The rest of what nonces need is execution's to find.
fn holds_nonce(journal: &mut Journal<'_>, account: &Pubkey, nonce: &Hash) -> Result<bool, ChainError> {
    let record = journal.get(&weft_sbf::key::account(account))?;
    let Some(record) = record.as_ref().and_then(record::decode) else { return Ok(false) };
    let RecordData::Inline(data) = record.data else { return Ok(false) };
    Ok(solana_sdk_ids::system_program::check_id(&record.owner)
        && data.starts_with(&NONCE_IN_USE)
        && data.get(NONCE_AT) == Some(nonce.as_bytes().as_slice()))
}

/// The SBF transactions among `prepared`.
pub(super) fn sbf_of(prepared: &[Result<Pooled, PoolError>]) -> Vec<&PooledSbf> {
    let pooled = prepared.iter().flatten();
    pooled.filter_map(|pooled| if let Pooled::Sbf(sbf) = pooled { Some(&**sbf) } else { None }).collect()
}

/// The Wasm transactions among `prepared`.
pub(super) fn wasm_of(prepared: &[Result<Pooled, PoolError>]) -> impl Iterator<Item = &PooledWasm> {
    let pooled = prepared.iter().flatten();
    pooled.filter_map(|pooled| if let Pooled::Wasm(wasm) = pooled { Some(&**wasm) } else { None })
}

/// The senders of the EVM transactions among `prepared`.
pub(super) fn senders_of(prepared: &[Result<Pooled, PoolError>]) -> impl Iterator<Item = Address> {
    let pooled = prepared.iter().flatten();
    pooled.filter_map(|pooled| if let Pooled::Evm(evm) = pooled { Some(evm.sender) } else { None })
}
