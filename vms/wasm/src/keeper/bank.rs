//! The bank module: money between accounts, all of it on the journal's ledger.

use super::Keeper;
use super::addresses::{Address, FEE_COLLECTOR, module_account};
use super::coin::{Coin, Coins};
use super::sdk::respond;
use crate::event::Event;
use crate::fault::{BANK, Fault};
use crate::gas;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{
    Input, MsgMultiSend, MsgMultiSendResponse, MsgSend, MsgSendResponse, Output,
};
use std::sync::LazyLock;
use weft_state::ledger::LedgerError;
use weft_types::{AccountId, U256};

/// Whose account holds coins on their way to be burnt.
const BURNER: &str = "wasm";
/// Accounts that take no money: those of modules, which nobody has a key of.
static CLOSED: LazyLock<[AccountId; 2]> = LazyLock::new(|| [FEE_COLLECTOR, BURNER].map(module_account));

fn coin_spent(spender: &Address, coins: &Coins) -> Event {
    Event::new("coin_spent").with("spender", spender.text.clone()).with("amount", coins.to_string())
}

fn coin_received(receiver: &Address, coins: &Coins) -> Event {
    Event::new("coin_received").with("receiver", receiver.text.clone()).with("amount", coins.to_string())
}

fn transfer(from: &Address, to: &Address, coins: &Coins) -> Event {
    Event::new("transfer")
        .with("recipient", to.text.clone())
        .with("sender", from.text.clone())
        .with("amount", coins.to_string())
}

fn sender(from: &Address) -> Event {
    Event::new("message").with("sender", from.text.clone())
}

/// The one who pays in a message to several accounts.
fn one_input(msg: &MsgMultiSend) -> Result<&Input, Fault> {
    match msg.inputs.as_slice() {
        [] => Err(Fault::new(BANK, 2, "no inputs to send transaction")),
        [input] => Ok(input),
        _ => Err(Fault::new(BANK, 9, "multiple senders not allowed")),
    }
}

fn parse(text: &str, what: &str) -> Result<Address, Fault> {
    Address::parse(text).map_err(|fault| Fault::sdk(7, format!("invalid {what} address: {fault}")))
}

fn valid(amount: &[cosmos_sdk_proto::cosmos::base::v1beta1::Coin]) -> Result<Coins, Fault> {
    let coins = Coins::from_proto(amount)?;
    coins.validate_transfer()?;
    Ok(coins)
}

/// Whether `to` may be paid: not where its money would be lost.
fn open(to: &Address) -> Result<(), Fault> {
    if CLOSED.contains(&to.id) {
        return Err(Fault::sdk(4, format!("{} is not allowed to receive funds", to.text)));
    }
    Ok(())
}

impl Keeper<'_, '_> {
    pub(super) fn send(&mut self, msg: &MsgSend) -> Result<Any, Fault> {
        let from = parse(&msg.from_address, "from")?;
        let to = parse(&msg.to_address, "to")?;
        let coins = valid(&msg.amount)?;
        self.transfer(&from, &to, &coins)?;
        self.emit(sender(&from));
        Ok(respond(&MsgSendResponse {}))
    }

    pub(super) fn multi_send(&mut self, msg: &MsgMultiSend) -> Result<Any, Fault> {
        let input = one_input(msg)?;
        if msg.outputs.is_empty() {
            return Err(Fault::new(BANK, 3, "no outputs to send transaction"));
        }
        let (from, coins) = (parse(&input.address, "input")?, valid(&input.coins)?);
        let output = |output: &Output| Ok((parse(&output.address, "output")?, valid(&output.coins)?));
        let to = msg.outputs.iter().map(output).collect::<Result<Vec<_>, Fault>>()?;
        if Coins::sum(to.iter().map(|(_, coins)| coins))? != coins {
            return Err(Fault::new(BANK, 4, "sum inputs != sum outputs"));
        }
        to.iter().try_for_each(|(to, _)| open(to))?;
        self.emit(sender(&from));
        self.charge_transfer()?;
        self.take(from.id, &coins)?;
        self.emit(coin_spent(&from, &coins));
        for (to, coins) in to {
            self.charge_transfer()?;
            self.give(to.id, &coins)?;
            self.emit(coin_received(&to, &coins));
            self.emit(transfer(&from, &to, &coins));
        }
        Ok(respond(&MsgMultiSendResponse {}))
    }

