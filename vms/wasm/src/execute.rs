//! One transaction: what needs the state of the checks, fee and sequence, then its messages, all or nothing.
//!
//! Invariants, as negatives:
//! - What is rejected here leaves nothing; the caller's checkpoint sees to it.
//! - What fails later leaves its fee, the sequences of its signers and its place in the block, and no more.
//! - No message spends the fee: it is gone before the first one runs.

use crate::code::{self, wrong_sequence};
use crate::detail::{Parts, WrittenEvents};
use crate::event::Event;
use crate::fault::Fault;
use crate::gas::GasMeter;
use crate::keeper::addresses::{Address, FEE_COLLECTOR};
use crate::keeper::{Keeper, TxInfo};
use crate::transaction::CosmosTx;
use crate::{CheckedTx, WasmVm, auth, key};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cosmos_sdk_proto::cosmos::base::abci::v1beta1::TxMsgData;
use prost::Message as _;
use std::sync::LazyLock;
use weft_state::{Journal, ReadError};
use weft_types::{Bytes, Status, U256};
use weft_vm::{BlockEnv, Execution, Outcome, Reject};

/// The address of the account that fees go to on other chains. Twenty bytes always have one.
static COLLECTOR_ADDRESS: LazyLock<String> =
    LazyLock::new(|| Address::of_module(FEE_COLLECTOR).map(|address| address.text).unwrap_or_default());

/// What the messages of a transaction gave.
pub(crate) struct Ran {
    /// `TxMsgData`, or why not.
    pub(crate) result: Result<Vec<u8>, Fault>,
    /// Events of each message; none where they failed.
    pub(crate) events: Vec<Vec<Event>>,
    /// Gas that was used, of all.
    pub(crate) gas_used: u64,
    /// The sentence of the failure, as clients of other chains get it.
    pub(crate) log: String,
}

impl WasmVm {
    pub(crate) fn execute_inner(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        CheckedTx { tx, events }: &CheckedTx,
    ) -> Result<Execution, ReadError> {
        let base = match self.admit(journal, env, tx)? {
            Ok(base) => base,
            Err(reject) => return Ok(Execution::Rejected(reject)),
        };
        if let Err(reject) = raise_sequences(journal, tx)? {
            return Ok(Execution::Rejected(reject));
        }
        env.collect_fee(journal, tx.payer().id, base, tx.fee.saturating_sub(base))?;
        let index = take_index(journal, env)?;
        let ran = self.run(journal, env, tx, tx.gas_limit, index)?;
        Ok(Execution::Executed(outcome(tx, events, ran)))
    }

    /// The base part of the fee, of a transaction that may run now.
    fn admit(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        tx: &CosmosTx,
    ) -> Result<Result<U256, Reject>, ReadError> {
        let rejected = |fault: &Fault| Ok(Err(code::reject(fault)));
        let timeout = tx.body.timeout_height;
        if timeout != 0 && env.height.0 > timeout {
            let text = format!("block height: {}, timeout height: {timeout}", env.height.0);
            return rejected(&Fault::sdk(30, text));
        }
        let base = U256::from(env.base_fee).saturating_mul(U256::from(tx.gas_limit));
        let denom = &self.denom;
        if tx.fee < base {
            let text = format!("insufficient fees; got: {}{denom} required: {base}{denom}", tx.fee);
            return rejected(&Fault::sdk(13, text));
        }
        let payer = tx.payer();
        let balance = journal.balance(payer.id)?;
        if balance < tx.fee {
            if !auth::exists(journal, payer.id)? {
                return rejected(&Fault::sdk(9, format!("fee payer address: {} does not exist", payer.text)));
            }
            // Others wrap the bank's error in one of the same kind.
            let fee = tx.fee;
            let text = format!(
                "spendable balance {balance}{denom} is smaller than {fee}{denom}: insufficient funds"
            );
            return rejected(&Fault::sdk(5, text));
        }
        Ok(Ok(base))
    }

    /// Runs the messages within `gas_limit` of the whole transaction, under a checkpoint of their own.
    pub(crate) fn run(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        tx: &CosmosTx,
        gas_limit: u64,
        index: u32,
    ) -> Result<Ran, ReadError> {
        let mut meter = GasMeter::new(gas_limit);
        let checkpoint = journal.checkpoint();
        let result = self.messages(journal, env, tx, &mut meter, index);
        match result {
            Ok((data, events)) => {
                journal.commit(checkpoint);
                Ok(Ran { result: Ok(data), events, gas_used: meter.used(), log: String::new() })
            }
            Err((at, fault)) => {
                journal.revert(checkpoint);
                let gas_used = meter.used();
                let log = match &fault {
                    Fault::Read(error) => return Err(error.clone()),
                    Fault::OutOfGas { at } => format!(
                        "out of gas in location: {at}; gasWanted: {gas_limit}, gasUsed: {gas_used}: out of gas"
                    ),
                    fault => format!("failed to execute message; message index: {at}: {fault}"),
                };
                Ok(Ran { result: Err(fault), events: Vec::new(), gas_used, log })
            }
        }
    }

