//! weft-config
