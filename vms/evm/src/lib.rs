//! weft-evm
