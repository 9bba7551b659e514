//! [`World`]: a machine, a state in memory, and keys that sign for it.

use crate::{Detail, WasmConfig, WasmVm, address, address_of, auth, chain_id, direct_digest};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmos::base::v1beta1::Coin;
use cosmos_sdk_proto::cosmos::tx::signing::v1beta1::SignMode;
use cosmos_sdk_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};
use cosmos_sdk_proto::cosmwasm::wasm::v1::{MsgExecuteContract, MsgInstantiateContract, MsgStoreCode};
use prost::{Message as _, Name};
use secp256k1::{Message, SECP256K1, SecretKey};
use std::sync::Arc;
use weft_state::{EmptyState, Journal, Overlay, StateRead};
use weft_types::{AccountId, B256, Bytes, DaHeight, GasRate, Height, U256};
use weft_vm::{BlockEnv, Execution, FeeSplit, Outcome, Reject, Vm};

pub(super) const CHAIN: u64 = 31_337;
pub(super) const DENOM: &str = "awei";
pub(super) const BASE_FEE: u64 = 7;

pub(super) fn machine() -> WasmVm {
    let capabilities = crate::CAPABILITIES.iter().map(|name| (*name).to_owned()).collect();
    let rate = GasRate { numerator: 1, denominator: 20 };
    WasmVm::new(WasmConfig {
        specs: vec![(DaHeight(0), crate::NEWEST_SPEC.to_owned(), rate, capabilities)],
        chain_id: chain_id(CHAIN),
        denom: DENOM.to_owned(),
        bech32_prefix: address::PREFIX.to_owned(),
        cache_dir: None,
        pooling: false,
    })
    .expect("the newest rules")
}

pub(super) fn env() -> BlockEnv {
    BlockEnv {
        chain_id: CHAIN,
        height: Height(5),
        origin: DaHeight(9),
        parent_hash: B256::repeat_byte(5),
        timestamp_ms: 1_760_000_000_000,
        prevrandao: B256::ZERO,
        gas_limit: 1_000_000_000,
        base_fee: BASE_FEE,
        fee_recipient: AccountId(B256::repeat_byte(0xfe)),
        fees: FeeSplit {
            treasury: AccountId(B256::repeat_byte(0xfd)),
            base_to_recipient_bp: 1_234,
            base_to_treasury_bp: 3_333,
        },
    }
}

/// A user's key, the same in every run.
#[derive(Clone)]
pub(super) struct User {
    pub(super) secret: SecretKey,
    pub(super) pubkey: [u8; 33],
    pub(super) address: String,
    pub(super) id: AccountId,
}

pub(super) fn user(seed: u8) -> User {
    let secret = SecretKey::from_byte_array([seed; 32]).expect("a key");
    let pubkey = secret.public_key(SECP256K1).serialize();
    let address = address::encode(&address_of(&pubkey));
    let id = address::parse(&address).expect("its own form");
    User { secret, pubkey, address, id }
}

/// A transaction that can be bent before it is signed.
pub(super) struct Draft {
    pub(super) body: TxBody,
    pub(super) fee: Fee,
    pub(super) chain_id: String,
    pub(super) sequence: u64,
    pub(super) name_key: bool,
}

impl Draft {
    /// `messages` with a fee of just the block's price.
    pub(super) fn new(messages: Vec<Any>, gas_limit: u64) -> Self {
        let amount = vec![coin(u128::from(gas_limit) * u128::from(BASE_FEE))];
        Self {
            body: TxBody { messages, ..TxBody::default() },
            fee: Fee { amount, gas_limit, ..Fee::default() },
            chain_id: chain_id(CHAIN),
            sequence: 0,
            name_key: true,
        }
    }

    /// `TxRaw` with a signature of each.
    pub(super) fn sign(&self, signers: &[&User]) -> Bytes {
        let mode = ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) };
        let info = |user: &&User| SignerInfo {
            public_key: self.name_key.then(|| auth::pubkey_any(&user.pubkey)),
            mode_info: Some(mode.clone()),
            sequence: self.sequence,
        };
        let auth_info = AuthInfo {
            signer_infos: signers.iter().map(info).collect(),
            fee: Some(self.fee.clone()),
            ..AuthInfo::default()
        };
        let (body_bytes, auth_info_bytes) = (self.body.encode_to_vec(), auth_info.encode_to_vec());
        let signatures = signers.iter().map(|user| {
            let number = auth::account_number(&address_of(&user.pubkey));
            let digest = direct_digest(&body_bytes, &auth_info_bytes, &self.chain_id, number);
            SECP256K1.sign_ecdsa(Message::from_digest(digest), &user.secret).serialize_compact().to_vec()
        });
        let signatures = signatures.collect();
        TxRaw { body_bytes, auth_info_bytes, signatures }.encode_to_vec().into()
    }
}

