//! Queries by ABCI path: those of auth and tx here, those of wasm and bank by the [`Keeper`].
//!
//! Invariants, as negatives:
//! - No query leaves anything in the journal: callers revert it.
//! - No answer lists more than [`PAGE_MAX`] accounts, nor passes more than it was paid for.

use crate::execute::index;
use crate::fault::Fault;
use crate::gas::{self, GasMeter};
use crate::keeper::Keeper;
use crate::keeper::addresses::Address;
use crate::keeper::page::{self, List};
use crate::simulate::SIMULATE_PATH;
use crate::transaction::{BYTE_GAS, MEMO_BYTES_MAX, SIGNATURE_GAS, SIGNATURES_MAX};
use crate::{WasmVm, address, auth, key};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::auth::v1beta1 as proto;
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::{GasInfo, Result as AbciResult, TxMsgData};
use cosmos_sdk_proto::cosmos::tx::v1beta1::{SimulateRequest, SimulateResponse};
use cosmos_sdk_proto::tendermint::abci::{Event as AbciEvent, EventAttribute};
use prost::Message as _;
use weft_state::{Journal, ReadError};

use weft_vm::BlockEnv;

/// Most accounts of a page.
const PAGE_MAX: u64 = 1_000;

impl WasmVm {
    /// Answers an ABCI query within `gas`; the journal stays as it was.
    ///
    /// # Errors
    /// The outer one: the store failed. The inner one: what the client is told.
    pub fn abci_query(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        path: &str,
        data: &[u8],
        gas: u64,
    ) -> Result<Result<Vec<u8>, Fault>, ReadError> {
        let checkpoint = journal.checkpoint();
        let result = self.route(journal, env, &mut GasMeter::new(gas), path, data);
        journal.revert(checkpoint);
        match result {
            Err(Fault::Read(error)) => Err(error),
            result => Ok(result),
        }
    }

    pub(crate) fn route(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        meter: &mut GasMeter,
        path: &str,
        data: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        if let Some(name) = path.strip_prefix("/cosmos.auth.v1beta1.Query/") {
            meter.charge(gas::RECORD, "account")?;
            return accounts(journal, meter, name, data);
        }
        if path == SIMULATE_PATH {
            return self.simulate_query(journal, env, meter, data);
        }
        let rules = self.schedule.rules(env.origin);
        Keeper::new(journal, &self.engine, env, rules, meter, None).query(path, data)
    }

    fn simulate_query(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        meter: &mut GasMeter,
        data: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let request: SimulateRequest = read(data)?;
        #[allow(deprecated)]
        let tx = request.tx.map(|tx| tx.encode_to_vec()).unwrap_or(request.tx_bytes);
        if tx.is_empty() {
            return Err(invalid("empty txBytes is not allowed"));
        }
        let limited = BlockEnv { gas_limit: env.gas_limit.min(meter.left()), ..env.clone() };
        let detail = self.simulate(journal, &limited, &tx)?.detail;
        meter.charge(detail.gas_used, "simulation")?;
        if detail.code != 0 {
            let used = detail.gas_used;
            let log = &detail.log;
            let text = format!("rpc error: code = Unknown desc = {log} with gas used: '{used}'");
            return Err(Fault::sdk(6, text));
        }
        let events = detail.events.into_iter().map(|event| AbciEvent {
            r#type: event.kind,
            attributes: event
                .attributes
                .into_iter()
                .map(|(key, value)| EventAttribute { key, value, index: false })
                .collect(),
        });
        let responses = TxMsgData::decode(detail.data.as_slice()).unwrap_or_default().msg_responses;
        #[allow(deprecated)]
        let result = AbciResult {
            data: detail.data,
            log: String::new(),
            events: events.collect(),
            msg_responses: responses,
        };
        // What is simulated has no limit of its own.
        let info = GasInfo { gas_wanted: u64::MAX, gas_used: detail.gas_used };
        Ok(SimulateResponse { gas_info: Some(info), result: Some(result) }.encode_to_vec())
    }

    /// How many transactions of this machine the block has so far.
    ///
    /// # Errors
    /// [`ReadError`] where the store fails.
    pub fn count_in_block(&self, journal: &mut Journal<'_>, env: &BlockEnv) -> Result<u32, ReadError> {
        index(journal, env)
    }
}