    /// Response and events of all messages, or which one failed.
    fn messages(
        &self,
        journal: &mut Journal<'_>,
        env: &BlockEnv,
        tx: &CosmosTx,
        meter: &mut GasMeter,
        index: u32,
    ) -> Result<(Vec<u8>, Vec<Vec<Event>>), (usize, Fault)> {
        meter.charge(tx.intrinsic_gas, "txSize").map_err(|fault| (0, fault))?;
        let info = TxInfo { index, hash: tx.hash };
        let rules = self.schedule.rules(env.origin);
        let mut keeper = Keeper::new(journal, &self.engine, env, rules, meter, Some(info));
        let mut data = TxMsgData::default();
        let mut events = Vec::new();
        for (at, (message, signer)) in tx.body.messages.iter().zip(&tx.message_signers).enumerate() {
            let outcome = keeper.handle_checked(signer, message).map_err(|fault| (at, fault))?;
            data.msg_responses.push(outcome.response);
            events.push(outcome.events);
        }
        Ok((data.encode_to_vec(), events))
    }

    /// What taking fee and signatures shows, success or not. A function of the transaction, so that `check` makes it,
    /// beside the execution of others.
    pub(crate) fn ante_events(&self, tx: &CosmosTx) -> WrittenEvents {
        let payer = tx.payer().text.as_str();
        let fee = if tx.fee.is_zero() { String::new() } else { format!("{}{}", tx.fee, self.denom) };
        let mut events = WrittenEvents::default();
        if !tx.fee.is_zero() {
            let collector = COLLECTOR_ADDRESS.as_str();
            events.push("coin_spent", &[("spender", payer), ("amount", &fee)]);
            events.push("coin_received", &[("receiver", collector), ("amount", &fee)]);
            events.push("transfer", &[("recipient", collector), ("sender", payer), ("amount", &fee)]);
            events.push("message", &[("sender", payer)]);
        }
        events.push("tx", &[("fee", &fee), ("fee_payer", payer)]);
        for (signer, signature) in tx.signers.iter().zip(&tx.signatures) {
            events.push("tx", &[("acc_seq", &format!("{}/{}", signer.text, signer.sequence))]);
            events.push("tx", &[("signature", &BASE64_STANDARD.encode(signature))]);
        }
        events
    }
}

impl Ran {
    /// What RPC shows of it.
    pub(crate) fn parts<'a>(&'a self, gas_wanted: u64, ahead: &'a WrittenEvents) -> Parts<'a> {
        let (data, (codespace, code)) = match &self.result {
            Ok(data) => (data.as_slice(), ("", 0)),
            Err(fault) => (&[][..], fault.code()),
        };
        let (log, gas_used, of_messages) = (self.log.as_str(), self.gas_used, self.events.as_slice());
        Parts { code, codespace, log, gas_wanted, gas_used, data, ahead, of_messages }
    }
}

fn outcome(tx: &CosmosTx, ahead: &WrittenEvents, ran: Ran) -> Outcome {
    let detail = ran.parts(tx.gas_limit, ahead).encode();
    let (status, output) = match ran.result {
        Ok(data) => (Status::Success, Bytes::from(data)),
        Err(fault) => (code::status(&fault), code::output(&fault)),
    };
    Outcome { status, gas_used: ran.gas_used, fee: tx.fee, output, detail }
}

/// Checks the sequence of every signer and raises it.
pub(crate) fn raise_sequences(
    journal: &mut Journal<'_>,
    tx: &CosmosTx,
) -> Result<Result<(), Reject>, ReadError> {
    for signer in &tx.signers {
        let mut record = auth::record(journal, signer.id)?;
        if record.sequence != signer.sequence {
            return Ok(Err(wrong_sequence(record.sequence, signer.sequence)));
        }
        // 2^64 transactions of one account: none is left.
        let Some(next) = record.sequence.checked_add(1) else {
            return Ok(Err(wrong_sequence(record.sequence, signer.sequence)));
        };
        record.sequence = next;
        record.pubkey = signer.pubkey.or(record.pubkey);
        auth::set_record(journal, signer.id, &record)?;
    }
    Ok(Ok(()))
}

/// The place of a transaction among this machine's in its block.
fn take_index(journal: &mut Journal<'_>, env: &BlockEnv) -> Result<u32, ReadError> {
    let index = index(journal, env)?;
    let count = index.saturating_add(1);
    let value = [&env.height.0.to_be_bytes()[..], &count.to_be_bytes()].concat();
    journal.set(key::newest(), value.into());
    Ok(index)
}

/// How many transactions of this machine the block has so far.
pub(crate) fn index(journal: &mut Journal<'_>, env: &BlockEnv) -> Result<u32, ReadError> {
    let Some(bytes) = journal.get(&key::newest())? else { return Ok(0) };
    let broken = || ReadError("the record of the newest Wasm block is broken".to_owned());
    let (height, count) = bytes.split_first_chunk::<8>().ok_or_else(broken)?;
    let count = <[u8; 4]>::try_from(count).map_err(|_| broken())?;
    Ok(if u64::from_be_bytes(*height) == env.height.0 { u32::from_be_bytes(count) } else { 0 })
}
