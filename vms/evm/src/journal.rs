//! [`EvmJournal`]: revm's own journal, tied to ours.
//!
//! revm keeps its own record of accounts for speed, and what other machines do under an EVM frame is in ours.
//! Every checkpoint is therefore opened, kept and undone in both at once, so that a frame that reverts takes
//! everything with it that was done below it (design 03).

use crate::code_cache::CodeCache;
use crate::tables::{self, Record};
use revm::bytecode::Bytecode;
use revm::context_interface::context::{SStoreResult, SelfDestructResult};
use revm::context_interface::journaled_state::account::JournaledAccount;
use revm::context_interface::journaled_state::{
    AccountInfoLoad, AccountLoad, JournalCheckpoint, JournalLoadError, StateLoad, TransferError,
};
use revm::context_interface::{Database, JournalTr};
use revm::database_interface::DBErrorMarker;
use revm::inspector::JournalExt;
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, AddressMap, AddressSet, B256, HashSet, Log, StorageKey, StorageValue, U256};
use revm::state::{Account, AccountInfo, EvmState};
use revm::{Journal as RevmJournal, JournalEntry};
use weft_state::{Checkpoint, Journal, ReadError, key as host};
use weft_types::{AccountId, Height};

/// [`ReadError`] under a name that revm's traits can be implemented for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub(crate) struct DbError(#[from] pub(crate) ReadError);

impl DBErrorMarker for DbError {}

/// Where revm reads from: our journal.
pub(crate) struct JournalDb<'j, 'a> {
    pub(crate) journal: &'j mut Journal<'a>,
    pub(crate) codes: &'j CodeCache,
}

