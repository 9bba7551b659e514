//! Why a contract is refused, in words for people.

use crate::engine::limits;

use super::{MIGRATE_VERSION_SECTION, STACK_HEIGHT_EXPORT};

/// Why a contract is refused at upload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Larger than [`MAX_CODE_SIZE`](super::MAX_CODE_SIZE).
    #[error("the code has {0} bytes, the limit is {limit}", limit = limits::MAX_CODE_SIZE)]
    Size(usize),
    /// Not Wasm, or of a feature that is not admitted; the parser's words.
    #[error("Wasm bytecode could not be deserialized: {0}")]
    Invalid(String),
    /// An instruction that may be decoded but not used.
    #[error("Reference type operation detected: {0}. Reference types are not supported.")]
    ReferenceType(String),
    /// Something else than one memory of a fitting size and no maximum.
    #[error("{0}")]
    Memory(String),
    /// More than one table, or one without a fitting maximum.
    #[error("{0}")]
    Table(String),
    /// An interface that this chain does not speak.
    #[error("Wasm contract has unknown {0} marker export; this chain takes interface_version_8")]
    InterfaceVersion(String),
    /// No interface marker.
    #[error("Wasm contract missing a required marker export: interface_version_*")]
    NoInterfaceVersion,
    /// More than one.
    #[error("Wasm contract contains more than one marker export: interface_version_*")]
    ManyInterfaceVersions,
    /// An export that the host calls is not there or of another type.
    #[error("Wasm contract doesn't have required export: \"{0}\"")]
    MissingExport(&'static str),
    /// An export under the instrumentation's name.
    #[error("Wasm contract exports the reserved name {STACK_HEIGHT_EXPORT}")]
    ReservedExport,
    /// An import that this chain has not.
    #[error("Wasm contract requires unsupported import: \"{0}\"")]
    Import(String),
    /// An import that is no function.
    #[error("Wasm contract requires non-function import: \"{0}\"")]
    ImportKind(String),
    /// An import with other parameters or results than the host's.
    #[error("Wasm contract imports \"{0}\" with another signature than it has")]
    ImportType(String),
    /// Something that this chain does not offer.
    #[error("Wasm contract requires unavailable capabilities: {{{0}}}")]
    Capabilities(String),
    /// Too many of something.
    #[error("Wasm contract has {count} {what}, the limit is {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many are admitted.
        limit: usize,
    },
    /// A start function.
    #[error("Wasm contract has a start function, which is not supported")]
    Start,
    /// A migrate version that is no number.
    #[error("Wasm contract has a bad section {MIGRATE_VERSION_SECTION}: {0}")]
    MigrateVersion(String),
    /// The compiler refused what all checks passed.
    #[error("Wasm contract cannot be compiled")]
    Uncompilable,
}

impl From<wasmparser::BinaryReaderError> for CodeError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid(error.to_string())
    }
}
