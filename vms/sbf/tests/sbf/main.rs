//! The machine from outside: against litesvm, compiled against interpreted, against programs and transactions that
//! mean harm, and against itself with other caches.

mod abuse;
mod bad_elfs;
mod determinism;
mod engines;
mod harmful;
mod litesvm;
mod programs;
mod random;
mod world;
