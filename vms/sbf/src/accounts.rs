//! [`Accounts`]: the journal as Solana's processor reads it, and how what it made comes back.
//!
//! ```text
//! ledger: wei ─floor(wei / 1e9)─> lamports ┐
//! ACCOUNT record, PAGEs ──────> data ──────┴─> AccountSharedData ─processor─> write: lamports * 1e9 + the dust that was there
//! ```

use crate::block::BlockContext;
use crate::precompiles;
use crate::programs::{self, Content};
use crate::record::{self, AccountRecord, PAGE_BYTES, RecordData};
use crate::{data_cache::DataCache, key};
use solana_account::{AccountSharedData, ReadableAccount};
use solana_clock::Slot;
use solana_precompile_error::PrecompileError;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_svm_callback::{InvokeContextCallback, TransactionProcessingCallback};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use weft_state::{Journal, ReadError};
use weft_types::{Bytes, U256};

/// Wei in one lamport.
pub const WEI_PER_LAMPORT: u64 = 1_000_000_000;

/// The lamports that programs see of `wei`; what is left over is dust, which no program touches.
///
/// # Errors
/// More than 64 bits of lamports: genesis and mint let no supply come that far.
pub fn lamports(wei: U256) -> Result<u64, ReadError> {
    let lamports = wei / U256::from(WEI_PER_LAMPORT);
    u64::try_from(lamports).map_err(|_| ReadError(format!("{wei} wei do not fit 64 bits of lamports")))
}

/// The wei of an amount of lamports.
#[must_use]
pub fn wei(lamports: u64) -> U256 {
    U256::from(lamports) * U256::from(WEI_PER_LAMPORT)
}

/// See the module. Lives for one transaction.
pub(crate) struct Accounts<'e, 'j, 'a> {
    journal: RefCell<&'j mut Journal<'a>>,
    block: &'e BlockContext,
    data: &'e DataCache,
    /// What was read: the processor asks for an account more than once.
    read: RefCell<HashMap<Pubkey, Option<Content>>>,
    failed: RefCell<Option<ReadError>>,
}

impl<'e, 'j, 'a> Accounts<'e, 'j, 'a> {
    pub(crate) fn new(journal: &'j mut Journal<'a>, block: &'e BlockContext, data: &'e DataCache) -> Self {
        Self {
            journal: RefCell::new(journal),
            block,
            data,
            read: RefCell::default(),
            failed: RefCell::default(),
        }
    }

    /// What the processor could not be told: that a read failed.
    pub(crate) fn failure(&self) -> Result<(), ReadError> {
        self.failed.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// The account, with the name of its data; `None` where it has no lamports.
    pub(crate) fn with_content<T>(&self, pubkey: &Pubkey, f: impl FnOnce(&Content) -> T) -> Option<T> {
        if let Some(read) = self.read.borrow().get(pubkey) {
            return read.as_ref().map(f);
        }
        let read = self.load(pubkey).unwrap_or_else(|error| {
            self.failed.borrow_mut().get_or_insert(error);
            None
        });
        let result = read.as_ref().map(f);
        self.read.borrow_mut().insert(*pubkey, read);
        result
    }

    fn load(&self, pubkey: &Pubkey) -> Result<Option<Content>, ReadError> {
        let journal = &mut **self.journal.borrow_mut();
        let lamports = lamports(journal.balance(key::account_id(pubkey))?)?;
        if lamports == 0 {
            return Ok(None);
        }
        if let Some(account) = self.block.sysvars.account(pubkey, lamports) {
            return Ok(Some(Content { account, hash: [0; 32] }));
        }
        let Some(bytes) = journal.get(&key::account(pubkey))? else {
            let account = AccountSharedData::create_from_existing_shared_data(
                lamports,
                Arc::default(),
                system_program::ID,
                false,
                u64::MAX,
            );
            return Ok(Some(Content { account, hash: [0; 32] }));
        };
        let damaged = || ReadError(format!("the record of the account {pubkey} is damaged"));
        let AccountRecord { owner, executable, data } = record::decode(&bytes).ok_or_else(damaged)?;
        let (data, hash) = match data {
            RecordData::Inline(data) => {
                // Only what a loader owns is looked up by content.
                let hash = if programs::is_loader(&owner) { record::hash(&data) } else { [0; 32] };
                (Arc::new(data.to_vec()), hash)
            }
            RecordData::Paged { len, hash } => (self.paged(journal, pubkey, len, hash)?, hash),
        };
        let account =
            AccountSharedData::create_from_existing_shared_data(lamports, data, owner, executable, u64::MAX);
        Ok(Some(Content { account, hash }))
    }

    /// All pages are read even where the content is known, so that what was read does not depend on a cache.
    fn paged(
        &self,
        journal: &mut Journal<'_>,
        pubkey: &Pubkey,
        len: usize,
        hash: [u8; 32],
    ) -> Result<Arc<Vec<u8>>, ReadError> {
        let pages: Result<Vec<_>, _> =
            (0..record::pages(len)).map(|index| journal.get(&key::page(pubkey, index))).collect();
        let pages = pages?;
        self.data.get(hash, || {
            let mut data = Vec::with_capacity(len);
            pages.iter().flatten().for_each(|page| data.extend_from_slice(page));
            let whole = data.len() == len;
            whole
                .then_some(data)
                .ok_or_else(|| ReadError(format!("pages of the account {pubkey} are missing")))
        })
    }
}

impl InvokeContextCallback for Accounts<'_, '_, '_> {
    fn is_precompile(&self, program: &Pubkey) -> bool {
        precompiles::is_precompile(program)
    }