    /// Moves `coins`, which were validated, with the events that come of it but the one of kind `message`.
    pub(super) fn transfer(&mut self, from: &Address, to: &Address, coins: &Coins) -> Result<(), Fault> {
        open(to)?;
        self.charge_transfer()?;
        self.take(from.id, coins)?;
        self.emit(coin_spent(from, coins));
        self.give(to.id, coins)?;
        self.emit(coin_received(to, coins));
        self.emit(transfer(from, to, coins));
        Ok(())
    }

    /// Burns what a contract has: by way of the wasm module's account, as the events say.
    pub(super) fn burn(&mut self, from: &Address, coins: &Coins) -> Result<(), Fault> {
        if coins.is_zero() {
            return Err(Fault::wasm(12, "amount"));
        }
        self.charge_transfer()?;
        let module = Address::of_module(BURNER)?;
        self.take(from.id, coins).map_err(|fault| fault.wrap("transfer to module"))?;
        let burnt = self.base_amount(coins)?;
        self.journal.burn(burnt)?;
        self.emit(coin_spent(from, coins));
        self.emit(coin_received(&module, coins));
        self.emit(transfer(from, &module, coins));
        self.emit(sender(from));
        self.emit(coin_spent(&module, coins));
        let burn = Event::new("burn").with("burner", module.text.clone()).with("amount", coins.to_string());
        self.emit(burn);
        Ok(())
    }

    fn charge_transfer(&mut self) -> Result<(), Fault> {
        self.gas.charge(gas::TRANSFER, "transfer")
    }

    /// The sum of `coins`, of which none is of another denomination than the chain's.
    fn base_amount(&self, coins: &Coins) -> Result<U256, Fault> {
        match coins.0.as_slice() {
            [] => Ok(U256::ZERO),
            [coin] if coin.denom == self.rules.denom => Ok(coin.amount),
            _ => Err(Fault::sdk(10, coins.to_string())),
        }
    }

    fn take(&mut self, from: AccountId, coins: &Coins) -> Result<(), Fault> {
        for coin in &coins.0 {
            let balance = self.balance(from, &coin.denom)?;
            if balance < coin.amount {
                let has = Coin::new(&coin.denom, balance);
                return Err(Fault::sdk(5, format!("spendable balance {has} is smaller than {coin}")));
            }
            self.journal.debit(from, coin.amount).map_err(ledger_fault)?;
        }
        Ok(())
    }

    fn give(&mut self, to: AccountId, coins: &Coins) -> Result<(), Fault> {
        let amount = self.base_amount(coins)?;
        self.journal.credit(to, amount).map_err(ledger_fault)?;
        Ok(())
    }

    /// What `account` has of `denom`.
    pub(super) fn balance(&mut self, account: AccountId, denom: &str) -> Result<U256, Fault> {
        if denom == self.rules.denom { Ok(self.journal.balance(account)?) } else { Ok(U256::ZERO) }
    }

    /// All that `account` has.
    pub(super) fn balances(&mut self, account: AccountId) -> Result<Coins, Fault> {
        let rules = self.rules;
        let amount = self.journal.balance(account)?;
        Ok(Coins(if amount.is_zero() { Vec::new() } else { vec![Coin::new(&rules.denom, amount)] }))
    }

    /// What there is of `denom`.
    pub(super) fn supply(&mut self, denom: &str) -> Result<Coin, Fault> {
        let amount = if denom == self.rules.denom { self.journal.supply()? } else { U256::ZERO };
        Ok(Coin::new(denom, amount))
    }
}

fn ledger_fault(error: LedgerError) -> Fault {
    match error {
        LedgerError::Read(error) => Fault::Read(error),
        LedgerError::Insufficient { .. } => Fault::sdk(5, error.to_string()),
        LedgerError::Overflow(_) => Fault::sdk(10, error.to_string()),
    }
}
