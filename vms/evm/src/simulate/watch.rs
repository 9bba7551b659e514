//! [`Watch`]: looks at the cancel flag between instructions, and at how much a tracer has gathered.

use crate::engine::Ctx;
use revm::context::ContextTr;
use revm::context_interface::context::ContextError;
use revm::inspector::Inspector;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::LoopControl;
use revm::interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter};
use revm::primitives::{Address, Log, U256};
use std::sync::atomic::{AtomicBool, Ordering};

/// Instructions between two looks at the flag.
const STEPS_BETWEEN_LOOKS: u32 = 256;
/// Most bytes that a trace may take while it is gathered.
pub(crate) const TRACE_BYTES_MAX: usize = 128 << 20;
/// What a tracer keeps for an instruction, beside the stack.
const STEP_BYTES: usize = 256;
/// What a tracer keeps for a call, beside its input.
const CALL_BYTES: usize = 1024;

/// An inspector for any lifetime of the context.
pub(crate) trait Inspect: for<'j, 'a> Inspector<Ctx<'j, 'a>, EthInterpreter> {
    /// Whether it keeps something for every instruction.
    fn keeps_steps(&self) -> bool {
        false
    }
}

impl Inspect for revm::inspector::NoOpInspector {}
impl Inspect for revm_inspectors::access_list::AccessListInspector {}
impl Inspect for revm_inspectors::tracing::DebugInspector {
    fn keeps_steps(&self) -> bool {
        matches!(self, Self::Default(..))
    }
}

/// See the module.
pub(crate) struct Watch<'w, I> {
    cancel: &'w AtomicBool,
    inner: &'w mut I,
    keeps_steps: bool,
    steps: u32,
    kept: usize,
    /// The trace grew past [`TRACE_BYTES_MAX`].
    pub(crate) too_large: bool,
}

impl<'w, I: Inspect> Watch<'w, I> {
    pub(crate) fn new(cancel: &'w AtomicBool, inner: &'w mut I) -> Self {
        let keeps_steps = inner.keeps_steps();
        Self { cancel, inner, keeps_steps, steps: 0, kept: 0, too_large: false }
    }

    fn must_stop(&mut self) -> bool {
        self.steps = self.steps.wrapping_add(1);
        self.too_large |= self.kept > TRACE_BYTES_MAX;
        self.too_large
            || (self.steps.is_multiple_of(STEPS_BETWEEN_LOOKS) && self.cancel.load(Ordering::Relaxed))
    }
}

impl<'j, 'a, I: Inspect> Inspector<Ctx<'j, 'a>, EthInterpreter> for Watch<'_, I> {
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut Ctx<'j, 'a>) {
        self.inner.initialize_interp(interp, context);
    }

    fn step(&mut self, interp: &mut Interpreter, context: &mut Ctx<'j, 'a>) {
        if self.keeps_steps {
            self.kept = self.kept.saturating_add(STEP_BYTES).saturating_add(interp.stack.len() * 32);
        }
        if self.must_stop() {
            // As revm ends a call whose database failed: nothing of it is kept.
            *context.error() = Err(ContextError::Custom("stopped".into()));
            interp.bytecode.reset_action();
            interp.halt_fatal();
            return;
        }
        self.inner.step(interp, context);
    }

    fn step_end(&mut self, interp: &mut Interpreter, context: &mut Ctx<'j, 'a>) {
        self.inner.step_end(interp, context);
    }

    fn log(&mut self, context: &mut Ctx<'j, 'a>, log: Log) {
        self.kept = self.kept.saturating_add(STEP_BYTES).saturating_add(log.data.data.len());
        self.inner.log(context, log);
    }

    fn log_full(&mut self, interp: &mut Interpreter, context: &mut Ctx<'j, 'a>, log: Log) {
        self.kept = self.kept.saturating_add(STEP_BYTES).saturating_add(log.data.data.len());
        self.inner.log_full(interp, context, log);
    }

    fn call(&mut self, context: &mut Ctx<'j, 'a>, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.kept = self.kept.saturating_add(CALL_BYTES).saturating_add(inputs.input.len());
        self.inner.call(context, inputs)
    }

    fn call_end(&mut self, context: &mut Ctx<'j, 'a>, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.inner.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut Ctx<'j, 'a>, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.kept = self.kept.saturating_add(CALL_BYTES).saturating_add(inputs.init_code().len());
        self.inner.create(context, inputs)
    }

    fn create_end(&mut self, context: &mut Ctx<'j, 'a>, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        self.inner.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        // The context plays no part, and one must be named to call it.
        <I as Inspector<Ctx<'j, 'a>, EthInterpreter>>::selfdestruct(self.inner, contract, target, value);
    }
}
