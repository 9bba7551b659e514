//! The conformance suite: what makes a crate a machine.
