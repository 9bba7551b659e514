//! Tests of the whole machine: signed transactions over a state in memory.

mod ante;
mod conformance;
mod words;
mod world;
