//! The modules wasm and bank: messages, submessages, queries, and the records they keep, over the journal and the
//! engine, as wasmd 0.61 has them.
//!
//! ```text
//! handle ─> route ─> wasm / bank ─> call (engine) ─> respond ─> dispatch ─> route ... ─> reply
//! ```
//! Invariants, as negatives:
//! - A message that fails leaves nothing in the journal and no event; what it used of the gas stays used.
//! - No recursion without a bound: messages nest [`DEPTH_MAX`] deep, queries [`QUERY_DEPTH_MAX`].
//! - No text of an error reaches a contract, besides what [`crate::fault::Seen`] lets through.
//! - No money moves but through the journal's ledger.

pub mod addresses;
mod asked;
mod bank;
mod coin;
mod contract;
mod dispatch;
mod events;
mod grpc;
mod host;
mod json;
pub mod keys;
mod messages;
mod migrate;
pub(crate) mod page;
pub mod proto;
mod queries;
pub mod record;
mod reply;
pub(crate) mod sdk;
mod smart;
#[cfg(test)]
mod tests;
mod told;
mod validate;
mod wasm;

use crate::engine::Engine;
use crate::event::Event;
use crate::fault::Fault;
use crate::gas::GasMeter;
use addresses::Address;
use cosmos_sdk_proto::Any;
use std::collections::BTreeSet;
use weft_state::Journal;
use weft_types::GasRate;
use weft_vm::BlockEnv;

pub use sdk::Message;

/// How deep contracts' messages nest.
pub const DEPTH_MAX: u32 = 100;
/// How deep queries of contracts nest.
pub const QUERY_DEPTH_MAX: u32 = 10;
/// Most bytes of a code, sent or unpacked.
pub const CODE_MAX: usize = 800 << 10;
/// Stack that must be left before a contract is called; less is given more.
const STACK_RED_ZONE: usize = 256 << 10;
/// How much stack is given at a time.
const STACK_STEP: usize = 2 << 20;

/// What stands in genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The only denomination; 1 of it is 1 wei.
    pub denom: String,
    /// The chain's id as contracts and signers see it.
    pub chain_id: String,
    /// What contracts may require.
    pub capabilities: BTreeSet<String>,
    /// Gas per unit of the engine's fuel.
    pub rate: GasRate,
}

/// The transaction that runs, as contracts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxInfo {
    /// Its index among the block's.
    pub index: u32,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What a message gave.
#[derive(Clone, Debug, PartialEq)]
pub struct MsgOutcome {
    /// In order; the first is the `message` event with action, sender and module. Without `msg_index`.
    pub events: Vec<Event>,
    /// The message's response.
    pub response: Any,
}

/// See the module.
pub struct Keeper<'k, 'j> {
    journal: &'k mut Journal<'j>,
    engine: &'k Engine,
    env: &'k BlockEnv,
    rules: &'k Rules,
    gas: &'k mut GasMeter,
    /// `None` in queries of clients.
    tx: Option<TxInfo>,
    /// Of the message or submessage that runs.
    events: Vec<Event>,
    depth: u32,
    query_depth: u32,
}

impl<'k, 'j> Keeper<'k, 'j> {
    /// A keeper for the messages of one transaction, or for one query.
    #[must_use]
    pub fn new(
        journal: &'k mut Journal<'j>,
        engine: &'k Engine,
        env: &'k BlockEnv,
        rules: &'k Rules,
        gas: &'k mut GasMeter,
        tx: Option<TxInfo>,
    ) -> Self {
        Self { journal, engine, env, rules, gas, tx, events: Vec::new(), depth: 0, query_depth: 0 }
    }

    /// [`Self::handle_checked`] of a message that nobody has checked.
    ///
    /// # Errors
    /// [`Fault`]; the journal is as it was before the message.
    pub fn handle(&mut self, signer: &str, msg: &Any) -> Result<MsgOutcome, Fault> {
        let message = Message::decode(msg)?;
        message.validate()?;
        if message.signer() != signer {
            return Err(Fault::sdk(4, format!("{} has not signed the message", message.signer())));
        }
        self.handle_checked(signer, msg)
    }

    /// Runs one message of a transaction that `signer` signed, as [`signers_of`] told of it.
    ///
    /// # Errors
    /// [`Fault`]; the journal is as it was before the message.
    pub fn handle_checked(&mut self, signer: &str, msg: &Any) -> Result<MsgOutcome, Fault> {
        let message = Message::decode(msg)?;
        let heading = Event::new("message")
            .with("action", msg.type_url.clone())
            .with("sender", signer)
            .with("module", message.module());
        let checkpoint = self.journal.checkpoint();
        self.events = vec![heading];
        let result = self.route(message);
        let events = std::mem::take(&mut self.events);
        match result {
            Ok(response) => {
                self.journal.commit(checkpoint);
                Ok(MsgOutcome { events, response })
            }
            Err(fault) => {
                self.journal.revert(checkpoint);
                Err(fault)
            }
        }
    }

    /// Runs a message whose signer and form were checked, within the journal's open checkpoint.
    fn route(&mut self, message: Message) -> Result<Any, Fault> {
        match message {
            Message::Send(msg) => self.send(&msg),
            Message::MultiSend(msg) => self.multi_send(&msg),
            Message::StoreCode(msg) => self.store_code(msg),
            Message::Instantiate(msg) => self.instantiate_classic(msg),
            Message::Instantiate2(msg) => self.instantiate_predictable(msg),
            Message::Execute(msg) => self.execute_message(msg),
            Message::Migrate(msg) => self.migrate_message(msg),
            Message::UpdateAdmin(msg) => self.update_admin(&msg),
            Message::ClearAdmin(msg) => self.clear_admin(&msg),
            Message::UpdateLabel(msg) => self.update_label(&msg),
            Message::UpdateInstantiateConfig(msg) => self.update_access(msg),
            Message::StoreAndInstantiate(msg) => self.store_and_instantiate(msg),
            Message::StoreAndMigrate(msg) => self.store_and_migrate(msg),
            Message::OfAuthority { authority, .. } => Err(Fault::wasm(
                14,
                format!("invalid authority; nobody has it on this chain, got {authority}"),
            )),
        }
    }

    fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Runs `f` with a meter of its own; what it used comes back with what it gave, and the outer meter is unchanged.
    fn metered<T>(&mut self, limit: u64, f: impl FnOnce(&mut Self) -> T) -> (T, u64) {
        let outer = std::mem::replace(self.gas, GasMeter::new(limit));
        let result = f(self);
        let used = std::mem::replace(self.gas, outer).used();
        (result, used)
    }
}

/// Who must sign a message, in their order: nobody or several only where it never succeeds. Checks its form as well, as
/// a node does before it runs anything.
///
/// # Errors
/// [`Fault`]: no such message, or one that never succeeds.
pub fn signers_of(msg: &Any) -> Result<Vec<String>, Fault> {
    let message = Message::decode_known(msg)?;
    let signers: Vec<String> = message.signers().into_iter().map(str::to_owned).collect();
    for signer in &signers {
        Address::parse(signer).map_err(|fault| Fault::sdk(2, fault.to_string()))?;
    }
    message.validate()?;
    Ok(signers)
}
