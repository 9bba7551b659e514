//! The bodies of functions: valid, of admitted instructions alone, and soon compiled.
//!
//! A compiler's work is not bounded by the size of the code: a kibibyte of branches between many variables can take
//! longer than a contract. What is counted here bounds it, and is paid for. Each branch counts with all values that it may
//! carry, the locals and the highest operand stack of its function.

use wasmparser::Operator;

use super::module::Body;
use super::{CodeError, limits, too_many};

/// Validates `bodies` last of all checks: they are the work, and all counts are bounded by now. What they count for in
/// compiling, beside their bytes.
pub(super) fn validate(bodies: Vec<Body<'_>>) -> Result<usize, CodeError> {
    let mut allocations = wasmparser::FuncValidatorAllocations::default();
    let (mut total_flow, mut nans) = (0usize, 0usize);
    let functions = bodies.len().saturating_mul(limits::FUNCTION_WORK);
    for (function, body) in bodies {
        let mut validator = function.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader)?;
        let mut operators = body.get_operators_reader()?;
        let (mut instructions, mut branches, mut height) = (0usize, 0usize, 0u32);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            validator.op(offset, &operator)?;
            refuse_reference_type(&operator)?;
            instructions = instructions.saturating_add(1);
            branches = branches.saturating_add(branches_of(&operator));
            nans = nans.saturating_add(usize::from(makes_nan(&operator)));
            height = height.max(validator.operand_stack_height());
        }
        operators.finish()?;
        too_many("instructions of one function", instructions, limits::MAX_INSTRUCTIONS)?;
        let values = validator.len_locals().saturating_add(height) as usize;
        let flow = branches.saturating_mul(values);
        too_many("branches times values of one function", flow, limits::MAX_FLOW)?;
        total_flow = total_flow.saturating_add(flow);
        allocations = validator.into_allocations();
    }
    too_many("branches times values of all functions", total_flow, limits::MAX_TOTAL_FLOW)?;
    Ok(functions.saturating_add(total_flow).saturating_add(nans.saturating_mul(limits::NAN_WORK)))
}

/// How many ways there are from this instruction to other places.
fn branches_of(operator: &Operator<'_>) -> usize {
    match operator {
        Operator::Block { .. }
        | Operator::Loop { .. }
        | Operator::If { .. }
        | Operator::Else
        | Operator::Br { .. }
        | Operator::BrIf { .. }
        | Operator::Return => 1,
        Operator::BrTable { targets } => (targets.len() as usize).saturating_add(1),
        _ => 0,
    }
}

/// Whether the compiler makes this instruction's NaN the canonical one.
fn makes_nan(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::F32Add
            | Operator::F32Sub
            | Operator::F32Mul
            | Operator::F32Div
            | Operator::F32Min
            | Operator::F32Max
            | Operator::F32Sqrt
            | Operator::F32Ceil
            | Operator::F32Floor
            | Operator::F32Trunc
            | Operator::F32Nearest
            | Operator::F32DemoteF64
            | Operator::F64Add
            | Operator::F64Sub
            | Operator::F64Mul
            | Operator::F64Div
            | Operator::F64Min
            | Operator::F64Max
            | Operator::F64Sqrt
            | Operator::F64Ceil
            | Operator::F64Floor
            | Operator::F64Trunc
            | Operator::F64Nearest
            | Operator::F64PromoteF32
    )
}

/// The validator takes the instructions with the encoding. `table.grow` and `table.fill` would be cheap ways to
/// much work.
fn refuse_reference_type(operator: &Operator<'_>) -> Result<(), CodeError> {
    match operator {
        Operator::TypedSelect { .. }
        | Operator::TypedSelectMulti { .. }
        | Operator::RefNull { .. }
        | Operator::RefIsNull
        | Operator::RefFunc { .. }
        | Operator::TableFill { .. }
        | Operator::TableGet { .. }
        | Operator::TableSet { .. }
        | Operator::TableGrow { .. }
        | Operator::TableSize { .. } => Err(CodeError::ReferenceType(format!("{operator:?}"))),
        _ => Ok(()),
    }
}