fn accounts(
    journal: &mut Journal<'_>,
    meter: &mut GasMeter,
    name: &str,
    data: &[u8],
) -> Result<Vec<u8>, Fault> {
    Ok(match name {
        "Account" => {
            let account = account(journal, &read::<proto::QueryAccountRequest>(data)?.address)?;
            proto::QueryAccountResponse { account: Some(any(&account)) }.encode_to_vec()
        }
        "AccountInfo" => {
            let address = read::<proto::QueryAccountInfoRequest>(data)?.address;
            if address.is_empty() {
                return Err(invalid("address cannot be empty"));
            }
            let account = account(journal, &address)?;
            proto::QueryAccountInfoResponse { info: Some(account) }.encode_to_vec()
        }
        "Accounts" => {
            let request = read::<proto::QueryAccountsRequest>(data)?.pagination.unwrap_or_default();
            let prefix = key::accounts();
            // Accounts that have signed; others can't be told from those of other machines.
            let list = List { prefix: &prefix, hidden: |_| false, most: PAGE_MAX };
            let page = page::page(journal, meter, &list, &request)?;
            let accounts = page.entries.iter().map(|(id, record)| Ok(any(&auth::listed(id, record)?)));
            let accounts = accounts.collect::<Result<_, ReadError>>()?;
            proto::QueryAccountsResponse { accounts, pagination: Some(page.response) }.encode_to_vec()
        }
        "AccountAddressByID" => {
            return Err(invalid("accounts can't be found by their number here: it is a hash of the address"));
        }
        "Params" => {
            let params = proto::Params {
                max_memo_characters: wide(MEMO_BYTES_MAX),
                tx_sig_limit: wide(SIGNATURES_MAX),
                tx_size_cost_per_byte: BYTE_GAS,
                sig_verify_cost_ed25519: SIGNATURE_GAS,
                sig_verify_cost_secp256k1: SIGNATURE_GAS,
            };
            proto::QueryParamsResponse { params: Some(params) }.encode_to_vec()
        }
        "ModuleAccounts" => proto::QueryModuleAccountsResponse::default().encode_to_vec(),
        "ModuleAccountByName" => {
            let name = read::<proto::QueryModuleAccountByNameRequest>(data)?.name;
            if name.is_empty() {
                return Err(invalid("module name is empty"));
            }
            return Err(not_found(&name));
        }
        "Bech32Prefix" => {
            proto::Bech32PrefixResponse { bech32_prefix: address::PREFIX.to_owned() }.encode_to_vec()
        }
        "AddressBytesToString" => {
            let bytes = read::<proto::AddressBytesToStringRequest>(data)?.address_bytes;
            if bytes.is_empty() {
                return Err(Fault::sdk(18, "empty address bytes is not allowed"));
            }
            address::account_id(&bytes).map_err(|error| Fault::sdk(18, error.to_string()))?;
            proto::AddressBytesToStringResponse { address_string: address::encode(&bytes) }.encode_to_vec()
        }
        "AddressStringToBytes" => {
            let text = read::<proto::AddressStringToBytesRequest>(data)?.address_string;
            let address_bytes =
                Address::parse(&text).map_err(|fault| Fault::sdk(18, fault.to_string()))?.bytes;
            proto::AddressStringToBytesResponse { address_bytes }.encode_to_vec()
        }
        other => return Err(Fault::sdk(6, format!("unknown query path: cosmos.auth.v1beta1.Query/{other}"))),
    })
}

fn account(journal: &mut Journal<'_>, text: &str) -> Result<proto::BaseAccount, Fault> {
    if text.is_empty() {
        return Err(invalid("Address cannot be empty"));
    }
    let id = Address::parse(text).map_err(|fault| Fault::sdk(18, fault.to_string()))?.id;
    auth::base_account(journal, id)?.ok_or_else(|| not_found(text))
}

fn not_found(account: &str) -> Fault {
    Fault::sdk(22, format!("rpc error: code = NotFound desc = account {account} not found"))
}

fn any(account: &proto::BaseAccount) -> Any {
    Any { type_url: auth::ACCOUNT_URL.to_owned(), value: account.encode_to_vec() }
}

fn read<M: prost::Message + Default>(data: &[u8]) -> Result<M, Fault> {
    M::decode(data).map_err(|error| Fault::sdk(18, error.to_string()))
}

fn invalid(text: &str) -> Fault {
    Fault::sdk(18, format!("rpc error: code = InvalidArgument desc = {text}"))
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
