//! Real contracts, in this engine and in another one.

mod both;
mod contracts;
mod corpus;
mod crypto;
mod determinism;
mod files;
mod ours;
mod probestack;
mod theirs;
mod tokens;
mod uploads;
mod wat;
