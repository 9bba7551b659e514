//! RPC.
pub mod args; pub mod clients; pub mod dispatch; pub mod edge; pub mod errors; pub mod gate; pub mod io; pub mod limits; pub mod server;