    fn process_precompile(
        &self,
        program: &Pubkey,
        data: &[u8],
        instruction_datas: Vec<&[u8]>,
    ) -> Result<(), PrecompileError> {
        precompiles::verify(program, data, &instruction_datas)
    }
}

impl TransactionProcessingCallback for Accounts<'_, '_, '_> {
    fn get_account_shared_data(&self, pubkey: &Pubkey) -> Option<(AccountSharedData, Slot)> {
        self.with_content(pubkey, |content| (content.account.clone(), 0))
    }
}

/// Writes `account` back, with `extra` lamports on top of its own.
pub(crate) fn write(
    journal: &mut Journal<'_>,
    pubkey: &Pubkey,
    account: &AccountSharedData,
    extra: u64,
) -> Result<(), ReadError> {
    let id = key::account_id(pubkey);
    let before = journal.balance(id)?;
    let dust = before % U256::from(WEI_PER_LAMPORT);
    // Both fit 64 bits, so their wei fit 256.
    journal.set_balance(id, wei(account.lamports()) + wei(extra) + dust)?;
    let gone = account.lamports() == 0 && extra == 0;
    let bare =
        account.data().is_empty() && !account.executable() && system_program::check_id(account.owner());
    let record =
        (!gone && !bare).then(|| record::encode(account.owner(), account.executable(), account.data()));
    write_record(journal, pubkey, record, account.data())
}

/// Sets or removes the record and its pages, where that changes anything.
pub(crate) fn write_record(
    journal: &mut Journal<'_>,
    pubkey: &Pubkey,
    record: Option<Bytes>,
    data: &[u8],
) -> Result<(), ReadError> {
    let key = key::account(pubkey);
    let before = journal.get(&key)?;
    if before == record {
        return Ok(());
    }
    let len =
        |record: &Option<Bytes>| match record.as_ref().and_then(record::decode).map(|record| record.data) {
            Some(RecordData::Paged { len, .. }) => len,
            _ => 0,
        };
    let (old_pages, new_pages) = (record::pages(len(&before)), record::pages(len(&record)));
    for (index, page) in (0..new_pages).zip(data.chunks(PAGE_BYTES)) {
        let key = key::page(pubkey, index);
        if journal.get(&key)?.as_deref() != Some(page) {
            journal.set(key, Bytes::copy_from_slice(page));
        }
    }
    for index in new_pages..old_pages {
        journal.remove(key::page(pubkey, index));
    }
    match record {
        Some(record) => journal.set(key, record),
        None => journal.remove(key),
    }
    Ok(())
}
