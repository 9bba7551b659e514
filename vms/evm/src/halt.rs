//! [`code`]: the machine's numbers for why it stopped a transaction. They are in receipts, so they are frozen:
//! a new reason gets a new number, and no number gets a new meaning.

use revm::context_interface::result::{HaltReason, OutOfGasError};

/// Reasons by code.
const NAMES: [&str; 24] = [
    "out of gas",
    "out of gas: memory limit",
    "out of gas: memory",
    "out of gas: precompile",
    "out of gas: invalid operand",
    "out of gas: reentrancy sentry",
    "opcode not found",
    "invalid opcode: 0xfe",
    "invalid jump destination",
    "opcode not activated",
    "stack underflow",
    "stack overflow",
    "return data out of bounds",
    "contract address collision",
    "precompile error",
    "nonce overflow",
    "max code size exceeded",
    "invalid code: must not begin with 0xef",
    "max initcode size exceeded",
    "payment overflow",
    "write protection",
    "call with value in a static call",
    "insufficient balance for transfer",
    "max call depth exceeded",
];

/// The code of a reason.
#[must_use]
pub fn code(reason: &HaltReason) -> u16 {
    match reason {
        HaltReason::OutOfGas(OutOfGasError::Basic) => 0,
        HaltReason::OutOfGas(OutOfGasError::MemoryLimit) => 1,
        HaltReason::OutOfGas(OutOfGasError::Memory) => 2,
        HaltReason::OutOfGas(OutOfGasError::Precompile) => 3,
        HaltReason::OutOfGas(OutOfGasError::InvalidOperand) => 4,
        HaltReason::OutOfGas(OutOfGasError::ReentrancySentry) => 5,
        HaltReason::OpcodeNotFound => 6,
        HaltReason::InvalidFEOpcode => 7,
        HaltReason::InvalidJump => 8,
        HaltReason::NotActivated => 9,
        HaltReason::StackUnderflow => 10,
        HaltReason::StackOverflow => 11,
        HaltReason::OutOfOffset => 12,
        HaltReason::CreateCollision => 13,
        HaltReason::PrecompileError | HaltReason::PrecompileErrorWithContext(_) => 14,
        HaltReason::NonceOverflow => 15,
        HaltReason::CreateContractSizeLimit => 16,
        HaltReason::CreateContractStartingWithEF => 17,
        HaltReason::CreateInitCodeSizeLimit => 18,
        HaltReason::OverflowPayment => 19,
        HaltReason::StateChangeDuringStaticCall => 20,
        HaltReason::CallNotAllowedInsideStatic => 21,
        HaltReason::OutOfFunds => 22,
        HaltReason::CallTooDeep => 23,
    }
}

/// What a code says, for people.
#[must_use]
pub fn name(code: u16) -> &'static str {
    NAMES.get(usize::from(code)).copied().unwrap_or("unknown")
}
