//! Rewrites a checked module so that the height of its stack is counted, the same on every machine.
//!
//! wasmtime's own limit counts native bytes, which differ between its versions and processors, so each function
//! adds its cost to a global on entry, traps where the sum is over the limit, and takes it off on exit. After a
//! trap the global tells this one from others: it is exported under a name that contracts may not use.
//!
//! A function costs its parameters, locals and highest operand stack, and half of its instructions, because the
//! compiler may keep a value that is used twice far apart. So a unit is at least 8 bytes of a native frame, and
//! the native stack has [`super::config::NATIVE_STACK`] for all of them.
//!
//! The memory gets its maximum here. Nothing else of the module changes; it must have passed the check, which
//! leaves at most one result per function.

use wasm_encoder::reencode::{self, Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection, GlobalType,
    Instruction, MemoryType, Module, SectionId, ValType,
};
use wasmparser::{FunctionBody, Operator, Parser, Payload, ValidPayload, Validator};

use super::check::{FEATURES, STACK_HEIGHT_EXPORT};
use super::limits::{MAX_MEMORY_PAGES, MAX_STACK_HEIGHT};

/// What each frame costs besides its values: return address, saved registers, alignment.
const FRAME_COST: u32 = 16;
/// How many instructions count as one value.
const INSTRUCTIONS_PER_VALUE: u32 = 2;

/// The module could not be read again; the check would have refused it.
#[derive(Debug)]
pub(super) struct BadModule;

impl From<wasmparser::BinaryReaderError> for BadModule {
    fn from(_: wasmparser::BinaryReaderError) -> Self {
        Self
    }
}

impl<E> From<reencode::Error<E>> for BadModule {
    fn from(_: reencode::Error<E>) -> Self {
        Self
    }
}

/// The rewritten module.
pub(super) fn instrument(code: &[u8]) -> Result<Vec<u8>, BadModule> {
    let functions = measure(code)?;
    let mut rewriter =
        Rewriter { functions: functions.functions.into_iter(), global: functions.globals, added: false };
    let mut module = Module::new();
    rewriter.parse_core_module(&mut module, Parser::new(0), code)?;
    Ok(module.finish())
}

struct Measured {
    globals: u32,
    functions: Vec<Measure>,
}

#[derive(Clone, Copy)]
struct Measure {
    cost: u32,
    result: Option<ValType>,
}

/// The cost and the result of each function, and how many globals there are.
fn measure(code: &[u8]) -> Result<Measured, BadModule> {
    let mut validator = Validator::new_with_features(FEATURES);
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    let mut measured = Measured { globals: 0, functions: Vec::new() };
    for payload in Parser::new(0).parse_all(code) {
        let payload = payload?;
        if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
            let mut function = function.into_validator(allocations);
            let result = result_of(&function)?;
            let mut reader = body.get_binary_reader();
            function.read_locals(&mut reader)?;
            let (mut height, mut instructions) = (0u32, 0u32);
            let mut operators = body.get_operators_reader()?;
            while !operators.eof() {
                let (operator, offset) = operators.read_with_offset()?;
                function.op(offset, &operator)?;
                height = height.max(function.operand_stack_height());
                instructions = instructions.saturating_add(1);
            }
            let cost = FRAME_COST
                .saturating_add(function.len_locals())
                .saturating_add(height)
                .saturating_add(instructions / INSTRUCTIONS_PER_VALUE);
            measured.functions.push(Measure { cost, result });
            allocations = function.into_allocations();
        }
        if let Payload::GlobalSection(section) = payload {
            measured.globals = section.count();
        }
    }
    Ok(measured)
}

