//! Submessages: depth first, each in a checkpoint of its own, with a reply where the contract asked for one.

use super::addresses::Address;
use super::coin::Coins;
use super::messages::{AnyMsg, BankMsg, CosmosMsg, InstantiateMsg, ReplyOn, SubMsg, WasmMsg};
use super::reply::Done;
use super::sdk::Message;
use super::{Keeper, STACK_RED_ZONE, STACK_STEP};
use crate::event::Event;
use crate::fault::Fault;
use crate::gas;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1::MsgSend;
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgClearAdmin, MsgExecuteContract, MsgInstantiateContract, MsgInstantiateContract2, MsgMigrateContract,
    MsgUpdateAdmin,
};

/// Most bytes of a message that a contract gives as protobuf.
const ANY_MAX: usize = 512 << 10;

/// What a contract's message is to the chain.
enum Encoded {
    Message(Box<Message>),
    Burn(Coins),
    /// It moves nothing and is no error.
    Nothing,
}

impl Keeper<'_, '_> {
    /// Runs a contract's messages in their order; the data that the last reply with data gave.
    pub(super) fn dispatch(
        &mut self,
        address: &Address,
        messages: Vec<SubMsg>,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let mut data = None;
        for message in messages {
            let reply =
                stacker::maybe_grow(STACK_RED_ZONE, STACK_STEP, || self.submessage(address, message))?;
            data = reply.or(data);
        }
        Ok(data)
    }

    fn submessage(&mut self, address: &Address, message: SubMsg) -> Result<Option<Vec<u8>>, Fault> {
        let SubMsg { id, msg, payload, gas_limit, reply_on } = message;
        let reply_on = reply_on.ok_or_else(|| Fault::wasm(14, "replyOn value"))?;
        let is_wasm = msg.wasm.is_some();
        let replies = matches!(reply_on, ReplyOn::Always | ReplyOn::Success);
        let checkpoint = self.journal.checkpoint();
        let outer = std::mem::take(&mut self.events);
        let result = match gas_limit.filter(|limit| *limit < self.gas.left()) {
            None => self.message(address, msg),
            Some(limit) => self.message_within(limit, address, msg),
        };
        let emitted = std::mem::replace(&mut self.events, outer);
        let result = match result {
            Ok(response) => {
                self.journal.commit(checkpoint);
                Ok(Done { events: self.keep(emitted, is_wasm, replies), response })
            }
            Err(fault) => {
                self.journal.revert(checkpoint);
                if !matches!(fault, Fault::Abci { .. }) {
                    // No reply hears of it: it ends the transaction, or the submessage whose gas it was.
                    return Err(fault);
                }
                Err(fault)
            }
        };
        match (reply_on, result) {
            (ReplyOn::Never | ReplyOn::Success, Err(fault)) => Err(fault),
            (ReplyOn::Never | ReplyOn::Error, Ok(_)) => Ok(None),
            (_, result) => {
                let payload = payload.unwrap_or_default();
                self.reply(address, id, result, payload).map_err(|fault| fault.wrap("reply"))
            }
        }
    }

