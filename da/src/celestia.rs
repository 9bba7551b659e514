//! celestia