fn result_of(
    function: &wasmparser::FuncValidator<wasmparser::ValidatorResources>,
) -> Result<Option<ValType>, BadModule> {
    use wasmparser::WasmModuleResources;
    let resources = function.resources();
    let kind = resources.type_index_of_function(function.index()).ok_or(BadModule)?;
    let kind = resources.sub_type_at(kind).ok_or(BadModule)?.unwrap_func();
    match kind.results() {
        [] => Ok(None),
        [result] => RoundtripReencoder.val_type(*result).map(Some).map_err(Into::into),
        _ => Err(BadModule),
    }
}

struct Rewriter {
    functions: std::vec::IntoIter<Measure>,
    global: u32,
    added: bool,
}

impl Rewriter {
    fn add_global(&mut self, globals: &mut GlobalSection) {
        let kind = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(kind, &ConstExpr::i32_const(0));
        self.added = true;
    }

    /// `global += cost`, and the trap.
    fn enter(&self, function: &mut Function, cost: i32) {
        function.instruction(&Instruction::GlobalGet(self.global));
        function.instruction(&Instruction::I32Const(cost));
        function.instruction(&Instruction::I32Add);
        function.instruction(&Instruction::GlobalSet(self.global));
        function.instruction(&Instruction::GlobalGet(self.global));
        function.instruction(&Instruction::I32Const(MAX_STACK_HEIGHT.cast_signed()));
        function.instruction(&Instruction::I32GtU);
        function.instruction(&Instruction::If(BlockType::Empty));
        function.instruction(&Instruction::Unreachable);
        function.instruction(&Instruction::End);
    }

    fn leave(&self, function: &mut Function, cost: i32) {
        function.instruction(&Instruction::GlobalGet(self.global));
        function.instruction(&Instruction::I32Const(cost));
        function.instruction(&Instruction::I32Sub);
        function.instruction(&Instruction::GlobalSet(self.global));
    }
}

impl Reencode for Rewriter {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        utils::parse_global_section(self, globals, section)?;
        self.add_global(globals);
        Ok(())
    }

    /// A module without globals gets the section, which must stand before the exports.
    fn intersperse_section_hook(
        &mut self,
        module: &mut Module,
        _: Option<SectionId>,
        before: Option<SectionId>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        if !self.added && before == Some(SectionId::Export) {
            let mut globals = GlobalSection::new();
            self.add_global(&mut globals);
            module.section(&globals);
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(STACK_HEIGHT_EXPORT, ExportKind::Global, self.global);
        Ok(())
    }

    /// Names and the like: nobody asks for them, and nobody has checked them.
    fn parse_custom_section(
        &mut self,
        _: &mut Module,
        _: wasmparser::CustomSectionReader<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        Ok(())
    }

    fn memory_type(
        &mut self,
        memory: wasmparser::MemoryType,
    ) -> Result<MemoryType, reencode::Error<Self::Error>> {
        let mut memory = utils::memory_type(self, memory);
        memory.maximum = Some(u64::from(MAX_MEMORY_PAGES));
        Ok(memory)
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        let measure = self.functions.next().ok_or(reencode::Error::InvalidCodeSectionSize)?;
        // A cost is at most what a function of the largest code can have, far below the sign.
        let cost = measure.cost.cast_signed();
        let mut function = self.new_function_with_parsed_locals(&body)?;
        self.enter(&mut function, cost);
        let result = measure.result.map_or(BlockType::Empty, BlockType::Result);
        function.instruction(&Instruction::Block(result));
        let mut reader = body.get_operators_reader()?;
        // How many blocks of the original body are open: the depth of ours around it.
        let mut depth = 0u32;
        while !reader.eof() {
            let operator = reader.read()?;
            match &operator {
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                    depth = depth.saturating_add(1);
                }
                // The last one ends our block instead of the function.
                Operator::End => depth = depth.saturating_sub(1),
                Operator::Return => {
                    function.instruction(&Instruction::Br(depth));
                    continue;
                }
                _ => {}
            }
            function.instruction(&self.instruction(operator)?);
        }
        self.leave(&mut function, cost);
        function.instruction(&Instruction::End);
        code.function(&function);
        Ok(())
    }
}