impl Database for JournalDb<'_, '_> {
    type Error = DbError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, DbError> {
        let record = tables::record(self.journal, address)?;
        let balance = self.journal.balance(AccountId::from_evm(address))?;
        if record.is_none() && balance.is_zero() {
            return Ok(None);
        }
        let Record { nonce, code_hash } = record.unwrap_or(Record::EMPTY);
        Ok(Some(AccountInfo { balance, nonce, code_hash, account_id: None, code: None }))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, DbError> {
        // Read through the journal even where the cache has it: the read is part of what the block touched.
        let code = tables::code_by_hash(self.journal, hash)?;
        Ok(self.codes.get(hash, &code))
    }

    fn storage(&mut self, address: Address, slot: StorageKey) -> Result<StorageValue, DbError> {
        Ok(tables::word(self.journal, &crate::key::storage(address, slot))?)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, DbError> {
        let stored = self.journal.get(&host::block_hash(Height(number)))?;
        stored.map_or(Ok(B256::ZERO), |bytes| {
            B256::try_from(&*bytes)
                .map_err(|_| ReadError("a block hash of another length stands in the store".into()).into())
        })
    }
}

type Inner<'j, 'a> = RevmJournal<JournalDb<'j, 'a>>;

/// See the module.
pub(crate) struct EvmJournal<'j, 'a> {
    inner: Inner<'j, 'a>,
    /// Ours, one for each that revm has open.
    open: Vec<Checkpoint>,
    /// A read that failed where revm's trait has no way to say so; the engine looks here in the end.
    pub(crate) failed: Option<ReadError>,
}

impl EvmJournal<'_, '_> {
    fn open_one(&mut self) {
        let checkpoint = self.inner.database.journal.checkpoint();
        self.open.push(checkpoint);
    }

    fn keep_one(&mut self) {
        let checkpoint = self.open.pop().expect("revm closes only what it opened");
        self.inner.database.journal.commit(checkpoint);
    }

    /// Whether storage stands under an address where a contract is about to be made (EIP-7610).
    fn has_storage(&mut self, address: Address) -> bool {
        let (from, to) = crate::key::storage_bounds(address);
        match self.inner.database.journal.range(&from, &to, 1) {
            Ok(slots) => !slots.is_empty(),
            Err(error) => {
                self.failed.get_or_insert(error);
                true
            }
        }
    }

    fn undo_one(&mut self) {
        let checkpoint = self.open.pop().expect("revm closes only what it opened");
        self.inner.database.journal.revert(checkpoint);
    }
}

impl<'j, 'a> JournalTr for EvmJournal<'j, 'a> {
    type Database = JournalDb<'j, 'a>;
    type State = EvmState;
    type JournaledAccount<'x>
        = JournaledAccount<'x, JournalDb<'j, 'a>, JournalEntry>
    where
        Self: 'x;

    fn new(database: Self::Database) -> Self {
        Self { inner: Inner::new(database), open: Vec::new(), failed: None }
    }

    fn checkpoint(&mut self) -> JournalCheckpoint {
        self.open_one();
        self.inner.checkpoint()
    }

    fn checkpoint_commit(&mut self) {
        self.keep_one();
        self.inner.checkpoint_commit();
    }

    fn checkpoint_revert(&mut self, checkpoint: JournalCheckpoint) {
        self.undo_one();
        self.inner.checkpoint_revert(checkpoint);
    }

    fn create_account_checkpoint(
        &mut self,
        caller: Address,
        address: Address,
        balance: U256,
        spec_id: SpecId,
    ) -> Result<JournalCheckpoint, TransferError> {
        if self.has_storage(address) {
            return Err(TransferError::CreateCollision);
        }
        // On an error revm has closed its checkpoint already, and nothing was done in ours.
        let checkpoint = self.inner.create_account_checkpoint(caller, address, balance, spec_id)?;
        self.open_one();
        Ok(checkpoint)
    }

    fn commit_tx(&mut self) {
        while !self.open.is_empty() {
            self.keep_one();
        }
        self.inner.commit_tx();
    }

    fn discard_tx(&mut self) {
        while !self.open.is_empty() {
            self.undo_one();
        }
        self.inner.discard_tx();
    }

    fn finalize(&mut self) -> EvmState {
        assert!(self.open.is_empty(), "a transaction ended with a checkpoint open");
        self.inner.finalize()
    }

    fn selfdestruct(
        &mut self,
        address: Address,
        target: Address,
        skip_cold_load: bool,
    ) -> Result<StateLoad<SelfDestructResult>, JournalLoadError<DbError>> {
        // revm lets the balance of a contract that destroys itself in favour of itself vanish. Declared in our
        // journal under the frame's checkpoint, so that it is taken back where the frame reverts.
        let spec = self.inner.cfg.spec;
        let vanishes = match self.inner.state.get(&address) {
            Some(account) if address == target => {
                let destroyed = account.is_created_locally() || !spec.is_enabled_in(SpecId::CANCUN);
                if destroyed { account.info.balance } else { U256::ZERO }
            }
            _ => U256::ZERO,
        };
        let result = self.inner.selfdestruct(address, target, skip_cold_load)?;
        if !vanishes.is_zero() {
            self.inner.database.journal.burn(vanishes).map_err(DbError)?;
        }
        Ok(result)
    }

    // What follows is revm's own, unchanged.

    fn db_and_state(&self) -> (&Self::Database, &EvmState) {
        self.inner.db_and_state()
    }

    fn db_and_state_mut(&mut self) -> (&mut Self::Database, &mut EvmState) {
        self.inner.db_and_state_mut()
    }

    fn sload(&mut self, address: Address, key: StorageKey) -> Result<StateLoad<StorageValue>, DbError> {
        self.inner.sload(address, key)
    }

    fn sload_skip_cold_load(
        &mut self,
        address: Address,
        key: StorageKey,
        skip: bool,
    ) -> Result<StateLoad<StorageValue>, JournalLoadError<DbError>> {
        self.inner.sload_skip_cold_load(address, key, skip)
    }

    fn sstore(
        &mut self,
        address: Address,
        key: StorageKey,
        value: StorageValue,
    ) -> Result<StateLoad<SStoreResult>, DbError> {
        self.inner.sstore(address, key, value)
    }

    fn sstore_skip_cold_load(
        &mut self,
        address: Address,
        key: StorageKey,
        value: StorageValue,
        skip: bool,
    ) -> Result<StateLoad<SStoreResult>, JournalLoadError<DbError>> {
        self.inner.sstore_skip_cold_load(address, key, value, skip)
    }

    fn tload(&mut self, address: Address, key: StorageKey) -> StorageValue {
        self.inner.tload(address, key)
    }

    fn tstore(&mut self, address: Address, key: StorageKey, value: StorageValue) {
        self.inner.tstore(address, key, value);
    }

    fn log(&mut self, log: Log) {
        self.inner.log(log);
    }

    fn logs(&self) -> &[Log] {
        self.inner.logs()
    }

    fn take_logs(&mut self) -> Vec<Log> {
        self.inner.take_logs()
    }

    fn warm_access_list(&mut self, access_list: AddressMap<HashSet<StorageKey>>) {
        self.inner.warm_access_list(access_list);
    }

    fn warm_coinbase_account(&mut self, address: Address) {
        self.inner.warm_coinbase_account(address);
    }

    fn warm_precompiles(&mut self, addresses: &AddressSet) {
        self.inner.warm_precompiles(addresses);
    }

    fn precompile_addresses(&self) -> &AddressSet {
        self.inner.precompile_addresses()
    }

    fn set_spec_id(&mut self, spec_id: SpecId) {
        self.inner.set_spec_id(spec_id);
    }

    fn set_eip7708_config(&mut self, disabled: bool, eip8246_delayed_clear_disabled: bool) {
        self.inner.set_eip7708_config(disabled, eip8246_delayed_clear_disabled);
    }

    fn touch_account(&mut self, address: Address) {
        self.inner.touch_account(address);
    }

    fn transfer(
        &mut self,
        from: Address,
        to: Address,
        balance: U256,
    ) -> Result<Option<TransferError>, DbError> {
        self.inner.transfer(from, to, balance)
    }

    fn transfer_loaded(&mut self, from: Address, to: Address, balance: U256) -> Option<TransferError> {
        self.inner.transfer_loaded(from, to, balance)
    }

    #[expect(deprecated, reason = "the trait still asks for it")]
    fn caller_accounting_journal_entry(&mut self, address: Address, old_balance: U256, bump_nonce: bool) {
        self.inner.caller_accounting_journal_entry(address, old_balance, bump_nonce);
    }

    fn balance_incr(&mut self, address: Address, balance: U256) -> Result<(), DbError> {
        self.inner.balance_incr(address, balance)
    }

    #[expect(deprecated, reason = "the trait still asks for it")]
    fn nonce_bump_journal_entry(&mut self, address: Address) {
        self.inner.nonce_bump_journal_entry(address);
    }

    fn load_account(&mut self, address: Address) -> Result<StateLoad<&Account>, DbError> {
        self.inner.load_account(address)
    }

    fn load_account_with_code(&mut self, address: Address) -> Result<StateLoad<&Account>, DbError> {
        self.inner.load_account_with_code(address)
    }

    fn load_account_delegated(&mut self, address: Address) -> Result<StateLoad<AccountLoad>, DbError> {
        self.inner.load_account_delegated(address)
    }

    fn load_account_mut_skip_cold_load(
        &mut self,
        address: Address,
        skip: bool,
    ) -> Result<StateLoad<Self::JournaledAccount<'_>>, JournalLoadError<DbError>> {
        self.inner.load_account_mut_skip_cold_load(address, skip)
    }

    fn load_account_mut_optional_code(
        &mut self,
        address: Address,
        load_code: bool,
    ) -> Result<StateLoad<Self::JournaledAccount<'_>>, DbError> {
        self.inner.load_account_mut_optional_code(address, load_code)
    }

