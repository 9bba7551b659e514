//! Look-ups that Solana's RPC asks for and that the keys of the state do not answer: which accounts a program owns,
//! which token accounts a wallet, a mint or a delegate has, and which accounts a transaction names.
//!
//! ```text
//! a block's ChangeSet ─ACCOUNT records, before and after─> changes() ─> keys under INDEX, each with an empty value
//!
//! INDEX | SBF | 1 | program 32                  | account 32
//! INDEX | SBF | 2 | token program 32 | wallet 32   | account 32       Token and Token-2022, by their common layout:
//! INDEX | SBF | 3 | token program 32 | mint 32     | account 32       mint 32 | wallet 32 | amount u64 | delegate: u32 LE,
//! INDEX | SBF | 4 | token program 32 | delegate 32 | account 32       pubkey 32 | state u8 ...
//! ```
//! Entries are a function of the records alone, and the node stores them with the state that they follow from (see
//! [`weft_state::key::INDEX`]): they are right at every height that can be read.
//!
//! Invariants, as negatives:
//! - No two accounts share an entry, so that what one account drops no other has.
//! - No wallet without a record is found by its owner, the system program: only the ledger knows it.

use crate::detail::Detail;
use crate::record::{self, RecordData};
use crate::{key, transaction};
use solana_pubkey::Pubkey;
use weft_state::{ChangeSet, Key, ReadError, StateRead};
use weft_types::{Bytes, VmId};

/// SPL Token.
pub const TOKEN: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub const TOKEN_2022: Pubkey = Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

/// Bytes of a token account, without Token-2022's extensions.
const TOKEN_ACCOUNT_BYTES: usize = 165;
/// No account of Token-2022 has the length of a multisig, so that the two are told apart.
const MULTISIG_BYTES: usize = 355;
/// Where the state stands; 0 is not initialized.
const STATE: usize = 108;
/// `AccountType::Account`, which stands behind the first [`TOKEN_ACCOUNT_BYTES`] where there are extensions.
const TYPE_ACCOUNT: u8 = 2;

/// What accounts are looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexPrefix {
    /// Accounts that a program owns; the system program: those with data, such as nonces.
    Owner {
        /// The program.
        program: [u8; 32],
    },
    /// Token accounts of a wallet.
    TokenOwner {
        /// [`TOKEN`] or [`TOKEN_2022`].
        token_program: [u8; 32],
        /// The wallet.
        wallet: [u8; 32],
    },
    /// Token accounts of a mint.
    TokenMint {
        /// [`TOKEN`] or [`TOKEN_2022`].
        token_program: [u8; 32],
        /// The mint.
        mint: [u8; 32],
    },
    /// Token accounts that a delegate may take from.
    TokenDelegate {
        /// [`TOKEN`] or [`TOKEN_2022`].
        token_program: [u8; 32],
        /// The delegate.
        delegate: [u8; 32],
    },
}

