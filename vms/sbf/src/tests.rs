//! Tests of the machine: a chain of blocks in memory, and real programs on it.

mod conformance;
mod lifecycle;
mod world;
