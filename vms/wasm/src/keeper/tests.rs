//! The keeper with the real engine, over a state in memory.

mod codes;
mod echo;
mod hackatom;
mod lifecycle;
mod model;
mod pages;
mod queries;
mod replies;
mod tokens;
mod trees;
mod world;