impl IndexPrefix {
    /// What the keys of its entries begin with; the account's 32 bytes follow.
    #[must_use]
    pub fn to_key(&self) -> Key {
        let (kind, first, second) = match self {
            Self::Owner { program } => (1, program, None),
            Self::TokenOwner { token_program, wallet } => (2, token_program, Some(wallet)),
            Self::TokenMint { token_program, mint } => (3, token_program, Some(mint)),
            Self::TokenDelegate { token_program, delegate } => (4, token_program, Some(delegate)),
        };
        let mut bytes = vec![kind];
        bytes.extend_from_slice(first);
        bytes.extend_from_slice(second.map_or(&[], |second| second.as_slice()));
        weft_state::key::index(VmId::SBF, &bytes)
    }
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexKey {
    /// What it is found by.
    pub prefix: IndexPrefix,
    /// The account.
    pub account: [u8; 32],
}

impl IndexKey {
    /// Its key.
    #[must_use]
    pub fn to_key(&self) -> Key {
        let mut key = self.prefix.to_key();
        key.extend_from_slice(&self.account);
        key
    }
}

/// The entries of an account with that record. `first_page` is asked for where the record is of a paged account of a
/// token program: such a one may be a token account with a long tail.
///
/// # Errors
/// What `first_page` fails with.
pub fn entries(
    account: [u8; 32],
    record: &Bytes,
    first_page: impl FnOnce() -> Result<Option<Bytes>, ReadError>,
) -> Result<Vec<IndexKey>, ReadError> {
    let Some(record) = record::decode(record) else { return Ok(Vec::new()) };
    let program = record.owner.to_bytes();
    let entry = |prefix| IndexKey { prefix, account };
    let mut entries = vec![entry(IndexPrefix::Owner { program })];
    if record.owner != TOKEN && record.owner != TOKEN_2022 {
        return Ok(entries);
    }
    let (len, data) = match record.data {
        RecordData::Inline(data) => (data.len(), data),
        RecordData::Paged { len, .. } => (len, first_page()?.unwrap_or_default()),
    };
    if let Some(token) = TokenAccount::read(&record.owner, len, &data) {
        let token_program = program;
        entries.push(entry(IndexPrefix::TokenOwner { token_program, wallet: token.wallet }));
        entries.push(entry(IndexPrefix::TokenMint { token_program, mint: token.mint }));
        let delegate = token.delegate.map(|delegate| IndexPrefix::TokenDelegate { token_program, delegate });
        entries.extend(delegate.map(entry));
    }
    Ok(entries)
}

struct TokenAccount {
    mint: [u8; 32],
    wallet: [u8; 32],
    delegate: Option<[u8; 32]>,
}

impl TokenAccount {
    /// As spl-generic-token tells token accounts from mints and multisigs. `data` may end behind the account's type.
    fn read(program: &Pubkey, len: usize, data: &[u8]) -> Option<Self> {
        let plain = len == TOKEN_ACCOUNT_BYTES;
        let extended = *program == TOKEN_2022
            && len > TOKEN_ACCOUNT_BYTES
            && len != MULTISIG_BYTES
            && data.get(TOKEN_ACCOUNT_BYTES) == Some(&TYPE_ACCOUNT);
        if !(plain || extended) || *data.get(STATE)? == 0 {
            return None;
        }
        let (mint, rest) = data.split_first_chunk::<32>()?;
        let (wallet, rest) = rest.split_first_chunk::<32>()?;
        let (is_some, delegate) = rest.get(8..44)?.split_first_chunk::<4>()?;
        let delegate = if u32::from_le_bytes(*is_some) == 1 { delegate.try_into().ok() } else { None };
        Some(Self { mint: *mint, wallet: *wallet, delegate })
    }
}

/// What a block with those `changes` of the state changes in the index; `before` is the state before it, asked only for
/// what the changes do not tell.
///
/// # Errors
/// [`ReadError`] where the store fails.
pub fn changes(changes: &ChangeSet, before: &dyn StateRead) -> Result<ChangeSet, ReadError> {
    let old = |key: &[u8]| match changes.previous(key) {
        Some(value) => Ok(value.clone()),
        None => before.get(key),
    };
    let new = |key: &[u8]| changes.get(key).map_or_else(|| before.get(key), |value| Ok(value.clone()));
    let mut index = ChangeSet::default();
    let (from, to) = ([VmId::SBF.0, key::ACCOUNT], [VmId::SBF.0, key::ACCOUNT + 1]);
    for (record_key, record) in changes.range(&from, &to) {
        let Some(account) = record_key.get(from.len()..).and_then(|account| account.try_into().ok()) else {
            continue;
        };
        let page = key::page(&Pubkey::from(account), 0);
        let gone = old(record_key)?.map(|record| entries(account, &record, || old(&page)));
        let gone = gone.transpose()?.unwrap_or_default();
        let made = record.as_ref().map(|record| entries(account, record, || new(&page)));
        let made = made.transpose()?.unwrap_or_default();
        for entry in gone.iter().filter(|entry| !made.contains(entry)) {
            index.insert_over(entry.to_key(), None, Some(Bytes::new()));
        }
        for entry in made.iter().filter(|entry| !gone.contains(entry)) {
            index.insert_over(entry.to_key(), Some(Bytes::new()), None);
        }
    }
    Ok(index)
}

/// Up to `limit` accounts with that prefix in `state`, ascending.
///
/// # Errors
/// [`ReadError`] where the store fails.
pub fn accounts(
    state: &dyn StateRead,
    prefix: &IndexPrefix,
    limit: usize,
) -> Result<Vec<[u8; 32]>, ReadError> {
    let from = prefix.to_key();
    let mut to = from.clone();
    // Behind every account: those have 32 bytes.
    to.extend_from_slice(&[0xff; 33]);
    let found = state.range(&from, &to, limit)?;
    Ok(found.iter().filter_map(|(key, _)| key.last_chunk::<32>().copied()).collect())
}

/// The accounts that an executed transaction names: those of its message, then those that lookup tables gave, as its
/// [`Detail`] has them.
#[must_use]
pub fn addresses(payload: &[u8], detail: &[u8]) -> Vec<[u8; 32]> {
    let Ok(transaction) = transaction::decode(payload) else { return Vec::new() };
    let message = &transaction.message;
    let mut addresses: Vec<_> = message.static_account_keys().iter().map(Pubkey::to_bytes).collect();
    if message.address_table_lookups().is_some_and(|tables| !tables.is_empty()) {
        let detail = Detail::decode(detail).unwrap_or_default();
        let loaded = detail.loaded_writable.iter().chain(&detail.loaded_readonly);
        addresses.extend(loaded.map(Pubkey::to_bytes));
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use weft_state::EmptyState;

    const ACCOUNT: [u8; 32] = [7; 32];

    fn token(len: usize, delegate: Option<u8>, state: u8, kind: u8) -> Vec<u8> {
        let mut data = vec![0; len.max(166)];
        data[..32].fill(1);
        data[32..64].fill(2);
        if let Some(delegate) = delegate {
            data[72] = 1;
            data[76..108].fill(delegate);
        }
        data[STATE] = state;
        data[165] = kind;
        data.truncate(len);
        data
    }

    fn found(owner: &Pubkey, data: &[u8]) -> Vec<IndexKey> {
        let record = record::encode(owner, false, data);
        let page = data.chunks(record::PAGE_BYTES).next().map(Bytes::copy_from_slice);
        entries(ACCOUNT, &record, || Ok(page)).expect("memory")
    }

    #[test]
    fn token_accounts_are_told_from_mints_and_multisigs() {
        let is_token = |owner: &Pubkey, data: &[u8]| found(owner, data).len() > 1;
        assert!(is_token(&TOKEN, &token(165, None, 1, 0)));
        assert!(is_token(&TOKEN, &token(165, None, 2, 0)), "a frozen one is one");
        assert!(!is_token(&TOKEN, &token(165, None, 0, 0)), "not initialized");
        assert!(!is_token(&TOKEN, &token(170, None, 1, 2)), "only Token-2022 has extensions");
        assert!(!is_token(&TOKEN, &[1; 82]), "a mint");
        assert!(is_token(&TOKEN_2022, &token(165, None, 1, 0)));
        assert!(is_token(&TOKEN_2022, &token(182, None, 1, 2)));
        assert!(!is_token(&TOKEN_2022, &token(182, None, 1, 1)), "a mint with extensions");
        assert!(!is_token(&TOKEN_2022, &token(355, None, 1, 2)), "a multisig");
        assert!(is_token(&TOKEN_2022, &token(40_000, None, 1, 2)), "a long one, in pages");
        assert!(!is_token(&Pubkey::new_from_array([3; 32]), &token(165, None, 1, 0)), "of another program");
    }

    #[test]
    fn a_token_account_is_found_by_program_wallet_mint_and_delegate() {
        let token_program = TOKEN.to_bytes();
        let mut prefixes = vec![
            IndexPrefix::Owner { program: token_program },
            IndexPrefix::TokenOwner { token_program, wallet: [2; 32] },
            IndexPrefix::TokenMint { token_program, mint: [1; 32] },
        ];
        let expected = |prefixes: &[IndexPrefix]| -> Vec<_> {
            prefixes.iter().map(|prefix| IndexKey { prefix: *prefix, account: ACCOUNT }).collect()
        };
        assert_eq!(found(&TOKEN, &token(165, None, 1, 0)), expected(&prefixes));
        prefixes.push(IndexPrefix::TokenDelegate { token_program, delegate: [9; 32] });
        assert_eq!(found(&TOKEN, &token(165, Some(9), 1, 0)), expected(&prefixes));
    }

    /// Solana's wire form with three accounts, as a legacy transaction or as a v0 one with a lookup table.
    fn wire(table: bool) -> Vec<u8> {
        let mut bytes = [&[1][..], &[0; 64]].concat();
        bytes.extend_from_slice(if table { &[0x80] } else { &[] });
        bytes.extend_from_slice(&[1, 0, 0, 3]);
        [[1; 32], [2; 32], [3; 32], [0; 32]].iter().for_each(|key| bytes.extend_from_slice(key));
        bytes.extend_from_slice(&[1, 2, 2, 0, 1, 0]);
        if table {
            bytes.push(1);
            bytes.extend_from_slice(&[5; 32]);
            bytes.extend_from_slice(&[1, 0, 1, 1]);
        }
        bytes
    }

    #[test]
    fn a_transaction_names_its_own_accounts_and_those_of_tables() {
        let detail = Detail {
            loaded_writable: vec![Pubkey::new_from_array([8; 32])],
            loaded_readonly: vec![Pubkey::new_from_array([9; 32])],
            ..Detail::default()
        };
        let (detail, own) = (detail.encode(), [[1; 32], [2; 32], [3; 32]]);
        assert_eq!(addresses(&wire(false), &detail), own);
        assert_eq!(addresses(&wire(true), &detail), [&own[..], &[[8; 32], [9; 32]]].concat());
        assert_eq!(addresses(&wire(true), &[]), own, "what the block's bounds left out is not found");
        assert!(addresses(&wire(true)[1..], &detail).is_empty());
    }

    #[derive(Clone, Default)]
    struct State(BTreeMap<Key, Bytes>);

    impl State {
        fn apply(&mut self, changes: &ChangeSet) {
            for (key, value) in changes.iter() {
                match value {
                    Some(value) => drop(self.0.insert(key.clone(), value.clone())),
                    None => drop(self.0.remove(key)),
                }
            }
        }
    }

    impl StateRead for State {
        fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
            Ok(self.0.get(key).cloned())
        }

        fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
            let pairs = self.0.range(from.to_vec()..to.to_vec()).take(limit);
            Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
    }

    fn scan(state: &State) -> BTreeSet<Key> {
        let mut found = BTreeSet::new();
        for (key, record) in
            state.0.range(vec![VmId::SBF.0, key::ACCOUNT]..vec![VmId::SBF.0, key::ACCOUNT + 1])
        {
            let account = *key.last_chunk::<32>().expect("a pubkey");
            let page = key::page(&Pubkey::from(account), 0);
            let entries = entries(account, record, || state.get(&page)).expect("memory");
            found.extend(entries.iter().map(IndexKey::to_key));
        }
        found
    }

    /// A value of an account: its owner, and its data.
    fn account() -> impl Strategy<Value = Option<(Pubkey, Vec<u8>)>> {
        let owner = prop_oneof![Just(TOKEN), Just(TOKEN_2022), Just(Pubkey::new_from_array([3; 32]))];
        let len = prop_oneof![Just(0usize), Just(82), Just(165), Just(170), Just(355), Just(9_000)];
        let data = (len, prop::option::of(3..5u8), 0..3u8, 0..3u8, 0..3u8).prop_map(
            |(len, delegate, state, kind, mint)| {
                let mut data = token(len, delegate, state, kind);
                data.iter_mut().take(1).for_each(|byte| *byte = mint);
                data
            },
        );
        prop::option::weighted(0.8, (owner, data))
    }

    proptest! {
        #[test]
        fn what_changes_gives_what_a_scan_gives(
            blocks in prop::collection::vec(prop::collection::btree_map(0..6u8, account(), 0..5), 1..12),
            told: bool,
        ) {
            let (mut state, mut index) = (State::default(), State::default());
            for block in blocks {
                let mut journal = weft_state::Journal::new(&state);
                for (account, value) in block {
                    let pubkey = Pubkey::new_from_array([account; 32]);
                    let (record, data) = match &value {
                        Some((owner, data)) => (Some(record::encode(owner, false, data)), &data[..]),
                        None => (None, &[][..]),
                    };
                    crate::accounts::write_record(&mut journal, &pubkey, record, data).expect("memory");
                }
                let block = journal.into_changes().expect("memory");
                // The same without what the keys held before.
                let bare: ChangeSet = block.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
                let made = changes(if told { &block } else { &bare }, &state).expect("memory");
                for (key, value) in made.iter() {
                    prop_assert_eq!(index.0.contains_key(key), value.is_none(), "it tells changes only");
                    prop_assert_eq!(made.previous(key), Some(&index.0.get(key).cloned()));
                }
                state.apply(&block);
                index.apply(&made);
                prop_assert_eq!(index.0.keys().cloned().collect::<BTreeSet<_>>(), scan(&state));
            }
            let prefix = IndexPrefix::Owner { program: TOKEN.to_bytes() };
            let all = accounts(&index, &prefix, usize::MAX).expect("memory");
            let expected: Vec<[u8; 32]> = (0..6u8).map(|account| [account; 32])
                .filter(|account| index.0.contains_key(&IndexKey { prefix, account: *account }.to_key()))
                .collect();
            prop_assert_eq!(&all, &expected);
            prop_assert_eq!(accounts(&index, &prefix, 2).expect("memory"), &expected[..expected.len().min(2)]);
            prop_assert!(accounts(&EmptyState, &prefix, 2).expect("memory").is_empty());
        }
    }
}
