//! weft-genesis
