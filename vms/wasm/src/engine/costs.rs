//! What instructions and the host's work cost in fuel: consensus constants.
//!
//! One unit is about a nanosecond of one core, and about one plain instruction. The host's work has the table
//! of CosmWasm's own virtual machine, whose unit is a thousandth of it. The storage and queries are charged by
//! the [`Host`](super::Host).

use wasmtime::OperatorCost;

/// A thousand units are a microsecond.
const MICROSECOND: u64 = 1_000;

/// Work that grows with what it is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// For any call.
    pub(super) base: u64,
    /// For a thousand items.
    pub(super) per_thousand: u64,
}

impl Cost {
    const fn flat(base: u64) -> Self {
        Self { base, per_thousand: 0 }
    }

    /// The charge for `items`.
    pub(super) const fn of(self, items: usize) -> u64 {
        self.base.saturating_add(self.per_thousand.saturating_mul(items as u64) / 1_000)
    }
}

/// Any call of the host.
pub(super) const HOST_CALL: Cost = Cost::flat(18);
/// Reading a region, by bytes.
pub(super) const READ_REGION: Cost = Cost { base: 200, per_thousand: 115 };
/// Writing a region, by bytes.
pub(super) const WRITE_REGION: Cost = Cost { base: 230, per_thousand: 570 };
/// Checking that bytes are text, by bytes.
pub(super) const TEXT: Cost = Cost { base: 29, per_thousand: 1_400 };
/// An address in either direction, by bytes of input.
pub(super) const ADDRESS: Cost = Cost { base: 500, per_thousand: 10_000 };
/// secp256k1 verification.
pub(super) const SECP256K1_VERIFY: Cost = Cost::flat(96 * MICROSECOND);
/// secp256k1 recovery.
pub(super) const SECP256K1_RECOVER: Cost = Cost::flat(194 * MICROSECOND);
/// secp256r1 verification.
pub(super) const SECP256R1_VERIFY: Cost = Cost::flat(279 * MICROSECOND);
/// secp256r1 recovery.
pub(super) const SECP256R1_RECOVER: Cost = Cost::flat(592 * MICROSECOND);
/// Ed25519 verification, by bytes of the message. Each signature of a batch costs as much: they are verified one
/// by one.
pub(super) const ED25519_VERIFY: Cost = Cost { base: 35 * MICROSECOND, per_thousand: 3_000 };
/// Sum of G1 points, by points.
pub(super) const BLS_AGGREGATE_G1: Cost =
    Cost { base: 68 * MICROSECOND, per_thousand: 12 * MICROSECOND * 1_000 };
/// Sum of G2 points, by points.
pub(super) const BLS_AGGREGATE_G2: Cost =
    Cost { base: 104 * MICROSECOND, per_thousand: 25 * MICROSECOND * 1_000 };
/// Hash to G1, by bytes of message and tag.
pub(super) const BLS_HASH_TO_G1: Cost = Cost { base: 563 * MICROSECOND, per_thousand: 5_000 };
/// Hash to G2, by bytes of message and tag.
pub(super) const BLS_HASH_TO_G2: Cost = Cost { base: 871 * MICROSECOND, per_thousand: 5_000 };
/// Equality of pairings, by pairings.
pub(super) const BLS_PAIRING: Cost =
    Cost { base: 2_112 * MICROSECOND, per_thousand: 163 * MICROSECOND * 1_000 };
/// Pages that the memory grew by, charged when the call is over: the machine must clear each.
pub(super) const GROWN_PAGE: u64 = 5 * MICROSECOND;

/// The fuel of each instruction. Plain ones cost 1 and block structure nothing, which is wasmtime's default.
pub(super) const OPERATORS: OperatorCost = operators();

const fn operators() -> OperatorCost {
    let mut cost = OperatorCost::new();
    cost.Call = 3;
    cost.CallIndirect = 8;
    cost.BrTable = 3;
    cost.MemoryGrow = 255;
    cost.variable.memory_grow_per_page = 255;
    cost.I32DivS = 8;
    cost.I32DivU = 8;
    cost.I32RemS = 8;
    cost.I32RemU = 8;
    cost.I64DivS = 16;
    cost.I64DivU = 16;
    cost.I64RemS = 16;
    cost.I64RemU = 16;
    // Float results are made canonical, which is more work than the operation.
    cost.F32Add = 3;
    cost.F32Sub = 3;
    cost.F32Mul = 3;
    cost.F32Min = 4;
    cost.F32Max = 4;
    cost.F32Div = 8;
    cost.F32Sqrt = 8;
    cost.F32Ceil = 3;
    cost.F32Floor = 3;
    cost.F32Trunc = 3;
    cost.F32Nearest = 3;
    cost.F64Add = 3;
    cost.F64Sub = 3;
    cost.F64Mul = 3;
    cost.F64Min = 4;
    cost.F64Max = 4;
    cost.F64Div = 10;
    cost.F64Sqrt = 10;
    cost.F64Ceil = 3;
    cost.F64Floor = 3;
    cost.F64Trunc = 3;
    cost.F64Nearest = 3;
    cost
}
