//! One post-state: sign, check, execute, compare.

use crate::Verdict;
use crate::fixture::{Account, Post, Test, Transaction};
use crate::root::{State, state_root};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Signature, TxKind, U256, keccak256};
use secp256k1::{Message, SECP256K1, SecretKey};
use weft_evm::{EvmConfig, EvmVm};
use weft_state::{Journal, Key, ReadError, StateRead, key as host};
use weft_types::{AccountId, Bytes, DaHeight, Height};
use weft_vm::{BlockEnv, Execution, FeeSplit, Vm};

/// A test's machine, block and state before the transaction.
pub struct Prepared<'t> {
    test: &'t Test,
    vm: EvmVm,
    block: Option<BlockEnv>,
    pre: Memory,
}

pub struct Memory(pub State);

impl StateRead for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        Ok(self.0.get(key).cloned())
    }

    fn range(&self, from: &[u8], to: &[u8], limit: usize) -> Result<Vec<(Key, Bytes)>, ReadError> {
        let range = self.0.range(from.to_vec()..to.to_vec()).take(limit);
        Ok(range.map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

impl<'t> Prepared<'t> {
    pub fn new(test: &'t Test) -> Self {
        let specs = vec![(DaHeight(0), "cancun".to_owned())];
        let vm = EvmVm::new(EvmConfig { chain_id: 1, specs, ..EvmConfig::default() }).expect("a spec");
        let block = block(test);
        let mut state = State::new();
        for (address, account) in &test.pre {
            insert_account(&mut state, *address, account);
        }
        if let Some(block) = &block {
            insert_block_hashes(&mut state, block.height.0);
        }
        Self { test, vm, block, pre: Memory(state) }
    }

    pub fn run(&self, post: &Post) -> Verdict {
        let transaction = &self.test.transaction;
        if transaction.blob_versioned_hashes.is_some() || transaction.max_fee_per_blob_gas.is_some() {
            return Verdict::LeftOut("blob transaction (EIP-4844), refused by design");
        }
        let Some(block) = &self.block else {
            return Verdict::LeftOut("a block with a number, time or fee of more than 64 bits");
        };
        // What can't be written as a transaction at all is given as bytes.
        let raw = sign(transaction, post).or_else(|| post.txbytes.as_ref().map(|bytes| bytes.to_vec()));
        let Some(raw) = raw else {
            return Verdict::Failed("no transaction can be made of it".into());
        };
        match (self.apply(block, &raw), &post.expect_exception) {
            (Err(error), None) => Verdict::Failed(error),
            (Err(_), Some(_)) => compare(&self.pre.0, &[], post),
            (Ok((state, logs)), None) => compare(&state, &logs, post),
            (Ok(_), Some(exception)) => Verdict::Failed(format!("executed where {exception} is expected")),
        }
    }

    fn apply(&self, block: &BlockEnv, raw: &[u8]) -> Result<(State, Vec<alloy_primitives::Log>), String> {
        let checked = self.vm.check(raw).map_err(|reject| reject.to_string())?;
        let mut journal = Journal::new(&self.pre);
        let execution = self.vm.execute(&mut journal, block, &checked).map_err(|error| error.to_string())?;
        let effects = journal.end_transaction().unwrap_or_else(|violation| panic!("{violation}"));
        let logs = effects.logs.iter().map(ethereum_log).collect();
        let changes = journal.into_changes().map_err(|error| error.to_string())?;
        if let Execution::Rejected(reject) = execution {
            assert!(changes.is_empty(), "a rejected transaction left changes");
            return Err(reject.to_string());
        }
        let mut state = self.pre.0.clone();
        for (key, value) in changes.iter() {
            match value {
                Some(value) => drop(state.insert(key.clone(), value.clone())),
                None => drop(state.remove(key)),
            }
        }
        Ok((state, logs))
    }
}

fn compare(state: &State, logs: &[alloy_primitives::Log], post: &Post) -> Verdict {
    let root = state_root(state);
    if root != post.hash {
        return Verdict::Failed(format!("state root {root}, expected {}", post.hash));
    }
    let hash = keccak256(alloy_rlp::encode(logs.to_vec()));
    if hash != post.logs {
        return Verdict::Failed(format!("logs hash to {hash}, expected {}", post.logs));
    }
    Verdict::Passed
}

fn ethereum_log(log: &weft_types::Log) -> alloy_primitives::Log {
    let address = log.account_id().as_evm().expect("the EVM logs for EVM accounts");
    alloy_primitives::Log::new_unchecked(address, log.topics.clone(), log.data.clone())
}

fn block(test: &Test) -> Option<BlockEnv> {
    let env = &test.env;
    let random = env.current_random.or(env.current_difficulty).unwrap_or_default();
    Some(BlockEnv {
        chain_id: 1,
        height: Height(env.current_number.try_into().ok()?),
        origin: DaHeight(1),
        parent_hash: B256::ZERO,
        timestamp_ms: u64::try_from(env.current_timestamp).ok()?.checked_mul(1000)?,
        prevrandao: B256::from(random),
        gas_limit: env.current_gas_limit.saturating_to(),
        base_fee: env.current_base_fee.unwrap_or_default().try_into().ok()?,
        fee_recipient: AccountId::from_evm(env.current_coinbase),
        // Ethereum's rule: all of the base fee is burnt.
        fees: FeeSplit {
            treasury: AccountId::from_evm(Address::ZERO),
            base_to_recipient_bp: 0,
            base_to_treasury_bp: 0,
        },
    })
}

fn insert_account(state: &mut State, address: Address, account: &Account) {
    let Account { balance, nonce, code, storage } = account;
    let nonce: u64 = (*nonce).try_into().expect("nonces fit 64 bits");
    // An account that exists and is empty needs its record to exist: these tests have such accounts.
    if nonce != 0 || !code.is_empty() || balance.is_zero() {
        let mut record = nonce.to_be_bytes().to_vec();
        if !code.is_empty() {
            let hash = keccak256(code);
            record.extend_from_slice(hash.as_slice());
            state.insert(weft_evm::key::code(hash), code.0.clone());
        }
        state.insert(weft_evm::key::account(address), record.into());
    }
    if !balance.is_zero() {
        state.insert(host::ledger(AccountId::from_evm(address)), word(*balance));
    }
    for (slot, value) in storage.iter().filter(|(_, value)| !value.is_zero()) {
        state.insert(weft_evm::key::storage(address, *slot), word(*value));
    }
}

/// The tests' convention: the hash of block n is keccak256 of its decimal digits.
fn insert_block_hashes(state: &mut State, height: u64) {
    for number in height.saturating_sub(256)..height {
        let hash = keccak256(number.to_string());
        state.insert(host::block_hash(Height(number)), Bytes::copy_from_slice(hash.as_slice()));
    }
}

fn word(value: U256) -> Bytes {
    Bytes::copy_from_slice(&value.to_be_bytes::<32>())
}

/// The transaction of `post` as signed bytes; `None` where its fields do not fit one.
fn sign(transaction: &Transaction, post: &Post) -> Option<Vec<u8>> {
    let key = SecretKey::from_byte_array(transaction.secret_key?.0).ok()?;
    let at = &post.indexes;
    let nonce = transaction.nonce.try_into().ok()?;
    let gas_limit = transaction.gas_limit.get(at.gas)?.try_into().ok()?;
    let value: U256 = transaction.value.get(at.value)?.parse().ok()?;
    let input = transaction.data.get(at.data)?.clone();
    let to = match transaction.to.as_str() {
        "" | "0x" => TxKind::Create,
        to => TxKind::Call(to.parse().ok()?),
    };
    let access_list = transaction.access_lists.get(at.data).cloned().flatten().map(|items| {
        AccessList(
            items
                .into_iter()
                .map(|item| AccessListItem { address: item.address, storage_keys: item.storage_keys })
                .collect(),
        )
    });
    if transaction.authorization_list.is_some() {
        return None;
    }
    let envelope = if let Some(max_fee) = transaction.max_fee_per_gas {
        signed(
            TxEip1559 {
                chain_id: 1,
                nonce,
                gas_limit,
                max_fee_per_gas: max_fee.try_into().ok()?,
                max_priority_fee_per_gas: transaction
                    .max_priority_fee_per_gas
                    .unwrap_or_default()
                    .try_into()
                    .ok()?,
                to,
                value,
                access_list: access_list.unwrap_or_default(),
                input,
            },
            &key,
        )
    } else {
        let gas_price = transaction.gas_price?.try_into().ok()?;
        match access_list {
            Some(access_list) => signed(
                TxEip2930 { chain_id: 1, nonce, gas_price, gas_limit, to, value, access_list, input },
                &key,
            ),
            None => {
                signed(TxLegacy { chain_id: Some(1), nonce, gas_price, gas_limit, to, value, input }, &key)
            }
        }
    };
    Some(envelope.encoded_2718())
}

fn signed<T: SignableTransaction<Signature>>(transaction: T, key: &SecretKey) -> TxEnvelope
where
    TxEnvelope: From<alloy_consensus::Signed<T>>,
{
    let digest = Message::from_digest(transaction.signature_hash().0);
    let (id, compact) = SECP256K1.sign_ecdsa_recoverable(digest, key).serialize_compact();
    let signature = Signature::from_bytes_and_parity(&compact, i32::from(id) == 1);
    transaction.into_signed(signature).into()
}
