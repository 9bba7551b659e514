//! Queries of clients: the gRPC methods of wasm and bank, by path and protobuf.

mod bank;
mod wasm;

use super::Keeper;
use crate::fault::{Fault, SDK, UNDEFINED};
use prost::Message;

impl Keeper<'_, '_> {
    /// Answers a query of the modules wasm or bank. Leaves the journal as it was.
    ///
    /// # Errors
    /// [`Fault`] as clients of other chains see it: most are code 6 of codespace sdk, whatever went wrong inside.
    pub fn query(&mut self, path: &str, data: &[u8]) -> Result<Vec<u8>, Fault> {
        let checkpoint = self.journal.checkpoint();
        let events = std::mem::take(&mut self.events);
        let answer = match path.rsplit_once('/') {
            Some(("/cosmwasm.wasm.v1.Query", method)) => self.query_wasm_method(method, data),
            Some(("/cosmos.bank.v1beta1.Query", method)) => self.query_bank_method(method, data),
            _ => Err(unknown_path()),
        };
        self.events = events;
        self.journal.revert(checkpoint);
        answer.map_err(|fault| self.for_client(fault))
    }

    fn for_client(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Abci { codespace: UNDEFINED, log, .. } => Fault::sdk(18, log),
            // What a method found out to have no entry.
            Fault::Abci { codespace: SDK, code: 22, .. } | Fault::Read(_) => fault,
            Fault::OutOfGas { at } => {
                let (wanted, used) = (self.gas.limit(), self.gas.used());
                let text =
                    format!("out of gas in location: {at}; gasWanted: {wanted}, gasUsed: {used}: out of gas");
                Fault::sdk(6, text)
            }
            Fault::Abci { log, .. } => Fault::sdk(6, log),
        }
    }
}

fn unknown_path() -> Fault {
    Fault::new(SDK, 6, "unknown query path")
}

fn read<M: Message + Default>(data: &[u8]) -> Result<M, Fault> {
    M::decode(data).map_err(|error| Fault::undefined(error.to_string()))
}

fn write(response: &impl Message) -> Result<Vec<u8>, Fault> {
    Ok(response.encode_to_vec())
}