    fn set_code_with_hash(&mut self, address: Address, code: Bytecode, hash: B256) {
        self.inner.set_code_with_hash(address, code, hash);
    }

    fn depth(&self) -> usize {
        JournalTr::depth(&self.inner)
    }

    fn load_account_info_skip_cold_load(
        &mut self,
        address: Address,
        load_code: bool,
        skip: bool,
    ) -> Result<AccountInfoLoad<'_>, JournalLoadError<DbError>> {
        self.inner.load_account_info_skip_cold_load(address, load_code, skip)
    }
}

impl JournalExt for EvmJournal<'_, '_> {
    fn journal(&self) -> &[JournalEntry] {
        &self.inner.inner.journal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_state::EmptyState;
    use weft_types::Bytes;

    /// What another machine would do in the middle of a frame.
    fn foreign_write(journal: &mut EvmJournal<'_, '_>, key: u8) {
        journal.db_mut().journal.set(vec![9, key], Bytes::from_static(b"x"));
    }

    #[test]
    fn a_frame_that_reverts_takes_foreign_writes_with_it() {
        let codes = CodeCache::default();
        let mut ours = Journal::new(&EmptyState);
        let mut journal = EvmJournal::new(JournalDb { journal: &mut ours, codes: &codes });
        let outer = journal.checkpoint();
        foreign_write(&mut journal, 1);
        let inner = journal.checkpoint();
        foreign_write(&mut journal, 2);
        journal.checkpoint_revert(inner);
        let _kept = journal.checkpoint();
        foreign_write(&mut journal, 3);
        journal.checkpoint_commit();
        assert_eq!(journal.open.len(), 1);
        let _ = outer;
        journal.checkpoint_commit();
        journal.commit_tx();
        let changes = ours.into_changes().expect("memory can be read");
        let keys: Vec<_> = changes.iter().map(|(key, _)| key.clone()).collect();
        assert_eq!(keys, [vec![9, 1], vec![9, 3]]);
    }

    #[test]
    fn a_discarded_transaction_leaves_nothing() {
        let codes = CodeCache::default();
        let mut ours = Journal::new(&EmptyState);
        let mut journal = EvmJournal::new(JournalDb { journal: &mut ours, codes: &codes });
        let _outer = journal.checkpoint();
        let _inner = journal.checkpoint();
        foreign_write(&mut journal, 1);
        journal.discard_tx();
        assert!(ours.into_changes().expect("memory can be read").is_empty());
    }

    #[test]
    fn a_vanished_balance_is_declared_only_where_the_frame_holds() {
        let codes = CodeCache::default();
        let address = Address::repeat_byte(1);
        for (keep, burnt) in [(true, U256::from(5)), (false, U256::ZERO)] {
            let mut ours = Journal::new(&EmptyState);
            let mut journal = EvmJournal::new(JournalDb { journal: &mut ours, codes: &codes });
            journal.set_spec_id(SpecId::CANCUN);
            journal.load_account(Address::ZERO).expect("loads");
            journal.balance_incr(Address::ZERO, U256::from(5)).expect("loads");
            journal.load_account(address).expect("loads");
            let checkpoint = journal
                .create_account_checkpoint(Address::ZERO, address, U256::from(5), SpecId::CANCUN)
                .expect("nothing is there");
            journal.selfdestruct(address, address, false).expect("loads");
            if keep {
                journal.checkpoint_commit();
            } else {
                journal.checkpoint_revert(checkpoint);
            }
            journal.commit_tx();
            assert_eq!(ours.supply().expect("reads"), U256::ZERO.wrapping_sub(burnt));
        }
    }
}