    /// Keeps the events of a submessage that succeeded; those that its contract is told.
    ///
    /// Events of kind `message` are dropped. The contract hears only of events of messages to contracts, and other
    /// chains sort the attributes of those by key, in the transaction's events as well. It pays for what it hears, so
    /// nothing is copied where it does not.
    fn keep(&mut self, mut emitted: Vec<Event>, is_wasm: bool, replies: bool) -> Vec<Event> {
        emitted.retain(|event| event.kind != "message");
        if !is_wasm {
            self.events.append(&mut emitted);
            return emitted;
        }
        for event in &mut emitted {
            event.attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        let heard = if replies { emitted.clone() } else { Vec::new() };
        self.events.append(&mut emitted);
        heard
    }

    /// [`Self::message`] with gas of its own. Running out of that is an error of the message alone.
    fn message_within(
        &mut self,
        limit: u64,
        address: &Address,
        msg: CosmosMsg,
    ) -> Result<Option<Any>, Fault> {
        let (result, used) = self.metered(limit, |keeper| keeper.message(address, msg));
        if let Err(Fault::OutOfGas { .. }) = result {
            self.gas.charge(limit, "Sub-Message OutOfGas panic")?;
            return Err(Fault::sdk(11, "SubMsg hit gas limit"));
        }
        self.gas.charge(used, "From limited Sub-Message")?;
        result
    }

    /// Runs one message of a contract; its response, where it has one.
    fn message(&mut self, address: &Address, msg: CosmosMsg) -> Result<Option<Any>, Fault> {
        match self.encode(address, msg)? {
            Encoded::Nothing => Ok(None),
            Encoded::Burn(coins) => self.burn(address, &coins).map(|()| None),
            Encoded::Message(message) => {
                message.validate().map_err(|fault| unfit(&message, fault))?;
                let signer = Address::parse(message.signer())?;
                if signer != *address {
                    return Err(Fault::sdk(4, "contract doesn't have permission"));
                }
                self.route(*message).map(Some)
            }
        }
    }

    fn encode(&mut self, address: &Address, msg: CosmosMsg) -> Result<Encoded, Fault> {
        let sender = &address.text;
        let absent =
            |what: &str| Err(Fault::sdk(6, format!("can't route message: this chain has no {what} module")));
        let no_handler = || Err(Fault::wasm(20, "no handler found"));
        if let Some(bank) = msg.bank {
            return encode_bank(sender, *bank);
        }
        if msg.custom.is_some() {
            return no_handler();
        }
        if msg.distribution.is_some() {
            return absent("distribution");
        }
        if let Some(ibc) = msg.ibc {
            let packet = ibc.send_packet.is_some() || ibc.write_acknowledgement.is_some();
            if packet && self.contract_record(address)?.is_none_or(|contract| contract.ibc_port.is_empty()) {
                return Err(Fault::wasm(17, "ibc not supported"));
            }
            return absent("ibc");
        }
        if msg.ibc2.is_some() {
            return absent("ibc");
        }
        if msg.staking.is_some() {
            return absent("staking");
        }
        if let Some(any) = msg.any.or(msg.stargate) {
            return self.encode_any(*any);
        }
        if let Some(wasm) = msg.wasm {
            return encode_wasm(sender, *wasm);
        }
        if msg.gov.is_some() {
            return absent("gov");
        }
        no_handler()
    }

    fn encode_any(&mut self, msg: AnyMsg) -> Result<Encoded, Fault> {
        let AnyMsg { type_url, value } = msg;
        if value.0.len() > ANY_MAX {
            let text = format!("AnyMsg value size {} exceeds limit {ANY_MAX}", value.0.len());
            return Err(Fault::wasm(13, text));
        }
        self.gas.charge_each(gas::ANY, 1, value.0.len() >> 10, "unpacking AnyMsg")?;
        let any = Any { type_url, value: value.0 };
        let message = Message::decode(&any).map_err(|_| {
            Fault::wasm(10, format!("Cannot unpack proto message with type URL: {}", any.type_url))
        })?;
        Ok(Encoded::Message(Box::new(message)))
    }
}

/// A message that fails its checks. Those of the bank module check themselves when they run.
fn unfit(message: &Message, fault: Fault) -> Fault {
    if message.module() == "bank" {
        return fault;
    }
    fault.wrap(&format!("failed basic validation for message type *types.{}", message.name()))
}

fn message(message: Message) -> Result<Encoded, Fault> {
    Ok(Encoded::Message(Box::new(message)))
}

fn encode_bank(sender: &str, msg: BankMsg) -> Result<Encoded, Fault> {
    if let Some(send) = msg.send {
        if send.amount.is_empty() {
            return Ok(Encoded::Nothing);
        }
        let amount = Coins::from_contract(&send.amount)?.to_proto();
        let send = MsgSend { from_address: sender.to_owned(), to_address: send.to_address, amount };
        return message(Message::Send(send));
    }
    match msg.burn {
        Some(burn) => Ok(Encoded::Burn(Coins::from_contract(&burn.amount)?)),
        None => Err(Fault::wasm(20, "no handler found")),
    }
}

fn encode_wasm(sender: &str, msg: WasmMsg) -> Result<Encoded, Fault> {
    let sender = sender.to_owned();
    if let Some(execute) = msg.execute {
        return message(Message::Execute(MsgExecuteContract {
            sender,
            contract: execute.contract_addr,
            msg: execute.msg.0,
            funds: Coins::from_contract(&execute.funds)?.to_proto(),
        }));
    }
    if let Some(InstantiateMsg { admin, code_id, msg, funds, label, salt: _ }) = msg.instantiate {
        let funds = Coins::from_contract(&funds)?.to_proto();
        let new = MsgInstantiateContract { sender, admin, code_id, label, msg: msg.0, funds };
        return message(Message::Instantiate(new));
    }
    if let Some(InstantiateMsg { admin, code_id, msg, funds, label, salt }) = msg.instantiate2 {
        let funds = Coins::from_contract(&funds)?.to_proto();
        let (msg, salt) = (msg.0, salt.0);
        let new = MsgInstantiateContract2 { sender, admin, code_id, label, msg, funds, salt, fix_msg: false };
        return message(Message::Instantiate2(new));
    }
    if let Some(migrate) = msg.migrate {
        let (contract, code_id, msg) = (migrate.contract_addr, migrate.new_code_id, migrate.msg.0);
        return message(Message::Migrate(MsgMigrateContract { sender, contract, code_id, msg }));
    }
    if let Some(clear) = msg.clear_admin {
        return message(Message::ClearAdmin(MsgClearAdmin { sender, contract: clear.contract_addr }));
    }
    if let Some(update) = msg.update_admin {
        let (new_admin, contract) = (update.admin, update.contract_addr);
        return message(Message::UpdateAdmin(MsgUpdateAdmin { sender, new_admin, contract }));
    }
    Err(Fault::wasm(20, "no handler found"))
}