pub(super) fn any<M: prost::Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}.{}", M::PACKAGE, M::NAME), value: message.encode_to_vec() }
}

pub(super) fn coin(amount: u128) -> Coin {
    Coin { denom: DENOM.to_owned(), amount: amount.to_string() }
}

pub(super) fn send(from: &User, to: &User, amount: u128) -> Any {
    any(&MsgSend {
        from_address: from.address.clone(),
        to_address: to.address.clone(),
        amount: vec![coin(amount)],
    })
}

pub(super) fn store(sender: &User, wat: &str) -> Any {
    let wasm_byte_code = wat::parse_str(wat).expect("a module");
    any(&MsgStoreCode { sender: sender.address.clone(), wasm_byte_code, instantiate_permission: None })
}

pub(super) fn instantiate(sender: &User, code_id: u64, funds: u128) -> Any {
    any(&MsgInstantiateContract {
        sender: sender.address.clone(),
        admin: sender.address.clone(),
        code_id,
        label: "a contract".to_owned(),
        msg: b"{}".to_vec(),
        funds: if funds == 0 { Vec::new() } else { vec![coin(funds)] },
    })
}

pub(super) fn call(sender: &User, contract: &str, msg: &str) -> Any {
    any(&MsgExecuteContract {
        sender: sender.address.clone(),
        contract: contract.to_owned(),
        msg: msg.as_bytes().to_vec(),
        funds: Vec::new(),
    })
}

/// The address of the first contract of the first code.
pub(super) fn first_contract() -> String {
    address::encode(&crate::keeper::addresses::classic(1, 1))
}

pub(super) struct World {
    pub(super) vm: WasmVm,
    pub(super) env: BlockEnv,
    pub(super) state: Arc<dyn StateRead>,
}

impl World {
    /// Each of `funded` has 10^18.
    pub(super) fn new(funded: &[&User]) -> Self {
        let mut journal = Journal::new(&EmptyState);
        let wei = U256::from(10).pow(U256::from(18));
        for user in funded {
            journal.mint(wei).expect("memory");
            journal.credit(user.id, wei).expect("it fits");
        }
        journal.end_transaction().expect("what was minted was credited");
        let changes = Arc::new(journal.into_changes().expect("memory"));
        let state: Arc<dyn StateRead> = Arc::new(Overlay::new(Arc::new(EmptyState), changes));
        Self { vm: machine(), env: env(), state }
    }

    /// One transaction; what it leaves is the state of the next one.
    pub(super) fn run(&mut self, payload: &[u8]) -> Result<(Outcome, Detail), Reject> {
        let checked = self.vm.check(payload)?;
        let mut journal = Journal::new(&*self.state);
        let execution = self.vm.execute(&mut journal, &self.env, &checked).expect("memory");
        journal.end_transaction().expect("a transaction conserves balances");
        let changes = Arc::new(journal.into_changes().expect("memory"));
        match execution {
            Execution::Executed(outcome) => {
                self.state = Arc::new(Overlay::new(Arc::clone(&self.state), changes));
                let detail = Detail::decode(&outcome.detail).expect("its own form");
                Ok((outcome, detail))
            }
            Execution::Rejected(reject) => {
                assert!(changes.iter().next().is_none(), "rejected, and it left something");
                Err(reject)
            }
        }
    }

    pub(super) fn balance(&self, user: &User) -> U256 {
        Journal::new(&*self.state).balance(user.id).expect("memory")
    }

    pub(super) fn sequence(&self, user: &User) -> u64 {
        auth::record(&mut Journal::new(&*self.state), user.id).expect("memory").sequence
    }

    pub(super) fn query(&self, path: &str, data: &[u8]) -> Result<Vec<u8>, crate::Fault> {
        let mut journal = Journal::new(&*self.state);
        let answer = self.vm.abci_query(&mut journal, &self.env, path, data, 10_000_000).expect("memory");
        assert!(journal.into_changes().expect("memory").iter().next().is_none(), "a query wrote");
        answer
    }
}
