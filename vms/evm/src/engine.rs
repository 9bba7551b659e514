//! [`Engine`]: revm over our journal, for one transaction, and where its fee goes.

use crate::code_cache::CodeCache;
use crate::journal::{DbError, EvmJournal, JournalDb};
use revm::context::{BlockEnv as RevmBlock, CfgEnv, Context, Evm, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction};
use revm::context_interface::{Block, ContextTr, JournalTr, Transaction};
use revm::handler::instructions::EthInstructions;
use revm::handler::{EthFrame, EthPrecompiles, EvmTr, FrameResult, Handler};
use revm::inspector::{Inspector, InspectorHandler};
use revm::interpreter::interpreter::EthInterpreter;
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, U256};
use revm::state::EvmState;
use std::marker::PhantomData;
use weft_state::{Journal, ReadError};
use weft_types::AccountId;
use weft_vm::BlockEnv;

pub(crate) type Ctx<'j, 'a> = Context<RevmBlock, TxEnv, CfgEnv, JournalDb<'j, 'a>, EvmJournal<'j, 'a>, ()>;
pub(crate) type Machine<'j, 'a, I> = Evm<
    Ctx<'j, 'a>,
    I,
    EthInstructions<EthInterpreter, Ctx<'j, 'a>>,
    EthPrecompiles,
    EthFrame<EthInterpreter>,
>;
pub(crate) type Error = EVMError<DbError, InvalidTransaction>;

/// What a transaction runs in.
pub(crate) struct Engine<'e> {
    pub(crate) codes: &'e CodeCache,
    pub(crate) cfg: CfgEnv,
    pub(crate) block: RevmBlock,
    /// Who gets the fee.
    pub(crate) env: &'e BlockEnv,
}

/// The rules of `spec` for this chain.
pub(crate) fn config(chain_id: u64, spec: SpecId) -> CfgEnv {
    let mut cfg = CfgEnv::new();
    cfg.set_spec_and_mainnet_gas_params(spec);
    cfg.chain_id = chain_id;
    cfg
}

/// The block as opcodes see it.
pub(crate) fn block(env: &BlockEnv) -> RevmBlock {
    RevmBlock {
        number: U256::from(env.height.0),
        beneficiary: env.fee_recipient.as_evm().unwrap_or(Address::ZERO),
        timestamp: U256::from(env.timestamp_ms / 1000),
        gas_limit: env.gas_limit,
        basefee: env.base_fee,
        difficulty: U256::ZERO,
        prevrandao: Some(env.prevrandao),
        // No blobs, so the price of blobs stays at its minimum for ever.
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
        slot_num: 0,
    }
}

impl Engine<'_> {
    /// Runs `tx`. What it changed is in the state that comes back, not yet in `journal`, but for what revm does
    /// not know of. On an error the journal is as it was, up to what the caller's checkpoint holds.
    pub(crate) fn run(
        &self,
        journal: &mut Journal<'_>,
        tx: TxEnv,
    ) -> Result<(ExecutionResult, EvmState), Error> {
        let mut machine = self.machine(journal, tx, ());
        let result = Fees::new(self.env).run(&mut machine)?;
        finish(machine, result)
    }

    /// The same, watched by `inspector`.
    pub(crate) fn inspect<I>(
        &self,
        journal: &mut Journal<'_>,
        tx: TxEnv,
        inspector: I,
    ) -> Result<(ExecutionResult, EvmState), Error>
    where
        I: for<'j, 'a> Inspector<Ctx<'j, 'a>, EthInterpreter>,
    {
        let mut machine = self.machine(journal, tx, inspector);
        let result = Fees::new(self.env).inspect_run(&mut machine)?;
        finish(machine, result)
    }

    fn machine<'j, 'a, I>(
        &'j self,
        journal: &'j mut Journal<'a>,
        tx: TxEnv,
        inspector: I,
    ) -> Machine<'j, 'a, I> {
        let spec = self.cfg.spec;
        let mut journaled_state = EvmJournal::new(JournalDb { journal, codes: self.codes });
        journaled_state.set_spec_id(spec);
        let ctx = Context {
            block: self.block.clone(),
            tx,
            cfg: self.cfg.clone(),
            journaled_state,
            chain: (),
            local: Default::default(),
            error: Ok(()),
        };
        let instructions = EthInstructions::new_mainnet_with_spec(spec);
        Evm::new_with_inspector(ctx, inspector, instructions, EthPrecompiles::new(spec))
    }
}

fn finish<I>(
    mut machine: Machine<'_, '_, I>,
    result: ExecutionResult,
) -> Result<(ExecutionResult, EvmState), Error> {
    let journal = &mut machine.ctx.journaled_state;
    match journal.failed.take() {
        Some(error) => Err(EVMError::Database(DbError(error))),
        None => Ok((result, journal.finalize())),
    }
}

/// Ethereum's handler with our rule for fees: the tip to whoever ordered the block, the base fee split as
/// genesis says.
struct Fees<'e, M> {
    env: &'e BlockEnv,
    machine: PhantomData<M>,
}

impl<'e, M> Fees<'e, M> {
    fn new(env: &'e BlockEnv) -> Self {
        Self { env, machine: PhantomData }
    }
}

impl<'j, 'a, I> Handler for Fees<'_, Machine<'j, 'a, I>> {
    type Evm = Machine<'j, 'a, I>;
    type Error = Error;
    type HaltReason = HaltReason;

    fn reward_beneficiary(&self, evm: &mut Self::Evm, result: &mut FrameResult) -> Result<(), Error> {
        let gas = result.gas();
        let used = U256::from(gas.used().saturating_sub(gas.reservoir()));
        let (block, tx, _, journal, _, _) = evm.ctx().all_mut();
        let base_fee = u128::from(block.basefee());
        let price = tx.effective_gas_price(base_fee);
        let tip = used * U256::from(price.saturating_sub(base_fee));
        let (recipient, treasury, burnt) = self.env.fees.split(used * U256::from(price.min(base_fee)));
        pay(journal, self.env.fee_recipient, tip + recipient)?;
        if !treasury.is_zero() {
            pay(journal, self.env.fees.treasury, treasury)?;
        }
        if !burnt.is_zero() {
            journal.db_mut().journal.burn(burnt).map_err(DbError)?;
        }
        Ok(())
    }
}

impl<'j, 'a, I: Inspector<Ctx<'j, 'a>, EthInterpreter>> InspectorHandler for Fees<'_, Machine<'j, 'a, I>> {
    type IT = EthInterpreter;
}

/// Credits an account where its balance lives just now: in revm's journal if it is one of the EVM's, since what
/// revm holds is written over ours in the end. Touches it also for nothing, as Ethereum does.
fn pay(journal: &mut EvmJournal<'_, '_>, account: AccountId, wei: U256) -> Result<(), DbError> {
    if let Some(address) = account.as_evm() {
        journal.load_account_mut(address)?.data.incr_balance(wei);
        return Ok(());
    }
    let ledger = &mut journal.db_mut().journal;
    ledger.credit(account, wei).map_err(|error| DbError(ReadError(error.to_string())))
}
